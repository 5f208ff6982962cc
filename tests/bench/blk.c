// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a request to a disk that does nothing costs the back end, in cycles of the TSC, and where
 * they go: to the ring, to what is in flight being written down, and to the request itself, before it is
 * submitted and after it is done.
 *
 * One core plays the driver and the worker by turns, and only the worker is timed; see ring.c for what such
 * a figure is worth.  Reads of 4 KiB, 32 at a time, each with an indirect table of three.
 *
 * Then two cores do that at once, each with a ring and a worker: both rings of one disk, and as what
 * that has to reach, of a disk each.  Only what one did while the other was at it counts.
 */
#include <endian.h>
#include <errno.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

#include "tests/bench/median.h"
#include "tests/unit/ring.h"
#include "vhost-user/blk/disk.h"
#include "vhost-user/blk/poller.h"
#include "vhost-user/blk/queue.h"
#include "vhost-user/ring/virtq_inflight.h"

#define RING 256
#define BURST 32
#define BURSTS 20000
#define CORES 2
#define DATA 4096
#define DISK_BYTES (UINT64_C(1) << 30)
#define FEATURES (EVENT_IDX | INDIRECT | BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_BLK_F_FLUSH))

struct bench {
	struct fixture fixture;
	struct vu_queue vu;
	struct virtq_inflight *inflight;
	uint8_t *region;
	struct blk_disk *disk;
	struct blk_disk *own;		/* that it opened; NULL for none */
	struct blk_channel *channel;
	struct blk_queue *queue;
	struct blk_counters *counters;
	uint64_t requests[BURST];
	uint64_t tables;		/* where those of a burst begin */
	uint64_t first[BURSTS];		/* cycles until all is submitted; of the ring alone, all */
	uint64_t second[BURSTS];	/* and from there until it is given back */
};

static double median(uint64_t *cycles)
{
	return (double)median_of(cycles, BURSTS) / BURST;
}

static struct bench *new_bench(void)
{
	const size_t bytes = (sizeof(struct bench) + 63) & ~(size_t)63;
	struct bench *bench = aligned_alloc(64, bytes);

	memset(bench, 0, bytes);
	return bench;
}

static void open_ring_of(struct bench *bench, bool packed, bool tracked)
{
	const uint64_t features = FEATURES | (packed ? BIT(VIRTIO_F_RING_PACKED) : 0);
	struct virtq_setup setup;
	size_t bytes;

	fixture_open(&bench->fixture);
	bench->fixture.packed = packed;
	open_ring(&bench->fixture, RING, features);
	bench->vu = (struct vu_queue){
		.ring = bench->fixture.vq, .enabled = true, .kick_fd = -1, .call_fd = -1,
		.features = features,
	};
	for (unsigned int i = 0; i < BURST; i++)
		bench->requests[i] = guest_alloc(&bench->fixture.guest, 16 + DATA + 1, 4096);
	bench->tables = bench->fixture.guest.allocated;
	driver_want_calls(&bench->fixture.driver, false);
	if (!tracked)
		return;
	setup = ring_setup_of(&bench->fixture, features);
	bytes = (virtq_inflight_bytes(RING, features) + 63) & ~(size_t)63;
	bench->region = aligned_alloc(64, bytes);
	memset(bench->region, 0, bytes);
	assert_int_equal(virtq_inflight_open(&bench->inflight, bench->fixture.iov, bench->region, RING,
					     &setup), 0);
	virtq_start(&bench->vu.ring, &setup);
	bench->vu.inflight = bench->inflight;
}

static void open_disk(struct bench *bench, struct blk_disk *disk)
{
	const struct blk_backend_ops *ops = &blk_backend_null;
	const struct blk_source source = { .bytes = DISK_BYTES, .workers = CORES };

	assert_int_equal(blk_disk_open(disk, bench->fixture.iov, ops, &source), 0);
	assert_int_equal(blk_disk_lock(disk), 0);
	bench->own = disk;
}

static void open_queue(struct bench *bench, struct blk_disk *disk)
{
	bench->disk = disk;
	assert_int_equal(disk->backend->ops->channel_open(&bench->channel, disk->backend, NULL), 0);
	bench->counters = calloc(BLK_KINDS, sizeof(*bench->counters));
	assert_int_equal(blk_queue_open(&bench->queue, disk, &bench->vu, bench->counters), 0);
}

static void close_bench(struct bench *bench)
{
	assert_int_equal(bench->vu.ring.error, VIRTQ_OK);
	if (bench->queue) {
		assert_int_equal(bench->counters[BLK_KIND_READ].count % BURST, 0);
		assert_int_equal(bench->counters[BLK_KIND_READ].failed, 0);
		blk_queue_close(bench->queue);
		bench->disk->backend->ops->channel_close(bench->channel);
		free(bench->counters);
	}
	if (bench->own)
		blk_disk_close(bench->own);
	virtq_inflight_close(bench->inflight);
	free(bench->region);
	fixture_close(&bench->fixture);
	free(bench);
}

