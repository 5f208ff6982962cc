// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/blk/zones.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "vhost-user/blk/request.h"

/* Zones that are described at once: some ten microseconds, however many pieces they are written to. */
#define REPORTED 256

/* Whether none of the zones that it touches is written in order, or it is within the one. */
static bool is_in_one(const struct blk_zoned *zoned, uint64_t offset, uint64_t length)
{
	const uint32_t last = blk_zone_of(zoned, offset + (length ? length - 1 : 0));
	uint32_t zone = blk_zone_of(zoned, offset);

	if (zone == last)
		return true;
	for (; zone <= last; zone++)
		if (blk_zone_is_written_in_order(zoned, zone))
			return false;
	return true;
}

static bool is_start(const struct blk_zoned *zoned, uint64_t offset)
{
	return !(offset % zoned->zone_bytes);
}

static int judge_append(const struct blk_zoned *zoned, uint64_t offset, uint64_t length)
{
	const uint32_t zone = blk_zone_of(zoned, offset);

	if (!blk_zone_is_written_in_order(zoned, zone) || !is_start(zoned, offset) || !length ||
	    length > zoned->append_max || !is_in_one(zoned, offset, length))
		return BLK_ZONE_INVALID;
	return length % zoned->granule ? BLK_ZONE_UNALIGNED : 0;
}

static int judge_write(const struct blk_zoned *zoned, uint64_t offset, uint64_t length)
{
	if (!is_in_one(zoned, offset, length))
		return BLK_ZONE_INVALID;
	if (!blk_zone_is_written_in_order(zoned, blk_zone_of(zoned, offset)))
		return 0;
	return (offset | length) % zoned->granule ? BLK_ZONE_UNALIGNED : 0;
}

static int judge_change(const struct blk_zoned *zoned, uint64_t offset)
{
	if (!is_start(zoned, offset) ||
	    zoned->types[blk_zone_of(zoned, offset)] == VIRTIO_BLK_ZT_CONV)
		return BLK_ZONE_INVALID;
	return 0;
}

int blk_zones_judge(const struct blk_zoned *zoned, enum blk_op op, uint64_t offset, uint64_t length)
{
	switch (op) {
	case BLK_READ:
		return is_in_one(zoned, offset, length) ? 0 : BLK_ZONE_INVALID;
	case BLK_WRITE:
		return judge_write(zoned, offset, length);
	case BLK_ZONE_APPEND:
		return judge_append(zoned, offset, length);
	default:
		return judge_change(zoned, offset);
	}
}

uint32_t blk_zones_append_max(const struct blk_zoned *zoned)
{
	const uint64_t most = zoned->zone_bytes < BLK_STEP_BYTES ? zoned->zone_bytes :
								   BLK_STEP_BYTES;

	return (uint32_t)(most - most % zoned->granule);
}

uint64_t blk_report_room(const struct blk_io *io)
{
	return (io->length - sizeof(struct blk_report_head)) / sizeof(struct blk_report_zone);
}

void blk_report_write(const struct blk_io *io, uint64_t at, const void *bytes, size_t size)
{
	const struct iovec *part = io->vector;
	const uint8_t *from = bytes;

	for (; at >= part->iov_len; part++)
		at -= part->iov_len;
	for (; size; part++, at = 0) {
		size_t now = part->iov_len - at < size ? part->iov_len - at : size;

		memcpy((uint8_t *)part->iov_base + at, from, now);
		from += now;
		size -= now;
	}
}

static uint64_t start_of(const struct blk_zone_set *set, const struct blk_own_zone *zone)
{
	return (uint64_t)(zone - set->zones) * set->zoned.zone_bytes;
}

static uint64_t end_of(const struct blk_zone_set *set, const struct blk_own_zone *zone)
{
	const uint64_t end = start_of(set, zone) + set->zoned.zone_bytes;

	return end < set->bytes ? end : set->bytes;
}

