// SPDX-License-Identifier: GPL-2.0-or-later
/* A change that awaits confirmation, and the history of changes. */
#include "tests/unit/test.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/plan/history.h"
#include "base/plan/plan.h"
#include "host/file/host.h"
#include "tests/unit/random.h"
#include "tests/unit/tree.h"

#define STEPS 3
#define KILLS 20
#define LOG "var/lib/iovkit/log"

static char *tree;
static struct iov *iov;
static int writes, kill_at;

static int on_write(void *arg, struct iov *context, const char *path, const char *text)
{
	(void)arg;
	(void)context;
	if (!strcmp(text, "refused"))
		return -EBUSY;
	tree_file(tree, path, text);
	if (writes++ == kill_at)
		raise(SIGKILL);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	tree = tree_new();
	iov = tree_open(tree);
	writes = 0;
	kill_at = -1;
	iov_sys_on_write(iov, on_write, NULL);
	tree_file(tree, "proc/sys/kernel/random/boot_id", "this-boot\n");
	for (int i = 0; i < STEPS; i++)
		tree_file(tree, iov_path("sys/attr%d", i).name, "old");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	iov_close(iov);
	tree_remove(tree);
	return 0;
}

static struct iov_plan *writes_of(const char *from, const char *to)
{
	struct iov_plan *plan;

	assert_int_equal(iov_plan_new(&plan, iov, "make three attributes %s", to), 0);
	for (int i = 0; i < STEPS; i++) {
		struct iov_path path = iov_path("sys/attr%d", i);
		struct iov_step *step = iov_plan_step(plan, iov_path("attribute %d", i).name, "set attribute %d", i);

		iov_step_do(step, iov_op_write(path.name, to));
		iov_step_undo(step, iov_op_write(path.name, from));
	}
	return plan;
}

static int run(const char *from, const char *to, const struct iov_plan_options *options)
{
	struct iov_plan *plan = writes_of(from, to);
	int error = iov_plan_run(plan, options);

	iov_plan_free(plan);
	return error;
}

static int change(unsigned int confirm)
{
	return run("old", "new", &(struct iov_plan_options){ .confirm = confirm, .jobs = 1 });
}

static bool all_are(const char *value)
{
	char text[8];

	for (int i = 0; i < STEPS; i++) {
		iov_sys_read(iov, iov_path("sys/attr%d", i).name, text, sizeof(text));
		if (strcmp(text, value))
			return false;
	}
	return true;
}

static bool journal_exists(void)
{
	return iov_sys_exists(iov, "var/lib/iovkit/journal");
}

/* Results of all changes so far, in a line. */
static void assert_history(const char *wanted)
{
	_cleanup_json_ struct json_object *entries = NULL;
	char results[512] = "";

	assert_int_equal(iov_history_read(iov, &entries), 0);
	for (size_t i = 0; i < json_object_array_length(entries); i++)
		strcat(strcat(results, i ? " " : ""),
		       json_text(json_object_array_get_idx(entries, i), "result"));
	assert_string_equal(results, wanted);
}

static void what_is_confirmed_stays(void **state)
{
	_cleanup_json_ struct json_object *pending = NULL;
	int64_t left;

	(void)state;
	assert_int_equal(change(60), 0);
	assert_int_equal(iov_plan_pending(iov, &pending), 0);
	left = json_object_get_int64(json_object_object_get(pending, "left"));
	assert_in_range(left, 50, 60);
	assert_int_equal(iov_plan_expire(iov, NULL), -EAGAIN);
	assert_int_equal(iov_plan_confirm(iov), 0);
	assert_true(all_are("new"));
	assert_false(journal_exists());
	assert_int_equal(iov_plan_expire(iov, NULL), 0);
	assert_true(all_are("new"));
	assert_history("awaits confirmed");
}

