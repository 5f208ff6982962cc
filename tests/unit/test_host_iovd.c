// SPDX-License-Identifier: GPL-2.0-or-later
/* One change of iovd, and what the host file says after it. */
#include "tests/unit/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/rpc/rpc.h"
#include "base/sysroot/sysroot.h"
#include "host/file/host.h"
#include "tests/unit/fake_iovd.h"
#include "tests/unit/pf_model.h"
#include "tests/unit/tree.h"

#define FIRST "# host.yaml(5) explains the keys.\n"
#define VM "{\"name\": \"vm\", \"type\": \"vhost-user\", \"socket\": \"/run/vm\", \"server\": true"

static struct fake_iovd iovd;

static int setup(void **state)
{
	pf_model_setup(state);
	tree_file(model.tree, "proc/sys/kernel/random/boot_id", "this-boot\n");
	fake_iovd_start(&iovd, model.tree);
	iov_rpc_set_socket(model.iov, iovd.path);
	return 0;
}

static int teardown(void **state)
{
	fake_iovd_stop(&iovd);
	return pf_model_teardown(state);
}

/* What building and running a plan gave. */
static int change(const char *method, const char *params, bool save)
{
	_cleanup_json_ struct json_object *json = json_tokener_parse(params);
	struct iov_plan *plan;
	int error;

	assert_non_null(json);
	assert_int_equal(iov_plan_new(&plan, model.iov, "change"), 0);
	error = iov_host_iovd_plan(plan, method, json, save, true);
	if (!error)
		error = iov_plan_run(plan, NULL);
	iov_plan_free(plan);
	return error;
}

static void assert_file(const char *wanted)
{
	_cleanup_free_ char *text = NULL;

	iov_sys_read_all(model.iov, IOV_HOST_FILE, &text, NULL);
	assert_string_equal(text ? text : "", wanted);
}

static void saved(const char *method, const char *params, const char *wanted)
{
	if (change(method, params, true))
		fail_msg("%s %s: %s", method, params, iov_error_message(model.iov));
	assert_file(wanted);
}

static void refused(int error, const char *method, const char *params, const char *says)
{
	assert_int_equal(change(method, params, true), error);
	assert_non_null(strstr(iov_error_message(model.iov), says));
}

static void each_change_is_saved(void **state)
{
	(void)state;
	saved("bridge.add", "{\"name\": \"lan\", \"kind\": \"switch\", \"ports\": []}",
	      FIRST "iovd:\n  bridges:\n    - name: lan\n      kind: switch\n");
	saved("port.add", VM ", \"bridge\": \"lan\"}",
	      FIRST "iovd:\n  bridges:\n    - name: lan\n      kind: switch\n  ports:\n"
	      "    - name: vm\n      type: vhost-user\n      socket: /run/vm\n      server: on\n"
	      "      bridge: lan\n");
	saved("port.set", "{\"name\": \"vm\", \"rules\": {\"vlan\": \"access:10\", \"rx_rate\": 1000}}",
	      FIRST "iovd:\n  bridges:\n    - name: lan\n      kind: switch\n  ports:\n"
	      "    - name: vm\n      type: vhost-user\n      socket: /run/vm\n      server: on\n"
	      "      bridge: lan\n      rules:\n        vlan: access:10\n        rx_rate: 1000\n");
	saved("port.set", "{\"name\": \"vm\", \"rules\": {\"vlan\": \"none\", \"allow_mac\": []}}",
	      FIRST "iovd:\n  bridges:\n    - name: lan\n      kind: switch\n  ports:\n"
	      "    - name: vm\n      type: vhost-user\n      socket: /run/vm\n      server: on\n"
	      "      bridge: lan\n      rules:\n        rx_rate: 1000\n");
	saved("bridge.set", "{\"name\": \"lan\", \"age\": 60}",
	      FIRST "iovd:\n  bridges:\n    - name: lan\n      kind: switch\n      age: 60\n  ports:\n"
	      "    - name: vm\n      type: vhost-user\n      socket: /run/vm\n      server: on\n"
	      "      bridge: lan\n      rules:\n        rx_rate: 1000\n");
	saved("bridge.remove", "{\"name\": \"lan\"}",
	      FIRST "iovd:\n  ports:\n"
	      "    - name: vm\n      type: vhost-user\n      socket: /run/vm\n      server: on\n"
	      "      rules:\n        rx_rate: 1000\n");
	saved("port.remove", "{\"name\": \"vm\"}", FIRST "{}\n");
	assert_int_equal(json_object_array_length(iovd.ports), 0);
	assert_int_equal(json_object_array_length(iovd.bridges), 0);
}

