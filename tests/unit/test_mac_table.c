// SPDX-License-Identifier: GPL-2.0-or-later
#include <pthread.h>

#include "tests/unit/test.h"
#include "vhost-user/switch/mac_table.h"

static uint64_t station(unsigned int number)
{
	const uint8_t mac[] = { 2, 0, 0, (uint8_t)(number >> 16), (uint8_t)(number >> 8),
				(uint8_t)number };

	return mac_key(0, mac);
}

#define AGE (MAC_TABLE_AGE * MAC_TABLE_SECOND)

static uint32_t find(const struct mac_table *table, uint64_t key, uint32_t now)
{
	return mac_table_find(table, key, now, AGE);
}

static uint32_t learn(struct mac_table *table, uint64_t key, uint32_t port, uint32_t now)
{
	return mac_table_learn(table, key, port, 0, now, AGE);
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
	learn(*state, station(1), 7, 0);
	assert_int_equal(find(*state, station(1), 0), 7);
	assert_int_equal(find(*state, station(2), 0), MAC_TABLE_UNKNOWN);
	learn(*state, station(1), 8, 1);
	assert_int_equal(find(*state, station(1), 1), 8);
}

static void vlan_is_part_of_the_station(void **state)
{
	const uint8_t mac[] = { 2, 0, 0, 0, 0, 1 };

	learn(*state, mac_key(5, mac), 7, 0);
	assert_int_equal(find(*state, mac_key(5, mac), 0), 7);
	assert_int_equal(find(*state, mac_key(6, mac), 0), MAC_TABLE_UNKNOWN);
	/* Priority bits of a tag are not. */
	assert_int_equal(find(*state, mac_key(0xe005, mac), 0), 7);
}

static void group_and_zero_addresses_are_not_learned(void **state)
{
	const uint8_t group[] = { 1, 0, 0x5e, 0, 0, 1 }, zero[6] = { 0 };

	learn(*state, mac_key(0, group), 7, 0);
	learn(*state, mac_key(3, zero), 7, 0);
	assert_int_equal(find(*state, mac_key(0, group), 0), MAC_TABLE_UNKNOWN);
	assert_int_equal(find(*state, mac_key(3, zero), 0), MAC_TABLE_UNKNOWN);
}

static void station_ages_from_when_it_was_seen(void **state)
{
	const uint32_t start = UINT32_MAX - 10; /* the clock wraps meanwhile */

	learn(*state, station(1), 7, start);
	assert_int_equal(find(*state, station(1), start + AGE), 7);
	assert_int_equal(find(*state, station(1), start + AGE + 1), MAC_TABLE_UNKNOWN);
	assert_int_equal(mac_table_find(*state, station(1), start + 2, 1), MAC_TABLE_UNKNOWN);
	learn(*state, station(1), 7, start + 100);
	assert_int_equal(find(*state, station(1), start + AGE + 1), 7);
	/* Another thread's clock is a moment behind. */
	assert_int_equal(find(*state, station(1), start + 99), 7);
}

/* How many of a port's stations, by their numbers, are known. */
static unsigned int known(const struct mac_table *table, uint32_t port, unsigned int first,
			  unsigned int count, uint32_t now)
{
	unsigned int found = 0;

	for (unsigned int i = first; i < first + count; i++)
		found += find(table, station(i), now) == port;
	return found;
}

/* Of each size it has room for those that it is said to have. */
static void as_many_stations_as_it_was_made_for_find_room(void **state)
{
	static const unsigned int sizes[] = { 16, 64, 1000, 8192, 20000 };

	(void)state;
	for (unsigned int i = 0; i < 100; i++) {
		unsigned int size = sizes[i % 5], lost = 0;
		struct mac_table *table;

		assert_return_code(mac_table_open(&table, size, i * 7919), 0);
		for (unsigned int j = 0; j < size; j++)
			lost += !!learn(table, station(j * 251), 1 + j % 3, 0);
		assert_in_range(lost, 0, 1 + size / 1000);
		mac_table_close(table);
	}
}

/* Thousands of addresses of one port, or of some that work together. */
static void flood_of_addresses_evicts_no_station_of_ports_with_fewer(void **state)
{
	for (unsigned int flooders = 1; flooders <= 4; flooders++) {
		struct mac_table *table;
		unsigned int own = 0;

		assert_return_code(mac_table_open(&table, 64, flooders), 0);
		for (unsigned int i = 0; i < 8; i++)
			assert_int_equal(learn(table, station(i), 100 + i, 0), MAC_TABLE_UNKNOWN);
		for (unsigned int i = 0; i < 100000; i++) {
			uint32_t lost = learn(table, station(1000 + i), 1 + i % flooders, i / 1000);

			assert_true(lost <= flooders);
			own += !!lost;
		}
		for (unsigned int i = 0; i < 8; i++)
			assert_int_equal(find(table, station(i), 100), 100 + i);
		assert_true(own > 99000);
		/* And one more who comes later finds room. */
		assert_true(learn(table, station(500), 110, 100) <= flooders);
		assert_int_equal(find(table, station(500), 100), 110);
		mac_table_close(table);
	}
	(void)state;
}

static void flooder_forgets_its_own_oldest(void **state)
{
	for (unsigned int i = 0; i < 10000; i++)
		learn(*state, station(i), 7, i);
	assert_in_range(known(*state, 7, 0, 10000, 9999), 100, 128);
	assert_int_equal(known(*state, 7, 0, 5000, 9999), 0);
	assert_int_equal(find(*state, station(9999), 9999), 7);
	assert_int_equal(mac_table_count(*state, 7), known(*state, 7, 0, 10000, 9999));
}

