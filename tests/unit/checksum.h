/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checksums of the Internet, by nothing that is tested. */
#ifndef IOV_TESTS_CHECKSUM_H
#define IOV_TESTS_CHECKSUM_H

#include <stdint.h>

static inline void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* RFC 1071, as slowly as it is written there. */
static inline uint32_t add_up(uint32_t sum, const uint8_t *bytes, uint32_t length)
{
	for (uint32_t i = 0; i < length; i++) {
		sum += i & 1 ? bytes[i] : (uint32_t)bytes[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

#endif