/* Also what iovd has already; comments and what else there is stay. */
static void what_the_file_does_not_have_is_said_whole(void **state)
{
	(void)state;
	tree_file(model.tree, IOV_HOST_FILE, "# ours\nmodules: [dummy] # why\n");
	assert_int_equal(change("port.add", VM ", \"mac\": \"02:00:00:00:00:07\"}", false), 0);
	assert_file("# ours\nmodules: [dummy] # why\n");
	saved("port.set", "{\"name\": \"vm\", \"rules\": {\"isolated\": true}}",
	      "# ours\nmodules: [dummy] # why\niovd:\n  ports:\n    - name: vm\n      type: vhost-user\n"
	      "      socket: /run/vm\n      mac: 02:00:00:00:00:07\n      server: on\n"
	      "      rules:\n        isolated: on\n");
	iovd.changes = 0;
	tree_file(model.tree, IOV_HOST_FILE, "modules: [dummy]\n");
	saved("port.add", VM "}",
	      "modules: [dummy]\niovd:\n  ports:\n    - name: vm\n      type: vhost-user\n"
	      "      socket: /run/vm\n      mac: 02:00:00:00:00:07\n      server: on\n"
	      "      rules:\n        isolated: on\n");
	assert_int_equal(iovd.changes, 0);
}

/* A judgement may take what the change itself takes, as a controller that is reset. */
static void what_is_added_is_asked_for_once(void **state)
{
	_cleanup_json_ struct json_object *params = json_tokener_parse(VM "}");
	struct iov_plan *plan;

	(void)state;
	for (int judge = 0; judge < 2; judge++) {
		iovd.judgements = 0;
		assert_int_equal(iov_plan_new(&plan, model.iov, "change"), 0);
		assert_int_equal(iov_host_iovd_plan(plan, "port.add", params, true, judge), 0);
		assert_false(iov_plan_is_empty(plan));
		assert_int_equal(iovd.judgements, judge);
		iov_plan_free(plan);
	}
}

static void assert_takes(const char *method, const char *params, const char *device)
{
	_cleanup_json_ struct json_object *json = json_tokener_parse(params);
	const struct iov_take *takes;
	struct iov_plan *plan;
	size_t count;

	assert_int_equal(iov_plan_new(&plan, model.iov, "change"), 0);
	assert_int_equal(iov_host_iovd_plan(plan, method, json, false, true), 0);
	takes = iov_plan_takes(plan, &count);
	assert_int_equal(count, device != NULL);
	if (device) {
		assert_string_equal(takes[0].device, device);
		assert_true(takes[0].unused);
	}
	iov_plan_free(plan);
}

/* Somebody may have claimed it. */
static void a_function_for_iovd_is_taken(void **state)
{
	(void)state;
	assert_takes("port.add", "{\"name\": \"up\", \"type\": \"ethdev\", \"device\": \"0000:01:10.2\"}",
		     "0000:01:10.2");
	assert_takes("disk.add", "{\"name\": \"root\", \"socket\": \"/run/root\", \"backend\": \"nvme\", "
		     "\"path\": \"0000:02:00.0/1\"}", "0000:02:00.0");
	assert_takes("disk.add", "{\"name\": \"root\", \"socket\": \"/run/root\", \"backend\": \"file\", "
		     "\"path\": \"/srv/root\"}", NULL);
	assert_takes("port.add", VM "}", NULL);
}

