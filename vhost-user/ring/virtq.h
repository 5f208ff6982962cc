/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device side of a virtqueue, virtio 1.2 sections 2.7 (split) and 2.8
 * (packed), behind one interface.
 *
 *	take		read available chains into a batch; nothing is visible to
 *			the driver yet
 *	untake		give the last ones back, as if they had never been taken
 *	push		write a used element, still invisible
 *	fill		take room, write into it and push it, for many writes at once
 *	publish		make all pushed elements visible at once, and learn
 *			whether the driver wants a call
 *
 * A device that gives chains back in the order in which it took them can stop
 * between any two calls and lose nothing: untake what was not pushed.
 *
 * A chain taken from a ring is a run of segments in a batch: the device-
 * readable ones first, then the device-writable ones.  Every segment was
 * checked to lie in guest memory, and no descriptor is looked at again, so
 * code that has a chain need not check anything.  What the segments hold is
 * the guest's and may change at any time: copy first, then decide.
 *
 * Which kind a ring is matters once per call, and take, fill and virtq_return()
 * do a whole burst in a call.
 *
 * Pure code: no sockets, no allocation, no knowledge of the device.  A driver
 * that breaks the rules sets @error, after which the ring yields nothing.
 *
 * Threads: a ring belongs to one thread at a time.
 */
#ifndef VHOST_USER_RING_VIRTQ_H
#define VHOST_USER_RING_VIRTQ_H

#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "vhost-user/compiler.h"
#include "vhost-user/memory/dirty_log.h"
#include "vhost-user/memory/iotlb.h"

/* Most chains in a batch, and most segments of all of them together. */
#define VIRTQ_CHAINS_MAX 256
#define VIRTQ_SEGMENTS_MAX 1024

/* Largest ring, virtio 1.2 section 2.7. */
#define VIRTQ_SIZE_MAX 32768

/**
 * enum virtq_error - why a ring no longer runs
 *
 * A ring with an error yields no more chains until it is set up again.  Only
 * VIRTQ_ERROR_TRANSLATION ends by itself, when there are other translations.
 */
enum virtq_error {
	VIRTQ_OK = 0,
	VIRTQ_ERROR_AVAIL_JUMP,		/* more available entries than the ring has */
	VIRTQ_ERROR_HEAD,		/* head of a chain beyond the descriptor table */
	VIRTQ_ERROR_NEXT,		/* next of a descriptor beyond its table */
	VIRTQ_ERROR_LOOP,		/* chain longer than its table: it has a cycle */
	VIRTQ_ERROR_SEGMENTS,		/* chain of more than VIRTQ_SEGMENTS_MAX segments */
	VIRTQ_ERROR_BYTES,		/* chain of 2^32 bytes or more */
	VIRTQ_ERROR_ORDER,		/* device-readable after device-writable descriptor */
	VIRTQ_ERROR_ADDRESS,		/* buffer outside of guest memory */
	VIRTQ_ERROR_INDIRECT_FEATURE,	/* indirect table that was not negotiated */
	VIRTQ_ERROR_INDIRECT_SIZE,	/* indirect table empty or no multiple of 16 bytes */
	VIRTQ_ERROR_INDIRECT_FLAGS,	/* indirect table inside another, or with a next */
	VIRTQ_ERROR_INDIRECT_ADDRESS,	/* indirect table outside of guest memory */
	VIRTQ_ERROR_RX_READABLE,	/* receive buffer with a device-readable part */
	VIRTQ_ERROR_RX_EMPTY,		/* receive buffer without room */
	VIRTQ_ERROR_IN_FLIGHT,		/* chain that was not given back yet */
	VIRTQ_ERROR_TRANSLATION,	/* buffer whose translation the front end has not given */
	VIRTQ_ERRORS
};

/**
 * virtq_error_name - name of an error for counters and messages
 * @error: the error
 *
 * Return: "avail-jump" and so on, "ok" for VIRTQ_OK.
 */
const char *virtq_error_name(enum virtq_error error);

/**
 * struct virtq_segment - contiguous bytes of a chain
 * @data: address in this process
 * @length: bytes, never 0
 */
struct virtq_segment {
	uint8_t *data;
	uint32_t length;
};

/**
 * struct virtq_chain - a descriptor chain
 * @id: what names it to the driver: head of a split, buffer ID of a packed ring
 * @descriptors: entries of a packed ring that it takes
 * @first: index of its first segment in the batch
 * @readable: number of device-readable segments, which come first
 * @writable: number of device-writable segments
 * @slot: where it is written down, see virtq_inflight.h
 * @readable_length: bytes of the device-readable segments
 * @writable_length: bytes of the device-writable segments
 *
 * A descriptor that crosses from one memory region into the next makes two
 * segments; one of length 0 makes none.
 */
