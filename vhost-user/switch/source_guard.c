// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/switch/source_guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <stdlib.h>
#include <string.h>

#include "vhost-user/net/ip.h"


/* Bytes of headers, and where the addresses are in them. */
#define ARP_BYTES 28
#define ARP_SENDER_MAC 8
#define ARP_SENDER_IP 14
#define IP4_SOURCE 12
#define IP6_SOURCE 8
#define ADVERT_BYTES 24
#define ADVERT_TARGET 8

#define IP4_BITS 96

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

int source_guard_add_ip(struct source_guard *guard, const char *text)
{
	struct guard_prefix *prefix = &guard->prefixes[guard->prefix_count];
	char address[INET6_ADDRSTRLEN], *end;
	const char *slash = strchrnul(text, '/');
	size_t length = (size_t)(slash - text);
	unsigned long bits, longest = 128;

	if (guard->prefix_count == GUARD_PREFIXES)
		return -ENOSPC;
	if (length >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, length);
	address[length] = '\0';
	if (inet_pton(AF_INET, address, prefix->bytes + sizeof(mapped)) == 1) {
		memcpy(prefix->bytes, mapped, sizeof(mapped));
		longest = 32;
	} else if (inet_pton(AF_INET6, address, prefix->bytes) != 1) {
		return -EINVAL;
	}
	bits = *slash ? strtoul(slash + 1, &end, 10) : longest;
	if (*slash && (slash[1] < '0' || slash[1] > '9' || *end || bits > longest))
		return -EINVAL;
	prefix->bits = (uint8_t)(bits + (longest == 32 ? IP4_BITS : 0));
	guard->prefix_count++;
	return 0;
}

static bool is_in(const struct guard_prefix *prefix, const uint8_t ip[16])
{
	unsigned int whole = prefix->bits / 8;
	uint8_t mask = (uint8_t)~(0xff >> prefix->bits % 8);

	return !memcmp(prefix->bytes, ip, whole) &&
	       (!mask || !((prefix->bytes[whole] ^ ip[whole]) & mask));
}

static bool has_ip(const struct source_guard *guard, const uint8_t ip[16])
{
	for (unsigned int i = 0; i < guard->prefix_count; i++)
		if (is_in(&guard->prefixes[i], ip))
			return true;
	return false;
}

static bool has_ip4(const struct source_guard *guard, const uint8_t ip[4])
{
	static const uint8_t none[4];
	uint8_t whole[16];

	memcpy(whole, mapped, sizeof(mapped));
	memcpy(whole + sizeof(mapped), ip, 4);
	return !memcmp(ip, none, 4) || has_ip(guard, whole);
}

static bool has_any_ip6(const struct source_guard *guard)
{
	for (unsigned int i = 0; i < guard->prefix_count; i++)
		if (memcmp(guard->prefixes[i].bytes, mapped, sizeof(mapped)) ||
		    guard->prefixes[i].bits < IP4_BITS)
			return true;
	return false;
}

static bool has_ip6(const struct source_guard *guard, const uint8_t ip[16])
{
	static const uint8_t none[16];

	if (!memcmp(ip, none, 16) || has_ip(guard, ip))
		return true;
	return ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80 && has_any_ip6(guard);
}

static bool has_mac(const struct source_guard *guard, const uint8_t mac[6])
{
	for (unsigned int i = 0; i < guard->mac_count; i++)
		if (!memcmp(guard->macs[i], mac, 6))
			return true;
	return !guard->mac_count;
}

static bool admits_arp(const struct source_guard *guard, const uint8_t *arp, uint32_t left)
{
	return left >= ARP_BYTES && has_mac(guard, arp + ARP_SENDER_MAC) &&
	       (!guard->prefix_count || has_ip4(guard, arp + ARP_SENDER_IP));
}

/*
 * An advertisement may hide behind extension headers, but not in fragments (RFC 6980
 * section 5), nor beyond what we have of the frame.
 */
static bool admits_advert(const struct source_guard *guard, const uint8_t *ip, uint32_t left)
{
	uint8_t next;
	uint32_t at;

	if (!ip6_find_header(ip, left, &next, &at))
		return false;
	if (next == IPPROTO_FRAGMENT)
		return at + 8 <= left && ip[at] != IPPROTO_ICMPV6 && !ip6_is_extension(ip[at]);
	if (next != IPPROTO_ICMPV6)
		return true;
	if (at + 1 > left)
		return false;
	return ip[at] != ND_NEIGHBOR_ADVERT ||
	       (at + ADVERT_BYTES <= left && has_ip6(guard, ip + at + ADVERT_TARGET));
}

static bool admits_ip(const struct source_guard *guard, uint16_t type, const uint8_t *ip,
		      uint32_t left)
{
	switch (type) {
	case ETH_P_IP:
		return left >= IP4_HEADER && has_ip4(guard, ip + IP4_SOURCE);
	case ETH_P_IPV6:
		return left >= IP6_HEADER && has_ip6(guard, ip + IP6_SOURCE) &&
		       admits_advert(guard, ip, left);
	default:
		/* Tags up to where we cannot see are there to hide something. */
		return type != ETH_P_8021Q && type != ETH_P_8021AD;
	}
}

bool source_guard_admits(const struct source_guard *guard, const struct frame *frame)
{
	uint16_t type;
	uint32_t l3 = frame_l3(frame, &type);
	const uint8_t *packet = frame->head + l3;
	uint32_t left = frame->head_length - l3;

	if (!has_mac(guard, frame->head + 6))
		return false;
	if (type == ETH_P_ARP || type == ETH_P_RARP)
		return admits_arp(guard, packet, left);
	return !guard->prefix_count || admits_ip(guard, type, packet, left);
}
