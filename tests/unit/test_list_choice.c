// SPDX-License-Identifier: GPL-2.0-or-later
/* Which functions of a recorded host are listed, in which order, and who uses them. */
#include "tests/unit/test.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/pci/function.h"
#include "cli/list.h"
#include "plugins/plugins.h"
#include "sriov/vf.h"
#include "tests/unit/said.h"
#include "tests/unit/tree.h"

static char *tree;
static struct iov *iov;
static struct json_object *rows;
static struct iov_ids *ids;

static int setup(void **state)
{
	(void)state;
	tree = tree_of_host("default");
	iov = tree_open(tree);
	assert_int_equal(iov_ids_open(&ids), 0);
	assert_int_equal(iov_sriov_register(iov), 0);
	assert_int_equal(iov_plugins_register(iov), 0);
	assert_int_equal(iov_function_list(iov, ids, 0, &rows), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	json_object_put(rows);
	iov_ids_close(ids);
	iov_close(iov);
	tree_remove(tree);
	return 0;
}

static struct json_object *row_of(struct json_object *list, const char *device)
{
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *row = json_object_array_get_idx(list, i);

		if (!strcmp(json_text(row, "device"), device))
			return row;
	}
	return NULL;
}

static size_t count_class(const char *name)
{
	struct list_filter filter = { .driver = NULL };
	struct json_object *chosen;
	size_t count;

	assert_int_equal(list_filter_class(iov, ids, &filter, name), 0);
	chosen = list_filter(&filter, rows);
	count = json_object_array_length(chosen);
	json_object_put(chosen);
	return count;
}

static void a_class_has_a_name_and_a_number(void **state)
{
	struct list_filter filter = { .driver = NULL };

	(void)state;
	assert_int_equal(count_class("network"), 6);
	assert_int_equal(count_class("NETWORK"), 6);
	assert_int_equal(count_class("2"), 6);
	assert_int_equal(count_class("0x0200"), 6);
	assert_int_equal(count_class("020000"), 6);
	assert_int_equal(count_class("nvme"), 1);
	assert_int_equal(count_class("display"), 0);
	/* Of device classes, also of plugins, and as lspci calls them, by whole words. */
	assert_int_equal(count_class("net"), 6);
	assert_int_equal(count_class("gpu"), 0);
	assert_int_equal(count_class("ethernet"), 6);
	assert_int_equal(count_class("Ethernet controller"), 6);
	assert_int_equal(count_class("Non-Volatile memory"), 1);
	assert_int_equal(count_class("VGA"), 0);
	assert_int_equal(list_filter_class(iov, ids, &filter, "ether"), -EINVAL);
	assert_int_equal(list_filter_class(iov, ids, &filter, "gpus"), -EINVAL);
	assert_said(iov, "did you mean gpu?");
	assert_said(iov, "accelerator, net, gpu");
	assert_int_equal(list_filter_class(iov, ids, &filter, "nonsense"), -EINVAL);
	assert_int_equal(list_filter_class(iov, ids, &filter, ""), -EINVAL);
	assert_int_equal(list_filter_class(iov, ids, &filter, "0x"), -EINVAL);
	assert_int_equal(list_filter_class(iov, ids, &filter, "02000000"), -EINVAL);
}

static void who_has_no_driver_has_none(void **state)
{
	const struct list_filter none = { .driver = "none" }, igb = { .driver = "igb" };
	_cleanup_json_ struct json_object *without = list_filter(&none, rows);
	_cleanup_json_ struct json_object *with = list_filter(&igb, rows);

	(void)state;
	assert_non_null(row_of(without, "0000:05:00.0"));
	assert_null(row_of(without, "0000:01:00.0"));
	assert_int_equal(json_object_array_length(with), 2);
}

static void interfaces_are_those_of_the_function_itself(void **state)
{
	(void)state;
	list_add_interfaces(iov, rows);
	assert_string_equal(json_text(row_of(rows, "0000:01:00.0"), "net"), "[ \"enp1s0\" ]");
	assert_string_equal(json_text(row_of(rows, "0000:02:00.0"), "net"), "[ ]");
}

