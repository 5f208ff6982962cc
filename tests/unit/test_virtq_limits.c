// SPDX-License-Identifier: GPL-2.0-or-later
// Rings of the largest size, whose indices just fit into 16 bits, and the longest chains.
#include <string.h>

#include "tests/unit/ring.h"

/* Give all that the driver made available back, in batches; how many chains that were. */
static unsigned int give_back(struct fixture *fixture)
{
	unsigned int total = 0, count;

	while ((count = take(fixture, VIRTQ_CHAINS_MAX))) {
		for (unsigned int i = 0; i < count; i++)
			virtq_push(&fixture->vq, &fixture->batch.chains[i], i);
		virtq_publish(&fixture->vq);
		total += count;
	}
	assert_int_equal(fixture->vq.error, VIRTQ_OK);
	return total;
}

static unsigned int take_used(struct fixture *fixture)
{
	struct vring_used_elem element;
	unsigned int count = 0;

	while (driver_used(&fixture->driver, &element))
		assert_int_equal(element.len, count++ % VIRTQ_CHAINS_MAX);
	return count;
}

static unsigned int take_used_any(struct fixture *fixture)
{
	struct vring_used_elem element;
	unsigned int count = 0;

	while (driver_used(&fixture->driver, &element))
		count++;
	return count;
}

/* Fill it to the last entry, again and again: the indices go round. */
static void go_round(struct fixture *fixture, uint16_t size, uint64_t features)
{
	struct driver_buffer buffer = { GPA, 64, true };

	open_ring(fixture, size, features);
	for (unsigned int round = 0; round < 5; round++) {
		for (unsigned int i = 0; i < size; i++)
			assert_true(driver_add(&fixture->driver, &buffer, 1) >= 0);
		assert_int_equal(driver_add(&fixture->driver, &buffer, 1), -1);
		driver_publish(&fixture->driver);
		assert_int_equal(give_back(fixture), size);
		assert_int_equal(take_used(fixture), size);
		/* Out of step with the size, so that each entry is the first of a round once. */
		for (unsigned int i = 0; i < 3; i++)
			driver_add(&fixture->driver, &buffer, 1);
		driver_publish(&fixture->driver);
		assert_int_equal(give_back(fixture), 3);
		assert_int_equal(take_used(fixture), 3);
	}
}

static void largest_ring_is_filled_to_the_last_entry(void **state)
{
	go_round(*state, VIRTQ_SIZE_MAX, 0);
	go_round(*state, VIRTQ_SIZE_MAX, EVENT_IDX);
}

static void packed_ring_need_not_be_a_power_of_two(void **state)
{
	go_round(*state, VIRTQ_SIZE_MAX - 1, EVENT_IDX);
}

static void driver_is_called_at_the_entry_that_it_named(void **state)
{
	struct fixture *fixture = *state;
	struct driver_buffer buffer = { GPA, 64, true };
	unsigned int calls = 0;

	open_ring(fixture, VIRTQ_SIZE_MAX, EVENT_IDX);
	for (unsigned int i = 0; i < VIRTQ_SIZE_MAX; i++)
		driver_add(&fixture->driver, &buffer, 1);
	driver_publish(&fixture->driver);
	for (unsigned int i = 0; i < VIRTQ_SIZE_MAX; i++) {
		assert_int_equal(take(fixture, 1), 1);
		virtq_push(&fixture->vq, fixture->batch.chains, 0);
		calls += virtq_publish(&fixture->vq);
	}
	assert_int_equal(calls, 1); /* for the first, which is what it asked for */
}

static int add_chain(struct fixture *fixture, unsigned int count)
{
	static struct driver_buffer buffers[VIRTQ_SEGMENTS_MAX + 1];

	for (unsigned int i = 0; i < count; i++)
		buffers[i] = (struct driver_buffer){ GPA + i, 1, true };
	return driver_add(&fixture->driver, buffers, count);
}

