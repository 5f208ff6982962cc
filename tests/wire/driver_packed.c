// SPDX-License-Identifier: GPL-2.0-or-later
/* The driver side of a packed ring, virtio 1.2 section 2.8. */
#include <string.h>

#include "tests/unit/test.h"
#include "tests/wire/driver_packed.h"

#define AVAIL BIT(VRING_PACKED_DESC_F_AVAIL)
#define USED BIT(VRING_PACKED_DESC_F_USED)
#define EVENT_WRAP BIT(VRING_PACKED_EVENT_F_WRAP_CTR)

void packed_open(struct driver *driver, struct guest *guest)
{
	driver->packed = (struct driver_packed){
		.desc = guest_at(guest, guest_alloc(guest, 16 * (uint64_t)driver->size, 16)),
		.driver_event = guest_at(guest, guest_alloc(guest, 4, 4)),
		.device_event = guest_at(guest, guest_alloc(guest, 4, 4)),
		.lengths = guest_at(guest, guest_alloc(guest, 2u * driver->size, 2)),
		.room = driver->size,
		.added_wrap = true,
		.seen_wrap = true,
	};
}

static void advance(const struct driver *driver, uint16_t *index, bool *wrap, uint16_t entries)
{
	*index += entries;
	if (*index >= driver->size) {
		*index -= driver->size;
		*wrap = !*wrap;
	}
}

static struct vring_packed_desc describe(const struct driver_buffer *buffer)
{
	return (struct vring_packed_desc){
		.addr = buffer->gpa,
		.len = buffer->length,
		.flags = buffer->writable ? VRING_DESC_F_WRITE : 0,
	};
}

static struct vring_packed_desc make_table(struct driver *driver,
					   const struct driver_buffer *buffers, unsigned int count)
{
	uint64_t gpa = guest_alloc(driver->guest, count * sizeof(struct vring_packed_desc), 16);
	struct vring_packed_desc *table = guest_at(driver->guest, gpa);

	for (unsigned int i = 0; i < count; i++)
		table[i] = describe(&buffers[i]);
	return (struct vring_packed_desc){
		.addr = gpa,
		.len = count * (uint32_t)sizeof(struct vring_packed_desc),
		.flags = VRING_DESC_F_INDIRECT,
	};
}

/* Write an entry; the flags of the first that is not published are withheld. */
static void add_entry(struct driver *driver, struct vring_packed_desc entry)
{
	struct driver_packed *packed = &driver->packed;
	struct vring_packed_desc *at = &packed->desc[driver->added];

	entry.flags |= packed->added_wrap ? AVAIL : USED;
	if (!packed->first_flags) {
		packed->first_flags = entry.flags;
		entry.flags = at->flags;
	}
	*at = entry;
	advance(driver, &driver->added, &packed->added_wrap, 1);
	packed->room--;
}

int packed_add(struct driver *driver, const struct driver_buffer *buffers, unsigned int count)
{
	bool indirect = driver->indirect && count > 1;
	struct driver_packed *packed = &driver->packed;
	unsigned int entries = indirect ? 1 : count;
	struct vring_packed_desc entry;
	uint16_t id;

	if (packed->room < entries)
		return -1;
	id = driver->free[--driver->free_count];
	packed->lengths[id] = (uint16_t)entries;
	for (unsigned int i = 0; i < entries; i++) {
		entry = indirect ? make_table(driver, buffers, count) : describe(&buffers[i]);
		entry.id = id;
		if (i + 1 < entries)
			entry.flags |= VRING_DESC_F_NEXT;
		add_entry(driver, entry);
	}
	return id;
}

/* With a full ring what was added is as far as what was published, a round later. */
bool packed_publish(struct driver *driver)
{
	struct driver_packed *packed = &driver->packed;
	uint16_t old = driver->published, now = driver->added, event;
	struct vring_packed_desc_event wish;

	if (!packed->first_flags)
		return false;
	__atomic_store_n(&packed->desc[old].flags, packed->first_flags, __ATOMIC_RELEASE);
	packed->first_flags = 0;
	driver->published = now;
	/* As in a driver: the entries must be visible before the device's wish is read. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	memcpy(&wish, packed->device_event, sizeof(wish));
	if (wish.flags != VRING_PACKED_EVENT_FLAG_DESC)
		return wish.flags == VRING_PACKED_EVENT_FLAG_ENABLE;
	assert_true(driver->event_idx);
	event = wish.off_wrap & (EVENT_WRAP - 1);
	if (now <= old)
		old -= driver->size;
	if (!!(wish.off_wrap & EVENT_WRAP) != packed->added_wrap)
		event -= driver->size;
	return vring_need_event(event, now, old);
}

bool packed_used(struct driver *driver, struct vring_used_elem *element)
{
	struct driver_packed *packed = &driver->packed;
	const struct vring_packed_desc *entry = &packed->desc[driver->seen];
	uint16_t flags = __atomic_load_n(&entry->flags, __ATOMIC_ACQUIRE);

	if (packed->room == driver->size || !!(flags & AVAIL) != packed->seen_wrap ||
	    !!(flags & USED) != packed->seen_wrap)
		return false;
	assert_true(entry->id < driver->size);
	*element = (struct vring_used_elem){ .id = entry->id, .len = entry->len };
	assert_int_equal(!!(flags & VRING_DESC_F_WRITE), entry->len != 0);
	driver->free[driver->free_count++] = entry->id;
	packed->room += packed->lengths[entry->id];
	advance(driver, &driver->seen, &packed->seen_wrap, packed->lengths[entry->id]);
	return true;
}

void packed_want_calls(struct driver *driver, bool wanted)
{
	struct driver_packed *packed = &driver->packed;
	struct vring_packed_desc_event wish = { 0, VRING_PACKED_EVENT_FLAG_DISABLE };

	if (wanted && driver->event_idx)
		wish = (struct vring_packed_desc_event){
			driver->seen | (packed->seen_wrap ? EVENT_WRAP : 0),
			VRING_PACKED_EVENT_FLAG_DESC,
		};
	else if (wanted)
		wish.flags = VRING_PACKED_EVENT_FLAG_ENABLE;
	memcpy(packed->driver_event, &wish, sizeof(wish));
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}
