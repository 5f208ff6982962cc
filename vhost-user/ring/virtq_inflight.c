// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/virtio_config.h>
#include <stdlib.h>

#include "vhost-user/ring/virtq_inflight_internal.h"

#define REGION_ALIGNMENT 64

static bool is_packed(uint64_t features)
{
	return features & (UINT64_C(1) << VIRTIO_F_RING_PACKED);
}

size_t virtq_inflight_bytes(unsigned int entries, uint64_t features)
{
	size_t bytes = is_packed(features) ?
		sizeof(struct inflight_packed) + entries * sizeof(struct inflight_packed_entry) :
		sizeof(struct inflight_split) + entries * sizeof(struct inflight_split_entry);

	return (bytes + REGION_ALIGNMENT - 1) & ~(size_t)(REGION_ALIGNMENT - 1);
}

static int allocate(struct virtq_inflight *inflight)
{
	size_t entries = inflight->entries;

	inflight->is_taken = calloc(INFLIGHT_IDS, 1);
	inflight->again = calloc(entries, sizeof(*inflight->again));
	inflight->batch = calloc(entries, sizeof(*inflight->batch));
	inflight->next = calloc(entries, sizeof(*inflight->next));
	inflight->last = calloc(entries, sizeof(*inflight->last));
	if (inflight->is_taken && inflight->again && inflight->batch && inflight->next &&
	    inflight->last)
		return 0;
	return iov_fail(inflight->iov, -ENOMEM, "out of memory for what is in flight");
}

static int by_counter(const void *a, const void *b)
{
	const struct inflight_again *left = a, *right = b;

	return left->counter < right->counter ? -1 : left->counter > right->counter;
}

/* Both kinds of region begin alike. */
static int prepare(struct virtq_inflight *inflight, struct virtq_setup *setup)
{
	uint16_t version = __atomic_load_n(&inflight->split->version, __ATOMIC_RELAXED);
	uint16_t entries = __atomic_load_n(&inflight->split->desc_num, __ATOMIC_RELAXED);
	uint64_t features = __atomic_load_n(&inflight->split->features, __ATOMIC_RELAXED);

	if (!version && inflight->is_packed)
		return inflight_packed_create(inflight, setup);
	if (!version)
		return inflight_split_create(inflight, setup);
	if (version != INFLIGHT_VERSION || features)
		return iov_fail(inflight->iov, -EPROTO, "its inflight region has version %u, expected %d",
				version, INFLIGHT_VERSION);
	if (entries != inflight->entries)
		return iov_fail(inflight->iov, -EPROTO, "its inflight region is for %u entries, "
				"expected %u", entries, inflight->entries);
	return inflight->is_packed ? inflight_packed_repair(inflight, setup) :
				     inflight_split_repair(inflight, setup);
}

int virtq_inflight_open(struct virtq_inflight **out, struct iov *iov, void *region,
			uint16_t entries, struct virtq_setup *setup)
{
	struct virtq_inflight *inflight = calloc(1, sizeof(*inflight));
	int error;

	if (!inflight)
		return iov_fail(iov, -ENOMEM, "out of memory for what is in flight");
	inflight->iov = iov;
	inflight->is_packed = is_packed(setup->features);
	inflight->entries = entries;
	inflight->size = setup->size;
	inflight->split = region;
	inflight->packed = region;
	error = allocate(inflight);
	if (!error)
		error = prepare(inflight, setup);
	if (error) {
		virtq_inflight_close(inflight);
		return error;
	}
	qsort(inflight->again, inflight->again_count, sizeof(*inflight->again), by_counter);
	if (inflight->again_count)
		inflight->counter = inflight->again[inflight->again_count - 1].counter + 1;
	*out = inflight;
	return 0;
}

