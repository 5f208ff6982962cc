// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation.  A station hashes to one bucket of one cache line, which
 * holds four stations, so learning and finding touch one line and take constant
 * time whatever a guest sends.  Aging needs no timer: an entry that is too old
 * is not found, and is the first to be replaced.
 *
 * Any thread may look at any time.  Where a station is, and when it was seen there, is one
 * word that is written whole; a place is taken from one station and given to another by way
 * of nobody, so who finds the station in it before and after has read its word.  Writers,
 * which are few as a station that stays is written once a second, exclude each other, and
 * one that comes in vain leaves it to the next frame.
 */
#include "vhost-user/switch/mac_table.h"

#include "vhost-user/spin.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define WAYS 4
#define LINE 64

struct station {
	uint64_t key;	/* 0: free */
	uint64_t place;	/* port and, below, the second in which it was seen there */
};

struct bucket {
	struct station stations[WAYS];
};

static_assert(sizeof(struct bucket) == LINE, "a bucket is one cache line");

struct mac_table {
	struct bucket *buckets;
	uint64_t multiplier;
	uint32_t mask;
	uint32_t shift; /* leaves as many bits of the upper half as number the buckets */
	struct spin writers;
};

static uint64_t place_of(uint32_t port, uint32_t seen)
{
	return (uint64_t)port << 32 | seen;
}

static uint32_t port_of(uint64_t place)
{
	return (uint32_t)(place >> 32);
}

static uint32_t seen_of(uint64_t place)
{
	return (uint32_t)place;
}

/* Multiply-shift: the top bits of a product with a secret odd number are a universal hash. */
static struct bucket *bucket_of(const struct mac_table *table, uint64_t key)
{
	return &table->buckets[(key * table->multiplier) >> 32 >> table->shift];
}

int mac_table_open(struct mac_table **out, unsigned int stations, uint64_t seed)
{
	struct mac_table *table = calloc(1, sizeof(*table));
	size_t buckets = 1;
	uint32_t shift = 32;

	if (!table)
		return -ENOMEM;
	for (; buckets * WAYS < stations; buckets *= 2)
		shift--;
	table->buckets = aligned_alloc(LINE, buckets * sizeof(struct bucket));
	if (!table->buckets) {
		free(table);
		return -ENOMEM;
	}
	memset(table->buckets, 0, buckets * sizeof(struct bucket));
	table->mask = (uint32_t)buckets - 1;
	table->shift = shift;
	/* The golden ratio spreads a seed that is small. */
	table->multiplier = seed * 0x9e3779b97f4a7c15ull | 1;
	*out = table;
	return 0;
}

void mac_table_close(struct mac_table *table)
{
	if (!table)
		return;
	free(table->buckets);
	free(table);
}

static struct station *oldest(struct bucket *bucket)
{
	struct station *choice = &bucket->stations[0];

	for (unsigned int i = 0; i < WAYS; i++) {
		struct station *station = &bucket->stations[i];

		if (!station->key)
			return station;
		if ((int32_t)(seen_of(station->place) - seen_of(choice->place)) < 0)
			choice = station;
	}
	return choice;
}

static struct station *find(struct bucket *bucket, uint64_t key)
{
	for (unsigned int i = 0; i < WAYS; i++)
		if (__atomic_load_n(&bucket->stations[i].key, __ATOMIC_ACQUIRE) == key)
			return &bucket->stations[i];
	return NULL;
}

/* With the writers' lock. */
static void write_station(struct bucket *bucket, uint64_t key, uint64_t place)
{
	struct station *station = find(bucket, key);

	if (!station) {
		station = oldest(bucket);
		/* Nobody's, before the place is another station's: see read_place(). */
		__atomic_store_n(&station->key, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&station->place, place, __ATOMIC_RELEASE);
		__atomic_store_n(&station->key, key, __ATOMIC_RELEASE);
		return;
	}
	__atomic_store_n(&station->place, place, __ATOMIC_RELEASE);
}

/* The place of a station, 0 when it is not here any more. */
static uint64_t read_place(const struct station *station, uint64_t key)
{
	/* Pairs with the stores in write_station(): a new place is not seen without its key. */
	uint64_t place = __atomic_load_n(&station->place, __ATOMIC_ACQUIRE);

	return __atomic_load_n(&station->key, __ATOMIC_RELAXED) == key ? place : 0;
}

void mac_table_learn(struct mac_table *table, uint64_t key, uint32_t port, uint32_t now)
{
	struct bucket *bucket = bucket_of(table, key);
	const uint64_t place = place_of(port, now);
	const struct station *station;

	if (key & MAC_KEY_GROUP || !(key & 0xffffffffffffull))
		return;
	station = find(bucket, key);
	/* Do not dirty the line for every packet. */
	if (station && __atomic_load_n(&station->place, __ATOMIC_RELAXED) == place)
		return;
	if (!spin_try(&table->writers))
		return;
	write_station(bucket, key, place);
	spin_unlock(&table->writers);
}

uint32_t mac_table_find(const struct mac_table *table, uint64_t key, uint32_t now, uint32_t age)
{
	const struct station *station = find(bucket_of(table, key), key);
	uint64_t place = station ? read_place(station, key) : 0;

	return place && now - seen_of(place) <= age ? port_of(place) : MAC_TABLE_UNKNOWN;
}

unsigned int mac_table_list(const struct mac_table *table, uint32_t port, uint32_t now,
			    uint32_t age, uint64_t *keys, unsigned int max)
{
	unsigned int count = 0;

	for (size_t i = 0; i <= table->mask && count < max; i++) {
		for (unsigned int j = 0; j < WAYS && count < max; j++) {
			const struct station *station = &table->buckets[i].stations[j];
			uint64_t key = __atomic_load_n(&station->key, __ATOMIC_ACQUIRE);

			if (key && port_of(read_place(station, key)) == port &&
			    mac_table_find(table, key, now, age) == port)
				keys[count++] = key;
		}
	}
	return count;
}
