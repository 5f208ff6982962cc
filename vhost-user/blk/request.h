/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A request of a guest: from a descriptor chain to what the back end is asked for.  Virtio 1.2
 * section 5.2.6.
 *
 * The header is the first 16 bytes of what the device reads, the status the last byte of what it
 * writes, however the driver framed them (section 2.7.4).  All that decides is copied before it
 * is looked at, and every length and address is checked before anything is added to it.
 *
 * Pure code.
 *
 * Threads: those of the ring.
 */
#ifndef VHOST_USER_BLK_REQUEST_H
#define VHOST_USER_BLK_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "vhost-user/blk/backend.h"
#include "vhost-user/blk/blk_bits.h"
#include "vhost-user/blk/order.h"
#include "vhost-user/ring/virtq.h"

#define BLK_SECTOR 512

/* Most ranges of one discard, write zeroes or secure erase. */
#define BLK_RANGES_MAX 16

/*
 * Bytes of a transfer that the back end is asked for at once, a multiple of any block: a guest
 * may ask for 4 GiB, which keeps nobody else waiting.
 */
#define BLK_STEP_BYTES (1u << 20)

/* Segments of a request that need no memory of their own: 64 KiB in pages, and a few more. */
#define BLK_SEGMENTS_FEW 18

/**
 * enum blk_kind - what guests ask for, as it is counted
 */
enum blk_kind {
	BLK_KIND_READ = BLK_READ,
	BLK_KIND_WRITE = BLK_WRITE,
	BLK_KIND_FLUSH = BLK_FLUSH,
	BLK_KIND_DISCARD = BLK_DISCARD,
	BLK_KIND_WRITE_ZEROES = BLK_WRITE_ZEROES,
	BLK_KIND_SECURE_ERASE = BLK_SECURE_ERASE,
	BLK_KIND_ZONE_APPEND = BLK_ZONE_APPEND,
	BLK_KIND_ZONE_REPORT = BLK_ZONE_REPORT,
	BLK_KIND_ZONE_OPEN = BLK_ZONE_OPEN,
	BLK_KIND_ZONE_CLOSE = BLK_ZONE_CLOSE,
	BLK_KIND_ZONE_FINISH = BLK_ZONE_FINISH,
	BLK_KIND_ZONE_RESET = BLK_ZONE_RESET,
	BLK_KIND_ZONE_RESET_ALL = BLK_ZONE_RESET_ALL,
	BLK_KIND_GET_ID = BLK_OPS,
	BLK_KIND_GET_LIFETIME,
	BLK_KIND_UNKNOWN,	/* no type that there is, or no header */
	BLK_KINDS
};

/**
 * blk_kind_name - a kind as users read it
 * @kind: enum blk_kind
 *
 * Return: "read" and so on.
 */
const char *blk_kind_name(unsigned int kind);

/**
 * struct blk_limits - what a request is judged by
 * @features: negotiated virtio features
 * @sectors: capacity, in units of BLK_SECTOR
 * @block_sectors: sectors of a block, a power of two
 * @read_only: nothing is written
 * @is_stable: changes have to be stable when they are done: the driver knows of no cache
 * @zoned: zones of the disk; NULL when it has none, or its driver knows of none
 * @lifetime: what VIRTIO_BLK_T_GET_LIFETIME says; NULL where there is no such request
 * @range_sectors: most sectors of a range, by enum blk_op; 0 where there is no such request
 * @serial: what VIRTIO_BLK_T_GET_ID says, padded with zeroes
 */
struct blk_limits {
	uint64_t features;
	uint64_t sectors;
	uint32_t block_sectors;
	bool read_only;
	bool is_stable;
	const struct blk_zoned *zoned;
	const uint64_t *lifetime;
	uint32_t range_sectors[BLK_OPS];
	uint8_t serial[VIRTIO_BLK_ID_BYTES];
};

/**
 * struct blk_range - part of the disk
 * @sector: first one
 * @sectors: how many
 */
