// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The split ring, virtio 1.2 section 2.7.
 *
 * Every walk is bounded by the size of its table and by the segments of a
 * batch, of which descriptors without length count as one each, whatever the links say.
 */
#include "vhost-user/ring/virtq_chain.h"

static_assert(sizeof(struct vring_desc) == 16 && offsetof(struct vring_desc, len) == 8 &&
		      offsetof(struct vring_desc, flags) == 12 &&
		      offsetof(struct vring_desc, next) == 14,
	      "descriptor, section 2.7.5");
static_assert(offsetof(struct vring_avail, idx) == 2 && offsetof(struct vring_avail, ring) == 4,
	      "available ring, section 2.7.6");
static_assert(sizeof(struct vring_used_elem) == 8 && offsetof(struct vring_used, idx) == 2 &&
		      offsetof(struct vring_used, ring) == 4,
	      "used ring, section 2.7.8");

struct descriptor {
	uint64_t address;
	uint32_t length;
	uint16_t flags;
	uint16_t next;
};

VIRTQ_INLINE struct descriptor to_descriptor(const uint64_t word[2])
{
	return (struct descriptor){
		.address = word[0],
		.length = (uint32_t)word[1],
		.flags = (uint16_t)(word[1] >> 32),
		.next = (uint16_t)(word[1] >> 48),
	};
}

/* Flags and index of the used ring. */
static void log_index(struct virtq *vq)
{
	virtq_log_device(vq, vq->split.used, 0, offsetof(struct vring_used, ring));
}

static void log_elements(struct virtq *vq, unsigned int first, unsigned int count)
{
	virtq_log_device(vq, vq->split.used,
			 offsetof(struct vring_used, ring) + first * sizeof(struct vring_used_elem),
			 count * sizeof(struct vring_used_elem));
}

/* What was written of the ring since the driver was last told of used elements. */
static void log_published(struct virtq *vq, uint16_t old, uint16_t now)
{
	uint16_t first = old & (vq->size - 1), count = now - old;
	uint16_t to_end = vq->size - first;

	if (count > to_end) {
		log_elements(vq, 0, count - to_end);
		count = to_end;
	}
	log_elements(vq, first, count);
	log_index(vq);
}

/* What was written of the ring to say whether kicks are wanted. */
static void log_wish(struct virtq *vq)
{
	if (likely(!vq->log))
		return;
	if (vq->event_idx)
		virtq_log_device(vq, vq->split.used,
				 offsetof(struct vring_used, ring) +
					 vq->size * sizeof(struct vring_used_elem),
				 sizeof(uint16_t));
	else
		log_index(vq);
}

VIRTQ_INLINE enum virtq_error add_buffer(struct virtq *vq, struct virtq_batch *batch,
					 struct virtq_chain *chain,
					 const struct descriptor *buffer)
{
	return virtq_add_buffer(vq, batch, chain, buffer->address, buffer->length,
				buffer->flags & VRING_DESC_F_WRITE);
}

VIRTQ_INLINE uint16_t read_head(const struct virtq *vq, uint16_t position)
{
	return __atomic_load_n(&vq->split.avail->ring[position & (vq->size - 1)],
			       __ATOMIC_RELAXED);
}

/* Section 2.7.5.3: @table describes the indirect table. */
static enum virtq_error add_indirect(struct virtq *vq, struct virtq_batch *batch,
				     struct virtq_chain *chain, const struct descriptor *table)
{
	enum virtq_error error = virtq_check_indirect(vq, table->length, table->flags);
	uint32_t count = table->length / sizeof(struct vring_desc);
	uint32_t index = 0;

	for (uint32_t steps = 0; !error && steps < count; steps++) {
		struct descriptor buffer;
		uint64_t word[2];

		error = virtq_read_indirect(vq, table->address + index * sizeof(struct vring_desc),
					    word);
		if (error)
			return error;
		buffer = to_descriptor(word);
		if (buffer.flags & VRING_DESC_F_INDIRECT)
			return VIRTQ_ERROR_INDIRECT_FLAGS;
		error = add_buffer(vq, batch, chain, &buffer);
		if (error || !(buffer.flags & VRING_DESC_F_NEXT))
			return error;
		index = buffer.next;
		if (index >= count)
			return VIRTQ_ERROR_NEXT;
	}
	return error ? error : VIRTQ_ERROR_LOOP;
}

