/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which addresses a guest may send from.
 *
 * Pure code: the control thread fills it in, the worker looks at a copy.
 */
#ifndef VHOST_USER_SWITCH_SOURCE_GUARD_H
#define VHOST_USER_SWITCH_SOURCE_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/iov.h"
#include "vhost-user/net/frame.h"

#define GUARD_MACS 16
#define GUARD_PREFIXES 32

/**
 * struct guard_prefix - IP addresses
 * @bytes: the first of them, IPv4 as ::ffff:a.b.c.d
 * @bits: how many bits all of them share, of 128
 */
struct guard_prefix {
	uint8_t bytes[16];
	uint8_t bits;
};

/**
 * struct source_guard - the addresses
 * @mac_count: length of @macs; 0 for any
 * @macs: MAC addresses
 * @prefix_count: length of @prefixes; 0 for any
 * @prefixes: IP addresses
 */
struct source_guard {
	unsigned int mac_count;
	uint8_t macs[GUARD_MACS][6];
	unsigned int prefix_count;
	struct guard_prefix prefixes[GUARD_PREFIXES];
};

/**
 * source_guard_add_ip - allow IP addresses
 * @guard: guard
 * @text: an address, or a prefix such as 192.0.2.0/24 or 2001:db8::/64
 *
 * Return: 0, -EINVAL for text that is neither, or -ENOSPC.
 */
int source_guard_add_ip(struct source_guard *guard, const char *text);

/**
 * source_guard_admits - whether a guest may send a frame
 * @guard: its addresses
 * @frame: frame of FRAME_ETHERNET bytes at least
 *
 * MAC addresses are that of the Ethernet header and, of ARP and RARP, the sender's.  IP
 * addresses are the source of IPv4 and IPv6, the sender of ARP and the target of a
 * neighbor advertisement (RFC 4861 section 4.4).  Who has no address yet may ask for one:
 * 0.0.0.0 and :: may send, and with an IPv6 prefix allowed link-local addresses, too.
 * Frames with IP headers that cannot be read whole are not admitted when IP addresses
 * are looked at.  What is no IP has none.
 */
bool source_guard_admits(const struct source_guard *guard, const struct frame *frame);

#endif