static void limit_is_the_ports_own(void **state)
{
	struct mac_table *table = *state;

	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(mac_table_learn(table, station(i), 7, 4, 0, AGE), i < 4 ? 0 : 7);
	assert_int_equal(known(table, 7, 0, 10, 0), 4);
	assert_int_equal(mac_table_count(table, 7), 4);
	/* Those that it has may speak, and others' do not come. */
	assert_int_equal(mac_table_learn(table, station(3), 7, 4, 9, AGE), 0);
	assert_int_equal(learn(table, station(20), 8, 9), 0);
	assert_int_equal(mac_table_learn(table, station(20), 7, 4, 9, AGE), 7);
	assert_int_equal(find(table, station(20), 9), 8);
	/* When one moves away or is silent there is room. */
	learn(table, station(3), 8, 9);
	assert_int_equal(mac_table_count(table, 8), 2);
	assert_int_equal(mac_table_learn(table, station(9), 7, 4, 9, AGE), 0);
	for (unsigned int i = 0; i < 100 && mac_table_count(table, 7) > 1; i++)
		learn(table, station(20), 8, AGE + 1 + i);
	assert_int_equal(mac_table_count(table, 7), 1);
	assert_int_equal(mac_table_learn(table, station(30), 7, 4, AGE + 2, AGE), 0);
}

static void port_that_goes_takes_its_stations_along(void **state)
{
	for (unsigned int i = 0; i < 20; i++)
		learn(*state, station(i), 256 + 7 + i % 2, 0);
	mac_table_forget(*state, 256 + 7);
	assert_int_equal(known(*state, 256 + 7, 0, 20, 0), 0);
	assert_int_equal(known(*state, 256 + 8, 0, 20, 0), 10);
	assert_int_equal(mac_table_count(*state, 256 + 7), 0);
	assert_int_equal(mac_table_count(*state, 256 + 8), 10);
}

/* What is counted is what there is, whatever happened. */
static void numbers_of_stations_are_true(void **state)
{
	uint64_t keys[256];
	uint32_t random = 1;

	for (unsigned int i = 0; i < 200000; i++) {
		random = random * 1664525 + 1013904223;
		mac_table_learn(*state, station(random >> 20 & 511), 1 + (random >> 8 & 7),
				random >> 16 & 1 ? 8 : 0, i / 64, 100);
		if (!(random >> 12 & 0xfff))
			mac_table_forget(*state, 1 + (random & 7));
		if (i % 1000)
			continue;
		for (uint32_t port = 1; port <= 8; port++)
			assert_in_range(mac_table_count(*state, port),
					mac_table_list(*state, port, i / 64, 100, keys, 256),
					mac_table_list(*state, port, i / 64, INT32_MAX, keys, 256));
	}
	for (uint32_t port = 1; port <= 8; port++)
		mac_table_forget(*state, port);
	for (uint32_t port = 1; port <= 8; port++)
		assert_int_equal(mac_table_count(*state, port), 0);
}

#define WRITERS 2
#define OF_WRITER 4000

struct writer {
	struct mac_table *table;
	unsigned int number;
	pthread_barrier_t *barrier;
};

/* Every station says one word, and what it had for a neighbour says many. */
static void *say_each_once(void *arg)
{
	const struct writer *writer = arg;

	pthread_barrier_wait(writer->barrier);
	for (unsigned int i = 0; i < OF_WRITER; i++) {
		learn(writer->table, station(writer->number * OF_WRITER + i), 7 + writer->number, 0);
		for (unsigned int j = 0; j < 4; j++)
			learn(writer->table, station(writer->number * OF_WRITER), 7 + writer->number, j);
	}
	return NULL;
}

/* What says nothing more than one frame would be flooded to, for good. */
static void station_that_said_one_frame_is_known_whoever_learns_meanwhile(void **state)
{
	pthread_t threads[WRITERS];
	struct writer writers[WRITERS];
	struct mac_table *table;
	pthread_barrier_t barrier;

	(void)state;
	assert_int_equal(mac_table_open(&table, WRITERS * OF_WRITER, 1), 0);
	pthread_barrier_init(&barrier, NULL, WRITERS);
	for (unsigned int i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){ table, i, &barrier };
		assert_int_equal(pthread_create(&threads[i], NULL, say_each_once, &writers[i]), 0);
	}
	for (unsigned int i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	for (unsigned int i = 0; i < WRITERS * OF_WRITER; i++)
		assert_int_equal(mac_table_find(table, station(i), 0, AGE), 7 + i / OF_WRITER);
	pthread_barrier_destroy(&barrier);
	mac_table_close(table);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(station_is_where_it_was_seen_last),
		CASE(vlan_is_part_of_the_station),
		CASE(group_and_zero_addresses_are_not_learned),
		CASE(station_ages_from_when_it_was_seen),
		CASE(as_many_stations_as_it_was_made_for_find_room),
		CASE(flood_of_addresses_evicts_no_station_of_ports_with_fewer),
		CASE(flooder_forgets_its_own_oldest),
		CASE(limit_is_the_ports_own),
		CASE(port_that_goes_takes_its_stations_along),
		CASE(numbers_of_stations_are_true),
		cmocka_unit_test(station_that_said_one_frame_is_known_whoever_learns_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
