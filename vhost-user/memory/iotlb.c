// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/memory/iotlb.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/**
 * struct entry - a translation
 * @start: first address
 * @end: behind the last one
 * @host: where it is in this process
 * @region: where the region of guest memory that it is in begins; what continues in the
 *	next one is another translation
 * @access: what the device may do there
 */
struct entry {
	uint64_t start;
	uint64_t end;
	uint8_t *host;
	const uint8_t *region;
	uint8_t access;
};

/* A view with its regions, and the one that it replaced. */
struct own_view {
	struct iotlb_view view;
	struct own_view *older;
	struct guest_region regions[];
};

/**
 * struct iotlb - an IOTLB
 * @view: what workers take
 * @current: the same when it is one of ours
 * @old: views that workers may still have
 * @generation: of the last view
 * @victim: counts up, to choose which entry goes
 * @count: used part of @entries
 * @entries: in order of their addresses, not overlapping; an update has two more for a
 *	moment
 */
struct iotlb {
	const struct iotlb_view *view;
	struct own_view *current;
	struct own_view *old;
	uint64_t generation;
	size_t victim;
	size_t count;
	struct entry entries[IOTLB_MAX + 2];
};

static struct guest_region nowhere;
static const struct iotlb_view empty_view = {
	.readable = { .regions = &nowhere },
	.writable = { .regions = &nowhere },
};

int iotlb_open(struct iotlb **out)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->view = &empty_view;
	return 0;
}

void iotlb_close(struct iotlb *iotlb)
{
	if (!iotlb)
		return;
	iotlb_collect(iotlb);
	free(iotlb->current);
	free(iotlb);
}

const struct iotlb_view *iotlb_view(const struct iotlb *iotlb)
{
	/* Pairs with the store in publish(): the view is whole before it is seen. */
	return __atomic_load_n(&iotlb->view, __ATOMIC_ACQUIRE);
}

static void publish(struct iotlb *iotlb, struct own_view *view)
{
	if (iotlb->current) {
		iotlb->current->older = iotlb->old;
		iotlb->old = iotlb->current;
	}
	iotlb->current = view;
	/* The worker that sees the view must see what is in it. */
	__atomic_store_n(&iotlb->view, view ? &view->view : &empty_view, __ATOMIC_RELEASE);
}

static void fill_table(struct guest_memory *table, struct guest_region *regions,
		       const struct iotlb *iotlb, enum iotlb_access access)
{
	table->regions = regions;
	for (size_t i = 0; i < iotlb->count; i++) {
		const struct entry *entry = &iotlb->entries[i];

		if (entry->access & access)
			regions[table->count++] = (struct guest_region){
				.gpa = entry->start,
				.size = entry->end - entry->start,
				.host = entry->host,
			};
	}
}

/* Let workers see the entries. */
static int renew_view(struct iotlb *iotlb)
{
	/* A table has a region for the first look, if only an empty one. */
	size_t most = iotlb->count + 1;
	struct own_view *own = calloc(1, sizeof(*own) + 2 * most * sizeof(own->regions[0]));

	if (!own)
		return -ENOMEM;
	own->view.generation = ++iotlb->generation;
	fill_table(&own->view.readable, own->regions, iotlb, IOTLB_READ);
	fill_table(&own->view.writable, own->regions + most, iotlb, IOTLB_WRITE);
	publish(iotlb, own);
	return 0;
}

