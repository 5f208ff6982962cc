// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rings of a disk that write and clear at the same time, each in a thread of its own: nobody writes
 * to what is cleared.
 */
#include <errno.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/random.h"
#include "tests/unit/test.h"
#include "vhost-user/blk/order.h"

#define BLOCKS 16
#define BLOCK 4096
#define WRITERS 2
#define CLEARERS 2
#define ROUNDS 2000

/* What is at each block: writers, and 1 << 16 for who clears it. */
static unsigned int at[BLOCKS];
static struct blk_order order;
static unsigned int violations, ended;

static void expect_none(unsigned int found)
{
	if (found)
		__atomic_add_fetch(&violations, 1, __ATOMIC_RELAXED);
}

static void *write_all(void *arg)
{
	const unsigned int ring = (unsigned int)(uintptr_t)arg;
	struct random random = { ring + 1 };
	struct blk_ordered place;

	blk_order_begin(&place);
	while (__atomic_load_n(&ended, __ATOMIC_RELAXED) < CLEARERS) {
		const uint32_t block = random_below(&random, BLOCKS);
		const struct blk_io io = { .op = BLK_WRITE, .offset = (uint64_t)block * BLOCK,
					   .length = BLOCK };

		if (!blk_order_enter(&order, ring, &place, &io))
			continue;
		expect_none(__atomic_fetch_add(&at[block], 1, __ATOMIC_RELAXED) >> 16);
		__atomic_fetch_sub(&at[block], 1, __ATOMIC_RELAXED);
		blk_order_leave(&order, ring, &place, &io);
	}
	return NULL;
}

static void clear(unsigned int ring, struct random *random)
{
	const uint32_t first = random_below(random, BLOCKS);
	const uint32_t count = 1 + random_below(random, BLOCKS - first);
	const struct blk_io io = { .op = BLK_DISCARD, .offset = (uint64_t)first * BLOCK,
				   .length = (uint64_t)count * BLOCK };
	struct blk_ordered place;

	blk_order_begin(&place);
	/* The first time it is only listed. */
	blk_order_enter(&order, ring, &place, &io);
	while (!blk_order_enter(&order, ring, &place, &io))
		sched_yield();
	for (uint32_t i = first; i < first + count; i++)
		expect_none(__atomic_fetch_add(&at[i], 1 << 16, __ATOMIC_RELAXED));
	for (uint32_t i = first; i < first + count; i++)
		__atomic_fetch_sub(&at[i], 1 << 16, __ATOMIC_RELAXED);
	blk_order_leave(&order, ring, &place, &io);
}

static void *clear_all(void *arg)
{
	const unsigned int ring = (unsigned int)(uintptr_t)arg;
	struct random random = { ring + 1 };

	for (unsigned int i = 0; i < ROUNDS; i++)
		clear(ring, &random);
	__atomic_add_fetch(&ended, 1, __ATOMIC_RELAXED);
	return NULL;
}

static void run(bool has_barriers)
{
	pthread_t threads[WRITERS + CLEARERS];

	memset(&order, 0, sizeof(order));
	ended = 0;
	blk_order_init(&order);
	blk_order_add_ring(&order, WRITERS + CLEARERS - 1);
	if (!has_barriers)
		order.barrier = NULL;
	for (uintptr_t i = 0; i < WRITERS + CLEARERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						i < WRITERS ? write_all : clear_all, (void *)i), 0);
	for (unsigned int i = 0; i < WRITERS + CLEARERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(violations, 0);
	assert_int_equal(order.ranges, 0);
}

/* One command, in this process from now on. */
static void deny(uint32_t command)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(membarrier), 1,
			     SCMP_A0(SCMP_CMP_EQ, command)) || seccomp_load(filter))
		_exit(2);
	seccomp_release(filter);
}

static void nobody_writes_to_what_is_cleared(void **state)
{
	(void)state;
	run(true);
}

static void nor_where_the_kernel_makes_no_barriers(void **state)
{
	(void)state;
	run(false);
}