static void ports_that_a_bridge_takes_are_said_where_they_are(void **state)
{
	(void)state;
	tree_file(model.tree, IOV_HOST_FILE, "iovd:\n  ports:\n"
		  "  - {name: vm, type: vhost-user, socket: /run/vm, server: on}\n");
	assert_int_equal(change("port.add", VM "}", false), 0);
	saved("bridge.add", "{\"name\": \"lan\", \"kind\": \"switch\", \"ports\": [\"vm\", \"other\"]}",
	      "iovd:\n  ports:\n"
	      "  - {name: vm, type: vhost-user, socket: /run/vm, server: on, bridge: lan}\n"
	      "  bridges:\n    - name: lan\n      kind: switch\n");
}

static void what_iovd_refuses_is_not_saved(void **state)
{
	static const char before[] = "modules: [dummy]\n";

	(void)state;
	tree_file(model.tree, IOV_HOST_FILE, before);
	iovd.refuse = "vm";
	refused(-ENODEV, "port.add", VM "}", "iovd says no");
	iovd.refuse = NULL;
	assert_int_equal(change("port.add", VM "}", false), 0);
	refused(-EEXIST, "port.add", VM ", \"mac\": \"02:00:00:00:00:07\"}", "that is otherwise");
	refused(-ENOENT, "port.remove", "{\"name\": \"other\"}", "iovd has no port of that name");
	refused(-ENOENT, "bridge.set", "{\"name\": \"vm\", \"age\": 60}", "iovd has no bridge");
	refused(-EINVAL, "port.set", "{\"name\": \"vm\", \"link\": \"down\"}", "--link");
	tree_file(model.tree, IOV_HOST_FILE, "modules: [\n");
	refused(-EINVAL, "port.set", "{\"name\": \"vm\", \"rules\": {\"isolated\": true}}",
		"host.yaml:");
	assert_null(json_object_object_get(json_object_array_get_idx(iovd.ports, 0), "rules"));
	tree_file(model.tree, IOV_HOST_FILE, before);
	assert_file(before);
	assert_int_equal(json_object_array_length(iovd.ports), 1);
}

#define ROOT "{\"name\": \"root\", \"socket\": \"/run/root\", \"server\": true"
#define ROOT_FILE FIRST "iovd:\n  disks:\n    - name: root\n      socket: /run/root\n      server: on\n"

static void each_change_of_a_disk_is_saved(void **state)
{
	(void)state;
	saved("disk.add", ROOT ", \"backend\": \"file\", \"path\": \"/srv/root.img\", \"queues\": 4}",
	      ROOT_FILE "      file: /srv/root.img\n      queues: 4\n");
	saved("disk.set", "{\"name\": \"root\", \"on_error\": \"wait\"}",
	      ROOT_FILE "      file: /srv/root.img\n      queues: 4\n      on_error: wait\n");
	saved("disk.remove", "{\"name\": \"root\"}", FIRST "{}\n");
	saved("disk.add", ROOT ", \"backend\": \"memory\", \"bytes\": 1073741824}",
	      ROOT_FILE "      memory: 1G\n");
	saved("disk.remove", "{\"name\": \"root\"}", FIRST "{}\n");
	saved("disk.add", ROOT ", \"backend\": \"null\", \"bytes\": 1000448}",
	      ROOT_FILE "      null: 977K\n");
	saved("disk.resize", "{\"name\": \"root\", \"bytes\": 2147483648}", ROOT_FILE "      null: 2G\n");
	assert_int_equal(json_object_array_length(iovd.disks), 1);
}

#define GOLD FIRST "iovd:\n  qos:\n    - name: gold\n"

