// SPDX-License-Identifier: GPL-2.0-or-later
// Limits that disks and ports keep together: rates, bursts, debts, turns, threads, changes.
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "tests/unit/test.h"
#include "vhost-user/qos.h"

#define SECOND UINT64_C(1000000000)
#define MS UINT64_C(1000000)
#define START (1000 * SECOND)

static struct qos_group *group_of(enum qos_limit limit, double number, uint64_t now, uint64_t burst)
{
	struct qos_group *group = test_calloc(1, sizeof(*group));
	double limits[QOS_LIMITS] = { 0 };

	limits[limit] = number;
	qos_group_set(group, now, limits, burst);
	return group;
}

static void set(struct qos_group *group, enum qos_limit limit, double number, uint64_t now)
{
	double limits[QOS_LIMITS] = { 0 };

	limits[limit] = number;
	qos_group_set(group, now, limits, QOS_BURST_NS);
}

/* One of that many bytes, if it may; whether it did. */
static bool try(struct qos_member *member, unsigned int limits, uint64_t now, uint64_t bytes)
{
	if (qos_wait_ns(member, limits, now))
		return false;
	qos_charge(member, limits, now, 1, bytes);
	return true;
}

/* All that may pass from @from to @to, looked for every @step. */
static uint64_t count_passed(struct qos_member *member, unsigned int limits, uint64_t from, uint64_t to,
			     uint64_t step, uint64_t bytes)
{
	uint64_t count = 0;

	for (uint64_t now = from; now < to; now += step)
		while (try(member, limits, now, bytes))
			count++;
	return count;
}

static void assert_near(double value, double wanted, double share)
{
	if (fabs(value - wanted) > wanted * share)
		fail_msg("%.0f, expected %.0f within %.1f %%", value, wanted, share * 100);
}

