// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/driver_ring.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define AVAIL ((uint16_t)(1 << VRING_PACKED_DESC_F_AVAIL))
#define USED ((uint16_t)(1 << VRING_PACKED_DESC_F_USED))

static_assert(sizeof(struct driver_used) == sizeof(struct vring_used_elem) &&
		      offsetof(struct driver_used, length) == offsetof(struct vring_used_elem, len),
	      "what came back is copied from a split ring");

static unsigned int mask_of(const struct driver_ring *ring)
{
	return ring->size - 1u;
}

static unsigned int smaller(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* Section 2.8.1: the counter begins with 1 and changes with every round. */
static bool wrap_of(const struct driver_ring *ring, uint16_t position)
{
	return !(position & ring->size);
}

void driver_ring_describe(struct driver_ring *ring)
{
	ring->owned = ring->count;
	ring->is_ordered = ring->count == ring->size && !ring->parts_max;
	for (uint16_t i = 0; i < ring->count; i++) {
		ring->buffers[i].listed = i;
		ring->buffers[i].parts = 1;
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

static void write_table(struct driver_ring *ring, uint32_t id, const struct driver_part *parts,
			unsigned int count)
{
	struct vring_desc *table = &ring->tables[(size_t)id * ring->parts_max];

	for (unsigned int i = 0; i < count; i++) {
		const uint16_t next = i + 1 < count ? VRING_DESC_F_NEXT : 0;

		table[i] = (struct vring_desc){parts[i].gpa, parts[i].length, parts[i].flags | next,
					       (uint16_t)(i + 1)};
		/* Section 2.8.7: a table of a packed ring is in order, without a next. */
		if (ring->is_packed)
			memcpy(&table[i],
			       &(struct vring_packed_desc){parts[i].gpa, parts[i].length, 0,
							   parts[i].flags},
			       sizeof(table[i]));
	}
	ring->buffers[id].gpa = ring->tables_gpa + (uint64_t)id * ring->parts_max * sizeof(*table);
	ring->buffers[id].length = count * (uint32_t)sizeof(*table);
	if (!ring->is_packed)
		ring->split.desc[id] = (struct vring_desc){
			ring->buffers[id].gpa, ring->buffers[id].length, VRING_DESC_F_INDIRECT, 0};
}

static void write_split_chain(struct driver_ring *ring, uint32_t id,
			      const struct driver_part *parts, unsigned int count)
{
	const uint32_t rest = ring->count + id * (ring->parts_max - 1u);
	uint32_t at = id;

	for (unsigned int i = 0; i < count; i++) {
		const uint16_t next = i + 1 < count ? VRING_DESC_F_NEXT : 0;

		ring->split.desc[at] = (struct vring_desc){
			parts[i].gpa, parts[i].length, parts[i].flags | next, (uint16_t)(rest + i)};
		at = rest + i;
	}
}

void driver_ring_chain(struct driver_ring *ring, uint32_t id, const struct driver_part *parts,
		       unsigned int count)
{
	if (ring->tables) {
		write_table(ring, id, parts, count);
		return;
	}
	ring->buffers[id].parts = (uint8_t)count;
	if (ring->is_packed)
		memcpy(&ring->parts[(size_t)id * ring->parts_max], parts, count * sizeof(*parts));
	else
		write_split_chain(ring, id, parts, count);
}

/* A buffer came back out of turn: write down what the driver has, and what the device. */
static void end_order(struct driver_ring *ring)
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
static uint16_t unlist(struct driver_ring *ring)
{
	uint16_t id = ring->buffers[ring->listed_first++ & mask_of(ring)].listed;

	ring->buffers[id].is_posted = true;
	return id;
}

static void list(struct driver_ring *ring, unsigned int place, uint32_t id)
{
	ring->buffers[(ring->listed_first + place) & mask_of(ring)].listed = (uint16_t)id;
	ring->buffers[id].is_posted = false;
}

static void post_split(struct driver_ring *ring, unsigned int count)
{
	for (unsigned int i = 0; i < count && !ring->is_ordered; i++)
		ring->split.driver->ring[(ring->posted + i) & mask_of(ring)] = unlist(ring);
	ring->posted = (uint16_t)(ring->posted + count);
	/* The device that sees the index must see the entries and buffers. */
	__atomic_store_n(&ring->split.driver->idx, ring->posted, __ATOMIC_RELEASE);
}

/* The flags of an entry that makes a buffer available, in its second word. */
static uint64_t available_flags(const struct driver_ring *ring, uint16_t position)
{
	uint64_t flags = wrap_of(ring, position) ? AVAIL : USED;

	if (ring->is_writable)
		flags |= VRING_DESC_F_WRITE;
	if (ring->tables)
		flags |= VRING_DESC_F_INDIRECT;
	return flags << 48;
}

static uint64_t available_word(const struct driver_buffer *buffer, uint64_t id, uint64_t flags)
{
	return buffer->length | id << 32 | flags;
}

static void write_entry(struct vring_packed_desc *entry, const struct driver_buffer *buffer,
			uint64_t id, uint64_t flags)
{
	uint64_t word = available_word(buffer, id, flags);

	entry->addr = buffer->gpa;
	memcpy(&entry->len, &word, sizeof(word));
}

/* Make buffers available, one after the other; between them the ring does not begin anew. */
static void write_run(struct driver_ring *ring, uint16_t position, unsigned int count)
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

static void post_packed(struct driver_ring *ring, unsigned int count)
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

/* Whether a buffer may be several entries of the ring. */
static bool has_long_entries(const struct driver_ring *ring)
{
	return ring->is_packed && ring->parts_max && !ring->tables;
}

/* Write a chain where the ring stands; the flags of the very first entry are left to the caller. */
static uint16_t write_chain(struct driver_ring *ring, uint16_t position, uint16_t id)
{
	const struct driver_part *parts = &ring->parts[(size_t)id * ring->parts_max];
	const unsigned int count = ring->buffers[id].parts;
	uint16_t first = 0;

	for (unsigned int i = 0; i < count; i++, position++) {
		struct vring_packed_desc *entry = &ring->packed.desc[position & mask_of(ring)];
		const uint16_t flags = parts[i].flags | (wrap_of(ring, position) ? AVAIL : USED) |
				       (i + 1 < count ? VRING_DESC_F_NEXT : 0);

		entry->addr = parts[i].gpa;
		entry->len = parts[i].length;
		entry->id = id;
		if (position == ring->posted)
			first = flags;
		else
			entry->flags = flags;
	}
	return first;
}

static void post_chains(struct driver_ring *ring, unsigned int count)
{
	struct vring_packed_desc *entry = &ring->packed.desc[ring->posted & mask_of(ring)];
	uint16_t id = unlist(ring), flags = write_chain(ring, ring->posted, id);
	uint16_t position = ring->posted + ring->buffers[id].parts;

	for (unsigned int i = 1; i < count; i++) {
		id = unlist(ring);
		write_chain(ring, position, id);
		position = (uint16_t)(position + ring->buffers[id].parts);
	}
	ring->posted = position;
	/* The device looks at entries in order: the first, written last, shows all of them. */
	__atomic_store_n(&entry->flags, flags, __ATOMIC_RELEASE);
}

void driver_ring_post(struct driver_ring *ring, unsigned int count)
{
	if (!count)
		return;
	if (has_long_entries(ring))
		post_chains(ring, count);
	else if (ring->is_packed)
		post_packed(ring, count);
	else
		post_split(ring, count);
	ring->owned = (uint16_t)(ring->owned - count);
}

/* Section 2.7.10: whether a position is among those that are new. */
static bool is_passed(uint16_t event, uint16_t posted, uint16_t told)
{
	return (uint16_t)(posted - event - 1) < (uint16_t)(posted - told);
}

static bool packed_wants_kick(const struct driver_ring *ring, uint16_t told)
{
	const uint16_t flags = __atomic_load_n(&ring->packed.device->flags, __ATOMIC_ACQUIRE);
	uint16_t event, at;

	if (flags != VRING_PACKED_EVENT_FLAG_DESC || !ring->has_event_idx)
		return flags != VRING_PACKED_EVENT_FLAG_DISABLE;
	event = __atomic_load_n(&ring->packed.device->off_wrap, __ATOMIC_RELAXED);
	at = event & (uint16_t) ~(1u << VRING_PACKED_EVENT_F_WRAP_CTR);
	/* Of this round, otherwise of the last one. */
	if (event >> VRING_PACKED_EVENT_F_WRAP_CTR != wrap_of(ring, ring->posted))
		at = (uint16_t)(at - ring->size);
	return is_passed((uint16_t)((ring->posted & ~mask_of(ring)) + at), ring->posted, told);
}

static bool split_wants_kick(const struct driver_ring *ring, uint16_t told)
{
	/* Section 2.7.8: the event is behind the elements. */
	const void *event = &ring->split.device->ring[ring->size];

	if (ring->has_event_idx)
		return is_passed(__atomic_load_n((const uint16_t *)event, __ATOMIC_RELAXED),
				 ring->posted, told);
	return !(__atomic_load_n(&ring->split.device->flags, __ATOMIC_RELAXED) &
		 VRING_USED_F_NO_NOTIFY);
}

bool driver_ring_wants_kick(struct driver_ring *ring)
{
	const uint16_t told = ring->told;

	ring->told = ring->posted;
	return ring->is_packed ? packed_wants_kick(ring, told) : split_wants_kick(ring, told);
}

/* Whether these are the buffers that were posted first of all that the device has. */
static bool are_in_turn(const struct driver_ring *ring, const struct driver_used *used,
			unsigned int count)
{
	uint32_t wrong = 0;

	for (unsigned int i = 0; i < count; i++)
		wrong |= used[i].id ^ ((ring->used + i) & mask_of(ring));
	return !wrong;
}

/* Put them on the list; false when the device has not had one of them. */
static bool list_all(struct driver_ring *ring, const struct driver_used *used, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		if (used[i].id >= ring->count || !ring->buffers[used[i].id].is_posted)
			return false;
		list(ring, ring->owned + i, used[i].id);
	}
	return true;
}

static int ready_split(const struct driver_ring *ring, struct driver_used *used, unsigned int max)
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
static unsigned int ready_run(const struct driver_ring *ring, uint16_t position,
			      struct driver_used *used, unsigned int max)
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
		used[count] = (struct driver_used){(uint16_t)(word >> 32), (uint32_t)word};
	}
	return count;
}

