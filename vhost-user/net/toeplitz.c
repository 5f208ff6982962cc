// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Each bit of the input that is set adds, by exclusive or, the 32 bits of the key
 * that begin at the same bit.  As sums of bits are sums of their halves of bytes,
 * a table of those takes two look-ups for a byte.
 */
#include "vhost-user/net/toeplitz.h"

/* The 32 bits of the key from a bit on. */
static uint32_t window(const uint8_t key[TOEPLITZ_KEY], unsigned int bit)
{
	uint64_t bits = 0;

	for (unsigned int i = 0; i < 5; i++) {
		unsigned int at = bit / 8 + i;

		bits = bits << 8 | (at < TOEPLITZ_KEY ? key[at] : 0);
	}
	return (uint32_t)(bits >> (8 - bit % 8));
}

void toeplitz_prepare(struct toeplitz *toeplitz, const uint8_t key[TOEPLITZ_KEY])
{
	for (unsigned int i = 0; i < 2 * TOEPLITZ_INPUT; i++) {
		for (unsigned int value = 0; value < 16; value++) {
			uint32_t sum = 0;

			for (unsigned int bit = 0; bit < 4; bit++)
				if (value & 8u >> bit)
					sum ^= window(key, 4 * i + bit);
			toeplitz->nibble[i][value] = sum;
		}
	}
}

uint32_t toeplitz_hash(const struct toeplitz *toeplitz, const uint8_t *input, unsigned int length)
{
	uint32_t hash = 0;

	for (unsigned int i = 0; i < length; i++)
		hash ^= toeplitz->nibble[2 * i][input[i] >> 4] ^
			toeplitz->nibble[2 * i + 1][input[i] & 15];
	return hash;
}