static void what_is_not_goes(void **state)
{
	(void)state;
	assert_int_equal(change(1), 0);
	assert_true(all_are("new"));
	while (iov_plan_expire(iov, NULL) == -EAGAIN)
		usleep(20000);
	assert_true(all_are("old"));
	assert_false(journal_exists());
	assert_int_equal(iov_plan_confirm(iov), -ESRCH);
	assert_non_null(strstr(iov_error_message(iov), "nothing awaits confirmation"));
	assert_history("awaits undone");
}

static void assert_too_late(void)
{
	_cleanup_json_ struct json_object *pending = NULL;

	assert_int_equal(iov_plan_pending(iov, &pending), 0);
	assert_int_equal(json_object_get_int64(json_object_object_get(pending, "left")), 0);
	assert_int_equal(iov_plan_confirm(iov), -ETIME);
	assert_non_null(strstr(iov_error_message(iov), "too late"));
	assert_int_equal(iov_plan_settled(iov), -EBUSY);
	assert_non_null(strstr(iov_error_message(iov), "the last change is taken back"));
}

/* Who takes it back may not have come to that yet. */
static void after_its_time_it_is_too_late(void **state)
{
	(void)state;
	assert_int_equal(change(1), 0);
	usleep(1100000);
	assert_too_late();
	assert_int_equal(iov_plan_expire(iov, NULL), 1);
	assert_true(all_are("old"));
}

/* What is half taken back is not kept so, whatever time is left. */
static void it_is_too_late_when_it_is_being_taken_back(void **state)
{
	pid_t pid;

	(void)state;
	assert_int_equal(change(60), 0);
	pid = fork();
	kill_at = pid ? -1 : writes + 1;
	if (!pid)
		_exit(iov_plan_recover(iov, false, &(struct iov_plan_options){ .jobs = 1 }));
	waitpid(pid, NULL, 0);
	assert_false(all_are("old") || all_are("new"));
	assert_too_late();
	assert_int_equal(iov_plan_expire(iov, NULL), 1);
	assert_true(all_are("old"));
	assert_history("awaits undone");
}

static void it_is_taken_back_at_once_when_asked(void **state)
{
	(void)state;
	assert_int_equal(change(60), 0);
	assert_int_equal(iov_plan_recover(iov, false, NULL), 0);
	assert_true(all_are("old"));
	assert_history("awaits undone");
}

static void it_is_kept_by_finishing_it(void **state)
{
	(void)state;
	assert_int_equal(change(60), 0);
	assert_int_equal(iov_plan_recover(iov, true, NULL), 0);
	assert_true(all_are("new"));
	assert_false(journal_exists());
	assert_history("awaits finished");
}

static void no_other_change_begins_meanwhile(void **state)
{
	(void)state;
	assert_int_equal(change(60), 0);
	assert_int_equal(run("new", "newer", NULL), -EBUSY);
	assert_non_null(strstr(iov_error_message(iov), "'iov confirm' keeps it"));
	assert_true(all_are("new"));
	assert_int_equal(iov_plan_confirm(iov), 0);
	assert_int_equal(run("new", "newer", NULL), 0);
	assert_history("awaits refused confirmed done");
}

static void it_needs_no_confirmation_when_it_failed(void **state)
{
	(void)state;
	assert_int_equal(run("old", "refused", &(struct iov_plan_options){ .confirm = 60 }), -EBUSY);
	assert_true(all_are("old"));
	assert_false(journal_exists());
	assert_history("failed");
}

static int nobody(void *arg)
{
	(void)arg;
	return iov_fail(iov, -EAGAIN, "nobody is there");
}

static void without_somebody_to_take_it_back_nothing_begins(void **state)
{
	(void)state;
	assert_int_equal(run("old", "new", &(struct iov_plan_options){
		.confirm = 60, .armed = nobody }), -EAGAIN);
	assert_int_equal(writes, 0);
	assert_false(journal_exists());
}

