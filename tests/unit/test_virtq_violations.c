// SPDX-License-Identifier: GPL-2.0-or-later
// The device side of a split ring against a driver that does not keep the rules.
#include <string.h>

#include "tests/unit/ring.h"

/* One way to break a ring of two chains that starts with 0 -> 1. */
struct violation {
	enum virtq_error error;
	void (*commit)(struct fixture *fixture, struct vring_desc *desc);
};

static void jump(struct fixture *fixture, struct vring_desc *desc)
{
	(void)desc;
	fixture->driver.avail->idx = SIZE + 1;
}

static void jump_back(struct fixture *fixture, struct vring_desc *desc)
{
	(void)desc;
	fixture->driver.avail->idx = UINT16_MAX;
}

static void bad_head(struct fixture *fixture, struct vring_desc *desc)
{
	(void)desc;
	fixture->driver.avail->ring[0] = SIZE;
}

static void bad_next(struct fixture *fixture, struct vring_desc *desc)
{
	(void)fixture;
	desc[0].next = SIZE;
}

static void loop(struct fixture *fixture, struct vring_desc *desc)
{
	(void)fixture;
	desc[1].flags = VRING_DESC_F_NEXT;
	desc[1].next = 0;
}

static void self_loop_of_nothing(struct fixture *fixture, struct vring_desc *desc)
{
	(void)fixture;
	desc[0] = (struct vring_desc){0, 0, VRING_DESC_F_NEXT, 0};
}

static void too_many_bytes(struct fixture *fixture, struct vring_desc *desc)
{
	(void)fixture;
	desc[1].len = UINT32_MAX;
}

static void wrong_order(struct fixture *fixture, struct vring_desc *desc)
{
	(void)fixture;
	desc[0].flags |= VRING_DESC_F_WRITE;
}

static void outside(struct fixture *fixture, struct vring_desc *desc)
{
	(void)fixture;
	desc[1].addr = GPA + GUEST_BYTES;
}

static void outside_at_its_end(struct fixture *fixture, struct vring_desc *desc)
{
	(void)fixture;
	desc[1].addr = GPA + GUEST_BYTES - 1;
	desc[1].len = 2;
}

static void wraps_around(struct fixture *fixture, struct vring_desc *desc)
{
	(void)fixture;
	desc[1].addr = UINT64_MAX;
	desc[1].len = 2;
}

static void beneath(struct fixture *fixture, struct vring_desc *desc)
{
	(void)fixture;
	desc[1].addr = GPA - 1;
}

/* Make descriptor 1 an indirect table of two entries and change that. */
static struct vring_desc *to_indirect(struct fixture *fixture, struct vring_desc *desc)
{
	uint64_t gpa = guest_alloc(&fixture->guest, 32, 16);
	struct vring_desc *table = guest_at(&fixture->guest, gpa);

	table[0] = (struct vring_desc){GPA, 1, VRING_DESC_F_NEXT, 1};
	table[1] = (struct vring_desc){GPA, 1, 0, 0};
	desc[1] = (struct vring_desc){gpa, 32, VRING_DESC_F_INDIRECT, 0};
	return table;
}

static void table_not_negotiated(struct fixture *fixture, struct vring_desc *desc)
{
	to_indirect(fixture, desc);
	fixture->vq.indirect = false;
}

static void table_empty(struct fixture *fixture, struct vring_desc *desc)
{
	to_indirect(fixture, desc);
	desc[1].len = 0;
}

static void table_of_odd_size(struct fixture *fixture, struct vring_desc *desc)
{
	to_indirect(fixture, desc);
	desc[1].len = 31;
}

static void table_with_next(struct fixture *fixture, struct vring_desc *desc)
{
	to_indirect(fixture, desc);
	desc[1].flags |= VRING_DESC_F_NEXT;
}

static void table_in_table(struct fixture *fixture, struct vring_desc *desc)
{
	to_indirect(fixture, desc)[1].flags = VRING_DESC_F_INDIRECT;
}

static void table_outside(struct fixture *fixture, struct vring_desc *desc)
{
	struct vring_desc *table = to_indirect(fixture, desc);

	desc[1].addr = GPA + GUEST_BYTES - 16;
	memcpy(guest_at(&fixture->guest, desc[1].addr), table, 16);
}

static void table_cut_by_the_end(struct fixture *fixture, struct vring_desc *desc)
{
	to_indirect(fixture, desc);
	desc[1].addr = GPA + GUEST_BYTES - 8;
}

static void next_outside_table(struct fixture *fixture, struct vring_desc *desc)
{
	to_indirect(fixture, desc)[0].next = 2;
}

static void loop_in_table(struct fixture *fixture, struct vring_desc *desc)
{
	struct vring_desc *table = to_indirect(fixture, desc);

	table[1] = (struct vring_desc){GPA, 1, VRING_DESC_F_NEXT, 0};
}

static void endless_table_of_nothing(struct fixture *fixture, struct vring_desc *desc)
{
	struct vring_desc *table = to_indirect(fixture, desc);

	table[0] = (struct vring_desc){0, 0, VRING_DESC_F_NEXT, 0};
	desc[1].len = UINT32_MAX & ~15u;
}

