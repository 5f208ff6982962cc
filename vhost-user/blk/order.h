/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The order of a disk: nothing is written to a range while it is discarded, zeroed or erased, by
 * whichever ring and worker, and of two such ranges that overlap one waits for the other.
 *
 * Theory of operation.  Writes are many and ranges are few, so writes pay next to nothing: each is
 * counted by its ring, in the counter of the current phase, which nobody else writes to, and looks
 * whether there is any range at all.  A range is listed first, and then waits until all writes are
 * over that may not have seen it: those counted in both phases, of which the current one is
 * changed so that it runs dry.  Writes that come meanwhile look into the list.
 *
 * A write counts itself and then looks, a range lists itself and then looks at the counters: of
 * the two one sees the other.  For that there has to be a barrier between the two halves of each.
 * Writes do without, as the range has the kernel make one on all CPUs (membarrier()), for all ranges
 * at once that were listed by then: one that comes waits for the next pass of its worker.  Where the kernel
 * makes none each write makes its own.  A disk with one ring needs neither, as it has one thread.
 *
 * tests/model/order.pml has all of this in all its states.
 *
 * Threads: any worker, for its rings.
 */
#ifndef VHOST_USER_BLK_ORDER_H
#define VHOST_USER_BLK_ORDER_H

#include "vhost-user/blk/backend.h"
#include "vhost-user/compiler.h"
#include "vhost-user/spin.h"

/* Most rings of a disk, and ranges at a time; others wait. */
#define BLK_ORDER_RINGS 256
#define BLK_ORDER_RANGES 32

/**
 * struct blk_order_range - a range that is listed
 * @start: first byte
 * @end: byte behind the last; 0 for no range; atomic, as @start is
 */
struct blk_order_range {
	uint64_t start;
	uint64_t end;
};

/**
 * struct blk_order - see above; zeroed at first
 * @ranges: number of ranges; atomic
 * @barrier: have the kernel make a barrier on all CPUs that run one of our threads: 0, or -errno for
 *	not this time; NULL where it makes none for us, so that each write makes one
 * @phase: in which of two counters writes are counted, its lowest bit; atomic
 * @lock: around the list, and @phase, @passed and @is_changing where they are written
 * @passed: how many times all writes were waited for
 * @is_changing: they are, and @phase was changed for it
 * @listed: how many ranges ever were
 * @seen: how many of those all writes see that do not count themselves before
 * @list: ranges
 * @rings: how many of @writes were ever used; atomic
 * @writes: of each ring, for each phase; written by its worker
 */
struct blk_order {
	unsigned int ranges;
	int (*barrier)(void);
	unsigned int phase;
	struct spin lock;
	uint64_t passed;
	bool is_changing;
	uint64_t listed;
	uint64_t seen;
	struct blk_order_range list[BLK_ORDER_RANGES];
	unsigned int rings;
	struct {
		_Alignas(64) uint32_t count[2];
	} writes[BLK_ORDER_RINGS];
};

/**
 * struct blk_ordered - part of what has a place in the order
 * @phase: in which a write was counted
 * @slot: of a range in the list; BLK_ORDER_RANGES while it has none
 * @number: of a range that is listed: which one it is of all, from 1 on
 * @until: of a range that all see: it may begin when @passed of the order is this; 0 before
 */
struct blk_ordered {
	uint8_t phase;
	uint8_t slot;
	uint64_t number;
	uint64_t until;
};

/* The slow halves of blk_order_enter() and blk_order_leave(). */
bool blk_order_enter_range(struct blk_order *order, struct blk_ordered *place,
			   const struct blk_io *io);
void blk_order_leave_range(struct blk_order *order, struct blk_ordered *place);
bool blk_order_is_in_range(const struct blk_order *order, const struct blk_io *io);

/* Whether an I/O clears a range. */
static inline bool blk_order_is_range(const struct blk_io *io)
{
	return io->op >= BLK_DISCARD && io->op <= BLK_SECURE_ERASE;
}

/**
 * blk_order_init - begin
 * @order: zeroed; on the control thread, before there are rings
 */
void blk_order_init(struct blk_order *order);

/**
 * blk_order_add_ring - a ring comes
 * @order: of the disk
 * @ring: its number, below BLK_ORDER_RINGS
 *
 * On the control thread, before it runs.
 */
void blk_order_add_ring(struct blk_order *order, unsigned int ring);

/**
 * blk_order_begin - before an I/O is first asked whether it may begin
 * @place: its place
 */
static inline void blk_order_begin(struct blk_ordered *place)
{
	place->slot = BLK_ORDER_RANGES;
}

/**
 * blk_order_enter - whether an I/O may begin
 * @order: of the disk
 * @ring: number of its ring
 * @place: its place
 * @io: I/O
 *
 * Return: false when it has to be asked for again, soon, or given up by blk_order_leave().
 */
static inline bool blk_order_enter(struct blk_order *order, unsigned int ring,
				   struct blk_ordered *place, const struct blk_io *io)
{
	uint32_t *count = order->writes[ring].count;

	if (io->op == BLK_READ)
		return true;
	if (unlikely(io->op != BLK_WRITE))
		return !blk_order_is_range(io) || blk_order_enter_range(order, place, io);
	place->phase = __atomic_load_n(&order->phase, __ATOMIC_RELAXED) & 1;
	__atomic_store_n(&count[place->phase], count[place->phase] + 1, __ATOMIC_RELAXED);
	/* Counted before the list is looked at; the other half is in blk_order_enter_range(). */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (unlikely(!order->barrier))
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (likely(!__atomic_load_n(&order->ranges, __ATOMIC_ACQUIRE)) ||
	    !blk_order_is_in_range(order, io))
		return true;
	__atomic_store_n(&count[place->phase], count[place->phase] - 1, __ATOMIC_RELEASE);
	return false;
}

/**
 * blk_order_leave - it has ended
 * @order: of the disk
 * @ring: number of its ring
 * @place: its place
 * @io: I/O that blk_order_enter() let begin, or a range that it did not
 */
static inline void blk_order_leave(struct blk_order *order, unsigned int ring,
				   struct blk_ordered *place, const struct blk_io *io)
{
	uint32_t *count = order->writes[ring].count;

	if (io->op == BLK_READ)
		return;
	if (unlikely(io->op != BLK_WRITE))
		blk_order_leave_range(order, place);
	else
		__atomic_store_n(&count[place->phase], count[place->phase] - 1, __ATOMIC_RELEASE);
}

#endif
