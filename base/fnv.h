/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FNV-1a: spreads well and finds what was garbled by accident.  Nobody is kept out by it.
 * A hash begins with the basis and goes on with what it was.
 */
#ifndef IOV_BASE_FNV_H
#define IOV_BASE_FNV_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FNV32_BASIS UINT32_C(0x811c9dc5)
#define FNV64_BASIS UINT64_C(0xcbf29ce484222325)

static inline uint32_t fnv32(uint32_t hash, const uint8_t *bytes, size_t count)
{
	while (count--)
		hash = (hash ^ *bytes++) * UINT32_C(0x01000193);
	return hash;
}

static inline uint64_t fnv64(uint64_t hash, const uint8_t *bytes, size_t count)
{
	while (count--)
		hash = (hash ^ *bytes++) * UINT64_C(0x100000001b3);
	return hash;
}

#ifdef __cplusplus
}
#endif

#endif
