// SPDX-License-Identifier: GPL-2.0-or-later
// A ring full of nonsense, and one that another thread writes over: whatever
// the device is told, it stays within guest memory and comes to an end.
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "tests/unit/random.h"
#include "tests/unit/ring.h"

#define SEED UINT64_C(0x9e3779b97f4a7c15)
#define ROUNDS 500000
#define TABLES 4
#define TABLE_ENTRIES 8

static uint64_t random_address(struct random *random)
{
	static const uint64_t borders[] = {GPA, GPA + GUEST_BYTES / 2, GPA + GUEST_BYTES};

	switch (random_below(random, 8)) {
	case 0:
		return random_edge(random);
	case 1:
		return borders[random_below(random, 3)] + random_below(random, 64) - 32;
	default:
		return GPA + random_below(random, GUEST_BYTES);
	}
}

static void scramble(struct random *random, struct vring_desc *desc, uint16_t entries)
{
	desc->addr = random_address(random);
	desc->len = random_one_in(random, 10) ? (uint32_t)random_edge(random)
					      : random_below(random, 3000);
	desc->flags = random_one_in(random, 3) ? VRING_DESC_F_NEXT : 0;
	if (random_one_in(random, 2))
		desc->flags |= VRING_DESC_F_WRITE;
	if (random_one_in(random, 50))
		desc->flags |= (uint16_t)random_next(random);
	desc->next = random_one_in(random, 20) ? (uint16_t)random_next(random)
					       : (uint16_t)random_below(random, entries);
}

/* Point a descriptor to a table of nonsense, mostly of a proper size. */
static void make_indirect(struct fixture *fixture, struct random *random, struct vring_desc *desc,
			  uint64_t tables)
{
	uint64_t gpa = tables + random_below(random, TABLES) * TABLE_ENTRIES * 16;
	struct vring_desc *table = guest_at(&fixture->guest, gpa);

	for (unsigned int i = 0; i < TABLE_ENTRIES; i++)
		scramble(random, &table[i], TABLE_ENTRIES);
	desc->addr = random_one_in(random, 20) ? random_address(random) : gpa;
	desc->len = 16 * (1 + random_below(random, TABLE_ENTRIES));
	if (random_one_in(random, 20))
		desc->len = (uint32_t)random_edge(random);
	desc->flags = VRING_DESC_F_INDIRECT;
}

static void check_segment(const struct guest_memory *memory, const struct virtq_segment *segment)
{
	assert_true(segment->length > 0);
	for (size_t i = 0; i < memory->count; i++) {
		const struct guest_region *region = &memory->regions[i];

		if (segment->data >= region->host &&
		    segment->data + segment->length <= region->host + region->size)
			return;
	}
	fail_msg("segment outside of guest memory");
}

/* What virtq.h says of chains, checked from scratch. */
static void check_batch(const struct fixture *fixture)
{
	const struct virtq_batch *batch = &fixture->batch;
	uint32_t next = 0;

	for (unsigned int i = 0; i < batch->chain_count; i++) {
		const struct virtq_chain *chain = &batch->chains[i];
		uint64_t bytes[2] = {0, 0};

		assert_int_equal(chain->first, next);
		assert_true(fixture->packed || chain->id < SIZE);
		for (unsigned int j = 0; j < chain->readable + chain->writable; j++, next++) {
			check_segment(fixture->memory, &batch->segments[next]);
			bytes[j >= chain->readable] += batch->segments[next].length;
		}
		assert_int_equal(chain->readable_length, bytes[0]);
		assert_int_equal(chain->writable_length, bytes[1]);
	}
	assert_int_equal(batch->segment_count, next);
}

static void use_batch(struct fixture *fixture, struct random *random)
{
	struct virtq_batch *batch = &fixture->batch;

	check_batch(fixture);
	virtq_untake(&fixture->vq, batch, random_below(random, batch->chain_count + 1u));
	check_batch(fixture);
	for (unsigned int i = 0; i < batch->chain_count; i++)
		virtq_push(&fixture->vq, &batch->chains[i], 1);
	virtq_publish(&fixture->vq);
	virtq_kick_enable(&fixture->vq);
}

static void take_something(struct fixture *fixture, struct random *random)
{
	unsigned int max = 1 + random_below(random, 2 * SIZE);

	if (random_one_in(random, 2))
		assert_true(take(fixture, max) <= max);
	else
		assert_true(take_space(fixture, 1 + random_below(random, 10000), max) <= max);
}

static void nonsense_never_leaves_guest_memory(void **state)
{
	struct fixture *fixture = *state;
	uint64_t tables = guest_alloc(&fixture->guest, TABLES * TABLE_ENTRIES * 16, 16);
	uint64_t mark = fixture->guest.allocated;
	struct random random = {SEED};
	unsigned int errors[VIRTQ_ERRORS] = {0}, chains = 0;

	for (unsigned int round = 0; round < ROUNDS; round++) {
		if (fixture->vq.error || !round) {
			errors[fixture->vq.error]++;
			fixture->guest.allocated = mark;
			open_ring(fixture, SIZE, random_one_in(&random, 5) ? 0 : EVENT_IDX | INDIRECT);
		}
		struct driver *driver = &fixture->driver;
		uint32_t index = random_below(&random, SIZE);

		scramble(&random, &driver->desc[index], SIZE);
		if (random_one_in(&random, 3))
			make_indirect(fixture, &random, &driver->desc[index], tables);
		driver->avail->ring[random_below(&random, SIZE)] =
			random_one_in(&random, 50) ? (uint16_t)random_edge(&random) : index;
		driver->avail->idx += random_one_in(&random, 50) ? (uint16_t)random_next(&random) : 1;
		take_something(fixture, &random);
		use_batch(fixture, &random);
		chains += fixture->batch.chain_count;
	}
	/* The nonsense was good enough to reach every reason, and not all was refused. */
	for (unsigned int i = VIRTQ_OK + 1; i < VIRTQ_ERRORS; i++)
		if (!errors[i])
			fail_msg("no ring broke by %s", virtq_error_name(i));
	assert_true(chains > ROUNDS / 20);
}

