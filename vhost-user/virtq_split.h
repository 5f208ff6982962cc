/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device side of a split virtqueue, virtio 1.2 section 2.7.
 *
 *	take		read available chains into a batch; nothing is visible to
 *			the driver yet
 *	untake		give the last ones back, as if they had never been taken
 *	push		write a used element, still invisible
 *	publish		make all pushed elements visible at once, and learn
 *			whether the driver wants a call
 *
 * A device that gives chains back in the order in which it took them can stop
 * between any two calls and lose nothing: untake what was not pushed.
 *
 * Pure code: no sockets, no allocation, no knowledge of the device.  A driver
 * that breaks the rules sets @error, after which the ring yields nothing.
 *
 * Threads: a ring belongs to one thread at a time.
 */
#ifndef VHOST_USER_VIRTQ_SPLIT_H
#define VHOST_USER_VIRTQ_SPLIT_H

#include <assert.h>
#include <linux/virtio_ring.h>

#include "vhost-user/guest_memory.h"
#include "vhost-user/virtq.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	      "rings of virtio 1.0 and later are little-endian, section 2.4.3");
static_assert(sizeof(struct vring_desc) == 16 && offsetof(struct vring_desc, len) == 8 &&
		      offsetof(struct vring_desc, flags) == 12 &&
		      offsetof(struct vring_desc, next) == 14,
	      "descriptor, section 2.7.5");
static_assert(offsetof(struct vring_avail, idx) == 2 && offsetof(struct vring_avail, ring) == 4,
	      "available ring, section 2.7.6");
static_assert(sizeof(struct vring_used_elem) == 8 && offsetof(struct vring_used, idx) == 2 &&
		      offsetof(struct vring_used, ring) == 4,
	      "used ring, section 2.7.8");

/* Bytes of the three parts of a ring, section 2.7. */
static inline size_t virtq_split_desc_bytes(unsigned int size)
{
	return (size_t)16 * size;
}

static inline size_t virtq_split_avail_bytes(unsigned int size)
{
	return 6 + (size_t)2 * size;
}

static inline size_t virtq_split_used_bytes(unsigned int size)
{
	return 6 + (size_t)8 * size;
}

/**
 * struct virtq_split - a split ring as its device sees it
 * @desc: descriptor table
 * @avail: available ring, written by the driver
 * @used: used ring, written by the device
 * @memory: where buffers are
 * @size: entries, a power of two
 * @event_idx: VIRTIO_F_EVENT_IDX was negotiated
 * @indirect: VIRTIO_F_INDIRECT_DESC was negotiated
 * @region: region of the last buffer
 * @avail_next: next available entry to take
 * @avail_end: the driver's index as last read
 * @used_next: next used element to write
 * @used_published: the device's index as the driver sees it
 * @error: why the ring is broken
 */
struct virtq_split {
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	const struct guest_memory *memory;
	uint16_t size;
	bool event_idx;
	bool indirect;

	/* What follows changes with every burst. */
	_Alignas(VIRTQ_CACHE_LINE) const struct guest_region *region;
	uint16_t avail_next;
	uint16_t avail_end;
	uint16_t used_next;
	uint16_t used_published;
	enum virtq_error error;
};

/**
 * struct virtq_split_setup - what a ring starts with
 * @memory: table with at least one region; outlives the ring
 * @desc: virtq_split_desc_bytes() bytes of guest memory, 16-byte aligned
 * @avail: virtq_split_avail_bytes() bytes of guest memory, 2-byte aligned
 * @used: virtq_split_used_bytes() bytes of guest memory, 4-byte aligned
 * @size: entries, a power of two up to VIRTQ_SIZE_MAX
 * @avail_next: first available entry to take
 * @features: negotiated virtio features
 */
struct virtq_split_setup {
	const struct guest_memory *memory;
	void *desc;
	void *avail;
	void *used;
	uint16_t size;
	uint16_t avail_next;
	uint64_t features;
};

/**
 * virtq_split_start - make a ring ready to run
 * @vq: overwritten
 * @setup: checked by the caller
 *
 * The used index goes on from where it stands in guest memory.  Kicks are
 * disabled until virtq_split_kick_enable().
 */
void virtq_split_start(struct virtq_split *vq, const struct virtq_split_setup *setup);

/**
 * virtq_split_take - take available chains
 * @vq: ring
 * @batch: chains are appended
 * @max: most chains to take
 *
 * Takes fewer when the batch is full.
 *
 * Return: number of chains taken; 0 also when the ring is broken.
 */
unsigned int virtq_split_take(struct virtq_split *vq, struct virtq_batch *batch,
			      unsigned int max);

/**
 * virtq_split_take_space - take chains that have room for a frame
 * @vq: ring whose chains are device-writable, such as a receive queue
 * @batch: chains are appended
 * @length: bytes of room wanted, more than 0
 * @max: most chains to take; 1 without mergeable receive buffers
 *
 * Takes all or nothing.
 *
 * Return: number of chains taken; 0 when there is not enough room now, the
 * batch is full or the ring is broken.
 */
unsigned int virtq_split_take_space(struct virtq_split *vq, struct virtq_batch *batch,
				    uint32_t length, unsigned int max);

/**
 * virtq_split_untake - give back the chains that were taken last
 * @vq: ring
 * @batch: they are removed from its end
 * @count: how many; none of them was pushed
 */
static inline void virtq_split_untake(struct virtq_split *vq, struct virtq_batch *batch,
				      unsigned int count)
{
	if (!count)
		return;
	vq->avail_next -= count;
	batch->chain_count -= count;
	batch->segment_count = batch->chains[batch->chain_count].first;
}

/**
 * virtq_split_push - give a chain back to the driver with the next publish
 * @vq: ring
 * @head: head of the chain
 * @length: bytes written to its device-writable part
 */
static inline void virtq_split_push(struct virtq_split *vq, uint16_t head, uint32_t length)
{
	struct vring_used_elem *element = &vq->used->ring[vq->used_next++ & (vq->size - 1)];

	element->id = head;
	element->len = length;
}

/**
 * virtq_split_publish - make pushed chains visible to the driver
 * @vq: ring
 *
 * Return: whether the driver wants to be called (sections 2.7.7.2 and 2.7.10).
 */
static inline bool virtq_split_publish(struct virtq_split *vq)
{
	uint16_t old = vq->used_published;
	uint16_t now = vq->used_next;

	if (old == now)
		return false;
	/* The driver that sees the index must see the elements and buffers before it. */
	__atomic_store_n(&vq->used->idx, now, __ATOMIC_RELEASE);
	vq->used_published = now;
	/* The index must be visible before we read whether the driver, which sets its
	 * wish first and checks the index then, wants a call; or both would wait. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!vq->event_idx)
		return !(__atomic_load_n(&vq->avail->flags, __ATOMIC_RELAXED) &
			 VRING_AVAIL_F_NO_INTERRUPT);
	uint16_t event = __atomic_load_n(&vq->avail->ring[vq->size], __ATOMIC_RELAXED);

	return (uint16_t)(now - event - 1) < (uint16_t)(now - old);
}

/**
 * virtq_split_kick_disable - tell the driver that the ring is polled
 * @vq: ring
 */
void virtq_split_kick_disable(struct virtq_split *vq);

/**
 * virtq_split_kick_enable - ask the driver for a kick at its next buffer
 * @vq: ring
 *
 * Return: true when there are buffers already, which the driver will not kick
 * for: poll again instead of sleeping.
 */
bool virtq_split_kick_enable(struct virtq_split *vq);

#endif
