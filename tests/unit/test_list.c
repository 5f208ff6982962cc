// SPDX-License-Identifier: GPL-2.0-or-later
/* What is known about functions of a recorded host, without their names. */
#include "tests/unit/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/pci/function.h"
#include "base/pci/kind.h"
#include "base/pci/pci_config.h"
#include "tests/unit/tree.h"

static char *tree;
static struct iov *iov;
static struct iov_ids *ids;

static int setup(void **state)
{
	(void)state;
	tree = tree_of_host("default");
	iov = tree_open(tree);
	return iov_ids_open(&ids);
}

static int teardown(void **state)
{
	(void)state;
	iov_ids_close(ids);
	iov_close(iov);
	tree_remove(tree);
	return 0;
}

static struct iov_bdf bdf_of(const char *text)
{
	struct iov_bdf bdf;

	assert_int_equal(iov_bdf_parse(iov, text, &bdf), 0);
	return bdf;
}

/* A member in the form of JSON: 7, "igb", null, [ "flr" ]. */
static void assert_member(struct json_object *json, const char *key, const char *expected)
{
	struct json_object *value;

	assert_true(json_object_object_get_ex(json, key, &value));
	assert_string_equal(json_object_to_json_string_ext(value,
			    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE), expected);
}

static void a_pf_counts_its_vfs(void **state)
{
	_cleanup_json_ struct json_object *json = iov_function_summary(iov, ids,
								       bdf_of("0000:01:00.0"));

	(void)state;
	assert_member(json, "device", "\"0000:01:00.0\"");
	assert_member(json, "class_code", "\"0x020000\"");
	assert_member(json, "vendor_id", "\"8086\"");
	assert_member(json, "device_id", "\"10c9\"");
	assert_member(json, "driver", "\"igb\"");
	assert_member(json, "iommu_group", "10");
	assert_member(json, "numa_node", "null");
	assert_member(json, "pf", "null");
	assert_member(json, "vf_index", "null");
	assert_member(json, "vfs", "2");
	assert_member(json, "vfs_total", "7");
	assert_member(json, "msix", "10");
	assert_member(json, "reset_methods", "[\"flr\",\"pm\",\"bus\"]");
}

static void a_vf_names_its_pf_and_its_index(void **state)
{
	_cleanup_json_ struct json_object *json = iov_function_summary(iov, ids,
								       bdf_of("0000:01:10.2"));

	(void)state;
	assert_member(json, "pf", "\"0000:01:00.0\"");
	assert_member(json, "vf_index", "1");
	assert_member(json, "vfs", "null");
	assert_member(json, "driver", "\"vfio-pci\"");
	assert_member(json, "msix", "3");
}

static void what_does_not_apply_is_null(void **state)
{
	_cleanup_json_ struct json_object *json = iov_function_summary(iov, ids,
								       bdf_of("0000:05:00.0"));

	(void)state;
	assert_member(json, "driver", "null");
	assert_member(json, "vfs_total", "null");
	assert_member(json, "msix", "null");
}

static void a_node_is_a_number_on_a_host_that_has_nodes(void **state)
{
	_cleanup_json_ struct json_object *json = iov_function_summary(iov, ids,
								       bdf_of("0000:81:00.0"));

	(void)state;
	assert_member(json, "numa_node", "1");
}

static enum iov_pci_kind kind_of(const char *text)
{
	return iov_pci_kind(iov, bdf_of(text));
}

static void what_belongs_to_the_host_is_told_from_devices(void **state)
{
	(void)state;
	assert_int_equal(kind_of("0000:00:00.0"), IOV_PCI_CHIPSET);
	assert_int_equal(kind_of("0000:00:1f.0"), IOV_PCI_CHIPSET);
	assert_int_equal(kind_of("0000:00:01.0"), IOV_PCI_BRIDGE);
	assert_int_equal(kind_of("0000:01:00.0"), IOV_PCI_ENDPOINT);
}

static void the_detail_has_everything(void **state)
{
	_cleanup_json_ struct json_object *json = iov_function_detail(iov, ids,
								      bdf_of("0000:01:00.0"));
	struct json_object *bars = json_object_object_get(json, "bars");

	(void)state;
	assert_member(json, "driver_override", "null");
	assert_member(json, "module", "\"igb\"");
	assert_member(json, "revision", "\"0x01\"");
	assert_member(json, "link", "\"2.5 GT/s PCIe x1\"");
	assert_member(json, "msi", "1");
	assert_member(json, "capabilities",
		      "[\"power management\",\"MSI\",\"MSI-X\",\"PCI Express\",\"AER\",\"ARI\","
		      "\"SR-IOV\"]");
	assert_member(json, "sriov", "{\"total\":7,\"current\":2,\"offset\":128,\"stride\":2,"
				     "\"autoprobe\":1,\"vf_device\":\"10ca\"}");
	assert_member(json, "net", "[\"enp1s0\"]");
	assert_member(json, "power_state", "\"D0\"");
	assert_int_equal(json_object_array_length(bars), 4);
	assert_member(json_object_array_get_idx(bars, 0), "size", "131072");
	assert_member(json_object_array_get_idx(bars, 0), "type", "\"memory\"");
	assert_member(json_object_array_get_idx(bars, 2), "type", "\"I/O\"");
	assert_member(json_object_array_get_idx(bars, 3), "type", "\"64-bit memory\"");
	assert_null(json_object_object_get(json, "block"));
}

