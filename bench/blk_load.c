// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation.  Each ring has as many requests as the load is deep, whose headers, statuses
 * and memory are made once.  A pass takes what a ring gave back, and posts all that the ring has
 * again, with another place on the disk; a kind of request other than before is described anew.
 * Times are taken once a pass: behind what was taken, and so in front of what is posted.  Unless
 * blocks are verified no byte of them is touched.
 */
#include "bench/blk_load_internal.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "bench/relax.h"

/* What a status is while a request is under way: none of virtio's. */
#define NO_STATUS 0xff

/* Most requests that are taken at once. */
#define BURST 64

/* How often a clock is read while nothing comes back, and a connection is looked at. */
#define SPINS 64
#define WATCH_NS 20000000u

/* How long nothing may come back, and for how long that is waited for when somebody wants an end.
 */
#define PATIENCE_NS 20000000000u
#define PATIENCE_STOPPED_NS 2000000000u

/* Places that are tried until one is free. */
#define TRIES 64

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

static bool choose(struct blk_load *load, struct blk_queue *queue, struct blk_request *request)
{
	const struct blk_job *job = &load->job;

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
static void describe(struct blk_load *load, struct blk_queue *queue, uint32_t id)
{
	struct blk_request *request = &queue->requests[id];
	const uint64_t cell = queue->cells_gpa + (uint64_t)id * BLK_CELL;
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
	parts[count++] = (struct driver_part){cell + BLK_STATUS, 1, VRING_DESC_F_WRITE};
	driver_ring_chain(queue->ring, id, parts, count);
	request->described = request->kind;
}

/* What is verified tells what it is, and memory for it that it is not there yet. */
static void mark(struct blk_load *load, const struct blk_request *request, uint8_t *data)
{
	const unsigned int sectors = load->options.size / BLK_SECTOR;

	if (request->kind == BLK_WRITE)
		blk_pattern_fill(data, request->slot * sectors, sectors,
				 blk_ledger_renew(&load->ledger, request->slot));
	else if (request->kind == BLK_READ)
		blk_pattern_spoil(data, sectors);
}

/* Make a request of a place that the driver has; false when there is nothing to ask for now. */
static bool prepare(struct blk_load *load, struct blk_queue *queue, uint32_t id)
{
	static const uint32_t types[BLK_KINDS] = {VIRTIO_BLK_T_IN, VIRTIO_BLK_T_OUT,
						  VIRTIO_BLK_T_FLUSH};
	const unsigned int sectors = load->options.size / BLK_SECTOR;
	struct blk_request *request = &queue->requests[id];
	struct virtio_blk_outhdr header = {0};
	uint8_t *cell = queue->cells + (size_t)id * BLK_CELL;

	if (!choose(load, queue, request))
		return false;
	if (request->kind != request->described)
		describe(load, queue, id);
	header.type = types[request->kind];
	if (request->kind != BLK_FLUSH)
		header.sector = request->slot * sectors;
	memcpy(cell, &header, sizeof(header));
	cell[BLK_STATUS] = NO_STATUS;
	if (load->options.verify)
		mark(load, request, queue->data + (size_t)id * load->stride);
	request->start = load->now;
	return true;
}

static void kick(struct blk_load *load, const struct blk_queue *queue)
{
	/* The back end must see what was posted before we look whether it sleeps; it says that it
	 * does first and looks then, or both would wait. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!driver_ring_wants_kick(queue->ring) || queue->kick < 0)
		return;
	front_end_kick(&load->front_end, (unsigned int)(queue - load->queues));
	load->counts.kicks++;
}

/* Post what can be; false for nothing, as each place that comes next is under way. */
static bool post(struct blk_load *load, struct blk_queue *queue)
{
	struct driver_ring *ring = queue->ring;
	unsigned int count = 0;

	while (count < ring->owned && load->job.left &&
	       prepare(load, queue, driver_ring_next(ring, count))) {
		count++;
		load->job.left--;
	}
	if (!count)
		return false;
	driver_ring_post(ring, count);
	kick(load, queue);
	return true;
}

/* Compare what was read, and have others use its place. */
static void settle(struct blk_load *load, const struct blk_queue *queue, uint32_t id, bool is_done)
{
	const struct blk_request *request = &queue->requests[id];
	const unsigned int sectors = load->options.size / BLK_SECTOR;
	const uint64_t generation = blk_ledger_generation(&load->ledger, request->slot);

	if (request->kind == BLK_READ && is_done && generation)
		blk_pattern_check(queue->data + (size_t)id * load->stride, request->slot * sectors,
				  sectors, generation, load->counts.verdicts, &load->counts.wrong);
	blk_ledger_release(&load->ledger, request->slot, request->kind == BLK_WRITE && is_done);
}

static void complete(struct blk_load *load, struct blk_queue *queue, uint32_t id)
{
	struct blk_load_counts *counts = &load->counts;
	const struct blk_request *request = &queue->requests[id];
	const uint8_t status = queue->cells[(size_t)id * BLK_CELL + BLK_STATUS];

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
static int pass(struct blk_load *load, struct blk_queue *queue, bool posts)
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
	load->now = monotonic_ns();
	if (taken) {
		load->idle = 0;
		load->came = load->now;
	}
	for (int i = 0; i < taken; i++)
		complete(load, queue, used[i].id);
	if (!posts)
		return 0;
	if (load->options.verify)
		load->now = monotonic_ns();
	if (!post(load, queue) && !taken)
		relax(&load->idle);
	return 0;
}

static unsigned int under_way(const struct blk_load *load)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < load->options.queues; i++)
		count += load->options.depth - load->queues[i].ring->owned;
	return count;
}

