// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The engine against files: a plan of three writes with an error injected at
 * each operation, a process killed at each operation, and recovery after it.
 */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/guard/holder.h"
#include "base/json.h"
#include "base/plan/plan.h"
#include "base/table.h"
#include "tests/unit/tree.h"

#define STEPS 3

/* Stands in for the kernel: applies a write to the tree, or fails at one of them. */
struct kernel {
	char *tree;
	struct iov *iov;
	int writes;
	int fail_at;
	int refusal;	/* what it fails with, 0: EBUSY */
	int kill_at;
	bool fail_undo;
	const char *fail_path;	/* what cannot be made new, NULL for none */
	char order[512];	/* what was written to sys/order */
};

static struct kernel kernel;

static int on_write(void *arg, struct iov *iov, const char *path, const char *text)
{
	(void)arg;
	(void)iov;
	if (!strcmp(path, "sys/order")) {
		strcat(strcat(kernel.order, text), " ");
		return 0;
	}
	if (kernel.fail_path && !strcmp(path, kernel.fail_path) && strcmp(text, "old"))
		return -EBUSY;
	if (kernel.fail_undo && !strcmp(text, "old"))
		return -EIO;
	if (kernel.writes == kernel.fail_at)
		return kernel.writes++, kernel.refusal ? -kernel.refusal : -EBUSY;
	tree_file(kernel.tree, path, text);
	if (kernel.writes++ == kernel.kill_at)
		raise(SIGKILL);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	kernel = (struct kernel){ .tree = tree_new(), .fail_at = -1, .kill_at = -1 };
	kernel.iov = tree_open(kernel.tree);
	iov_sys_on_write(kernel.iov, on_write, NULL);
	tree_file(kernel.tree, "proc/sys/kernel/random/boot_id", "this-boot\n");
	for (int i = 0; i < STEPS; i++)
		tree_file(kernel.tree, iov_path("sys/attr%d", i).name, "old");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	iov_close(kernel.iov);
	tree_remove(kernel.tree);
	return 0;
}

static struct iov_plan *three_writes(void)
{
	struct iov_plan *plan;

	assert_int_equal(iov_plan_new(&plan, kernel.iov, "change three attributes"), 0);
	for (int i = 0; i < STEPS; i++) {
		struct iov_path path = iov_path("sys/attr%d", i);
		struct iov_step *step = iov_plan_step(plan, NULL, "set attribute %d", i);

		iov_step_check(step, iov_if_value(path.name, "old"));
		iov_step_do(step, iov_op_write(path.name, "new"));
		iov_step_verify(step, iov_if_value(path.name, "new"));
		iov_step_undo(step, iov_op_unless(iov_op_write(path.name, "old"),
						  iov_if_value(path.name, "old")));
		iov_step_undone(step, iov_if_value(path.name, "old"));
	}
	return plan;
}

static bool all_are(const char *value)
{
	char text[8];

	for (int i = 0; i < STEPS; i++) {
		iov_sys_read(kernel.iov, iov_path("sys/attr%d", i).name, text, sizeof(text));
		if (strcmp(text, value))
			return false;
	}
	return true;
}

static bool journal_exists(void)
{
	return iov_sys_exists(kernel.iov, "var/lib/iovkit/journal");
}

static int run(void)
{
	struct iov_plan *plan = three_writes();
	int error = iov_plan_run(plan, &(struct iov_plan_options){ .verify_timeout = 20 });

	iov_plan_free(plan);
	return error;
}

static void a_plan_changes_the_host_and_leaves_no_journal(void **state)
{
	(void)state;
	assert_int_equal(run(), 0);
	assert_true(all_are("new"));
	assert_int_equal(kernel.writes, STEPS);
	assert_false(journal_exists());
}

static void an_empty_plan_writes_nothing(void **state)
{
	struct iov_plan *plan;

	(void)state;
	assert_int_equal(iov_plan_new(&plan, kernel.iov, "nothing"), 0);
	assert_true(iov_plan_is_empty(plan));
	assert_int_equal(iov_plan_run(plan, NULL), 0);
	assert_false(iov_sys_exists(kernel.iov, "var/lib/iovkit"));
	iov_plan_free(plan);
}

static void an_error_at_any_operation_leaves_the_host_as_before(void **state)
{
	(void)state;
	for (kernel.fail_at = 0; kernel.fail_at < STEPS; kernel.fail_at++) {
		kernel.writes = 0;
		assert_int_equal(run(), -EBUSY);
		assert_true(all_are("old"));
		assert_false(journal_exists());
		assert_non_null(strstr(iov_error_message(kernel.iov), "as it was before"));
		assert_non_null(strstr(iov_error_message(kernel.iov), "set attribute"));
	}
}

static void a_change_that_does_not_arrive_is_undone(void **state)
{
	struct iov_plan *plan = three_writes();
	struct iov_step *step = iov_plan_step(plan, NULL, "wait for a driver");

	(void)state;
	iov_step_verify(step, iov_if_link("sys/driver", "vfio-pci"));
	assert_int_equal(iov_plan_run(plan, &(struct iov_plan_options){ .verify_timeout = 20 }),
			 -ETIME);
	assert_non_null(strstr(iov_error_message(kernel.iov), "vfio-pci"));
	assert_true(all_are("old"));
	iov_plan_free(plan);
}

