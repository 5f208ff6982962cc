// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/ring/virtq_position.h"

#include "vhost-user/ring/virtq_packed_flags.h"

#define INDEX_MASK 0x7fff

struct position {
	uint16_t first;
	uint16_t last;
	uint16_t next;
	uint16_t flags;
	bool is_run;
};

static uint16_t flags_at(const struct virtq_setup *setup, uint16_t place)
{
	const struct vring_packed_desc *ring = setup->desc;

	return __atomic_load_n(&ring[place & INDEX_MASK].flags, __ATOMIC_ACQUIRE);
}

static bool has_wrap(uint16_t place)
{
	return place >> 15;
}

/*
 * The driver has added an entry there that no device has used.  Of an entry that was
 * taken the driver changes nothing before it is used, so this tells whether it was.
 */
static bool is_available(const struct virtq_setup *setup, uint16_t place)
{
	return virtq_is_available(flags_at(setup, place), has_wrap(place));
}

/*
 * A driver makes a ring of zeroes, and never writes to the wish of its device for kicks.
 * Ours leave none of it zero.
 */
static bool is_new(const struct virtq_setup *setup)
{
	return !__atomic_load_n((const uint32_t *)setup->device, __ATOMIC_RELAXED);
}

static uint16_t next_place(const struct virtq_setup *setup, uint16_t place)
{
	uint16_t index = (place & INDEX_MASK) + 1;

	return index < setup->size ? virtq_place(index, has_wrap(place)) :
				     virtq_place(0, !has_wrap(place));
}

/*
 * Behind the last element of a run that was written.  The flags of one that is the first of all
 * are withheld, so it may always have been.
 */
static uint16_t end_of_run(const struct virtq_setup *setup, const struct position *position)
{
	uint16_t at = position->last;

	if (at == position->first && at != position->next)
		at = next_place(setup, at);
	for (uint16_t steps = 0; steps < setup->size && at != position->next; steps++) {
		if (is_available(setup, at))
			break;
		at = next_place(setup, at);
	}
	return at;
}

/*
 * The last element may be written in part: then nobody knows its length, and the entry of the
 * driver that it is written over cannot be taken again.
 */
static void finish_last(const struct virtq_setup *setup, const struct position *position)
{
	struct vring_packed_desc *ring = setup->desc;
	uint16_t last = position->last, next = position->next & INDEX_MASK;
	struct vring_packed_desc *element = &ring[last & INDEX_MASK];

	if (!is_available(setup, last))
		return;
	/* The last entry of a chain has its buffer ID. */
	element->id = ring[(next ? next : setup->size) - 1].id;
	element->len = 0;
	__atomic_store_n(&element->flags, virtq_used_flags(has_wrap(last)), __ATOMIC_RELEASE);
}

bool virtq_position_resume(const struct virtq_setup *setup, uint64_t word, uint32_t *base)
{
	struct position position = {
		(uint16_t)word, (uint16_t)(word >> 16), (uint16_t)(word >> 32),
		(uint16_t)((word & ~VIRTQ_POSITION_RUN) >> 48), word & VIRTQ_POSITION_RUN,
	};
	struct vring_packed_desc *ring = setup->desc;
	bool is_last_whole;
	uint16_t at;

	if ((position.first & INDEX_MASK) >= setup->size ||
	    (position.last & INDEX_MASK) >= setup->size ||
	    (position.next & INDEX_MASK) >= setup->size || is_new(setup))
		return false;
	if (position.is_run)
		position.next = end_of_run(setup, &position);
	at = position.next;
	/* Of a run, what is behind the first was written whole or not at all. */
	is_last_whole = position.is_run &&
			(position.first != position.last || at != next_place(setup, position.first));
	if (position.first != position.next && is_available(setup, position.first)) {
		if (!is_last_whole)
			finish_last(setup, &position);
		if (position.first != position.last || is_last_whole)
			__atomic_store_n(&ring[position.first & INDEX_MASK].flags, position.flags,
					 __ATOMIC_RELEASE);
		if (setup->log)
			dirty_log_mark(setup->log, setup->memory, ring,
				       sizeof(*ring) * setup->size);
	}
	*base = at | (uint32_t)at << 16;
	return true;
}

/* Behind the available chain at @place, and its buffer ID; @place when there is none. */
static uint16_t skip_chain(const struct virtq_setup *setup, uint16_t place, uint16_t *id)
{
	const struct vring_packed_desc *ring = setup->desc;
	uint16_t at = place;

	for (uint16_t steps = 0; steps < setup->size && is_available(setup, at); steps++) {
		*id = ring[at & INDEX_MASK].id;
		if (!(flags_at(setup, at) & VRING_DESC_F_NEXT))
			return next_place(setup, at);
		at = next_place(setup, at);
	}
	return place;
}

bool virtq_position_hand_back(const struct virtq_setup *setup, uint16_t from, uint16_t to)
{
	struct vring_packed_desc *ring = setup->desc;
	uint16_t at = from, id = 0;

	for (uint16_t steps = 0; at != to; steps++) {
		uint16_t next = skip_chain(setup, at, &id);

		if (next == at || steps == setup->size)
			return false;
		at = next;
	}
	for (uint16_t next; from != to; from = next) {
		next = skip_chain(setup, from, &id);
		if (next == from)
			return false;
		ring[from & INDEX_MASK].id = id;
		ring[from & INDEX_MASK].len = 0;
		__atomic_store_n(&ring[from & INDEX_MASK].flags, virtq_used_flags(has_wrap(from)),
				 __ATOMIC_RELEASE);
	}
	if (setup->log)
		dirty_log_mark(setup->log, setup->memory, ring, sizeof(*ring) * setup->size);
	return true;
}