static void each_change_of_a_group_is_saved(void **state)
{
	(void)state;
	saved("qos.add", "{\"name\": \"gold\", \"iops\": 5000, \"bytes\": 100000000, \"burst_ms\": 20}",
	      GOLD "      iops: 5000\n      bytes: 100000000\n      burst_ms: 20\n");
	saved("qos.set", "{\"name\": \"gold\", \"iops\": 0, \"write_bytes\": 7}",
	      GOLD "      bytes: 100000000\n      burst_ms: 20\n      write_bytes: 7\n");
	saved("disk.add", ROOT ", \"backend\": \"null\", \"bytes\": 1000448, \"qos\": \"gold\"}",
	      GOLD "      bytes: 100000000\n      burst_ms: 20\n      write_bytes: 7\n"
	      "  disks:\n    - name: root\n      socket: /run/root\n      server: on\n      null: 977K\n"
	      "      qos: gold\n");
	saved("disk.set", "{\"name\": \"root\", \"qos\": \"none\"}",
	      GOLD "      bytes: 100000000\n      burst_ms: 20\n      write_bytes: 7\n"
	      "  disks:\n    - name: root\n      socket: /run/root\n      server: on\n      null: 977K\n");
	saved("disk.set", "{\"name\": \"root\", \"qos\": \"gold\"}",
	      GOLD "      bytes: 100000000\n      burst_ms: 20\n      write_bytes: 7\n"
	      "  disks:\n    - name: root\n      socket: /run/root\n      server: on\n      null: 977K\n"
	      "      qos: gold\n");
	/* Who said it does not say it any more. */
	saved("qos.remove", "{\"name\": \"gold\"}",
	      FIRST "iovd:\n  disks:\n    - name: root\n      socket: /run/root\n      server: on\n"
	      "      null: 977K\n");
	refused(-ENOENT, "qos.set", "{\"name\": \"gold\", \"iops\": 1}", "iovd has no qos of that name");
}

/* A group that the file does not have is said whole. */
static void changes_of_a_group_are_undone(void **state)
{
	_cleanup_json_ struct json_object *params = json_tokener_parse(
		"{\"name\": \"gold\", \"iops\": 1, \"packets\": 3, \"burst_ms\": 50}");
	_cleanup_json_ struct json_object *before = NULL;
	struct iov_plan *plan;

	(void)state;
	assert_int_equal(change("qos.add", "{\"name\": \"gold\", \"iops\": 5000}", false), 0);
	before = json_copy(iovd.qos);
	assert_int_equal(iov_plan_new(&plan, model.iov, "change"), 0);
	assert_int_equal(iov_host_iovd_plan(plan, "qos.set", params, true, true), 0);
	tree_file(model.tree, IOV_HOST_FILE, "modules: [dummy]\n");
	assert_true(iov_plan_run(plan, NULL) < 0);
	iov_plan_free(plan);
	assert_true(json_object_equal(iovd.qos, before));
	tree_file(model.tree, IOV_HOST_FILE, "{}\n");
	saved("qos.set", "{\"name\": \"gold\", \"packets\": 9}",
	      "iovd:\n  qos:\n    - name: gold\n      iops: 5000\n      burst_ms: 10\n      packets: 9\n");
}

/* What iovd would do by itself is not said, nor where the data was in the file before. */
static void a_disk_that_the_file_does_not_have_is_said_whole(void **state)
{
	(void)state;
	assert_int_equal(change("disk.add", ROOT ", \"backend\": \"file\", \"path\": \"/srv/a\", "
				"\"read_only\": true, \"serial\": \"S\"}", false), 0);
	saved("disk.set", "{\"name\": \"root\", \"on_error\": \"report\"}",
	      FIRST "iovd:\n  disks:\n    - name: root\n      socket: /run/root\n      server: on\n"
	      "      file: /srv/a\n      read_only: on\n      serial: S\n      queues: 64\n"
	      "      on_error: report\n");
	assert_int_equal(change("disk.remove", "{\"name\": \"root\"}", false), 0);
	tree_file(model.tree, IOV_HOST_FILE, "iovd:\n  disks:\n"
		  "    - {name: root, socket: /run/root, server: on, file: /srv/a}\n");
	saved("disk.add", ROOT ", \"backend\": \"memory\", \"bytes\": 4096}",
	      "iovd:\n  disks:\n    - {name: root, socket: /run/root, server: on, memory: 4K}\n");
}

static void what_is_not_of_a_disk_in_a_file_is_refused(void **state)
{
	(void)state;
	refused(-ENOENT, "disk.remove", "{\"name\": \"root\"}", "iovd has no disk of that name; 'iov disk list'");
	assert_int_equal(change("disk.add", ROOT ", \"backend\": \"file\", \"path\": \"/srv/a\"}", false), 0);
	refused(-EINVAL, "disk.set", "{\"name\": \"root\", \"clear_errors\": true}", "--clear-errors: a host file");
	refused(-EINVAL, "disk.resize", "{\"name\": \"root\", \"bytes\": 4096}",
		"does not say the size of /srv/a; leave out --save");
	refused(-EEXIST, "disk.add", ROOT ", \"backend\": \"file\", \"path\": \"/srv/b\"}",
		"iovd has a disk of that name that is otherwise");
	assert_file("");
	iovd.refuse = "other";
	refused(-ENODEV, "disk.add", "{\"name\": \"other\", \"socket\": \"/run/o\", \"backend\": \"null\", "
		"\"bytes\": 4096}", "iovd says no");
	assert_file("");
}

