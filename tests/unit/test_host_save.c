// SPDX-License-Identifier: GPL-2.0-or-later
/* What a change does is put into the host file, by a step of its plan. */
#include "tests/unit/test.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/sysroot/sysroot.h"
#include "host/file/host.h"
#include "tests/unit/pf_model.h"
#include "tests/unit/random.h"
#include "tests/unit/tree.h"

#define PF "path=0000:01:00.0"
#define KILLS 20

static int setup(void **state)
{
	pf_model_setup(state);
	tree_file(model.tree, "proc/sys/kernel/random/boot_id", "this-boot\n");
	pf_model_create(3);
	return 0;
}

static char *read_file(const char *path)
{
	char *text = NULL;

	iov_sys_read_all(model.iov, path, &text, NULL);
	return text;
}

/* Run a plan that saves what @wanted says; what building it gave. */
static int save(const char *wanted, size_t *steps)
{
	_cleanup_json_ struct json_object *json = json_tokener_parse(wanted);
	struct iov_plan *plan;
	int error;

	assert_non_null(json);
	assert_int_equal(iov_plan_new(&plan, model.iov, "save"), 0);
	error = iov_host_save_plan(plan, json);
	iov_plan_steps(plan, steps);
	if (!error && iov_plan_run(plan, NULL))
		fail_msg("%s", iov_error_message(model.iov));
	iov_plan_free(plan);
	return error;
}

static const struct saved {
	const char *before, *wanted, *after;
} saved[] = {
	/* A file that did not exist, a device that it does not name */
	{ NULL, "{\"devices\": {\"0000:01:00.0\": {\"vfs\": {\"count\": 4, \"driver\": \"vfio-pci\"}}}}",
	  "# host.yaml(5) explains the keys.\n"
	  "devices:\n  - device: " PF "\n    vfs:\n      count: 4\n      driver: vfio-pci\n" },
	{ "# ours\nmodules: [dummy]\n", "{\"devices\": {\"0000:01:00.0\": {\"driver\": \"igb\"}}}",
	  "# ours\nmodules: [dummy]\ndevices:\n  - device: " PF "\n    driver: igb\n" },
	/* By any of its names */
	{ "devices:\n- device: 01:00.0 # up\n  mtu: 9000\n", "{\"devices\": {\"0000:01:00.0\": {\"irq\": \"spread\"}}}",
	  "devices:\n- device: 01:00.0 # up\n  mtu: 9000\n  irq: spread\n" },
	/* Fewer VFs, of one driver: what else is said of those that stay is kept */
	{ "devices:\n- device: " PF "\n  vfs:\n    count: 4\n    each:\n"
	  "    - {index: 0, driver: native}\n    - {index: 1, driver: none, mac: 02:00:00:00:00:01}\n"
	  "    - {index: 3, vlan: 7}\n",
	  "{\"devices\": {\"0000:01:00.0\": {\"vfs\": {\"count\": 2, \"driver\": \"vfio-pci\"}}}}",
	  "devices:\n- device: " PF "\n  vfs:\n    count: 2\n    each:\n"
	  "    - {index: 1, mac: 02:00:00:00:00:01}\n    driver: vfio-pci\n" },
	{ "devices:\n- device: " PF "\n  vfs:\n    count: 1\n    each:\n    - index: 0\n      vlan: 7\n",
	  "{\"devices\": {\"0000:01:00.0\": {\"vfs\": {\"count\": 0}}}}",
	  "devices:\n- device: " PF "\n  vfs:\n    count: 0\n" },
	/* A VF is said where its PF is, which needs so many VFs */
	{ NULL, "{\"devices\": {\"0000:01:10.2\": {\"mac\": \"02:00:00:00:00:09\", \"trust\": true}}}",
	  "# host.yaml(5) explains the keys.\ndevices:\n  - device: " PF "\n    vfs:\n      count: 3\n"
	  "      each:\n        - index: 1\n          mac: 02:00:00:00:00:09\n          trust: on\n" },
	{ "devices:\n- device: " PF "\n  vfs: {count: 8, driver: vfio-pci}\n",
	  "{\"devices\": {\"0000:01:10.0\": {\"driver\": \"vfio-pci\"}, \"0000:01:10.4\": {\"driver\": \"native\"}}}",
	  "devices:\n- device: " PF "\n  vfs: {count: 8, driver: vfio-pci, each: [{index: 2, driver: native}]}\n" },
	/* Or where somebody named it */
	{ "devices:\n- device: " PF "/vf0\n  driver: native\n",
	  "{\"devices\": {\"0000:01:10.0\": {\"driver\": \"vfio-pci\"}}}",
	  "devices:\n- device: " PF "/vf0\n  driver: vfio-pci\n" },
};