struct virtq_chain {
	uint16_t id;
	uint16_t descriptors;
	uint16_t first;
	uint16_t readable;
	uint16_t writable;
	uint16_t slot;
	uint32_t readable_length;
	uint32_t writable_length;
};

/**
 * struct virtq_batch - chains taken from one ring
 * @chain_count: used part of @chains
 * @segment_count: used part of @segments
 * @empty_count: descriptors without length, which make no segments but take time: with
 *	@segment_count VIRTQ_SEGMENTS_MAX at most
 * @walked: descriptors that were looked at one by one, since ever
 * @chains: in the order in which the driver made them available
 * @segments: those of the first chain, then those of the second, ...
 *
 * Large; workers keep one per purpose and reset it.
 */
struct virtq_batch {
	uint16_t chain_count;
	uint16_t segment_count;
	uint16_t empty_count;
	uint64_t walked;
	struct virtq_chain chains[VIRTQ_CHAINS_MAX];
	struct virtq_segment segments[VIRTQ_SEGMENTS_MAX];
};

static inline void virtq_batch_reset(struct virtq_batch *batch)
{
	batch->chain_count = 0;
	batch->segment_count = 0;
	batch->empty_count = 0;
}

/**
 * struct virtq_cursor - a position in consecutive segments
 * @segment: current segment
 * @end: behind the last segment
 * @offset: bytes of the current segment that are done
 */
struct virtq_cursor {
	const struct virtq_segment *segment;
	const struct virtq_segment *end;
	uint32_t offset;
};

/* Start of what the driver sent in a chain. */
static inline struct virtq_cursor virtq_readable(const struct virtq_batch *batch,
						 const struct virtq_chain *chain)
{
	const struct virtq_segment *first = &batch->segments[chain->first];

	return (struct virtq_cursor){first, first + chain->readable, 0};
}

/*
 * Start of the room in @count chains, beginning with @chain.  Chains after
 * the first must have no readable part, as those of virtq_take_space().
 */
static inline struct virtq_cursor virtq_writable(const struct virtq_batch *batch,
						 const struct virtq_chain *chain,
						 unsigned int count)
{
	const struct virtq_chain *last = chain + count - 1;

	return (struct virtq_cursor){
		&batch->segments[chain->first + chain->readable],
		&batch->segments[last->first + last->readable + last->writable], 0};
}

/**
 * virtq_cursor_read - copy out of guest memory
 * @cursor: advanced by what was copied
 * @to: private memory
 * @length: bytes
 *
 * Return: bytes copied, less than @length only at the end of the segments.
 */
size_t virtq_cursor_read(struct virtq_cursor *cursor, void *to, size_t length);

/**
 * virtq_cursor_read_head - copy what a chain begins with out of guest memory
 * @cursor: at the start; advanced by what was copied
 * @to: private memory
 * @length: bytes, which mostly one segment has
 *
 * Return: whether there were so many.
 */
static inline bool virtq_cursor_read_head(struct virtq_cursor *cursor, void *to, size_t length)
{
	if (unlikely(cursor->segment == cursor->end || cursor->segment->length < length))
		return virtq_cursor_read(cursor, to, length) == length;
	memcpy(to, cursor->segment->data, length);
	/* The driver may write there at any time; what was read is not read again. */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	cursor->offset = (uint32_t)length;
	return true;
}

/**
 * virtq_cursor_write - copy into guest memory
 * @cursor: advanced by what was copied
 * @from: private memory
 * @length: bytes
 *
 * Return: bytes copied, less than @length only at the end of the segments.
 */
size_t virtq_cursor_write(struct virtq_cursor *cursor, const void *from, size_t length);

/**
 * virtq_cursor_copy - copy from guest to guest
 * @to: advanced by what was copied
 * @from: advanced by what was copied
 * @length: bytes
 *
 * Return: bytes copied, less than @length only at the end of either.
 */
size_t virtq_cursor_copy(struct virtq_cursor *to, struct virtq_cursor *from, size_t length);

/**
 * virtq_cursor_skip - advance without copying
 * @cursor: advanced
 * @length: bytes
 *
 * Return: bytes skipped, less than @length only at the end of the segments.
 */
size_t virtq_cursor_skip(struct virtq_cursor *cursor, size_t length);

/**
 * struct virtq_split - what is particular to a split ring
 * @desc: descriptor table
 * @avail: available ring, written by the driver
 * @used: used ring, written by the device
 * @avail_next: next available entry to take
 * @avail_end: the driver's index as last read
 * @used_next: next used element to write
 * @used_published: the device's index as the driver sees it
 */
