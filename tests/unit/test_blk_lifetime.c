// SPDX-License-Identifier: GPL-2.0-or-later
// How worn devices of recorded hosts are.
#include <sys/sysmacros.h>

#include "tests/unit/test.h"
#include "tests/unit/tree.h"
#include "vhost-user/blk/file_backend.h"

#define CARD "sys/devices/mmc0:0001"
#define DISK CARD "/block/mmcblk0"

static struct {
	char *tree;
	struct iov *iov;
} host;

static int setup(void **state)
{
	(void)state;
	host.tree = tree_new();
	tree_file(host.tree, DISK "/size", "1000\n");
	tree_file(host.tree, DISK "/mmcblk0p1/partition", "1\n");
	tree_link(host.tree, DISK "/device", "../..");
	tree_link(host.tree, "sys/dev/block/179:0", "../../devices/mmc0:0001/block/mmcblk0");
	tree_link(host.tree, "sys/dev/block/179:1", "../../devices/mmc0:0001/block/mmcblk0/mmcblk0p1");
	host.iov = tree_open(host.tree);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	iov_close(host.iov);
	tree_remove(host.tree);
	return 0;
}

static void expect(unsigned int minor, bool tells, struct blk_lifetime expected)
{
	struct blk_lifetime lifetime = { 0 };

	assert_int_equal(file_lifetime(host.iov, makedev(179, minor), &lifetime), tells);
	assert_int_equal(lifetime.pre_eol, expected.pre_eol);
	assert_int_equal(lifetime.slc, expected.slc);
	assert_int_equal(lifetime.mlc, expected.mlc);
}

static void a_device_and_its_partitions_tell(void **state)
{
	(void)state;
	tree_file(host.tree, CARD "/life_time", "0x01 0x0b\n");
	tree_file(host.tree, CARD "/pre_eol_info", "0x02\n");
	expect(0, true, (struct blk_lifetime){ 2, 1, 11 });
	expect(1, true, (struct blk_lifetime){ 2, 1, 11 });
}

static void what_is_reserved_is_not_known(void **state)
{
	(void)state;
	tree_file(host.tree, CARD "/life_time", "0x0c 0x02\n");
	tree_file(host.tree, CARD "/pre_eol_info", "0x04\n");
	expect(0, true, (struct blk_lifetime){ 0, 0, 2 });
}

static void others_do_not(void **state)
{
	(void)state;
	expect(0, false, (struct blk_lifetime){ 0 });
	expect(7, false, (struct blk_lifetime){ 0 });
	tree_file(host.tree, CARD "/life_time", "0x00 0x00\n");
	expect(0, false, (struct blk_lifetime){ 0 });
	tree_file(host.tree, CARD "/life_time", "unknown\n");
	expect(0, false, (struct blk_lifetime){ 0 });
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_device_and_its_partitions_tell),
		TEST(what_is_reserved_is_not_known),
		TEST(others_do_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