static void the_file_says_what_the_change_did(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(saved) / sizeof(*saved); i++) {
		_cleanup_free_ char *after = NULL, *kept = NULL;
		size_t steps;

		if (saved[i].before)
			tree_file(model.tree, IOV_HOST_FILE, saved[i].before);
		else
			tree_unlink(model.tree, IOV_HOST_FILE);
		if (save(saved[i].wanted, &steps))
			fail_msg("%zu: %s", i, iov_error_message(model.iov));
		after = read_file(IOV_HOST_FILE);
		assert_string_equal(after, saved[i].after);
		kept = read_file(IOV_HOST_FILE "~");
		if (saved[i].before)
			assert_string_equal(kept, saved[i].before);
		assert_int_equal(save(saved[i].wanted, &steps), 0);
		assert_int_equal(steps, 0);
	}
}

static void words_for_the_same_are_the_same(void **state)
{
	static const char text[] = "devices:\n- device: " PF "\n  vfs:\n    count: 3\n    trust: yes\n";
	_cleanup_free_ char *after = NULL;
	size_t steps;

	(void)state;
	tree_file(model.tree, IOV_HOST_FILE, text);
	assert_int_equal(save("{\"devices\": {\"0000:01:10.0\": {\"trust\": true}}}", &steps), 0);
	assert_int_equal(steps, 0);
	after = read_file(IOV_HOST_FILE);
	assert_string_equal(after, text);
}

static void refused(const char *before, const char *wanted, const char *message)
{
	_cleanup_free_ char *after = NULL;
	size_t steps;

	tree_file(model.tree, IOV_HOST_FILE, before);
	assert_int_equal(save(wanted, &steps), -EINVAL);
	if (!strstr(iov_error_message(model.iov), message))
		fail_msg("%s", iov_error_message(model.iov));
	after = read_file(IOV_HOST_FILE);
	assert_string_equal(after, before);
}

static void what_a_file_cannot_say_is_refused_before_anything(void **state)
{
	(void)state;
	refused("devices: [\n", "{\"devices\": {\"0000:01:00.0\": {\"driver\": \"igb\"}}}", "not YAML");
	refused("devices:\n- device: " PF "\n  vfs: {count: 3}\n",
		"{\"devices\": {\"0000:01:10.0\": {\"irq\": \"local\"}}}", "a host file cannot say this");
}

static void mode_and_links_of_the_file_stay(void **state)
{
	_cleanup_free_ char *path = NULL, *after = NULL;
	struct stat stat;
	size_t steps;

	(void)state;
	tree_unlink(model.tree, IOV_HOST_FILE);
	tree_file(model.tree, "srv/host.yaml", "version: 1\n");
	tree_link(model.tree, IOV_HOST_FILE, "/srv/host.yaml");
	assert_true(asprintf(&path, "%s/srv/host.yaml", model.tree) > 0);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(save("{\"devices\": {\"0000:01:00.0\": {\"driver\": \"igb\"}}}", &steps), 0);
	after = read_file("srv/host.yaml");
	assert_non_null(strstr(after, "driver: igb"));
	assert_int_equal(lstat(path, &stat), 0);
	assert_int_equal(stat.st_mode & 0777, 0640);
	free(path);
	assert_true(asprintf(&path, "%s/" IOV_HOST_FILE, model.tree) > 0);
	assert_int_equal(lstat(path, &stat), 0);
	assert_true(S_ISLNK(stat.st_mode));
}

