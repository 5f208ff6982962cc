/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a disk is, and whether a load fits it.  Section 5.2 of virtio 1.2. */
#ifndef IOV_BENCH_BLK_DISK_H
#define IOV_BENCH_BLK_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/iov.h"
#include "bench/front_end.h"

/**
 * enum blk_kind - kinds of requests
 */
enum blk_kind { BLK_READ, BLK_WRITE, BLK_FLUSH, BLK_KINDS };

/* "read", "write", "flush" */
const char *blk_kind_name(enum blk_kind kind);

/**
 * struct blk_load_options - what to ask of a disk, and how
 * @size: bytes of a request, a multiple of 512
 * @depth: requests under way in each ring
 * @queues: rings
 * @ring_size: entries of each, a power of 2; 0 for as many as are needed, 256 at least
 * @segments: pieces of memory that a request is in
 * @read_percent: of the requests that are no flushes
 * @is_random: anywhere, otherwise one behind the other
 * @flush_every: a flush behind so many writes of a ring; 0 for none
 * @span: bytes of the disk that are used; 0 for all, or, when they are verified, as many as are
 *	written and read in a moment
 * @packed: packed rings
 * @no_indirect: no indirect descriptors
 * @no_event_idx: no event index
 * @verify: compare every byte that is read with what was written last
 * @listen: the back end connects
 * @no_huge: do not try huge pages
 */
struct blk_load_options {
	uint32_t size;
	unsigned int depth;
	unsigned int queues;
	uint16_t ring_size;
	unsigned int segments;
	unsigned int read_percent;
	bool is_random;
	unsigned int flush_every;
	uint64_t span;
	bool packed;
	bool no_indirect;
	bool no_event_idx;
	bool verify;
	bool listen;
	bool no_huge;
};

/**
 * struct blk_disk - what a back end says of its disk
 * @bytes: capacity
 * @block_size: what requests are a multiple of
 * @size_max: most bytes of a segment; 0 for any
 * @seg_max: most segments of a request
 * @queues: most rings
 * @is_read_only: it cannot be written
 * @is_zoned: it has zones, and only who knows them can write
 */
struct blk_disk {
	uint64_t bytes;
	uint32_t block_size;
	uint32_t size_max;
	uint32_t seg_max;
	unsigned int queues;
	bool is_read_only;
	bool is_zoned;
};

/**
 * struct blk_shape - how requests lie in rings and memory, and where on the disk
 * @segments: pieces of memory that a request is in
 * @parts: descriptors of a request
 * @is_indirect: they are in tables
 * @ring_size: entries of a ring
 * @slots: places on the disk, of the size of a request
 * @features: virtio features that are wanted
 * @needed: those that are needed
 */
struct blk_shape {
	unsigned int segments;
	unsigned int parts;
	bool is_indirect;
	uint16_t ring_size;
	uint64_t slots;
	uint64_t features;
	uint64_t needed;
};

/* Whether a load writes to the disk. */
static inline bool blk_load_writes(const struct blk_load_options *options)
{
	return options->read_percent < 100 || options->verify;
}

/**
 * blk_disk_read - ask a back end for its disk
 * @disk: receives it
 * @iov: context for messages
 * @front_end: met
 *
 * Return: 0; -ENOTSUP when it is no disk; or as front_end_read_config(); with a message.
 */
int blk_disk_read(struct blk_disk *disk, struct iov *iov, struct front_end *front_end);

/**
 * blk_shape_fit - how a load is done on a disk
 * @shape: receives it
 * @iov: context for messages
 * @name: of the back end, for messages
 * @disk: the disk
 * @offered: virtio features of the back end
 * @options: the load
 *
 * Return: 0, or -ENOTSUP with a message that says what does not fit.
 */
int blk_shape_fit(struct blk_shape *shape, struct iov *iov, const char *name,
		  const struct blk_disk *disk, uint64_t offered,
		  const struct blk_load_options *options);

#endif
