// SPDX-License-Identifier: GPL-2.0-or-later
/* The children that make writes: what they are told, and what becomes of them. */
#include "tests/unit/test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/plan/plan.h"
#include "base/streams.h"
#include "tests/unit/tree.h"

#define DEVICES 4

static char *tree;
static struct iov *iov;
static unsigned int forks, threaded_forks;

static unsigned int count_threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	unsigned int count = 0;

	assert_non_null(tasks);
	for (struct dirent *entry; (entry = readdir(tasks));)
		count += entry->d_name[0] != '.';
	closedir(tasks);
	return count;
}

static void before_fork(void)
{
	forks++;
	threaded_forks += count_threads() > 1;
}

static int setup(void **state)
{
	(void)state;
	tree = tree_new();
	iov = tree_open(tree);
	tree_file(tree, "proc/sys/kernel/random/boot_id", "this-boot\n");
	forks = 0;
	threaded_forks = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	iov_close(iov);
	tree_remove(tree);
	return 0;
}

static struct iov_plan *new_plan(void)
{
	struct iov_plan *plan;

	assert_int_equal(iov_plan_new(&plan, iov, "test"), 0);
	return plan;
}

static void assert_value(const char *path, const char *value)
{
	char text[1024];

	assert_int_equal(iov_sys_read(iov, path, text, sizeof(text)), 0);
	assert_string_equal(text, value);
}

/* Bytes that one packet of a socket cannot have: what undoing many VFs takes. */
static void a_request_of_a_mebibyte_is_carried_out(void **state)
{
	enum { WRITES = 2000, LENGTH = 600 };
	struct iov_plan *plan = new_plan();
	struct iov_step *step = iov_plan_step(plan, NULL, "write much");
	char text[LENGTH + 1] = "";

	(void)state;
	tree_file(tree, "sys/first", "old");
	tree_file(tree, "sys/last", "old");
	iov_step_do(step, iov_op_write("sys/first", "new"));
	for (int i = 0; i < WRITES; i++) {
		memset(text, 'a' + i % 26, LENGTH);
		iov_step_do(step, iov_op_write("sys/last", text));
	}
	assert_int_equal(iov_plan_run(plan, NULL), 0);
	assert_value("sys/first", "new");
	assert_value("sys/last", text);
	iov_plan_free(plan);
}

static void the_write_that_fails_in_a_long_request_is_the_last(void **state)
{
	struct iov_plan *plan = new_plan();
	struct iov_step *step = iov_plan_step(plan, NULL, "write much");

	(void)state;
	tree_file(tree, "sys/attr", "");
	for (int i = 0; i < 9000; i++) {
		struct iov_path path = iov_path("sys/%s", i == 7000 ? "none" : "attr");

		iov_step_do(step, iov_op_write(path.name, iov_path("%d", i).name));
	}
	assert_int_equal(iov_plan_run(plan, NULL), -ENOENT);
	assert_non_null(strstr(iov_error_message(iov), "write '7000' to /sys/none"));
	assert_value("sys/attr", "6999");
	iov_plan_free(plan);
}

static void conditions_hold_for_the_writer_as_for_us(void **state)
{
	char igb[] = "igb", igbvf[] = "igbvf", *both[] = { igb, igbvf };
	const struct {
		struct iov_condition *condition;
		bool holds;
	} cases[] = {
		{ iov_if_link("sys/link", "igbvf"), true },
		{ iov_if_link("sys/link", "igb"), false },
		{ iov_if_link("sys/none", NULL), true },
		{ iov_if_link("sys/link", NULL), false },
		{ iov_if_link_among("sys/link", both, 2), true },
		{ iov_if_link_among("sys/link", both, 1), false },
		{ iov_if_link_among("sys/link", both, 0), false },
		{ iov_if_value("sys/value", "4"), true },
		{ iov_if_value("sys/value", ""), false },
		{ iov_if_exists("sys/value", true), true },
		{ iov_if_exists("sys/value", false), false },
		{ iov_if_exists("sys/none", false), true },
	};
	struct iov_plan *plan = new_plan();
	struct iov_step *step = iov_plan_step(plan, NULL, "write where it does not hold");

	(void)state;
	tree_link(tree, "sys/link", "../../module/igbvf");
	tree_file(tree, "sys/value", "4\n");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct iov_path path = iov_path("sys/attr%zu", i);

		tree_file(tree, path.name, "old");
		assert_int_equal(iov_condition_holds(iov, cases[i].condition), cases[i].holds);
		iov_step_do(step, iov_op_unless(iov_op_write(path.name, "new"),
						cases[i].condition));
	}
	iov_step_do(step, iov_op_absent_ok(iov_op_write("sys/none", "new")));
	assert_int_equal(iov_plan_run(plan, NULL), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_value(iov_path("sys/attr%zu", i).name, cases[i].holds ? "old" : "new");
	iov_plan_free(plan);
}

static struct iov_path attribute(int device, const char *name)
{
	return iov_path("sys/%s%d", name, device);
}

/* Steps of as many devices, each of which writes, hangs until somebody reads, and writes. */
static struct iov_plan *hang_at_each_device(void)
{
	struct iov_plan *plan = new_plan();

