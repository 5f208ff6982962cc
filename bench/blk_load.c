// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation.  Each ring has as many requests as the load is deep, whose headers, statuses
 * and memory are made once.  A pass takes what a ring gave back, and posts all that the ring has
 * again, with another place on the disk; a kind of request other than before is described anew.
 * Times are taken once a pass: behind what was taken, and so in front of what is posted.  Unless
 * blocks are verified no byte of them is touched.
 */
#include "bench/blk_load.h"

#include <errno.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "bench/blk_ledger.h"
#include "bench/blk_sink.h"
#include "bench/relax.h"
#include "vhost-user/protocol/message.h"

/* Header and status of a request, which cross between cores together. */
#define CELL 64
#define STATUS sizeof(struct virtio_blk_outhdr)
#define NO_STATUS 0xff

/* What back ends that read files around the cache want memory aligned to. */
#define PAGE 4096

/* Most requests that are taken at once. */
#define BURST 64

/* How often a clock is read while nothing comes back, and a connection is looked at. */
#define SPINS 64
#define WATCH_NS 20000000u

/* How long requests are waited for in the end, and when somebody wants an end. */
#define DRAIN_NS 20000000000u
#define DRAIN_STOPPED_NS 2000000000u

/* Places that are tried until one is free. */
#define TRIES 64

struct request {
	uint64_t start;
	uint64_t slot;
	uint8_t kind;
	uint8_t described; /* the kind that its descriptors are for */
};

struct queue {
	struct driver_ring *ring;
	int kick;
	struct request *requests;
	uint8_t *cells;
	uint64_t cells_gpa;
	uint8_t *data;
	uint64_t data_gpa;
	unsigned int writes; /* since the last flush */
};

/* What requests are made. */
struct job {
	unsigned int read_percent;
	bool is_random;
	unsigned int flush_every;
	uint64_t left; /* requests that are to be posted */
};

struct blk_load {
	struct iov *iov;
	struct blk_load_options options;
	struct blk_disk disk;
	struct blk_shape shape;
	struct front_end front_end;
	struct queue queues[FRONT_END_RINGS_MAX];
	uint32_t stride; /* from the data of a request to that of the next one */
	struct sink *sink;
	struct blk_ledger ledger;
	struct job job;
	uint64_t seed;
	uint64_t next; /* place, when one comes behind the other */
	uint64_t now;
	unsigned int idle;
	struct blk_load_counts counts;
	struct histogram latency[BLK_KINDS];
};

static size_t round_up(size_t size, size_t unit)
{
	return (size + unit - 1) / unit * unit;
}

static size_t cells_bytes(const struct blk_load *load)
{
	return round_up((size_t)load->options.depth * CELL, PAGE);
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
	return cells_bytes(load) + tables_bytes(load) +
	       (size_t)load->options.depth * load->stride;
}

