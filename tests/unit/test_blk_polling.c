// SPDX-License-Identifier: GPL-2.0-or-later
// Which devices of recorded hosts can be polled for what they have done.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "tests/unit/test.h"
#include "tests/unit/tree.h"
#include "vhost-user/blk/file_zoned.h"

#define NVME "sys/devices/pci0000:00/0000:00:01.0/nvme/nvme0/nvme0n1"
#define MD "sys/devices/virtual/block/md0"

static struct {
	char *tree;
	struct iov *iov;
} host;

static void add(const char *device, const char *number, const char *poll)
{
	char path[128], target[128];

	snprintf(path, sizeof(path), "%s/queue/io_poll", device);
	tree_file(host.tree, path, poll);
	snprintf(path, sizeof(path), "sys/dev/block/%s", number);
	snprintf(target, sizeof(target), "../../%s", strchr(device, '/') + 1);
	tree_link(host.tree, path, target);
}

static int setup(void **state)
{
	(void)state;
	host.tree = tree_new();
	add(NVME, "259:0", "1\n");
	tree_file(host.tree, NVME "/nvme0n1p1/partition", "1\n");
	tree_link(host.tree, "sys/dev/block/259:1", "../../devices/pci0000:00/0000:00:01.0/nvme/nvme0/nvme0n1/nvme0n1p1");
	add("sys/devices/virtual/block/ram0", "1:0", "0\n");
	add(MD, "9:0", "1\n");
	tree_link(host.tree, MD "/slaves/nvme0n1", "../../../../pci0000:00/0000:00:01.0/nvme/nvme0/nvme0n1");
	tree_file(host.tree, MD "/md0p1/partition", "1\n");
	tree_link(host.tree, "sys/dev/block/259:2", "../../devices/virtual/block/md0/md0p1");
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

static struct file_backend file_on(unsigned int major, unsigned int minor)
{
	return (struct file_backend){ .iov = host.iov, .path = "/dev/x", .is_direct = true,
				      .number = makedev(major, minor) };
}

static void expect_refused(struct file_backend file, const char *why)
{
	assert_int_equal(file_choose_polling(&file), -EINVAL);
	assert_non_null(strstr(iov_error_message(host.iov), why));
	assert_non_null(strstr(iov_error_message(host.iov), "leave --io-poll out"));
	assert_false(file.is_polled);
}

static void a_device_with_queues_for_that_is(void **state)
{
	struct file_backend whole = file_on(259, 0), part = file_on(259, 1);

	(void)state;
	assert_return_code(file_choose_polling(&whole), 0);
	assert_true(whole.is_polled);
	assert_return_code(file_choose_polling(&part), 0);
	assert_true(part.is_polled);
}

static void others_are_not(void **state)
{
	struct file_backend cached = file_on(259, 0), zoned = file_on(259, 0);
	struct file_zoned zones = { 0 };

	(void)state;
	expect_refused(file_on(1, 0), "queue/io_poll is 0");
	/* Of a file on a file system without a device of its own, as btrfs and overlayfs are. */
	expect_refused(file_on(0, 42), "queue/io_poll is 0");
	expect_refused(file_on(9, 0), "is on a volume");
	expect_refused(file_on(259, 2), "is on a volume");
	cached.is_direct = false;
	expect_refused(cached, "goes by the page cache");
	zoned.zoned = &zones;
	expect_refused(zoned, "has zones");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_device_with_queues_for_that_is, setup, teardown),
		cmocka_unit_test_setup_teardown(others_are_not, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
