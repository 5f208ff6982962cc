// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The packed ring, virtio 1.2 section 2.8: one ring of descriptors that driver
 * and device both write.
 *
 * A descriptor is available when its AVAIL bit is the driver's wrap counter and
 * its USED bit is not; used when both are.  The buffers of a chain follow each
 * other in the ring, and the last one carries its buffer ID.  The device
 * writes one used descriptor for a chain where the chain began, and skips as
 * many entries as the chain had.
 *
 * The driver looks at used descriptors in order.  So of all that is pushed
 * between two publishes the flags of the first are written last, and that makes
 * all of them visible at once.
 */
#include <linux/virtio_config.h>

#include "vhost-user/ring/virtq_chain.h"
#include "vhost-user/ring/virtq_packed_flags.h"
#include "vhost-user/ring/virtq_position.h"

/* Entries of a cache line. */
#define PER_LINE (VIRTQ_CACHE_LINE / sizeof(struct vring_packed_desc))
#define EVENT_WRAP (UINT16_C(1) << VRING_PACKED_EVENT_F_WRAP_CTR)

static_assert(sizeof(struct vring_packed_desc) == 16 &&
		      offsetof(struct vring_packed_desc, len) == 8 &&
		      offsetof(struct vring_packed_desc, id) == 12 &&
		      offsetof(struct vring_packed_desc, flags) == 14,
	      "descriptor, section 2.8.13");
static_assert(sizeof(struct vring_packed_desc_event) == 4 &&
		      offsetof(struct vring_packed_desc_event, flags) == 2,
	      "event suppression, section 2.8.14");

struct descriptor {
	uint64_t address;
	uint32_t length;
	uint16_t id;
	uint16_t flags;
};

VIRTQ_INLINE struct descriptor to_descriptor(const uint64_t word[2])
{
	return (struct descriptor){
		.address = word[0],
		.length = (uint32_t)word[1],
		.id = (uint16_t)(word[1] >> 32),
		.flags = (uint16_t)(word[1] >> 48),
	};
}

/* Read an entry exactly once, its flags first: the rest was written before them. */
VIRTQ_INLINE struct descriptor read_entry(const struct vring_packed_desc *entry)
{
	const uint64_t *at = (const uint64_t *)(const void *)entry;
	uint64_t word[2];

	word[1] = __atomic_load_n(at + 1, __ATOMIC_ACQUIRE);
	word[0] = __atomic_load_n(at, __ATOMIC_RELAXED);
	return to_descriptor(word);
}

/* Move an index on by some entries, at most a whole round. */
VIRTQ_INLINE void advance(const struct virtq *vq, uint16_t *index, bool *wrap, uint16_t entries)
{
	uint32_t next = (uint32_t)*index + entries;

	if (next >= vq->size) {
		next -= vq->size;
		*wrap = !*wrap;
	}
	*index = (uint16_t)next;
}

static void log_entries(struct virtq *vq, unsigned int first, unsigned int end)
{
	dirty_log_mark(vq->log, vq->memory, &vq->packed.desc[first],
		       sizeof(*vq->packed.desc) * (end - first));
}

/* The entries that were written since the last publish, which may be all of them. */
static void log_published(struct virtq *vq)
{
	uint16_t first = vq->packed.used_first, next = vq->packed.used_next;

	if (next > first) {
		log_entries(vq, first, next);
		return;
	}
	log_entries(vq, first, vq->size);
	log_entries(vq, 0, next);
}

VIRTQ_INLINE enum virtq_error add_buffer(struct virtq *vq, struct virtq_batch *batch,
					 struct virtq_chain *chain,
					 const struct descriptor *buffer)
{
	return virtq_add_buffer(vq, batch, chain, buffer->address, buffer->length,
				buffer->flags & VRING_DESC_F_WRITE);
}

/* Section 2.8.7: all descriptors of the table, in order. */
static enum virtq_error add_indirect(struct virtq *vq, struct virtq_batch *batch,
				     struct virtq_chain *chain, const struct descriptor *table)
{
	enum virtq_error error = virtq_check_indirect(vq, table->length, table->flags);

