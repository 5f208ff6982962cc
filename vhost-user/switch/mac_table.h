/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The MAC table of a switch: which port a station was last seen at, per VLAN.
 *
 * Pure code: no DPDK, no allocation after open, no clock.  Any threads at a time; but to
 * open and to close it.
 */
#ifndef VHOST_USER_SWITCH_MAC_TABLE_H
#define VHOST_USER_SWITCH_MAC_TABLE_H

#include <stdint.h>

#include "vhost-user/net/mac_key.h"

/* No port; identities of ports are never 0. */
#define MAC_TABLE_UNKNOWN 0

/* Its clock: what came back at once and what moved are less than a second apart. */
#define MAC_TABLE_SECOND 8

/* Seconds after which a silent station is forgotten, IEEE 802.1Q-2018 table 8-6. */
#define MAC_TABLE_AGE 300

/* Ports that have stations at a time; the low bits of their identities tell them apart. */
#define MAC_TABLE_PORTS 256

struct mac_table;

/**
 * mac_table_open - make an empty table
 * @out: receives it; the caller closes it with mac_table_close()
 * @stations: how many stations it has room for; there are twice as many places, or more
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
 * mac_table_learn - note where a station is
 * @table: table
 * @key: its mac_key(); group addresses and zero are ignored
 * @port: identity of the port
 * @limit: most stations that the port may have; 0 for no number of its own
 * @now: MAC_TABLE_SECOND to the second, of any clock that does not jump
 * @age: silence after which a station is forgotten, by the same clock
 *
 * Where there is no room the port that has the most stations gives way, so one that claims
 * to have thousands takes nothing from those that have few.
 *
 * Return: identity of the port of which a station has no place now, which may be @port;
 * MAC_TABLE_UNKNOWN when there was room.
 */
uint32_t mac_table_learn(struct mac_table *table, uint64_t key, uint32_t port, uint32_t limit,
			 uint32_t now, uint32_t age);

/**
 * mac_table_forget - forget all stations of a port
 * @table: table
 * @port: identity of the port
 */
void mac_table_forget(struct mac_table *table, uint32_t port);

/**
 * mac_table_count - how many stations of a port it has
 * @table: table
 * @port: identity of the port
 *
 * Return: the number, with some that are silent for too long and were not yet forgotten.
 */
uint32_t mac_table_count(const struct mac_table *table, uint32_t port);

/**
 * mac_table_find - where a station is
 * @table: table
 * @key: its mac_key()
 * @now: of the same clock
 * @age: how long ago it may have been seen there last
 *
 * Return: identity of the port, or MAC_TABLE_UNKNOWN.
 */
uint32_t mac_table_find(const struct mac_table *table, uint64_t key, uint32_t now, uint32_t age);

/**
 * mac_table_list - the stations at a port
 * @table: table
 * @port: identity of the port
 * @now: of the same clock
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