VIRTQ_INLINE struct descriptor read_descriptor(const struct vring_desc *at)
{
	uint64_t word[2];

	virtq_read_once(at, word);
	return to_descriptor(word);
}

/* Follow a chain through the descriptor table from its first descriptor. */
VIRTQ_OUT_OF_LINE enum virtq_error add_chain(struct virtq *vq, struct virtq_batch *batch,
					     struct virtq_chain *chain, struct descriptor buffer)
{
	for (unsigned int steps = 0; steps < vq->size; steps++) {
		enum virtq_error error;

		if (buffer.flags & VRING_DESC_F_INDIRECT)
			return add_indirect(vq, batch, chain, &buffer);
		error = add_buffer(vq, batch, chain, &buffer);
		if (unlikely(error) || !(buffer.flags & VRING_DESC_F_NEXT))
			return error;
		if (unlikely(buffer.next >= vq->size))
			return VIRTQ_ERROR_NEXT;
		buffer = read_descriptor(&vq->split.desc[buffer.next]);
	}
	return VIRTQ_ERROR_LOOP;
}

/* The chain that begins at @head; false when it cannot be had. */
VIRTQ_INLINE bool take_chain(struct virtq *vq, struct virtq_batch *batch, uint16_t head)
{
	struct virtq_chain *chain = virtq_begin_chain(batch);
	struct descriptor buffer;

	if (unlikely(!chain))
		return false;
	chain->id = head;
	if (unlikely(head >= vq->size))
		return virtq_end_chain(vq, batch, chain, VIRTQ_ERROR_HEAD);
	buffer = read_descriptor(&vq->split.desc[head]);
	if (likely(virtq_add_whole(vq, batch, chain, buffer.address, buffer.length, buffer.flags))) {
		batch->chain_count++;
		return true;
	}
	return virtq_end_chain(vq, batch, chain, add_chain(vq, batch, chain, buffer));
}

VIRTQ_INLINE void prefetch_descriptor(const struct virtq *vq, uint16_t position)
{
	__builtin_prefetch(&vq->split.desc[read_head(vq, position) & (vq->size - 1)]);
}

/*
 * Number of chains that can be taken; looks again only when there are fewer than wanted.  With
 * those that the driver has not got back they are no more than the ring has, so between two
 * publishes no element is written twice, whatever the driver adds meanwhile.
 */
VIRTQ_INLINE unsigned int available(struct virtq *vq, unsigned int wanted)
{
	struct virtq_split *split = &vq->split;
	uint16_t count = split->avail_end - split->avail_next, out;

	if (unlikely(vq->error))
		return 0;
	if (count >= wanted)
		return count;
	/* What the driver wrote before it moved the index must be seen after it. */
	split->avail_end = __atomic_load_n(&split->avail->idx, __ATOMIC_ACQUIRE);
	count = split->avail_end - split->avail_next;
	out = split->avail_next - split->used_published;
	if (unlikely(count > vq->size - out)) {
		split->avail_end = split->avail_next;
		vq->error = VIRTQ_ERROR_AVAIL_JUMP;
		return 0;
	}
	return count;
}

/* Heads of the next chains, each read once. */
VIRTQ_INLINE void read_heads(const struct virtq *vq, uint16_t *heads, unsigned int count)
{
	const uint16_t *ring = vq->split.avail->ring;
	const unsigned int at = vq->split.avail_next & (vq->size - 1u), to_end = vq->size - at;
	const unsigned int first = count < to_end ? count : to_end;

	copy_short(heads, &ring[at], first * sizeof(*heads));
	if (unlikely(first < count))
		memcpy(heads + first, ring, (count - first) * sizeof(*heads));
	/* The compiler must not read them again instead of keeping them. */
	__asm__ volatile("" : : : "memory");
}

