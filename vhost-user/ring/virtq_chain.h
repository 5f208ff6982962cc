/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What split and packed rings do alike; for virtq_split.c and virtq_packed.c.
 *
 * The driver shares every byte of a ring and may change it at any moment.  So a
 * value is read once, into a register that the compiler cannot trade for a
 * second read, then checked, then used.
 *
 * The functions that take a ring's own functions as arguments are inlined into
 * each kind with those arguments known, so that a burst has no indirect call.
 */
#ifndef VHOST_USER_RING_VIRTQ_CHAIN_H
#define VHOST_USER_RING_VIRTQ_CHAIN_H

#include <assert.h>
#include <string.h>

#include "vhost-user/copy.h"
#include "vhost-user/ring/virtq.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	      "rings of virtio 1.0 and later are little-endian, sections 2.7.1 and 2.8.1");

#define VIRTQ_INLINE static ALWAYS_INLINE

#define VIRTQ_OUT_OF_LINE static __attribute__((noinline))

/* How far ahead of the chain being read its successors are prefetched: four cache lines. */
#define VIRTQ_PREFETCH_AHEAD 16

/* First bytes of a buffer that are read before anything is decided: header and head of a frame. */
#define VIRTQ_PREFETCH_BYTES 192

extern const struct virtq_ops virtq_split_ops;
extern const struct virtq_ops virtq_packed_ops;

/* Make a ring of its kind; the common part is done. */
void virtq_split_start(struct virtq *vq, const struct virtq_setup *setup);
void virtq_packed_start(struct virtq *vq, const struct virtq_setup *setup);

/* Take a chain of which nothing but its head is known; false when it cannot be had (now). */
bool virtq_split_take_again(struct virtq *vq, struct virtq_batch *batch, uint16_t head);

/* Add a buffer, or the table of an indirect chain, by a descriptor that is no more in the ring. */
enum virtq_error virtq_packed_add_copy(struct virtq *vq, struct virtq_batch *batch,
				       struct virtq_chain *chain,
				       const struct vring_packed_desc *copy);

/* Have the addresses in a ring translated from now on. */
void virtq_translate(struct virtq *vq, const struct iotlb *iotlb);

/* Use the translations that there are now, for this burst only; without any nothing happens. */
void virtq_renew(struct virtq *vq);

/* What it is when there is nothing at an address: @error, or a translation is missing. */
enum virtq_error virtq_no_address(struct virtq *vq, uint64_t address, bool writable,
				  enum virtq_error error);

/* Read 16 bytes, which need not be aligned, exactly once. */
VIRTQ_INLINE void virtq_read_once(const void *at, uint64_t word[2])
{
	memcpy(word, at, 16);
	/* Hides from the compiler that the words came from memory. */
	__asm__ volatile("" : "+r"(word[0]), "+r"(word[1]));
}

/* Mark bytes of the device area, @at bytes from its start. */
static inline void virtq_log_device(struct virtq *vq, const void *area, size_t at, size_t length)
{
	dirty_log_mark(vq->log, vq->memory, (const uint8_t *)area + at, length);
	if (vq->log_device)
		dirty_log_mark_at(vq->log, vq->log_device + at, length);
}

/* The present table for what the device reads or writes; see virtq_set_memory(). */
VIRTQ_INLINE const struct guest_memory *virtq_map(const struct virtq *vq, bool writable)
{
	return __atomic_load_n(&vq->map[writable], __ATOMIC_ACQUIRE);
}

/* Append one buffer to the chain: as many segments as it touches regions. */
VIRTQ_INLINE enum virtq_error virtq_add_buffer(struct virtq *vq, struct virtq_batch *batch,
					       struct virtq_chain *chain, uint64_t address,
					       uint32_t left, bool writable)
{
	uint32_t *bytes = writable ? &chain->writable_length : &chain->readable_length;
	uint16_t *segments = writable ? &chain->writable : &chain->readable;

	batch->walked++;
	if (unlikely(!writable && chain->writable))
		return VIRTQ_ERROR_ORDER;
	if (unlikely(!left && batch->segment_count + batch->empty_count++ >= VIRTQ_SEGMENTS_MAX))
		return VIRTQ_ERROR_SEGMENTS;
	if (unlikely(__builtin_add_overflow(*bytes, left, bytes)))
		return VIRTQ_ERROR_BYTES;
	while (left) {
		uint32_t length = left;
		uint8_t *data = guest_memory_at(virtq_map(vq, writable), &vq->hint[writable], address,
						&length);

		if (unlikely(!data))
			return virtq_no_address(vq, address, writable, VIRTQ_ERROR_ADDRESS);
		if (unlikely(batch->segment_count + batch->empty_count >= VIRTQ_SEGMENTS_MAX))
			return VIRTQ_ERROR_SEGMENTS;
		batch->segments[batch->segment_count++] = (struct virtq_segment){data, length};
		++*segments;
		address += length;
		left -= length;
	}
	return VIRTQ_OK;
}