int blk_zone_set_open(struct blk_zone_set *set, uint64_t bytes, uint32_t conventional)
{
	const uint64_t zone_bytes = set->zoned.zone_bytes;

	set->bytes = bytes;
	set->zoned.model = VIRTIO_BLK_Z_HM;
	set->zoned.count = (uint32_t)((bytes + zone_bytes - 1) / zone_bytes);
	set->zoned.append_max = blk_zones_append_max(&set->zoned);
	set->zoned.types = malloc(set->zoned.count);
	set->zones = calloc(set->zoned.count, sizeof(*set->zones));
	if (!set->zoned.types || !set->zones)
		return -ENOMEM;
	for (uint32_t i = 0; i < set->zoned.count; i++) {
		const bool is_one = i < conventional;

		set->zoned.types[i] = is_one ? VIRTIO_BLK_ZT_CONV : VIRTIO_BLK_ZT_SWR;
		set->zones[i].next = i * zone_bytes;
		set->zones[i].state = is_one ? VIRTIO_BLK_ZS_NOT_WP : VIRTIO_BLK_ZS_EMPTY;
	}
	return 0;
}

void blk_zone_set_close(struct blk_zone_set *set)
{
	free(set->zoned.types);
	free(set->zones);
}

static bool is_open(const struct blk_own_zone *zone)
{
	return zone->state == VIRTIO_BLK_ZS_IOPEN || zone->state == VIRTIO_BLK_ZS_EOPEN;
}

static bool is_active(const struct blk_own_zone *zone)
{
	return is_open(zone) || zone->state == VIRTIO_BLK_ZS_CLOSED;
}

static void set_state(struct blk_zone_set *set, struct blk_own_zone *zone, uint8_t state)
{
	set->open -= is_open(zone);
	set->active -= is_active(zone);
	zone->state = state;
	set->open += is_open(zone);
	set->active += is_active(zone);
}

/* One that nobody asked to be open makes room for another. */
static bool close_some(struct blk_zone_set *set)
{
	for (uint32_t i = 0; i < set->zoned.count; i++) {
		if (set->zones[i].state != VIRTIO_BLK_ZS_IOPEN)
			continue;
		set_state(set, &set->zones[i], VIRTIO_BLK_ZS_CLOSED);
		return true;
	}
	return false;
}

static int open_zone(struct blk_zone_set *set, struct blk_own_zone *zone, uint8_t state)
{
	if (zone->state == VIRTIO_BLK_ZS_FULL)
		return BLK_ZONE_INVALID;
	if (zone->state == VIRTIO_BLK_ZS_EOPEN)
		return 0;
	if (!is_active(zone) && set->zoned.active_max && set->active >= set->zoned.active_max)
		return BLK_ZONE_ACTIVE_LIMIT;
	if (!is_open(zone) && set->zoned.open_max && set->open >= set->zoned.open_max &&
	    !close_some(set))
		return BLK_ZONE_OPEN_LIMIT;
	set_state(set, zone, state);
	return 0;
}

/* One without anything in it is empty again, as it is for who asks for it once more. */
static int close_zone(struct blk_zone_set *set, struct blk_own_zone *zone, bool is_again)
{
	if (is_again && zone->state == VIRTIO_BLK_ZS_EMPTY)
		return 0;
	if (!is_active(zone))
		return BLK_ZONE_INVALID;
	set_state(set, zone, zone->next == start_of(set, zone) ? VIRTIO_BLK_ZS_EMPTY
							       : VIRTIO_BLK_ZS_CLOSED);
	return 0;
}

static void finish_zone(struct blk_zone_set *set, struct blk_own_zone *zone)
{
	set_state(set, zone, VIRTIO_BLK_ZS_FULL);
	zone->next = end_of(set, zone);
}