struct virtq_split {
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t avail_next;
	uint16_t avail_end;
	uint16_t used_next;
	uint16_t used_published;
};

/**
 * struct virtq_packed - what is particular to a packed ring
 * @desc: descriptor ring, written by both
 * @driver_event: when the driver wants calls
 * @device_event: when the device wants kicks
 * @avail_next: next entry to take
 * @used_next: next entry to write
 * @used_first: first entry of those not published; its flags are withheld
 * @first_flags: the flags that it will get
 * @taken: entries that were taken, until the driver sees that it has them back
 * @position: where it stands, see virtq_position.h; @private_position when nobody keeps it
 * @unpublished: what it says of the first element of those not published
 * @withheld: something is to be published
 * @avail_wrap: wrap counter at @avail_next
 * @used_wrap: wrap counter at @used_next
 */
struct virtq_packed {
	struct vring_packed_desc *desc;
	struct vring_packed_desc_event *driver_event;
	struct vring_packed_desc_event *device_event;
	uint16_t avail_next;
	uint16_t used_next;
	uint16_t used_first;
	uint16_t first_flags;
	uint16_t taken;
	bool withheld;
	bool avail_wrap;
	bool used_wrap;
	uint64_t unpublished;
	uint64_t *position;
	uint64_t private_position;
};

struct virtq_ops;

/**
 * struct virtq - a ring as its device sees it
 * @ops: those of its kind
 * @memory: guest memory
 * @map: where buffers are that the device reads, and those that it writes; tables
 *	with at least one region, and both are @memory unless addresses are translated
 * @iotlb: translations of all addresses; NULL when there is no need
 * @log: what is written to guest memory is marked there; NULL for nowhere
 * @log_device: where writes to the device area are marked besides, see struct virtq_setup
 * @size: entries; of a split ring a power of two
 * @event_idx: VIRTIO_F_EVENT_IDX was negotiated
 * @indirect: VIRTIO_F_INDIRECT_DESC was negotiated
 * @reads_only: the device writes no buffer of this ring, so in an indirect table of a
 *	packed one it does not look at VIRTQ_DESC_F_WRITE; false until its user, who alone
 *	knows that, sets it before the first take.  DPDK's driver marks the virtio-net
 *	header writable there
 * @hint: regions of the last buffers
 * @error: why the ring is broken
 * @is_news: nobody was told of what is @missing
 * @split: state of a split ring
 * @packed: state of a packed ring
 * @direct: operations without translation
 * @generation: of the translations in @map
 * @missing: translation that the ring waits for, see virtq_missing()
 */
struct virtq {
	const struct virtq_ops *ops;
	const struct guest_memory *memory;
	const struct guest_memory *map[2];
	const struct iotlb *iotlb;
	struct dirty_log *log;
	uint64_t log_device;
	uint16_t size;
	bool event_idx;
	bool indirect;
	bool reads_only;

	/* What follows changes with every burst. */
	_Alignas(VIRTQ_CACHE_LINE) const struct guest_region *hint[2];
	enum virtq_error error;
	bool is_news;
	union {
		struct virtq_split split;
		struct virtq_packed packed;
	};

	const struct virtq_ops *direct;
	uint64_t generation;
	uint64_t missing;
};

/**
 * struct virtq_layout - bytes and alignment of the three parts of a ring
 * @desc: descriptor table or ring
 * @driver: available ring, or driver event suppression
 * @device: used ring, or device event suppression
 */
struct virtq_layout {
	struct virtq_part {
		size_t bytes;
		size_t alignment;
	} desc, driver, device;
};

/**
 * virtq_layout - where a ring lies, virtio 1.2 sections 2.7 and 2.8.10
 * @size: entries
 * @features: negotiated virtio features
 */
struct virtq_layout virtq_layout(unsigned int size, uint64_t features);

/**
 * struct virtq_setup - what a ring starts with
 * @memory: table with at least one region; outlives the ring
 * @iotlb: translates all addresses, outlives the ring; NULL when they are in @memory
 * @log: covers @memory and outlives the ring; NULL for none
 * @log_device: address in @log, which has all of it, where the front end wants writes to
 *	the device area marked although that is elsewhere; 0 for nowhere
 * @desc: guest memory, as virtq_layout() says
 * @driver: guest memory
 * @device: guest memory
 * @size: entries, up to VIRTQ_SIZE_MAX; of a split ring a power of two, of a packed
 *	one not 0
 * @base: first entry to take, in the form of SET_VRING_BASE: of a packed ring
 *	the index, below @size, in bits 0 to 14 and its wrap counter in bit 15; the
 *	same of the used entry in the high half
 * @features: negotiated virtio features
 * @in_flight: entries of a packed ring behind the used one of its base that were taken and
 *	are not to be taken again
 * @position: where a packed ring keeps its position, outlives the ring; NULL for nowhere
 */