static void a_host_that_changed_since_planning_is_left_alone(void **state)
{
	struct iov_plan *plan = three_writes();

	(void)state;
	tree_file(kernel.tree, "sys/attr1", "other");
	assert_int_equal(iov_plan_run(plan, NULL), -EAGAIN);
	tree_file(kernel.tree, "sys/attr1", "old");
	assert_true(all_are("old"));
	iov_plan_free(plan);
}

/* What a signal handler of the caller leaves, once the first step began. */
static volatile sig_atomic_t noted;

static void note_signal(void *arg, size_t step, size_t steps, const char *title)
{
	(void)arg;
	(void)steps;
	(void)title;
	if (step == 2)
		noted = SIGTERM;
}

static void a_signal_undoes_what_was_begun(void **state)
{
	struct iov_plan_options options = { .signal = &noted, .progress = note_signal, .jobs = 1 };
	struct iov_plan *plan = three_writes();

	(void)state;
	noted = 0;
	assert_int_equal(iov_plan_run(plan, &options), -EINTR);
	assert_non_null(strstr(iov_error_message(kernel.iov), "interrupted by Terminated (the host is "
			       "as it was before)"));
	assert_true(kernel.writes > 0);
	assert_true(all_are("old"));
	assert_false(journal_exists());
	iov_plan_free(plan);
}

static void a_plan_runs_under_the_lock_that_it_was_built_under(void **state)
{
	struct iov_plan *plan;
	struct iov *other = tree_open(kernel.tree);

	(void)state;
	assert_int_equal(iov_plan_lock(kernel.iov, 0), 0);
	assert_int_equal(iov_plan_lock(kernel.iov, 0), 0);
	assert_int_equal(iov_plan_lock(other, 1), -EBUSY);
	plan = three_writes();
	assert_int_equal(iov_plan_run(plan, NULL), 0);
	iov_plan_free(plan);
	assert_true(all_are("new"));
	assert_int_equal(iov_plan_lock(other, 1), -EBUSY);
	iov_plan_unlock(kernel.iov);
	assert_int_equal(iov_plan_lock(other, 1), 0);
	iov_close(other);
	assert_int_equal(iov_plan_lock(kernel.iov, 1), 0);
	iov_plan_unlock(kernel.iov);
}

