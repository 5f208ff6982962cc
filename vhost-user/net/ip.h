/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where things are in IP packets: RFC 791, RFC 8200, RFC 9293, RFC 768. */
#ifndef VHOST_USER_NET_IP_H
#define VHOST_USER_NET_IP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/* Bytes of headers without options. */
#define IP4_HEADER 20
#define IP6_HEADER 40
#define TCP_HEADER 20
#define UDP_HEADER 8

/* Offsets of fields in their headers. */
#define IP6_NEXT 6
#define TCP_CHECKSUM 16
#define UDP_CHECKSUM 6

/* Whether a header is one that others follow, whose place it tells. */
static inline bool ip6_is_extension(uint8_t protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING ||
	       protocol == IPPROTO_DSTOPTS;
}

/**
 * ip6_find_header - what lies behind the extension headers of an IPv6 packet
 * @ip: packet
 * @length: bytes of it that are here, at least IP6_HEADER
 * @protocol: receives the first that ip6_is_extension() says no of
 * @at: receives the offset of its header, which may be behind @length
 *
 * Return: false when one before it is not here.
 */
static inline bool ip6_find_header(const uint8_t *ip, uint32_t length, uint8_t *protocol,
				   uint32_t *at)
{
	*protocol = ip[IP6_NEXT];
	*at = IP6_HEADER;
	while (ip6_is_extension(*protocol)) {
		if (*at + 2 > length)
			return false;
		*protocol = ip[*at];
		*at += 8 + ip[*at + 1] * 8u;
	}
	return true;
}

#endif
