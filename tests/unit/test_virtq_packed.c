// SPDX-License-Identifier: GPL-2.0-or-later
// What is particular to the device side of a packed ring, and a driver that breaks it.
#include <linux/virtio_config.h>
#include <string.h>

#include "tests/unit/ring.h"

#define AVAIL BIT(VRING_PACKED_DESC_F_AVAIL)
#define USED BIT(VRING_PACKED_DESC_F_USED)
#define EVENT_WRAP BIT(VRING_PACKED_EVENT_F_WRAP_CTR)

/* One way to break a ring whose first entries are two chains of two. */
struct violation {
	enum virtq_error error;
	void (*commit)(struct fixture *fixture, struct vring_packed_desc *desc);
};

static void endless(struct fixture *fixture, struct vring_packed_desc *desc)
{
	(void)fixture;
	for (unsigned int i = 0; i < SIZE; i++) {
		desc[i].len = 0;
		desc[i].flags |= VRING_DESC_F_NEXT;
	}
}

/* Another chain in place of one that was taken and not given back. */
static void more_than_the_ring_has(struct fixture *fixture, struct vring_packed_desc *desc)
{
	for (unsigned int i = 0; i < SIZE; i++)
		desc[i] = (struct vring_packed_desc){GPA, 1, 0, AVAIL};
	assert_int_equal(take(fixture, SIZE), SIZE);
	desc[0].flags = USED;
}

static void too_many_bytes(struct fixture *fixture, struct vring_packed_desc *desc)
{
	(void)fixture;
	desc[1].len = UINT32_MAX;
}

static void wrong_order(struct fixture *fixture, struct vring_packed_desc *desc)
{
	(void)fixture;
	desc[0].flags |= VRING_DESC_F_WRITE;
}

static void outside(struct fixture *fixture, struct vring_packed_desc *desc)
{
	(void)fixture;
	desc[1].addr = GPA + GUEST_BYTES - 1;
	desc[1].len = 2;
}

static void wraps_around(struct fixture *fixture, struct vring_packed_desc *desc)
{
	(void)fixture;
	desc[1].addr = UINT64_MAX;
	desc[1].len = 2;
}

/* Make the second entry an indirect table of two and return that. */
static struct vring_packed_desc *to_indirect(struct fixture *fixture,
					     struct vring_packed_desc *desc)
{
	uint64_t gpa = guest_alloc(&fixture->guest, 32, 16);
	struct vring_packed_desc *table = guest_at(&fixture->guest, gpa);

	table[0] = table[1] = (struct vring_packed_desc){GPA, 1, 0, 0};
	desc[1] = (struct vring_packed_desc){gpa, 32, 0, AVAIL | VRING_DESC_F_INDIRECT};
	return table;
}

static void table_not_negotiated(struct fixture *fixture, struct vring_packed_desc *desc)
{
	to_indirect(fixture, desc);
	fixture->vq.indirect = false;
}

static void table_empty(struct fixture *fixture, struct vring_packed_desc *desc)
{
	to_indirect(fixture, desc);
	desc[1].len = 0;
}

static void table_of_odd_size(struct fixture *fixture, struct vring_packed_desc *desc)
{
	to_indirect(fixture, desc);
	desc[1].len = 31;
}

static void table_with_next(struct fixture *fixture, struct vring_packed_desc *desc)
{
	to_indirect(fixture, desc);
	desc[1].flags |= VRING_DESC_F_NEXT;
}

static void table_in_table(struct fixture *fixture, struct vring_packed_desc *desc)
{
	to_indirect(fixture, desc)[1].flags = VRING_DESC_F_INDIRECT;
}

static void table_cut_by_the_end(struct fixture *fixture, struct vring_packed_desc *desc)
{
	to_indirect(fixture, desc);
	desc[1].addr = GPA + GUEST_BYTES - 8;
}

