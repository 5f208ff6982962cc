// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a request to a disk that does nothing costs the back end, in cycles of the TSC, and where
 * they go: to the ring, to what is in flight being written down, and to the request itself, before it is
 * submitted and after it is done.
 *
 * One core plays the driver and the worker by turns, and only the worker is timed; see ring.c for what such
 * a figure is worth.  Reads of 4 KiB, 32 at a time, each with an indirect table of three.
 */
#include <endian.h>
#include <errno.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

#include "tests/bench/median.h"
#include "tests/unit/ring.h"
#include "vhost-user/blk/disk.h"
#include "vhost-user/blk/queue.h"
#include "vhost-user/ring/virtq_inflight.h"

#define RING 256
#define BURST 32
#define BURSTS 20000
#define DATA 4096
#define DISK_BYTES (UINT64_C(1) << 30)
#define FEATURES (EVENT_IDX | INDIRECT | BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_BLK_F_FLUSH))

struct bench {
	struct fixture fixture;
	struct vu_queue vu;
	struct virtq_inflight *inflight;
	uint8_t *region;
	struct blk_disk disk;
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

static void open_disk(struct bench *bench)
{
	const struct blk_backend_ops *ops = &blk_backend_null;
	const struct blk_source source = { .bytes = DISK_BYTES, .workers = 1 };

	assert_int_equal(blk_disk_open(&bench->disk, bench->fixture.iov, ops, &source), 0);
	assert_int_equal(blk_disk_lock(&bench->disk), 0);
	assert_int_equal(ops->channel_open(&bench->channel, bench->disk.backend, NULL), 0);
	bench->counters = calloc(BLK_KINDS, sizeof(*bench->counters));
	assert_int_equal(blk_queue_open(&bench->queue, &bench->disk, &bench->vu, bench->counters), 0);
}

static void close_bench(struct bench *bench)
{
	assert_int_equal(bench->vu.ring.error, VIRTQ_OK);
	if (bench->queue) {
		assert_int_equal(bench->counters[BLK_KIND_READ].count, (uint64_t)BURST * BURSTS);
		assert_int_equal(bench->counters[BLK_KIND_READ].failed, 0);
		blk_queue_close(bench->queue);
		bench->disk.backend->ops->channel_close(bench->channel);
		blk_disk_close(&bench->disk);
		free(bench->counters);
	}
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
	struct bench *bench = aligned_alloc(64, (sizeof(*bench) + 63) & ~(size_t)63);
	double cycles;

	memset(bench, 0, sizeof(*bench));
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
	struct bench *bench = aligned_alloc(64, (sizeof(*bench) + 63) & ~(size_t)63);

	memset(bench, 0, sizeof(*bench));
	open_ring_of(bench, packed, true);
	open_disk(bench);
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

int main(void)
{
	printf("%-8s %8s %8s %8s %8s %8s %8s\n", "disk", "cycles", "ring", "inflight", "request",
	       "to there", "and back");
	measure(false);
	measure(true);
	return 0;
}