/* Run the plan in a child that is killed right after its write number @at. */
static void run_killed(int at)
{
	int status;
	pid_t child = fork();

	if (!child) {
		kernel.writes = 0;
		kernel.kill_at = at;
		run();
		_exit(1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void a_killed_change_is_undone_or_finished(void **state)
{
	(void)state;
	for (int at = 0; at < STEPS; at++) {
		run_killed(at);
		assert_int_equal(run(), -EBUSY);
		assert_non_null(strstr(iov_error_message(kernel.iov), "iov recover"));
		assert_int_equal(iov_plan_recover(kernel.iov, false, NULL), 0);
		assert_true(all_are("old"));
		run_killed(at);
		assert_int_equal(iov_plan_recover(kernel.iov, true, NULL), 0);
		assert_true(all_are("new"));
		assert_false(journal_exists());
		for (int i = 0; i < STEPS; i++)
			tree_file(kernel.tree, iov_path("sys/attr%d", i).name, "old");
	}
}

static struct iov_plan *writes_around_a_hang(void)
{
	struct iov_plan *plan;
	struct iov_step *step;

	iov_sys_on_write(kernel.iov, NULL, NULL);
	assert_int_equal(mkfifo(iov_path("%s/sys/hang", kernel.tree).name, 0600), 0);
	assert_int_equal(iov_plan_new(&plan, kernel.iov, "write before and after a hang"), 0);
	step = iov_plan_step(plan, NULL, "write");
	iov_step_do(step, iov_op_write("sys/attr0", "new"));
	iov_step_do(step, iov_op_write("sys/hang", "new"));
	iov_step_do(step, iov_op_write("sys/attr1", "new"));
	return plan;
}

static void await_value(const char *path, const char *value)
{
	char text[16] = "";

	for (int i = 0; i < 500 && strcmp(text, value); i++) {
		usleep(10000);
		assert_int_equal(iov_sys_read(kernel.iov, path, text, sizeof(text)), 0);
	}
	assert_string_equal(text, value);
}

/* No driver is left without the probe that follows, whatever becomes of iov. */
static void the_writes_of_a_step_are_ended_without_their_caller(void **state)
{
	struct iov_plan *plan = writes_around_a_hang();
	char text[8] = "";
	pid_t caller;
	int fd;

	(void)state;
	caller = fork();
	if (!caller) {
		setpgid(0, 0);
		iov_plan_run(plan, NULL);
		_exit(1);
	}
	await_value("sys/attr0", "new");
	assert_int_equal(kill(-caller, SIGKILL), 0);
	waitpid(caller, NULL, 0);
	fd = open(iov_path("%s/sys/hang", kernel.tree).name, O_RDONLY);
	assert_int_equal(read(fd, text, sizeof(text)), 3);
	await_value("sys/attr1", "new");
	close(fd);
	iov_plan_free(plan);
}

static void the_write_that_fails_is_named(void **state)
{
	struct iov_plan *plan = writes_around_a_hang();

	(void)state;
	tree_unlink(kernel.tree, "sys/hang");
	assert_int_equal(iov_plan_run(plan, NULL), -ENOENT);
	assert_non_null(strstr(iov_error_message(kernel.iov),
			       "write 'new' to /sys/hang: No such file"));
	assert_true(iov_sys_exists(kernel.iov, "sys/attr1"));
	iov_plan_free(plan);
}

static void the_write_that_hangs_is_named(void **state)
{
	struct iov_plan *plan = writes_around_a_hang();

	(void)state;
	iov_sys_set_timeout(kernel.iov, 100);
	assert_int_equal(iov_plan_run(plan, NULL), -ETIMEDOUT);
	assert_non_null(strstr(iov_error_message(kernel.iov), "write 'new' to /sys/hang: "));
	iov_plan_free(plan);
}

static struct iov_plan *wait_in_vain(struct iov_condition *condition)
{
	struct iov_plan *plan;
	struct iov_step *step;

	assert_int_equal(iov_plan_new(&plan, kernel.iov, "wait"), 0);
	step = iov_plan_step(plan, "0000:01:10.0", "write");
	iov_step_spares(step, "nobody uses it");
	iov_step_do(step, iov_op_write("sys/attr0", "new"));
	iov_step_verify(step, condition);
	return plan;
}

static void what_never_comes_is_not_waited_for(void **state)
{
	struct iov_plan *plan = wait_in_vain(iov_if_within(iov_if_exists("sys/none", true), 20));

	(void)state;
	tree_file(kernel.tree, "dev/kmsg", "3,1,9000000000000000,-;igbvf 0000:01:10.0: no room\n");
	assert_int_equal(iov_plan_run(plan, NULL), -ETIME);
	assert_non_null(strstr(iov_error_message(kernel.iov), "after 20 ms"));
	assert_non_null(strstr(iov_error_message(kernel.iov),
			       "the kernel says 'igbvf 0000:01:10.0: no room'"));
	iov_plan_free(plan);
}

static void a_link_to_one_of_several_will_do(void **state)
{
	char first[] = "igb", second[] = "igbvf", *both[] = { first, second };
	struct iov_plan *plan = wait_in_vain(iov_if_link_among("sys/module", both, 2));
	struct iov_plan *other;

	(void)state;
	tree_link(kernel.tree, "sys/module", "../../module/igbvf");
	assert_int_equal(iov_plan_run(plan, NULL), 0);
	iov_plan_free(plan);
	other = wait_in_vain(iov_if_within(iov_if_link_among("sys/module", both, 1), 20));
	assert_int_equal(iov_plan_run(other, NULL), -ETIME);
	iov_plan_free(other);
}

static void what_is_pending_is_described(void **state)
{
	_cleanup_json_ struct json_object *pending = NULL, *none = NULL;

	(void)state;
	assert_int_equal(iov_plan_pending(kernel.iov, &none), 0);
	assert_null(none);
	run_killed(1);
	assert_int_equal(iov_plan_pending(kernel.iov, &pending), 0);
	assert_string_equal(json_object_get_string(json_object_object_get(pending, "title")),
			    "change three attributes");
	assert_int_equal(json_object_get_int(json_object_object_get(pending, "begun")), 2);
}

static void a_journal_of_an_earlier_boot_is_dropped(void **state)
{
	_cleanup_json_ struct json_object *pending = NULL;

	(void)state;
	run_killed(1);
	tree_file(kernel.tree, "proc/sys/kernel/random/boot_id", "next-boot\n");
	assert_int_equal(iov_plan_pending(kernel.iov, &pending), 0);
	assert_null(pending);
	for (int i = 0; i < STEPS; i++)
		tree_file(kernel.tree, iov_path("sys/attr%d", i).name, "old");
	assert_int_equal(run(), 0);
	assert_true(all_are("new"));
}

static void a_torn_line_of_the_journal_is_ignored(void **state)
{
	char *text;
	char longer[8192];

	(void)state;
	run_killed(1);
	assert_int_equal(iov_sys_read_all(kernel.iov, "var/lib/iovkit/journal", &text, NULL), 0);
	snprintf(longer, sizeof(longer), "%s{\"end\": 2", text);
	free(text);
	tree_file(kernel.tree, "var/lib/iovkit/journal", longer);
	assert_int_equal(iov_plan_recover(kernel.iov, false, NULL), 0);
	assert_true(all_are("old"));
}

static void a_failed_undo_keeps_the_journal(void **state)
{
	(void)state;
	kernel.fail_at = 2;
	kernel.fail_undo = true;
	assert_int_equal(run(), -ENOTRECOVERABLE);
	assert_true(journal_exists());
	assert_non_null(strstr(iov_error_message(kernel.iov), "iov recover"));
	kernel.fail_undo = false;
	assert_int_equal(iov_plan_recover(kernel.iov, false, NULL), 0);
	assert_true(all_are("old"));
	assert_false(journal_exists());
}

/* A step that waits, in a real write, until another step has written as well. */
static void append_waiting(struct iov_plan *plan, const char *device, const char *path)
{
	struct iov_step *step = iov_plan_step(plan, device, "write %s", path);

	iov_step_spares(step, "nobody uses it");
	iov_step_do(step, iov_op_write(path, "new"));
	iov_step_verify(step, iov_if_value("sys/attr0", "new"));
	iov_step_verify(step, iov_if_value("sys/attr1", "new"));
}

static void steps_of_different_devices_run_at_the_same_time(void **state)
{
	struct iov_plan_options options = { .verify_timeout = 5000 };
	struct iov_plan *plan;

	(void)state;
	assert_int_equal(iov_plan_new(&plan, kernel.iov, "two at once"), 0);
	append_waiting(plan, "0000:01:00.0", "sys/attr0");
	append_waiting(plan, "0000:02:00.0", "sys/attr1");
	assert_int_equal(iov_plan_run(plan, &options), 0);
	iov_plan_free(plan);

	/* One after the other the first waits for the second in vain. */
	teardown(state);
	setup(state);
	options = (struct iov_plan_options){ .verify_timeout = 20, .jobs = 1 };
	assert_int_equal(iov_plan_new(&plan, kernel.iov, "one by one"), 0);
	append_waiting(plan, "0000:01:00.0", "sys/attr0");
	append_waiting(plan, "0000:02:00.0", "sys/attr1");
	assert_int_equal(iov_plan_run(plan, &options), -ETIME);
	iov_plan_free(plan);
}

/* Appends a step whose write notes its place in the order. */
static struct iov_step *append_noted(struct iov_plan *plan, const char *device, const char *name)
{
	struct iov_step *step = iov_plan_step(plan, device, "%s", name);

	iov_step_spares(step, "nobody uses it");
	iov_step_do(step, iov_op_write("sys/order", name));
	return step;
}

static size_t place_of(const char *name)
{
	char *at = strstr(kernel.order, name);

	assert_non_null(at);
	return (size_t)(at - kernel.order);
}

static void steps_that_share_a_device_keep_their_order(void **state)
{
	char name[16], before[16];
	struct iov_plan *plan;
	struct iov_step *step;

	(void)state;
	assert_int_equal(iov_plan_new(&plan, kernel.iov, "order"), 0);
	append_noted(plan, "pf", "create");
	step = append_noted(plan, "pf", "touch");
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "vf%02d", i);
		iov_step_touches(step, name);
	}
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "vf%02d", i);
		append_noted(plan, name, name);
	}
	append_noted(plan, NULL, "barrier");
	for (int i = 0; i < 20; i++) {
		snprintf(before, sizeof(before), "vf%02d", i);
		snprintf(name, sizeof(name), "end%02d", i);
		append_noted(plan, before, name);
	}
	assert_int_equal(iov_plan_run(plan, NULL), 0);
	assert_true(place_of("create") < place_of("touch"));
	for (int i = 0; i < 20; i++) {
		snprintf(before, sizeof(before), "vf%02d", i);
		snprintf(name, sizeof(name), "end%02d", i);
		assert_true(place_of("touch") < place_of(before));
		assert_true(place_of(before) < place_of("barrier"));
		assert_true(place_of("barrier") < place_of(name));
	}
	iov_plan_free(plan);
}

