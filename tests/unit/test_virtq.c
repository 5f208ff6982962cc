// SPDX-License-Identifier: GPL-2.0-or-later
// The device side of both kinds of ring against a driver that keeps the rules.
#include <string.h>

#include "tests/unit/ring.h"

static struct driver_buffer text_buffer(struct fixture *fixture, const char *text)
{
	struct driver_buffer buffer = {guest_alloc(&fixture->guest, strlen(text), 1),
				       (uint32_t)strlen(text), false};

	memcpy(guest_at(&fixture->guest, buffer.gpa), text, strlen(text));
	return buffer;
}

static void chain_reads_as_it_was_written(void **state)
{
	struct fixture *fixture = *state;
	struct driver_buffer buffers[] = {text_buffer(fixture, "one "), text_buffer(fixture, "two "),
					  text_buffer(fixture, "three"), room(fixture, 100)};
	char text[32] = "";

	for (unsigned int indirect = 0; indirect < 2; indirect++) {
		fixture->driver.indirect = indirect;
		int head = driver_add(&fixture->driver, buffers, 4);

		driver_publish(&fixture->driver);
		assert_int_equal(take(fixture, 8), 1);
		const struct virtq_chain *chain = &fixture->batch.chains[0];
		struct virtq_cursor cursor = virtq_readable(&fixture->batch, chain);

		assert_int_equal(chain->id, head);
		assert_int_equal(chain->readable, 3);
		assert_int_equal(chain->writable, 1);
		assert_int_equal(chain->writable_length, 100);
		assert_int_equal(virtq_cursor_read(&cursor, text, 6), 6);
		assert_int_equal(virtq_cursor_read(&cursor, text + 6, sizeof(text)), 7);
		assert_string_equal(text, "one two three");
	}
}

static void buffer_over_a_border_of_regions_is_two_segments(void **state)
{
	struct fixture *fixture = *state;
	struct driver_buffer buffer = {GPA + GUEST_BYTES / 2 - 3, 10, true};

	driver_add(&fixture->driver, &buffer, 1);
	driver_publish(&fixture->driver);
	assert_int_equal(take(fixture, 1), 1);
	assert_int_equal(fixture->batch.chains[0].writable, 2);
	assert_int_equal(fixture->batch.chains[0].writable_length, 10);
	assert_int_equal(fixture->batch.segments[0].length, 3);
	struct virtq_cursor cursor = virtq_writable(&fixture->batch, fixture->batch.chains, 1);

	assert_int_equal(virtq_cursor_write(&cursor, "0123456789", 11), 10);
	assert_memory_equal(guest_at(&fixture->guest, buffer.gpa), "0123456789", 10);
}

static void indirect_table_may_lie_over_a_border_of_regions(void **state)
{
	struct fixture *fixture = *state;
	uint64_t gpa = GPA + GUEST_BYTES / 2 - 16;
	struct vring_desc *table = guest_at(&fixture->guest, gpa);
	struct driver_buffer buffer = text_buffer(fixture, "text");

	driver_add(&fixture->driver, &buffer, 1);
	driver_publish(&fixture->driver);
	table[0] = table[1] = (struct vring_desc){.addr = buffer.gpa, .len = 4};
	table[0].flags = VRING_DESC_F_NEXT;
	table[0].next = 1;
	fixture->driver.desc[0] = (struct vring_desc){gpa, 32, VRING_DESC_F_INDIRECT, 0};
	assert_int_equal(take(fixture, 1), 1);
	assert_int_equal(fixture->batch.chains[0].readable_length, 8);
}

static void direct_descriptors_may_come_before_an_indirect_table(void **state)
{
	struct fixture *fixture = *state;
	struct driver_buffer buffers[] = {text_buffer(fixture, "a"), text_buffer(fixture, "bc")};
	struct vring_desc *desc = fixture->driver.desc;

	driver_add(&fixture->driver, buffers, 2);
	driver_publish(&fixture->driver);
	desc[1] = desc[0];
	desc[0] = (struct vring_desc){buffers[0].gpa, 1, VRING_DESC_F_NEXT, 1};
	/* "The device MUST ignore the write-only flag" of a table. */
	desc[1].flags |= VRING_DESC_F_WRITE;
	assert_int_equal(take(fixture, 1), 1);
	assert_int_equal(fixture->batch.chains[0].readable_length, 4);
}