static void scramble_packed(struct random *random, struct vring_packed_desc *desc)
{
	struct vring_desc any;

	scramble(random, &any, SIZE);
	*desc = (struct vring_packed_desc){any.addr, any.len, any.next, any.flags};
}

static void make_packed_indirect(struct fixture *fixture, struct random *random,
				 struct vring_packed_desc *desc, uint64_t tables)
{
	uint64_t gpa = tables + random_below(random, TABLES) * TABLE_ENTRIES * 16;
	struct vring_packed_desc *table = guest_at(&fixture->guest, gpa);

	for (unsigned int i = 0; i < TABLE_ENTRIES; i++)
		scramble_packed(random, &table[i]);
	desc->addr = random_one_in(random, 20) ? random_address(random) : gpa;
	desc->len = 16 * (1 + random_below(random, TABLE_ENTRIES));
	if (random_one_in(random, 20))
		desc->len = (uint32_t)random_edge(random);
	desc->flags = VRING_DESC_F_INDIRECT | (random_one_in(random, 20) ? VRING_DESC_F_NEXT : 0);
}

static void packed_nonsense_never_leaves_guest_memory(void **state)
{
	struct fixture *fixture = *state;
	uint64_t tables = guest_alloc(&fixture->guest, TABLES * TABLE_ENTRIES * 16, 16);
	uint64_t mark = fixture->guest.allocated;
	unsigned int errors[VIRTQ_ERRORS] = {0}, chains = 0;
	struct random random = {SEED};

	for (unsigned int round = 0; round < ROUNDS; round++) {
		if (fixture->vq.error || !round) {
			errors[fixture->vq.error]++;
			fixture->guest.allocated = mark;
			open_ring(fixture, SIZE, random_one_in(&random, 5) ? 0 : EVENT_IDX | INDIRECT);
			fixture->vq.reads_only = random_one_in(&random, 4);
		}
		/* Mostly the entry that the device looks at, with the bits that it looks for. */
		struct virtq_packed *packed = &fixture->vq.packed;
		uint32_t index = random_one_in(&random, 4) ? random_below(&random, SIZE)
							   : packed->avail_next;
		struct vring_packed_desc *desc = &fixture->driver.packed.desc[index];

		scramble_packed(&random, desc);
		if (random_one_in(&random, 3))
			make_packed_indirect(fixture, &random, desc, tables);
		if (random_one_in(&random, 100))
			for (unsigned int i = 0; i < SIZE; i++)
				fixture->driver.packed.desc[i].flags = VRING_DESC_F_NEXT;
		if (!random_one_in(&random, 20))
			desc->flags = (desc->flags & 7) |
				      (packed->avail_wrap ? BIT(VRING_PACKED_DESC_F_AVAIL)
							  : BIT(VRING_PACKED_DESC_F_USED));
		take_something(fixture, &random);
		chains += fixture->batch.chain_count;
		if (random_one_in(&random, 2))
			use_batch(fixture, &random);
		else
			check_batch(fixture);
	}
	for (unsigned int i = VIRTQ_OK + 1; i < VIRTQ_ERRORS; i++)
		if (!errors[i] && i != VIRTQ_ERROR_HEAD && i != VIRTQ_ERROR_NEXT)
			fail_msg("no ring broke by %s", virtq_error_name(i));
	assert_true(chains > ROUNDS / 20);
}

struct scribbler {
	struct fixture *fixture;
	atomic_bool stop;
};

/* A driver that changes its descriptors all the time. */
static void *scribble(void *arg)
{
	struct scribbler *scribbler = arg;
	struct vring_desc *desc = scribbler->fixture->driver.desc;
	struct random random = {SEED};

	while (!atomic_load(&scribbler->stop)) {
		struct vring_desc *one = &desc[random_below(&random, SIZE)];

		__atomic_store_n(&one->addr, random_address(&random), __ATOMIC_RELAXED);
		__atomic_store_n(&one->len, random_below(&random, 3000), __ATOMIC_RELAXED);
	}
	return NULL;
}

static void descriptors_that_change_meanwhile_never_lead_out(void **state)
{
	struct fixture *fixture = *state;
	struct scribbler scribbler = {.fixture = fixture};
	struct random random = {SEED};
	pthread_t thread;

	add_rooms(fixture, SIZE, 1);
	assert_int_equal(pthread_create(&thread, NULL, scribble, &scribbler), 0);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		fixture->vq.error = VIRTQ_OK;
		take_something(fixture, &random);
		check_batch(fixture);
		virtq_untake(&fixture->vq, &fixture->batch, fixture->batch.chain_count);
	}
	atomic_store(&scribbler.stop, true);
	pthread_join(thread, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ring_setup, ring_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nonsense_never_leaves_guest_memory),
		cmocka_unit_test_setup_teardown(packed_nonsense_never_leaves_guest_memory,
						packed_ring_setup, ring_teardown),
		TEST(descriptors_that_change_meanwhile_never_lead_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