static int write_zone(struct blk_zone_set *set, struct blk_own_zone *zone, const struct blk_io *io)
{
	int error;

	if (zone->state == VIRTIO_BLK_ZS_FULL)
		return BLK_ZONE_INVALID;
	if (io->op == BLK_WRITE && io->offset != zone->next)
		return BLK_ZONE_UNALIGNED;
	if (io->length > end_of(set, zone) - zone->next)
		return BLK_ZONE_INVALID;
	error = open_zone(set, zone, VIRTIO_BLK_ZS_IOPEN);
	if (error)
		return error;
	zone->next += io->length;
	if (zone->next == end_of(set, zone))
		set_state(set, zone, VIRTIO_BLK_ZS_FULL);
	return 0;
}

int blk_zone_set_write(struct blk_zone_set *set, const struct blk_io *io, uint64_t *at)
{
	struct blk_own_zone *zone = &set->zones[blk_zone_of(&set->zoned, io->offset)];
	int error;

	spin_lock(&set->lock);
	*at = zone->next;
	error = write_zone(set, zone, io);
	spin_unlock(&set->lock);
	return error;
}

bool blk_zone_set_has(struct blk_zone_set *set, uint64_t at, uint64_t length)
{
	const struct blk_own_zone *zone = &set->zones[blk_zone_of(&set->zoned, at)];
	bool has;

	spin_lock(&set->lock);
	has = zone->next >= at && zone->next - at >= length;
	spin_unlock(&set->lock);
	return has;
}

static int change(struct blk_zone_set *set, struct blk_own_zone *zone, const struct blk_io *io)
{
	switch (io->op) {
	case BLK_ZONE_OPEN:
		return open_zone(set, zone, VIRTIO_BLK_ZS_EOPEN);
	case BLK_ZONE_CLOSE:
		return close_zone(set, zone, io->is_again);
	default:
		finish_zone(set, zone);
		return 0;
	}
}

int blk_zone_set_change(struct blk_zone_set *set, const struct blk_io *io)
{
	int error;

	spin_lock(&set->lock);
	error = change(set, &set->zones[blk_zone_of(&set->zoned, io->offset)], io);
	spin_unlock(&set->lock);
	return error;
}

bool blk_zone_set_fence(struct blk_zone_set *set, uint32_t index)
{
	struct blk_own_zone *zone = &set->zones[index];
	bool has_data;

	spin_lock(&set->lock);
	has_data = zone->state != VIRTIO_BLK_ZS_EMPTY;
	if (has_data)
		finish_zone(set, zone);
	spin_unlock(&set->lock);
	return has_data;
}

void blk_zone_set_reset(struct blk_zone_set *set, uint32_t index)
{
	struct blk_own_zone *zone = &set->zones[index];

	spin_lock(&set->lock);
	set_state(set, zone, VIRTIO_BLK_ZS_EMPTY);
	zone->next = start_of(set, zone);
	spin_unlock(&set->lock);
}

static struct blk_report_zone describe(struct blk_zone_set *set, uint32_t index)
{
	const struct blk_own_zone *zone = &set->zones[index];
	struct blk_report_zone entry = {
		.z_cap = htole64((end_of(set, zone) - start_of(set, zone)) / BLK_SECTOR),
		.z_start = htole64(start_of(set, zone) / BLK_SECTOR),
		.z_type = set->zoned.types[index],
	};

	spin_lock(&set->lock);
	entry.z_wp = htole64(zone->next / BLK_SECTOR);
	entry.z_state = zone->state;
	spin_unlock(&set->lock);
	return entry;
}

bool blk_zone_set_report(struct blk_zone_set *set, struct blk_io *io)
{
	const uint32_t first = blk_zone_of(&set->zoned, io->offset), there = set->zoned.count - first;
	const uint64_t room = blk_report_room(io), all = room < there ? room : there;
	const uint64_t end = all - io->moved < REPORTED ? all : io->moved + REPORTED;
	struct blk_report_head head = { .nr_zones = htole64(all) };

	for (; io->moved < end; io->moved++) {
		const struct blk_report_zone entry = describe(set, first + (uint32_t)io->moved);

		blk_report_write(io, sizeof(head) + io->moved * sizeof(entry), &entry,
				 sizeof(entry));
	}
	if (end == all)
		blk_report_write(io, 0, &head, sizeof(head));
	return end == all;
}