static void descriptors_without_length_are_no_segments(void **state)
{
	struct fixture *fixture = *state;
	struct driver_buffer buffers[] = {{0, 0, false}, text_buffer(fixture, "x"), {0, 0, true}};

	driver_add(&fixture->driver, buffers, 3);
	driver_publish(&fixture->driver);
	assert_int_equal(take(fixture, 1), 1);
	assert_int_equal(fixture->batch.chains[0].readable, 1);
	assert_int_equal(fixture->batch.chains[0].writable, 0);
}

static void ring_goes_round_many_times(void **state)
{
	struct fixture *fixture = *state;
	struct vring_used_elem element;

	for (uint32_t i = 0; i < 100000; i++) {
		struct driver_buffer buffer = {GPA, 1 + i % 100, true};
		int head = driver_add(&fixture->driver, &buffer, 1);

		driver_publish(&fixture->driver);
		assert_int_equal(take(fixture, 4), 1);
		assert_int_equal(fixture->batch.chains[0].id, head);
		assert_false(driver_used(&fixture->driver, &element));
		virtq_push(&fixture->vq, fixture->batch.chains, i);
		assert_false(driver_used(&fixture->driver, &element));
		virtq_publish(&fixture->vq);
		assert_true(driver_used(&fixture->driver, &element));
		assert_int_equal(element.id, head);
		assert_int_equal(element.len, i);
	}
	assert_int_equal(fixture->vq.error, VIRTQ_OK);
}

static void untaken_chains_come_again(void **state)
{
	struct fixture *fixture = *state;

	add_rooms(fixture, 5, 10);
	assert_int_equal(take(fixture, 5), 5);
	uint16_t third = fixture->batch.chains[2].id;

	virtq_untake(&fixture->vq, &fixture->batch, 3);
	assert_int_equal(fixture->batch.chain_count, 2);
	assert_int_equal(fixture->batch.segment_count, 2);
	assert_int_equal(take(fixture, 16), 3);
	assert_int_equal(fixture->batch.chains[0].id, third);
}

static void space_is_taken_from_as_many_chains_as_needed(void **state)
{
	struct fixture *fixture = *state;
	char back[250];

	add_rooms(fixture, 5, 100);
	assert_int_equal(take_space(fixture, 250, SIZE), 3);
	struct virtq_cursor cursor = virtq_writable(&fixture->batch, fixture->batch.chains, 3);

	memset(back, 7, sizeof(back));
	assert_int_equal(virtq_cursor_write(&cursor, back, 250), 250);
	assert_int_equal(virtq_cursor_skip(&cursor, 100), 50);
	assert_int_equal(take_space(fixture, 100, SIZE), 1);
	assert_int_equal(take_space(fixture, 100, SIZE), 1);
	assert_int_equal(take_space(fixture, 1, SIZE), 0);
}

static void space_is_all_or_nothing(void **state)
{
	struct fixture *fixture = *state;

	add_rooms(fixture, 4, 100);
	assert_int_equal(take_space(fixture, 401, SIZE), 0);
	assert_int_equal(fixture->batch.chain_count, 0);
	assert_int_equal(take_space(fixture, 101, 1), 0);
	assert_int_equal(take_space(fixture, 400, 4), 4);
	assert_int_equal(fixture->vq.error, VIRTQ_OK);
}

static void batches_fill_up_and_go_on(void **state)
{
	struct fixture *fixture = *state;
	struct driver_buffer parts[600];

	for (unsigned int i = 0; i < 600; i++)
		parts[i] = (struct driver_buffer){GPA, 1, false};
	driver_add(&fixture->driver, parts, 600);
	driver_add(&fixture->driver, parts, 600);
	driver_publish(&fixture->driver);
	assert_int_equal(take(fixture, 2), 1);
	assert_int_equal(fixture->batch.segment_count, 600);
	assert_int_equal(take(fixture, 2), 1);
	assert_int_equal(fixture->vq.error, VIRTQ_OK);
}