static int make_queue(struct blk_load *load, unsigned int index)
{
	struct front_end *front_end = &load->front_end;
	struct driver_ring *ring = &front_end->rings[index];
	struct queue *queue = &load->queues[index];
	const size_t at = index * queue_bytes(load), tables = at + cells_bytes(load);
	const size_t data = tables + tables_bytes(load);
	const unsigned int depth = load->options.depth;

	*queue = (struct queue){
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

static int open_load(struct blk_load **out, struct iov *iov,
		     const struct blk_load_options *options)
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
	const uint64_t bytes = options->span > UINT64_C(1) << 30 ? options->span
								 : UINT64_C(1) << 30;

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
	/* Nothing was filled; looking at what nobody wrote takes as long as at what somebody did. */
	for (uint64_t i = 0; i < load->ledger.slots; i++) {
		blk_ledger_renew(&load->ledger, i);
		blk_ledger_release(&load->ledger, i, true);
	}
	for (unsigned int i = 0; i < load->options.queues; i++)
		rings[i] = (struct blk_sink_ring){load->queues[i].ring,
						  load->queues[i].cells + STATUS, CELL};
	return blk_sink_start(&load->sink, load->iov, rings, load->options.queues, cpu);
}

int blk_load_open_sink(struct blk_load **out, struct iov *iov,
		       const struct blk_load_options *options, int cpu)
{
	int error = open_load(out, iov, options);

	return end_open(out, error ? error : attach_sink(*out, cpu));
}

static uint64_t random_number(struct blk_load *load)
{
	load->seed ^= load->seed << 13;
	load->seed ^= load->seed >> 7;
	load->seed ^= load->seed << 17;
	return load->seed;
}

static uint64_t random_below(struct blk_load *load, uint64_t limit)
{
	return (uint64_t)((unsigned __int128)random_number(load) * limit >> 64);
}

/* A place on the disk; false when none is free now. */
static bool choose_slot(struct blk_load *load, uint64_t *slot)
{
	const uint64_t slots = load->shape.slots;

	for (unsigned int i = 0; i < TRIES; i++) {
		*slot = load->job.is_random ? random_below(load, slots) : load->next % slots;
		if (!load->options.verify || blk_ledger_claim(&load->ledger, *slot)) {
			load->next++;
			return true;
		}
		/* Who goes on one behind the other waits. */
		if (!load->job.is_random)
			return false;
	}
	return false;
}

static bool choose(struct blk_load *load, struct queue *queue, struct request *request)
{
	const struct job *job = &load->job;

	if (job->flush_every && queue->writes >= job->flush_every) {
		queue->writes = 0;
		request->kind = BLK_FLUSH;
		return true;
	}
	if (!choose_slot(load, &request->slot))
		return false;
	request->kind = BLK_READ;
	if (job->read_percent < 100 && random_below(load, 100) >= job->read_percent) {
		request->kind = BLK_WRITE;
		queue->writes++;
	}
	return true;
}

/* The descriptors of a request: header, data if there are any, status. */
static void describe(struct blk_load *load, struct queue *queue, uint32_t id)
{
	struct request *request = &queue->requests[id];
	const uint64_t cell = queue->cells_gpa + (uint64_t)id * CELL;
	const uint64_t data = queue->data_gpa + (uint64_t)id * load->stride;
	const uint32_t sectors = load->options.size / BLK_SECTOR;
	const unsigned int segments = request->kind == BLK_FLUSH ? 0 : load->shape.segments;
	const uint16_t flags = request->kind == BLK_READ ? VRING_DESC_F_WRITE : 0;
	struct driver_part parts[DRIVER_PARTS_MAX];
	unsigned int count = 0;

	parts[count++] = (struct driver_part){cell, sizeof(struct virtio_blk_outhdr), 0};
	for (unsigned int i = 0; i < segments; i++) {
		const uint64_t from = (uint64_t)sectors * i / segments * BLK_SECTOR;
		const uint64_t to = (uint64_t)sectors * (i + 1) / segments * BLK_SECTOR;

		parts[count++] = (struct driver_part){data + from, (uint32_t)(to - from), flags};
	}
	parts[count++] = (struct driver_part){cell + STATUS, 1, VRING_DESC_F_WRITE};
	driver_ring_chain(queue->ring, id, parts, count);
	request->described = request->kind;
}

/* What is verified tells what it is, and memory for it that it is not there yet. */
static void mark(struct blk_load *load, const struct request *request, uint8_t *data)
{
	const unsigned int sectors = load->options.size / BLK_SECTOR;

	if (request->kind == BLK_WRITE)
		blk_pattern_fill(data, request->slot * sectors, sectors,
				 blk_ledger_renew(&load->ledger, request->slot));
	else if (request->kind == BLK_READ)
		blk_pattern_spoil(data, sectors);
}

/* Make a request of a place that the driver has; false when there is nothing to ask for now. */
static bool prepare(struct blk_load *load, struct queue *queue, uint32_t id)
{
	static const uint32_t types[BLK_KINDS] = {VIRTIO_BLK_T_IN, VIRTIO_BLK_T_OUT,
						  VIRTIO_BLK_T_FLUSH};
	const unsigned int sectors = load->options.size / BLK_SECTOR;
	struct request *request = &queue->requests[id];
	struct virtio_blk_outhdr header = {0};
	uint8_t *cell = queue->cells + (size_t)id * CELL;

	if (!choose(load, queue, request))
		return false;
	if (request->kind != request->described)
		describe(load, queue, id);
	header.type = types[request->kind];
	if (request->kind != BLK_FLUSH)
		header.sector = request->slot * sectors;
	memcpy(cell, &header, sizeof(header));
	cell[STATUS] = NO_STATUS;
	if (load->options.verify)
		mark(load, request, queue->data + (size_t)id * load->stride);
	request->start = load->now;
	return true;
}

static void kick(struct blk_load *load, const struct queue *queue)
{
	/* The back end must see what was posted before we look whether it sleeps; it says that it
	 * does first and looks then, or both would wait. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!driver_ring_wants_kick(queue->ring) || queue->kick < 0)
		return;
	front_end_kick(&load->front_end, (unsigned int)(queue - load->queues));
	load->counts.kicks++;
}

static void post(struct blk_load *load, struct queue *queue)
{
	struct driver_ring *ring = queue->ring;
	unsigned int count = 0;

	while (count < ring->owned && load->job.left &&
	       prepare(load, queue, driver_ring_next(ring, count))) {
		count++;
		load->job.left--;
	}
	if (!count)
		return;
	driver_ring_post(ring, count);
	kick(load, queue);
}

/* Compare what was read, and have others use its place. */
static void settle(struct blk_load *load, const struct queue *queue, uint32_t id, bool is_done)
{
	const struct request *request = &queue->requests[id];
	const unsigned int sectors = load->options.size / BLK_SECTOR;
	const uint64_t generation = blk_ledger_generation(&load->ledger, request->slot);

	if (request->kind == BLK_READ && is_done && generation)
		blk_pattern_check(queue->data + (size_t)id * load->stride,
				  request->slot * sectors, sectors, generation,
				  load->counts.verdicts, &load->counts.wrong);
	blk_ledger_release(&load->ledger, request->slot,
			   request->kind == BLK_WRITE && is_done);
}

static void complete(struct blk_load *load, struct queue *queue, uint32_t id)
{
	struct blk_load_counts *counts = &load->counts;
	const struct request *request = &queue->requests[id];
	const uint8_t status = queue->cells[(size_t)id * CELL + STATUS];

	histogram_add(&load->latency[request->kind], load->now - request->start);
	counts->requests[request->kind]++;
	if (status) {
		counts->errors[request->kind]++;
		if (!counts->status)
			counts->status = status;
	} else if (request->kind != BLK_FLUSH) {
		counts->bytes += load->options.size;
	}
	if (load->options.verify && request->kind != BLK_FLUSH)
		settle(load, queue, id, !status);
}

/* Take what came back, and post others. */
static int pass(struct blk_load *load, struct queue *queue, bool posts)
{
	struct driver_used used[BURST];
	int taken = driver_ring_take(queue->ring, used, BURST);

	if (taken < 0)
		return iov_fail(load->iov, -EPROTO,
				"%s: the back end gave back a request that it was not given",
				load->front_end.path);
	posts = posts && queue->ring->owned && load->job.left;
	if (!taken && !posts) {
		relax(&load->idle);
		return 0;
	}
	load->idle = taken ? 0 : load->idle;
	load->now = monotonic_ns();
	for (int i = 0; i < taken; i++)
		complete(load, queue, used[i].id);
	if (!posts)
		return 0;
	if (load->options.verify)
		load->now = monotonic_ns();
	post(load, queue);
	return 0;
}

static unsigned int under_way(const struct blk_load *load)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < load->options.queues; i++)
		count += load->options.depth - load->queues[i].ring->owned;
	return count;
}