/* First entry that ends behind an address. */
static size_t first_behind(const struct iotlb *iotlb, uint64_t address)
{
	size_t low = 0, high = iotlb->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (iotlb->entries[middle].end > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static void insert(struct iotlb *iotlb, size_t at, const struct entry *entry)
{
	struct entry *place = &iotlb->entries[at];

	memmove(place + 1, place, (iotlb->count++ - at) * sizeof(*place));
	*place = *entry;
}

static void erase(struct iotlb *iotlb, size_t from, size_t to)
{
	memmove(&iotlb->entries[from], &iotlb->entries[to],
		(iotlb->count - to) * sizeof(iotlb->entries[0]));
	iotlb->count -= to - from;
}

static void cut_start(struct entry *entry, uint64_t start)
{
	entry->host += start - entry->start;
	entry->start = start;
}

/* Make room: what lies across an end of the range stays outside of it. */
static void cut_out(struct iotlb *iotlb, uint64_t start, uint64_t end)
{
	size_t first = first_behind(iotlb, start), behind;
	struct entry *entry = &iotlb->entries[first];

	if (first < iotlb->count && entry->start < start) {
		if (entry->end > end) {
			struct entry rest = *entry;

			cut_start(&rest, end);
			insert(iotlb, first + 1, &rest);
		}
		entry->end = start;
		first++;
	}
	for (behind = first; behind < iotlb->count && iotlb->entries[behind].end <= end; behind++)
		;
	erase(iotlb, first, behind);
	if (first < iotlb->count && iotlb->entries[first].start < end)
		cut_start(&iotlb->entries[first], end);
}

static bool continues(const struct entry *a, const struct entry *b)
{
	return a->end == b->start && a->host + (a->end - a->start) == b->host &&
	       a->region == b->region && a->access == b->access;
}

/* Join an entry with the one behind it, if they are one. */
static void join(struct iotlb *iotlb, size_t at)
{
	struct entry *entry = &iotlb->entries[at];

	if (at + 1 >= iotlb->count || !continues(entry, entry + 1))
		return;
	entry->end = entry[1].end;
	erase(iotlb, at + 1, at + 2);
}

/* One of the others goes. */
static void evict(struct iotlb *iotlb, size_t keep)
{
	size_t at = iotlb->victim++ % iotlb->count;

	if (at == keep)
		at = (at + 1) % iotlb->count;
	erase(iotlb, at, at + 1);
}

static void add(struct iotlb *iotlb, const struct entry *entry)
{
	size_t at;

	cut_out(iotlb, entry->start, entry->end);
	at = first_behind(iotlb, entry->start);
	insert(iotlb, at, entry);
	join(iotlb, at);
	if (at)
		join(iotlb, at - 1);
	while (iotlb->count > IOTLB_MAX)
		evict(iotlb, first_behind(iotlb, entry->start));
}

/* Whether this is what is there already. */
static bool is_known(const struct iotlb *iotlb, const struct entry *entry)
{
	size_t at = first_behind(iotlb, entry->start);
	const struct entry *old = &iotlb->entries[at];

	return at < iotlb->count && old->start <= entry->start && old->end >= entry->end &&
	       old->host + (entry->start - old->start) == entry->host &&
	       old->region == entry->region && old->access == entry->access;
}

/* The first part of a range that is in one region; false when that is none. */
static bool first_part(const struct guest_memory *memory, const struct iotlb_range *range,
		       struct entry *part)
{
	const struct guest_region *region = guest_memory_find_user(memory, range->uva);
	uint64_t offset, size;

	if (!region)
		return false;
	offset = range->uva - region->uva;
	size = range->size < region->size - offset ? range->size : region->size - offset;
	*part = (struct entry){
		.start = range->iova,
		.end = range->iova + size,
		.host = region->host + offset,
		.region = region->host,
		.access = range->access,
	};
	return true;
}

static void skip_part(struct iotlb_range *range, const struct entry *part)
{
	uint64_t size = part->end - part->start;

	range->iova += size;
	range->uva += size;
	range->size -= size;
}

static bool is_in(const struct guest_memory *memory, struct iotlb_range range)
{
	struct entry part;

	for (; range.size; skip_part(&range, &part))
		if (!first_part(memory, &range, &part))
			return false;
	return true;
}

static int check(struct iov *iov, const struct guest_memory *memory,
		 const struct iotlb_range *range)
{
	uint64_t end;

	if (!range->access || range->access & ~IOTLB_READ_WRITE)
		return iov_fail(iov, -EINVAL,
				"translation of 0x%" PRIx64 " allows %u, expected 1 to 3",
				range->iova, range->access);
	if (!range->size || __builtin_add_overflow(range->iova, range->size, &end) ||
	    __builtin_add_overflow(range->uva, range->size, &end) || !is_in(memory, *range))
		return iov_fail(iov, -EINVAL,
				"translation of 0x%" PRIx64 " to 0x%" PRIx64 " with 0x%" PRIx64
				" bytes, expected a part of guest memory",
				range->iova, range->uva, range->size);
	return 0;
}

int iotlb_update(struct iotlb *iotlb, struct iov *iov, const struct guest_memory *memory,
		 const struct iotlb_range *range)
{
	struct iotlb_range rest = *range;
	bool changed = false;
	struct entry part;
	int error = check(iov, memory, range);

	if (error)
		return error;
	for (; rest.size && first_part(memory, &rest, &part); skip_part(&rest, &part)) {
		if (is_known(iotlb, &part))
			continue;
		add(iotlb, &part);
		changed = true;
	}
	if (!changed || !renew_view(iotlb))
		return 0;
	iotlb_invalidate(iotlb, 0, 0);
	return iov_fail(iov, -ENOMEM, "out of memory for translations");
}

void iotlb_invalidate(struct iotlb *iotlb, uint64_t iova, uint64_t size)
{
	uint64_t end;

	size_t first = first_behind(iotlb, iova);

	if (!size || __builtin_add_overflow(iova, size, &end))
		end = UINT64_MAX;
	if (first == iotlb->count || iotlb->entries[first].start >= end)
		return;
	cut_out(iotlb, iova, end);
	if (iotlb->count > IOTLB_MAX)
		evict(iotlb, IOTLB_MAX + 1);
	if (iotlb->count && !renew_view(iotlb))
		return;
	iotlb->count = 0;
	publish(iotlb, NULL);
}

bool iotlb_is_changed(const struct iotlb *iotlb)
{
	return iotlb->old;
}

void iotlb_collect(struct iotlb *iotlb)
{
	while (iotlb->old) {
		struct own_view *view = iotlb->old;

		iotlb->old = view->older;
		free(view);
	}
}

int iotlb_find(const struct iotlb *iotlb, uint64_t iova, uint64_t size, enum iotlb_access access,
	       void **host, uint64_t *missing)
{
	const uint8_t *region = NULL;
	uint64_t at = iova, end;

	if (__builtin_add_overflow(iova, size, &end))
		return -EFAULT;
	*host = NULL;
	while (at < end) {
		size_t index = first_behind(iotlb, at);
		const struct entry *entry = &iotlb->entries[index];

		*missing = at;
		if (index == iotlb->count || entry->start > at || (entry->access & access) != access)
			return -ENOENT;
		if (!*host) {
			*host = entry->host + (at - entry->start);
			region = entry->region;
		/* Neighbours of ours may be far from each other for the guest, and in its dirty log. */
		} else if ((uint8_t *)*host + (at - iova) != entry->host || entry->region != region) {
			return -ENXIO;
		}
		at = entry->end;
	}
	return 0;
}
