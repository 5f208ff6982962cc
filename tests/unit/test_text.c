// SPDX-License-Identifier: GPL-2.0-or-later
/* What people and the kernel write: lists of CPUs, MAC addresses, sizes. */
#include "tests/unit/test.h"

#include <string.h>

#include "base/cpu_list.h"
#include "base/mac.h"
#include "base/size.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void lists_of_cpus_are_compared_as_sets(void **state)
{
	(void)state;
	assert_true(iov_cpu_list_equal("0-3", "0,1,2,3"));
	assert_true(iov_cpu_list_equal("8,0-3", "0-3,8"));
	assert_false(iov_cpu_list_equal("0-3", "0-4"));
	assert_false(iov_cpu_list_equal("", "0"));
	assert_true(iov_cpu_list_within("1,3", "0-3"));
	assert_false(iov_cpu_list_within("3-4", "0-3"));
	assert_int_equal(iov_cpu_list_next("4-5,1", -1), 1);
	assert_int_equal(iov_cpu_list_next("4-5,1", 1), 4);
	assert_int_equal(iov_cpu_list_next("4-5,1", 5), -1);
}

static void lists_that_are_none_are_told(void **state)
{
	static const char *const bad[] = { "", "a", "1,", ",1", "3-1", "1-", "-1", "0x1", "99999" };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(iov_cpu_list_valid(bad[i]));
	assert_true(iov_cpu_list_valid("0-3,8"));
}

static void a_mac_address_is_read_and_written(void **state)
{
	static const uint8_t expected[6] = { 0x52, 0x54, 0x00, 0xaB, 0xcd, 0xef };
	char text[IOV_MAC_TEXT];
	uint8_t mac[6];

	(void)state;
	assert_true(iov_mac_parse("52:54:00:aB:cd:EF", mac));
	assert_memory_equal(mac, expected, sizeof(mac));
	iov_mac_format(mac, text);
	assert_string_equal(text, "52:54:00:ab:cd:ef");
}

static void what_is_no_mac_address_is_told(void **state)
{
	static const char *const bad[] = {
		"", "52:54:00:12:34", "52:54:00:12:34:5", "52:54:00:12:34:567",
		"52:54:00:12:34:56:", "52:54:00:12:34:56 ", "52:54:00:12: 4:56",
		"52:54:00:12:+4:56", "5:254:00:12:34:56", "52-54-00-12-34-56",
		"0x:54:00:12:34:56",
	};
	uint8_t mac[6];

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(iov_mac_parse(bad[i], mac));
}

static void a_group_is_no_station(void **state)
{
	uint8_t mac[6];

	(void)state;
	assert_true(iov_mac_parse("01:00:5e:00:00:01", mac));
	assert_false(iov_mac_parse_station("01:00:5e:00:00:01", mac));
	assert_true(iov_mac_parse_station("02:00:5e:00:00:01", mac));
	assert_true(iov_mac_parse_station("00:00:00:00:00:00", mac));
	assert_false(iov_mac_parse_nic("00:00:00:00:00:00", mac));
	assert_false(iov_mac_parse_nic("01:00:00:00:00:00", mac));
	assert_true(iov_mac_parse_nic("00:00:00:00:00:01", mac));
}

static void a_size_is_read_and_written(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
		const char *shortest;
	} sizes[] = {
		{ "0", 0, "0" },	    { "512", 512, "512" },
		{ "4096", 4096, "4K" },	    { "1536K", 1536ull << 10, "1536K" },
		{ "1024M", 1ull << 30, "1G" }, { "10G", 10ull << 30, "10G" },
		{ "3T", 3ull << 40, "3T" }, { "1000000000", 1000000000, "1000000000" },
		{ "9223372036854775807", INT64_MAX, "9223372036854775807" },
		{ "2048T", 2048ull << 40, "2048T" },
	};
	char text[IOV_SIZE_TEXT];
	uint64_t bytes = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		assert_true(size_parse(sizes[i].text, &bytes));
		assert_true(bytes == sizes[i].bytes);
		size_text(bytes, text);
		assert_string_equal(text, sizes[i].shortest);
	}
	size_text(UINT64_MAX, text);
	assert_string_equal(text, "18446744073709551615");
}

static void what_is_no_size_is_told(void **state)
{
	static const char *const bad[] = {
		"", "G", "-1", "+1", " 1", "1 ", "1g", "1GiB", "1.5G", "0x10", "1P", "1GG",
		"99999999999999999999", "16777216T", "18446744073709551616",
	};
	uint64_t bytes = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(size_parse(bad[i], &bytes));
	assert_false(size_parse_unit("512", &bytes));
	assert_true(size_parse_unit("512M", &bytes));
	assert_string_equal(size_scan("2G,viommu=1", &bytes), ",viommu=1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_of_cpus_are_compared_as_sets),
		cmocka_unit_test(lists_that_are_none_are_told),
		cmocka_unit_test(a_mac_address_is_read_and_written),
		cmocka_unit_test(what_is_no_mac_address_is_told),
		cmocka_unit_test(a_size_is_read_and_written),
		cmocka_unit_test(what_is_no_size_is_told),
		cmocka_unit_test(a_group_is_no_station),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
