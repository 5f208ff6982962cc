// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rings of a disk that write and clear at the same time, each in a thread of its own: nobody writes
 * to what is cleared.
 */
#include <pthread.h>
#include <sched.h>
#include <string.h>

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

static void run(bool needs_fence)
{
	pthread_t threads[WRITERS + CLEARERS];

	memset(&order, 0, sizeof(order));
	ended = 0;
	blk_order_init(&order);
	blk_order_add_ring(&order, WRITERS + CLEARERS - 1);
	order.needs_fence |= needs_fence;
	for (uintptr_t i = 0; i < WRITERS + CLEARERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						i < WRITERS ? write_all : clear_all, (void *)i), 0);
	for (unsigned int i = 0; i < WRITERS + CLEARERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(violations, 0);
	assert_int_equal(order.ranges, 0);
}

static void nobody_writes_to_what_is_cleared(void **state)
{
	(void)state;
	run(false);
}

static void nor_where_the_kernel_makes_no_barriers(void **state)
{
	(void)state;
	run(true);
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
	assert_true(blk_order_enter(&order, 5, &places[BLK_ORDER_RANGES], &io));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_writes_to_what_is_cleared),
		cmocka_unit_test(nor_where_the_kernel_makes_no_barriers),
		cmocka_unit_test(ranges_wait_for_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
