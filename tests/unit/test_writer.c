// SPDX-License-Identifier: GPL-2.0-or-later
/* The children that make calls of the kernel: what they are told, and what becomes of them. */
#include "tests/unit/test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "base/plan/plan.h"
#include "base/streams.h"
#include "base/sysroot/call.h"
#include "tests/unit/tree.h"

#define DEVICES 4

static char *tree;
static struct iov *iov;
static unsigned int forks, threaded_forks;
static bool has_proc = true;

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
	threaded_forks += has_proc && count_threads() > 1;
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
static void write_without_streams(const char *root)
{
	for (int standard = STDIN_FILENO; standard <= STDERR_FILENO; standard++)
		close(standard);
	if (!streams_open())
		_exit(1);
	for (int standard = STDIN_FILENO; standard <= STDERR_FILENO; standard++)
		if (fcntl(standard, F_GETFD) < 0)
			_exit(2);
	_exit(iov_sys_write(tree_open(root), "sys/attr", "new") ? 3 : 0);
}

static void writers_live_without_standard_streams(void **state)
{
	pid_t caller;
	int status;

	(void)state;
	tree_file(tree, "sys/attr", "old");
	caller = fork();
	if (!caller)
		write_without_streams(tree);
	assert_int_equal(waitpid(caller, &status, 0), caller);
	assert_int_equal(status, 0);
	assert_value("sys/attr", "new");
}

#define NO_CHROOT 77

/* A container may have a host below it, and no /dev. */
static void writers_live_without_a_device_that_swallows(void **state)
{
	pid_t caller;
	int status;

	(void)state;
	tree_file(tree, "host/sys/attr", "old");
	caller = fork();
	if (!caller) {
		if (geteuid() && unshare(CLONE_NEWUSER))
			_exit(NO_CHROOT);
		if (chroot(tree) || chdir("/"))
			_exit(NO_CHROOT);
		has_proc = false;
		write_without_streams("/host");
	}
	assert_int_equal(waitpid(caller, &status, 0), caller);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_CHROOT)
		skip();
	assert_int_equal(status, 0);
	assert_value("host/sys/attr", "new");
}

/* Performs IOV_OP_MTU: hangs until the file "sys/goes-on" is there, as a driver may. */
static int run_hanging(struct iov *runner, const struct iov_op *op)
{
	iov_log(runner, LOG_NOTICE, "begins with %u", op->mtu.mtu);
	iov_sys_asking(runner, "the MTU, by rtnetlink");
	while (!iov_sys_exists(runner, "sys/goes-on"))
		usleep(1000);
	return iov_fail(runner, -EREMOTEIO, "the driver said no");
}

static const struct iov_op_runner hanging = { IOV_OP_MTU, run_hanging };
static char logged[1024];

static void note_log(void *arg, int level, const char *line)
{
	(void)arg;
	if (level == LOG_NOTICE)
		snprintf(logged, sizeof(logged), "%s", line);
}

static struct iov_plan *write_and_hang(void)
{
	struct iov_plan *plan = new_plan();
	struct iov_step *step = iov_plan_step(plan, "device", "change the MTU");

	tree_file(tree, "sys/attr", "old");
	iov_step_do(step, iov_op_write("sys/attr", "new"));
	iov_step_do(step, iov_op_mtu((struct iov_bdf){ .bus = 1 }, -1, 9000));
	iov_step_undo(step, iov_op_write("sys/attr", "old"));
	return plan;
}

static void open_with_log(void)
{
	const struct iov_options options = { .root = tree, .log = note_log };

	iov_close(iov);
	assert_int_equal(iov_open(&iov, &options), 0);
	assert_int_equal(iov_op_register(iov, &hanging), 0);
}

static void operations_of_every_kind_have_the_deadline(void **state)
{
	struct iov_plan *plan;

	(void)state;
	open_with_log();
	iov_sys_set_timeout(iov, 1000);
	plan = write_and_hang();
	assert_int_equal(iov_plan_run(plan, NULL), -ETIMEDOUT);
	assert_non_null(strstr(iov_error_message(iov), "of the interface of 0000:01:00.0: the MTU, by "
			       "rtnetlink: the kernel did not answer in time"));
	assert_non_null(strstr(iov_error_message(iov), "the host is as it was before"));
	assert_value("sys/attr", "old");
	iov_plan_free(plan);
}