static bool publish_one(struct fixture *fixture)
{
	assert_int_equal(take(fixture, 1), 1);
	virtq_push(&fixture->vq, &fixture->batch.chains[0], 0);
	return virtq_publish(&fixture->vq);
}

static void driver_is_called_when_it_wants(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned int event_idx = 0; event_idx < 2; event_idx++) {
		open_ring(fixture, SIZE, event_idx ? EVENT_IDX : 0);
		add_rooms(fixture, 4, 8);
		assert_false(virtq_publish(&fixture->vq));
		driver_want_calls(&fixture->driver, true);
		assert_true(publish_one(fixture));
		driver_want_calls(&fixture->driver, false);
		assert_false(publish_one(fixture));
	}
}

/* Section 2.7.7.2: one call when the index passes the one that the driver gave. */
static void driver_is_called_once_for_its_event_index(void **state)
{
	struct fixture *fixture = *state;

	add_rooms(fixture, 8, 8);
	fixture->driver.avail->ring[SIZE] = 2;
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(publish_one(fixture), i == 2);
}

static void driver_kicks_only_when_asked(void **state)
{
	struct fixture *fixture = *state;
	struct driver_buffer buffer = {GPA, 8, true};

	for (unsigned int event_idx = 0; event_idx < 2; event_idx++) {
		open_ring(fixture, SIZE, event_idx ? EVENT_IDX : 0);
		driver_add(&fixture->driver, &buffer, 1);
		assert_false(driver_publish(&fixture->driver));

		/* There is something already, and no kick will come for it. */
		assert_true(virtq_kick_enable(&fixture->vq));
		driver_add(&fixture->driver, &buffer, 1);
		assert_false(driver_publish(&fixture->driver));

		assert_int_equal(take(fixture, SIZE), 2);
		assert_false(virtq_kick_enable(&fixture->vq));
		driver_add(&fixture->driver, &buffer, 1);
		assert_true(driver_publish(&fixture->driver));

		virtq_kick_disable(&fixture->vq);
		driver_add(&fixture->driver, &buffer, 1);
		assert_false(driver_publish(&fixture->driver));
	}
}

static void ring_resumes_at_its_indices(void **state)
{
	struct fixture *fixture = *state;

	add_rooms(fixture, 4, 8);
	publish_one(fixture);
	publish_one(fixture);
	virtq_start(&fixture->vq, &(struct virtq_setup){
						.memory = fixture->memory,
						.desc = fixture->vq.split.desc,
						.driver = fixture->vq.split.avail,
						.device = fixture->vq.split.used,
						.size = SIZE,
						.base = 2,
						.features = EVENT_IDX,
					});
	assert_int_equal(fixture->vq.split.used_published, 2);
	assert_int_equal(take(fixture, SIZE), 2);
}

static void copies_between_guests_stop_at_the_shorter_end(void **state)
{
	struct fixture *fixture = *state;
	uint8_t from[] = "0123456789abcdef", to[16] = {0};
	struct virtq_segment in[] = {{from, 3}, {from + 3, 5}, {from + 8, 8}};
	struct virtq_segment out[] = {{to, 7}, {to + 7, 6}};
	struct virtq_cursor source = {in, in + 3, 0}, target = {out, out + 2, 0};

	(void)fixture;
	assert_int_equal(virtq_cursor_copy(&target, &source, 4), 4);
	assert_int_equal(virtq_cursor_copy(&target, &source, 100), 9);
	assert_memory_equal(to, "0123456789abc\0\0", 16);
	assert_int_equal(virtq_cursor_skip(&source, 100), 3);
	assert_int_equal(virtq_cursor_copy(&target, &source, 1), 0);
}

static struct virtq_write text_write(char *text)
{
	return (struct virtq_write){.head = (uint8_t *)text, .head_length = (uint32_t)strlen(text)};
}