static int watch(struct blk_load *load, uint64_t patience)
{
	if (!load->sink && front_end_is_gone(&load->front_end))
		return iov_fail(
			load->iov, -ECONNRESET,
			"%s: the back end went away while it was measured; what was counted "
			"until then is told",
			load->front_end.path);
	if (load->now - load->came < patience || !under_way(load))
		return 0;
	load->front_end.is_deaf = true;
	return iov_fail(load->iov, -ETIMEDOUT,
			"%s: %u requests are not done, and nothing came back for %u s; expected a "
			"disk that answers, its log may say more",
			load->front_end.path, under_way(load),
			(unsigned int)(patience / 1000000000u));
}

/* Take what comes back, and post others, until @end, or somebody wants an end, or all is done. */
static int go_on(struct blk_load *load, uint64_t end, const volatile bool *stop)
{
	uint64_t watched = load->now;
	int error = 0;

	for (unsigned int spins = 0; !error && load->now < end && !*stop; spins++) {
		for (unsigned int i = 0; !error && i < load->options.queues; i++)
			error = pass(load, &load->queues[i], true);
		if (!load->job.left && !under_way(load))
			break;
		if (spins % SPINS)
			continue;
		load->now = monotonic_ns();
		if (!error && load->now - watched > WATCH_NS) {
			watched = load->now;
			error = watch(load, PATIENCE_NS);
		}
	}
	return error;
}

/* Take what is under way. */
static int drain(struct blk_load *load, const volatile bool *stop)
{
	int error = 0;

	for (unsigned int spins = 0; !error && under_way(load); spins++) {
		for (unsigned int i = 0; !error && i < load->options.queues; i++)
			error = pass(load, &load->queues[i], false);
		if (spins % SPINS)
			continue;
		load->now = monotonic_ns();
		if (!error)
			error = watch(load, *stop ? PATIENCE_STOPPED_NS : PATIENCE_NS);
	}
	return error;
}

static int do_job(struct blk_load *load, const struct blk_job *job, double seconds,
		  const volatile bool *stop, struct blk_load_counts *counts)
{
	uint64_t start;
	int error;

	load->job = *job;
	load->counts = (struct blk_load_counts){0};
	memset(load->latency, 0, sizeof(load->latency));
	start = load->came = load->now = monotonic_ns();
	error = go_on(load, start + (uint64_t)(seconds * 1e9), stop);
	/* What comes back in the end is counted, so its time is, too. */
	if (!error)
		error = drain(load, stop);
	load->counts.seconds = (double)(load->now - start) / 1e9;
	load->counts.lost = under_way(load);
	*counts = load->counts;
	return error ? error : *stop ? -EINTR : 0;
}

/* A century: as long as it takes. */
#define ANY_SECONDS 3e9

int blk_load_run(struct blk_load *load, double seconds, uint64_t requests,
		 const volatile bool *stop, struct blk_load_counts *counts)
{
	const struct blk_job job = {
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
	const struct blk_job job = {.read_percent = read_percent, .left = load->shape.slots};

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
