// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/switch/loan.h"

#include <stdlib.h>
#include <string.h>

/* DPDK calls it when nobody has a count any more, and the ring always has one. */
static void never_freed(void *start, void *arg)
{
	(void)start;
	(void)arg;
}

struct loans *loans_open(const struct loan_memory *memory)
{
	struct loans *loans = calloc(1, sizeof(*loans));

	if (!loans)
		return NULL;
	loans->memory = memory;
	for (unsigned int i = 0; i < LOANS_MAX; i++) {
		loans->list[i].ring = loans;
		loans->list[i].shared.free_cb = never_freed;
		rte_mbuf_ext_refcnt_set(&loans->list[i].shared, 1);
	}
	return loans;
}

void loans_wait(struct loans *loans, const struct virtq_batch *batch, uint32_t now)
{
	if (loans->first == loans->end)
		loans->since = now;
	for (unsigned int i = 0; i < batch->chain_count; i++)
		loans->list[loans->end++ % LOANS_MAX].chain = batch->chains[i];
}

bool loans_settle(struct loans *loans, struct virtq *ring, struct virtq_batch *batch, uint32_t now)
{
	virtq_batch_reset(batch);
	while (loans->first != loans->end && batch->chain_count < VIRTQ_CHAINS_MAX &&
	       loan_is_back(&loans->list[loans->first % LOANS_MAX]))
		batch->chains[batch->chain_count++] = loans->list[loans->first++ % LOANS_MAX].chain;
	if (!batch->chain_count)
		return false;
	virtq_return(ring, batch);
	loans->since = now;
	return true;
}

bool loan_is_reached(const struct loan *loan, const uint8_t *start, uint32_t length)
{
	/* Pairs with the control thread's store: the ranges are there before they are seen. */
	const struct loan_memory *memory = __atomic_load_n(&loan->ring->memory, __ATOMIC_ACQUIRE);

	for (size_t i = 0; memory && i < memory->count; i++) {
		size_t offset = (size_t)(start - memory->ranges[i].start);

		if (start >= memory->ranges[i].start && offset < memory->ranges[i].size)
			return length <= memory->ranges[i].size - offset;
	}
	return false;
}