static int watch(struct blk_load *load)
{
	if (load->sink || !front_end_is_gone(&load->front_end))
		return 0;
	return iov_fail(load->iov, -ECONNRESET,
			"%s: the back end went away while it was measured; what was counted until "
			"then is told",
			load->front_end.path);
}

/* Until @end, or somebody wants an end, or all is done. */
static int go_on(struct blk_load *load, uint64_t end, bool posts, const volatile bool *stop)
{
	uint64_t watched = load->now;
	int error = 0;

	for (unsigned int spins = 0; !error && load->now < end && !(stop && *stop); spins++) {
		for (unsigned int i = 0; !error && i < load->options.queues; i++)
			error = pass(load, &load->queues[i], posts);
		if ((!posts || !load->job.left) && !under_way(load))
			break;
		if (spins % SPINS)
			continue;
		load->now = monotonic_ns();
		if (!error && load->now - watched > WATCH_NS) {
			watched = load->now;
			error = watch(load);
		}
	}
	return error;
}

/* Wait for what is under way. */
static int drain(struct blk_load *load, const volatile bool *stop)
{
	const uint64_t patience = *stop ? DRAIN_STOPPED_NS : DRAIN_NS;
	int error = go_on(load, load->now + patience, false, NULL);

	load->counts.lost = under_way(load);
	if (error || !load->counts.lost)
		return error;
	return iov_fail(load->iov, -ETIMEDOUT,
			"%s: %llu requests did not come back within %u s", load->front_end.path,
			(unsigned long long)load->counts.lost,
			(unsigned int)(patience / 1000000000u));
}

