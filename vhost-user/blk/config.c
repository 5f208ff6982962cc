// SPDX-License-Identifier: GPL-2.0-or-later
#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "vhost-user/blk/blk_bits.h"
#include "vhost-user/blk/disk.h"
#include "vhost-user/blk/request.h"
#include "vhost-user/ring/ring_features.h"

/*
 * Segments of a request, with which it fits in a ring of 128 entries also without indirect
 * tables.  A limit for the size of one is not offered: drivers take 4 KiB for it then.
 */
#define SEGMENTS_MAX 126

#define RANGE_SECTORS_MAX (UINT32_MAX & ~UINT32_C(0xffff))

static_assert(BLK_CONFIG_ZONED + sizeof(struct blk_config_zoned) == BLK_CONFIG_BYTES &&
	      BLK_CONFIG_BYTES <= VU_CONFIG_SPACE, "it has room");

/* No translation: what is under way would have to be called back when one is taken away. */
#define TRANSPORT (RING_FEATURES & ~VIRTIO_BIT(VIRTIO_F_ACCESS_PLATFORM))

#define ALWAYS                                                                                     \
	(VIRTIO_BIT(VIRTIO_BLK_F_SEG_MAX) | VIRTIO_BIT(VIRTIO_BLK_F_BLK_SIZE) |                    \
	 VIRTIO_BIT(VIRTIO_BLK_F_TOPOLOGY))

uint64_t blk_features(const struct blk_disk *disk, unsigned int queues)
{
	const struct blk_geometry *geometry = &disk->geometry;
	uint64_t features = TRANSPORT | ALWAYS;

	if (queues > 1)
		features |= VIRTIO_BIT(VIRTIO_BLK_F_MQ);
	if (geometry->has_cache)
		features |= VIRTIO_BIT(VIRTIO_BLK_F_FLUSH) | VIRTIO_BIT(VIRTIO_BLK_F_CONFIG_WCE);
	if (geometry->has_lifetime)
		features |= VIRTIO_BIT(VIRTIO_BLK_F_LIFETIME);
	if (geometry->zoned)
		features |= VIRTIO_BIT(VIRTIO_BLK_F_ZONED);
	if (geometry->read_only)
		return features | VIRTIO_BIT(VIRTIO_BLK_F_RO);
	features |= VIRTIO_BIT(VIRTIO_BLK_F_REQ_FLAGS) | VIRTIO_BIT(VIRTIO_BLK_F_REQ_FLAGS_OUT_FUA);
	if (geometry->discard_max)
		features |= VIRTIO_BIT(VIRTIO_BLK_F_DISCARD);
	if (geometry->zeroes_max)
		features |= VIRTIO_BIT(VIRTIO_BLK_F_WRITE_ZEROES);
	if (geometry->erase_max)
		features |= VIRTIO_BIT(VIRTIO_BLK_F_SECURE_ERASE);
	return features;
}

const char *blk_feature_name(unsigned int bit)
{
	static const char *const names[] = {
		[VIRTIO_BLK_F_SIZE_MAX] = "size-max",
		[VIRTIO_BLK_F_SEG_MAX] = "seg-max",
		[VIRTIO_BLK_F_RO] = "read-only",
		[VIRTIO_BLK_F_BLK_SIZE] = "block-size",
		[VIRTIO_BLK_F_FLUSH] = "flush",
		[VIRTIO_BLK_F_TOPOLOGY] = "topology",
		[VIRTIO_BLK_F_CONFIG_WCE] = "config-wce",
		[VIRTIO_BLK_F_MQ] = "multiqueue",
		[VIRTIO_BLK_F_DISCARD] = "discard",
		[VIRTIO_BLK_F_WRITE_ZEROES] = "write-zeroes",
		[VIRTIO_BLK_F_SECURE_ERASE] = "secure-erase",
		[VIRTIO_BLK_F_LIFETIME] = "lifetime",
		[VIRTIO_BLK_F_ZONED] = "zoned",
		[VIRTIO_BLK_F_REQ_FLAGS] = "request-flags",
		[VIRTIO_BLK_F_REQ_FLAGS_OUT_FUA] = "write-fua",
	};

	return bit < sizeof(names) / sizeof(*names) ? names[bit] : NULL;
}

/* Whole blocks, and what a request has room to say. */
static uint32_t range_sectors(const struct blk_disk *disk, uint64_t bytes)
{
	const uint64_t sectors = bytes / BLK_SECTOR;
	const uint32_t block = disk->geometry.block / BLK_SECTOR;

	return sectors < RANGE_SECTORS_MAX ? (uint32_t)sectors & ~(block - 1) : RANGE_SECTORS_MAX;
}

static void fill_topology(const struct blk_geometry *geometry, struct virtio_blk_config *config)
{
	const uint32_t blocks = geometry->physical_block / geometry->block;
	const uint32_t min = geometry->io_min ? geometry->io_min : geometry->physical_block;

	config->blk_size = htole32(geometry->block);
	config->physical_block_exp = (uint8_t)__builtin_ctz(blocks);
	config->alignment_offset = (uint8_t)geometry->aligned_at;
	config->min_io_size = htole16((uint16_t)(min / geometry->block < UINT16_MAX ?
						 min / geometry->block : UINT16_MAX));
	config->opt_io_size = htole32(geometry->io_optimal / geometry->block);
}