static void the_detail_names_what_hangs_below(void **state)
{
	_cleanup_json_ struct json_object *nvme = iov_function_detail(iov, ids,
								      bdf_of("0000:02:00.0"));
	_cleanup_json_ struct json_object *vf = iov_function_detail(iov, ids,
								    bdf_of("0000:01:10.2"));

	(void)state;
	assert_member(nvme, "nvme", "[\"nvme0\"]");
	assert_member(nvme, "block", "[\"nvme0c0n1\"]");
	assert_member(vf, "vfio", "[\"vfio0\"]");
	assert_member(vf, "driver_override", "\"vfio-pci\"");
}

/* A conventional list of @entries that begins at 0x40, each leading to the next one. */
static void conventional(struct iov_config *config, size_t length, size_t entries)
{
	memset(config, 0, sizeof(*config));
	config->length = length;
	config->bytes[0x06] = 0x10;
	config->bytes[0x34] = 0x40;
	for (size_t i = 0; i < entries; i++) {
		config->bytes[0x40 + 16 * i] = (uint8_t)(0x10 + i);
		config->bytes[0x41 + 16 * i] = (uint8_t)(i + 1 < entries ? 0x50 + 16 * i : 0);
	}
}

static void extended(struct iov_config *config, unsigned int at, uint8_t id, unsigned int next)
{
	config->bytes[at] = id;
	config->bytes[at + 2] = (uint8_t)(1 | next << 4);
	config->bytes[at + 3] = (uint8_t)(next >> 4);
}

static void capabilities_have_the_order_of_their_lists(void **state)
{
	struct iov_config config;

	(void)state;
	conventional(&config, IOV_CONFIG_SIZE, 2);
	extended(&config, 0x100, 0x01, 0xffc);
	extended(&config, 0xffc, 0x0d, 0);
	assert_int_equal(iov_config_scan(&config), 0);
	assert_int_equal(config.count, 4);
	assert_int_equal(config.capabilities[1].offset, 0x50);
	assert_false(config.capabilities[1].extended);
	assert_int_equal(config.capabilities[3].offset, 0xffc);
	assert_int_equal(iov_config_find(&config, 0x0d, true), 0xffc);
	assert_int_equal(iov_config_find(&config, 0x0d, false), 0);
}

static void capabilities_that_loop_end(void **state)
{
	struct iov_config config;

	(void)state;
	conventional(&config, IOV_CONFIG_SIZE, 2);
	config.bytes[0x51] = 0x40;
	extended(&config, 0x100, 0x01, 0x140);
	extended(&config, 0x140, 0x0d, 0x100);
	assert_int_equal(iov_config_scan(&config), 0);
	assert_int_equal(config.count, 4);
	assert_int_equal(iov_config_find(&config, 0x11, false), 0x50);
	assert_int_equal(iov_config_find(&config, 0x05, false), 0);
}

static void capabilities_that_lead_into_the_header_are_none(void **state)
{
	struct iov_config config;

	(void)state;
	conventional(&config, IOV_CONFIG_SIZE, 1);
	config.bytes[0x41] = 0x10;
	extended(&config, 0x100, 0x01, 0x40);
	assert_int_equal(iov_config_scan(&config), 0);
	assert_int_equal(config.count, 2);
}

static void capabilities_end_where_reading_ended(void **state)
{
	struct iov_config config;

	(void)state;
	conventional(&config, 64, 2);
	assert_int_equal(iov_config_scan(&config), 0);
	assert_int_equal(config.count, 0);
	assert_int_equal(iov_config_u32(&config, 62), 0);
	conventional(&config, 0x48, 2);
	assert_int_equal(iov_config_scan(&config), 0);
	assert_int_equal(config.count, 1);
	conventional(&config, IOV_CONFIG_CONVENTIONAL, 2);
	extended(&config, 0x100, 0x01, 0);
	assert_int_equal(iov_config_scan(&config), 0);
	assert_int_equal(config.count, 2);
	config.length = 0;
	assert_int_equal(iov_config_scan(&config), 0);
	assert_int_equal(config.count, 0);
}

static void a_lost_function_has_no_capabilities(void **state)
{
	struct iov_config config = { .length = IOV_CONFIG_SIZE };

	(void)state;
	memset(config.bytes, 0xff, sizeof(config.bytes));
	assert_int_equal(iov_config_scan(&config), 0);
	assert_int_equal(config.count, 0);
}