/*
 * Usual chains that come one after the other: a single buffer, all to be read or all to be
 * written, in the region of the buffer before.  What is anything else is take_one()'s.
 */
VIRTQ_INLINE unsigned int take_usual(struct virtq *vq, struct virtq_batch *batch, unsigned int max,
				     bool writable)
{
	const struct virtq_usual usual = virtq_begin_usual(vq, writable);
	struct virtq_chain *chain = &batch->chains[batch->chain_count];
	struct virtq_segment *segment = &batch->segments[batch->segment_count];
	unsigned int count = available(vq, max), room = virtq_usual_room(batch, max), taken;
	const struct vring_desc *table = vq->split.desc;
	const unsigned int size = vq->size, first = batch->segment_count;
	uint16_t heads[VIRTQ_CHAINS_MAX + VIRTQ_PREFETCH_AHEAD];

	count = count < room ? count : room;
	if (!count)
		return 0;
	read_heads(vq, heads, count);
	memset(heads + count, 0, VIRTQ_PREFETCH_AHEAD * sizeof(*heads));
	for (unsigned int i = 0; i < VIRTQ_PREFETCH_AHEAD && i < count; i++)
		__builtin_prefetch(&table[heads[i] & (size - 1)]);
	for (taken = 0; taken < count; taken++, chain++, segment++) {
		unsigned int head = heads[taken];
		struct descriptor buffer;

		__builtin_prefetch(&table[heads[taken + VIRTQ_PREFETCH_AHEAD] & (size - 1)]);
		if (unlikely(head >= size))
			break;
		buffer = read_descriptor(&table[head]);
		if (unlikely(!virtq_add_usual(&usual, chain, segment, buffer.address, buffer.length,
					      buffer.flags)))
			break;
		chain->id = (uint16_t)head;
		chain->first = (uint16_t)(first + taken);
	}
	virtq_end_usual(batch, taken);
	vq->split.avail_next = (uint16_t)(vq->split.avail_next + taken);
	return taken;
}

/* Take the next available chain; false when it cannot be had (now). */
VIRTQ_INLINE bool take_one(struct virtq *vq, struct virtq_batch *batch)
{
	if (!available(vq, 1))
		return false;
	prefetch_descriptor(vq, vq->split.avail_next + VIRTQ_PREFETCH_AHEAD);
	if (!take_chain(vq, batch, read_head(vq, vq->split.avail_next)))
		return false;
	vq->split.avail_next++;
	return true;
}

bool virtq_split_take_again(struct virtq *vq, struct virtq_batch *batch, uint16_t head)
{
	return take_chain(vq, batch, head);
}

static void expect(const struct virtq *vq)
{
	__builtin_prefetch(&vq->split.avail->idx);
	__builtin_prefetch(&vq->split.avail->ring[vq->split.avail_next & (vq->size - 1)]);
}

static unsigned int take(struct virtq *vq, struct virtq_batch *batch, unsigned int max)
{
	unsigned int count = available(vq, max), taken = 0;

	count = count < max ? count : max;
	while ((taken += take_usual(vq, batch, count - taken, false)) < count &&
	       take_one(vq, batch)) {
		const struct virtq_chain *chain = &batch->chains[batch->chain_count - 1];

		if (likely(batch->segment_count > chain->first))
			__builtin_prefetch(batch->segments[chain->first].data);
		taken++;
	}
	return taken;
}

VIRTQ_INLINE void untake(struct virtq *vq, struct virtq_batch *batch, unsigned int count)
{
	if (!count)
		return;
	vq->split.avail_next -= count;
	batch->chain_count -= count;
	batch->segment_count = batch->chains[batch->chain_count].first;
}

