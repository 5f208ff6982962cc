/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loans: what a guest sends by a network device goes there without a copy.
 *
 * Theory of operation.  The first bytes of a frame are private, as always: what was judged is
 * what is sent.  The rest of a long one is not copied into packet buffers: they are attached to
 * guest memory, and count themselves in the loan of the chain.  A chain goes back to the guest
 * when no buffer is attached to it any more, in the order in which chains were taken: those
 * behind one that is lent wait with it.  Most devices of software have read a packet when they
 * take it, and nothing ever waits.
 *
 * Threads: loans of a ring belong to who has the ring, and the counts to everybody.
 */
#ifndef VHOST_USER_SWITCH_LOAN_H
#define VHOST_USER_SWITCH_LOAN_H

#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdint.h>

#include "vhost-user/switch/dp_ring.h"

/* Most chains that wait, of one ring; a power of two. */
#define LOANS_MAX 1024

/* Seconds after which a device that has a chain is said to be stuck. */
#define LOAN_SECONDS 2

struct loans;

/**
 * struct loan_memory - guest memory that devices reach as this process does
 * @count: length of @ranges
 * @ranges: addresses and bytes
 */
struct loan_memory {
	size_t count;
	struct loan_range {
		uint8_t *start;
		size_t size;
	} ranges[];
};

/**
 * struct loan - a chain that may be lent
 * @shared: what buffers that are attached to it count in, and one count of the ring's own
 * @ring: whose it is
 * @chain: goes back when the ring's is the only count
 */
struct loan {
	struct rte_mbuf_ext_shared_info shared;
	const struct loans *ring;
	struct virtq_chain chain;
};

/**
 * struct loans - chains of a ring that are lent, or wait behind those
 * @memory: what devices reach that read after they took a packet; NULL for nothing
 * @is_stuck: the first one has waited for too long; for the control thread
 * @since: when the first one began to wait, by the clock of forward_pass()
 * @first: number of the first one that waits
 * @end: number behind the last one
 * @list: by the low bits of their numbers
 */
struct loans {
	const struct loan_memory *memory;
	bool is_stuck;
	uint32_t since;
	uint32_t first;
	uint32_t end;
	struct loan list[LOANS_MAX];
};

/**
 * loans_open - none are lent
 * @memory: what devices reach, outlives the loans; NULL for nothing
 *
 * Return: them, freed with free() when none waits; NULL without memory.
 */
struct loans *loans_open(const struct loan_memory *memory);

/**
 * loans_of - those of a ring
 * @ring: ring that the thread has
 *
 * Return: the loans; NULL when it lends nothing.
 */
static inline struct loans *loans_of(const struct dp_ring *ring)
{
	/* Pairs with lending.c: they are ready before they are seen. */
	return __atomic_load_n(&ring->loans, __ATOMIC_ACQUIRE);
}

/* How many chains wait; NULL has none. */
static inline unsigned int loans_waiting(const struct loans *loans)
{
	return loans ? loans->end - loans->first : 0;
}

/**
 * loans_next - the loan of a chain before it waits
 * @loans: loans
 * @index: how many were taken before it that do not wait yet; with those that wait fewer
 *	than LOANS_MAX
 */
static inline struct loan *loans_next(struct loans *loans, unsigned int index)
{
	return &loans->list[(loans->end + index) % LOANS_MAX];
}

/* Whether no buffer is attached; what its readers did is over then. */
static inline bool loan_is_back(const struct loan *loan)
{
	return __atomic_load_n(&loan->shared.refcnt, __ATOMIC_ACQUIRE) == 1;
}

/**
 * loans_wait - have chains wait
 * @loans: loans
 * @batch: all that were taken since the last call; none of them is given back otherwise
 * @now: by the clock of forward_pass()
 */
void loans_wait(struct loans *loans, const struct virtq_batch *batch, uint32_t now);

/**
 * loans_settle - give back the first chains, up to one that is lent
 * @loans: loans
 * @ring: their ring; the caller publishes
 * @batch: scratch memory, overwritten
 * @now: by the clock of forward_pass()
 *
 * Return: whether there were any.
 */
bool loans_settle(struct loans *loans, struct virtq *ring, struct virtq_batch *batch, uint32_t now);

/**
 * loan_is_reached - whether a device that reads later reaches bytes of a chain
 * @loan: loan
 * @start: first byte
 * @length: bytes
 */
bool loan_is_reached(const struct loan *loan, const uint8_t *start, uint32_t length);

#endif