static void rate_is_reached(void **state)
{
	static const struct {
		enum qos_limit limit;
		unsigned int does;
		double number;
		uint64_t bytes;
	} cases[] = {
		{ QOS_IOPS, QOS_READ, 10, 4096 },
		{ QOS_IOPS, QOS_REQUEST, 999, 0 },
		{ QOS_READ_IOPS, QOS_READ, 123456, 4096 },
		{ QOS_WRITE_IOPS, QOS_WRITE, 1000000, 4096 },
		{ QOS_BYTES, QOS_READ, 1e6, 4096 },
		{ QOS_BYTES, QOS_WRITE, 1e6, 1 << 20 },
		{ QOS_READ_BYTES, QOS_TX, 1e9, 1500 },
		{ QOS_WRITE_BYTES, QOS_RX, 20e9, 65535 },
		{ QOS_BYTES, QOS_RX, 100e9, 9000 },
		{ QOS_RX_PACKETS, QOS_RX, 3000000, 64 },
		{ QOS_PACKETS, QOS_TX, 50000, 64 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const bool counts_bytes = QOS_IN_BYTES & QOS_BIT(cases[i].limit);
		const double wanted = cases[i].number / (counts_bytes ? (double)cases[i].bytes : 1);
		/* Of the slow ones more time; the first is free of charge until it is paid. */
		const uint64_t seconds = wanted < 1000 ? 100 : 1;
		struct qos_group *group = group_of(cases[i].limit, cases[i].number, START, MS);
		struct qos_member member = { .group = group };

		assert_near((double)count_passed(&member, cases[i].does, START,
						 START + seconds * SECOND, 10000, cases[i].bytes),
			    wanted * (double)seconds, 0.02);
		test_free(group);
	}
}

static void what_is_not_limited_passes(void **state)
{
	struct qos_group *group = group_of(QOS_READ_IOPS, 1, START, MS);
	struct qos_member member = { .group = group }, none = { 0 };

	(void)state;
	assert_true(try(&member, QOS_READ, START, 4096));
	assert_false(try(&member, QOS_READ, START, 4096));
	for (unsigned int i = 0; i < 1000; i++) {
		assert_true(try(&member, QOS_WRITE, START, UINT32_MAX));
		assert_true(try(&member, QOS_REQUEST, START, UINT32_MAX));
		assert_true(try(&member, QOS_TX | QOS_RX, START, UINT32_MAX));
		assert_true(try(&none, QOS_READ, START, UINT32_MAX));
	}
	test_free(group);
}

static void silence_saves_up_a_burst_and_no_more(void **state)
{
	struct qos_group *group = group_of(QOS_IOPS, 1000, START, 50 * MS);
	struct qos_member member = { .group = group };

	(void)state;
	/* There was no silence before it was set. */
	assert_in_range(count_passed(&member, QOS_READ, START, START + 1, 1, 0), 1, 2);
	assert_in_range(count_passed(&member, QOS_READ, START + SECOND, START + SECOND + 1, 1, 0), 50,
			52);
	assert_in_range(count_passed(&member, QOS_READ, START + 1000 * SECOND,
				     START + 1000 * SECOND + 1, 1, 0), 50, 52);
	test_free(group);
}

/* The same of the first, when another one waits. */
static uint64_t count_passed_both(struct qos_member *first, struct qos_member *waiting, uint64_t from,
				  uint64_t to, uint64_t bytes)
{
	uint64_t count = 0;

	for (uint64_t now = from; now < to; now += 10000) {
		assert_true(qos_wait_ns(waiting, QOS_READ, now));
		while (try(first, QOS_READ, now, bytes))
			count++;
	}
	return count;
}

static void large_one_passes_and_is_owed(void **state)
{
	struct qos_group *group = group_of(QOS_BYTES, 1e6, START, MS);
	struct qos_member member = { .group = group }, other = { .group = group };

	(void)state;
	assert_true(try(&member, QOS_WRITE, START, 10000000));
	/* Ten seconds, */
	assert_int_equal(count_passed(&member, QOS_WRITE, START, START + 10 * SECOND - 2 * MS, 10000, 1),
			 0);
	assert_true(try(&member, QOS_WRITE, START + 10 * SECOND, 1));
	/* that it pays as well when it has nothing to do meanwhile, */
	assert_true(try(&member, QOS_WRITE, START + 20 * SECOND, 10000000));
	assert_false(try(&member, QOS_WRITE, START + 25 * SECOND, 1));
	assert_true(try(&member, QOS_WRITE, START + 31 * SECOND, 10000000));
	/* and that the others do not owe: they have their half, and it has the other. */
	assert_near((double)count_passed_both(&other, &member, START + 31 * SECOND, START + 41 * SECOND,
					      1000), 5000, 0.02);
	assert_false(try(&member, QOS_WRITE, START + 45 * SECOND, 1));
	assert_true(try(&member, QOS_WRITE, START + 47 * SECOND, 1));
	test_free(group);
}

/* Whoever is looked at first gets no more; who wants less gets what it wants. */
static void members_come_in_turn(void **state)
{
	enum { MEMBERS = 5 };
	struct qos_group *group = group_of(QOS_IOPS, 50000, START, MS);
	struct qos_member members[MEMBERS] = { 0 };
	uint64_t counts[MEMBERS] = { 0 }, sum = 0, slow = 0;

	(void)state;
	for (unsigned int i = 0; i < MEMBERS; i++)
		qos_join(&members[i], group);
	for (uint64_t now = START; now < START + SECOND; now += 20000) {
		for (unsigned int i = 0; i < MEMBERS - 1; i++)
			while (try(&members[i], QOS_READ, now, 4096))
				counts[i]++;
		/* 1000 a second */
		if (slow < (now - START) / MS && try(&members[MEMBERS - 1], QOS_READ, now, 4096))
			slow++;
	}
	for (unsigned int i = 0; i < MEMBERS - 1; i++) {
		assert_near((double)counts[i], (50000 - 1000) / 4.0, 0.02);
		sum += counts[i];
	}
	assert_near((double)slow, 1000, 0.02);
	assert_near((double)(sum + slow), 50000, 0.02);
	test_free(group);
}

/* One of requests so large that each is owed beside one of small ones: bytes are what is shared. */
static void large_ones_take_no_more_than_small_ones(void **state)
{
	struct qos_group *group = group_of(QOS_BYTES, 100e6, START, MS);
	struct qos_member large = { .group = group }, small = { .group = group };
	uint64_t large_bytes = 0, small_bytes = 0;

	(void)state;
	for (uint64_t now = START; now < START + 10 * SECOND; now += 20000) {
		while (try(&large, QOS_READ, now, 1 << 20))
			large_bytes += 1 << 20;
		while (try(&small, QOS_READ, now, 4096))
			small_bytes += 4096;
	}
	assert_near((double)(large_bytes + small_bytes), 1e9, 0.02);
	assert_near((double)small_bytes, 5e8, 0.02);
	test_free(group);
}

static void change_takes_effect_at_once(void **state)
{
	struct qos_group *group = group_of(QOS_BYTES, 1, START, MS);
	struct qos_member member = { .group = group }, other = { .group = group };
	const uint64_t later = START + SECOND;

	(void)state;
	assert_true(try(&member, QOS_WRITE, START, 1 << 22));
	assert_int_equal(count_passed(&member, QOS_WRITE, START, later, 10000, 1), 0);
	set(group, QOS_BYTES, 1e6, later);
	assert_near((double)(count_passed(&member, QOS_WRITE, later, later + SECOND / 2, 10000, 1000) +
			     count_passed(&other, QOS_WRITE, later + SECOND / 2, later + SECOND, 10000,
					  1000)), 1000, 0.02);
	/* Less, and none at all. */
	set(group, QOS_BYTES, 1e5, later + SECOND);
	assert_near((double)count_passed(&member, QOS_WRITE, later + SECOND, later + 2 * SECOND, 10000,
					 1000), 100, 0.02);
	set(group, QOS_BYTES, 0, later + 2 * SECOND);
	for (unsigned int i = 0; i < 1000; i++)
		assert_true(try(&member, QOS_WRITE, later + 2 * SECOND, 1 << 30));
	test_free(group);
}

/* What was leased of one group is of no use in another, nor is what is owed there. */
static void another_group_begins_anew(void **state)
{
	struct qos_group *slow = group_of(QOS_IOPS, 0.001, START, MS);
	struct qos_group *fast = group_of(QOS_IOPS, 1000, START, MS);
	struct qos_member member = { .group = slow };

	(void)state;
	assert_true(try(&member, QOS_READ, START, 0));
	assert_int_equal(count_passed(&member, QOS_READ, START, START + 900 * SECOND, SECOND, 0), 0);
	qos_join(&member, fast);
	assert_near((double)count_passed(&member, QOS_READ, START, START + SECOND, 10000, 0), 1000, 0.02);
	qos_join(&member, NULL);
	assert_true(try(&member, QOS_READ, START, 0));
	assert_int_equal(qos_wait_ns(&member, QOS_READ, START), 0);
	test_free(slow);
	test_free(fast);
}

static void any_clock_and_any_number_will_do(void **state)
{
	static const uint64_t clocks[] = { 0, 1, MS, UINT64_C(1) << 62, UINT64_MAX - 1, UINT64_MAX };
	static const double numbers[] = { 1e-9, 1, 1e9, 1e15, 1e300 };

	(void)state;
	for (size_t i = 0; i < sizeof(clocks) / sizeof(*clocks); i++) {
		for (size_t j = 0; j < sizeof(numbers) / sizeof(*numbers); j++) {
			struct qos_group *group = group_of(QOS_BYTES, numbers[j], clocks[i], UINT64_MAX);
			struct qos_member member = { .group = group };

			assert_true(try(&member, QOS_READ, clocks[i], UINT64_MAX));
			/* As many workers as there are did so at the same time. */
			for (unsigned int k = 1; k < 64; k++)
				qos_charge(&member, QOS_READ, clocks[i], 1, UINT64_MAX);
			assert_true(numbers[j] > 1e15 || member.shares[QOS_BYTES].left < 0);
			qos_group_set(group, clocks[i], (double[QOS_LIMITS]){ 0 }, 0);
			assert_int_equal(qos_wait_ns(&member, QOS_READ, clocks[i]), 0);
			test_free(group);
		}
	}
}

struct thread {
	struct qos_member *member;
	const bool *stop;
	uint64_t count;
};

static void *spend(void *arg)
{
	struct thread *thread = arg;

	while (!__atomic_load_n(thread->stop, __ATOMIC_RELAXED))
		if (try(thread->member, QOS_WRITE, monotonic_ns(), 4096))
			thread->count++;
	return NULL;
}

/* Whatever the machine does meanwhile: what a thread had no time for is saved up. */
static void expect_threads_to_share(struct qos_member *first, struct qos_member *second)
{
	const struct timespec time = { .tv_nsec = 300000000 };
	struct qos_group *group = group_of(QOS_BYTES, 4096e5, monotonic_ns(), 10 * SECOND);
	bool stop = false;
	struct thread threads[2] = { { first, &stop, 0 }, { second, &stop, 0 } };
	const uint64_t began = monotonic_ns();
	pthread_t ids[2];
	uint64_t took;

	qos_join(first, group);
	qos_join(second, group);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&ids[i], NULL, spend, &threads[i]), 0);
	nanosleep(&time, NULL);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < 2; i++)
		pthread_join(ids[i], NULL);
	took = monotonic_ns() - began;
	/* Each may end with leases that it has not spent, and when it stops others may wait. */
	assert_true((double)(threads[0].count + threads[1].count) <
		    1e5 * (double)(took + 4 * RATE_LEASE_NS) / 1e9 * 1.001);
	assert_true(threads[0].count && threads[1].count);
	/* Nothing is lost between them: all that is not spent is left of leases. */
	assert_near((double)(threads[0].count + threads[1].count) * 10000 +
		    (double)first->shares[QOS_BYTES].left / RATE_TICKS +
		    (first == second ? 0 : (double)second->shares[QOS_BYTES].left / RATE_TICKS),
		    (double)(group->rates[QOS_BYTES].paid - began), 0.001);
	test_free(group);
}

