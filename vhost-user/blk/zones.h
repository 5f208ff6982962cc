/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Zones of a disk, virtio 1.3 section 5.2.6: what requests may ask of them, and a disk's own where
 * there is no device that has some.
 *
 * What is judged here needs only what never changes, the kinds of the zones, so each ring does it
 * for itself.  Where a zone goes on and which state it is in is for who has its data.
 */
#ifndef VHOST_USER_BLK_ZONES_H
#define VHOST_USER_BLK_ZONES_H

#include "vhost-user/blk/backend.h"
#include "vhost-user/blk/blk_bits.h"
#include "vhost-user/spin.h"

/**
 * blk_zone_of - the zone that a byte is in
 * @zoned: zones of the disk
 * @offset: byte of the disk
 */
static inline uint32_t blk_zone_of(const struct blk_zoned *zoned, uint64_t offset)
{
	return (uint32_t)(offset / zoned->zone_bytes);
}

/**
 * blk_zone_is_written_in_order - whether a zone takes a write only where it goes on
 * @zoned: zones of the disk
 * @zone: one of them
 */
static inline bool blk_zone_is_written_in_order(const struct blk_zoned *zoned, uint32_t zone)
{
	return zoned->types[zone] == VIRTIO_BLK_ZT_SWR;
}

/**
 * blk_zones_judge - whether zones allow what is asked of them
 * @zoned: zones of the disk
 * @op: BLK_READ, BLK_WRITE, BLK_ZONE_APPEND or one that changes a zone
 * @offset: first byte, on the disk
 * @length: bytes, all of them on the disk; 0 for a change
 *
 * Return: 0, BLK_ZONE_INVALID or BLK_ZONE_UNALIGNED.
 */
int blk_zones_judge(const struct blk_zoned *zoned, enum blk_op op, uint64_t offset,
		    uint64_t length);

/**
 * blk_zones_append_max - most bytes of an append: of one step, and of whole granules
 * @zoned: zones of the disk, with @zone_bytes and @granule
 */
uint32_t blk_zones_append_max(const struct blk_zoned *zoned);

/**
 * blk_report_room - how many zones a report has room for
 * @io: BLK_ZONE_REPORT
 */
uint64_t blk_report_room(const struct blk_io *io);

/**
 * blk_report_write - write a part of a report
 * @io: BLK_ZONE_REPORT
 * @at: bytes of the report before it
 * @bytes: the part
 * @size: its bytes, for which there is room
 */
void blk_report_write(const struct blk_io *io, uint64_t at, const void *bytes, size_t size);

/**
 * struct blk_own_zone - a zone of a struct blk_zone_set
 * @next: byte of the disk where it goes on
 * @state: VIRTIO_BLK_ZS_EMPTY and so on
 */
struct blk_own_zone {
	uint64_t next;
	uint8_t state;
};

/**
 * struct blk_zone_set - zones of a disk without a device that has some
 * @zoned: what they are
 * @bytes: of the disk
 * @zones: they
 * @lock: around @zones, @open and @active
 * @open: how many are open
 * @active: how many are open or closed
 */
struct blk_zone_set {
	struct blk_zoned zoned;
	uint64_t bytes;
	struct blk_own_zone *zones;
	struct spin lock;
	uint32_t open;
	uint32_t active;
};

/**
 * blk_zone_set_open - make empty zones that are written in order
 * @set: zeroed, but for @zoned: its @zone_bytes, limits and @granule; ended by
 *	blk_zone_set_close() in any case
 * @bytes: of the disk
 * @conventional: how many of the first ones are written in any order
 *
 * Return: 0 or -ENOMEM.
 */
int blk_zone_set_open(struct blk_zone_set *set, uint64_t bytes, uint32_t conventional);

/**
 * blk_zone_set_close - free them
 * @set: zones
 */
void blk_zone_set_close(struct blk_zone_set *set);

/**
 * blk_zone_set_write - have a zone go on behind what is written to it now
 * @set: zones
 * @io: BLK_WRITE or BLK_ZONE_APPEND that blk_zones_judge() let pass; whether it is again one that
 *	the zone has already is for the caller to see
 * @at: receives the byte where it is to be written
 *
 * Any thread.
 *
 * Return: 0 or one of the errors of zones, see backend.h.
 */
int blk_zone_set_write(struct blk_zone_set *set, const struct blk_io *io, uint64_t *at);

/**
 * blk_zone_set_has - whether a zone goes on behind some bytes
 * @set: zones
 * @at: first of them, on the disk
 * @length: how many
 *
 * Any thread.
 */
bool blk_zone_set_has(struct blk_zone_set *set, uint64_t at, uint64_t length);

/**
 * blk_zone_set_change - open, close or finish a zone
 * @set: zones
 * @io: which, that blk_zones_judge() let pass
 *
 * Any thread.
 *
 * Return: as blk_zone_set_write().
 */
int blk_zone_set_change(struct blk_zone_set *set, const struct blk_io *io);

/**
 * blk_zone_set_fence - have nobody write to a zone until it is reset
 * @set: zones
 * @zone: one that is written in order
 *
 * Any thread.
 *
 * Return: false when there is nothing in it, so that it is as a reset leaves it.
 */
bool blk_zone_set_fence(struct blk_zone_set *set, uint32_t zone);

/**
 * blk_zone_set_reset - a zone is empty
 * @set: zones
 * @zone: one that is written in order, after blk_zone_set_fence() and without data
 *
 * Any thread.
 */
void blk_zone_set_reset(struct blk_zone_set *set, uint32_t zone);

/**
 * blk_zone_set_report - say what they are, as many as take a moment
 * @set: zones
 * @io: BLK_ZONE_REPORT, whose @moved is how many it has already
 *
 * Any thread.
 *
 * Return: whether that was all.
 */
bool blk_zone_set_report(struct blk_zone_set *set, struct blk_io *io);

#endif
