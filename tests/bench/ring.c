// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the device side of split rings costs, in cycles of the TSC per frame.
 *
 * One core plays both sides by turns: the driver makes a burst available, then
 * the device handles it, and only the device is timed.  The cache is warm, so
 * this is the floor of a datapath and not its speed; it hardly drifts between
 * runs, so it shows what a change to the rings does.  Each figure is the median
 * over all bursts.
 */
#include <linux/virtio_config.h>
#include <stdio.h>
#include <stdlib.h>
#include <x86intrin.h>

#include "tests/bench/median.h"
#include "tests/unit/ring.h"
#include "vhost-user/ring/virtq.h"

#define RING 256
#define BURST 32
#define BURSTS 20000
#define HEADER 12
#define HEAD 128
#define BUFFER 2048

/* A guest that sends to itself: the fixture's ring to the other one. */
struct bench {
	struct fixture fixture;
	struct driver to_driver;
	struct virtq to;
	struct virtq_batch room;
	uint64_t cycles[BURSTS];
};

/* Take a burst and give it back, nothing else. */
static void device_drops(struct bench *bench)
{
	struct virtq *vq = &bench->fixture.vq;
	struct virtq_batch *batch = &bench->fixture.batch;

	virtq_batch_reset(batch);
	virtq_take(vq, batch, BURST);
	for (unsigned int i = 0; i < batch->chain_count; i++)
		virtq_push(vq, &batch->chains[i], 0);
	virtq_publish(vq);
}

static void forward(struct bench *bench, const struct virtq_chain *chain)
{
	struct virtq_batch *room = &bench->room;
	struct virtq_cursor from = virtq_readable(&bench->fixture.batch, chain), to;
	uint32_t left = chain->readable_length;
	uint8_t head[HEADER + HEAD];
	size_t length = virtq_cursor_read(&from, head, sizeof(head));

	virtq_batch_reset(room);
	if (!virtq_take_space(&bench->to, room, left, RING))
		return;
	to = virtq_writable(room, room->chains, room->chain_count);
	virtq_cursor_write(&to, head, length);
	virtq_cursor_copy(&to, &from, left - length);
	for (unsigned int i = 0; i < room->chain_count; i++) {
		uint32_t part = left < room->chains[i].writable_length
					? left : room->chains[i].writable_length;

		virtq_push(&bench->to, &room->chains[i], part);
		left -= part;
	}
}

/* One copy from guest to guest, by way of a private copy of the head. */
static void device_forwards(struct bench *bench)
{
	struct virtq *vq = &bench->fixture.vq;
	struct virtq_batch *batch = &bench->fixture.batch;

	virtq_batch_reset(batch);
	virtq_take(vq, batch, BURST);
	for (unsigned int i = 0; i < batch->chain_count; i++) {
		forward(bench, &batch->chains[i]);
		virtq_push(vq, &batch->chains[i], 0);
	}
	virtq_publish(&bench->to);
	virtq_publish(vq);
}

/* The driver's turn: take back what is done, and make the next burst available. */
static void refill(struct bench *bench, uint32_t length, unsigned int parts, uint64_t memory)
{
	struct driver *from = &bench->fixture.driver, *to = &bench->to_driver;
	struct driver_buffer buffers[64];
	struct vring_used_elem element;

	while (driver_used(from, &element) || driver_used(to, &element))
		;
	for (unsigned int i = 0; i < BURST && from->free_count >= parts; i++) {
		for (unsigned int j = 0; j < parts; j++)
			buffers[j] = (struct driver_buffer){
				memory + (i * (uint64_t)parts + j) * BUFFER, length / parts, false};
		driver_add(from, buffers, parts);
	}
	while (to->free_count) {
		struct driver_buffer room = {memory + (RING + (uint64_t)to->free_count) * BUFFER,
					     BUFFER, true};

		driver_add(to, &room, 1);
	}
	driver_publish(from);
	driver_publish(to);
}

static void open_bench(struct bench *bench)
{
	fixture_open(&bench->fixture);
	open_ring(&bench->fixture, RING, EVENT_IDX);
	bench->to = bench->fixture.vq;
	bench->to_driver = bench->fixture.driver;
	open_ring(&bench->fixture, RING, EVENT_IDX);
}

static void measure(const char *name, void (*device)(struct bench *bench), uint32_t frame,
		    unsigned int parts)
{
	static struct bench bench;
	uint64_t start, memory;
	unsigned int frames;

	open_bench(&bench);
	memory = guest_alloc(&bench.fixture.guest, (2 * RING + 1) * (uint64_t)BUFFER, BUFFER);
	for (unsigned int i = 0; i < BURSTS; i++) {
		refill(&bench, HEADER + frame, parts, memory);
		start = __rdtsc();
		device(&bench);
		bench.cycles[i] = __rdtsc() - start;
	}
	assert_int_equal(bench.fixture.vq.error | bench.to.error, VIRTQ_OK);
	frames = bench.fixture.batch.chain_count;
	printf("%-36s %8u %8u %10.1f\n", name, frame, frames,
	       (double)median_of(bench.cycles, BURSTS) / frames);
	fixture_close(&bench.fixture);
}

int main(void)
{
	printf("%-36s %8s %8s %10s\n", "split ring", "bytes", "burst", "cycles");
	measure("take, push, publish", device_drops, 64, 1);
	measure("take, push, publish, 2 descriptors", device_drops, 64, 2);
	measure("forward, one copy", device_forwards, 64, 1);
	measure("forward, one copy", device_forwards, 512, 1);
	measure("forward, one copy", device_forwards, 1518, 1);
	measure("forward, one copy, 34 descriptors", device_forwards, 65536, 34);
	return 0;
}
