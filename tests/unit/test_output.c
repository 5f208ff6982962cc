// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/output.h"

static const struct iov_column columns[] = {
	{ "bdf", "BDF" },
	{ "group", "GROUP", true },
	{ "reset", "RESET" },
	{ "busy", "BUSY" },
};

static struct json_object *rows(void)
{
	return json_tokener_parse(
		"[{\"bdf\": \"0000:01:00.0\", \"group\": 7, \"reset\": [\"flr\", \"bus\"],"
		"  \"busy\": true},"
		" {\"bdf\": \"0000:02:00.0\", \"group\": null, \"reset\": [], \"busy\": false}]");
}

static void a_table_shows_every_kind_of_value(void **state)
{
	_cleanup_json_ struct json_object *array = rows();
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	(void)state;
	assert_int_equal(iov_output_table(file, array, columns, 4), 0);
	fclose(file);
	assert_string_equal(text, "BDF           GROUP  RESET    BUSY\n"
				  "0000:01:00.0      7  flr,bus  yes\n"
				  "0000:02:00.0      -  -        no\n");
}

static void fields_leave_out_what_is_absent(void **state)
{
	_cleanup_json_ struct json_object *array = rows();
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	struct json_object *row = json_object_array_get_idx(array, 0);

	(void)state;
	json_object_object_del(row, "group");
	assert_int_equal(iov_output_fields(file, row, columns, 4), 0);
	fclose(file);
	assert_null(strstr(text, "GROUP"));
	assert_non_null(strstr(text, "0000:01:00.0"));
	assert_non_null(strstr(text, "flr,bus"));
}

static void json_output_is_json(void **state)
{
	_cleanup_json_ struct json_object *array = rows();
	_cleanup_json_ struct json_object *again = NULL;
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	(void)state;
	iov_output_json(file, array);
	fclose(file);
	assert_int_equal(text[size - 1], '\n');
	again = json_tokener_parse(text);
	assert_true(json_object_equal(array, again));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_shows_every_kind_of_value),
		cmocka_unit_test(fields_leave_out_what_is_absent),
		cmocka_unit_test(json_output_is_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
