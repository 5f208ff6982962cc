// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation.  A station hashes to one bucket of one cache line, which
 * holds four stations, so learning and finding touch one line and take constant
 * time whatever a guest sends.  Aging needs no timer: an entry that is too old
 * is not found, and is the first to be replaced.
 */
#include "vhost-user/mac_table.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define WAYS 4
#define LINE 64

struct station {
	uint64_t key; /* 0: free */
	uint32_t port;
	uint32_t seen;
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
};

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
		if ((int32_t)(station->seen - choice->seen) < 0)
			choice = station;
	}
	return choice;
}

void mac_table_learn(struct mac_table *table, uint64_t key, uint32_t port, uint32_t now)
{
	struct bucket *bucket = bucket_of(table, key);
	struct station *station = NULL;

	if (key & MAC_TABLE_GROUP || !(key & 0xffffffffffffull))
		return;
	for (unsigned int i = 0; i < WAYS; i++)
		if (bucket->stations[i].key == key)
			station = &bucket->stations[i];
	if (station && station->port == port && station->seen == now)
		return; /* do not dirty the line for every packet */
	if (!station)
		station = oldest(bucket);
	*station = (struct station){ .key = key, .port = port, .seen = now };
}

uint32_t mac_table_find(const struct mac_table *table, uint64_t key, uint32_t now, uint32_t age)
{
	const struct bucket *bucket = bucket_of(table, key);

	for (unsigned int i = 0; i < WAYS; i++) {
		const struct station *station = &bucket->stations[i];

		if (station->key == key && now - station->seen <= age)
			return station->port;
	}
	return MAC_TABLE_UNKNOWN;
}

unsigned int mac_table_list(const struct mac_table *table, uint32_t port, uint32_t now,
			    uint32_t age, uint64_t *keys, unsigned int max)
{
	unsigned int count = 0;

	for (size_t i = 0; i <= table->mask && count < max; i++) {
		for (unsigned int j = 0; j < WAYS && count < max; j++) {
			const struct station *station = &table->buckets[i].stations[j];
			uint64_t key = __atomic_load_n(&station->key, __ATOMIC_RELAXED);

			/* The second look is for one that was replaced under the first. */
			if (key && __atomic_load_n(&station->port, __ATOMIC_RELAXED) == port &&
			    mac_table_find(table, key, now, age) == port)
				keys[count++] = key;
		}
	}
	return count;
}