/* Steps on devices of their own, each with a file that it writes, and undo noted in order. */
static struct iov_plan *independent_writes(int count)
{
	struct iov_plan *plan;

	assert_int_equal(iov_plan_new(&plan, kernel.iov, "many"), 0);
	for (int i = 0; i < count; i++) {
		struct iov_path path = iov_path("sys/attr%d", i);
		struct iov_step *step = append_noted(plan, iov_path("vf%d", i).name,
						     iov_path("do%d", i).name);

		tree_file(kernel.tree, path.name, "old");
		iov_step_do(step, iov_op_write(path.name, "new"));
		iov_step_verify(step, iov_if_value(path.name, "new"));
		iov_step_undo(step, iov_op_write("sys/order", iov_path("undo%d", i).name));
		iov_step_undo(step, iov_op_write(path.name, "old"));
	}
	return plan;
}

/* Of eight steps that are ready two threads take four each. */
static void what_comes_behind_a_failed_write_is_not_begun(void **state)
{
	struct iov_plan *plan = independent_writes(8);

	(void)state;
	kernel.fail_path = "sys/attr2";
	assert_int_equal(iov_plan_run(plan, &(struct iov_plan_options){ .jobs = 2 }), -EBUSY);
	assert_non_null(strstr(iov_error_message(kernel.iov), "write 'new' to /sys/attr2"));
	for (int i = 0; i < 3; i++) {
		place_of(iov_path("do%d ", i).name);
		place_of(iov_path("undo%d ", i).name);
	}
	assert_null(strstr(kernel.order, "do3 "));
	assert_true(all_are("old"));
	assert_false(journal_exists());
	iov_plan_free(plan);
}

static void steps_that_begin_together_are_undone_together(void **state)
{
	_cleanup_json_ struct json_object *pending = NULL;
	int status;
	pid_t child;

	(void)state;
	child = fork();
	if (!child) {
		kernel.kill_at = 0;
		iov_plan_run(independent_writes(8), &(struct iov_plan_options){ .jobs = 2 });
		_exit(1);
	}
	waitpid(child, &status, 0);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(iov_plan_pending(kernel.iov, &pending), 0);
	assert_true(json_object_get_int(json_object_object_get(pending, "begun")) > 1);
	assert_int_equal(iov_plan_recover(kernel.iov, false, NULL), 0);
	assert_true(all_are("old"));
	assert_false(journal_exists());
}