	for (int i = 0; i < DEVICES; i++) {
		struct iov_path hang = attribute(i, "hang"), device = iov_path("device %d", i);
		struct iov_step *step = iov_plan_step(plan, device.name, "change device %d", i);

		tree_file(tree, attribute(i, "before").name, "old");
		tree_file(tree, attribute(i, "behind").name, "old");
		assert_int_equal(mkfifo(iov_path("%s/%s", tree, hang.name).name, 0600), 0);
		/* Too many for others to join, so that each device has a thread. */
		for (int n = 0; n < 4; n++)
			iov_step_do(step, iov_op_write(attribute(i, "before").name, "new"));
		iov_step_do(step, iov_op_write(hang.name, "new"));
		iov_step_do(step, iov_op_write(attribute(i, "behind").name, "new"));
		iov_step_undo(step, iov_op_write(attribute(i, "before").name, "old"));
		iov_step_undo(step, iov_op_write(attribute(i, "behind").name, "old"));
	}
	return plan;
}

static void await_value(const char *path, const char *value)
{
	char text[16] = "";

	for (int i = 0; i < 500 && strcmp(text, value); i++) {
		usleep(10000);
		assert_int_equal(iov_sys_read(iov, path, text, sizeof(text)), 0);
	}
	assert_string_equal(text, value);
}

/* All hang at once and are replaced, as undoing takes writers again. */
static void no_process_is_forked_from_a_threaded_one(void **state)
{
	const struct iov_plan_options options = { .jobs = DEVICES };
	struct iov_plan *plan = hang_at_each_device();
	int error;

	(void)state;
	iov_sys_set_timeout(iov, 300);
	forks = 0;
	error = iov_plan_run(plan, &options);
	/* Of the change and of its undo one process each. */
	assert_int_equal(forks, 2);
	assert_int_equal(threaded_forks, 0);
	iov_plan_free(plan);
	/* On a busy machine a process takes longer to die than we wait; then nothing is undone. */
	if (error == -ENOTRECOVERABLE)
		skip();
	assert_int_equal(error, -ETIMEDOUT);
	for (int i = 0; i < DEVICES; i++) {
		assert_value(attribute(i, "before").name, "old");
		assert_value(attribute(i, "behind").name, "old");
	}
	/* None is left, which would keep the lock. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void a_chain_of_steps_forks_one_writer(void **state)
{
	struct iov_plan *plan = new_plan();

	(void)state;
	tree_file(tree, "sys/attr", "old");
	for (int i = 0; i < 5; i++)
		iov_step_do(iov_plan_step(plan, NULL, "write"), iov_op_write("sys/attr", "new"));
	assert_int_equal(iov_plan_run(plan, NULL), 0);
	assert_int_equal(forks, 1);
	iov_plan_free(plan);
}

static bool is_locked(void)
{
	int lock = open(iov_path("%s/var/lib/iovkit/lock", tree).name, O_RDONLY);
	bool locked = flock(lock, LOCK_EX | LOCK_NB) != 0;

	close(lock);
	return locked;
}

/* Let a write to a pipe that hangs have its reader. */
static void read_pipe(const char *path)
{
	char text[8] = "";
	int fd = open(iov_path("%s/%s", tree, path).name, O_RDONLY);

	assert_int_equal(read(fd, text, sizeof(text)), 3);
	close(fd);
}

/* What a thread began is ended under the lock, whatever becomes of the threads. */
static void writers_of_threads_outlive_their_caller(void **state)
{
	const struct iov_plan_options options = { .jobs = DEVICES };
	struct iov_plan *plan = hang_at_each_device();
	pid_t caller = fork();

	(void)state;
	if (!caller) {
		setpgid(0, 0);
		iov_plan_run(plan, &options);
		_exit(1);
	}
	for (int i = 0; i < DEVICES; i++)
		await_value(attribute(i, "before").name, "new");
	assert_int_equal(kill(-caller, SIGKILL), 0);
	assert_int_equal(waitpid(caller, NULL, 0), caller);
	for (int i = 0; i < DEVICES; i++) {
		assert_true(is_locked());
		assert_value(attribute(i, "behind").name, "old");
		read_pipe(attribute(i, "hang").name);
		await_value(attribute(i, "behind").name, "new");
	}
	for (int i = 0; i < 500 && is_locked(); i++)
		usleep(10000);
	assert_false(is_locked());
	iov_plan_free(plan);
}

/* As a program does that was started without them: no file of ours has their numbers. */
static void writers_live_without_standard_streams(void **state)
{
	pid_t caller;
	int status;

	(void)state;
	tree_file(tree, "sys/attr", "old");
	caller = fork();
	if (!caller) {
		for (int standard = STDIN_FILENO; standard <= STDERR_FILENO; standard++)
			close(standard);
		if (!streams_open())
			_exit(1);
		_exit(iov_sys_write(tree_open(tree), "sys/attr", "new") ? 2 : 0);
	}
	assert_int_equal(waitpid(caller, &status, 0), caller);
	assert_int_equal(status, 0);
	assert_value("sys/attr", "new");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_request_of_a_mebibyte_is_carried_out),
		TEST(the_write_that_fails_in_a_long_request_is_the_last),
		TEST(conditions_hold_for_the_writer_as_for_us),
		TEST(no_process_is_forked_from_a_threaded_one),
		TEST(a_chain_of_steps_forks_one_writer),
		TEST(writers_of_threads_outlive_their_caller),
		TEST(writers_live_without_standard_streams),
	};

	if (pthread_atfork(before_fork, NULL, NULL))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