/* Give chains back, of which @lengths were written; NULL for nothing. */
VIRTQ_INLINE void push_all(struct virtq *vq, const struct virtq_chain *chains, unsigned int count,
			   const uint32_t *lengths)
{
	struct vring_used_elem *ring = vq->split.used->ring;
	const uint16_t mask = vq->size - 1, next = vq->split.used_next;

	for (unsigned int i = 0; i < count; i++) {
		const struct vring_used_elem element = {chains[i].id, lengths ? lengths[i] : 0};

		memcpy(&ring[(next + i) & mask], &element, sizeof(element));
	}
	vq->split.used_next = (uint16_t)(next + count);
}

static bool publish(struct virtq *vq)
{
	struct virtq_split *split = &vq->split;
	uint16_t old = split->used_published;
	uint16_t now = split->used_next;
	uint16_t event;

	if (old == now)
		return false;
	/* The driver that sees the index must see the elements and buffers before it. */
	__atomic_store_n(&split->used->idx, now, __ATOMIC_RELEASE);
	split->used_published = now;
	if (unlikely(vq->log))
		log_published(vq, old, now);
	/* The index must be visible before we read whether the driver, which sets its
	 * wish first and checks the index then, wants a call; or both would wait. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!vq->event_idx)
		return !(__atomic_load_n(&split->avail->flags, __ATOMIC_RELAXED) &
			 VRING_AVAIL_F_NO_INTERRUPT);
	event = __atomic_load_n(&split->avail->ring[vq->size], __ATOMIC_RELAXED);
	return vring_need_event(event, now, old);
}

/* Where the device says at which available entry it wants a kick, section 2.7.8. */
static void write_avail_event(struct virtq *vq, uint16_t position)
{
	uint8_t *at = (uint8_t *)&vq->split.used->ring[vq->size];

	__atomic_store_n((uint16_t *)(void *)at, position, __ATOMIC_RELAXED);
}

static void kick_disable(struct virtq *vq)
{
	/* With event indices an entry that is already behind does not kick again
	 * before the index went round. */
	if (vq->event_idx)
		write_avail_event(vq, vq->split.avail_next - 1);
	else
		__atomic_store_n(&vq->split.used->flags, VRING_USED_F_NO_NOTIFY, __ATOMIC_RELAXED);
	log_wish(vq);
}

static bool kick_enable(struct virtq *vq)
{
	if (vq->event_idx)
		write_avail_event(vq, vq->split.avail_next);
	else
		__atomic_store_n(&vq->split.used->flags, 0, __ATOMIC_RELAXED);
	log_wish(vq);
	/* Our wish must be visible before we look at the index, as the driver moves the
	 * index first and looks at our wish then; or a buffer would wait for nobody. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (vq->error ||
	    __atomic_load_n(&vq->split.avail->idx, __ATOMIC_RELAXED) == vq->split.avail_next)
		return false;
	kick_disable(vq);
	return true;
}

static uint32_t base(const struct virtq *vq)
{
	return vq->split.avail_next;
}

/* Not one element with an ID or a length. */
static bool is_new(const struct virtq *vq)
{
	const struct vring_used_elem *ring = vq->split.used->ring;
	uint32_t seen = vq->split.avail_next | vq->split.used_next;

	for (uint16_t i = 0; !seen && i < vq->size; i++)
		seen = __atomic_load_n(&ring[i].id, __ATOMIC_RELAXED) |
		       __atomic_load_n(&ring[i].len, __ATOMIC_RELAXED);
	return !seen;
}

VIRTQ_DEFINE_OPS(virtq_split);

void virtq_split_start(struct virtq *vq, const struct virtq_setup *setup)
{
	struct vring_used *used = setup->device;
	uint16_t used_next = __atomic_load_n(&used->idx, __ATOMIC_RELAXED);

	vq->ops = &virtq_split_ops;
	vq->split = (struct virtq_split){
		.desc = setup->desc,
		.avail = setup->driver,
		.used = used,
		.avail_next = (uint16_t)setup->base,
		.avail_end = (uint16_t)setup->base,
		.used_next = used_next,
		.used_published = used_next,
	};
}