static void writes_are_filled_in_order_until_one_has_no_room(void **state)
{
	struct fixture *fixture = *state;
	/* Begin with the number of buffers, which is 1 until it is another. */
	char texts[][16] = {"\1\0one", "\1\0a longer one", "\1\0three", "\1\0much longer"};
	struct virtq_write writes[4];
	struct vring_used_elem element;
	uint16_t buffers;

	for (unsigned int i = 0; i < 4; i++)
		writes[i] = (struct virtq_write){
			.head = (uint8_t *)texts[i],
			.head_length = 2 + (uint32_t)strlen(texts[i] + 2),
			.buffers = (uint8_t *)texts[i],
		};
	add_rooms(fixture, 4, 8);
	assert_int_equal(virtq_fill(&fixture->vq, &fixture->batch, writes, 4, SIZE), 3);
	assert_false(driver_used(&fixture->driver, &element));
	virtq_publish(&fixture->vq);
	for (unsigned int i = 0; i < 3; i++) {
		unsigned int count = (writes[i].head_length + 7) / 8;

		memcpy(&buffers, texts[i], sizeof(buffers));
		assert_int_equal(buffers, count);
		for (uint32_t left = writes[i].head_length; count; count--, left -= element.len) {
			assert_true(driver_used(&fixture->driver, &element));
			assert_int_equal(element.len, left < 8 ? left : 8);
		}
	}
	assert_false(driver_used(&fixture->driver, &element));
	assert_int_equal(fixture->vq.error, VIRTQ_OK);
	add_rooms(fixture, 2, 8);
	assert_int_equal(virtq_fill(&fixture->vq, &fixture->batch, writes + 3, 1, SIZE), 1);
}

static void write_that_needs_too_many_chains_takes_none(void **state)
{
	struct fixture *fixture = *state;
	char texts[][16] = {"0123456789", "01"};
	struct virtq_write writes[] = {text_write(texts[0]), text_write(texts[1])};
	uint32_t base = virtq_base(&fixture->vq);

	add_rooms(fixture, 3, 8);
	assert_int_equal(virtq_fill(&fixture->vq, &fixture->batch, writes, 2, 1), 0);
	assert_int_equal(virtq_base(&fixture->vq), base);
	assert_int_equal(virtq_fill(&fixture->vq, &fixture->batch, writes + 1, 1, 1), 1);
}

static void more_writes_than_a_batch_has_segments_are_filled(void **state)
{
	struct fixture *fixture = *state;
	struct virtq_write writes[4];
	struct driver_buffer parts[600];
	char text[] = "text";

	for (unsigned int i = 0; i < 4; i++) {
		writes[i] = text_write(text);
		for (unsigned int j = 0; j < 600; j++)
			parts[j] = room(fixture, 1);
		driver_add(&fixture->driver, parts, 600);
	}
	driver_publish(&fixture->driver);
	assert_int_equal(virtq_fill(&fixture->vq, &fixture->batch, writes, 4, SIZE), 4);
	assert_int_equal(fixture->vq.error, VIRTQ_OK);
}

static void returned_chains_are_used_without_length(void **state)
{
	struct fixture *fixture = *state;
	struct vring_used_elem element;

	for (unsigned int round = 0; round < 3 * SIZE; round++) {
		add_rooms(fixture, 5, 8);
		assert_int_equal(take(fixture, SIZE), 5);
		virtq_return(&fixture->vq, &fixture->batch);
		assert_false(driver_used(&fixture->driver, &element));
		virtq_publish(&fixture->vq);
		for (unsigned int i = 0; i < 5; i++) {
			assert_true(driver_used(&fixture->driver, &element));
			assert_int_equal(element.id, fixture->batch.chains[i].id);
			assert_int_equal(element.len, 0);
		}
		assert_false(driver_used(&fixture->driver, &element));
	}
}

