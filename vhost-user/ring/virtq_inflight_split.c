// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A split ring: an entry for each head.  What was published in one batch is a list, so
 * that a process that was killed before it had marked all of them leaves the rest to
 * the next one.
 */
#include "vhost-user/ring/virtq_inflight_internal.h"

static uint16_t used_index(const struct virtq_setup *setup)
{
	const struct vring_used *used = setup->device;

	return __atomic_load_n(&used->idx, __ATOMIC_RELAXED);
}

/*
 * A ring that has run before goes on, so the index need not be 0.  What somebody else has in
 * flight, who wrote nothing down, is not available again: the front end says where to go on
 * then.  Other numbers are of one that lost count, see resume_split().
 */
int inflight_split_create(struct virtq_inflight *inflight, struct virtq_setup *setup)
{
	struct inflight_split *region = inflight->split;
	uint16_t used = used_index(setup), ahead = (uint16_t)setup->base - used;

	for (uint16_t i = 0; i < inflight->entries; i++)
		region->desc[i] = (struct inflight_split_entry){0};
	region->desc_num = inflight->entries;
	region->last_batch_head = 0;
	region->used_idx = used;
	inflight_in_order();
	region->version = INFLIGHT_VERSION;
	setup->base = (uint16_t)(used + (ahead <= inflight->size ? ahead : 0));
	return 0;
}

/* The driver has these already. */
static int finish_batch(struct virtq_inflight *inflight, uint16_t used)
{
	struct inflight_split *region = inflight->split;
	uint16_t head = __atomic_load_n(&region->last_batch_head, __ATOMIC_RELAXED);
	uint16_t count = used - __atomic_load_n(&region->used_idx, __ATOMIC_RELAXED);

	if (count > inflight->size)
		return iov_fail(inflight->iov, -EPROTO, "its inflight region is %u elements behind "
				"the ring, expected at most %u: it is that of another ring",
				count, inflight->size);
	for (; count; count--) {
		if (head >= inflight->entries)
			return iov_fail(inflight->iov, -EPROTO, "its inflight region lists entry %u, "
					"expected less than %u", head, inflight->entries);
		inflight_set(&region->desc[head].state, false);
		head = __atomic_load_n(&region->desc[head].next, __ATOMIC_RELAXED);
	}
	inflight_in_order();
	region->used_idx = used;
	return 0;
}

int inflight_split_repair(struct virtq_inflight *inflight, struct virtq_setup *setup)
{
	struct inflight_split *region = inflight->split;
	uint16_t used = used_index(setup);
	int error = finish_batch(inflight, used);

	if (error)
		return error;
	for (uint16_t i = 0; i < inflight->entries; i++) {
		if (__atomic_load_n(&region->desc[i].inflight, __ATOMIC_RELAXED) != 1) {
			/* Its mark is that of what is over. */
			inflight_set(&region->desc[i].state, false);
			continue;
		}
		if (i >= inflight->size)
			return iov_fail(inflight->iov, -EPROTO, "head %u is in flight, expected less "
					"than %u", i, inflight->size);
		inflight_list(inflight, i,
			      __atomic_load_n(&region->desc[i].counter, __ATOMIC_RELAXED));
	}
	setup->base = (uint16_t)(used + inflight->again_count);
	return 0;
}

void inflight_split_taken(struct virtq_inflight *inflight, uint16_t head)
{
	struct inflight_split_entry *entry = &inflight->split->desc[head];

	entry->counter = inflight->counter++;
	inflight_in_order();
	inflight_set(&entry->state, true);
}

void inflight_split_push(struct virtq_inflight *inflight, struct virtq *vq,
			 const struct virtq_chain *chain, uint32_t length)
{
	struct inflight_split *region = inflight->split;

	/* The list goes back beyond this batch, which nobody reads. */
	region->desc[chain->id].next = inflight->free_head;
	inflight_in_order();
	region->last_batch_head = inflight->free_head = chain->id;
	inflight_in_order();
	inflight->batch[inflight->batch_count++] = chain->id;
	virtq_push(vq, chain, length);
}

bool inflight_split_publish(struct virtq_inflight *inflight, struct virtq *vq)
{
	struct inflight_split *region = inflight->split;
	bool wants_call = virtq_publish(vq);

	inflight_in_order();
	for (uint16_t i = 0; i < inflight->batch_count; i++) {
		inflight_set(&region->desc[inflight->batch[i]].state, false);
		inflight->is_taken[inflight->batch[i]] = 0;
	}
	inflight->batch_count = 0;
	inflight_in_order();
	region->used_idx = vq->split.used_published;
	return wants_call;
}