static void at_a_reboot_only_the_note_is_left(void **state)
{
	_cleanup_json_ struct json_object *pending = NULL;

	(void)state;
	assert_int_equal(change(60), 0);
	tree_file(tree, "proc/sys/kernel/random/boot_id", "next-boot\n");
	assert_int_equal(iov_plan_expire(iov, NULL), 0);
	assert_int_equal(iov_plan_pending(iov, &pending), 0);
	assert_null(pending);
	assert_int_equal(iov_plan_confirm(iov), -ESRCH);
	assert_int_equal(iov_plan_recover(iov, false, NULL), 0);
	assert_false(journal_exists());
	assert_history("awaits dropped");
}

static void who_is_killed_on_the_way_is_taken_back(void **state)
{
	(void)state;
	for (int at = 0; at < STEPS; at++) {
		pid_t pid = fork();

		kill_at = pid ? -1 : at;
		if (!pid)
			_exit(change(60));
		waitpid(pid, NULL, 0);
		assert_int_equal(iov_plan_expire(iov, NULL), 1);
		assert_true(all_are("old"));
		assert_false(journal_exists());
	}
}

/* Changes and confirms, and back, without an end. */
static void change_until_killed(void)
{
	const struct iov_plan_options options = { .confirm = 60, .jobs = 1 };

	for (bool is_new = false;; is_new = !is_new) {
		run(is_new ? "new" : "old", is_new ? "old" : "new", &options);
		iov_plan_confirm(iov);
	}
}

static void killed_anywhere_it_is_whole(void **state)
{
	struct random random = { 7 };

	(void)state;
	for (int i = 0; i < KILLS; i++) {
		_cleanup_json_ struct json_object *pending = NULL;
		pid_t pid;

		for (int n = 0; n < STEPS; n++)
			tree_file(tree, iov_path("sys/attr%d", n).name, "old");
		pid = fork();
		if (!pid)
			change_until_killed();
		usleep(10000 + random_below(&random, 30000));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		if (iov_plan_recover(iov, random_one_in(&random, 2), NULL))
			fail_msg("%s", iov_error_message(iov));
		assert_true(all_are("old") || all_are("new"));
		assert_false(journal_exists());
	}
}

static void the_history_tells_what_and_who(void **state)
{
	_cleanup_json_ struct json_object *entries = NULL;
	struct json_object *entry, *by;

	(void)state;
	tree_file(tree, "proc/self/loginuid", "0");
	tree_file(tree, "proc/self/cmdline", "iov");
	iov_history_set_sudo_user(iov, "ada");
	assert_int_equal(change(0), 0);
	assert_int_equal(iov_history_read(iov, &entries), 0);
	entry = json_object_array_get_idx(entries, 0);
	by = json_object_object_get(entry, "by");
	assert_string_equal(json_text(entry, "title"), "make three attributes new");
	assert_string_equal(json_text(entry, "devices"), "[ \"attribute 0\", \"attribute 1\", \"attribute 2\" ]");
	assert_string_equal(json_text(by, "sudo_user"), "ada");
	assert_string_equal(json_text(by, "user"), "root");
	assert_string_equal(json_text(by, "command"), "iov");
	assert_int_equal(json_object_get_int(json_object_object_get(by, "pid")), getpid());
}

static void a_recovery_tells_who_began(void **state)
{
	_cleanup_json_ struct json_object *entries = NULL;
	struct json_object *began;
	pid_t pid;

	(void)state;
	pid = fork();
	kill_at = pid ? -1 : 1;
	if (!pid)
		_exit(change(0));
	waitpid(pid, NULL, 0);
	assert_int_equal(iov_plan_recover(iov, false, NULL), 0);
	assert_int_equal(iov_history_read(iov, &entries), 0);
	assert_int_equal(json_object_array_length(entries), 1);
	began = json_object_object_get(json_object_array_get_idx(entries, 0), "began");
	assert_int_equal(json_object_get_int(json_object_object_get(
		json_object_object_get(began, "by"), "pid")), pid);
	assert_history("undone");
}

static void a_torn_line_is_left_out(void **state)
{
	(void)state;
	tree_file(tree, LOG, "{\"result\": \"done\"}\n{\"result\": \"do");
	assert_int_equal(change(0), 0);
	assert_history("done done");
}