struct virtq_setup {
	const struct guest_memory *memory;
	const struct iotlb *iotlb;
	struct dirty_log *log;
	uint64_t log_device;
	void *desc;
	void *driver;
	void *device;
	uint16_t size;
	uint32_t base;
	uint64_t features;
	uint16_t in_flight;
	uint64_t *position;
};

/**
 * struct virtq_write - bytes for a driver, which go into one or more chains
 * @head: private memory, written first
 * @head_length: bytes at @head
 * @rest: written behind it, from guest to guest
 * @rest_length: bytes of @rest
 * @buffers: part of @head that receives the number of chains when it is not 1; NULL
 *	for none
 */
struct virtq_write {
	const uint8_t *head;
	uint32_t head_length;
	struct virtq_cursor rest;
	uint32_t rest_length;
	uint8_t *buffers;
};

/**
 * struct virtq_ops - what a kind of ring does; the functions below say it
 */
struct virtq_ops {
	void (*expect)(const struct virtq *vq);
	unsigned int (*take)(struct virtq *vq, struct virtq_batch *batch, unsigned int max);
	unsigned int (*take_space)(struct virtq *vq, struct virtq_batch *batch, uint32_t length,
				   unsigned int max);
	void (*untake)(struct virtq *vq, struct virtq_batch *batch, unsigned int count);
	void (*push)(struct virtq *vq, const struct virtq_chain *chain, uint32_t length);
	void (*return_all)(struct virtq *vq, const struct virtq_batch *batch);
	unsigned int (*fill)(struct virtq *vq, struct virtq_batch *batch,
			     struct virtq_write *writes, unsigned int count,
			     unsigned int buffers_max);
	bool (*publish)(struct virtq *vq);
	void (*kick_disable)(struct virtq *vq);
	bool (*kick_enable)(struct virtq *vq);
	uint32_t (*base)(const struct virtq *vq);
	bool (*is_new)(const struct virtq *vq);
};

/**
 * virtq_start - make a ring ready to run
 * @vq: overwritten
 * @setup: checked by the caller
 *
 * The used index of a split ring goes on from where it stands in guest memory.
 * A packed ring goes on at the used entry of its base, so what was taken but not
 * given back is taken again, unless somebody wrote that down.  Kicks are disabled until virtq_kick_enable().
 */
void virtq_start(struct virtq *vq, const struct virtq_setup *setup);

/**
 * virtq_set_memory - go over to another table of guest memory
 * @vq: ring, which another thread may be using
 * @memory: has all regions of the present table, which stays until the ring is at rest
 */
static inline void virtq_set_memory(struct virtq *vq, const struct guest_memory *memory)
{
	/* Who sees the table must see what is in it. */
	__atomic_store_n(&vq->memory, memory, __ATOMIC_RELEASE);
	if (vq->iotlb)
		return;
	__atomic_store_n(&vq->map[0], memory, __ATOMIC_RELEASE);
	__atomic_store_n(&vq->map[1], memory, __ATOMIC_RELEASE);
}

/**
 * virtq_missing - the translation that a ring waits for
 * @vq: ring, which another thread may have
 * @access: receives what it needs it for
 *
 * A ring with VIRTQ_ERROR_TRANSLATION goes on by itself when there are other
 * translations.  It may also ask ahead, for buffers that it will come to.
 *
 * Return: address of a page; UINT64_MAX when it waits for none.
 */
uint64_t virtq_missing(const struct virtq *vq, enum iotlb_access *access);

/**
 * virtq_take_news - whether a ring looked for a translation in vain since the last call
 * @vq: ring
 *
 * Whoever can ask for it should be told.
 */
static inline bool virtq_take_news(struct virtq *vq)
{
	bool is_news = vq->is_news;

	vq->is_news = false;
	return is_news;
}

/**
 * virtq_log_written - mark what was written to a chain
 * @vq: ring with a log
 * @batch: batch that has @chain
 * @chain: chain
 * @length: bytes from the start of its device-writable part
 *
 * For devices that write to segments and push; virtq_fill() does it itself.
 */
void virtq_log_written(struct virtq *vq, const struct virtq_batch *batch,
		       const struct virtq_chain *chain, uint32_t length);