struct blk_range {
	uint64_t sector;
	uint32_t sectors;
};

/* Bytes of the sector that VIRTIO_BLK_T_ZONE_APPEND tells, before the status. */
#define BLK_APPENDED_BYTES 8

/**
 * struct blk_request - one that is under way
 * @io: what the back end is asked for at present
 * @next: list that it is in
 * @owner: of the queue's, for @io.done
 * @chain: to be given back
 * @began: when it was taken, in cycles of the time stamp counter
 * @status: where the guest reads what became of it; NULL where there is no room
 * @error: what became of it: 0 or -errno
 * @kind: what it is
 * @is_done: all of it was carried out, or it failed
 * @range: number of the range that @io is for
 * @range_count: length of @ranges
 * @bytes: that a transfer carries in all
 * @segment_count: length of @segments
 * @segment: the first one of @io.vector
 * @segments: all of a transfer, cut where a step ends; @few, or memory of its own
 * @order: the queue's, of @io
 * @few: segments, where there are few of them
 * @ranges: of one that has some, and no segments
 * @appended: of BLK_ZONE_APPEND: where the guest reads each byte of the sector
 *
 * What each request needs is in the first cache lines.
 */
struct blk_request {
	struct blk_io io;
	struct blk_request *next;
	void *owner;
	struct virtq_chain chain;
	uint64_t began;
	uint8_t *status;
	int error;
	enum blk_kind kind;
	bool is_done;
	unsigned int range;
	unsigned int range_count;
	uint32_t bytes;
	unsigned int segment_count;
	unsigned int segment;
	struct iovec *segments;
	struct blk_ordered order;
	union {
		struct iovec few[BLK_SEGMENTS_FEW];
		struct blk_range ranges[BLK_RANGES_MAX];
	};
	uint8_t *appended[BLK_APPENDED_BYTES];
};

/**
 * blk_request_begin - read and judge what a guest asks for
 * @request: all is overwritten but @owner, @io.done, @io.place, @io.is_again and @order; ended by
 *	blk_request_end() or blk_request_free()
 * @batch: batch that has @chain
 * @chain: chain
 * @limits: what the disk and its driver can
 *
 * Return: whether the back end has to carry out @io; else it is done.
 */
bool blk_request_begin(struct blk_request *request, const struct virtq_batch *batch,
		       const struct virtq_chain *chain, const struct blk_limits *limits);

/**
 * blk_request_go_on - one step is done
 * @request: request, whose @io was carried out
 * @error: how
 *
 * Return: whether there is another step in @io; else it is done.
 */
bool blk_request_go_on(struct blk_request *request, int error);

/**
 * blk_request_place - tell the guest where what it appends goes
 * @request: BLK_ZONE_APPEND, whose @io.appended is known
 *
 * Before anything is written there, so who comes next can read it.
 */
void blk_request_place(const struct blk_request *request);

/**
 * blk_request_placed - read what blk_request_place() told
 * @request: BLK_ZONE_APPEND
 *
 * Return: byte of the disk, as the guest has it; BLK_NOWHERE when that is none.
 */
uint64_t blk_request_placed(const struct blk_request *request);

/**
 * blk_request_bytes - how much a request carries
 * @request: request
 *
 * Return: bytes that it reads or writes.
 */
static inline uint64_t blk_request_bytes(const struct blk_request *request)
{
	return request->bytes;
}

/**
 * blk_request_end - tell the guest what became of it, and free what it holds
 * @request: a request that is done
 * @vq: its ring, in whose log it marks what was written
 *
 * The chain is still to be pushed.
 *
 * Return: bytes to push.
 */
uint32_t blk_request_end(struct blk_request *request, const struct virtq *vq);

/**
 * blk_request_free - free what a request holds that the guest does not hear of
 * @request: a request that the back end does not have
 */
void blk_request_free(struct blk_request *request);

#endif
