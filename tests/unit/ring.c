// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/virtio_config.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/ring.h"

/* The guest's memory is two regions with a border in the middle. */
static void share(struct fixture *fixture)
{
	const uint64_t half = GUEST_BYTES / 2;

	assert_return_code(guest_memory_open(&fixture->memory), 0);
	for (uint64_t start = 0; start < GUEST_BYTES; start += half) {
		struct guest_region_request request = {
			.gpa = GPA + start,
			.size = half,
			.uva = fixture->guest.uva + start,
			.offset = start,
			.fd = fixture->guest.fd,
		};

		assert_return_code(guest_memory_add(fixture->memory, fixture->iov, &request), 0);
	}
}

static void *in_device(const struct fixture *fixture, void *in_driver)
{
	void *host = guest_memory_at_user(fixture->memory, (uint64_t)(uintptr_t)in_driver, 1);

	assert_non_null(host);
	return host;
}

struct virtq_setup ring_setup_of(const struct fixture *fixture, uint64_t features)
{
	return (struct virtq_setup){
		.memory = fixture->memory,
		.log = fixture->log,
		.desc = in_device(fixture, driver_descriptor_area(&fixture->driver)),
		.driver = in_device(fixture, driver_driver_area(&fixture->driver)),
		.device = in_device(fixture, driver_device_area(&fixture->driver)),
		.size = fixture->driver.size,
		.base = driver_base(&fixture->driver),
		.features = features,
	};
}

void open_ring(struct fixture *fixture, uint16_t size, uint64_t features)
{
	struct virtq_setup setup;

	if (fixture->packed)
		features |= BIT(VIRTIO_F_RING_PACKED);
	driver_open(&fixture->driver, &fixture->guest, size, features);
	setup = ring_setup_of(fixture, features);
	virtq_start(&fixture->vq, &setup);
}

void fixture_open(struct fixture *fixture)
{
	memset(fixture, 0, sizeof(*fixture));
	assert_return_code(iov_open(&fixture->iov, NULL), 0);
	guest_open(&fixture->guest, GPA, GUEST_BYTES);
	share(fixture);
}

void fixture_close(struct fixture *fixture)
{
	guest_memory_close(fixture->memory);
	guest_close(&fixture->guest);
	iov_close(fixture->iov);
}

static int setup(void **state, bool packed)
{
	struct fixture *fixture = aligned_alloc(_Alignof(struct fixture), sizeof(*fixture));

	assert_non_null(fixture);
	fixture_open(fixture);
	fixture->packed = packed;
	open_ring(fixture, SIZE, EVENT_IDX | INDIRECT);
	*state = fixture;
	return 0;
}

int ring_setup(void **state)
{
	return setup(state, false);
}

int packed_ring_setup(void **state)
{
	return setup(state, true);
}

int ring_teardown(void **state)
{
	fixture_close(*state);
	free(*state);
	return 0;
}

unsigned int take(struct fixture *fixture, unsigned int max)
{
	virtq_batch_reset(&fixture->batch);
	return virtq_take(&fixture->vq, &fixture->batch, max);
}

unsigned int take_space(struct fixture *fixture, uint32_t length, unsigned int max)
{
	virtq_batch_reset(&fixture->batch);
	return virtq_take_space(&fixture->vq, &fixture->batch, length, max);
}

bool in_guest_memory(const struct fixture *fixture, const uint8_t *at, size_t length)
{
	for (size_t i = 0; i < fixture->memory->count; i++) {
		const struct guest_region *region = &fixture->memory->regions[i];

		if (at >= region->host && at + length <= region->host + region->size)
			return true;
	}
	return false;
}

void check_batch(const struct fixture *fixture)
{
	const struct virtq_batch *batch = &fixture->batch;
	uint32_t next = 0;

	for (unsigned int i = 0; i < batch->chain_count; i++) {
		const struct virtq_chain *chain = &batch->chains[i];
		uint64_t bytes[2] = {0, 0};

		assert_int_equal(chain->first, next);
		assert_true(fixture->packed || chain->id < fixture->vq.size);
		for (unsigned int j = 0; j < chain->readable + chain->writable; j++, next++) {
			const struct virtq_segment *segment = &batch->segments[next];

			assert_true(segment->length > 0);
			assert_true(in_guest_memory(fixture, segment->data, segment->length));
			bytes[j >= chain->readable] += segment->length;
		}
		assert_int_equal(chain->readable_length, bytes[0]);
		assert_int_equal(chain->writable_length, bytes[1]);
	}
	assert_int_equal(batch->segment_count, next);
}

struct driver_buffer room(struct fixture *fixture, uint32_t length)
{
	return (struct driver_buffer){guest_alloc(&fixture->guest, length, 1), length, true};
}

void add_rooms(struct fixture *fixture, unsigned int count, uint32_t length)
{
	while (count--) {
		struct driver_buffer buffer = room(fixture, length);

		assert_true(driver_add(&fixture->driver, &buffer, 1) >= 0);
	}
	driver_publish(&fixture->driver);
}