/*
 * The usual chain, one buffer in the region of the buffer before it; false when it is not
 * that, and then nothing has changed.
 */
VIRTQ_INLINE bool virtq_add_whole(const struct virtq *vq, struct virtq_batch *batch,
				  struct virtq_chain *chain, uint64_t address, uint32_t length,
				  uint16_t flags)
{
	bool writable = flags & VRING_DESC_F_WRITE;
	const struct guest_region *region = vq->hint[writable];
	uint64_t offset = address - region->gpa;

	if (unlikely(flags & (VRING_DESC_F_NEXT | VRING_DESC_F_INDIRECT)) ||
	    unlikely(offset >= region->size || length > region->size - offset) ||
	    unlikely(!length || batch->segment_count == VIRTQ_SEGMENTS_MAX))
		return false;
	batch->segments[batch->segment_count++] =
		(struct virtq_segment){region->host + offset, length};
	chain->readable = !writable;
	chain->writable = writable;
	chain->readable_length = writable ? 0 : length;
	chain->writable_length = writable ? length : 0;
	return true;
}

/* What many usual chains have in common, held in registers; @flags are those of @kinds. */
struct virtq_usual {
	uint64_t gpa;
	uint64_t size;
	uint8_t *host;
	uint16_t kinds;
	uint16_t flags;
	bool writable;
};

VIRTQ_INLINE struct virtq_usual virtq_begin_usual(const struct virtq *vq, bool writable)
{
	const struct guest_region *region = vq->hint[writable];

	return (struct virtq_usual){
		.gpa = region->gpa,
		.size = region->size,
		.host = region->host,
		.kinds = VRING_DESC_F_NEXT | VRING_DESC_F_WRITE | VRING_DESC_F_INDIRECT,
		.flags = writable ? VRING_DESC_F_WRITE : 0,
		.writable = writable,
	};
}

/* How many of @max a batch has room for. */
VIRTQ_INLINE unsigned int virtq_usual_room(const struct virtq_batch *batch, unsigned int max)
{
	unsigned int chains = (unsigned int)VIRTQ_CHAINS_MAX - batch->chain_count;
	unsigned int segments = (unsigned int)VIRTQ_SEGMENTS_MAX - batch->segment_count;

	max = max < chains ? max : chains;
	return max < segments ? max : segments;
}

/* The first lines of a buffer that will be read or written; a small frame mostly is in two. */
VIRTQ_INLINE void virtq_prefetch_buffer(const uint8_t *data, uint32_t length, bool writable)
{
	if (writable) {
		prefetch_for_writing(data);
		prefetch_for_writing(data + VIRTQ_CACHE_LINE);
		return;
	}
	__builtin_prefetch(data);
	__builtin_prefetch(data + VIRTQ_CACHE_LINE);
	for (uint32_t at = 2 * VIRTQ_CACHE_LINE; unlikely(at < length) && at < VIRTQ_PREFETCH_BYTES;
	     at += VIRTQ_CACHE_LINE)
		__builtin_prefetch(data + at);
}

/* Make such a chain of a descriptor; false when it is another one. */
VIRTQ_INLINE bool virtq_add_usual(const struct virtq_usual *usual, struct virtq_chain *chain,
				  struct virtq_segment *segment, uint64_t address, uint32_t length,
				  uint16_t flags)
{
	const uint64_t offset = address - usual->gpa, last = (uint64_t)length - 1;
	const bool writable = usual->writable;

	/* Without length @last is more than any size. */
	if (unlikely((flags & usual->kinds) != usual->flags) || unlikely(offset >= usual->size) ||
	    unlikely(last >= usual->size - offset))
		return false;
	*segment = (struct virtq_segment){usual->host + offset, length};
	*chain = (struct virtq_chain){
		.readable = !writable,
		.writable = writable,
		.readable_length = writable ? 0 : length,
		.writable_length = writable ? length : 0,
	};
	virtq_prefetch_buffer(segment->data, length, writable);
	return true;
}