static void fill_zoned(const struct blk_zoned *zoned, uint8_t *to)
{
	const struct blk_config_zoned config = {
		.zone_sectors = htole32((uint32_t)(zoned->zone_bytes / BLK_SECTOR)),
		.max_open_zones = htole32(zoned->open_max),
		.max_active_zones = htole32(zoned->active_max),
		.max_append_sectors = htole32(zoned->append_max / BLK_SECTOR),
		.write_granularity = htole32(zoned->granule),
		.model = zoned->model,
	};

	memcpy(to, &config, sizeof(config));
}

void blk_config_fill(const struct blk_disk *disk, unsigned int queues,
		     uint8_t space[VU_CONFIG_SPACE])
{
	const struct blk_geometry *geometry = &disk->geometry;
	const uint32_t discard_block =
		geometry->discard_block ? geometry->discard_block : geometry->block;
	struct virtio_blk_config config = {
		.capacity = htole64(disk->sectors),
		.seg_max = htole32(SEGMENTS_MAX),
		.wce = disk->has_cache,
		.num_queues = htole16((uint16_t)queues),
	};

	fill_topology(geometry, &config);
	if (geometry->discard_max) {
		config.max_discard_sectors = htole32(range_sectors(disk, geometry->discard_max));
		config.max_discard_seg = htole32(BLK_RANGES_MAX);
		config.discard_sector_alignment = htole32(discard_block / BLK_SECTOR);
	}
	if (geometry->zeroes_max) {
		config.max_write_zeroes_sectors =
			htole32(range_sectors(disk, geometry->zeroes_max));
		config.max_write_zeroes_seg = htole32(BLK_RANGES_MAX);
		config.write_zeroes_may_unmap = geometry->zeroes_may_unmap;
	}
	if (geometry->erase_max) {
		config.max_secure_erase_sectors =
			htole32(range_sectors(disk, geometry->erase_max));
		config.max_secure_erase_seg = htole32(BLK_RANGES_MAX);
		config.secure_erase_sector_alignment = htole32(geometry->block / BLK_SECTOR);
	}
	memcpy(space, &config, BLK_CONFIG_ZONED);
	if (geometry->zoned)
		fill_zoned(geometry->zoned, space + BLK_CONFIG_ZONED);
}

bool blk_needs_zones(const struct blk_disk *disk)
{
	return disk->geometry.zoned && disk->geometry.zoned->model == VIRTIO_BLK_Z_HM;
}

int blk_config_write(struct blk_disk *disk, uint32_t offset, const uint8_t *bytes, uint32_t size)
{
	if (offset != offsetof(struct virtio_blk_config, wce) || size != 1 || *bytes > 1)
		return -EINVAL;
	__atomic_store_n(&disk->has_cache, *bytes, __ATOMIC_RELAXED);
	return 0;
}

bool blk_is_stable(const struct blk_disk *disk, uint64_t features)
{
	if (!disk->geometry.has_cache)
		return false;
	if (!(features & VIRTIO_BIT(VIRTIO_BLK_F_FLUSH)))
		return true;
	return features & VIRTIO_BIT(VIRTIO_BLK_F_CONFIG_WCE) &&
	       !__atomic_load_n(&disk->has_cache, __ATOMIC_RELAXED);
}

struct blk_limits blk_limits_of(const struct blk_disk *disk, uint64_t features)
{
	const struct blk_geometry *geometry = &disk->geometry;
	const bool knows_zones = features & VIRTIO_BIT(VIRTIO_BLK_F_ZONED);
	struct blk_limits limits = {
		.features = features,
		.sectors = disk->sectors,
		.block_sectors = geometry->block / BLK_SECTOR,
		.read_only = geometry->read_only || (blk_needs_zones(disk) && !knows_zones),
		.is_stable = blk_is_stable(disk, features),
		.zoned = knows_zones ? geometry->zoned : NULL,
		.lifetime = features & VIRTIO_BIT(VIRTIO_BLK_F_LIFETIME) ? &disk->lifetime : NULL,
	};

	/* What was not negotiated there is not: section 5.2.6.2. */
	if (features & VIRTIO_BIT(VIRTIO_BLK_F_DISCARD))
		limits.range_sectors[BLK_DISCARD] = range_sectors(disk, geometry->discard_max);
	if (features & VIRTIO_BIT(VIRTIO_BLK_F_WRITE_ZEROES))
		limits.range_sectors[BLK_WRITE_ZEROES] = range_sectors(disk, geometry->zeroes_max);
	if (features & VIRTIO_BIT(VIRTIO_BLK_F_SECURE_ERASE))
		limits.range_sectors[BLK_SECURE_ERASE] = range_sectors(disk, geometry->erase_max);
	memcpy(limits.serial, disk->serial, sizeof(limits.serial));
	return limits;
}
