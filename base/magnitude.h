/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers by their magnitude, each cut in parts of the same size: so many buckets hold any number
 * as exactly as its parts are small.
 */
#ifndef IOV_BASE_MAGNITUDE_H
#define IOV_BASE_MAGNITUDE_H

#include <stdint.h>

/* The bucket of a number, where a magnitude has 2^@bits parts. */
static inline unsigned int magnitude_bucket(uint64_t value, unsigned int bits)
{
	unsigned int shift;

	if (value < 1u << bits)
		return (unsigned int)value;
	shift = 63 - (unsigned int)__builtin_clzll(value) - bits;
	return ((shift + 1) << bits) + (unsigned int)(value >> shift & ((1u << bits) - 1));
}

/* The first number behind those of a bucket; 0 for 2^64. */
static inline uint64_t magnitude_end(unsigned int bucket, unsigned int bits)
{
	const unsigned int shift = bucket >> bits;
	const uint64_t part = bucket & ((1u << bits) - 1);

	return shift ? ((part | 1u << bits) + 1) << (shift - 1) : part + 1;
}

#endif