	for (uint32_t at = 0; !error && at < table->length; at += 16) {
		struct descriptor buffer;
		uint64_t word[2];

		error = virtq_read_indirect(vq, table->address + at, word);
		if (error)
			return error;
		buffer = to_descriptor(word);
		if (buffer.flags & VRING_DESC_F_INDIRECT)
			return VIRTQ_ERROR_INDIRECT_FLAGS;
		if (vq->reads_only)
			buffer.flags &= (uint16_t)~VRING_DESC_F_WRITE;
		error = add_buffer(vq, batch, chain, &buffer);
	}
	return error;
}

enum virtq_error virtq_packed_add_copy(struct virtq *vq, struct virtq_batch *batch,
				       struct virtq_chain *chain,
				       const struct vring_packed_desc *copy)
{
	const struct descriptor buffer = {copy->addr, copy->len, copy->id, copy->flags};

	chain->id = buffer.id;
	if (buffer.flags & VRING_DESC_F_INDIRECT)
		return add_indirect(vq, batch, chain, &buffer);
	return add_buffer(vq, batch, chain, &buffer);
}

/* The chain that begins with @buffer, which is available, at the next entry. */
VIRTQ_OUT_OF_LINE enum virtq_error add_chain(struct virtq *vq, struct virtq_batch *batch,
					     struct virtq_chain *chain, struct descriptor buffer)
{
	uint16_t index = vq->packed.avail_next;

	for (;;) {
		enum virtq_error error;

		/* Whatever the flags say, no more entries are out than there are. */
		if (unlikely(++chain->descriptors + vq->packed.taken > vq->size))
			return chain->descriptors > vq->size ? VIRTQ_ERROR_LOOP :
							       VIRTQ_ERROR_AVAIL_JUMP;
		chain->id = buffer.id;
		if (buffer.flags & VRING_DESC_F_INDIRECT)
			return add_indirect(vq, batch, chain, &buffer);
		error = add_buffer(vq, batch, chain, &buffer);
		if (unlikely(error) || !(buffer.flags & VRING_DESC_F_NEXT))
			return error;
		if (++index == vq->size)
			index = 0;
		buffer = read_entry(&vq->packed.desc[index]);
	}
}

/*
 * Usual chains that come one after the other, up to the end of the ring: a single buffer, all
 * to be read or all to be written, in the region of the buffer before.  What is anything else
 * is take_one()'s.
 */
VIRTQ_INLINE unsigned int take_usual(struct virtq *vq, struct virtq_batch *batch, unsigned int max,
				     bool writable)
{
	struct virtq_packed *packed = &vq->packed;
	struct virtq_usual usual = virtq_begin_usual(vq, writable);
	struct virtq_chain *chain = &batch->chains[batch->chain_count];
	struct virtq_segment *segment = &batch->segments[batch->segment_count];
	const struct vring_packed_desc *entry = &packed->desc[packed->avail_next];
	const unsigned int first = batch->segment_count, left = vq->size - packed->taken;
	const unsigned int to_end = (unsigned int)vq->size - packed->avail_next;
	unsigned int count = virtq_usual_room(batch, max), taken;

	count = count < to_end ? count : to_end;
	count = count < left ? count : left;
	if (unlikely(vq->error))
		return 0;
	usual.kinds |= VIRTQ_AVAIL | VIRTQ_USED;
	usual.flags |= packed->avail_wrap ? VIRTQ_AVAIL : VIRTQ_USED;
	for (taken = 0; taken < count; taken++, chain++, segment++, entry++) {
		struct descriptor buffer = read_entry(entry);

		if (taken + VIRTQ_PREFETCH_AHEAD < count && writable)
			prefetch_for_writing(entry + VIRTQ_PREFETCH_AHEAD);
		if (unlikely(!virtq_add_usual(&usual, chain, segment, buffer.address, buffer.length,
					      buffer.flags)))
			break;
		chain->id = buffer.id;
		chain->descriptors = 1;
		chain->first = (uint16_t)(first + taken);
	}
	virtq_end_usual(batch, taken);
	packed->taken += taken;
	advance(vq, &packed->avail_next, &packed->avail_wrap, (uint16_t)taken);
	return taken;
}

