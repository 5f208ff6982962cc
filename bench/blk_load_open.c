// SPDX-License-Identifier: GPL-2.0-or-later
/* Attaching to a disk, or to one that does nothing, and detaching. */
#include "bench/blk_load_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "bench/blk_sink.h"

/* What back ends that read files around the cache want memory aligned to. */
#define PAGE 4096

static size_t round_up(size_t size, size_t unit)
{
	return (size + unit - 1) / unit * unit;
}

static size_t cells_bytes(const struct blk_load *load)
{
	return round_up((size_t)load->options.depth * BLK_CELL, PAGE);
}

static size_t tables_bytes(const struct blk_load *load)
{
	const size_t entry = sizeof(struct vring_desc);

	return load->shape.is_indirect
		       ? round_up(load->options.depth * load->shape.parts * entry, PAGE)
		       : 0;
}

static size_t queue_bytes(const struct blk_load *load)
{
	return cells_bytes(load) + tables_bytes(load) + (size_t)load->options.depth * load->stride;
}

static int make_queue(struct blk_load *load, unsigned int index)
{
	struct front_end *front_end = &load->front_end;
	struct driver_ring *ring = &front_end->rings[index];
	struct blk_queue *queue = &load->queues[index];
	const size_t at = index * queue_bytes(load), tables = at + cells_bytes(load);
	const size_t data = tables + tables_bytes(load);
	const unsigned int depth = load->options.depth;

	*queue = (struct blk_queue){
		.ring = ring,
		.kick = front_end->kick[index],
		.requests = calloc(depth, sizeof(*queue->requests)),
		.cells = front_end->memory + at,
		.cells_gpa = front_end->gpa + at,
		.data = front_end->memory + data,
		.data_gpa = front_end->gpa + data,
	};
	ring->count = (uint16_t)depth;
	ring->parts_max = (uint8_t)load->shape.parts;
	if (load->shape.is_indirect) {
		ring->tables = (void *)(front_end->memory + tables);
		ring->tables_gpa = front_end->gpa + tables;
	}
	ring->buffers = calloc(ring->size, sizeof(*ring->buffers));
	ring->parts = calloc((size_t)depth * load->shape.parts, sizeof(*ring->parts));
	if (!queue->requests || !ring->buffers || !ring->parts)
		return iov_fail(load->iov, -ENOMEM, "no memory for the requests of a ring");
	driver_ring_describe(ring);
	/* What is written unless it is verified: nothing that a disk has a short form for. */
	blk_pattern_fill(queue->data, at / BLK_SECTOR, depth * (load->stride / BLK_SECTOR), 1);
	for (unsigned int i = 0; i < depth; i++)
		queue->requests[i].described = BLK_KINDS;
	return 0;
}

static struct front_end_options front_end_options(const struct blk_load *load)
{
	return (struct front_end_options){
		.features = load->shape.features,
		.needed = load->shape.needed,
		.rings = load->options.queues,
		.ring_size = load->shape.ring_size,
		.memory = load->options.queues * queue_bytes(load),
		.no_huge = load->options.no_huge,
	};
}

static int make_queues(struct blk_load *load)
{
	int error = 0;

	for (unsigned int i = 0; !error && i < load->options.queues; i++)
		error = make_queue(load, i);
	if (error || !load->options.verify)
		return error;
	/* Each run has generations of its own, of which there are less than 2^32. */
	error = blk_ledger_open(&load->ledger, load->shape.slots, (uint64_t)time(NULL) << 32);
	return error ? iov_fail(load->iov, -ENOMEM,
				"%s: no memory to remember what %llu places of the disk have; "
				"expected a smaller --span, or requests of a larger --size",
				load->front_end.path, (unsigned long long)load->shape.slots)
		     : 0;
}

static int open_load(struct blk_load **out, struct iov *iov, const struct blk_load_options *options)
{
	struct blk_load *load = calloc(1, sizeof(*load));

	*out = load;
	if (!load)
		return iov_fail(iov, -ENOMEM, "no memory for a load");
	load->iov = iov;
	load->options = *options;
	load->stride = (uint32_t)round_up(options->size, PAGE);
	load->seed = monotonic_ns() | 1;
	return 0;
}

static int attach(struct blk_load *load, const char *path)
{
	struct front_end *front_end = &load->front_end;
	struct front_end_options how;
	int error = front_end_meet(front_end, load->iov, path, load->options.listen);

	if (!error)
		error = blk_disk_read(&load->disk, load->iov, front_end);
	if (!error)
		error = blk_shape_fit(&load->shape, load->iov, path, &load->disk,
				      front_end->offered, &load->options);
	if (error)
		return error;
	how = front_end_options(load);
	error = front_end_agree(front_end, &how);
	if (!error)
		error = make_queues(load);
	if (!error)
		error = front_end_start(front_end);
	for (unsigned int i = 0; i < load->options.queues; i++)
		load->queues[i].kick = front_end->kick[i];
	return error;
}

static int end_open(struct blk_load **out, int error)
{
	if (error) {
		blk_load_close(*out);
		*out = NULL;
	}
	return error;
}

int blk_load_open(struct blk_load **out, struct iov *iov, const char *path,
		  const struct blk_load_options *options)
{
	int error = open_load(out, iov, options);

	return end_open(out, error ? error : attach(*out, path));
}

/* A disk that has room for any load. */
static struct blk_disk sink_disk(const struct blk_load_options *options)
{
	const uint64_t under_way = 2ull * options->depth * options->queues * options->size;
	const uint64_t bytes =
		options->span > UINT64_C(1) << 30 ? options->span : UINT64_C(1) << 30;

	return (struct blk_disk){
		.bytes = bytes > under_way ? bytes : under_way,
		.block_size = BLK_SECTOR,
		.seg_max = UINT32_MAX,
		.queues = options->queues,
	};
}

static int attach_sink(struct blk_load *load, int cpu)
{
	struct blk_sink_ring rings[FRONT_END_RINGS_MAX];
	struct front_end_options how;
	int error;

	load->disk = sink_disk(&load->options);
	error = blk_shape_fit(&load->shape, load->iov, "the sink", &load->disk, UINT64_MAX,
			      &load->options);
	if (error)
		return error;
	how = front_end_options(load);
	error = front_end_pretend(&load->front_end, load->iov, &how);
	if (!error)
		error = make_queues(load);
	if (error)
		return error;
	/* Nothing was filled; looking at what nobody wrote takes as long as at what somebody did.
	 */
	for (uint64_t i = 0; i < load->ledger.slots; i++) {
		blk_ledger_renew(&load->ledger, i);
		blk_ledger_release(&load->ledger, i, true);
	}
	for (unsigned int i = 0; i < load->options.queues; i++)
		rings[i] = (struct blk_sink_ring){load->queues[i].ring,
						  load->queues[i].cells + BLK_STATUS, BLK_CELL};
	return blk_sink_start(&load->sink, load->iov, rings, load->options.queues, cpu);
}

int blk_load_open_sink(struct blk_load **out, struct iov *iov,
		       const struct blk_load_options *options, int cpu)
{
	int error = open_load(out, iov, options);

	return end_open(out, error ? error : attach_sink(*out, cpu));
}

void blk_load_close(struct blk_load *load)
{
	if (!load)
		return;
	sink_stop(load->sink);
	for (unsigned int i = 0; i < load->options.queues; i++) {
		struct blk_queue *queue = &load->queues[i];

		free(queue->requests);
		if (queue->ring) {
			free(queue->ring->buffers);
			free(queue->ring->parts);
		}
	}
	front_end_close(&load->front_end);
	blk_ledger_close(&load->ledger);
	free(load);
}
