// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation.  A station hashes to two buckets of one cache line each, which
 * hold four stations, and lives in the one that had more room, mostly the first.  So learning and
 * finding touch two lines at most and take constant time whatever a guest sends.  With twice
 * as many places as stations hardly any two buckets are full.  Aging needs no timer: an entry that
 * is too old is not found and is room; each write looks after one bucket more.
 *
 * Where two buckets are full the port with the most stations of all gives way, so a port never
 * loses a station to one that has more.  Each port's number is counted under the writers' lock.
 *
 * Any thread may look at any time.  Where a station is, and when it was seen there, is one
 * word that is written whole; a place is taken from one station and given to another by way
 * of nobody, so who finds the station in it before and after has read its word.  Writers,
 * which are few as a station that stays is written some times a second, exclude each other.  One
 * that comes in vain leaves it to the next frame only if the station is known to be there already:
 * there may be no next frame, and what is for a station that nobody knows goes to everybody.
 */
#include "vhost-user/switch/mac_table.h"

#include "vhost-user/compiler.h"
#include "vhost-user/spin.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define WAYS 4
#define CHOICES 2
#define LINE 64

struct station {
	uint64_t key;	/* 0: free */
	uint64_t place;	/* port and, below, when it was seen there */
};

struct bucket {
	struct station stations[WAYS];
};

static_assert(sizeof(struct bucket) == LINE, "a bucket is one cache line");

