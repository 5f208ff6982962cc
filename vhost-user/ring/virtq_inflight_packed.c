// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A packed ring: used elements are written over descriptors of chains in flight, so the
 * region has copies of these.  Its entries are in a free list or in a chain.
 *
 * Each element is published by itself.  Of several in one publish those behind the first
 * are in the ring before the driver may see them; left there by a kill, they would be
 * taken for given back when it comes by, although they are submitted again.
 */
#include "vhost-user/ring/virtq_inflight_internal.h"
#include "vhost-user/ring/virtq_packed_flags.h"

#define LIMIT 0x7fff

union used {
	struct {
		uint16_t index;
		uint16_t old_index;
		uint8_t wrap;
		uint8_t old_wrap;
	};
	uint64_t word;
};

union heads {
	struct {
		uint16_t free;
		uint16_t old_free;
	};
	uint32_t word;
};

static_assert(sizeof(union used) == 8 && sizeof(union heads) == 4, "QueueRegionPacked");

static union used load_used(const struct inflight_packed *region)
{
	return (union used){.word = __atomic_load_n(&region->used, __ATOMIC_RELAXED)};
}

static union heads load_heads(const struct inflight_packed *region)
{
	return (union heads){.word = __atomic_load_n(&region->heads, __ATOMIC_RELAXED)};
}

/* Each of these is one store, and in its place among the others. */
static void store_used(struct inflight_packed *region, uint16_t index, bool wrap, uint16_t old_index,
		       bool old_wrap)
{
	const union used used = {{index, old_index, wrap, old_wrap}};

	inflight_in_order();
	__atomic_store_n(&region->used, used.word, __ATOMIC_RELAXED);
	inflight_in_order();
}

static void store_heads(struct inflight_packed *region, uint16_t head, uint16_t old_head)
{
	const union heads heads = {{head, old_head}};

	inflight_in_order();
	__atomic_store_n(&region->heads, heads.word, __ATOMIC_RELAXED);
	inflight_in_order();
}

/* How many entries of a base are in flight, about which nothing is written down. */
static uint16_t entries_ahead(const struct virtq_inflight *inflight, uint32_t base)
{
	uint16_t avail = base & LIMIT, used = base >> 16 & LIMIT;
	bool same_round = (base >> 15 & 1) == base >> 31;
	int ahead = avail - used + (same_round ? 0 : inflight->size);

	return ahead >= 0 && ahead <= inflight->size ? (uint16_t)ahead : 0;
}

int inflight_packed_create(struct virtq_inflight *inflight, struct virtq_setup *setup)
{
	struct inflight_packed *region = inflight->packed;
	uint16_t used = setup->base >> 16, ahead = entries_ahead(inflight, setup->base);
	int error;

	for (uint16_t i = 0; i < inflight->entries; i++)
		region->desc[i] = (struct inflight_packed_entry){.next = i + 1};
	region->desc_num = inflight->entries;
	store_heads(region, 0, 0);
	store_used(region, used & LIMIT, used >> 15, used & LIMIT, used >> 15);
	region->version = INFLIGHT_VERSION;
	error = inflight_packed_repair(inflight, setup);
	setup->in_flight = ahead;
	return error;
}

static bool is_available(const struct virtq_setup *setup, uint16_t index, bool wrap)
{
	const struct vring_packed_desc *ring = setup->desc;
	uint16_t flags = __atomic_load_n(&ring[index].flags, __ATOMIC_RELAXED);

	return virtq_is_available(flags, wrap);
}

/* The process before was giving something back: the driver has it, or it was not given back. */
static int settle(struct virtq_inflight *inflight, const struct virtq_setup *setup)
{
	struct inflight_packed *region = inflight->packed;
	union used used = load_used(region);
	union heads heads = load_heads(region);
	bool done;

	if (used.index >= inflight->size || used.old_index >= inflight->size || used.wrap > 1 ||
	    used.old_wrap > 1)
		return iov_fail(inflight->iov, -EPROTO, "its inflight region stands at entry %u, "
				"expected less than %u", used.index, inflight->size);
	done = (used.index != used.old_index || used.wrap != used.old_wrap) &&
	       !is_available(setup, used.old_index, used.old_wrap);
	if (!done) {
		used.index = used.old_index;
		used.wrap = used.old_wrap;
	}
	inflight->free_head = done ? heads.free : heads.old_free;
	store_heads(region, inflight->free_head, inflight->free_head);
	store_used(region, used.index, used.wrap, used.index, used.wrap);
	return 0;
}

static int fail_entry(struct virtq_inflight *inflight, uint16_t entry, const char *what)
{
	return iov_fail(inflight->iov, -EPROTO, "entry %u of its inflight region %s", entry, what);
}

/* Each entry is in one list: @owner is a byte for each, not 0 for those that were seen. */
static int walk_free(struct virtq_inflight *inflight, uint8_t *owner)
{
	struct inflight_packed *region = inflight->packed;
	uint16_t at = inflight->free_head;

	while (at < inflight->entries) {
		if (owner[at])
			return fail_entry(inflight, at, "is in the free list twice");
		owner[at] = 1;
		/* It may have been on its way to be taken. */
		inflight_set(&region->desc[at].state, false);
		at = inflight->next[at] = __atomic_load_n(&region->desc[at].next, __ATOMIC_RELAXED);
	}
	return 0;
}

