// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Chains that a network device has for as long as it likes: each goes back to the driver once, in the
 * order in which they were taken, and none while something is attached to it or to one before it.
 */
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/ring.h"
#include "vhost-user/switch/loan.h"

#define OPS 256
#define RING_SIZE 256
#define ATTACHED_MAX 5
#define ARENA 64
#define RANGES 3

/* A chain that was taken: what the driver calls it, and how often the device has it. */
struct taken {
	uint16_t id;
	struct loan *loan;
	unsigned int attached;
};

static struct fixture fixture;
static struct loans *loans;
static struct taken taken[LOANS_MAX];
static uint32_t first, end;
static bool is_driver_less[RING_SIZE];	/* what the driver made available and has not got back */

/* Over all inputs. */
static unsigned int out_of_order, in_bulk, is_full;

static struct taken *taken_at(uint32_t number)
{
	return &taken[number % LOANS_MAX];
}

static void send(struct fuzz_input *input)
{
	uint32_t count = 1 + fuzz_below(input, VIRTQ_CHAINS_MAX);

	for (uint32_t i = 0; i < count && fixture.driver.free_count; i++) {
		struct driver_buffer buffer = {.gpa = GPA + 4096 * (uint64_t)i, .length = 64};
		int head = driver_add(&fixture.driver, &buffer, 1);

		assert_true(head >= 0 && head < RING_SIZE && !is_driver_less[head]);
		is_driver_less[head] = true;
	}
	driver_publish(&fixture.driver);
}

/* Take them, and have the device attach itself to some. */
static void lend(struct fuzz_input *input, uint32_t now)
{
	uint32_t room = LOANS_MAX - loans_waiting(loans);
	unsigned int count = take(&fixture, room < VIRTQ_CHAINS_MAX ? room : VIRTQ_CHAINS_MAX);

	for (unsigned int i = 0; i < count; i++) {
		unsigned int attached = fuzz_below(input, ATTACHED_MAX + 1);

		*taken_at(end++) = (struct taken){fixture.batch.chains[i].id, loans_next(loans, i), attached};
		if (attached)
			rte_mbuf_ext_refcnt_update(&loans_next(loans, i)->shared, (int16_t)attached);
	}
	if (count)
		loans_wait(loans, &fixture.batch, now);
	is_full += !fixture.driver.free_count;
	assert_int_equal(loans_waiting(loans), end - first);
}

/* The device is done with one of them, whichever. */
static void give_up_one(struct fuzz_input *input)
{
	uint32_t number = first + fuzz_below(input, RING_SIZE);
	struct taken *chain = taken_at(number);

	if (number - first >= end - first || !chain->attached)
		return;
	chain->attached--;
	rte_mbuf_ext_refcnt_update(&chain->loan->shared, -1);
	assert_int_equal(loan_is_back(chain->loan), !chain->attached);
	out_of_order += number != first && !chain->attached;
}

static void expect_returned(void)
{
	struct vring_used_elem element;

	while (driver_used(&fixture.driver, &element)) {
		assert_true(first != end);
		assert_int_equal(element.id, taken_at(first)->id);
		assert_int_equal(taken_at(first)->attached, 0);
		assert_true(is_driver_less[element.id]);
		is_driver_less[element.id] = false;
		first++;
	}
}

static void settle(uint32_t now)
{
	unsigned int before = first;
	bool any = false;

	while (loans_settle(loans, &fixture.vq, &fixture.batch, now))
		any = true;
	virtq_publish(&fixture.vq);
	expect_returned();
	assert_int_equal(any, first != before);
	/* All that could go has gone. */
	assert_true(first == end || taken_at(first)->attached);
	assert_int_equal(loans_waiting(loans), end - first);
	in_bulk += first - before > 8;
}

/* Ranges that may be neighbours but do not overlap, and a stretch that one of them has or has not. */
static void reach(struct fuzz_input *input)
{
	static uint8_t arena[ARENA];
	_Alignas(struct loan_memory) uint8_t room[sizeof(struct loan_memory) + RANGES * sizeof(struct loan_range)];
	struct loan_memory *memory = (struct loan_memory *)(void *)room;
	uint32_t at = 0, start, length;
	bool wanted = false;

	memory->count = RANGES;
	for (uint32_t i = 0; i < RANGES; i++) {
		at += fuzz_below(input, 8);
		length = fuzz_below(input, 12);
		memory->ranges[i] = (struct loan_range){arena + at, length};
		at += length;
	}
	start = fuzz_below(input, ARENA);
	length = 1 + fuzz_below(input, ARENA);
	for (uint32_t i = 0; i < RANGES; i++) {
		uint32_t begin = (uint32_t)(memory->ranges[i].start - arena);

		wanted |= start >= begin && start + length <= begin + memory->ranges[i].size;
	}
	loans->memory = memory;
	assert_int_equal(loan_is_reached(loans_next(loans, 0), arena + start, length), wanted);
	loans->memory = NULL;
}

static void begin(struct fuzz_input *input)
{
	uint8_t kind = fuzz_u8(input);

	fixture.packed = kind & 1;
	fixture.guest.allocated = GUEST_BYTES / 2;
	open_ring(&fixture, RING_SIZE, (kind & 2 ? EVENT_IDX : 0) | (kind & 4 ? INDIRECT : 0));
	memset(is_driver_less, 0, sizeof(is_driver_less));
	first = end = 0;
	loans = loans_open(NULL);
	assert_non_null(loans);
}

static void give_up_all(void)
{
	for (uint32_t number = first; number != end; number++) {
		struct taken *chain = taken_at(number);

		if (chain->attached)
			rte_mbuf_ext_refcnt_update(&chain->loan->shared, (int16_t)-(int)chain->attached);
		chain->attached = 0;
	}
}

static void run(struct fuzz_input *input)
{
	begin(input);
	for (uint32_t i = 0; i < OPS && fuzz_left(input); i++) {
		switch (fuzz_below(input, 5)) {
		case 0:
			send(input);
			break;
		case 1:
			lend(input, i);
			break;
		case 2:
			give_up_one(input);
			break;
		case 3:
			settle(i);
			break;
		default:
			reach(input);
		}
	}
	lend(input, OPS);
	give_up_all();
	settle(OPS);
	/* What the driver made available it has again, but for what was never taken. */
	while (take(&fixture, VIRTQ_CHAINS_MAX)) {
		for (unsigned int i = 0; i < fixture.batch.chain_count; i++)
			is_driver_less[fixture.batch.chains[i].id] = false;
	}
	for (unsigned int i = 0; i < RING_SIZE; i++)
		assert_false(is_driver_less[i]);
	free(loans);
}

static void open_all(void)
{
	fixture_open(&fixture);
}

static void reached_everything(void)
{
	assert_true(out_of_order && in_bulk && is_full);
}

const struct fuzz_target fuzz_target = {
	.open = open_all,
	.run = run,
	.done = reached_everything,
};
