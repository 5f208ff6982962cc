/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the halves of the tracking share: one for each kind of ring. */
#ifndef VHOST_USER_RING_VIRTQ_INFLIGHT_INTERNAL_H
#define VHOST_USER_RING_VIRTQ_INFLIGHT_INTERNAL_H

#include <assert.h>
#include <errno.h>

#include "vhost-user/ring/virtq_chain.h"
#include "vhost-user/ring/virtq_inflight.h"

/* 0 is a region that nobody has used yet. */
#define INFLIGHT_VERSION 1

/* Buffer IDs of a packed ring are any 16 bits. */
#define INFLIGHT_IDS 65536

/*
 * "Inflight I/O tracking": DescStateSplit and QueueRegionSplit.  Of the padding we have @mark, see
 * virtq_inflight_mark(); other back ends leave it alone.
 */
struct inflight_split_entry {
	union {
		struct {
			uint8_t inflight;
			uint8_t mark;
		};
		uint16_t state;
	};
	uint8_t padding[4];
	uint16_t next;
	uint64_t counter;
};

struct inflight_split {
	uint64_t features;
	uint16_t version;
	uint16_t desc_num;
	uint16_t last_batch_head;
	uint16_t used_idx;
	struct inflight_split_entry desc[];
};

/* DescStatePacked and QueueRegionPacked. */
struct inflight_packed_entry {
	union {
		struct {
			uint8_t inflight;
			uint8_t mark;
		};
		uint16_t state;
	};
	uint16_t next;
	uint16_t last;
	uint16_t num;
	uint64_t counter;
	uint16_t id;
	uint16_t flags;
	uint32_t len;
	uint64_t addr;
};

/*
 * The heads, and the used indices with their wrap counters, are each written in one store:
 * a process that is killed between two of them would leave them in contradiction.
 */
struct inflight_packed {
	uint64_t features;
	uint16_t version;
	uint16_t desc_num;
	union {
		struct {
			uint16_t free_head;
			uint16_t old_free_head;
		};
		uint32_t heads;
	};
	union {
		struct {
			uint16_t used_idx;
			uint16_t old_used_idx;
			uint8_t used_wrap_counter;
			uint8_t old_used_wrap_counter;
		};
		uint64_t used;
	};
	uint64_t padding;
	struct inflight_packed_entry desc[];
};

static_assert(sizeof(struct inflight_split_entry) == 16 &&
		      offsetof(struct inflight_split_entry, next) == 6 &&
		      offsetof(struct inflight_split_entry, counter) == 8 &&
		      offsetof(struct inflight_split, last_batch_head) == 12 &&
		      offsetof(struct inflight_split, desc) == 16,
	      "QueueRegionSplit");
static_assert(sizeof(struct inflight_packed_entry) == 32 &&
		      offsetof(struct inflight_packed_entry, counter) == 8 &&
		      offsetof(struct inflight_packed_entry, addr) == 24 &&
		      offsetof(struct inflight_packed, free_head) == 12 &&
		      offsetof(struct inflight_packed, used_idx) == 16 &&
		      offsetof(struct inflight_packed, used_wrap_counter) == 20 &&
		      offsetof(struct inflight_packed, desc) == 32,
	      "QueueRegionPacked");

/* A chain to be submitted again: its place in the region, and when it was taken. */
struct inflight_again {
	uint64_t counter;
	uint16_t slot;
};

/**
 * struct virtq_inflight - see virtq_inflight.h
 * @iov: context for messages while it is opened
 * @is_packed: kind of ring
 * @entries: length of the arrays here and of @desc in the region
 * @size: entries of the ring, at most as many
 * @split: the region of a split ring
 * @packed: the region of a packed ring
 * @counter: of the next chain that is taken
 * @is_taken: heads or buffer IDs in flight, of a split ring until they are published
 * @again: chains to be submitted again, in order
 * @again_count: length of @again
 * @again_next: how many of them were
 * @batch: heads of a split ring that are pushed and not published
 * @batch_count: length of @batch, of which each head is another one
 * @next: what follows an entry of a packed region, in its chain or in the free list
 * @last: last entry of the chain of a head
 * @free_head: first free entry; @entries or more: none
 * @wants_call: the driver of a packed ring wants a call for what was published
 */
struct virtq_inflight {
	struct iov *iov;
	bool is_packed;
	uint16_t entries;
	uint16_t size;
	struct inflight_split *split;
	struct inflight_packed *packed;
	uint64_t counter;
	uint8_t *is_taken;
	struct inflight_again *again;
	uint16_t again_count;
	uint16_t again_next;
	uint16_t *batch;
	uint16_t batch_count;
	uint16_t *next;
	uint16_t *last;
	uint16_t free_head;
	bool wants_call;
};

/* The stores before this are made before those behind it, as far as a kill is concerned. */
static inline void inflight_in_order(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* Whether an entry is in flight, without a mark: in one store. */
static inline void inflight_set(uint16_t *state, bool is_in_flight)
{
	const struct inflight_split_entry entry = { .inflight = is_in_flight };

	__atomic_store_n(state, entry.state, __ATOMIC_RELAXED);
}

/* Make a new region, or repair the one that is there and list what was in flight. */
int inflight_split_create(struct virtq_inflight *inflight, struct virtq_setup *setup);
int inflight_split_repair(struct virtq_inflight *inflight, struct virtq_setup *setup);
int inflight_packed_create(struct virtq_inflight *inflight, struct virtq_setup *setup);
int inflight_packed_repair(struct virtq_inflight *inflight, struct virtq_setup *setup);

/* The chain of a packed ring that has its place at @slot. */
bool inflight_packed_again(struct virtq_inflight *inflight, struct virtq *vq,
			   struct virtq_batch *batch, uint16_t slot);

/* Write down a chain that was taken at @index, and one that is given back. */
void inflight_packed_taken(struct virtq_inflight *inflight, const struct virtq *vq,
			   struct virtq_chain *chain, uint16_t index);
void inflight_packed_push(struct virtq_inflight *inflight, struct virtq *vq,
			  const struct virtq_chain *chain, uint32_t length);
void inflight_split_taken(struct virtq_inflight *inflight, uint16_t head);
void inflight_split_push(struct virtq_inflight *inflight, struct virtq *vq,
			 const struct virtq_chain *chain, uint32_t length);
bool inflight_split_publish(struct virtq_inflight *inflight, struct virtq *vq);

/* Have a chain submitted again. */
static inline void inflight_list(struct virtq_inflight *inflight, uint16_t slot, uint64_t counter)
{
	inflight->again[inflight->again_count++] = (struct inflight_again){counter, slot};
}

#endif
