// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"
#include "vhost-user/switch/mac_table.h"

static uint64_t station(unsigned int number)
{
	const uint8_t mac[] = { 2, 0, 0, (uint8_t)(number >> 16), (uint8_t)(number >> 8),
				(uint8_t)number };

	return mac_key(0, mac);
}

static uint32_t find(const struct mac_table *table, uint64_t key, uint32_t now)
{
	return mac_table_find(table, key, now, MAC_TABLE_AGE);
}

static int setup(void **state)
{
	return mac_table_open((struct mac_table **)state, 64, 0x1234);
}

static int teardown(void **state)
{
	mac_table_close(*state);
	return 0;
}

static void station_is_where_it_was_seen_last(void **state)
{
	assert_int_equal(find(*state, station(1), 0), MAC_TABLE_UNKNOWN);
	mac_table_learn(*state, station(1), 7, 0);
	assert_int_equal(find(*state, station(1), 0), 7);
	assert_int_equal(find(*state, station(2), 0), MAC_TABLE_UNKNOWN);
	mac_table_learn(*state, station(1), 8, 1);
	assert_int_equal(find(*state, station(1), 1), 8);
}

static void vlan_is_part_of_the_station(void **state)
{
	const uint8_t mac[] = { 2, 0, 0, 0, 0, 1 };

	mac_table_learn(*state, mac_key(5, mac), 7, 0);
	assert_int_equal(find(*state, mac_key(5, mac), 0), 7);
	assert_int_equal(find(*state, mac_key(6, mac), 0), MAC_TABLE_UNKNOWN);
	/* Priority bits of a tag are not. */
	assert_int_equal(find(*state, mac_key(0xe005, mac), 0), 7);
}

static void group_and_zero_addresses_are_not_learned(void **state)
{
	const uint8_t group[] = { 1, 0, 0x5e, 0, 0, 1 }, zero[6] = { 0 };

	mac_table_learn(*state, mac_key(0, group), 7, 0);
	mac_table_learn(*state, mac_key(3, zero), 7, 0);
	assert_int_equal(find(*state, mac_key(0, group), 0), MAC_TABLE_UNKNOWN);
	assert_int_equal(find(*state, mac_key(3, zero), 0), MAC_TABLE_UNKNOWN);
}

static void station_ages_from_when_it_was_seen(void **state)
{
	const uint32_t start = UINT32_MAX - 10; /* the clock wraps meanwhile */

	mac_table_learn(*state, station(1), 7, start);
	assert_int_equal(find(*state, station(1), start + MAC_TABLE_AGE), 7);
	assert_int_equal(find(*state, station(1), start + MAC_TABLE_AGE + 1), MAC_TABLE_UNKNOWN);
	assert_int_equal(mac_table_find(*state, station(1), start + 2, 1), MAC_TABLE_UNKNOWN);
	mac_table_learn(*state, station(1), 7, start + 100);
	assert_int_equal(find(*state, station(1), start + MAC_TABLE_AGE + 1), 7);
}

static void flood_of_addresses_forgets_the_oldest_and_keeps_the_newest(void **state)
{
	unsigned int known = 0;

	for (unsigned int i = 0; i < 100000; i++) {
		mac_table_learn(*state, station(i), i + 1, i / 100);
		assert_int_equal(find(*state, station(i), i / 100), i + 1);
	}
	for (unsigned int i = 0; i < 100000; i++)
		known += find(*state, station(i), 999) == i + 1;
	assert_in_range(known, 32, 64);
	for (unsigned int i = 0; i < 1000; i++)
		assert_int_equal(find(*state, station(i), 999), MAC_TABLE_UNKNOWN);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(station_is_where_it_was_seen_last),
		CASE(vlan_is_part_of_the_station),
		CASE(group_and_zero_addresses_are_not_learned),
		CASE(station_ages_from_when_it_was_seen),
		CASE(flood_of_addresses_forgets_the_oldest_and_keeps_the_newest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
