/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The driver's half of a ring whose buffers are made once and go round for ever.
 *
 * Buffer N is descriptor N of a split ring, written once; of a packed ring the entry
 * is written again, as the device overwrites it.  Section numbers are those of
 * virtio 1.2.  The driver polls: it wants no calls.
 */
#ifndef IOV_BENCH_NET_RING_H
#define IOV_BENCH_NET_RING_H

#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Most entries: ids of 16 bits, and a split ring's index tells full from empty. */
#define NET_RING_MAX 32768

/**
 * struct net_buffer - a buffer
 * @gpa: guest physical address
 * @length: bytes
 */
struct net_buffer {
	uint64_t gpa;
	uint32_t length;
};

/**
 * struct net_used - what the device gave back
 * @id: buffer
 * @length: bytes that it wrote
 */
struct net_used {
	uint32_t id;
	uint32_t length;
};

/**
 * struct net_ring - a ring as its driver sees it
 * @size: entries, a power of 2
 * @is_packed: packed, otherwise split
 * @is_writable: for receiving
 * @buffers: the buffers, by id
 * @owned: buffers that the device has
 */
struct net_ring {
	uint16_t size;
	bool is_packed;
	bool is_writable;
	struct net_buffer *buffers;
	uint16_t owned;

	/* private: where the next buffer is posted and the next used one expected */
	uint16_t avail;
	uint16_t used;
	bool avail_wrap;
	bool used_wrap;
	uint16_t withheld;
	uint64_t withheld_word;
	bool is_withheld;
	union {
		struct {
			struct vring_desc *desc;
			struct vring_avail *driver;
			struct vring_used *device;
		} split;
		struct {
			struct vring_packed_desc *desc;
			struct vring_packed_desc_event *driver;
			struct vring_packed_desc_event *device;
		} packed;
	};
};

/**
 * net_ring_describe - tell a split ring's device where the buffers are
 * @ring: with its parts and @buffers, nothing posted
 */
void net_ring_describe(struct net_ring *ring);

/**
 * net_ring_post - give a buffer to the device with the next net_ring_publish()
 * @ring: ring
 * @id: buffer, which the device has not
 */
static inline void net_ring_post(struct net_ring *ring, uint32_t id)
{
	const uint16_t both = 1 << VRING_PACKED_DESC_F_AVAIL | 1 << VRING_PACKED_DESC_F_USED;
	struct vring_packed_desc *entry;
	uint64_t flags, word;

	ring->owned++;
	if (!ring->is_packed) {
		ring->split.driver->ring[ring->avail++ & (ring->size - 1)] = (uint16_t)id;
		return;
	}
	/* Section 2.8.1: available is AVAIL as the wrap counter, USED not. */
	flags = both &
		(ring->avail_wrap ? 1 << VRING_PACKED_DESC_F_AVAIL : 1 << VRING_PACKED_DESC_F_USED);
	if (ring->is_writable)
		flags |= VRING_DESC_F_WRITE;
	entry = &ring->packed.desc[ring->avail];
	word = ring->buffers[id].length | (uint64_t)id << 32 | flags << 48;
	entry->addr = ring->buffers[id].gpa;
	if (ring->is_withheld) {
		__atomic_store_n((uint64_t *)(void *)&entry->len, word, __ATOMIC_RELEASE);
	} else {
		/* The first is written last, and makes all of them visible. */
		ring->withheld = ring->avail;
		ring->withheld_word = word;
		ring->is_withheld = true;
	}
	if (++ring->avail == ring->size) {
		ring->avail = 0;
		ring->avail_wrap = !ring->avail_wrap;
	}
}

/**
 * net_ring_publish - let the device see what was posted
 * @ring: ring
 *
 * Return: whether the device wants a kick.
 */
static inline bool net_ring_publish(struct net_ring *ring)
{
	if (!ring->is_packed) {
		/* The device that sees the index must see the entries and buffers. */
		__atomic_store_n(&ring->split.driver->idx, ring->avail, __ATOMIC_RELEASE);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		return !(__atomic_load_n(&ring->split.device->flags, __ATOMIC_RELAXED) &
			 VRING_USED_F_NO_NOTIFY);
	}
	if (ring->is_withheld)
		__atomic_store_n((uint64_t *)(void *)&ring->packed.desc[ring->withheld].len,
				 ring->withheld_word, __ATOMIC_RELEASE);
	ring->is_withheld = false;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(&ring->packed.device->flags, __ATOMIC_RELAXED) !=
	       VRING_PACKED_EVENT_FLAG_DISABLE;
}

/**
 * net_ring_take - what the device gave back
 * @ring: ring
 * @used: receives it
 * @max: length of @used
 *
 * A device that gives back a buffer that it was not given is told by an id beyond the ring.
 *
 * Return: how many.
 */
static inline unsigned int net_ring_take(struct net_ring *ring, struct net_used *used,
					 unsigned int max)
{
	unsigned int count = 0;

	if (!ring->is_packed) {
		uint16_t ready =
			__atomic_load_n(&ring->split.device->idx, __ATOMIC_ACQUIRE) - ring->used;

		if (ready > max)
			ready = (uint16_t)max;
		for (; count < ready; count++) {
			const struct vring_used_elem *element =
				&ring->split.device->ring[ring->used++ & (ring->size - 1)];

			used[count] = (struct net_used){element->id, element->len};
		}
	} else {
		for (; count < max; count++) {
			const struct vring_packed_desc *entry = &ring->packed.desc[ring->used];
			uint64_t word = __atomic_load_n((const uint64_t *)(const void *)&entry->len,
							__ATOMIC_ACQUIRE);
			bool avail = word >> 48 & 1 << VRING_PACKED_DESC_F_AVAIL;
			bool done = word >> 48 & 1 << VRING_PACKED_DESC_F_USED;

			if (avail != ring->used_wrap || done != ring->used_wrap)
				break;
			used[count] = (struct net_used){(uint16_t)(word >> 32), (uint32_t)word};
			if (++ring->used == ring->size) {
				ring->used = 0;
				ring->used_wrap = !ring->used_wrap;
			}
		}
	}
	ring->owned -= (uint16_t)count;
	return count;
}

#endif