/* Take the next available chain; false when it cannot be had (now). */
VIRTQ_INLINE bool take_one(struct virtq *vq, struct virtq_batch *batch)
{
	struct virtq_packed *packed = &vq->packed;
	struct descriptor buffer = read_entry(&packed->desc[packed->avail_next]);
	struct virtq_chain *chain;

	if (!virtq_is_available(buffer.flags, packed->avail_wrap) || unlikely(vq->error))
		return false;
	chain = virtq_begin_chain(batch);
	if (unlikely(!chain))
		return false;
	if (likely(packed->taken < vq->size &&
		   virtq_add_whole(vq, batch, chain, buffer.address, buffer.length, buffer.flags))) {
		chain->id = buffer.id;
		chain->descriptors = 1;
		batch->chain_count++;
	} else if (!virtq_end_chain(vq, batch, chain, add_chain(vq, batch, chain, buffer))) {
		return false;
	}
	packed->taken += chain->descriptors;
	advance(vq, &packed->avail_next, &packed->avail_wrap, chain->descriptors);
	return true;
}

/*
 * Entries that will be read, and written when their chains are given back: one transfer from the
 * driver's cache instead of two.
 */
VIRTQ_INLINE void prefetch_entries(const struct virtq *vq, unsigned int count)
{
	for (unsigned int i = PER_LINE; i < count + PER_LINE && i < vq->size; i += PER_LINE) {
		unsigned int index = vq->packed.avail_next + i;

		prefetch_for_writing(&vq->packed.desc[index < vq->size ? index : index - vq->size]);
	}
}

static void expect(const struct virtq *vq)
{
	prefetch_for_writing(&vq->packed.desc[vq->packed.avail_next]);
}

static unsigned int take(struct virtq *vq, struct virtq_batch *batch, unsigned int max)
{
	unsigned int taken = 0;

	if (!virtq_is_available(vq->packed.desc[vq->packed.avail_next].flags, vq->packed.avail_wrap))
		return 0;
	prefetch_entries(vq, 32);

	while ((taken += take_usual(vq, batch, max - taken, false)) < max && take_one(vq, batch)) {
		const struct virtq_chain *chain = &batch->chains[batch->chain_count - 1];

		if (likely(batch->segment_count > chain->first))
			__builtin_prefetch(batch->segments[chain->first].data);
		taken++;
	}
	return taken;
}

VIRTQ_INLINE void untake(struct virtq *vq, struct virtq_batch *batch, unsigned int count)
{
	struct virtq_packed *packed = &vq->packed;

	for (; count; count--) {
		const struct virtq_chain *chain = &batch->chains[--batch->chain_count];

		/* Back by as many entries is on by the others of a round, and once around. */
		packed->taken -= chain->descriptors;
		packed->avail_wrap = !packed->avail_wrap;
		advance(vq, &packed->avail_next, &packed->avail_wrap,
			vq->size - chain->descriptors);
		batch->segment_count = chain->first;
	}
}

