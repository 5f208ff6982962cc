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
#include "plugins/plugins.h"
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
	assert_int_equal(iov_plugins_register(model.iov), 0);
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
	error = iov_host_iovd_plan(plan, method, json, save);
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
	assert_int_equal(iov_host_iovd_plan(plan, "port.set", params, true), 0);
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
		TEST(ports_that_a_bridge_takes_are_said_where_they_are),
		TEST(what_iovd_refuses_is_not_saved),
		TEST(what_cannot_be_saved_is_undone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