/* Chains of all lengths that fill the ring, round after round, some taken twice. */
static void chains_of_any_length_go_round(void **state)
{
	struct fixture *fixture = *state;
	struct driver_buffer buffers[SIZE];
	struct vring_used_elem element;

	fixture->driver.indirect = false;
	for (unsigned int i = 0; i < SIZE; i++)
		buffers[i] = (struct driver_buffer){GPA + i, 1, false};
	for (unsigned int round = 0; round < 10000; round++) {
		unsigned int first = 1 + round % (SIZE - 1), untaken = round % 3;
		int ids[] = {driver_add(&fixture->driver, buffers, first),
			     driver_add(&fixture->driver, buffers, SIZE - first)};

		driver_publish(&fixture->driver);
		assert_int_equal(driver_add(&fixture->driver, buffers, 1), -1);
		assert_int_equal(take(fixture, SIZE), 2);
		virtq_untake(&fixture->vq, &fixture->batch, untaken);
		virtq_return(&fixture->vq, &fixture->batch);
		assert_int_equal(take(fixture, SIZE), untaken);
		virtq_return(&fixture->vq, &fixture->batch);
		virtq_publish(&fixture->vq);
		for (unsigned int i = 0; i < 2; i++) {
			assert_true(driver_used(&fixture->driver, &element));
			assert_int_equal(element.id, ids[i]);
		}
	}
	assert_int_equal(fixture->vq.error, VIRTQ_OK);
}

#define BOTH(name) TEST(name), { "packed: " #name, name, packed_ring_setup, ring_teardown, NULL }
#define TEST(name) cmocka_unit_test_setup_teardown(name, ring_setup, ring_teardown)

/* Indices come round to where they began, and what was given back stays. */
static void ring_is_new_until_something_was_given_back(void **state)
{
	struct fixture *fixture = *state;
	const uint32_t first = virtq_base(&fixture->vq);
	const struct driver_buffer buffer = room(fixture, 100);
	struct vring_used_elem element;
	unsigned int rounds = 0;

	assert_true(virtq_is_new(&fixture->vq));
	for (unsigned int i = 0; i < 65536; i++) {
		driver_add(&fixture->driver, &buffer, 1);
		driver_publish(&fixture->driver);
		assert_int_equal(virtq_is_new(&fixture->vq), !i);
		assert_int_equal(take(fixture, 1), 1);
		virtq_push(&fixture->vq, fixture->batch.chains, i % 2);
		virtq_publish(&fixture->vq);
		assert_true(driver_used(&fixture->driver, &element));
		assert_false(virtq_is_new(&fixture->vq));
		rounds += virtq_base(&fixture->vq) == first;
	}
	assert_int_equal(rounds, fixture->packed ? 65536 / (2 * SIZE) : 1);
}

/* Of one that is full nothing tells, so it is none to trust. */
static void full_packed_ring_counts_as_used(void **state)
{
	struct fixture *fixture = *state;

	add_rooms(fixture, SIZE - 1, 100);
	assert_true(virtq_is_new(&fixture->vq));
	add_rooms(fixture, 1, 100);
	assert_false(virtq_is_new(&fixture->vq));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(chain_reads_as_it_was_written),
		BOTH(buffer_over_a_border_of_regions_is_two_segments),
		TEST(indirect_table_may_lie_over_a_border_of_regions),
		TEST(direct_descriptors_may_come_before_an_indirect_table),
		BOTH(descriptors_without_length_are_no_segments),
		BOTH(ring_goes_round_many_times),
		BOTH(ring_is_new_until_something_was_given_back),
		cmocka_unit_test_setup_teardown(full_packed_ring_counts_as_used, packed_ring_setup,
						ring_teardown),
		BOTH(untaken_chains_come_again),
		BOTH(space_is_taken_from_as_many_chains_as_needed),
		BOTH(space_is_all_or_nothing),
		BOTH(batches_fill_up_and_go_on),
		BOTH(driver_is_called_when_it_wants),
		TEST(driver_is_called_once_for_its_event_index),
		BOTH(driver_kicks_only_when_asked),
		TEST(ring_resumes_at_its_indices),
		BOTH(writes_are_filled_in_order_until_one_has_no_room),
		BOTH(write_that_needs_too_many_chains_takes_none),
		BOTH(more_writes_than_a_batch_has_segments_are_filled),
		BOTH(returned_chains_are_used_without_length),
		BOTH(chains_of_any_length_go_round),
		TEST(copies_between_guests_stop_at_the_shorter_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
