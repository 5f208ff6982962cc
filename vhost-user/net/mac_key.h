/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A station as one number: its VLAN and its address. */
#ifndef VHOST_USER_NET_MAC_KEY_H
#define VHOST_USER_NET_MAC_KEY_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

/**
 * mac_key - one number for a station
 * @vlan: VLAN identifier, 0 for untagged frames
 * @mac: 6 bytes
 */
static inline uint64_t mac_key(uint16_t vlan, const uint8_t *mac)
{
	uint32_t high;
	uint16_t low;

	memcpy(&high, mac, sizeof(high));
	memcpy(&low, mac + sizeof(high), sizeof(low));
	return (uint64_t)(vlan & 0xfff) << 48 | (uint64_t)be32toh(high) << 16 | be16toh(low);
}

/* The address of a key. */
static inline void mac_of_key(uint64_t key, uint8_t mac[6])
{
	for (unsigned int i = 0; i < 6; i++)
		mac[i] = (uint8_t)(key >> (40 - 8 * i));
}

/* The VLAN of a key. */
#define MAC_KEY_VLAN(key) ((uint16_t)((key) >> 48))

/* The address in it. */
#define MAC_KEY_ADDRESS 0xffffffffffffull

/* Group addresses have the lowest bit of the first byte set. */
#define MAC_KEY_GROUP (1ull << 40)

#endif
