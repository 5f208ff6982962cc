// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/blk_disk.h"

#include <errno.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <stddef.h>

#include "bench/blk_pattern.h"
#include "vhost-user/protocol/message.h"

/* Up to and with the number of rings: every disk has so much, some have no more. */
#define CONFIG offsetof(struct virtio_blk_config, max_discard_sectors)

/* Bits that no disk has and network devices have: announcements, several queue pairs, and so on. */
#define NOT_A_DISK \
	(VU_BIT(20) | VU_BIT(21) | VU_BIT(22) | VU_BIT(23) | VU_BIT(57) | VU_BIT(60) | VU_BIT(63))

/* Zones, which headers of Linux 6.1 lack: virtio 1.3 section 5.2.4. */
#define ZONED 17
#define ZONED_MODEL 92
#define ZONED_HOST_MANAGED 1

#define RING_SIZE 256

/* What is verified unless somebody says how much: written and read in a moment. */
#define VERIFIED_SPAN ((uint64_t)64 << 20)

/* Header and status of a request. */
#define AROUND 2

const char *blk_kind_name(enum blk_kind kind)
{
	static const char *const names[BLK_KINDS] = {"read", "write", "flush"};

	return names[kind];
}

static bool has(uint64_t features, unsigned int bit)
{
	return features & VU_BIT(bit);
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Whether only who knows zones can write to it. */
static int read_zones(struct blk_disk *disk, struct front_end *front_end)
{
	uint8_t space[ZONED_MODEL + 1] = {0};
	int error;

	if (!has(front_end->offered, ZONED))
		return 0;
	error = front_end_read_config(front_end, space, sizeof(space));
	disk->is_zoned = space[ZONED_MODEL] == ZONED_HOST_MANAGED;
	return error;
}

int blk_disk_read(struct blk_disk *disk, struct iov *iov, struct front_end *front_end)
{
	const uint64_t offered = front_end->offered;
	struct virtio_blk_config config = {0};
	int error;

	if (offered & NOT_A_DISK)
		return iov_fail(iov, -ENOTSUP,
				"%s: the back end has features of a network device; expected a "
				"disk, 'iov bench net' measures networks",
				front_end->path);
	error = front_end_read_config(front_end, &config, CONFIG);
	if (error)
		return error;
	*disk = (struct blk_disk){
		.bytes = smaller(config.capacity, UINT64_MAX / BLK_SECTOR) * BLK_SECTOR,
		.block_size = has(offered, VIRTIO_BLK_F_BLK_SIZE) ? config.blk_size : BLK_SECTOR,
		.size_max = has(offered, VIRTIO_BLK_F_SIZE_MAX) ? config.size_max : 0,
		.seg_max = has(offered, VIRTIO_BLK_F_SEG_MAX) ? config.seg_max : 1,
		.queues = has(offered, VIRTIO_BLK_F_MQ)
				  ? (unsigned int)smaller(config.num_queues, front_end->queues)
				  : 1,
		.is_read_only = has(offered, VIRTIO_BLK_F_RO),
	};
	return read_zones(disk, front_end);
}

static uint64_t features_of(const struct blk_load_options *options)
{
	uint64_t features = VU_BIT(VIRTIO_F_VERSION_1) | VU_BIT(VIRTIO_BLK_F_SEG_MAX) |
			    VU_BIT(VIRTIO_BLK_F_SIZE_MAX) | VU_BIT(VIRTIO_BLK_F_BLK_SIZE) |
			    VU_BIT(VIRTIO_BLK_F_FLUSH) | VU_BIT(VIRTIO_BLK_F_RO);

	if (options->packed)
		features |= VU_BIT(VIRTIO_F_RING_PACKED);
	if (options->queues > 1)
		features |= VU_BIT(VIRTIO_BLK_F_MQ);
	if (!options->no_indirect)
		features |= VU_BIT(VIRTIO_RING_F_INDIRECT_DESC);
	if (!options->no_event_idx)
		features |= VU_BIT(VIRTIO_RING_F_EVENT_IDX);
	return features;
}

static int fit_features(struct blk_shape *shape, struct iov *iov, const char *name,
			const struct blk_disk *disk, uint64_t offered,
			const struct blk_load_options *options)
{
	if (options->packed && !has(offered, VIRTIO_F_RING_PACKED))
		return iov_fail(iov, -ENOTSUP,
				"%s: the back end has no packed rings; expected a load without "
				"--packed",
				name);
	if (options->flush_every && !has(offered, VIRTIO_BLK_F_FLUSH))
		return iov_fail(iov, -ENOTSUP,
				"%s: the back end has no flushes; expected a load without "
				"--flush-every",
				name);
	if (options->queues > disk->queues)
		return iov_fail(iov, -ENOTSUP,
				"%s: --queues %u: expected as many as the disk has, %u at most",
				name, options->queues, disk->queues);
	if (blk_load_writes(options) && disk->is_read_only)
		return iov_fail(
			iov, -ENOTSUP,
			"%s: the disk is read-only; expected --rw read or randread, without "
			"--verify",
			name);
	if (blk_load_writes(options) && disk->is_zoned)
		return iov_fail(
			iov, -ENOTSUP,
			"%s: the disk has zones that are written in order, which this load does "
			"not do; expected --rw read or randread, without --verify",
			name);
	shape->features = features_of(options);
	shape->needed = shape->features & (VU_BIT(VIRTIO_F_VERSION_1) |
					   VU_BIT(VIRTIO_F_RING_PACKED) | VU_BIT(VIRTIO_BLK_F_MQ));
	return 0;
}

static uint64_t pieces_of(uint64_t bytes, uint64_t most)
{
	return (bytes + most - 1) / most;
}

static int fit_segments(struct blk_shape *shape, struct iov *iov, const char *name,
			const struct blk_disk *disk, const struct blk_load_options *options)
{
	const uint64_t least = disk->size_max ? pieces_of(options->size, disk->size_max) : 1;
	const uint64_t segments = options->segments > least ? options->segments : least;
	const unsigned int most = (unsigned int)smaller(disk->seg_max, DRIVER_PARTS_MAX - AROUND);

	if (segments > most)
		return iov_fail(iov, -ENOTSUP,
				"%s: a request would be in %llu pieces of memory; expected %u at "
				"most%s: see --size and --segments",
				name, (unsigned long long)segments, most,
				disk->size_max ? ", of which the disk limits the length" : "");
	shape->segments = (unsigned int)segments;
	shape->parts = (unsigned int)segments + AROUND;
	return 0;
}

static int fit_ring(struct blk_shape *shape, struct iov *iov, const char *name, uint64_t offered,
		    const struct blk_load_options *options)
{
	unsigned int needed, size = RING_SIZE;

	shape->is_indirect = !options->no_indirect && has(offered, VIRTIO_RING_F_INDIRECT_DESC);
	needed = options->depth * (shape->is_indirect ? 1 : shape->parts);
	/* Section 2.7.5.3.1: no chain is longer than the ring. */
	if (needed < shape->parts)
		needed = shape->parts;
	while (size < needed)
		size *= 2;
	if (options->ring_size)
		size = options->ring_size;
	if (needed > size || size > DRIVER_RING_MAX)
		return iov_fail(iov, -ENOTSUP,
				"%s: %u requests of %u descriptors %s need a ring of %u entries; "
				"expected %u at most: see --depth and --ring-size",
				name, options->depth, shape->parts,
				shape->is_indirect ? "in tables" : "in the ring", needed,
				size > DRIVER_RING_MAX ? DRIVER_RING_MAX : size);
	shape->ring_size = (uint16_t)size;
	return 0;
}

static int fit_span(struct blk_shape *shape, struct iov *iov, const char *name,
		    const struct blk_disk *disk, const struct blk_load_options *options)
{
	/* What is verified is under way once at a time, so there is more than can be under way. */
	const uint64_t least = options->verify ? 2ull * options->depth * options->queues : 1;
	uint64_t span = options->span;

	if (!disk->block_size || options->size % disk->block_size)
		return iov_fail(iov, -ENOTSUP,
				"%s: the disk has blocks of %u bytes; expected a --size that is a "
				"multiple, not %u",
				name, disk->block_size, options->size);
	if (span > disk->bytes)
		return iov_fail(
			iov, -ENOTSUP,
			"%s: the disk has %llu bytes; expected a --span of no more, not %llu", name,
			(unsigned long long)disk->bytes, (unsigned long long)span);
	if (!span && options->verify)
		span = least * options->size > VERIFIED_SPAN ? least * options->size
							     : VERIFIED_SPAN;
	if (!span || span > disk->bytes)
		span = disk->bytes;
	shape->slots = span / options->size;
	if (shape->slots < least)
		return iov_fail(iov, -ENOTSUP,
				"%s: %llu bytes of the disk have no room for %llu requests of %u "
				"bytes side by side; expected a larger disk or --span, or less in "
				"--size, --depth or --queues",
				name, (unsigned long long)span, (unsigned long long)least,
				options->size);
	return 0;
}

int blk_shape_fit(struct blk_shape *shape, struct iov *iov, const char *name,
		  const struct blk_disk *disk, uint64_t offered,
		  const struct blk_load_options *options)
{
	int error = fit_features(shape, iov, name, disk, offered, options);

	if (!error)
		error = fit_segments(shape, iov, name, disk, options);
	if (!error)
		error = fit_ring(shape, iov, name, offered, options);
	return error ? error : fit_span(shape, iov, name, disk, options);
}
