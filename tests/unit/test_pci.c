// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/pci/link.h"
#include "base/pci/pci.h"
#include "tests/unit/tree.h"

static int open_tree(void **state)
{
	char *tree = tree_new();

	tree_file(tree, "sys/bus/pci/devices/0000:02:00.0/class", "0x020000\n");
	tree_file(tree, "sys/bus/pci/devices/0000:01:00.0/class", "0x010802\n");
	tree_link(tree, "sys/bus/pci/devices/0000:01:00.0/driver", "../../../bus/pci/drivers/nvme");
	tree_link(tree, "sys/bus/pci/devices/0000:01:00.0/virtfn3", "../0000:01:01.1");
	tree_file(tree, "sys/bus/pci/devices/10000:00:02.0/class", "0x060400\n");
	tree_file(tree, "sys/bus/pci/devices/not-a-device/class", "0\n");
	*state = tree;
	return 0;
}

static int close_tree(void **state)
{
	tree_remove(*state);
	return 0;
}

static void an_address_survives_parse_and_format(void **state)
{
	static const char *const texts[][2] = {
		{ "0000:01:00.0", "0000:01:00.0" },
		{ "01:1f.7", "0000:01:1f.7" },
		{ "ABCD:fF:0a.3", "abcd:ff:0a.3" },
		{ "10000:e1:00.0", "10000:e1:00.0" },
	};
	struct iov *iov = tree_open(*state);
	struct iov_bdf bdf;

	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(iov_bdf_parse(iov, texts[i][0], &bdf), 0);
		assert_string_equal(IOV_BDF(bdf), texts[i][1]);
	}
	iov_close(iov);
}

static void a_malformed_address_is_named(void **state)
{
	static const char *const texts[] = {
		"", "eth0", "01:00", "0000:01:00.8", "0000:01:20.0", "0000:01:00.0x",
		"0000:01:00.0.", "-1:00.0", "0000:001:00.0", " 01:00.0", "0x1:00.0",
		"123456789:01:00.0", "0000:01:00.00", "../0000:01:00.0",
	};
	struct iov *iov = tree_open(*state);
	struct iov_bdf bdf;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_int_equal(iov_bdf_parse(iov, texts[i], &bdf), -EINVAL);
		assert_non_null(strstr(iov_error_message(iov), texts[i]));
		assert_non_null(strstr(iov_error_message(iov), "iov list"));
	}
	iov_close(iov);
}

static void vf_addresses_carry_into_the_next_bus(void **state)
{
	struct iov_bdf pf = { .bus = 1 };

	(void)state;
	assert_string_equal(IOV_BDF(iov_bdf_add(pf, 128)), "0000:01:10.0");
	assert_string_equal(IOV_BDF(iov_bdf_add(pf, 128 + 2)), "0000:01:10.2");
	assert_string_equal(IOV_BDF(iov_bdf_add(pf, 256 + 7)), "0000:02:00.7");
}

static void functions_are_listed_in_order(void **state)
{
	struct iov *iov = tree_open(*state);
	struct iov_bdf *list;
	size_t count;

	assert_int_equal(iov_pci_list(iov, &list, &count), 0);
	assert_int_equal(count, 3);
	assert_string_equal(IOV_BDF(list[0]), "0000:01:00.0");
	assert_string_equal(IOV_BDF(list[1]), "0000:02:00.0");
	assert_string_equal(IOV_BDF(list[2]), "10000:00:02.0");
	free(list);
	iov_close(iov);
}

static void links_and_drivers_are_followed(void **state)
{
	struct iov *iov = tree_open(*state);
	struct iov_bdf bdf = { .bus = 1 }, vf;
	char driver[16];
	int64_t class;

	assert_int_equal(iov_pci_driver(iov, bdf, driver, sizeof(driver)), 0);
	assert_string_equal(driver, "nvme");
	assert_int_equal(iov_pci_link(iov, bdf, "virtfn3", &vf), 0);
	assert_string_equal(IOV_BDF(vf), "0000:01:01.1");
	assert_int_equal(iov_pci_link(iov, bdf, "physfn", &vf), -ENOENT);
	assert_int_equal(iov_pci_number(iov, bdf, "class", &class), 0);
	assert_int_equal(class, 0x010802);
	bdf.bus = 2;
	assert_int_equal(iov_pci_driver(iov, bdf, driver, sizeof(driver)), 0);
	assert_string_equal(driver, "");
	bdf.bus = 3;
	assert_int_equal(iov_pci_require(iov, bdf), -ENODEV);
	assert_non_null(strstr(iov_error_message(iov), "0000:03:00.0"));
	iov_close(iov);
}

/* A link that leads to the root of the tree has nothing above it, whatever is there. */
static void nothing_above_a_recorded_tree_is_read(void **state)
{
	char *outer = tree_new(), *root = NULL;
	struct iov_bdf bdf = { 0 };
	struct iov_link link;
	struct iov *iov;

	(void)state;
	tree_file(outer, "root/sys/bus/pci/devices/none", "");
	tree_link(outer, "root/sys/bus/pci/devices/0000:00:00.0", "../../../..");
	tree_file(outer, "root/current_link_width", "4\n");
	tree_file(outer, "root/current_link_speed", "8.0 GT/s PCIe\n");
	tree_file(outer, "power/runtime_status", "suspended\n");
	assert_true(asprintf(&root, "%s/root", outer) > 0);
	iov = tree_open(root);
	iov_link_read(iov, bdf, &link);
	assert_string_equal(link.now, "8.0 GT/s PCIe x4");
	/* Nor waited for. */
	tree_fifo(outer, "power/runtime_status");
	alarm(10);
	iov_link_read(iov, bdf, &link);
	alarm(0);
	iov_close(iov);
	free(root);
	tree_remove(outer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_survives_parse_and_format),
		cmocka_unit_test(a_malformed_address_is_named),
		cmocka_unit_test(vf_addresses_carry_into_the_next_bus),
		cmocka_unit_test(functions_are_listed_in_order),
		cmocka_unit_test(links_and_drivers_are_followed),
		cmocka_unit_test(nothing_above_a_recorded_tree_is_read),
	};

	return cmocka_run_group_tests(tests, open_tree, close_tree);
}
