/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bits of a packed descriptor that say whose it is; virtio 1.2 section 2.8.1. */
#ifndef VHOST_USER_RING_VIRTQ_PACKED_FLAGS_H
#define VHOST_USER_RING_VIRTQ_PACKED_FLAGS_H

#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stdint.h>

#define VIRTQ_AVAIL (UINT16_C(1) << VRING_PACKED_DESC_F_AVAIL)
#define VIRTQ_USED (UINT16_C(1) << VRING_PACKED_DESC_F_USED)

/**
 * virtq_is_available - whether the driver has added an entry that no device has used
 * @flags: of the entry
 * @wrap: the driver's wrap counter there
 */
static inline __attribute__((always_inline)) bool virtq_is_available(uint16_t flags, bool wrap)
{
	return !!(flags & VIRTQ_AVAIL) == wrap && !!(flags & VIRTQ_USED) != wrap;
}

/**
 * virtq_used_flags - what makes an entry a used one
 * @wrap: the device's wrap counter there
 */
static inline __attribute__((always_inline)) uint16_t virtq_used_flags(bool wrap)
{
	return wrap ? VIRTQ_AVAIL | VIRTQ_USED : 0;
}

#endif
