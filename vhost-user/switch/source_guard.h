/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which addresses a guest may send from.
 *
 * One rule: who claims an address must own it, wherever in a frame the claim is made and
 * however it is wrapped; and who tells others their configuration speaks for all addresses, so
 * it must own all of them.  What cannot be read whole is not admitted.
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
 * @bytes: the first of them; 4 bytes of IPv4
 * @bits: how many bits all of them share, of 32 or 128
 * @is_ip4: they are IPv4
 */
struct guard_prefix {
	uint8_t bytes[16];
	uint8_t bits;
	bool is_ip4;
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
 * MAC addresses are claimed by the Ethernet header; by ARP and RARP (sender, RFC 826); by the
 * link-layer address options of solicitations and neighbor advertisements (RFC 4861 section
 * 4.6.1); and by requests of
 * DHCP (chaddr, RFC 2131 section 2).  IP addresses are claimed by IPv4 and IPv6 (source); by ARP
 * (sender); by neighbor advertisements, and solicitations that ask whether an address is free
 * (target, RFC 4861 section 4.4, RFC 4862 section 5.4.3); and by requests of DHCP (ciaddr).
 *
 * A link-local address is the sender's when it was made of the MAC address that the frame comes
 * from (RFC 4291 appendix A), or is among those of @guard.  Who has no address yet may ask for
 * one: from 0.0.0.0 by DHCP and ARP, from :: by neighbor discovery and multicast listener
 * reports.
 *
 * Router advertisements and redirects of ICMP and ICMPv6, replies of DHCP, DHCPv6 and RARP, and
 * relayed requests of DHCP are for who owns all addresses of their family: a prefix of length 0.
 *
 * Where a checksum is still to be completed a claim ends, unless it is UDP's own: nobody knows
 * what will be there.
 *
 * ARP and IP in LLC/SNAP are judged as those with an EtherType (RFC 1042).  What another packet
 * carries, as tunnels do, is for its receiver to judge.
 */
bool source_guard_admits(const struct source_guard *guard, const struct frame *frame);

#endif
