/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a device sees of a ring that is known to be right: for back ends that do nothing, which
 * have to be faster than any other.  Section numbers are those of virtio 1.2.
 */
#ifndef IOV_BENCH_DEVICE_RING_H
#define IOV_BENCH_DEVICE_RING_H

#include "bench/driver_ring.h"

/* Entries of a split ring from @next on that are available. */
static inline unsigned int device_ring_available(const struct driver_ring *ring, uint16_t next)
{
	/* Entries are read after the index. */
	return (uint16_t)(__atomic_load_n(&ring->split.driver->idx, __ATOMIC_ACQUIRE) - next);
}

/* The second word of an entry of a packed ring, with its length, id and flags. */
static inline uint64_t *device_ring_word(const struct driver_ring *ring, uint16_t position)
{
	return (uint64_t *)(void *)&ring->packed.desc[position & (ring->size - 1)].len;
}

#define DEVICE_RING_AVAIL (UINT64_C(1) << (48 + VRING_PACKED_DESC_F_AVAIL))
#define DEVICE_RING_USED (UINT64_C(1) << (48 + VRING_PACKED_DESC_F_USED))
#define DEVICE_RING_ID (UINT64_C(0xffff) << 32)

/* The flags of an entry whose buffer is used: the counter is 1 in the first round (2.8.1). */
static inline uint64_t device_ring_used(const struct driver_ring *ring, uint16_t position)
{
	return position & ring->size ? 0 : DEVICE_RING_AVAIL | DEVICE_RING_USED;
}

static inline bool device_ring_is_available(const struct driver_ring *ring, uint16_t position,
					    uint64_t word)
{
	return (word & (DEVICE_RING_AVAIL | DEVICE_RING_USED)) ==
	       (device_ring_used(ring, position) ^ DEVICE_RING_USED);
}

#endif