static void chain_has_as_many_parts_as_a_batch_holds(void **state)
{
	struct fixture *fixture = *state;

	for (uint64_t features = 0; features <= INDIRECT; features += INDIRECT) {
		open_ring(fixture, VIRTQ_SIZE_MAX, features);
		assert_true(add_chain(fixture, VIRTQ_SEGMENTS_MAX) >= 0);
		driver_publish(&fixture->driver);
		assert_int_equal(take(fixture, 1), 1);
		assert_int_equal(fixture->batch.chains[0].writable, VIRTQ_SEGMENTS_MAX);
		virtq_push(&fixture->vq, fixture->batch.chains, 1);
		virtq_publish(&fixture->vq);
		assert_true(add_chain(fixture, VIRTQ_SEGMENTS_MAX + 1) >= 0);
		driver_publish(&fixture->driver);
		assert_int_equal(take(fixture, 1), 0);
		assert_int_equal(fixture->vq.error, VIRTQ_ERROR_SEGMENTS);
	}
}

/* Descriptors without length make no parts, but each of them is looked at. */
static void chains_of_nothing_are_as_long_as_those_of_something(void **state)
{
	struct fixture *fixture = *state;
	const unsigned int most = VIRTQ_SEGMENTS_MAX;
	static struct driver_buffer buffers[VIRTQ_SEGMENTS_MAX + 1];

	for (uint64_t features = 0; features <= INDIRECT; features += INDIRECT) {
		open_ring(fixture, VIRTQ_SIZE_MAX, features);
		for (unsigned int i = 0; i <= most; i++)
			buffers[i] = (struct driver_buffer){ GPA, i % 2, true };
		assert_true(driver_add(&fixture->driver, buffers, most) >= 0);
		assert_true(driver_add(&fixture->driver, buffers, most / 2 + 1) >= 0);
		assert_true(driver_add(&fixture->driver, buffers, most / 2) >= 0);
		driver_publish(&fixture->driver);
		/* All that is looked at for a batch is as much as for the longest chain. */
		assert_int_equal(take(fixture, 3), 1);
		assert_int_equal(fixture->batch.chains[0].writable, most / 2);
		assert_int_equal(take(fixture, 3), 1);
		assert_int_equal(take(fixture, 3), 1);
		assert_int_equal(fixture->vq.error, VIRTQ_OK);
		assert_true(driver_add(&fixture->driver, buffers, most + 1) >= 0);
		driver_publish(&fixture->driver);
		assert_int_equal(take(fixture, 1), 0);
		assert_int_equal(fixture->vq.error, VIRTQ_ERROR_SEGMENTS);
	}
}

/* All of the ring is one cycle: the walk ends. */
static void cycle_through_the_largest_ring_ends(void **state)
{
	struct fixture *fixture = *state;
	struct driver *driver = &fixture->driver;

	open_ring(fixture, VIRTQ_SIZE_MAX, 0);
	for (unsigned int i = 0; i < VIRTQ_SIZE_MAX; i++)
		driver->desc[i] = (struct vring_desc){
			.addr = GPA,
			.flags = VRING_DESC_F_NEXT,
			.next = (uint16_t)((i + 1) % VIRTQ_SIZE_MAX),
		};
	driver->avail->ring[0] = 5;
	__atomic_store_n(&driver->avail->idx, 1, __ATOMIC_RELEASE);
	assert_int_equal(take(fixture, 1), 0);
	assert_int_equal(fixture->vq.error, VIRTQ_ERROR_SEGMENTS);
	open_ring(fixture, VIRTQ_SIZE_MAX, 0);
	__atomic_store_n(&driver->avail->idx, VIRTQ_SIZE_MAX + 1, __ATOMIC_RELEASE);
	assert_int_equal(take(fixture, 1), 0);
	assert_int_equal(fixture->vq.error, VIRTQ_ERROR_AVAIL_JUMP);
}