VIRTQ_INLINE void virtq_end_usual(struct virtq_batch *batch, unsigned int taken)
{
	batch->chain_count = (uint16_t)(batch->chain_count + taken);
	batch->segment_count = (uint16_t)(batch->segment_count + taken);
}

/* Read one descriptor of an indirect table. */
VIRTQ_INLINE enum virtq_error virtq_read_indirect(struct virtq *vq, uint64_t address,
						  uint64_t word[2])
{
	uint32_t length = 16;
	const uint8_t *at =
		guest_memory_at(virtq_map(vq, false), &vq->hint[0], address, &length);

	if (!at)
		return virtq_no_address(vq, address, false, VIRTQ_ERROR_INDIRECT_ADDRESS);
	if (length < 16)
		return VIRTQ_ERROR_INDIRECT_ADDRESS;
	virtq_read_once(at, word);
	return VIRTQ_OK;
}

/* Whether an indirect table may be, section 2.7.5.3 and 2.8.7. */
VIRTQ_INLINE enum virtq_error virtq_check_indirect(const struct virtq *vq, uint32_t length,
						   uint16_t flags)
{
	if (flags & VRING_DESC_F_NEXT)
		return VIRTQ_ERROR_INDIRECT_FLAGS;
	if (!vq->indirect)
		return VIRTQ_ERROR_INDIRECT_FEATURE;
	if (!length || length % 16)
		return VIRTQ_ERROR_INDIRECT_SIZE;
	return VIRTQ_OK;
}

/* Begin the next chain of a batch; NULL when the batch is full. */
VIRTQ_INLINE struct virtq_chain *virtq_begin_chain(struct virtq_batch *batch)
{
	struct virtq_chain *chain = &batch->chains[batch->chain_count];

	if (unlikely(batch->chain_count == VIRTQ_CHAINS_MAX))
		return NULL;
	*chain = (struct virtq_chain){ .first = batch->segment_count };
	return chain;
}

/* End it; false when it is no good. */
VIRTQ_INLINE bool virtq_end_chain(struct virtq *vq, struct virtq_batch *batch,
				  const struct virtq_chain *chain, enum virtq_error error)
{
	if (likely(!error)) {
		batch->chain_count++;
		return true;
	}
	batch->segment_count = chain->first;
	/* What does not fit behind other chains may fit into an empty batch. */
	if (error != VIRTQ_ERROR_SEGMENTS || !batch->chain_count)
		vq->error = error;
	return false;
}

typedef unsigned int virtq_take_usual_fn(struct virtq *vq, struct virtq_batch *batch,
					 unsigned int max, bool writable);
typedef bool virtq_take_one_fn(struct virtq *vq, struct virtq_batch *batch);
typedef void virtq_untake_fn(struct virtq *vq, struct virtq_batch *batch, unsigned int count);
typedef void virtq_push_all_fn(struct virtq *vq, const struct virtq_chain *chains,
			       unsigned int count, const uint32_t *lengths);

/* Take a chain that is all room; 0 when it cannot be had. */
VIRTQ_INLINE uint32_t virtq_take_room(struct virtq *vq, struct virtq_batch *batch,
				      virtq_take_one_fn *take_one, virtq_untake_fn *untake)
{
	if (!take_one(vq, batch))
		return 0;
	const struct virtq_chain *chain = &batch->chains[batch->chain_count - 1];

	if (likely(chain->writable_length && !chain->readable)) {
		prefetch_for_writing(batch->segments[chain->first].data);
		return chain->writable_length;
	}
	vq->error = chain->readable ? VIRTQ_ERROR_RX_READABLE : VIRTQ_ERROR_RX_EMPTY;
	untake(vq, batch, 1);
	return 0;
}

VIRTQ_INLINE unsigned int virtq_take_rooms(struct virtq *vq, struct virtq_batch *batch,
					   uint32_t length, unsigned int max,
					   virtq_take_one_fn *take_one, virtq_untake_fn *untake)
{
	unsigned int taken = 0;
	uint64_t room = 0;

	while (room < length && taken < max) {
		uint32_t more = virtq_take_room(vq, batch, take_one, untake);

		if (!more)
			break;
		room += more;
		taken++;
	}
	if (likely(room >= length))
		return taken;
	untake(vq, batch, taken);
	return 0;
}

