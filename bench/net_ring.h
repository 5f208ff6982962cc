/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The driver's half of a ring whose buffers are made once and go round for ever.
 *
 * Section numbers are those of virtio 1.2.  The driver polls: it wants no calls.
 *
 * Theory of operation.  What the driver has is posted in the order in which it came back.  A
 * device that gives buffers back as it got them, of which there are as many as entries, thus
 * has buffer N in entry N for ever: the available ring of a split ring stays as it was written
 * once, and posting moves the index.  The first buffer that comes back out of turn ends that:
 * from then on the ring keeps a list of what it has, and looks at buffers one by one.
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
 * @listed: id of a buffer that the driver has: a place in the list, which is not this buffer's own
 * @is_posted: the device has it; both only when buffers came back out of turn
 */
struct net_buffer {
	uint64_t gpa;
	uint32_t length;
	uint16_t listed;
	bool is_posted;
};

/**
 * struct net_used - what the device gave back, as it is in a split ring
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
 * @count: length of @buffers, @size at most
 * @owned: buffers that the driver has
 */
struct net_ring {
	uint16_t size;
	bool is_packed;
	bool is_writable;
	struct net_buffer *buffers;
	uint16_t count;
	uint16_t owned;

	/* private: entries that were posted and that came back since ever */
	uint16_t posted;
	uint16_t used;
	bool is_ordered;
	uint16_t listed_first;
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
 * net_ring_describe - take over buffers
 * @ring: with its parts, @buffers and @count, nothing posted
 */
void net_ring_describe(struct net_ring *ring);

/**
 * net_ring_next - a buffer that will be posted
 * @ring: ring
 * @index: 0 for the next one, and so on, below @owned
 *
 * Return: its id.
 */
static inline uint32_t net_ring_next(const struct net_ring *ring, unsigned int index)
{
	if (ring->is_ordered)
		return (ring->posted + index) & (ring->size - 1u);
	return ring->buffers[(ring->listed_first + index) & (ring->size - 1u)].listed;
}

/**
 * net_ring_post - give buffers to the device
 * @ring: ring
 * @count: how many, @owned at most
 *
 * The device that looks has them at once; one that sleeps is woken after net_ring_wants_kick().
 */
void net_ring_post(struct net_ring *ring, unsigned int count);

/**
 * net_ring_wants_kick - whether the device sleeps
 * @ring: ring, with a full barrier since the last net_ring_post()
 */
static inline bool net_ring_wants_kick(const struct net_ring *ring)
{
	if (ring->is_packed)
		return __atomic_load_n(&ring->packed.device->flags, __ATOMIC_RELAXED) !=
		       VRING_PACKED_EVENT_FLAG_DISABLE;
	return !(__atomic_load_n(&ring->split.device->flags, __ATOMIC_RELAXED) &
		 VRING_USED_F_NO_NOTIFY);
}

/**
 * net_ring_take - take what the device gave back
 * @ring: ring
 * @used: receives it
 * @max: length of @used
 *
 * Return: how many; -EPROTO when the device gave back what it was not given.
 */
int net_ring_take(struct net_ring *ring, struct net_used *used, unsigned int max);

#endif