/* Old kernels have none, and a filter may forget them. */
static void a_kernel_that_makes_no_barriers_is_noticed(void **state)
{
	static const uint32_t denied[] = { 0, MEMBARRIER_CMD_PRIVATE_EXPEDITED,
					   MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED };

	(void)state;
	for (unsigned int i = 0; i < sizeof(denied) / sizeof(*denied); i++) {
		int status;
		pid_t pid = fork();

		if (!pid) {
			if (denied[i])
				deny(denied[i]);
			memset(&order, 0, sizeof(order));
			blk_order_init(&order);
			_exit(!order.barrier);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(WEXITSTATUS(status), denied[i] != 0);
	}
}

static unsigned int barriers;
static int barrier_error;

static int count_barrier(void)
{
	barriers++;
	return barrier_error;
}

/* With as many rings, the last of which @rings is. */
static void begin_counting(unsigned int rings)
{
	memset(&order, 0, sizeof(order));
	blk_order_init(&order);
	blk_order_add_ring(&order, rings - 1);
	order.barrier = count_barrier;
	barriers = 0;
	barrier_error = 0;
}

static bool enter_range(struct blk_ordered *place, unsigned int block)
{
	const struct blk_io io = { .op = BLK_DISCARD, .offset = (uint64_t)block * BLOCK,
				   .length = BLOCK };

	return blk_order_enter(&order, block, place, &io);
}

static void one_barrier_is_for_all_ranges_of_a_pass(void **state)
{
	struct blk_ordered places[4];

	(void)state;
	begin_counting(4);
	for (unsigned int i = 0; i < 4; i++)
		blk_order_begin(&places[i]);
	for (unsigned int i = 0; i < 3; i++)
		assert_false(enter_range(&places[i], i));
	assert_int_equal(barriers, 0);
	for (unsigned int i = 0; i < 3; i++)
		assert_true(enter_range(&places[i], i));
	assert_int_equal(barriers, 1);
	/* One that was not listed then needs another. */
	assert_false(enter_range(&places[3], 3));
	assert_true(enter_range(&places[3], 3));
	assert_int_equal(barriers, 2);
}

static void no_range_begins_without_its_barrier(void **state)
{
	struct blk_ordered place;

	(void)state;
	begin_counting(2);
	blk_order_begin(&place);
	barrier_error = -ENOMEM;
	for (unsigned int i = 0; i < 4; i++)
		assert_false(enter_range(&place, 0));
	assert_int_equal(barriers, 3);
	barrier_error = 0;
	assert_true(enter_range(&place, 0));
}

static void one_ring_needs_no_barrier(void **state)
{
	struct blk_ordered place;

	(void)state;
	begin_counting(1);
	blk_order_begin(&place);
	assert_true(enter_range(&place, 0));
	assert_int_equal(barriers, 0);
}

/* More ranges than the list has room for wait, those that overlap too, and writes beside do not. */
static void ranges_wait_for_room(void **state)
{
	struct blk_ordered places[BLK_ORDER_RANGES + 1], place;
	struct blk_io io = { .op = BLK_DISCARD, .length = BLOCK };

	(void)state;
	memset(&order, 0, sizeof(order));
	blk_order_init(&order);
	for (unsigned int i = 0; i <= BLK_ORDER_RANGES; i++) {
		blk_order_begin(&places[i]);
		io.offset = (uint64_t)i * BLOCK;
		blk_order_enter(&order, i, &places[i], &io);
	}
	for (unsigned int i = 0; i <= BLK_ORDER_RANGES; i++) {
		io.offset = (uint64_t)i * BLOCK;
		assert_int_equal(blk_order_enter(&order, i, &places[i], &io), i < BLK_ORDER_RANGES);
	}
	blk_order_begin(&place);
	io = (struct blk_io){ .op = BLK_WRITE, .offset = BLK_ORDER_RANGES * BLOCK, .length = BLOCK };
	assert_true(blk_order_enter(&order, 0, &place, &io));
	blk_order_leave(&order, 0, &place, &io);
	io.offset--;
	assert_false(blk_order_enter(&order, 0, &place, &io));
	io = (struct blk_io){ .op = BLK_DISCARD, .offset = BLK_ORDER_RANGES * BLOCK, .length = BLOCK };
	blk_order_leave(&order, 3, &places[3], &io);
	blk_order_enter(&order, 5, &places[BLK_ORDER_RANGES], &io);
	assert_true(blk_order_enter(&order, 5, &places[BLK_ORDER_RANGES], &io));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_writes_to_what_is_cleared),
		cmocka_unit_test(nor_where_the_kernel_makes_no_barriers),
		cmocka_unit_test(a_kernel_that_makes_no_barriers_is_noticed),
		cmocka_unit_test(one_barrier_is_for_all_ranges_of_a_pass),
		cmocka_unit_test(no_range_begins_without_its_barrier),
		cmocka_unit_test(one_ring_needs_no_barrier),
		cmocka_unit_test(ranges_wait_for_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
