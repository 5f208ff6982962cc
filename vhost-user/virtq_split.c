// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The driver shares every byte that is read here and may change it at any
 * moment.  So a value is read once, into a register that the compiler cannot
 * trade for a second read, then checked, then used: an index of the available
 * ring, a descriptor, an entry of an indirect table.
 *
 * Every walk is bounded by the size of its table and by the segments of a
 * batch, whatever the links say.
 */
#include <linux/virtio_config.h>
#include <string.h>

#include "vhost-user/virtq_split.h"

#define FEATURE(n) (UINT64_C(1) << (n))

/* How far ahead of the chain being read its successors are prefetched. */
#define PREFETCH_AHEAD 4

struct descriptor {
	uint64_t address;
	uint32_t length;
	uint16_t flags;
	uint16_t next;
};

/* Read a descriptor, which need not be aligned, exactly once. */
static inline struct descriptor read_descriptor(const void *at)
{
	uint64_t word[2];

	memcpy(word, at, sizeof(word));
	/* Hides from the compiler that the words came from memory. */
	__asm__ volatile("" : "+r"(word[0]), "+r"(word[1]));
	return (struct descriptor){
		.address = word[0],
		.length = (uint32_t)word[1],
		.flags = (uint16_t)(word[1] >> 32),
		.next = (uint16_t)(word[1] >> 48),
	};
}

static inline uint16_t read_head(const struct virtq_split *vq, uint16_t position)
{
	return __atomic_load_n(&vq->avail->ring[position & (vq->size - 1)], __ATOMIC_RELAXED);
}

/* Append one buffer to the chain: as many segments as it touches regions. */
static inline enum virtq_error add_buffer(struct virtq_split *vq, struct virtq_batch *batch,
					  struct virtq_chain *chain,
					  const struct descriptor *buffer)
{
	bool writable = buffer->flags & VRING_DESC_F_WRITE;
	uint32_t *bytes = writable ? &chain->writable_length : &chain->readable_length;
	uint16_t *segments = writable ? &chain->writable : &chain->readable;
	uint64_t address = buffer->address;
	uint32_t left = buffer->length;

	if (unlikely(!writable && chain->writable))
		return VIRTQ_ERROR_ORDER;
	if (unlikely(__builtin_add_overflow(*bytes, left, bytes)))
		return VIRTQ_ERROR_BYTES;
	while (left) {
		uint32_t length = left;
		uint8_t *data = guest_memory_at(vq->memory, &vq->region, address, &length);

		if (unlikely(!data))
			return VIRTQ_ERROR_ADDRESS;
		if (unlikely(batch->segment_count == VIRTQ_SEGMENTS_MAX))
			return VIRTQ_ERROR_SEGMENTS;
		batch->segments[batch->segment_count++] = (struct virtq_segment){data, length};
		++*segments;
		address += length;
		left -= length;
	}
	return VIRTQ_OK;
}

/* Section 2.7.5.3: @table describes the indirect table. */
static enum virtq_error add_indirect(struct virtq_split *vq, struct virtq_batch *batch,
				     struct virtq_chain *chain, const struct descriptor *table)
{
	uint32_t count = table->length / sizeof(struct vring_desc);
	uint32_t index = 0;

	if (!vq->indirect)
		return VIRTQ_ERROR_INDIRECT_FEATURE;
	if (!count || table->length % sizeof(struct vring_desc))
		return VIRTQ_ERROR_INDIRECT_SIZE;
	for (uint32_t steps = 0; steps < count; steps++) {
		uint64_t address = table->address + index * sizeof(struct vring_desc);
		uint32_t length = sizeof(struct vring_desc);
		const uint8_t *at = guest_memory_at(vq->memory, &vq->region, address, &length);
		enum virtq_error error;

		if (!at || length < sizeof(struct vring_desc))
			return VIRTQ_ERROR_INDIRECT_ADDRESS;
		/* Descriptors without length make no segments but take time. */
		if (steps == VIRTQ_SEGMENTS_MAX)
			return VIRTQ_ERROR_SEGMENTS;
		struct descriptor buffer = read_descriptor(at);

		if (buffer.flags & VRING_DESC_F_INDIRECT)
			return VIRTQ_ERROR_INDIRECT_FLAGS;
		error = add_buffer(vq, batch, chain, &buffer);
		if (error || !(buffer.flags & VRING_DESC_F_NEXT))
			return error;
		index = buffer.next;
		if (index >= count)
			return VIRTQ_ERROR_NEXT;
	}
	return VIRTQ_ERROR_LOOP;
}

/* Follow a chain through the descriptor table. */
static inline enum virtq_error add_chain(struct virtq_split *vq, struct virtq_batch *batch,
					 struct virtq_chain *chain)
{
	uint16_t index = chain->head;

	for (unsigned int steps = 0; steps < vq->size; steps++) {
		if (unlikely(index >= vq->size))
			return steps ? VIRTQ_ERROR_NEXT : VIRTQ_ERROR_HEAD;
		struct descriptor buffer = read_descriptor(&vq->desc[index]);
		enum virtq_error error;

		if (buffer.flags & VRING_DESC_F_INDIRECT) {
			if (buffer.flags & VRING_DESC_F_NEXT)
				return VIRTQ_ERROR_INDIRECT_FLAGS;
			return add_indirect(vq, batch, chain, &buffer);
		}
		error = add_buffer(vq, batch, chain, &buffer);
		if (unlikely(error) || !(buffer.flags & VRING_DESC_F_NEXT))
			return error;
		index = buffer.next;
	}
	return VIRTQ_ERROR_LOOP;
}