void virtq_inflight_forget(void *region, uint16_t entries, uint64_t features, bool all)
{
	struct inflight_split *split = region;
	struct inflight_packed *packed = region;

	for (uint16_t i = 0; !all && i < entries; i++)
		if (__atomic_load_n(is_packed(features) ? &packed->desc[i].inflight :
							  &split->desc[i].inflight,
				    __ATOMIC_RELAXED))
			return;
	__atomic_store_n(&split->version, 0, __ATOMIC_RELAXED);
}

void virtq_inflight_close(struct virtq_inflight *inflight)
{
	if (!inflight)
		return;
	free(inflight->is_taken);
	free(inflight->again);
	free(inflight->batch);
	free(inflight->next);
	free(inflight->last);
	free(inflight);
}

bool virtq_inflight_has_more(const struct virtq_inflight *inflight)
{
	return inflight->again_next < inflight->again_count;
}

unsigned int virtq_inflight_resume(struct virtq_inflight *inflight, struct virtq *vq,
				   struct virtq_batch *batch, unsigned int max)
{
	unsigned int taken = 0;

	virtq_renew(vq);
	while (taken < max && virtq_inflight_has_more(inflight) && !vq->error) {
		uint16_t slot = inflight->again[inflight->again_next].slot;

		if (!(inflight->is_packed ? inflight_packed_again(inflight, vq, batch, slot) :
					    virtq_split_take_again(vq, batch, slot)))
			break;
		inflight->is_taken[batch->chains[batch->chain_count - 1].id] = 1;
		inflight->again_next++;
		taken++;
	}
	return taken;
}

unsigned int virtq_inflight_take(struct virtq_inflight *inflight, struct virtq *vq,
				 struct virtq_batch *batch, unsigned int max)
{
	const uint16_t before = batch->chain_count;
	uint16_t index = inflight->is_packed ? vq->packed.avail_next : 0;
	const unsigned int taken = virtq_take(vq, batch, max);

	for (unsigned int i = 0; i < taken; i++) {
		struct virtq_chain *chain = &batch->chains[before + i];

		if (unlikely(inflight->is_taken[chain->id])) {
			virtq_untake(vq, batch, taken - i);
			vq->error = VIRTQ_ERROR_IN_FLIGHT;
			return i;
		}
		inflight->is_taken[chain->id] = 1;
		if (!inflight->is_packed) {
			inflight_split_taken(inflight, chain->id);
			continue;
		}
		inflight_packed_taken(inflight, vq, chain, index);
		index = (uint16_t)((index + chain->descriptors) % vq->size);
	}
	return taken;
}

static uint8_t *mark_of(const struct virtq_inflight *inflight, const struct virtq_chain *chain)
{
	return inflight->is_packed ? &inflight->packed->desc[chain->slot].mark :
				     &inflight->split->desc[chain->id].mark;
}

void virtq_inflight_mark(struct virtq_inflight *inflight, const struct virtq_chain *chain,
			 enum virtq_inflight_mark mark)
{
	inflight_in_order();
	__atomic_store_n(mark_of(inflight, chain), (uint8_t)mark, __ATOMIC_RELAXED);
	inflight_in_order();
}

enum virtq_inflight_mark virtq_inflight_marked(const struct virtq_inflight *inflight,
					       const struct virtq_chain *chain)
{
	const uint8_t mark = __atomic_load_n(mark_of(inflight, chain), __ATOMIC_RELAXED);

	return mark > VIRTQ_INFLIGHT_DONE ? VIRTQ_INFLIGHT_TAKEN : (enum virtq_inflight_mark)mark;
}

void virtq_inflight_push(struct virtq_inflight *inflight, struct virtq *vq,
			 const struct virtq_chain *chain, uint32_t length)
{
	if (inflight->is_packed)
		inflight_packed_push(inflight, vq, chain, length);
	else
		inflight_split_push(inflight, vq, chain, length);
}

bool virtq_inflight_publish(struct virtq_inflight *inflight, struct virtq *vq)
{
	bool wants_call = inflight->wants_call;

	if (!inflight->is_packed)
		return inflight_split_publish(inflight, vq);
	inflight->wants_call = false;
	return wants_call;
}