static void it_does_not_grow_without_end(void **state)
{
	_cleanup_free_ char *filler = malloc(1 << 20);

	(void)state;
	memset(filler, ' ', (1 << 20) - 1);
	filler[(1 << 20) - 1] = '\0';
	tree_file(tree, LOG ".1", "{\"result\": \"oldest\"}\n");
	tree_file(tree, LOG, filler);
	assert_int_equal(change(0), 0);
	assert_history("oldest done");
	assert_int_equal(run("new", "old", NULL), 0);
	assert_false(iov_sys_exists(iov, LOG ".2"));
	assert_history("done done");
}

static void assert_file(const char *path, const char *wanted)
{
	_cleanup_free_ char *text = NULL;

	iov_sys_read_all(iov, path, &text, NULL);
	if (wanted)
		assert_string_equal(text ? text : "(none)", wanted);
	else
		assert_null(text);
}

static struct iov_host_file *write_and_load(const char *text)
{
	struct iov_host_file *file;

	tree_file(tree, IOV_HOST_FILE, text);
	assert_int_equal(iov_host_load(&file, iov, NULL), 0);
	return file;
}

/* What a boot would go by, at each point of the way. */
static void a_boot_goes_by_what_was_confirmed(void **state)
{
	struct iov_host_file *file = write_and_load("version: 1\n");

	(void)state;
	assert_int_equal(iov_host_keep(file), 0);
	iov_host_free(file);
	file = write_and_load("modules: [dummy]\n");
	assert_int_equal(iov_host_hold(file), 0);
	assert_file(IOV_HOST_FILE, "version: 1\n");
	assert_int_equal(iov_host_hold(file), 0);
	assert_int_equal(iov_host_release(iov, true), 0);
	assert_file(IOV_HOST_FILE, "modules: [dummy]\n");
	assert_file(IOV_HOST_FILE ".unconfirmed", NULL);
	assert_int_equal(iov_host_release(iov, true), 0);
	iov_host_free(file);
	file = write_and_load("modules: [vfio]\n");
	assert_int_equal(iov_host_hold(file), 0);
	assert_file(IOV_HOST_FILE, "modules: [dummy]\n");
	assert_int_equal(iov_host_drop(iov), 0);
	assert_file(IOV_HOST_FILE, "modules: [dummy]\n");
	assert_file(IOV_HOST_FILE ".undone", "modules: [vfio]\n");
	assert_int_equal(iov_host_drop(iov), 0);
	iov_host_free(file);
}

static void a_first_file_is_none_until_it_is_confirmed(void **state)
{
	struct iov_host_file *file = write_and_load("version: 1\n");

	(void)state;
	assert_int_equal(iov_host_hold(file), 0);
	assert_file(IOV_HOST_FILE, NULL);
	assert_int_equal(iov_host_release(iov, false), 0);
	assert_file(IOV_HOST_FILE, "version: 1\n");
	iov_host_free(file);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_confirmed_stays),
		TEST(what_is_not_goes),
		TEST(after_its_time_it_is_too_late),
		TEST(it_is_too_late_when_it_is_being_taken_back),
		TEST(it_is_taken_back_at_once_when_asked),
		TEST(it_is_kept_by_finishing_it),
		TEST(no_other_change_begins_meanwhile),
		TEST(it_needs_no_confirmation_when_it_failed),
		TEST(without_somebody_to_take_it_back_nothing_begins),
		TEST(at_a_reboot_only_the_note_is_left),
		TEST(who_is_killed_on_the_way_is_taken_back),
		TEST(killed_anywhere_it_is_whole),
		TEST(the_history_tells_what_and_who),
		TEST(a_recovery_tells_who_began),
		TEST(a_torn_line_is_left_out),
		TEST(it_does_not_grow_without_end),
		TEST(a_boot_goes_by_what_was_confirmed),
		TEST(a_first_file_is_none_until_it_is_confirmed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