/* The driver's turn. */
static void refill(struct bench *bench, unsigned int burst)
{
	struct driver *driver = &bench->fixture.driver;
	struct vring_used_elem done;

	while (driver_used(driver, &done))
		;
	bench->fixture.guest.allocated = bench->tables;
	for (unsigned int i = 0; i < BURST; i++) {
		const uint64_t at = bench->requests[i];
		const uint64_t sector = (burst * UINT64_C(7919) + i * 8) % (DISK_BYTES / 512 - 8) & ~UINT64_C(7);
		const struct virtio_blk_outhdr header = {
			htole32(VIRTIO_BLK_T_IN), 0, htole64(sector),
		};
		const struct driver_buffer buffers[] = {
			{ at, 16, false }, { at + 16, DATA, true }, { at + 16 + DATA, 1, true },
		};

		memcpy(guest_at(&bench->fixture.guest, at), &header, sizeof(header));
		assert_true(driver_add(driver, buffers, 3) >= 0);
	}
	driver_publish(driver);
}

/* Taken and given back, nothing else. */
static void drop(struct bench *bench)
{
	struct virtq *ring = &bench->vu.ring;
	struct virtq_batch *batch = &bench->fixture.batch;

	virtq_batch_reset(batch);
	if (!bench->inflight) {
		virtq_take(ring, batch, BURST);
		for (unsigned int i = 0; i < batch->chain_count; i++)
			virtq_push(ring, &batch->chains[i], 1);
		virtq_publish(ring);
		return;
	}
	virtq_inflight_take(bench->inflight, ring, batch, BURST);
	for (unsigned int i = 0; i < batch->chain_count; i++)
		virtq_inflight_push(bench->inflight, ring, &batch->chains[i], 1);
	virtq_inflight_publish(bench->inflight, ring);
}

static double ring_alone(bool packed, bool tracked)
{
	struct bench *bench = new_bench();
	double cycles;

	open_ring_of(bench, packed, tracked);
	for (unsigned int i = 0; i < BURSTS; i++) {
		uint64_t start;

		refill(bench, i);
		start = __rdtsc();
		drop(bench);
		bench->first[i] = __rdtsc() - start;
		assert_int_equal(bench->fixture.batch.chain_count, BURST);
	}
	cycles = median(bench->first);
	close_bench(bench);
	return cycles;
}

static void whole(bool packed, double *submitted, double *given_back)
{
	struct bench *bench = new_bench();
	struct blk_disk disk = { 0 };

	open_ring_of(bench, packed, true);
	open_disk(bench, &disk);
	open_queue(bench, &disk);
	for (unsigned int i = 0; i < BURSTS; i++) {
		unsigned int taken = 0, given = 0;
		uint64_t start, middle;

		refill(bench, i);
		start = __rdtsc();
		while (taken < BURST)
			taken += blk_queue_take(bench->queue, bench->channel, &bench->fixture.batch, start);
		middle = __rdtsc();
		while (given < BURST)
			given += blk_queue_give_back(bench->queue, middle);
		bench->second[i] = __rdtsc() - middle;
		bench->first[i] = middle - start;
	}
	*submitted = median(bench->first);
	*given_back = median(bench->second);
	close_bench(bench);
}

static void measure(bool packed)
{
	const double ring = ring_alone(packed, false), tracked = ring_alone(packed, true);
	double submitted, given_back;

	whole(packed, &submitted, &given_back);
	printf("%-8s %8.1f %8.1f %8.1f %8.1f %8.1f %8.1f\n", packed ? "packed" : "split",
	       submitted + given_back, ring, tracked - ring, submitted + given_back - tracked,
	       submitted, given_back);
}

struct core {
	pthread_t thread;
	struct bench *bench;
	struct blk_poller *poller;
	struct blk_list *list;
	struct ring_load load;
	int cpu;
	const struct core *other;	/* NULL for none */
	unsigned int count;		/* bursts that count */
	_Alignas(64) unsigned int bursts;
	_Alignas(64) bool is_done;
};

static bool is_done(const struct core *core)
{
	return !core || __atomic_load_n(&core->is_done, __ATOMIC_ACQUIRE);
}

static unsigned int bursts_of(const struct core *core)
{
	return core ? __atomic_load_n(&core->bursts, __ATOMIC_ACQUIRE) : 0;
}