struct mac_table {
	struct bucket *buckets;
	uint64_t multipliers[CHOICES];
	uint32_t mask;
	uint32_t shift; /* leaves as many bits of the upper half as number the buckets */
	struct spin writers;
	uint32_t swept; /* the writers': number of the bucket that was looked after last */
	uint32_t counts[MAC_TABLE_PORTS];
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

/* Clocks of threads may be a moment apart. */
static bool is_old(uint64_t place, uint32_t now, uint32_t age)
{
	return (int32_t)(now - seen_of(place)) > (int32_t)age;
}

/* Multiply-shift: the top bits of a product with a secret odd number are a universal hash. */
static struct bucket *bucket_of(const struct mac_table *table, uint64_t key, unsigned int choice)
{
	return &table->buckets[(key * table->multipliers[choice]) >> 32 >> table->shift];
}

static uint32_t *count_of(struct mac_table *table, uint32_t port)
{
	return &table->counts[port % MAC_TABLE_PORTS];
}

/* Others look at it without the writers' lock. */
static void count_add(struct mac_table *table, uint32_t port, int change)
{
	uint32_t *count = count_of(table, port);

	__atomic_store_n(count, *count + (uint32_t)change, __ATOMIC_RELAXED);
}

/* SplitMix64: numbers that have nothing to do with each other, of any seed. */
static uint64_t random_of(uint64_t *seed)
{
	uint64_t mixed = *seed += 0x9e3779b97f4a7c15ull;

	mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9ull;
	mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebull;
	return mixed ^ mixed >> 31;
}

int mac_table_open(struct mac_table **out, unsigned int stations, uint64_t seed)
{
	struct mac_table *table = calloc(1, sizeof(*table));
	size_t buckets = 1;
	uint32_t shift = 32;

	if (!table)
		return -ENOMEM;
	for (; buckets * WAYS < 2 * (size_t)stations; buckets *= 2)
		shift--;
	table->buckets = aligned_alloc(LINE, buckets * sizeof(struct bucket));
	if (!table->buckets) {
		free(table);
		return -ENOMEM;
	}
	memset(table->buckets, 0, buckets * sizeof(struct bucket));
	table->mask = (uint32_t)buckets - 1;
	table->shift = shift;
	for (unsigned int i = 0; i < CHOICES; i++)
		table->multipliers[i] = random_of(&seed) | 1;
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

static struct station *find_in(struct bucket *bucket, uint64_t key)
{
	for (unsigned int i = 0; i < WAYS; i++)
		if (__atomic_load_n(&bucket->stations[i].key, __ATOMIC_ACQUIRE) == key)
			return &bucket->stations[i];
	return NULL;
}

static struct station *find(const struct mac_table *table, uint64_t key)
{
	struct station *station = find_in(bucket_of(table, key, 0), key);

	return likely(station) ? station : find_in(bucket_of(table, key, 1), key);
}

/* What follows is with the writers' lock. */

/* Nobody's, before the place is another station's: see read_place(). */
static void clear(struct mac_table *table, struct station *station)
{
	if (!station->key)
		return;
	count_add(table, port_of(station->place), -1);
	__atomic_store_n(&station->key, 0, __ATOMIC_RELAXED);
}

static void sweep(struct mac_table *table, uint32_t now, uint32_t age)
{
	struct bucket *bucket = &table->buckets[++table->swept & table->mask];

	for (unsigned int i = 0; i < WAYS; i++)
		if (is_old(bucket->stations[i].place, now, age))
			clear(table, &bucket->stations[i]);
}

/* A free place; @room receives how many there are in the bucket. */
static struct station *free_place(struct mac_table *table, struct bucket *bucket, uint32_t now,
				  uint32_t age, unsigned int *room)
{
	struct station *found = NULL;

	*room = 0;
	for (unsigned int i = 0; i < WAYS; i++) {
		struct station *station = &bucket->stations[i];

		if (is_old(station->place, now, age))
			clear(table, station);
		if (station->key)
			continue;
		found = station;
		++*room;
	}
	return found;
}

/* Whether a station goes rather than another: of the port with more, seen longer ago. */
static bool goes_before(struct mac_table *table, const struct station *station,
			const struct station *other, uint32_t now)
{
	const uint32_t count = *count_of(table, port_of(station->place));
	const uint32_t others = *count_of(table, port_of(other->place));

	if (count != others)
		return count > others;
	return (int32_t)(now - seen_of(station->place)) > (int32_t)(now - seen_of(other->place));
}

/* The station that has to go for one of @port; NULL when that is the new one. */
static struct station *choose(struct mac_table *table, uint64_t key, uint32_t port, uint32_t now)
{
	struct station *first = NULL, *own = NULL;

	for (unsigned int i = 0; i < CHOICES * WAYS; i++) {
		struct station *station = &bucket_of(table, key, i / WAYS)->stations[i % WAYS];
		struct station **best = port_of(station->place) == port ? &own : &first;

		if (!*best || goes_before(table, station, *best, now))
			*best = station;
	}
	if (first && *count_of(table, port_of(first->place)) > *count_of(table, port))
		return first;
	return own;
}

/* A place for a station that has none, empty; @lost receives whose station had to go for it. */
static struct station *make_place(struct mac_table *table, uint64_t key, uint32_t port,
				  uint32_t now, uint32_t age, uint32_t *lost)
{
	unsigned int room[CHOICES];
	struct station *places[CHOICES], *station;

	for (unsigned int i = 0; i < CHOICES; i++)
		places[i] = free_place(table, bucket_of(table, key, i), now, age, &room[i]);
	if (room[0] || room[1])
		return places[room[1] > room[0]];
	station = choose(table, key, port, now);
	*lost = station ? port_of(station->place) : port;
	if (station)
		clear(table, station);
	return station;
}

static uint32_t write_station(struct mac_table *table, uint64_t key, uint32_t port, uint32_t limit,
			      uint32_t now, uint32_t age)
{
	struct station *station = find(table, key);
	uint32_t lost = MAC_TABLE_UNKNOWN;
	bool is_new = !station || port_of(station->place) != port;

	if (is_new && limit && *count_of(table, port) >= limit)
		return port;
	if (!station)
		station = make_place(table, key, port, now, age, &lost);
	else if (is_new)
		count_add(table, port_of(station->place), -1);
	if (!station)
		return lost;
	if (is_new)
		count_add(table, port, 1);
	__atomic_store_n(&station->place, place_of(port, now), __ATOMIC_RELEASE);
	__atomic_store_n(&station->key, key, __ATOMIC_RELEASE);
	return lost;
}

/* The place of a station, 0 when it is not here any more. */
static uint64_t read_place(const struct station *station, uint64_t key)
{
	/* Pairs with the stores in write_station(): a new place is not seen without its key. */
	uint64_t place = __atomic_load_n(&station->place, __ATOMIC_ACQUIRE);

	return __atomic_load_n(&station->key, __ATOMIC_RELAXED) == key ? place : 0;
}

uint32_t mac_table_learn(struct mac_table *table, uint64_t key, uint32_t port, uint32_t limit,
			 uint32_t now, uint32_t age)
{
	const struct station *station;
	uint64_t place;
	uint32_t lost;

	if (key & MAC_KEY_GROUP || !(key & MAC_KEY_ADDRESS))
		return MAC_TABLE_UNKNOWN;
	station = find(table, key);
	place = station ? read_place(station, key) : 0;
	/* Do not dirty the line for every packet. */
	if (place == place_of(port, now))
		return MAC_TABLE_UNKNOWN;
	if (!spin_try(&table->writers)) {
		if (port_of(place) == port)
			return MAC_TABLE_UNKNOWN;
		spin_lock(&table->writers);
	}
	sweep(table, now, age);
	lost = write_station(table, key, port, limit, now, age);
	spin_unlock(&table->writers);
	return lost;
}

void mac_table_forget(struct mac_table *table, uint32_t port)
{
	/* Workers do not wait for all of it. */
	for (size_t i = 0; i <= table->mask; i++) {
		spin_lock(&table->writers);
		for (unsigned int j = 0; j < WAYS; j++)
			if (port_of(table->buckets[i].stations[j].place) == port)
				clear(table, &table->buckets[i].stations[j]);
		spin_unlock(&table->writers);
	}
}

uint32_t mac_table_count(const struct mac_table *table, uint32_t port)
{
	return __atomic_load_n(&table->counts[port % MAC_TABLE_PORTS], __ATOMIC_RELAXED);
}

uint32_t mac_table_find(const struct mac_table *table, uint64_t key, uint32_t now, uint32_t age)
{
	const struct station *station = find(table, key);
	uint64_t place = station ? read_place(station, key) : 0;

	return place && !is_old(place, now, age) ? port_of(place) : MAC_TABLE_UNKNOWN;
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
