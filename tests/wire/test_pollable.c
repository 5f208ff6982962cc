// SPDX-License-Identifier: GPL-2.0-or-later
// What a worker polls besides the network: when it is polled, and what ends a worker's sleep.
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "vhost-user/port/worker.h"
#include "vhost-user/switch/eal.h"

/* Milliseconds in which a worker does what it is going to do, and to wait for it at most. */
#define MOMENT 100
#define PATIENCE 10000

struct fake {
	struct pollable pollable;
	uint32_t polls;
	uint32_t arms;
	uint32_t armed;
	uint32_t lasts;		/* milliseconds, once */
	enum pollable_rest rest;
	uint64_t due;
};

static struct iov *iov;
static struct workers *workers;
static struct fake first, second;

static uint32_t read32(const uint32_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static void count(uint32_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static unsigned int fake_poll(struct pollable *pollable, uint64_t now)
{
	uint32_t lasts = __atomic_exchange_n(&((struct fake *)pollable)->lasts, 0, __ATOMIC_RELAXED);

	assert_true(now > 0);
	if (lasts)
		usleep(lasts * 1000);
	count(&((struct fake *)pollable)->polls);
	return 0;
}

static enum pollable_rest fake_arm(struct pollable *pollable)
{
	count(&((struct fake *)pollable)->arms);
	__atomic_store_n(&((struct fake *)pollable)->armed, 1, __ATOMIC_RELAXED);
	return __atomic_load_n(&((struct fake *)pollable)->rest, __ATOMIC_RELAXED);
}

static void fake_disarm(struct pollable *pollable)
{
	__atomic_store_n(&((struct fake *)pollable)->armed, 0, __ATOMIC_RELAXED);
}

static uint64_t fake_due(struct pollable *pollable)
{
	return __atomic_load_n(&((struct fake *)pollable)->due, __ATOMIC_RELAXED);
}

static const struct pollable_ops ops = { fake_poll, fake_arm, fake_disarm, fake_due };

/* From the next sleep on, which is a new one. */
static void set(struct fake *fake, enum pollable_rest rest, uint64_t due)
{
	__atomic_store_n(&fake->rest, rest, __ATOMIC_RELAXED);
	__atomic_store_n(&fake->due, due, __ATOMIC_RELAXED);
	workers_wake(workers);
	usleep(MOMENT * 1000);
}

static bool grows(const uint32_t *counter)
{
	const uint32_t before = read32(counter);

	for (unsigned int i = 0; i < PATIENCE && read32(counter) < before + 3; i++)
		usleep(1000);
	return read32(counter) >= before + 3;
}

static bool is_armed(const struct fake *fake)
{
	return read32(&fake->armed);
}

/* Whether it is armed and not polled, once the worker has come to that. */
static bool rests(const struct fake *fake)
{
	for (unsigned int i = 0; i < PATIENCE; i += MOMENT) {
		const uint32_t polls = read32(&fake->polls);
		bool armed = is_armed(fake);

		usleep(MOMENT * 1000);
		if (armed && is_armed(fake) && read32(&fake->polls) == polls)
			return true;
	}
	return false;
}

static int add_both(void **state)
{
	(void)state;
	first = second = (struct fake){ .pollable.ops = &ops, .due = UINT64_MAX };
	workers_add(workers, 0, &first.pollable);
	workers_add(workers, 0, &second.pollable);
	usleep(MOMENT * 1000);
	return 0;
}

static int remove_both(void **state)
{
	(void)state;
	workers_remove(workers, 0, &first.pollable);
	workers_remove(workers, 0, &second.pollable);
	return 0;
}

static void worker_sleeps_when_all_are_armed(void **state)
{
	uint32_t polls;

	(void)state;
	assert_true(rests(&first) && rests(&second));
	polls = read32(&first.polls);
	workers_wake(workers);
	for (unsigned int i = 0; i < PATIENCE && read32(&first.polls) == polls; i++)
		usleep(1000);
	assert_true(read32(&first.polls) > polls);
	assert_true(rests(&first) && rests(&second));
}

static void one_with_work_keeps_it_awake(void **state)
{
	uint64_t sleeps;

	(void)state;
	set(&first, POLLABLE_HAS_WORK, UINT64_MAX);
	assert_true(grows(&first.arms));
	sleeps = worker_stats(workers, 0).sleeps;
	assert_true(grows(&first.polls) && grows(&second.polls));
	assert_int_equal(worker_stats(workers, 0).sleeps, sleeps);
}

static void one_that_cannot_be_woken_is_looked_at_again(void **state)
{
	(void)state;
	set(&second, POLLABLE_MUST_POLL, UINT64_MAX);
	assert_true(grows(&second.polls) && grows(&second.arms));
}

static void sleep_ends_when_the_first_is_due(void **state)
{
	(void)state;
	set(&first, POLLABLE_IS_WOKEN, 5000000);
	assert_true(grows(&first.polls) && grows(&second.polls));
}

static void descriptor_ends_the_sleep(void **state)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	uint32_t before;

	(void)state;
	assert_true(worker_watch(workers, 0, fd));
	assert_true(rests(&first));
	before = read32(&first.polls);
	assert_return_code(eventfd_write(fd, 1), 0);
	for (unsigned int i = 0; i < PATIENCE && read32(&first.polls) == before; i++)
		usleep(1000);
	assert_true(read32(&first.polls) > before);
	worker_unwatch(workers, 0, fd);
	close(fd);
}

static void removed_one_is_not_touched(void **state)
{
	struct fake third = { .pollable.ops = &ops, .due = UINT64_MAX };
	uint32_t polls, others;

	(void)state;
	workers_add(workers, 0, &third.pollable);
	set(&first, POLLABLE_MUST_POLL, UINT64_MAX);
	assert_true(grows(&third.polls));
	workers_remove(workers, 0, &third.pollable);
	polls = third.polls;
	others = read32(&first.polls);
	assert_true(grows(&first.polls));
	assert_int_equal(third.polls, polls);
	assert_true(read32(&first.polls) > others);
}

/* How long the others wait for one is told, now and later. */
static void longest_pass_is_kept(void **state)
{
	struct worker_stats stats;

	(void)state;
	__atomic_store_n(&first.lasts, 300, __ATOMIC_RELAXED);
	workers_wake(workers);
	usleep(MOMENT * 1000);
	assert_true(rests(&first));
	stats = worker_stats(workers, 0);
	/* The rate of the counter is known to some thousandths. */
	assert_in_range(stats.longest_ns, 290000000, UINT64_C(20000000000));
	assert_int_equal(stats.recent_ns, stats.longest_ns);
	/* A sleep is no pass. */
	usleep(2 * MOMENT * 1000);
	assert_int_equal(worker_stats(workers, 0).longest_ns, stats.longest_ns);
}

static int start(void **state)
{
	unsigned int cpus[WORKERS_MAX];

	(void)state;
	assert_return_code(iov_open(&iov, NULL), 0);
	assert_int_equal(eal_parse_workers(iov, NULL, cpus), 1);
	assert_return_code(eal_start(iov, cpus, 1, true), 0);
	assert_return_code(workers_start(&workers, iov, cpus, 1, WORKER_INTERRUPT), 0);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	workers_stop(workers);
	eal_stop();
	iov_close(iov);
	return 0;
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, add_both, remove_both)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(worker_sleeps_when_all_are_armed),
		CASE(one_with_work_keeps_it_awake),
		CASE(one_that_cannot_be_woken_is_looked_at_again),
		CASE(sleep_ends_when_the_first_is_due),
		CASE(descriptor_ends_the_sleep),
		CASE(removed_one_is_not_touched),
		CASE(longest_pass_is_kept),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
