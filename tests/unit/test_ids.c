// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of IDs, with the hardware database of this machine. */
#include "tests/unit/test.h"

#include "base/pci/ids.h"
#include "base/sysroot/udev.h"

static struct iov_ids *ids;

static int setup(void **state)
{
	(void)state;
	return iov_ids_open(&ids);
}

static int teardown(void **state)
{
	(void)state;
	iov_ids_close(ids);
	return 0;
}

/* Leave out what needs a database where there is none. */
static void need_database(void)
{
	struct iov_hwdb *hwdb;
	char name[IOV_NAME_SIZE];
	bool known;

	assert_int_equal(iov_hwdb_open(&hwdb), 0);
	known = iov_hwdb_find(hwdb, "pci:v00008086d", "ID_VENDOR_FROM_DATABASE", name, sizeof(name));
	iov_hwdb_close(hwdb);
	if (!known)
		skip();
}

static void assert_device(unsigned int vendor, unsigned int device, const char *expected)
{
	char name[IOV_NAME_SIZE];

	iov_ids_device(ids, vendor, device, name, sizeof(name));
	assert_string_equal(name, expected);
}

static void assert_class(unsigned int class_code, const char *expected)
{
	char name[IOV_NAME_SIZE];

	iov_ids_class(ids, class_code, name, sizeof(name));
	assert_string_equal(name, expected);
}

/* Of the 82576 of Intel. */
static void assert_subsystem(unsigned int subvendor, unsigned int subdevice, const char *expected)
{
	char name[IOV_NAME_SIZE];

	iov_ids_subsystem(ids, 0x8086, 0x10c9, subvendor, subdevice, name, sizeof(name));
	assert_string_equal(name, expected);
}

static void a_device_has_its_name_behind_that_of_its_vendor(void **state)
{
	(void)state;
	need_database();
	assert_device(0x8086, 0x10c9, "Intel Corporation 82576 Gigabit Network Connection");
	assert_device(0x8086, 0x10c9, "Intel Corporation 82576 Gigabit Network Connection");
	assert_device(0x8086, 0x0001, "Intel Corporation Device 0001");
}

static void numbers_stand_for_what_is_not_known(void **state)
{
	(void)state;
	assert_device(0xabcdef01, 0x0002, "Device abcdef01:0002");
	assert_class(0x7f34, "Class 7f34");
}

static void a_subclass_that_is_not_known_has_the_name_of_its_class(void **state)
{
	(void)state;
	need_database();
	assert_class(0x0200, "Ethernet controller");
	assert_class(0x02fe, "Network controller [02fe]");
}

static void a_subsystem_is_named_without_its_chip(void **state)
{
	(void)state;
	need_database();
	assert_subsystem(0x8086, 0xa03c, "Intel Corporation Gigabit ET Dual Port Server Adapter");
	assert_subsystem(0x8086, 0x10c9, "Intel Corporation 82576 Gigabit Network Connection");
	assert_subsystem(0x8086, 0xfff0, "Intel Corporation Device fff0");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_device_has_its_name_behind_that_of_its_vendor),
		TEST(numbers_stand_for_what_is_not_known),
		TEST(a_subclass_that_is_not_known_has_the_name_of_its_class),
		TEST(a_subsystem_is_named_without_its_chip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