/* Whether what a cursor gives next is contiguous. */
VIRTQ_INLINE bool virtq_is_run(const struct virtq_cursor *cursor, uint32_t length)
{
	return cursor->segment != cursor->end &&
	       cursor->segment->length - cursor->offset >= length;
}

/* Rests that are copied line by line; longer ones are worth a call. */
#define VIRTQ_REST_MIN COPY_BLOCK
#define VIRTQ_REST_MAX 2048

/* Where the rest of a write begins. */
VIRTQ_INLINE const uint8_t *virtq_rest(const struct virtq_write *write)
{
	return write->rest.segment->data + write->rest.offset;
}

/*
 * From guest to guest, where a hostile front end may have mapped the same memory for both.  With
 * @more there is another chain and write behind these.
 */
VIRTQ_INLINE void virtq_write_rest(const struct virtq_batch *batch,
				   const struct virtq_chain *chain,
				   const struct virtq_write *write, bool more)
{
	const bool ahead = more && virtq_is_run(&write[1].rest, VIRTQ_REST_MIN);
	const struct virtq_write *next = &write[ahead];
	uint8_t *to = batch->segments[chain->first].data + write->head_length;
	const uint8_t *next_to = batch->segments[chain[ahead].first].data + next->head_length;

	if (likely(write->rest_length >= VIRTQ_REST_MIN && write->rest_length <= VIRTQ_REST_MAX))
		copy_ahead(to, virtq_rest(write), write->rest_length, next_to, virtq_rest(next));
	else
		memmove(to, virtq_rest(write), write->rest_length);
}

/* The usual case: all of it goes into one segment, from one segment. */
VIRTQ_INLINE bool virtq_write_run(const struct virtq_batch *batch, const struct virtq_chain *chain,
				  const struct virtq_write *write, bool more)
{
	if (chain->writable > 1 ||
	    (write->rest_length && !virtq_is_run(&write->rest, write->rest_length)))
		return false;
	copy_short(batch->segments[chain->first].data, write->head, write->head_length);
	if (write->rest_length)
		virtq_write_rest(batch, chain, write, more);
	return true;
}

/*
 * Write into @count chains, beginning with @chain, that have the room; @lengths receives how much
 * went into each.
 */
VIRTQ_INLINE void virtq_write_chains(struct virtq *vq, const struct virtq_batch *batch,
				     const struct virtq_chain *chain, unsigned int count,
				     struct virtq_write *write, uint32_t *lengths)
{
	uint32_t left = write->head_length + write->rest_length;
	uint16_t buffers = (uint16_t)count;

	if (likely(count == 1 && virtq_write_run(batch, chain, write, false))) {
		*lengths = left;
	} else {
		struct virtq_cursor to = virtq_writable(batch, chain, count);

		if (write->buffers)
			memcpy(write->buffers, &buffers, sizeof(buffers));
		virtq_cursor_write(&to, write->head, write->head_length);
		virtq_cursor_copy(&to, &write->rest, write->rest_length);
		for (unsigned int i = 0; i < count; i++) {
			lengths[i] = left < chain[i].writable_length ? left : chain[i].writable_length;
			left -= lengths[i];
		}
	}
	for (unsigned int i = 0; unlikely(vq->log) && i < count; i++)
		virtq_log_written(vq, batch, &chain[i], lengths[i]);
}

/* As many writes as go into one buffer each, from one; how many that were. */
VIRTQ_INLINE unsigned int virtq_write_usual(const struct virtq_batch *batch,
					    const struct virtq_write *writes, unsigned int count,
					    uint32_t *lengths)
{
	const unsigned int most = count < batch->chain_count ? count : batch->chain_count;
	unsigned int done = 0;

	for (; done < most; done++) {
		const struct virtq_chain *chain = &batch->chains[done];

		lengths[done] = writes[done].head_length + writes[done].rest_length;
		if (unlikely(chain->writable_length < lengths[done] ||
			     !virtq_write_run(batch, chain, &writes[done], done + 1 < most)))
			break;
	}
	return done;
}

/*
 * As many writes as one batch has room for.  The ring is written after all of the buffers: its
 * lines come from the driver's cache, and many of them can be under way at once.
 */