static int walk_chain(struct virtq_inflight *inflight, uint8_t *owner, uint16_t head,
		      uint32_t *descriptors)
{
	const struct inflight_packed *region = inflight->packed;
	uint16_t count = __atomic_load_n(&region->desc[head].num, __ATOMIC_RELAXED);
	uint16_t last = __atomic_load_n(&region->desc[head].last, __ATOMIC_RELAXED), at = head;

	*descriptors += count;
	if (!count || *descriptors > inflight->size)
		return fail_entry(inflight, head, "begins a chain that does not fit into the ring");
	for (;;) {
		if (at >= inflight->entries || owner[at])
			return fail_entry(inflight, head, "begins a chain that leads elsewhere");
		owner[at] = 1;
		if (!--count)
			break;
		at = inflight->next[at] = __atomic_load_n(&region->desc[at].next, __ATOMIC_RELAXED);
	}
	if (at != last)
		return fail_entry(inflight, head, "begins a chain that ends elsewhere");
	inflight->last[head] = last;
	inflight_list(inflight, head,
		      __atomic_load_n(&region->desc[head].counter, __ATOMIC_RELAXED));
	return 0;
}

static int walk(struct virtq_inflight *inflight, uint8_t *owner, uint32_t *descriptors)
{
	int error = walk_free(inflight, owner);

	for (uint16_t i = 0; !error && i < inflight->entries; i++)
		if (__atomic_load_n(&inflight->packed->desc[i].inflight, __ATOMIC_RELAXED) == 1)
			error = walk_chain(inflight, owner, i, descriptors);
	for (uint16_t i = 0; !error && i < inflight->entries; i++)
		if (!owner[i])
			error = fail_entry(inflight, i, "is in no list");
	return error;
}

int inflight_packed_repair(struct virtq_inflight *inflight, struct virtq_setup *setup)
{
	uint32_t descriptors = 0;
	union used used;
	int error = settle(inflight, setup);

	/* Of IDs nothing is in flight yet. */
	if (!error)
		error = walk(inflight, inflight->is_taken, &descriptors);
	for (uint32_t i = 0; i < inflight->entries; i++)
		inflight->is_taken[i] = 0;
	if (error)
		return error;
	used = load_used(inflight->packed);
	setup->base = (used.index & LIMIT) | (uint32_t)(used.wrap & 1) << 15;
	setup->base |= setup->base << 16;
	setup->in_flight = (uint16_t)descriptors;
	return 0;
}

bool inflight_packed_again(struct virtq_inflight *inflight, struct virtq *vq,
			   struct virtq_batch *batch, uint16_t slot)
{
	struct virtq_chain *chain = virtq_begin_chain(batch);
	enum virtq_error error = VIRTQ_OK;
	uint16_t at = slot;

	if (!chain)
		return false;
	chain->slot = slot;
	for (;; at = inflight->next[at]) {
		const struct inflight_packed_entry *entry = &inflight->packed->desc[at];
		const struct vring_packed_desc copy = {
			.addr = __atomic_load_n(&entry->addr, __ATOMIC_RELAXED),
			.len = __atomic_load_n(&entry->len, __ATOMIC_RELAXED),
			.id = __atomic_load_n(&entry->id, __ATOMIC_RELAXED),
			.flags = __atomic_load_n(&entry->flags, __ATOMIC_RELAXED),
		};

		chain->descriptors++;
		error = virtq_packed_add_copy(vq, batch, chain, &copy);
		if (error || at == inflight->last[slot])
			break;
	}
	return virtq_end_chain(vq, batch, chain, error);
}

void inflight_packed_taken(struct virtq_inflight *inflight, const struct virtq *vq,
			   struct virtq_chain *chain, uint16_t index)
{
	struct inflight_packed *region = inflight->packed;
	uint16_t head = inflight->free_head, at = head, last = head;
	struct inflight_packed_entry *entry;

	/* No more descriptors are out than the ring has, so there are entries for them. */
	for (uint16_t i = 0; i < chain->descriptors; i++, at = inflight->next[at]) {
		const struct vring_packed_desc *desc = &vq->packed.desc[(index + i) % vq->size];

		entry = &region->desc[at];
		entry->addr = desc->addr;
		entry->len = desc->len;
		entry->id = desc->id;
		entry->flags = desc->flags;
		last = at;
	}
	entry = &region->desc[head];
	entry->num = chain->descriptors;
	entry->last = last;
	entry->counter = inflight->counter++;
	inflight_in_order();
	inflight_set(&entry->state, true);
	chain->slot = head;
	inflight->last[head] = last;
	inflight->free_head = at;
	store_heads(region, at, at);
}

void inflight_packed_push(struct virtq_inflight *inflight, struct virtq *vq,
			  const struct virtq_chain *chain, uint32_t length)
{
	struct inflight_packed *region = inflight->packed;
	uint16_t head = chain->slot, last = inflight->last[head];
	uint16_t old_index = vq->packed.used_next;
	bool old_wrap = vq->packed.used_wrap;
	uint32_t index = (uint32_t)old_index + chain->descriptors;
	bool wrap = old_wrap ^ (index >= vq->size);

	index -= index >= vq->size ? vq->size : 0;
	region->desc[last].next = inflight->next[last] = inflight->free_head;
	store_heads(region, head, inflight->free_head);
	inflight->free_head = head;
	store_used(region, (uint16_t)index, wrap, old_index, old_wrap);
	virtq_push(vq, chain, length);
	inflight->wants_call |= virtq_publish(vq);
	inflight->is_taken[chain->id] = 0;
	inflight_in_order();
	inflight_set(&region->desc[head].state, false);
	store_heads(region, head, head);
	store_used(region, (uint16_t)index, wrap, (uint16_t)index, wrap);
}
