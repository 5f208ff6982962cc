/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The MAC table of a switch: which port a station was last seen at, per VLAN.
 *
 * Pure code: no DPDK, no allocation after open, no clock.  Any threads at a time; but to
 * open and to close it.
 */
#ifndef VHOST_USER_MAC_TABLE_H
#define VHOST_USER_MAC_TABLE_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

/* No port; identities of ports are never 0. */
#define MAC_TABLE_UNKNOWN 0

/* Seconds after which a silent station is forgotten, IEEE 802.1Q-2018 table 8-6. */
#define MAC_TABLE_AGE 300

struct mac_table;

/**
 * mac_table_open - make an empty table
 * @out: receives it; the caller closes it with mac_table_close()
 * @stations: how many stations it holds about, rounded up to a power of 2
 * @seed: random number that stations cannot guess
 *
 * Return: 0 or -ENOMEM.
 */
int mac_table_open(struct mac_table **out, unsigned int stations, uint64_t seed);

/**
 * mac_table_close - free a table
 * @table: NULL is allowed
 */
void mac_table_close(struct mac_table *table);

/**
 * mac_table_key - one number for a station
 * @vlan: VLAN identifier, 0 for untagged frames
 * @mac: 6 bytes
 */
static inline uint64_t mac_table_key(uint16_t vlan, const uint8_t *mac)
{
	uint32_t high;
	uint16_t low;

	memcpy(&high, mac, sizeof(high));
	memcpy(&low, mac + sizeof(high), sizeof(low));
	return (uint64_t)(vlan & 0xfff) << 48 | (uint64_t)be32toh(high) << 16 | be16toh(low);
}

/* The address of a key. */
static inline void mac_table_mac(uint64_t key, uint8_t mac[6])
{
	for (unsigned int i = 0; i < 6; i++)
		mac[i] = (uint8_t)(key >> (40 - 8 * i));
}

/* The VLAN of a key. */
#define MAC_TABLE_VLAN(key) ((uint16_t)((key) >> 48))

/* Group addresses have the lowest bit of the first byte set. */
#define MAC_TABLE_GROUP (1ull << 40)

/**
 * mac_table_learn - note where a station is
 * @table: table
 * @key: its mac_table_key(); group addresses and zero are ignored
 * @port: identity of the port
 * @now: seconds of any clock that does not jump
 *
 * A full bucket forgets the station that was silent longest.
 */
void mac_table_learn(struct mac_table *table, uint64_t key, uint32_t port, uint32_t now);

/**
 * mac_table_find - where a station is
 * @table: table
 * @key: its mac_table_key()
 * @now: seconds of the same clock
 * @age: how long ago it may have been seen there last: MAC_TABLE_AGE
 *
 * Return: identity of the port, or MAC_TABLE_UNKNOWN.
 */
uint32_t mac_table_find(const struct mac_table *table, uint64_t key, uint32_t now, uint32_t age);

/**
 * mac_table_list - the stations at a port
 * @table: table
 * @port: identity of the port
 * @now: seconds of the same clock
 * @age: as for mac_table_find()
 * @keys: receives them
 * @max: length of @keys
 *
 * Of stations that come or move meanwhile some may be missing.
 *
 * Return: how many there are, at most @max.
 */
unsigned int mac_table_list(const struct mac_table *table, uint32_t port, uint32_t now,
			    uint32_t age, uint64_t *keys, unsigned int max);

#endif