static void endless_table_of_nothing(struct fixture *fixture, struct vring_packed_desc *desc)
{
	uint64_t gpa = guest_alloc(&fixture->guest, 16 * 2000, 16);

	to_indirect(fixture, desc);
	desc[1].addr = gpa;
	desc[1].len = 16 * 2000;
}

static const struct violation violations[] = {
	{VIRTQ_ERROR_LOOP, endless},
	{VIRTQ_ERROR_AVAIL_JUMP, more_than_the_ring_has},
	{VIRTQ_ERROR_BYTES, too_many_bytes},
	{VIRTQ_ERROR_ORDER, wrong_order},
	{VIRTQ_ERROR_ADDRESS, outside},
	{VIRTQ_ERROR_ADDRESS, wraps_around},
	{VIRTQ_ERROR_INDIRECT_FEATURE, table_not_negotiated},
	{VIRTQ_ERROR_INDIRECT_SIZE, table_empty},
	{VIRTQ_ERROR_INDIRECT_SIZE, table_of_odd_size},
	{VIRTQ_ERROR_INDIRECT_FLAGS, table_with_next},
	{VIRTQ_ERROR_INDIRECT_FLAGS, table_in_table},
	{VIRTQ_ERROR_INDIRECT_ADDRESS, table_cut_by_the_end},
	{VIRTQ_ERROR_SEGMENTS, endless_table_of_nothing},
};

static void every_violation_breaks_the_ring_with_its_reason(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned int i = 0; i < sizeof(violations) / sizeof(violations[0]); i++) {
		struct driver_buffer buffers[] = {{GPA, 1, false}, {GPA, 1, false}};

		open_ring(fixture, SIZE, INDIRECT);
		fixture->driver.indirect = false;
		driver_add(&fixture->driver, buffers, 2);
		driver_add(&fixture->driver, buffers, 2);
		driver_publish(&fixture->driver);
		violations[i].commit(fixture, fixture->driver.packed.desc);
		assert_int_equal(take(fixture, 2), 0);
		assert_string_equal(virtq_error_name(fixture->vq.error),
				    virtq_error_name(violations[i].error));
		assert_int_equal(fixture->batch.segment_count, 0);
		assert_int_equal(take(fixture, 2), 0);
	}
}

/* A table as DPDK's driver writes it: the header is marked writable. */
static void transmit_ring_reads_what_a_table_calls_writable(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned int reads_only = 0; reads_only < 2; reads_only++) {
		struct driver_buffer buffer = {GPA, 1, false};
		struct vring_packed_desc *table;

		open_ring(fixture, SIZE, INDIRECT);
		fixture->vq.reads_only = reads_only;
		driver_add(&fixture->driver, &buffer, 1);
		driver_publish(&fixture->driver);
		assert_int_equal(take(fixture, 1), 1);
		table = to_indirect(fixture, fixture->driver.packed.desc);
		table[0].flags = VRING_DESC_F_WRITE;
		assert_int_equal(take(fixture, 1), reads_only);
		assert_int_equal(fixture->vq.error, reads_only ? VIRTQ_OK : VIRTQ_ERROR_ORDER);
		if (!reads_only)
			continue;
		assert_int_equal(fixture->batch.chains[0].readable, 2);
		assert_int_equal(fixture->batch.chains[0].readable_length, 2);
		assert_int_equal(fixture->batch.chains[0].writable, 0);
	}
}

/* Section 2.8.6: entries that are not published are not there. */
static void nothing_is_taken_before_it_is_available(void **state)
{
	struct fixture *fixture = *state;
	struct driver_buffer buffers[] = {{GPA, 1, false}, {GPA, 1, false}};

	assert_int_equal(take(fixture, SIZE), 0);
	fixture->driver.indirect = false;
	driver_add(&fixture->driver, buffers, 2);
	driver_add(&fixture->driver, buffers, 1);
	assert_int_equal(take(fixture, SIZE), 0);
	driver_publish(&fixture->driver);
	assert_int_equal(take(fixture, SIZE), 2);
}

