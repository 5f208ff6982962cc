// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How long a disk whose guest has come waits for who keeps it from having its data.  Only the clock is
 * played: it jumps.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/unit/test.h"
#include "vhost-user/port/disk_port.h"
#include "vhost-user/port/registry.h"

#define MINUTE 60

int __real_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
void __wrap_workers_wake(struct workers *workers);

static time_t ahead;

int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
	int error = __real_clock_gettime(clock, time);

	if (!error && clock == CLOCK_MONOTONIC)
		time->tv_sec += ahead;
	return error;
}

void __wrap_workers_wake(struct workers *workers)
{
	(void)workers;
}

/* Who has the data. */
static int state_of_lock;
static const char *who;

static int lock(struct blk_backend *backend)
{
	(void)backend;
	return state_of_lock;
}

static int unlock(struct blk_backend *backend)
{
	(void)backend;
	return 0;
}

static char *holder(struct blk_backend *backend, bool *is_seen)
{
	(void)backend;
	*is_seen = true;
	return who ? strdup(who) : NULL;
}

static int describe(struct blk_backend *backend, struct blk_geometry *geometry)
{
	(void)backend;
	(void)geometry;
	return -EIO;
}

static const struct blk_backend_ops ops = {
	.name = "played", .lock = lock, .unlock = unlock, .holder = holder, .describe = describe,
};

struct world {
	struct registry registry;
	struct blk_backend backend;
	struct disk_port disk;
	char where[8];
	char *said;
};

static void keep_log(void *arg, int level, const char *message)
{
	struct world *world = arg;
	char *all;

	(void)level;
	assert_true(asprintf(&all, "%s%s\n", world->said ? world->said : "", message) > 0);
	free(world->said);
	world->said = all;
}

static int setup(void **state)
{
	struct world *world = aligned_alloc(_Alignof(struct world), sizeof(*world));
	const struct iov_options options = { .log = keep_log, .log_arg = world };
	bool waits;

	assert_non_null(world);
	memset(world, 0, sizeof(*world));
	assert_int_equal(iov_open(&world->registry.iov, &options), 0);
	assert_return_code(sd_event_new(&world->registry.event), 0);
	world->backend.ops = &ops;
	world->disk.port.registry = &world->registry;
	world->disk.disk.backend = &world->backend;
	strcpy(world->where, "d");
	strcpy(world->disk.port.name, "disk");
	world->disk.where = world->where;
	assert_return_code(disk_lock_begin(&world->disk, &(struct disk_options){ .incoming = true }, &waits), 0);
	who = "pid 7 (cat)";
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	disk_lock_close(&world->disk);
	sd_event_unref(world->registry.event);
	iov_close(world->registry.iov);
	free(world->said);
	free(world);
	return 0;
}

/* Some tries, at a time from now on. */
static void later(struct world *world, time_t seconds)
{
	ahead += seconds;
	for (unsigned int i = 0; i < 3; i++)
		sd_event_run(world->registry.event, 100000);
}

static void expect(const struct world *world, const char *status)
{
	const char *is = disk_lock_status(&world->disk);

	assert_string_equal(is ? is : "ready", status);
}

static void who_reads_is_not_waited_for_for_ever(void **state)
{
	struct world *world = *state;

	state_of_lock = -EALREADY;
	disk_lock_start(&world->disk, true);
	later(world, 0);
	expect(world, "waits-for-writer");
	later(world, 19 * MINUTE);
	expect(world, "waits-for-writer");
	later(world, 2 * MINUTE);
	expect(world, "given-up");
	assert_non_null(strstr(world->said, "d is still in use by pid 7 (cat), 12"));
	/* And stays so, whatever becomes of the lock. */
	state_of_lock = 0;
	disk_lock_stop(&world->disk, false);
	disk_lock_start(&world->disk, false);
	later(world, MINUTE);
	expect(world, "given-up");
	disk_lock_start(&world->disk, true);
	expect(world, "ready");
}

/* One whose writes are on their way takes as long as its medium, within reason. */
static void who_writes_back_has_minutes(void **state)
{
	struct world *world = *state;

	state_of_lock = -EALREADY;
	disk_lock_start(&world->disk, true);
	later(world, 15 * MINUTE);
	expect(world, "waits-for-writer");
	state_of_lock = 0;
	later(world, 0);
	expect(world, "ready");
}

/* The last of a lock that is passed on and on counts from when its guest came. */
static void who_writes_has_seconds(void **state)
{
	struct world *world = *state;

	state_of_lock = -EWOULDBLOCK;
	disk_lock_start(&world->disk, true);
	later(world, 20);
	expect(world, "waits-for-writer");
	state_of_lock = -EALREADY;
	later(world, 20);
	state_of_lock = -EWOULDBLOCK;
	later(world, 20);
	expect(world, "waits-for-writer");
	later(world, 11);
	expect(world, "given-up");
}

/* What is left of one that was killed is not old: nobody goes on there. */
static void what_a_killed_one_writes_is_waited_for(void **state)
{
	struct world *world = *state;

	who = NULL;
	state_of_lock = -EWOULDBLOCK;
	disk_lock_start(&world->disk, true);
	later(world, 60 * MINUTE);
	expect(world, "waits-for-writer");
	state_of_lock = 0;
	later(world, 0);
	expect(world, "ready");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_reads_is_not_waited_for_for_ever),
		TEST(who_writes_back_has_minutes),
		TEST(who_writes_has_seconds),
		TEST(what_a_killed_one_writes_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