static int ready_packed(const struct driver_ring *ring, struct driver_used *used, unsigned int max)
{
	const unsigned int most = smaller(max, ring->count - ring->owned);
	const unsigned int to_end = smaller(most, ring->size - (ring->used & mask_of(ring)));
	unsigned int count = ready_run(ring, ring->used, used, to_end);

	if (count == to_end)
		count += ready_run(ring, (uint16_t)(ring->used + to_end), used + to_end,
				   most - to_end);
	return (int)count;
}

/* Section 2.8.5: of a chain the first entry is written, and the others are passed over. */
static int ready_chains(const struct driver_ring *ring, struct driver_used *used, unsigned int max)
{
	const unsigned int most = smaller(max, ring->count - ring->owned);
	uint16_t position = ring->used;
	unsigned int count = 0;

	while (count < most && ready_run(ring, position, &used[count], 1)) {
		const uint32_t id = used[count++].id;

		if (id >= ring->count)
			break;
		position = (uint16_t)(position + ring->buffers[id].parts);
	}
	return (int)count;
}

/* Entries of the ring that buffers took. */
static uint16_t entries_of(const struct driver_ring *ring, const struct driver_used *used,
			   unsigned int count)
{
	uint16_t entries = 0;

	if (!has_long_entries(ring))
		return (uint16_t)count;
	for (unsigned int i = 0; i < count; i++)
		entries = (uint16_t)(entries + ring->buffers[used[i].id].parts);
	return entries;
}

static int ready(const struct driver_ring *ring, struct driver_used *used, unsigned int max)
{
	if (has_long_entries(ring))
		return ready_chains(ring, used, max);
	return ring->is_packed ? ready_packed(ring, used, max) : ready_split(ring, used, max);
}

int driver_ring_take(struct driver_ring *ring, struct driver_used *used, unsigned int max)
{
	int count = ready(ring, used, max);

	if (count <= 0)
		return count;
	if (ring->is_ordered && !are_in_turn(ring, used, (unsigned int)count))
		end_order(ring);
	if (!ring->is_ordered && !list_all(ring, used, (unsigned int)count))
		return -EPROTO;
	ring->used = (uint16_t)(ring->used + entries_of(ring, used, (unsigned int)count));
	ring->owned = (uint16_t)(ring->owned + count);
	/* A position that was passed is not come to before the ring went round: no calls. */
	if (ring->has_event_idx && !ring->is_packed)
		ring->split.driver->ring[ring->size] = (uint16_t)(ring->used - 1);
	return count;
}