VIRTQ_INLINE unsigned int virtq_fill_batch(struct virtq *vq, struct virtq_batch *batch,
					   struct virtq_write *writes, unsigned int count,
					   unsigned int buffers_max,
					   virtq_take_usual_fn *take_usual,
					   virtq_take_one_fn *take_one, virtq_untake_fn *untake,
					   virtq_push_all_fn *push_all)
{
	uint32_t lengths[VIRTQ_CHAINS_MAX];
	unsigned int done = 0, used;

	virtq_batch_reset(batch);
	/* Mostly one chain for each; their memory is on its way when we write to it. */
	while (batch->chain_count < count &&
	       (take_usual(vq, batch, count - batch->chain_count, true) ||
		virtq_take_room(vq, batch, take_one, untake)))
		;
	if (likely(!vq->log))
		done = virtq_write_usual(batch, writes, count, lengths);
	for (used = done; done < count; done++) {
		uint64_t length = (uint64_t)writes[done].head_length + writes[done].rest_length;
		unsigned int chains = 0;
		uint64_t room = 0;

		while (room < length && chains < buffers_max) {
			if (used + chains == batch->chain_count &&
			    !virtq_take_room(vq, batch, take_one, untake))
				break;
			room += batch->chains[used + chains++].writable_length;
		}
		if (room < length)
			break;
		virtq_write_chains(vq, batch, &batch->chains[used], chains, &writes[done],
				   &lengths[used]);
		used += chains;
	}
	push_all(vq, batch->chains, used, lengths);
	untake(vq, batch, batch->chain_count - used);
	return done;
}

VIRTQ_INLINE unsigned int virtq_fill_all(struct virtq *vq, struct virtq_batch *batch,
					 struct virtq_write *writes, unsigned int count,
					 unsigned int buffers_max, virtq_take_usual_fn *take_usual,
					 virtq_take_one_fn *take_one, virtq_untake_fn *untake,
					 virtq_push_all_fn *push_all)
{
	unsigned int done = 0, more;

	while (done < count && (more = virtq_fill_batch(vq, batch, writes + done, count - done,
							buffers_max, take_usual, take_one, untake,
							push_all)))
		done += more;
	return done;
}

/*
 * The operations of a kind out of its own expect, take, take_usual, take_one, untake, push_all, publish,
 * kick_disable, kick_enable and base.
 */
#define VIRTQ_DEFINE_OPS(name)                                                                     \
	static void name##_untake(struct virtq *vq, struct virtq_batch *batch, unsigned int count) \
	{                                                                                          \
		untake(vq, batch, count);                                                          \
	}                                                                                          \
	static void name##_push(struct virtq *vq, const struct virtq_chain *chain, uint32_t length) \
	{                                                                                          \
		push_all(vq, chain, 1, &length);                                                   \
	}                                                                                          \
	static void name##_return(struct virtq *vq, const struct virtq_batch *batch)               \
	{                                                                                          \
		push_all(vq, batch->chains, batch->chain_count, NULL);                             \
	}                                                                                          \
	static unsigned int name##_take_space(struct virtq *vq, struct virtq_batch *batch,         \
					      uint32_t length, unsigned int max)                   \
	{                                                                                          \
		return virtq_take_rooms(vq, batch, length, max, take_one, untake);                 \
	}                                                                                          \
	FOR_EACH_PROCESSOR                                                                         \
	static unsigned int name##_fill(struct virtq *vq, struct virtq_batch *batch,               \
					struct virtq_write *writes, unsigned int count,            \
					unsigned int buffers_max)                                  \
	{                                                                                          \
		return virtq_fill_all(vq, batch, writes, count, buffers_max, take_usual, take_one, \
				      untake, push_all);                                           \
	}                                                                                          \
	const struct virtq_ops name##_ops = {                                                      \
		.expect = expect,                                                                  \
		.take = take,                                                                      \
		.take_space = name##_take_space,                                                   \
		.untake = name##_untake,                                                           \
		.push = name##_push,                                                               \
		.return_all = name##_return,                                                       \
		.fill = name##_fill,                                                               \
		.publish = publish,                                                                \
		.kick_disable = kick_disable,                                                      \
		.kick_enable = kick_enable,                                                        \
		.base = base,                                                                      \
		.is_new = is_new,                                                                  \
	}

#endif
