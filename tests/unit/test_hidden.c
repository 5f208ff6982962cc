// SPDX-License-Identifier: GPL-2.0-or-later
/* What the kernel lists of the files that are registered with an io_uring. */
#include "tests/unit/test.h"

#include "base/guard/walk_hidden.h"
#include "tests/unit/tree.h"

static size_t paths;

static void count_path(void *argument, const char *path)
{
	(void)argument;
	assert_string_equal(path, "/dev/nvme0");
	paths++;
}

/* How many of 64 slots may have a device that is not told, where the kernel lists these. */
static size_t untold_of(const char *listed)
{
	struct guard_process process = { .pid = "71", .path = iov_path("proc/71"), .directory = -1 };
	char *tree = tree_new();
	struct guard_scan scan = { .iov = tree_open(tree) };
	size_t untold;

	tree_file(tree, "proc/71/fdinfo/7", iov_path("pos:\t0\nUserFiles:\t64\n%sUserBufs:\t1\n"
						     "    0: [vfio-device]\n", listed).name);
	paths = 0;
	untold = guard_walk_registered(&scan, &process, "7", count_path, NULL);
	iov_close(scan.iov);
	tree_remove(tree);
	return untold;
}

/* Kernels since 6.18 */
static void slots_that_are_not_listed_are_empty(void **state)
{
	(void)state;
	assert_int_equal(untold_of("    3: socket:[31337]\n"), 0);
	assert_int_equal(untold_of("    3: /dev/nvme0\n   63: anon_inode:[eventfd]\n"), 0);
	assert_int_equal(paths, 1);
}

static void a_device_of_vfio_has_no_path(void **state)
{
	(void)state;
	assert_int_equal(untold_of("    3: socket:[31337]\n    9: anon_inode:[vfio-device]\n"), 1);
}

/* Kernels before 6.11: a group is "17" there. */
static void what_has_no_directory_may_be_a_device(void **state)
{
	(void)state;
	assert_int_equal(untold_of("    0: <none>\n    1: 17\n    2: [vfio-device]\n    3: <none>\n"), 2);
}

static void of_slots_of_which_none_is_listed_nothing_is_known(void **state)
{
	(void)state;
	assert_int_equal(untold_of(""), 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_that_are_not_listed_are_empty),
		cmocka_unit_test(a_device_of_vfio_has_no_path),
		cmocka_unit_test(what_has_no_directory_may_be_a_device),
		cmocka_unit_test(of_slots_of_which_none_is_listed_nothing_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