/* Section 2.8.10: one call when the entry that the driver gave becomes used. */
static void driver_is_called_once_for_its_entry(void **state)
{
	struct fixture *fixture = *state;
	struct vring_packed_desc_event wish = {0, VRING_PACKED_EVENT_FLAG_DESC};

	for (unsigned int entry = 0; entry < 4 * SIZE; entry++) {
		bool wrap = !(entry / SIZE % 2);

		wish.off_wrap = (uint16_t)(entry % SIZE | (wrap ? EVENT_WRAP : 0));
		memcpy(fixture->driver.packed.driver_event, &wish, sizeof(wish));
		for (unsigned int i = 0; i < 4 * SIZE; i++) {
			struct vring_used_elem element;

			add_rooms(fixture, 1, 1);
			assert_int_equal(take(fixture, 1), 1);
			virtq_return(&fixture->vq, &fixture->batch);
			/* The driver's entry comes by every other round, as its wrap counter does. */
			assert_int_equal(virtq_publish(&fixture->vq), i % (2 * SIZE) == entry % (2 * SIZE));
			assert_true(driver_used(&fixture->driver, &element));
			fixture->guest.allocated = 0x100000;
		}
	}
}

static void ring_of_any_size_goes_round(void **state)
{
	struct fixture *fixture = *state;
	struct vring_used_elem element;

	for (uint16_t size = 1; size < 40; size++) {
		open_ring(fixture, size, EVENT_IDX);
		for (unsigned int i = 0; i < 500; i++) {
			struct driver_buffer buffer = {GPA, i + 1, true};
			int id = driver_add(&fixture->driver, &buffer, 1);

			driver_publish(&fixture->driver);
			assert_int_equal(driver_add(&fixture->driver, &buffer, 1) >= 0, size > 1);
			assert_int_equal(take(fixture, 1), 1);
			virtq_push(&fixture->vq, fixture->batch.chains, i + 1);
			virtq_publish(&fixture->vq);
			assert_true(driver_used(&fixture->driver, &element));
			assert_int_equal(element.id, id);
			if (size == 1)
				continue;
			driver_publish(&fixture->driver);
			assert_int_equal(take(fixture, 1), 1);
			virtq_return(&fixture->vq, &fixture->batch);
			virtq_publish(&fixture->vq);
			assert_true(driver_used(&fixture->driver, &element));
		}
	}
}

static void ring_resumes_at_its_used_entry(void **state)
{
	struct fixture *fixture = *state;
	struct virtq_setup setup = {
		.memory = fixture->memory,
		.desc = fixture->vq.packed.desc,
		.driver = fixture->vq.packed.driver_event,
		.device = fixture->vq.packed.device_event,
		.size = SIZE,
		.features = EVENT_IDX | BIT(VIRTIO_F_RING_PACKED),
	};
	uint16_t second;

	add_rooms(fixture, 4, 8);
	assert_int_equal(take(fixture, 1), 1);
	virtq_return(&fixture->vq, &fixture->batch);
	virtq_publish(&fixture->vq);
	assert_int_equal(take(fixture, 2), 2);
	second = fixture->batch.chains[0].id;
	setup.base = virtq_base(&fixture->vq);
	assert_int_equal(setup.base, 0x80018003);
	virtq_start(&fixture->vq, &setup);
	assert_int_equal(take(fixture, SIZE), 3);
	assert_int_equal(fixture->batch.chains[0].id, second);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, packed_ring_setup, ring_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_violation_breaks_the_ring_with_its_reason),
		TEST(transmit_ring_reads_what_a_table_calls_writable),
		TEST(nothing_is_taken_before_it_is_available),
		TEST(driver_is_called_once_for_its_entry),
		TEST(ring_of_any_size_goes_round),
		TEST(ring_resumes_at_its_used_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