static int do_job(struct blk_load *load, const struct job *job, double seconds,
		  const volatile bool *stop, struct blk_load_counts *counts)
{
	uint64_t start;
	int error;

	load->job = *job;
	load->counts = (struct blk_load_counts){0};
	memset(load->latency, 0, sizeof(load->latency));
	start = load->now = monotonic_ns();
	error = go_on(load, start + (uint64_t)(seconds * 1e9), true, stop);
	load->counts.seconds = (double)(load->now - start) / 1e9;
	if (!error) {
		error = drain(load, stop);
		/* What came back in the end was counted, so its time is, too. */
		if (!error)
			load->counts.seconds = (double)(load->now - start) / 1e9;
	}
	*counts = load->counts;
	return error ? error : *stop ? -EINTR : 0;
}

/* A century: as long as it takes. */
#define ANY_SECONDS 3e9

int blk_load_run(struct blk_load *load, double seconds, uint64_t requests,
		 const volatile bool *stop, struct blk_load_counts *counts)
{
	const struct job job = {
		.read_percent = load->options.read_percent,
		.is_random = load->options.is_random,
		.flush_every = load->options.flush_every,
		.left = requests ? requests : UINT64_MAX,
	};

	return do_job(load, &job, seconds, stop, counts);
}

/* All places, one behind the other. */
static int do_all(struct blk_load *load, unsigned int read_percent, const volatile bool *stop,
		  struct blk_load_counts *counts)
{
	const struct job job = {.read_percent = read_percent, .left = load->shape.slots};

	load->next = 0;
	return do_job(load, &job, ANY_SECONDS, stop, counts);
}

int blk_load_fill(struct blk_load *load, const volatile bool *stop, struct blk_load_counts *counts)
{
	return do_all(load, 0, stop, counts);
}

int blk_load_read_back(struct blk_load *load, const volatile bool *stop,
		       struct blk_load_counts *counts)
{
	return do_all(load, 100, stop, counts);
}

const struct histogram *blk_load_latency(const struct blk_load *load, enum blk_kind kind)
{
	return &load->latency[kind];
}

const struct blk_disk *blk_load_disk(const struct blk_load *load)
{
	return &load->disk;
}

const struct blk_shape *blk_load_shape(const struct blk_load *load)
{
	return &load->shape;
}

uint64_t blk_load_features(const struct blk_load *load)
{
	return load->front_end.features;
}

bool blk_load_is_huge(const struct blk_load *load)
{
	return load->front_end.is_huge;
}

void blk_load_close(struct blk_load *load)
{
	if (!load)
		return;
	sink_stop(load->sink);
	for (unsigned int i = 0; i < load->options.queues; i++) {
		struct queue *queue = &load->queues[i];

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