/* Say what is going to be written, before it is; see virtq_position.h. */
VIRTQ_INLINE void keep_position(struct virtq_packed *packed, uint16_t here, uint16_t flags,
				uint64_t run)
{
	uint64_t next = virtq_place(packed->used_next, packed->used_wrap);

	if (!packed->withheld)
		packed->unpublished = here | (uint64_t)flags << 48;
	*packed->position = packed->unpublished | (uint64_t)here << 16 | next << 32 | run;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

VIRTQ_INLINE uint16_t used_flags(bool wrap, uint32_t length)
{
	return virtq_used_flags(wrap) | (length ? VRING_DESC_F_WRITE : 0);
}

/* Write an element; the flags of the first one wait for the next publish. */
VIRTQ_INLINE void write_element(struct virtq_packed *packed, uint16_t index, uint16_t flags,
				uint16_t id, uint32_t length)
{
	struct vring_packed_desc *entry = &packed->desc[index];

	if (likely(packed->withheld)) {
		/* What is told by these flags must be there when another process reads them. */
		__atomic_store_n((uint64_t *)(void *)&entry->len,
				 length | (uint64_t)id << 32 | (uint64_t)flags << 48,
				 __ATOMIC_RELEASE);
		return;
	}
	entry->id = id;
	entry->len = length;
	packed->withheld = true;
	packed->used_first = index;
	packed->first_flags = flags;
}

/* Give a chain back that may have several entries. */
VIRTQ_INLINE void push(struct virtq *vq, const struct virtq_chain *chain, uint32_t length)
{
	struct virtq_packed *packed = &vq->packed;
	uint16_t index = packed->used_next, here = virtq_place(index, packed->used_wrap);
	uint16_t flags = used_flags(packed->used_wrap, length);

	advance(vq, &packed->used_next, &packed->used_wrap, chain->descriptors);
	keep_position(packed, here, flags, 0);
	write_element(packed, index, flags, chain->id, length);
}

/* Give chains of one entry each back: all of them are one change of the position. */
VIRTQ_INLINE void push_run(struct virtq *vq, const struct virtq_chain *chains, unsigned int count,
			   const uint32_t *lengths)
{
	struct virtq_packed *packed = &vq->packed;
	const uint32_t size = vq->size;
	uint16_t index = packed->used_next;
	bool wrap = packed->used_wrap;

	advance(vq, &packed->used_next, &packed->used_wrap, (uint16_t)count);
	keep_position(packed, virtq_place(index, wrap), used_flags(wrap, lengths ? *lengths : 0),
		      VIRTQ_POSITION_RUN);
	for (unsigned int i = 0; i < count; i++) {
		uint32_t length = lengths ? lengths[i] : 0;

		write_element(packed, index, used_flags(wrap, length), chains[i].id, length);
		if (++index == size) {
			index = 0;
			wrap = !wrap;
		}
	}
}

/* Give chains back, of which @lengths were written; NULL for nothing. */
VIRTQ_INLINE void push_all(struct virtq *vq, const struct virtq_chain *chains, unsigned int count,
			   const uint32_t *lengths)
{
	for (unsigned int at = 0, run; at < count; at += run) {
		for (run = 0; at + run < count && chains[at + run].descriptors == 1; run++)
			;
		if (likely(run)) {
			push_run(vq, &chains[at], run, lengths ? &lengths[at] : NULL);
		} else {
			push(vq, &chains[at], lengths ? lengths[at] : 0);
			run = 1;
		}
	}
}

/* Whether the driver asked to be called for one of the entries from @old on. */
static bool wants_call(const struct virtq *vq, uint16_t old)
{
	const struct virtq_packed *packed = &vq->packed;
	uint32_t word = __atomic_load_n((const uint32_t *)(const void *)packed->driver_event,
					__ATOMIC_RELAXED);
	uint16_t now = packed->used_next, event = word & (EVENT_WRAP - 1), flags = word >> 16 & 3;

	if (flags != VRING_PACKED_EVENT_FLAG_DESC || !vq->event_idx)
		return flags != VRING_PACKED_EVENT_FLAG_DISABLE;
	/* Count on from one round into the next, as section 2.8.10.1 has it. */
	if (now <= old)
		old -= vq->size;
	if (!!(word & EVENT_WRAP) != packed->used_wrap)
		event -= vq->size;
	return vring_need_event(event, now, old);
}

/* Of something: where it ends where it began it is all of the ring, as no more can be taken. */
static uint16_t unpublished_entries(const struct virtq *vq)
{
	uint16_t first = vq->packed.used_first, next = vq->packed.used_next;

	return next > first ? next - first : vq->size - first + next;
}

static bool publish(struct virtq *vq)
{
	struct virtq_packed *packed = &vq->packed;

	if (!packed->withheld)
		return false;
	/* The driver that sees these flags must see what was written before them. */
	__atomic_store_n(&packed->desc[packed->used_first].flags, packed->first_flags,
			 __ATOMIC_RELEASE);
	packed->withheld = false;
	packed->taken -= unpublished_entries(vq);
	if (unlikely(vq->log))
		log_published(vq);
	/* Nothing is left to be published only once this is. */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	*packed->position = virtq_position(virtq_place(packed->used_next, packed->used_wrap));
	/* They must be visible before we read whether the driver, which sets its wish first
	 * and looks at them then, wants a call; or both would wait. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return wants_call(vq, packed->used_first);
}

static void write_device_event(struct virtq *vq, uint16_t position, uint16_t flags)
{
	__atomic_store_n((uint32_t *)(void *)vq->packed.device_event,
			 (uint32_t)flags << 16 | position, __ATOMIC_RELAXED);
	if (unlikely(vq->log))
		virtq_log_device(vq, vq->packed.device_event, 0, sizeof(*vq->packed.device_event));
}

static void kick_disable(struct virtq *vq)
{
	write_device_event(vq, 0, VRING_PACKED_EVENT_FLAG_DISABLE);
}

static bool kick_enable(struct virtq *vq)
{
	const struct virtq_packed *packed = &vq->packed;
	uint16_t next = packed->avail_next | (packed->avail_wrap ? EVENT_WRAP : 0);

	if (vq->event_idx)
		write_device_event(vq, next, VRING_PACKED_EVENT_FLAG_DESC);
	else
		/* No position belongs to it, but so it tells that the ring has a device. */
		write_device_event(vq, 1, VRING_PACKED_EVENT_FLAG_ENABLE);
	/* Our wish must be visible before we look for buffers, as the driver adds them
	 * first and looks at our wish then; or a buffer would wait for nobody. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (vq->error ||
	    !virtq_is_available(read_entry(&packed->desc[packed->avail_next]).flags,
				packed->avail_wrap))
		return false;
	kick_disable(vq);
	return true;
}

static uint32_t base(const struct virtq *vq)
{
	const struct virtq_packed *packed = &vq->packed;

	return packed->avail_next | (uint32_t)packed->avail_wrap << 15 |
	       (uint32_t)packed->used_next << 16 | (uint32_t)packed->used_wrap << 31;
}

/*
 * What is not available is as its driver made it, zero, unless it was used.  What is may be what the
 * driver has added to a new ring, or to one that came round.
 */
static bool is_new(const struct virtq *vq)
{
	const struct virtq_packed *packed = &vq->packed;
	bool is_zero = !packed->avail_next && !packed->used_next && packed->avail_wrap &&
		      packed->used_wrap;
	uint16_t available = 0;

	for (uint16_t i = 0; is_zero && i < vq->size; i++) {
		const struct descriptor entry = read_entry(&packed->desc[i]);

		if (virtq_is_available(entry.flags, true))
			available++;
		else
			is_zero = !entry.address && !entry.length && !entry.id && !entry.flags;
	}
	return is_zero && available < vq->size;
}

VIRTQ_DEFINE_OPS(virtq_packed);

void virtq_packed_start(struct virtq *vq, const struct virtq_setup *setup)
{
	uint16_t used = setup->base >> 16;

	vq->ops = &virtq_packed_ops;
	vq->packed = (struct virtq_packed){
		.desc = setup->desc,
		.driver_event = setup->driver,
		.device_event = setup->device,
		.avail_next = used & 0x7fff,
		.used_next = used & 0x7fff,
		.avail_wrap = used >> 15,
		.used_wrap = used >> 15,
		.position = setup->position ? setup->position : &vq->packed.private_position,
	};
	*vq->packed.position = virtq_position(used);
	vq->packed.taken = setup->in_flight;
	advance(vq, &vq->packed.avail_next, &vq->packed.avail_wrap, setup->in_flight);
}