static void the_writer_tells_why_an_operation_failed(void **state)
{
	struct iov_plan *plan;

	(void)state;
	open_with_log();
	tree_file(tree, "sys/goes-on", "");
	plan = write_and_hang();
	assert_int_equal(iov_plan_run(plan, NULL), -EREMOTEIO);
	assert_non_null(strstr(iov_error_message(iov), "the driver said no"));
	assert_string_equal(logged, "begins with 9000");
	iov_plan_free(plan);
}

/* An operation that iov began is ended under the lock when iov is killed. */
static void operations_outlive_their_caller(void **state)
{
	struct iov_plan *plan;
	pid_t caller;

	(void)state;
	open_with_log();
	plan = write_and_hang();
	iov_step_do(iov_plan_step(plan, "device", "more"), iov_op_write("sys/attr", "more"));
	caller = fork();
	if (!caller) {
		iov_plan_run(plan, NULL);
		_exit(1);
	}
	await_value("sys/attr", "new");
	assert_int_equal(kill(caller, SIGKILL), 0);
	assert_int_equal(waitpid(caller, NULL, 0), caller);
	assert_true(is_locked());
	tree_file(tree, "sys/goes-on", "");
	for (int i = 0; i < 500 && is_locked(); i++)
		usleep(10000);
	assert_false(is_locked());
	assert_int_equal(iov_plan_recover(iov, false, NULL), 0);
	assert_value("sys/attr", "old");
	iov_plan_free(plan);
}

static int tell_nothing(struct iov *asked, const char *question, size_t length, FILE *answer)
{
	iov_sys_asking(asked, "the links, by rtnetlink");
	if (!strcmp(question, "hang"))
		pause();
	if (!strcmp(question, "die"))
		raise(SIGKILL);
	fwrite(question, length, 1, answer);
	return 0;
}

/* Who lists a thousand functions does not wait a thousand times. */
static void what_was_not_answered_is_not_asked_again_at_once(void **state)
{
	struct iov *host;
	char *answer;

	(void)state;
	assert_int_equal(iov_open(&host, NULL), 0);
	iov_sys_set_timeout(host, 1000);
	assert_int_equal(iov_sys_call(host, tell_nothing, "echo", 4, &answer), 0);
	assert_string_equal(answer, "echo");
	free(answer);
	assert_int_equal(iov_sys_call(host, tell_nothing, "hang", 4, &answer), -ETIMEDOUT);
	assert_null(answer);
	assert_non_null(strstr(iov_error_message(host), "the links, by rtnetlink: the kernel did not"));
	forks = 0;
	assert_int_equal(iov_sys_call(host, tell_nothing, "echo", 4, &answer), -ETIMEDOUT);
	assert_int_equal(forks, 0);
	usleep(1010000);
	assert_int_equal(iov_sys_call(host, tell_nothing, "echo", 4, &answer), 0);
	free(answer);
	iov_close(host);
}

static void who_is_killed_while_it_looks_is_told_of(void **state)
{
	struct iov *host;
	char *answer;

	(void)state;
	assert_int_equal(iov_open(&host, NULL), 0);
	assert_int_equal(iov_sys_call(host, tell_nothing, "die", 3, &answer), -EIO);
	assert_null(answer);
	assert_non_null(strstr(iov_error_message(host), "the links, by rtnetlink: the process that asks "
			       "the kernel"));
	assert_non_null(strstr(iov_error_message(host), "ended before it had an answer, by Killed; run "
			       "the command again"));
	assert_int_equal(iov_sys_call(host, tell_nothing, "echo", 4, &answer), 0);
	free(answer);
	iov_close(host);
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
		TEST(writers_live_without_a_device_that_swallows),
		TEST(operations_of_every_kind_have_the_deadline),
		TEST(the_writer_tells_why_an_operation_failed),
		TEST(operations_outlive_their_caller),
		TEST(what_was_not_answered_is_not_asked_again_at_once),
		TEST(who_is_killed_while_it_looks_is_told_of),
	};

	if (pthread_atfork(before_fork, NULL, NULL))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