/* A driver that does not wait until it has got buffers back: the next @count entries are available. */
static void add_again(struct fixture *fixture, unsigned int count)
{
	struct driver *driver = &fixture->driver;

	if (!fixture->packed) {
		__atomic_store_n(&driver->avail->idx, driver->avail->idx + count, __ATOMIC_RELEASE);
		return;
	}
	for (unsigned int i = 0; i < count; i++)
		driver->packed.desc[i] = (struct vring_packed_desc){
			.addr = GPA,
			.len = 64,
			.flags = 1 << VRING_PACKED_DESC_F_USED | VRING_DESC_F_WRITE,
		};
}

static unsigned int push_without_publish(struct fixture *fixture, unsigned int max)
{
	unsigned int count = take(fixture, max);

	for (unsigned int i = 0; i < count; i++)
		virtq_push(&fixture->vq, &fixture->batch.chains[i], 1);
	return count;
}

static void no_more_than_a_round_is_given_back_at_once(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned int pushed = 1; pushed <= SIZE; pushed++) {
		unsigned int total = pushed, more;

		open_ring(fixture, SIZE, 0);
		add_rooms(fixture, SIZE, 64);
		assert_int_equal(push_without_publish(fixture, pushed), pushed);
		add_again(fixture, pushed);
		while ((more = push_without_publish(fixture, 3)))
			total += more;
		assert_int_equal(fixture->vq.error, VIRTQ_ERROR_AVAIL_JUMP);
		assert_in_range(total, pushed, SIZE);
	}
}

/* The same by frames of one burst. */
static void no_more_than_a_round_is_filled_at_once(void **state)
{
	static const uint8_t head[8];
	struct fixture *fixture = *state;
	struct virtq_write writes[SIZE];

	for (unsigned int i = 0; i < SIZE; i++)
		writes[i] = (struct virtq_write){.head = head, .head_length = sizeof(head)};
	open_ring(fixture, SIZE, 0);
	add_rooms(fixture, SIZE, 64);
	assert_int_equal(virtq_fill(&fixture->vq, &fixture->batch, writes, SIZE, 1), SIZE);
	add_again(fixture, SIZE);
	assert_int_equal(virtq_fill(&fixture->vq, &fixture->batch, writes, SIZE, 1), 0);
	assert_int_equal(fixture->vq.error, VIRTQ_ERROR_AVAIL_JUMP);
}

/* Whose driver waits, the ring is used up to its last entry between two publishes. */
static void all_of_a_ring_is_given_back_at_once(void **state)
{
	struct fixture *fixture = *state;

	open_ring(fixture, SIZE, 0);
	for (unsigned int round = 0; round < 5; round++) {
		add_rooms(fixture, SIZE - round % 3, 64);
		while (push_without_publish(fixture, 3))
			;
		virtq_publish(&fixture->vq);
		assert_int_equal(take_used_any(fixture), SIZE - round % 3);
		assert_int_equal(fixture->vq.error, VIRTQ_OK);
	}
}

#define SPLIT(function) cmocka_unit_test_setup_teardown(function, ring_setup, ring_teardown)
#define PACKED(function)                                                                           \
	{ #function " (packed)", function, packed_ring_setup, ring_teardown, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		SPLIT(largest_ring_is_filled_to_the_last_entry),
		PACKED(largest_ring_is_filled_to_the_last_entry),
		PACKED(packed_ring_need_not_be_a_power_of_two),
		SPLIT(driver_is_called_at_the_entry_that_it_named),
		PACKED(driver_is_called_at_the_entry_that_it_named),
		SPLIT(chain_has_as_many_parts_as_a_batch_holds),
		PACKED(chain_has_as_many_parts_as_a_batch_holds),
		SPLIT(chains_of_nothing_are_as_long_as_those_of_something),
		PACKED(chains_of_nothing_are_as_long_as_those_of_something),
		SPLIT(cycle_through_the_largest_ring_ends),
		SPLIT(no_more_than_a_round_is_given_back_at_once),
		PACKED(no_more_than_a_round_is_given_back_at_once),
		SPLIT(no_more_than_a_round_is_filled_at_once),
		PACKED(no_more_than_a_round_is_filled_at_once),
		SPLIT(all_of_a_ring_is_given_back_at_once),
		PACKED(all_of_a_ring_is_given_back_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