static const struct violation violations[] = {
	{VIRTQ_ERROR_AVAIL_JUMP, jump},
	{VIRTQ_ERROR_AVAIL_JUMP, jump_back},
	{VIRTQ_ERROR_HEAD, bad_head},
	{VIRTQ_ERROR_NEXT, bad_next},
	{VIRTQ_ERROR_LOOP, loop},
	{VIRTQ_ERROR_LOOP, self_loop_of_nothing},
	{VIRTQ_ERROR_BYTES, too_many_bytes},
	{VIRTQ_ERROR_ORDER, wrong_order},
	{VIRTQ_ERROR_ADDRESS, outside},
	{VIRTQ_ERROR_ADDRESS, outside_at_its_end},
	{VIRTQ_ERROR_ADDRESS, wraps_around},
	{VIRTQ_ERROR_ADDRESS, beneath},
	{VIRTQ_ERROR_INDIRECT_FEATURE, table_not_negotiated},
	{VIRTQ_ERROR_INDIRECT_SIZE, table_empty},
	{VIRTQ_ERROR_INDIRECT_SIZE, table_of_odd_size},
	{VIRTQ_ERROR_INDIRECT_FLAGS, table_with_next},
	{VIRTQ_ERROR_INDIRECT_FLAGS, table_in_table},
	{VIRTQ_ERROR_INDIRECT_ADDRESS, table_outside},
	{VIRTQ_ERROR_INDIRECT_ADDRESS, table_cut_by_the_end},
	{VIRTQ_ERROR_NEXT, next_outside_table},
	{VIRTQ_ERROR_LOOP, loop_in_table},
	{VIRTQ_ERROR_SEGMENTS, endless_table_of_nothing},
};

static void every_violation_breaks_the_ring_with_its_reason(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned int i = 0; i < sizeof(violations) / sizeof(violations[0]); i++) {
		struct driver_buffer buffers[] = {{GPA, 1, false}, {GPA, 1, false}};

		open_ring(fixture, SIZE, INDIRECT);
		fixture->driver.indirect = false;
		assert_int_equal(driver_add(&fixture->driver, buffers, 2), 0);
		assert_int_equal(driver_add(&fixture->driver, buffers, 2), 2);
		driver_publish(&fixture->driver);
		violations[i].commit(fixture, fixture->driver.desc);
		assert_int_equal(take(fixture, 2), 0);
		assert_string_equal(virtq_error_name(fixture->vq.error),
				    virtq_error_name(violations[i].error));
		assert_int_equal(fixture->batch.segment_count, 0);
		assert_int_equal(take(fixture, 2), 0);
	}
}

static void chains_before_a_bad_one_are_still_good(void **state)
{
	struct fixture *fixture = *state;

	add_rooms(fixture, 3, 10);
	fixture->driver.desc[2].addr = 0;
	assert_int_equal(take(fixture, SIZE), 2);
	assert_int_equal(fixture->vq.error, VIRTQ_ERROR_ADDRESS);
	assert_int_equal(take(fixture, SIZE), 0);
}

static void receive_buffers_must_be_room(void **state)
{
	struct fixture *fixture = *state;
	struct driver_buffer readable[] = {{GPA, 10, false}, {GPA, 10, true}};
	struct driver_buffer empty = {GPA, 0, true};

	add_rooms(fixture, 1, 10);
	driver_add(&fixture->driver, readable, 2);
	driver_publish(&fixture->driver);
	assert_int_equal(take_space(fixture, 11, SIZE), 0);
	assert_int_equal(fixture->vq.error, VIRTQ_ERROR_RX_READABLE);
	assert_int_equal(fixture->vq.split.avail_next, 0);

	open_ring(fixture, SIZE, 0);
	driver_add(&fixture->driver, &empty, 1);
	driver_publish(&fixture->driver);
	assert_int_equal(take_space(fixture, 1, SIZE), 0);
	assert_int_equal(fixture->vq.error, VIRTQ_ERROR_RX_EMPTY);
}

/* No harm but to the driver's own accounting. */
static void head_in_flight_that_comes_again_is_another_chain(void **state)
{
	struct fixture *fixture = *state;
	struct driver *driver = &fixture->driver;

	add_rooms(fixture, 1, 10);
	driver->avail->ring[1] = driver->avail->ring[0];
	driver->avail->idx = 2;
	assert_int_equal(take(fixture, SIZE), 2);
	assert_int_equal(fixture->batch.chains[0].id, fixture->batch.chains[1].id);
	check_batch(fixture);
	virtq_return(&fixture->vq, &fixture->batch);
	virtq_publish(&fixture->vq);
	assert_int_equal(driver->used->idx, 2);
	assert_int_equal(driver->used->ring[0].id, driver->used->ring[1].id);
	assert_int_equal(fixture->vq.error, VIRTQ_OK);
}

/* Whether it is called is the driver's loss; at most once in a round of the index. */
static void event_index_out_of_the_window_breaks_nothing(void **state)
{
	static const uint16_t places[] = {SIZE, 0x7fff, 0x8000, 0xffff};
	struct fixture *fixture = *state;
	unsigned int calls = 0;

	for (unsigned int i = 0; i < sizeof(places) / sizeof(*places); i++) {
		open_ring(fixture, SIZE, EVENT_IDX);
		add_rooms(fixture, SIZE, 1);
		fixture->driver.avail->ring[SIZE] = places[i];
		for (unsigned int j = 0; j < SIZE; j++) {
			assert_int_equal(take(fixture, 1), 1);
			virtq_return(&fixture->vq, &fixture->batch);
			calls += virtq_publish(&fixture->vq);
		}
		assert_int_equal(fixture->vq.error, VIRTQ_OK);
	}
	assert_int_equal(calls, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ring_setup, ring_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_violation_breaks_the_ring_with_its_reason),
		TEST(chains_before_a_bad_one_are_still_good),
		TEST(receive_buffers_must_be_room),
		TEST(head_in_flight_that_comes_again_is_another_chain),
		TEST(event_index_out_of_the_window_breaks_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
