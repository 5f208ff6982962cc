// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/net_ring.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define AVAIL ((uint16_t)(1 << VRING_PACKED_DESC_F_AVAIL))
#define USED ((uint16_t)(1 << VRING_PACKED_DESC_F_USED))

static_assert(sizeof(struct net_used) == sizeof(struct vring_used_elem) &&
		      offsetof(struct net_used, length) == offsetof(struct vring_used_elem, len),
	      "what came back is copied from a split ring");

static unsigned int mask_of(const struct net_ring *ring)
{
	return ring->size - 1u;
}

static unsigned int smaller(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* Section 2.8.1: the counter begins with 1 and changes with every round. */
static bool wrap_of(const struct net_ring *ring, uint16_t position)
{
	return !(position & ring->size);
}

void net_ring_describe(struct net_ring *ring)
{
	ring->owned = ring->count;
	ring->is_ordered = ring->count == ring->size;
	for (uint16_t i = 0; i < ring->count; i++) {
		ring->buffers[i].listed = i;
		if (ring->is_packed)
			continue;
		ring->split.driver->ring[i] = i;
		ring->split.desc[i] = (struct vring_desc){
			.addr = ring->buffers[i].gpa,
			.len = ring->buffers[i].length,
			.flags = ring->is_writable ? VRING_DESC_F_WRITE : 0,
		};
	}
}

/* A buffer came back out of turn: write down what the driver has, and what the device. */
static void end_order(struct net_ring *ring)
{
	ring->is_ordered = false;
	ring->listed_first = 0;
	for (unsigned int i = 0; i < ring->size; i++) {
		uint16_t id = (ring->posted + i) & mask_of(ring);

		ring->buffers[i].listed = id;
		ring->buffers[id].is_posted = i >= ring->owned;
	}
}

/* Begin to take the next buffer off the list. */
static uint16_t unlist(struct net_ring *ring)
{
	uint16_t id = ring->buffers[ring->listed_first++ & mask_of(ring)].listed;

	ring->buffers[id].is_posted = true;
	return id;
}

static void list(struct net_ring *ring, unsigned int place, uint32_t id)
{
	ring->buffers[(ring->listed_first + place) & mask_of(ring)].listed = (uint16_t)id;
	ring->buffers[id].is_posted = false;
}

static void post_split(struct net_ring *ring, unsigned int count)
{
	for (unsigned int i = 0; i < count && !ring->is_ordered; i++)
		ring->split.driver->ring[(ring->posted + i) & mask_of(ring)] = unlist(ring);
	ring->posted = (uint16_t)(ring->posted + count);
	/* The device that sees the index must see the entries and buffers. */
	__atomic_store_n(&ring->split.driver->idx, ring->posted, __ATOMIC_RELEASE);
}

/* The flags of an entry that makes a buffer available, in its second word. */
static uint64_t available_flags(const struct net_ring *ring, uint16_t position)
{
	uint64_t flags = wrap_of(ring, position) ? AVAIL : USED;

	if (ring->is_writable)
		flags |= VRING_DESC_F_WRITE;
	return flags << 48;
}

static uint64_t available_word(const struct net_buffer *buffer, uint64_t id, uint64_t flags)
{
	return buffer->length | id << 32 | flags;
}

static void write_entry(struct vring_packed_desc *entry, const struct net_buffer *buffer,
			uint64_t id, uint64_t flags)
{
	uint64_t word = available_word(buffer, id, flags);

	entry->addr = buffer->gpa;
	memcpy(&entry->len, &word, sizeof(word));
}

/* Make buffers available, one after the other; between them the ring does not begin anew. */
static void write_run(struct net_ring *ring, uint16_t position, unsigned int count)
{
	const unsigned int at = position & mask_of(ring);
	const uint64_t flags = available_flags(ring, position);
	struct vring_packed_desc *entry = &ring->packed.desc[at];

	if (ring->is_ordered) {
		for (unsigned int i = 0; i < count; i++)
			write_entry(&entry[i], &ring->buffers[at + i], at + i, flags);
		return;
	}
	for (unsigned int i = 0; i < count; i++) {
		uint16_t id = unlist(ring);

		write_entry(&entry[i], &ring->buffers[id], id, flags);
	}
}

static void post_packed(struct net_ring *ring, unsigned int count)
{
	const uint16_t first = ring->posted, second = first + 1;
	const uint16_t id = ring->is_ordered ? first & mask_of(ring) : unlist(ring);
	struct vring_packed_desc *entry = &ring->packed.desc[first & mask_of(ring)];
	const unsigned int left = count - 1;
	const unsigned int to_end = smaller(left, ring->size - (second & mask_of(ring)));

	entry->addr = ring->buffers[id].gpa;
	write_run(ring, second, to_end);
	write_run(ring, (uint16_t)(second + to_end), left - to_end);
	ring->posted = (uint16_t)(first + count);
	/* The device looks at entries in order: the first, written last, shows all of them. */
	__atomic_store_n((uint64_t *)(void *)&entry->len,
			 available_word(&ring->buffers[id], id, available_flags(ring, first)),
			 __ATOMIC_RELEASE);
}

void net_ring_post(struct net_ring *ring, unsigned int count)
{
	if (!count)
		return;
	if (ring->is_packed)
		post_packed(ring, count);
	else
		post_split(ring, count);
	ring->owned = (uint16_t)(ring->owned - count);
}

/* Whether these are the buffers that were posted first of all that the device has. */
static bool are_in_turn(const struct net_ring *ring, const struct net_used *used,
			unsigned int count)
{
	uint32_t wrong = 0;

	for (unsigned int i = 0; i < count; i++)
		wrong |= used[i].id ^ ((ring->used + i) & mask_of(ring));
	return !wrong;
}

/* Put them on the list; false when the device has not had one of them. */
static bool list_all(struct net_ring *ring, const struct net_used *used, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		if (used[i].id >= ring->count || !ring->buffers[used[i].id].is_posted)
			return false;
		list(ring, ring->owned + i, used[i].id);
	}
	return true;
}