/* Take the next available chain; false when it cannot be had (now). */
static inline bool take_one(struct virtq_split *vq, struct virtq_batch *batch)
{
	struct virtq_chain *chain = &batch->chains[batch->chain_count];
	enum virtq_error error;

	if (unlikely(batch->chain_count == VIRTQ_CHAINS_MAX))
		return false;
	*chain = (struct virtq_chain){
		.head = read_head(vq, vq->avail_next),
		.first = batch->segment_count,
	};
	error = add_chain(vq, batch, chain);
	if (unlikely(error)) {
		batch->segment_count = chain->first;
		/* What does not fit behind other chains may fit into an empty batch. */
		if (error != VIRTQ_ERROR_SEGMENTS || !chain->first)
			vq->error = error;
		return false;
	}
	batch->chain_count++;
	vq->avail_next++;
	return true;
}

/* Number of chains that can be taken; looks again only when there are fewer than wanted. */
static inline unsigned int available(struct virtq_split *vq, unsigned int wanted)
{
	uint16_t count = vq->avail_end - vq->avail_next;

	if (unlikely(vq->error))
		return 0;
	if (count >= wanted)
		return count;
	/* What the driver wrote before it moved the index must be seen after it. */
	vq->avail_end = __atomic_load_n(&vq->avail->idx, __ATOMIC_ACQUIRE);
	count = vq->avail_end - vq->avail_next;
	if (unlikely(count > vq->size)) {
		vq->avail_end = vq->avail_next;
		vq->error = VIRTQ_ERROR_AVAIL_JUMP;
		return 0;
	}
	return count;
}

static inline void prefetch_descriptor(const struct virtq_split *vq, uint16_t position)
{
	__builtin_prefetch(&vq->desc[read_head(vq, position) & (vq->size - 1)]);
}

unsigned int virtq_split_take(struct virtq_split *vq, struct virtq_batch *batch, unsigned int max)
{
	unsigned int count = available(vq, max), taken = 0;

	if (count > max)
		count = max;
	for (unsigned int i = 0; i < count && i < PREFETCH_AHEAD; i++)
		prefetch_descriptor(vq, vq->avail_next + i);
	while (taken < count) {
		if (taken + PREFETCH_AHEAD < count)
			prefetch_descriptor(vq, vq->avail_next + PREFETCH_AHEAD);
		if (!take_one(vq, batch))
			break;
		const struct virtq_chain *chain = &batch->chains[batch->chain_count - 1];

		if (likely(batch->segment_count > chain->first))
			__builtin_prefetch(batch->segments[chain->first].data);
		taken++;
	}
	return taken;
}

/* Take a chain that is all room; 0 when it cannot be had. */
static inline uint32_t take_room(struct virtq_split *vq, struct virtq_batch *batch)
{
	if (!available(vq, 1))
		return 0;
	prefetch_descriptor(vq, vq->avail_next + PREFETCH_AHEAD);
	if (!take_one(vq, batch))
		return 0;
	const struct virtq_chain *chain = &batch->chains[batch->chain_count - 1];

	if (likely(chain->writable_length && !chain->readable))
		return chain->writable_length;
	vq->error = chain->readable ? VIRTQ_ERROR_RX_READABLE : VIRTQ_ERROR_RX_EMPTY;
	virtq_split_untake(vq, batch, 1);
	return 0;
}

unsigned int virtq_split_take_space(struct virtq_split *vq, struct virtq_batch *batch,
				    uint32_t length, unsigned int max)
{
	unsigned int taken = 0;
	uint64_t room = 0;

	while (room < length && taken < max) {
		uint32_t more = take_room(vq, batch);

		if (!more)
			break;
		room += more;
		taken++;
	}
	if (likely(room >= length))
		return taken;
	virtq_split_untake(vq, batch, taken);
	return 0;
}

void virtq_split_start(struct virtq_split *vq, const struct virtq_split_setup *setup)
{
	*vq = (struct virtq_split){
		.desc = setup->desc,
		.avail = setup->avail,
		.used = setup->used,
		.memory = setup->memory,
		.size = setup->size,
		.event_idx = setup->features & FEATURE(VIRTIO_RING_F_EVENT_IDX),
		.indirect = setup->features & FEATURE(VIRTIO_RING_F_INDIRECT_DESC),
		.region = setup->memory->regions,
		.avail_next = setup->avail_next,
		.avail_end = setup->avail_next,
	};
	vq->used_next = vq->used_published = __atomic_load_n(&vq->used->idx, __ATOMIC_RELAXED);
	virtq_split_kick_disable(vq);
}

/* Where the device says at which available entry it wants a kick, section 2.7.8. */
static void write_avail_event(struct virtq_split *vq, uint16_t position)
{
	uint8_t *at = (uint8_t *)&vq->used->ring[vq->size];

	__atomic_store_n((uint16_t *)(void *)at, position, __ATOMIC_RELAXED);
}

void virtq_split_kick_disable(struct virtq_split *vq)
{
	/* With event indices an entry that is already behind does not kick again
	 * before the index went round. */
	if (vq->event_idx)
		write_avail_event(vq, vq->avail_next - 1);
	else
		__atomic_store_n(&vq->used->flags, VRING_USED_F_NO_NOTIFY, __ATOMIC_RELAXED);
}

bool virtq_split_kick_enable(struct virtq_split *vq)
{
	if (vq->event_idx)
		write_avail_event(vq, vq->avail_next);
	else
		__atomic_store_n(&vq->used->flags, 0, __ATOMIC_RELAXED);
	/* Our wish must be visible before we look at the index, as the driver moves the
	 * index first and looks at our wish then; or a buffer would wait for nobody. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (vq->error || __atomic_load_n(&vq->avail->idx, __ATOMIC_RELAXED) == vq->avail_next)
		return false;
	virtq_split_kick_disable(vq);
	return true;
}