static void one_job_proves_each_step_before_the_next(void **state)
{
	struct iov_plan *plan = independent_writes(8);

	(void)state;
	iov_step_verify(append_noted(plan, "vf0", "refused"),
			iov_if_value("sys/attr0", "other"));
	append_noted(plan, "vf9", "late");
	assert_int_equal(iov_plan_run(plan, &(struct iov_plan_options){ .jobs = 1,
						.verify_timeout = 20 }), -ETIME);
	assert_null(strstr(kernel.order, "late"));
	assert_true(all_are("old"));
	iov_plan_free(plan);
}

static void without_room_for_the_journal_nothing_changes(void **state)
{
	struct rlimit limit, small;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small = limit;
	for (small.rlim_cur = 0; small.rlim_cur < 4096; small.rlim_cur += 128) {
		int error;

		assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
		error = run();
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		assert_false(journal_exists());
		if (!error)
			break;
		assert_int_equal(error, -EFBIG);
		assert_int_equal(kernel.writes, 0);
	}
	/* The journal of three steps does not fit in a few bytes, but in these. */
	assert_in_range(small.rlim_cur, 512, 4095);
	assert_true(all_are("new"));
}

static void recovery_needs_no_more_room(void **state)
{
	struct rlimit limit, small;
	struct stat journal;
	int error;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	run_killed(STEPS - 1);
	assert_int_equal(stat(iov_path("%s/var/lib/iovkit/journal", kernel.tree).name, &journal), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small = (struct rlimit){ (rlim_t)journal.st_size, limit.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	error = iov_plan_recover(kernel.iov, false, NULL);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(error, 0);
	assert_true(all_are("old"));
}

/* Process 71, a virtual machine, opens the IOMMU group of 0000:01:10.0. */
static void open_by_vm(void)
{
	tree_link(kernel.tree, "sys/bus/pci/devices/0000:01:10.0/iommu_group",
		  "../../../kernel/iommu_groups/7");
	tree_link(kernel.tree, "sys/kernel/iommu_groups/7/devices/0000:01:10.0",
		  "../../../../devices/0000:01:10.0");
	tree_file(kernel.tree, "dev/vfio/7", "");
	tree_file(kernel.tree, "proc/71/comm", "qemu\n");
	tree_link(kernel.tree, "proc/71/fd/9", "/dev/vfio/7");
}

static void what_a_virtual_machine_holds_is_not_undone(void **state)
{
	struct iov_plan *plan = three_writes();
	size_t count;

	(void)state;
	iov_step_unheld((struct iov_step *)iov_plan_steps(plan, &count)[1],
			(struct iov_bdf){ .bus = 1, .device = 0x10 });
	open_by_vm();
	kernel.fail_at = 2;
	assert_int_equal(iov_plan_run(plan, NULL), -ENOTRECOVERABLE);
	assert_non_null(strstr(iov_error_message(kernel.iov),
			       "0000:01:10.0 is held by pid 71 (qemu)"));
	assert_int_equal(iov_plan_recover(kernel.iov, false, NULL), -ENOTRECOVERABLE);
	assert_true(journal_exists());
	tree_unlink(kernel.tree, "proc/71/fd/9");
	assert_int_equal(iov_plan_recover(kernel.iov, false, NULL), 0);
	assert_true(all_are("old"));
	assert_false(journal_exists());
	iov_plan_free(plan);
}

/* What the guards found, once. */
static void assert_finding(struct json_object *findings, const char *guard, const char *device)
{
	struct json_object *finding;

	assert_int_equal(json_object_array_length(findings), 1);
	finding = json_object_array_get_idx(findings, 0);
	assert_string_equal(json_text(finding, "guard"), guard);
	assert_string_equal(json_text(finding, "device"), device);
	assert_true(*json_text(finding, "why"));
}

/* Each step takes a function of its own, and gives it away; the change is killed at its second write. */
static void kill_a_change_of_functions(void)
{
	int status;
	pid_t child = fork();

	if (!child) {
		struct iov_plan *plan = three_writes();

		for (int i = 0; i < STEPS; i++) {
			struct iov_bdf bdf = { .bus = (uint8_t)(i + 1) };
			struct iov_step *step;
			size_t count;

			step = (struct iov_step *)iov_plan_steps(plan, &count)[i];
			iov_step_touches(step, IOV_BDF(bdf));
			iov_step_gives(step, bdf);
			iov_plan_take(plan, bdf, "named");
		}
		kernel.writes = 0;
		kernel.kill_at = 1;
		iov_plan_run(plan, &(struct iov_plan_options){ .jobs = 1 });
		_exit(1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
}

/* The interface of a function carries the default route. */
static void route_over(const char *device)
{
	tree_link(kernel.tree, "sys/class/net/eth0",
		  iov_path("../../devices/pci0000:00/%s/net/eth0", device).name);
	tree_file(kernel.tree, "proc/net/route",
		  "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
		  "eth0\t00000000\t0202000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n");
}

static void what_the_host_uses_meanwhile_is_not_undone(void **state)
{
	static const char *const lifted[] = { "default-route", NULL };
	_cleanup_json_ struct json_object *findings = NULL;
	struct iov_plan_options options = { .findings = &findings };

	(void)state;
	kill_a_change_of_functions();
	route_over("0000:01:00.0");
	assert_int_equal(iov_plan_recover(kernel.iov, false, &options), -ENOTRECOVERABLE);
	assert_finding(findings, "default-route", "0000:01:00.0");
	assert_non_null(strstr(iov_error_message(kernel.iov), "0000:01:00.0 is held by default route "
			       "via 10.0.2.2 [guard default-route]; release it first, or lift the guard "
			       "with --force=default-route"));
	assert_true(journal_exists());
	options = (struct iov_plan_options){ .lifted = lifted };
	assert_int_equal(iov_plan_recover(kernel.iov, false, &options), 0);
	assert_true(all_are("old"));

	/* One that no step has touched is not taken back. */
	teardown(state);
	setup(state);
	kill_a_change_of_functions();
	route_over("0000:03:00.0");
	assert_int_equal(iov_plan_recover(kernel.iov, false, NULL), 0);
	assert_true(all_are("old"));
}

static void what_the_host_uses_meanwhile_is_not_finished(void **state)
{
	static const char *const lifted[] = { "default-route", NULL };
	_cleanup_json_ struct json_object *findings = NULL;
	struct iov_plan_options options = { .findings = &findings };

	(void)state;
	kill_a_change_of_functions();
	route_over("0000:03:00.0");
	assert_int_equal(iov_plan_recover(kernel.iov, true, &options), -ECANCELED);
	assert_finding(findings, "default-route", "0000:03:00.0");
	assert_true(journal_exists());
	options = (struct iov_plan_options){ .lifted = lifted };
	assert_int_equal(iov_plan_recover(kernel.iov, true, &options), 0);
	assert_true(all_are("new"));

	/* What has ended is not asked for again. */
	teardown(state);
	setup(state);
	kill_a_change_of_functions();
	route_over("0000:01:00.0");
	assert_int_equal(iov_plan_recover(kernel.iov, true, NULL), 0);
	assert_true(all_are("new"));
}

/* Who has the third function has another one as well. */
static int tell_shared(struct iov *iov, const struct iov_bdf *bdfs, size_t count, struct json_object *devices)
{
	(void)iov;
	for (size_t i = 0; i < count; i++) {
		struct json_object *device;

		if (bdfs[i].bus != 3)
			continue;
		device = json_object_new_object();
		json_add_text(device, "device", "0000:05:00.0");
		json_add_text(device, "why", "as the third has it");
		json_object_array_add(devices, device);
	}
	return 0;
}

static int tell_no_one(struct iov *iov, struct iov_bdf bdf, struct json_object *holders)
{
	(void)iov;
	(void)bdf;
	(void)holders;
	return 0;
}

static void what_is_shared_meanwhile_is_not_given_at_the_end(void **state)
{
	static const struct guard_source source = { tell_no_one, tell_shared };
	_cleanup_json_ struct json_object *findings = NULL;
	struct iov_plan_options options = { .findings = &findings };

	(void)state;
	kill_a_change_of_functions();
	assert_int_equal(iov_table_add(kernel.iov, GUARD_SOURCES, &source), 0);
	route_over("0000:05:00.0");
	assert_int_equal(iov_plan_recover(kernel.iov, true, &options), -ECANCELED);
	assert_finding(findings, "default-route", "0000:05:00.0");
	assert_int_equal(iov_plan_recover(kernel.iov, false, NULL), 0);
	assert_true(all_are("old"));
}

static void a_step_that_asks_for_no_one_does_not_run(void **state)
{
	struct iov_plan *plan;
	struct iov_step *step;

	(void)state;
	assert_int_equal(iov_plan_new(&plan, kernel.iov, "forget"), 0);
	step = iov_plan_step(plan, "0000:01:00.0", "take it");
	iov_step_do(step, iov_op_write("sys/attr0", "new"));
	assert_int_equal(iov_plan_run(plan, NULL), -EPROTO);
	assert_non_null(strstr(iov_error_message(kernel.iov), "'take it' would take 0000:01:00.0 "
			       "without asking"));
	assert_int_equal(kernel.writes, 0);
	iov_plan_free(plan);
}

static double seconds(void)
{
	return (double)monotonic_ns() / 1e9;
}

/* A step that hangs, in doing and in undoing, on a device that a virtual machine holds. */
static void append_hanging(struct iov_plan *plan, const char *device, const char *path)
{
	struct iov_step *step = iov_plan_step(plan, device, "write %s", path);

	iov_step_spares(step, "nobody uses it");
	assert_int_equal(mkfifo(iov_path("%s/%s", kernel.tree, path).name, 0600), 0);
	for (int i = 0; i < 5; i++) {
		iov_step_do(step, iov_op_write(path, "new"));
		iov_step_undo(step, iov_op_write(path, "old"));
	}
}

static void devices_that_hang_are_given_up_in_time(void **state)
{
	struct iov_plan *plan;
	double begun = seconds();

	(void)state;
	open_by_vm();
	iov_sys_on_write(kernel.iov, NULL, NULL);
	iov_sys_set_timeout(kernel.iov, 1500);
	assert_int_equal(iov_plan_new(&plan, kernel.iov, "hang"), 0);
	append_hanging(plan, "0000:01:10.0", "sys/hang0");
	append_hanging(plan, "0000:01:10.2", "sys/hang1");
	append_hanging(plan, "0000:01:10.4", "sys/hang2");
	assert_int_equal(iov_plan_run(plan, NULL), -ENOTRECOVERABLE);
	assert_non_null(strstr(iov_error_message(kernel.iov), "did not answer in time"));
	/* One deadline for the change and one for its undo, 3 s, and not one for each device, 9 s. */
	assert_true(seconds() - begun < 7);
	assert_true(journal_exists());
	iov_plan_free(plan);
}

static void a_hang_names_who_holds_the_device(void **state)
{
	struct iov_plan *plan;

	(void)state;
	open_by_vm();
	tree_link(kernel.tree, "sys/bus/pci/devices/0000:01:00.0/virtfn0", "../0000:01:10.0");
	iov_sys_on_write(kernel.iov, NULL, NULL);
	iov_sys_set_timeout(kernel.iov, 50);
	assert_int_equal(iov_plan_new(&plan, kernel.iov, "hang"), 0);
	append_hanging(plan, "0000:01:00.0", "sys/hang0");
	assert_int_equal(iov_plan_run(plan, NULL), -ENOTRECOVERABLE);
	assert_non_null(strstr(iov_error_message(kernel.iov),
			       "0000:01:10.0 is held by pid 71 (qemu)"));
	iov_plan_free(plan);
}

static void collect_log(void *arg, int level, const char *message)
{
	if (level == LOG_NOTICE)
		snprintf(arg, 256, "%s", message);
}

static void whoever_holds_the_lock_is_named(void **state)
{
	struct iov_plan_options options = { .lock_timeout = 1200 };
	char said[256] = "";
	struct iov_plan *plan;
	int lock;

	(void)state;
	assert_int_equal(run(), 0);
	iov_close(kernel.iov);
	assert_int_equal(iov_open(&kernel.iov, &(struct iov_options){
			 .root = kernel.tree, .log = collect_log, .log_arg = said }), 0);
	tree_file(kernel.tree, "var/lib/iovkit/lock", "71\n");
	tree_file(kernel.tree, "proc/71/cmdline", "iov");
	lock = open(iov_path("%s/var/lib/iovkit/lock", kernel.tree).name, O_RDONLY);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	plan = three_writes();
	assert_int_equal(iov_plan_run(plan, &options), -EBUSY);
	assert_non_null(strstr(iov_error_message(kernel.iov), "pid 71 (iov) holds the lock"));
	assert_non_null(strstr(said, "waiting for another change to end: pid 71 (iov)"));
	close(lock);
	iov_plan_free(plan);
}

static void an_explained_error_says_what_it_means(void **state)
{
	struct iov_plan *plan;
	struct iov_step *step;

	(void)state;
	assert_int_equal(iov_plan_new(&plan, kernel.iov, "explain"), 0);
	step = iov_plan_step(plan, NULL, "write");
	iov_step_do(step, iov_op_explain(iov_op_write("sys/attr0", "new"), EBUSY,
					 "the VFs are in use; stop their guests"));
	kernel.fail_at = 0;
	assert_int_equal(iov_plan_run(plan, NULL), -EBUSY);
	assert_non_null(strstr(iov_error_message(kernel.iov), "stop their guests"));
	iov_plan_free(plan);
}

/* A change that was killed, with @from in its journal replaced by @to of the same length. */
static void falsify_journal(const char *from, const char *to)
{
	char *text, *at;

	assert_int_equal(strlen(from), strlen(to));
	run_killed(1);
	assert_int_equal(iov_sys_read_all(kernel.iov, "var/lib/iovkit/journal", &text, NULL), 0);
	at = strstr(text, from);
	assert_non_null(at);
	memcpy(at, to, strlen(to));
	tree_file(kernel.tree, "var/lib/iovkit/journal", text);
	free(text);
}

static void what_a_journal_has_of_another_iovkit_is_refused_by_name(void **state)
{
	static const struct {
		const char *from, *to, *named;
		int error;
	} cases[] = {
		{ "\"write\"", "\"blast\"", "steps[0]: do[0]: unknown operation 'blast'",
		  -EOPNOTSUPP },
		{ "\"unless\"", "\"unlike\"", "unknown member 'unlike'", -EOPNOTSUPP },
		{ "\"verify\"", "\"vanish\"", "steps[0]: 'verify'", -EINVAL },
		{ "\"old\"", "11111", "condition: 'value': expected a text", -EINVAL },
		{ "\"steps\"", "\"stops\"", "'steps'", -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		falsify_journal(cases[i].from, cases[i].to);
		assert_int_equal(iov_plan_recover(kernel.iov, false, NULL), cases[i].error);
		assert_non_null(strstr(iov_error_message(kernel.iov), cases[i].named));
		assert_true(journal_exists());
		tree_unlink(kernel.tree, "var/lib/iovkit/journal");
		for (int n = 0; n < STEPS; n++)
			tree_file(kernel.tree, iov_path("sys/attr%d", n).name, "old");
	}
}

/* Whoever overlooks the error of a builder has a plan that does nothing. */
static void a_plan_whose_builder_failed_does_not_run(void **state)
{
	struct iov_plan *plan = three_writes();

	(void)state;
	assert_int_equal(iov_plan_built(plan, 0), 0);
	assert_int_equal(iov_plan_built(plan, iov_fail(kernel.iov, -ENOENT, "no driver 'x'")),
			 -ENOENT);
	assert_int_equal(iov_plan_built(plan, iov_fail(kernel.iov, -EINVAL, "later")), -EINVAL);
	assert_int_equal(iov_plan_built(plan, 0), 0);
	assert_int_equal(iov_plan_run(plan, NULL), -ENOENT);
	assert_string_equal(iov_error_message(kernel.iov), "no driver 'x'");
	assert_int_equal(kernel.writes, 0);
	assert_false(journal_exists());
	iov_plan_free(plan);
}

static void whatever_the_kernel_refuses_with_is_no_wrong_input(void **state)
{
	static const int refusals[] = { EINVAL, ENODEV, ENOENT, ECONNREFUSED, ECANCELED, EBUSY };

	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		kernel.refusal = refusals[i];
		kernel.fail_at = kernel.writes + 1;
		assert_int_equal(run(), -refusals[i]);
		assert_int_equal(iov_failure(kernel.iov, -refusals[i]), IOV_FAILURE_OTHER);
		assert_true(all_are("old"));
	}
}

static void who_has_nothing_to_recover_writes_nothing(void **state)
{
	(void)state;
	assert_int_equal(iov_plan_recover(kernel.iov, false, NULL), 0);
	assert_false(iov_sys_exists(kernel.iov, "var"));
}

static void an_error_says_what_kind_of_failure_it_is(void **state)
{
	struct iov *iov = kernel.iov;

	(void)state;
	assert_int_equal(iov_failure(iov, iov_fail(iov, -EINVAL, "x")), IOV_FAILURE_INPUT);
	assert_int_equal(iov_failure(iov, iov_fail(iov, -ENODEV, "x")), IOV_FAILURE_ABSENT);
	assert_int_equal(iov_failure(iov, iov_fail(iov, -EIO, "x")), IOV_FAILURE_OTHER);
	assert_int_equal(iov_failure(iov, iov_told(iov, -EINVAL, "x")), IOV_FAILURE_OTHER);
	iov_fail(iov, -EINVAL, "said before");
	assert_int_equal(iov_failure(iov, -ENOMEM), IOV_FAILURE_OTHER);
	iov_fail_as(iov, iov_failure(iov, -EINVAL), -EINVAL, "and %s", iov_error_message(iov));
	assert_int_equal(iov_failure(iov, -EINVAL), IOV_FAILURE_INPUT);
	assert_string_equal(iov_error_message(iov), "and said before");
}

static void a_plan_without_memory_for_a_part_does_not_run(void **state)
{
	struct iov_plan *plan = three_writes();

	(void)state;
	iov_step_undo(iov_plan_step(plan, NULL, "write"), NULL);
	assert_int_equal(iov_plan_run(plan, NULL), -ENOMEM);
	assert_int_equal(kernel.writes, 0);
	assert_false(journal_exists());
	iov_plan_free(plan);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_plan_changes_the_host_and_leaves_no_journal),
		TEST(an_empty_plan_writes_nothing),
		TEST(whatever_the_kernel_refuses_with_is_no_wrong_input),
		TEST(who_has_nothing_to_recover_writes_nothing),
		TEST(an_error_says_what_kind_of_failure_it_is),
		TEST(an_error_at_any_operation_leaves_the_host_as_before),
		TEST(a_change_that_does_not_arrive_is_undone),
		TEST(a_host_that_changed_since_planning_is_left_alone),
		TEST(a_signal_undoes_what_was_begun),
		TEST(a_plan_runs_under_the_lock_that_it_was_built_under),
		TEST(a_killed_change_is_undone_or_finished),
		TEST(the_writes_of_a_step_are_ended_without_their_caller),
		TEST(the_write_that_fails_is_named),
		TEST(the_write_that_hangs_is_named),
		TEST(what_never_comes_is_not_waited_for),
		TEST(a_link_to_one_of_several_will_do),
		TEST(what_is_pending_is_described),
		TEST(a_journal_of_an_earlier_boot_is_dropped),
		TEST(a_torn_line_of_the_journal_is_ignored),
		TEST(a_failed_undo_keeps_the_journal),
		TEST(steps_of_different_devices_run_at_the_same_time),
		TEST(steps_that_share_a_device_keep_their_order),
		TEST(what_comes_behind_a_failed_write_is_not_begun),
		TEST(steps_that_begin_together_are_undone_together),
		TEST(one_job_proves_each_step_before_the_next),
		TEST(without_room_for_the_journal_nothing_changes),
		TEST(recovery_needs_no_more_room),
		TEST(what_a_virtual_machine_holds_is_not_undone),
		TEST(what_the_host_uses_meanwhile_is_not_undone),
		TEST(what_the_host_uses_meanwhile_is_not_finished),
		TEST(what_is_shared_meanwhile_is_not_given_at_the_end),
		TEST(a_step_that_asks_for_no_one_does_not_run),
		TEST(devices_that_hang_are_given_up_in_time),
		TEST(a_hang_names_who_holds_the_device),
		TEST(whoever_holds_the_lock_is_named),
		TEST(an_explained_error_says_what_it_means),
		TEST(what_a_journal_has_of_another_iovkit_is_refused_by_name),
		TEST(a_plan_whose_builder_failed_does_not_run),
		TEST(a_plan_without_memory_for_a_part_does_not_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
