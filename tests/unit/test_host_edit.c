// SPDX-License-Identifier: GPL-2.0-or-later
/* A value of somebody's host file is changed, and nothing else of it. */
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "host/file/edit.h"

/* @value: JSON, NULL takes the place away */
static const struct change {
	const char *text, *place, *value, *wanted;
} changes[] = {
	{ "devices:\n  - device: a   # the first\n    mtu: 1500 # jumbo later\n  # two\n  - device: b\n",
	  "devices[0].mtu", "9000",
	  "devices:\n  - device: a   # the first\n    mtu: 9000 # jumbo later\n  # two\n  - device: b\n" },
	{ "devices:\n  - device: a # the first\n  # two\n\n  - device: b\n", "devices[0].vfs.count", "4",
	  "devices:\n  - device: a # the first\n    vfs:\n      count: 4\n  # two\n\n  - device: b\n" },
	{ "devices:\n- device: a\n- device: b", "devices[2].device", "\"c\"",
	  "devices:\n- device: a\n- device: b\n- device: c" },
	{ "devices:\n- device: a\n  vfs:\n    count: 2\n    each:\n    - index: 0\n      mac: 02:00:00:00:00:01\n",
	  "devices[0].vfs.each[1].index", "1",
	  "devices:\n- device: a\n  vfs:\n    count: 2\n    each:\n    - index: 0\n      mac: 02:00:00:00:00:01\n    - index: 1\n" },
	{ "devices:\n  - {device: a, vfs: {count: 2, each: [{index: 0}]}} # short\n",
	  "devices[0].vfs.each[0].trust", "true",
	  "devices:\n  - {device: a, vfs: {count: 2, each: [{index: 0, trust: on}]}} # short\n" },
	{ "devices:\n  - {device: a, vfs: {count: 2, each: []}}\n", "devices[0].vfs.each[0].index", "1",
	  "devices:\n  - {device: a, vfs: {count: 2, each: [{index: 1}]}}\n" },
	{ "devices: # none yet\n\niovd:\n", "devices[0].device", "\"a\"",
	  "devices:\n  - device: a # none yet\n\niovd:\n" },
	{ "devices: ~\n", "devices[0].device", "\"a\"", "devices:\n  - device: a\n" },
	{ "devices: []\n", "devices[0].device", "\"a\"", "devices:\n  - device: a\n" },
	{ "", "devices[0].device", "\"a\"", "devices:\n  - device: a\n" },
	{ "# mine", "devices[0].device", "\"a\"", "# mine\ndevices:\n  - device: a\n" },
	{ "# mine\n{}\n", "devices[0].device", "\"a\"", "# mine\ndevices:\n  - device: a\n" },
	{ "---\n", "devices[0].device", "\"a\"", "---\ndevices:\n  - device: a" },
	{ "modules: [x]\n# end\n", "devices[0].device", "\"a\"",
	  "modules: [x]\ndevices:\n  - device: a\n# end\n" },
	{ "# \xc3\xa9t\xc3\xa9 \xe2\x82\xac\nmodules: [x]\r\nversion: 1\r\n", "version", "2",
	  "# \xc3\xa9t\xc3\xa9 \xe2\x82\xac\nmodules: [x]\r\nversion: 2\r\n" },
	{ "\xef\xbb\xbfversion: 1\n", "version", "2", "\xef\xbb\xbfversion: 2\n" },
	{ "irq: 'local' # q\n", "irq", "\"0-3,8\"", "irq: \"0-3,8\" # q\n" },
	{ "irq: \"a\\\"b\"\n", "irq", "\"say \\\"x\\\" \\\\\"", "irq: \"say \\\"x\\\" \\\\\"\n" },
	{ "rules:\n  allow_mac:\n  - a\n  - b # two\n  vlan: x\n", "rules.allow_mac", "[\"c\", \"d\"]",
	  "rules:\n  allow_mac: [c, d] # two\n  vlan: x\n" },
	{ "rules: {allow_mac: [a, b], vlan: x}\n", "rules.allow_mac", "[\"c\"]",
	  "rules: {allow_mac: [c], vlan: x}\n" },
	/* Taken away */
	{ "each:\n  - index: 0 # zero\n    driver: x\n  - index: 1\n", "each[0]", NULL,
	  "each:\n  - index: 1\n" },
	{ "each:\n  - index: 0\n  - index: 1 # one\n# end\n", "each[1]", NULL,
	  "each:\n  - index: 0\n# end\n" },
	{ "a: 1\neach:\n  - index: 0\n", "each[0]", NULL, "a: 1\n" },
	{ "each:\n  - index: 0\n", "each[0]", NULL, "{}\n" },
	{ "each:\n  - driver: x # native once\n    index: 0\n", "each[0].driver", NULL,
	  "each:\n  - index: 0\n" },
	{ "each:\n  - index: 0\n    driver: x\n", "each[0].driver", NULL, "each:\n  - index: 0\n" },
	{ "each:\n  - index: 0\n    driver: x", "each[0].driver", NULL, "each:\n  - index: 0\n" },
	{ "each: [{index: 0, driver: x}, {index: 1}]\n", "each[0].driver", NULL,
	  "each: [{index: 0}, {index: 1}]\n" },
	{ "each: [{driver: x, index: 0}, {index: 1}]\n", "each[0].driver", NULL,
	  "each: [{index: 0}, {index: 1}]\n" },
	{ "each: [{index: 0}, {index: 1}]\n", "each[0]", NULL, "each: [{index: 1}]\n" },
	{ "vfs:\n  count: 2\n  each:\n  -\n    index: 0\n  -\n    index: 1\n", "vfs.each[0]", NULL,
	  "vfs:\n  count: 2\n  each:\n  -\n    index: 1\n" },
	{ "a: 1\n", "b.c[0].d", NULL, "a: 1\n" },
};

static void a_value_changes_and_nothing_else(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		_cleanup_json_ struct json_object *value =
			changes[i].value ? json_tokener_parse(changes[i].value) : NULL;
		_cleanup_free_ char *text = strdup(changes[i].text);

		if (host_edit(&text, changes[i].place, value))
			fail_msg("%zu: %s at %s", i, changes[i].text, changes[i].place);
		assert_string_equal(text, changes[i].wanted);
	}
}

/* What was put at a place is there, and all else reads as before. */
static void what_was_put_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		_cleanup_json_ struct json_object *got = host_edit_read(changes[i].wanted,
									changes[i].place);
		_cleanup_json_ struct json_object *value =
			changes[i].value ? json_tokener_parse(changes[i].value) : NULL;

		if (!value)
			continue;
		assert_non_null(got);
		if (!json_object_is_type(value, json_type_boolean))
			assert_string_equal(json_object_get_string(got), json_object_get_string(value));
	}
}

static void a_text_that_is_not_yaml_is_refused(void **state)
{
	_cleanup_free_ char *text = strdup("devices: [\n");

	(void)state;
	assert_int_not_equal(host_edit(&text, "version", NULL), 0);
	assert_string_equal(text, "devices: [\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_changes_and_nothing_else),
		cmocka_unit_test(what_was_put_is_read),
		cmocka_unit_test(a_text_that_is_not_yaml_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
