/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The checksum of the Internet, RFC 1071, and the pseudo header of TCP and UDP. */
#ifndef VHOST_USER_NET_CHECKSUM_H
#define VHOST_USER_NET_CHECKSUM_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Sum of big-endian 16-bit words; an odd byte at the end is padded with zero. */
static inline uint64_t checksum_add(uint64_t start, const uint8_t *bytes, size_t length)
{
	uint16_t word;

	for (; length >= 2; bytes += 2, length -= 2) {
		memcpy(&word, bytes, 2);
		start += word;
	}
	if (length) {
		word = 0;
		memcpy(&word, bytes, 1);
		start += word;
	}
	return start;
}

/* The sum was taken in host order, which RFC 1071 section 2 (B) allows; swap at the end. */
static inline uint16_t checksum_fold(uint64_t total)
{
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return ntohs((uint16_t)~total);
}

/**
 * checksum_pseudo - sum of the pseudo header, RFC 9293 section 3.1 and RFC 8200 section 8.1
 * @ip: IP header
 * @ip4: it is IPv4
 * @protocol: IPPROTO_TCP or IPPROTO_UDP
 * @length: bytes of the header of that and its payload
 */
static inline uint64_t checksum_pseudo(const uint8_t *ip, bool ip4, uint8_t protocol,
				       uint32_t length)
{
	const uint8_t *addresses = ip4 ? ip + 12 : ip + 8;

	return checksum_add(0, addresses, ip4 ? 8 : 32) + htons(protocol) +
	       htons((uint16_t)length);
}

#endif