static void open_core(struct core *core, struct bench *bench, struct blk_disk *disk,
		      unsigned int index, int cpu)
{
	bench->vu.index = index;
	open_queue(bench, disk);
	core->bench = bench;
	core->cpu = cpu;
	core->list = calloc(1, sizeof(*core->list) + sizeof(*core->list->queues));
	core->list->count = 1;
	core->list->queues[0] = (struct blk_polled){ bench->queue, &core->load, false };
	assert_int_equal(blk_poller_open(&core->poller, index, NULL, 1000000000, -1), 0);
	blk_poller_exchange(core->poller, core->list);
}

/* The worker closes the channel that it has. */
static void close_core(struct core *core, struct blk_disk *disk)
{
	struct pollable *pollable = blk_poller_pollable(core->poller);

	blk_poller_exchange(core->poller, NULL);
	blk_poller_leave(core->poller, disk);
	pollable->ops->poll(pollable, __rdtsc());
	assert_true(blk_poller_has_left(core->poller));
	blk_poller_close(core->poller);
	free(core->list);
}

static void *work(void *arg)
{
	struct core *core = arg;
	struct pollable *pollable = blk_poller_pollable(core->poller);
	struct bench *bench = core->bench;
	const uint64_t *given = &bench->counters[BLK_KIND_READ].count;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(core->cpu, &cpus);
	pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
	for (unsigned int i = 0; !is_done(core) || !is_done(core->other); i++) {
		const unsigned int before = bursts_of(core->other);
		const uint64_t all = (uint64_t)BURST * (i + 1);
		uint64_t start, took;

		refill(bench, i);
		start = __rdtsc();
		while (*given < all)
			pollable->ops->poll(pollable, __rdtsc());
		took = __rdtsc() - start;
		__atomic_store_n(&core->bursts, i, __ATOMIC_RELEASE);
		if (core->count < BURSTS && (!core->other || bursts_of(core->other) != before))
			bench->first[core->count++] = took;
		if (core->count == BURSTS)
			__atomic_store_n(&core->is_done, true, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* Cycles of a request, of both cores or the first alone, with one disk for them or one each. */
static double on_cores(bool packed, const int cpus[CORES], unsigned int count, unsigned int disks)
{
	struct core *cores = aligned_alloc(64, CORES * sizeof(*cores));
	struct blk_disk opened[CORES] = { 0 };
	double cycles = 0;

	memset(cores, 0, CORES * sizeof(*cores));
	for (unsigned int i = 0; i < count; i++) {
		struct bench *bench = new_bench();

		open_ring_of(bench, packed, true);
		if (i < disks)
			open_disk(bench, &opened[i]);
		open_core(&cores[i], bench, &opened[i % disks], i, cpus[i]);
		cores[i].other = count > 1 ? &cores[!i] : NULL;
	}
	for (unsigned int i = 0; i < count; i++)
		assert_int_equal(pthread_create(&cores[i].thread, NULL, work, &cores[i]), 0);
	for (unsigned int i = 0; i < count; i++)
		pthread_join(cores[i].thread, NULL);
	for (unsigned int i = count; i--;) {
		cycles += median(cores[i].bench->first) / count;
		close_core(&cores[i], &opened[i % disks]);
	}
	for (unsigned int i = count; i--;)
		close_bench(cores[i].bench);
	free(cores);
	return cycles;
}

static void measure_cores(bool packed, const int cpus[CORES])
{
	const double alone = on_cores(packed, cpus, 1, 1);
	const double apart = on_cores(packed, cpus, CORES, CORES);
	const double shared = on_cores(packed, cpus, CORES, 1);

	printf("%-8s %8.1f %8.1f %8.1f %8.2f %8.2f\n", packed ? "packed" : "split", alone, apart, shared,
	       CORES * alone / shared, apart / shared);
}

/* Returns whether there are as many. */
static bool find_cpus(int cpus[CORES])
{
	unsigned int count = 0;
	cpu_set_t all;

	sched_getaffinity(0, sizeof(all), &all);
	for (int cpu = 0; cpu < CPU_SETSIZE && count < CORES; cpu++)
		if (CPU_ISSET(cpu, &all))
			cpus[count++] = cpu;
	return count == CORES;
}

int main(void)
{
	int cpus[CORES];

	printf("%-8s %8s %8s %8s %8s %8s %8s\n", "disk", "cycles", "ring", "inflight", "request",
	       "to there", "and back");
	measure(false);
	measure(true);
	if (!find_cpus(cpus)) {
		printf("\nLeft out: two rings on two cores; this process may use one\n");
		return 0;
	}
	printf("\n%-8s %8s %8s %8s %8s %8s\n", "cores", "alone", "2 disks", "1 disk", "times", "of apart");
	measure_cores(false, cpus);
	measure_cores(true, cpus);
	return 0;
}
