// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A front end that hands over any memory as what was in flight, with any ring: it is
 * refused, or what is resumed is within guest memory and comes to an end.  The memory is
 * as large as it must be and no larger, so that a sanitizer sees what lies beyond it.
 */
#include <linux/virtio_config.h>
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/ring.h"
#include "vhost-user/ring/virtq_inflight.h"
#include "vhost-user/ring/virtq_position.h"

#define STEPS 32
#define ENTRIES 16
#define NEAR 4096

static struct fixture fixture;
static unsigned int opened, refused, resumed;

/* What is given back is not published at once. */
static bool is_lazy;

/* Words of rings and of the region alike are small numbers, mostly. */
static void scribble(struct fuzz_input *input, uint8_t *bytes, uint32_t length)
{
	for (unsigned int count = fuzz_u8(input) % 32; count; count--) {
		uint32_t at = fuzz_below(input, length);

		bytes[at] = fuzz_u8(input);
	}
}

static void write_descriptors(struct fuzz_input *input)
{
	for (unsigned int count = fuzz_u8(input) % ENTRIES; count; count--) {
		uint8_t *desc = (uint8_t *)driver_descriptor_area(&fixture.driver) + 16 * count;
		const uint64_t address = GPA + NEAR;
		const uint32_t length = 64;

		memcpy(desc, &address, sizeof(address));
		memcpy(desc + 8, &length, sizeof(length));
		fuzz_bytes(input, desc + 12, 4);
	}
}

static void use_ring(struct fuzz_input *input, struct virtq_inflight *inflight)
{
	struct virtq *vq = &fixture.vq;
	unsigned int count;

	for (unsigned int i = 0; i < STEPS; i++) {
		virtq_batch_reset(&fixture.batch);
		count = virtq_inflight_resume(inflight, vq, &fixture.batch, VIRTQ_CHAINS_MAX);
		resumed += count;
		if (!count)
			count = virtq_inflight_take(inflight, vq, &fixture.batch, 4);
		check_batch(&fixture);
		for (unsigned int j = 0; j < count; j++)
			virtq_inflight_push(inflight, vq, &fixture.batch.chains[j], 0);
		if (!is_lazy || fuzz_one_in(input, 4))
			virtq_inflight_publish(inflight, vq);
		if (!fuzz_left(input))
			return;
		write_descriptors(input);
		if (!fixture.packed)
			fixture.driver.avail->idx = fuzz_u16(input);
	}
}

/* A device that is killed with something in flight, of which it gave some back. */
static void first_life(struct fuzz_input *input, uint8_t *region, struct virtq_setup setup)
{
	struct driver_buffer buffer = {GPA + NEAR, 64, false};
	unsigned int count = fuzz_below(input, ENTRIES), back = fuzz_below(input, ENTRIES);
	struct virtq_inflight *inflight;

	for (unsigned int i = 0; i < count; i++)
		driver_add(&fixture.driver, &buffer, 1);
	driver_publish(&fixture.driver);
	assert_int_equal(virtq_inflight_open(&inflight, fixture.iov, region, ENTRIES, &setup), 0);
	virtq_start(&fixture.vq, &setup);
	virtq_batch_reset(&fixture.batch);
	virtq_inflight_take(inflight, &fixture.vq, &fixture.batch, ENTRIES);
	for (unsigned int i = 0; i < back && i < fixture.batch.chain_count; i++)
		virtq_inflight_push(inflight, &fixture.vq, &fixture.batch.chains[i], 0);
	if (fuzz_one_in(input, 2))
		virtq_inflight_publish(inflight, &fixture.vq);
	virtq_inflight_close(inflight);
}

static void go_on(struct fuzz_input *input, struct virtq_setup *setup)
{
	size_t bytes = virtq_inflight_bytes(ENTRIES, setup->features);
	struct virtq_inflight *inflight;
	uint8_t *region = aligned_alloc(64, bytes);

	assert_non_null(region);
	memset(region, 0, bytes);
	if (!fuzz_one_in(input, 4))
		first_life(input, region, *setup);
	scribble(input, region, (uint32_t)bytes);
	if (!virtq_inflight_open(&inflight, fixture.iov, region, ENTRIES, setup)) {
		virtq_start(&fixture.vq, setup);
		use_ring(input, inflight);
		virtq_inflight_close(inflight);
		opened++;
	} else {
		refused++;
	}
	free(region);
}

static void run(struct fuzz_input *input)
{
	uint8_t kind = fuzz_u8(input);
	struct virtq_setup setup;
	uint32_t base;

	memset(fixture.guest.host, 0, 2 * NEAR);
	fixture.guest.allocated = 0;
	fixture.packed = kind & 1;
	is_lazy = kind & 8;
	open_ring(&fixture, ENTRIES, INDIRECT);
	setup = ring_setup_of(&fixture, INDIRECT | (fixture.packed ? BIT(VIRTIO_F_RING_PACKED) : 0));
	if (kind & 4) {
		write_descriptors(input);
		scribble(input, fixture.guest.host, NEAR);
	}
	if (kind & 2 && fixture.packed) {
		if (!virtq_position_resume(&setup, fuzz_u64(input), &base))
			return;
		setup.base = base;
		virtq_start(&fixture.vq, &setup);
		take(&fixture, VIRTQ_CHAINS_MAX);
		check_batch(&fixture);
		return;
	}
	go_on(input, &setup);
}

static void open_all(void)
{
	fixture_open(&fixture);
}

static void reached_everything(void)
{
	assert_true(opened && refused && resumed);
}

const struct fuzz_target fuzz_target = {
	.open = open_all,
	.run = run,
	.done = reached_everything,
};