/* The rows of all functions, within what two that are stuck may take. */
static struct json_object *list_of_a_stuck_host(void)
{
	struct json_object *rows = NULL;
	uint64_t began = monotonic_ms();

	assert_int_equal(iov_function_list(iov, ids, IOV_FUNCTION_BRIDGES, &rows), 0);
	assert_in_range(monotonic_ms() - began, 0, 20000);
	return rows;
}

static struct json_object *row_of(struct json_object *rows, const char *device)
{
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		if (!strcmp(json_text(row, "device"), device))
			return row;
	}
	fail_msg("%s is not listed", device);
	return NULL;
}

/* As a reset that hangs does to the readers of the function and of the port above. */
static void one_that_does_not_answer_keeps_nobody_waiting(void **state)
{
	_cleanup_json_ struct json_object *before = list_of_a_stuck_host(), *rows = NULL;
	struct iov_bdf stuck = bdf_of("0000:01:10.2");

	(void)state;
	iov_close(iov);
	tree_fifo(tree, "sys/bus/pci/devices/0000:01:10.2/config");
	tree_fifo(tree, "sys/bus/pci/devices/0000:01:10.2/uevent");
	tree_fifo(tree, "sys/bus/pci/devices/0000:00:01.0/config");
	iov = tree_open(tree);
	iov_sys_set_timeout(iov, 500);
	rows = list_of_a_stuck_host();
	assert_int_equal(json_object_array_length(rows), json_object_array_length(before));
	assert_member(row_of(rows, "0000:01:10.2"), "driver", "\"vfio-pci\"");
	assert_member(row_of(rows, "0000:01:10.2"), "msix", "null");
	assert_member(row_of(rows, "0000:01:10.0"), "msix", "3");
	assert_int_equal(iov_config_unanswered(iov, &stuck), -ETIMEDOUT);
	assert_non_null(strstr(iov_error_message(iov), "0000:01:10.2: the kernel does not tell its "
			       "configuration space"));
	stuck = bdf_of("0000:01:10.0");
	assert_int_equal(iov_config_unanswered(iov, &stuck), 0);
}

/* Nobody asks again, though the functions are looked at one by one. */
static void what_does_not_answer_is_asked_once(void **state)
{
	const struct iov_bdf stuck = bdf_of("0000:01:10.2");
	struct iov_config config;
	uint64_t began;

	(void)state;
	tree_fifo(tree, "sys/bus/pci/devices/0000:01:10.2/config");
	iov_sys_set_timeout(iov, 500);
	assert_int_equal(iov_config_read(iov, stuck, &config, IOV_CONFIG_HEADER), -ETIMEDOUT);
	began = monotonic_ms();
	for (int i = 0; i < 100; i++)
		assert_int_equal(iov_config_read(iov, stuck, &config, IOV_CONFIG_HEADER),
				 -ETIMEDOUT);
	assert_in_range(monotonic_ms() - began, 0, 10000);
	assert_int_equal(iov_config_read(iov, bdf_of("0000:01:10.0"), &config, IOV_CONFIG_HEADER), 0);
}

/* A driver that is at work on a function has its lock. */
static void an_override_that_is_not_told_is_no_empty_one(void **state)
{
	_cleanup_json_ struct json_object *detail = NULL;
	char override[64];

	(void)state;
	tree_fifo(tree, "sys/bus/pci/devices/0000:01:10.2/driver_override");
	iov_sys_set_timeout(iov, 500);
	assert_int_equal(iov_pci_override(iov, bdf_of("0000:01:10.2"), override, sizeof(override)),
			 -ETIMEDOUT);
	assert_non_null(strstr(iov_error_message(iov), "0000:01:10.2: the kernel does not tell its "
			       "driver_override"));
	detail = iov_function_detail(iov, ids, bdf_of("0000:01:10.2"));
	assert_false(json_object_object_get_ex(detail, "driver_override", NULL));
	assert_int_equal(iov_pci_override(iov, bdf_of("0000:01:10.0"), override, sizeof(override)), 0);
	assert_string_equal(override, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_pf_counts_its_vfs),
		TEST(a_vf_names_its_pf_and_its_index),
		TEST(what_does_not_apply_is_null),
		TEST(a_node_is_a_number_on_a_host_that_has_nodes),
		TEST(what_belongs_to_the_host_is_told_from_devices),
		TEST(the_detail_has_everything),
		TEST(the_detail_names_what_hangs_below),
		TEST(capabilities_have_the_order_of_their_lists),
		TEST(capabilities_that_loop_end),
		TEST(capabilities_that_lead_into_the_header_are_none),
		TEST(capabilities_end_where_reading_ended),
		TEST(a_lost_function_has_no_capabilities),
		TEST(one_that_does_not_answer_keeps_nobody_waiting),
		TEST(what_does_not_answer_is_asked_once),
		TEST(an_override_that_is_not_told_is_no_empty_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