static void threads_share_a_group(void **state)
{
	struct qos_member first = { 0 }, second = { 0 };

	(void)state;
	expect_threads_to_share(&first, &second);
}

static void threads_share_a_member(void **state)
{
	struct qos_member member = { 0 };

	(void)state;
	expect_threads_to_share(&member, &member);
}

static void waits_and_drops_are_counted(void **state)
{
	struct qos_group *group = group_of(QOS_IOPS, 1000, START, MS);
	struct qos_member member = { .group = group };
	struct qos_wait wait = { 0 };

	(void)state;
	qos_wait_end(&wait, &member, START);
	assert_int_equal(group->counts.waits, 0);
	qos_wait_begin(&wait, START);
	qos_wait_end(&wait, &member, START + 5 * MS);
	qos_wait_begin(&wait, START);
	qos_join(&member, NULL);
	qos_wait_end(&wait, &member, START + 7 * MS);
	qos_drop(&member);
	qos_join(&member, group);
	qos_drop(&member);
	assert_int_equal(group->counts.waits, 1);
	assert_in_range(group->counts.wait_ns, 5 * MS - 1, 5 * MS);
	assert_int_equal(group->counts.drops, 1);
	assert_int_equal(member.counts.waits, 2);
	assert_in_range(member.counts.wait_ns, 12 * MS - 2, 12 * MS);
	assert_int_equal(member.counts.drops, 2);
	test_free(group);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rate_is_reached),
		cmocka_unit_test(what_is_not_limited_passes),
		cmocka_unit_test(silence_saves_up_a_burst_and_no_more),
		cmocka_unit_test(large_one_passes_and_is_owed),
		cmocka_unit_test(members_come_in_turn),
		cmocka_unit_test(large_ones_take_no_more_than_small_ones),
		cmocka_unit_test(change_takes_effect_at_once),
		cmocka_unit_test(another_group_begins_anew),
		cmocka_unit_test(any_clock_and_any_number_will_do),
		cmocka_unit_test(threads_share_a_group),
		cmocka_unit_test(threads_share_a_member),
		cmocka_unit_test(waits_and_drops_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