/* As the file changes under the plan, its last step fails. */
static void undone(const char *file, const char *method, const char *params)
{
	_cleanup_json_ struct json_object *json = json_tokener_parse(params);
	_cleanup_json_ struct json_object *before = json_copy(iovd.disks);
	struct iov_plan *plan;

	tree_file(model.tree, IOV_HOST_FILE, file);
	assert_int_equal(iov_plan_new(&plan, model.iov, "change"), 0);
	assert_int_equal(iov_host_iovd_plan(plan, method, json, true, true), 0);
	tree_file(model.tree, IOV_HOST_FILE, "modules: [dummy]\n");
	iovd.changes = 0;
	assert_true(iov_plan_run(plan, NULL) < 0);
	iov_plan_free(plan);
	assert_int_equal(iovd.changes, 2);
	assert_true(json_object_equal(iovd.disks, before));
}

static void changes_of_a_disk_are_undone(void **state)
{
	static const char has_it[] = "iovd:\n  disks:\n    - {name: root, socket: /x, null: 4K}\n";

	(void)state;
	undone("{}\n", "disk.add", ROOT ", \"backend\": \"null\", \"bytes\": 4096}");
	assert_int_equal(change("disk.add", ROOT ", \"backend\": \"null\", \"bytes\": 4096, \"queues\": 3, "
				"\"read_only\": true, \"on_error\": \"wait\", \"cached\": true, "
				"\"register_memory\": true, \"io_poll\": true}", false), 0);
	undone("{}\n", "disk.set", "{\"name\": \"root\", \"on_error\": \"report\"}");
	undone("{}\n", "disk.resize", "{\"name\": \"root\", \"bytes\": 8192}");
	undone(has_it, "disk.remove", "{\"name\": \"root\"}");
}

/* Somebody else writes the file meanwhile, so that step fails. */
static void what_cannot_be_saved_is_undone(void **state)
{
	_cleanup_json_ struct json_object *params = json_tokener_parse(
		"{\"name\": \"vm\", \"rules\": {\"vlan\": \"access:10\", \"isolated\": true}}");
	struct json_object *rules;
	struct iov_plan *plan;

	(void)state;
	assert_int_equal(change("port.add", VM ", \"rules\": {\"vlan\": \"access:9\"}}", false), 0);
	assert_int_equal(iov_plan_new(&plan, model.iov, "change"), 0);
	assert_int_equal(iov_host_iovd_plan(plan, "port.set", params, true, true), 0);
	tree_file(model.tree, IOV_HOST_FILE, "modules: [dummy]\n");
	assert_true(iov_plan_run(plan, NULL) < 0);
	iov_plan_free(plan);
	rules = json_object_object_get(json_object_array_get_idx(iovd.ports, 0), "rules");
	assert_string_equal(json_text(rules, "vlan"), "access:9");
	assert_false(json_object_get_boolean(json_object_object_get(rules, "isolated")));
	assert_file("modules: [dummy]\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_change_is_saved),
		TEST(what_the_file_does_not_have_is_said_whole),
		TEST(what_is_added_is_asked_for_once),
		TEST(a_function_for_iovd_is_taken),
		TEST(ports_that_a_bridge_takes_are_said_where_they_are),
		TEST(what_iovd_refuses_is_not_saved),
		TEST(what_cannot_be_saved_is_undone),
		TEST(each_change_of_a_disk_is_saved),
		TEST(a_disk_that_the_file_does_not_have_is_said_whole),
		TEST(each_change_of_a_group_is_saved),
		TEST(changes_of_a_group_are_undone),
		TEST(what_is_not_of_a_disk_in_a_file_is_refused),
		TEST(changes_of_a_disk_are_undone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