/**
 * virtq_expect - chains will be taken soon
 * @vq: ring, of which what the driver wrote last comes into the cache meanwhile
 */
static inline void virtq_expect(const struct virtq *vq)
{
	vq->ops->expect(vq);
}

/**
 * virtq_take - take available chains
 * @vq: ring
 * @batch: chains are appended
 * @max: most chains to take
 *
 * Takes fewer when the batch is full.
 *
 * Return: number of chains taken; 0 also when the ring is broken.
 */
static inline unsigned int virtq_take(struct virtq *vq, struct virtq_batch *batch,
				      unsigned int max)
{
	return vq->ops->take(vq, batch, max);
}

/**
 * virtq_take_space - take chains that have room for a frame
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
static inline unsigned int virtq_take_space(struct virtq *vq, struct virtq_batch *batch,
					    uint32_t length, unsigned int max)
{
	return vq->ops->take_space(vq, batch, length, max);
}

/**
 * virtq_untake - give back the chains that were taken last
 * @vq: ring
 * @batch: they are removed from its end
 * @count: how many; none of them was pushed
 */
static inline void virtq_untake(struct virtq *vq, struct virtq_batch *batch, unsigned int count)
{
	vq->ops->untake(vq, batch, count);
}

/**
 * virtq_has_chain - whether a chain is available
 * @vq: ring, which stays as it is unless it breaks
 * @batch: overwritten; its count of walked descriptors goes on
 */
static inline bool virtq_has_chain(struct virtq *vq, struct virtq_batch *batch)
{
	unsigned int taken;

	virtq_batch_reset(batch);
	taken = virtq_take(vq, batch, 1);
	virtq_untake(vq, batch, taken);
	return taken;
}

/**
 * virtq_push - give a chain back to the driver with the next publish
 * @vq: ring
 * @chain: chain
 * @length: bytes written to its device-writable part
 */
static inline void virtq_push(struct virtq *vq, const struct virtq_chain *chain, uint32_t length)
{
	vq->ops->push(vq, chain, length);
}

/**
 * virtq_return - give all chains of a batch back, nothing written
 * @vq: ring
 * @batch: chains that were only read
 */
static inline void virtq_return(struct virtq *vq, const struct virtq_batch *batch)
{
	vq->ops->return_all(vq, batch);
}

/**
 * virtq_fill - write into available chains and push them
 * @vq: ring whose chains are device-writable
 * @batch: scratch memory, overwritten
 * @writes: what to write, in order
 * @count: length of @writes
 * @buffers_max: most chains for one of them; 1 without mergeable receive buffers
 *
 * Return: how many of @writes were done; the next one found no room, or the
 * ring is broken.
 */
static inline unsigned int virtq_fill(struct virtq *vq, struct virtq_batch *batch,
				      struct virtq_write *writes, unsigned int count,
				      unsigned int buffers_max)
{
	return vq->ops->fill(vq, batch, writes, count, buffers_max);
}

/**
 * virtq_publish - make pushed chains visible to the driver
 * @vq: ring
 *
 * Return: whether the driver wants to be called (sections 2.7.7.2, 2.7.10, 2.8.10).
 */
static inline bool virtq_publish(struct virtq *vq)
{
	return vq->ops->publish(vq);
}

/**
 * virtq_kick_disable - tell the driver that the ring is polled
 * @vq: ring
 */
static inline void virtq_kick_disable(struct virtq *vq)
{
	vq->ops->kick_disable(vq);
}

/**
 * virtq_kick_enable - ask the driver for a kick at its next buffer
 * @vq: ring
 *
 * Return: true when there are buffers already, which the driver will not kick
 * for: poll again instead of sleeping.
 */
static inline bool virtq_kick_enable(struct virtq *vq)
{
	return vq->ops->kick_enable(vq);
}

/**
 * virtq_base - where the ring stands, in the form of GET_VRING_BASE
 * @vq: ring of which all that was taken was given back
 */
static inline uint32_t virtq_base(const struct virtq *vq)
{
	return vq->ops->base(vq);
}

/**
 * virtq_is_new - whether no device has given anything back by this ring yet
 * @vq: ring of which all that was taken was given back
 *
 * Where it stands does not tell: indices come round to where a driver begins.  But a driver begins
 * with zeroes (virtio 1.2 sections 2.7 and 2.8.14), and what a device gave back stays in the ring.  A
 * packed ring whose entries the driver has all filled, so that nothing of a device is left to be seen,
 * counts as one that was used.
 */
static inline bool virtq_is_new(const struct virtq *vq)
{
	return vq->ops->is_new(vq);
}

#endif