static void what_is_in_use_is_not_free(void **state)
{
	const struct list_filter free = { .free = true };
	_cleanup_json_ struct json_object *chosen = NULL;
	struct json_object *route = row_of(rows, "0000:01:00.0");

	(void)state;
	assert_int_equal(list_add_holders(iov, rows), 0);
	list_add_verdicts(iov, rows);
	chosen = list_filter(&free, rows);
	assert_string_equal(json_text(route, "guards"), "[ \"default-route\" ]");
	assert_string_equal(json_text(route, "group_in_use"), "true");
	assert_null(row_of(chosen, "0000:01:00.0"));
	assert_null(row_of(chosen, "0000:02:00.0"));
	assert_non_null(row_of(chosen, "0000:01:10.2"));
	assert_non_null(row_of(chosen, "0000:81:00.0"));
}

static void what_moves_with_something_in_use_is_not_free(void **state)
{
	const struct list_filter free = { .free = true };
	_cleanup_json_ struct json_object *chosen = NULL;

	(void)state;
	json_object_object_add(row_of(rows, "0000:05:00.0"), "iommu_group",
			       json_object_new_int(10));
	assert_int_equal(list_add_holders(iov, rows), 0);
	list_add_verdicts(iov, rows);
	chosen = list_filter(&free, rows);
	assert_null(row_of(chosen, "0000:05:00.0"));
}

static void a_pf_with_vfs_is_not_free(void **state)
{
	const struct list_filter free = { .free = true };
	_cleanup_json_ struct json_object *chosen = NULL;

	(void)state;
	json_object_object_add(row_of(rows, "0000:81:00.0"), "vfs", json_object_new_int(1));
	assert_int_equal(list_add_holders(iov, rows), 0);
	list_add_verdicts(iov, rows);
	chosen = list_filter(&free, rows);
	assert_null(row_of(chosen, "0000:81:00.0"));
}

static void assert_order(const char *key, const char *const *devices)
{
	list_sort(rows, key);
	for (size_t i = 0; devices[i]; i++)
		assert_string_equal(json_text(json_object_array_get_idx(rows, i), "device"),
				    devices[i]);
}

static void numbers_are_sorted_by_value_and_nothing_is_last(void **state)
{
	(void)state;
	assert_order("vfs_total", (const char *[]){ "0000:02:00.0", "0000:01:00.0",
						    "0000:81:00.0", "0000:00:1c.0", NULL });
	assert_order("driver", (const char *[]){ "0000:04:01.0", "0000:04:02.0", "0000:01:00.0",
						 "0000:81:00.0", "0000:01:10.0", NULL });
	assert_order("iommu_group", (const char *[]){ "0000:00:1c.0", "0000:00:1d.0", NULL });
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* As in switchdev mode: beside the interface of the PF one for each VF, named by its port. */
static void a_representor_is_named_where_its_vf_is(void **state)
{
	static const char *const net = "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/net";

	(void)state;
	tree_file(tree, iov_path("%s/enp1s0r1/phys_port_name", net).name, "pf0vf1\n");
	tree_link(tree, iov_path("%s/enp1s0r1/device", net).name, "../../../0000:01:00.0");
	tree_link(tree, iov_path("%s/enp1s0/device", net).name, "../../../0000:01:00.0");
	tree_link(tree, "sys/class/net/enp1s0r1",
		  "../../devices/pci0000:00/0000:00:01.0/0000:01:00.0/net/enp1s0r1");
	list_add_interfaces(iov, rows);
	assert_string_equal(json_text(row_of(rows, "0000:01:10.2"), "representor"), "enp1s0r1");
	assert_null(json_text_or_null(row_of(rows, "0000:01:10.0"), "representor"));
	assert_string_equal(json_text(row_of(rows, "0000:01:00.0"), "net"), "[ \"enp1s0\" ]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_class_has_a_name_and_a_number),
		TEST(who_has_no_driver_has_none),
		TEST(interfaces_are_those_of_the_function_itself),
		TEST(a_representor_is_named_where_its_vf_is),
		TEST(what_is_in_use_is_not_free),
		TEST(what_moves_with_something_in_use_is_not_free),
		TEST(a_pf_with_vfs_is_not_free),
		TEST(numbers_are_sorted_by_value_and_nothing_is_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