/* A step that fails behind it, or a plan that is undone, leaves the file as it was. */
static void a_change_that_fails_takes_it_back(void **state)
{
	_cleanup_json_ struct json_object *wanted =
		json_tokener_parse("{\"devices\": {\"0000:01:00.0\": {\"driver\": \"igb\"}}}");
	_cleanup_free_ char *after = NULL;
	struct iov_plan *plan;

	(void)state;
	tree_file(model.tree, IOV_HOST_FILE, "version: 1\n");
	assert_int_equal(iov_plan_new(&plan, model.iov, "save, then fail"), 0);
	assert_int_equal(iov_host_save_plan(plan, wanted), 0);
	iov_step_verify(iov_plan_step(plan, NULL, "fail"), iov_if_exists("no/such", true));
	assert_int_equal(iov_plan_run(plan, &(struct iov_plan_options){ .verify_timeout = 10 }), -ETIME);
	iov_plan_free(plan);
	after = read_file(IOV_HOST_FILE);
	assert_string_equal(after, "version: 1\n");
}

/* Somebody who writes it meanwhile is not written over. */
static void what_somebody_else_wrote_stays(void **state)
{
	_cleanup_json_ struct json_object *wanted =
		json_tokener_parse("{\"devices\": {\"0000:01:00.0\": {\"driver\": \"igb\"}}}");
	_cleanup_free_ char *after = NULL;
	struct iov_plan *plan;

	(void)state;
	tree_file(model.tree, IOV_HOST_FILE, "version: 1\n");
	assert_int_equal(iov_plan_new(&plan, model.iov, "save"), 0);
	assert_int_equal(iov_host_save_plan(plan, wanted), 0);
	tree_file(model.tree, IOV_HOST_FILE, "modules: [theirs]\n");
	assert_int_equal(iov_plan_run(plan, NULL), -EAGAIN);
	iov_plan_free(plan);
	after = read_file(IOV_HOST_FILE);
	assert_string_equal(after, "modules: [theirs]\n");
}

/* The file says one and then the other, again and again. */
static void save_until_killed(void)
{
	size_t steps;

	for (;;) {
		save("{\"devices\": {\"0000:01:00.0\": {\"driver\": \"igb\"}}}", &steps);
		save("{\"devices\": {\"0000:01:00.0\": {\"driver\": \"native\"}}}", &steps);
	}
}

static void who_is_killed_leaves_a_whole_file(void **state)
{
	static const char igb[] = "devices:\n- device: " PF " # kept\n  driver: igb\n";
	static const char native[] = "devices:\n- device: " PF " # kept\n  driver: native\n";
	struct random random = { 1 };

	(void)state;
	tree_file(model.tree, IOV_HOST_FILE, native);
	for (int i = 0; i < KILLS; i++) {
		_cleanup_free_ char *after = NULL, *kept = NULL;
		pid_t pid = fork();

		if (!pid)
			save_until_killed();
		usleep(20000 + random_below(&random, 20000));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		if (iov_plan_recover(model.iov, false, NULL))
			fail_msg("%s", iov_error_message(model.iov));
		after = read_file(IOV_HOST_FILE);
		kept = read_file(IOV_HOST_FILE "~");
		assert_true(!strcmp(after, igb) || !strcmp(after, native));
		assert_true(!kept || !strcmp(kept, igb) || !strcmp(kept, native));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, pf_model_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_file_says_what_the_change_did),
		TEST(words_for_the_same_are_the_same),
		TEST(what_a_file_cannot_say_is_refused_before_anything),
		TEST(mode_and_links_of_the_file_stay),
		TEST(a_change_that_fails_takes_it_back),
		TEST(what_somebody_else_wrote_stays),
		TEST(who_is_killed_leaves_a_whole_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
