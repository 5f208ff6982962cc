/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What split and packed rings share: descriptor chains as host pointers, and
 * the ways in which a driver can break its ring.
 *
 * A chain taken from a ring is a run of segments in a batch: the device-
 * readable ones first, then the device-writable ones.  Every segment was
 * checked to lie in guest memory, and no descriptor is looked at again, so
 * code that has a chain need not check anything.  What the segments hold is
 * the guest's and may change at any time: copy first, then decide.
 */
#ifndef VHOST_USER_VIRTQ_H
#define VHOST_USER_VIRTQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vhost-user/compiler.h"

/* Most chains in a batch, and most segments of all of them together. */
#define VIRTQ_CHAINS_MAX 256
#define VIRTQ_SEGMENTS_MAX 1024

/* Largest ring, virtio 1.2 section 2.7. */
#define VIRTQ_SIZE_MAX 32768

/**
 * enum virtq_error - why a ring no longer runs
 *
 * A ring with an error yields no more chains until it is set up again.
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
 * @head: what to give back with virtq_split_push()
 * @first: index of its first segment in the batch
 * @readable: number of device-readable segments, which come first
 * @writable: number of device-writable segments
 * @readable_length: bytes of the device-readable segments
 * @writable_length: bytes of the device-writable segments
 *
 * A descriptor that crosses from one memory region into the next makes two
 * segments; one of length 0 makes none.
 */
struct virtq_chain {
	uint16_t head;
	uint16_t first;
	uint16_t readable;
	uint16_t writable;
	uint32_t readable_length;
	uint32_t writable_length;
};

/**
 * struct virtq_batch - chains taken from one ring
 * @chain_count: used part of @chains
 * @segment_count: used part of @segments
 * @chains: in the order of the available ring
 * @segments: those of the first chain, then those of the second, ...
 *
 * Large; workers keep one per purpose and reset it.
 */
struct virtq_batch {
	uint16_t chain_count;
	uint16_t segment_count;
	struct virtq_chain chains[VIRTQ_CHAINS_MAX];
	struct virtq_segment segments[VIRTQ_SEGMENTS_MAX];
};

static inline void virtq_batch_reset(struct virtq_batch *batch)
{
	batch->chain_count = 0;
	batch->segment_count = 0;
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
 * the first must have no readable part, as those of virtq_split_take_space().
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

#endif