static int ready_split(const struct net_ring *ring, struct net_used *used, unsigned int max)
{
	uint16_t ready = __atomic_load_n(&ring->split.device->idx, __ATOMIC_ACQUIRE) - ring->used;
	const unsigned int first = ring->used & mask_of(ring), count = smaller(ready, max);
	const unsigned int to_end = smaller(count, ring->size - first);

	if (ready > ring->count - ring->owned)
		return -EPROTO;
	memcpy(used, &ring->split.device->ring[first], to_end * sizeof(*used));
	memcpy(used + to_end, ring->split.device->ring, (count - to_end) * sizeof(*used));
	return (int)count;
}

/* Entries that are used, one after the other; between them the ring does not begin anew. */
static unsigned int ready_run(const struct net_ring *ring, uint16_t position,
			      struct net_used *used, unsigned int max)
{
	const struct vring_packed_desc *entry = &ring->packed.desc[position & mask_of(ring)];
	const uint64_t both = (uint64_t)(AVAIL | USED) << 48;
	const uint64_t done = wrap_of(ring, position) ? both : 0;
	unsigned int count = 0;

	for (; count < max; count++, entry++) {
		uint64_t word = __atomic_load_n((const uint64_t *)(const void *)&entry->len,
						__ATOMIC_ACQUIRE);

		if ((word & both) != done)
			break;
		used[count] = (struct net_used){(uint16_t)(word >> 32), (uint32_t)word};
	}
	return count;
}

static int ready_packed(const struct net_ring *ring, struct net_used *used, unsigned int max)
{
	const unsigned int most = smaller(max, ring->count - ring->owned);
	const unsigned int to_end = smaller(most, ring->size - (ring->used & mask_of(ring)));
	unsigned int count = ready_run(ring, ring->used, used, to_end);

	if (count == to_end)
		count += ready_run(ring, (uint16_t)(ring->used + to_end), used + to_end,
				   most - to_end);
	return (int)count;
}

int net_ring_take(struct net_ring *ring, struct net_used *used, unsigned int max)
{
	int count = ring->is_packed ? ready_packed(ring, used, max) : ready_split(ring, used, max);

	if (count <= 0)
		return count;
	if (ring->is_ordered && !are_in_turn(ring, used, (unsigned int)count))
		end_order(ring);
	if (!ring->is_ordered && !list_all(ring, used, (unsigned int)count))
		return -EPROTO;
	ring->used = (uint16_t)(ring->used + count);
	ring->owned = (uint16_t)(ring->owned + count);
	return count;
}
