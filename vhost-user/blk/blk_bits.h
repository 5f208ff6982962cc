/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * linux/virtio_blk.h, with what headers of Linux 6.1 lack (virtio 1.3 section 5.2), and the flags
 * of requests, which are of the draft after 1.4.
 */
#ifndef VHOST_USER_BLK_BLK_BITS_H
#define VHOST_USER_BLK_BLK_BITS_H

#include <assert.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <stddef.h>
#include <stdint.h>

#ifndef VIRTIO_BLK_F_LIFETIME
#define VIRTIO_BLK_F_LIFETIME 15
#define VIRTIO_BLK_T_GET_LIFETIME 10
#endif

/* Bytes of "struct virtio_blk_lifetime". */
#define BLK_LIFETIME_BYTES 6

#ifndef VIRTIO_BLK_F_ZONED
#define VIRTIO_BLK_F_ZONED 17

#define VIRTIO_BLK_T_ZONE_APPEND 15
#define VIRTIO_BLK_T_ZONE_REPORT 16
#define VIRTIO_BLK_T_ZONE_OPEN 18
#define VIRTIO_BLK_T_ZONE_CLOSE 20
#define VIRTIO_BLK_T_ZONE_FINISH 22
#define VIRTIO_BLK_T_ZONE_RESET 24
#define VIRTIO_BLK_T_ZONE_RESET_ALL 26

#define VIRTIO_BLK_S_ZONE_INVALID_CMD 3
#define VIRTIO_BLK_S_ZONE_UNALIGNED_WP 4
#define VIRTIO_BLK_S_ZONE_OPEN_RESOURCE 5
#define VIRTIO_BLK_S_ZONE_ACTIVE_RESOURCE 6

#define VIRTIO_BLK_Z_NONE 0
#define VIRTIO_BLK_Z_HM 1
#define VIRTIO_BLK_Z_HA 2

#define VIRTIO_BLK_ZT_CONV 1
#define VIRTIO_BLK_ZT_SWR 2
#define VIRTIO_BLK_ZT_SWP 3

#define VIRTIO_BLK_ZS_NOT_WP 0
#define VIRTIO_BLK_ZS_EMPTY 1
#define VIRTIO_BLK_ZS_IOPEN 2
#define VIRTIO_BLK_ZS_EOPEN 3
#define VIRTIO_BLK_ZS_CLOSED 4
#define VIRTIO_BLK_ZS_RDONLY 13
#define VIRTIO_BLK_ZS_FULL 14
#define VIRTIO_BLK_ZS_OFFLINE 15
#endif

#ifndef VIRTIO_BLK_F_REQ_FLAGS
#define VIRTIO_BLK_F_REQ_FLAGS 18
#define VIRTIO_BLK_F_REQ_FLAGS_OUT_FUA 19

/* Number of a bit in what was "ioprio", of VIRTIO_BLK_T_OUT. */
#define VIRTIO_BLK_REQ_FLAG_OUT_FUA 0
#endif

/* At the end of the configuration space; section 5.2.4, "struct virtio_blk_zoned_characteristics". */
struct blk_config_zoned {
	uint32_t zone_sectors;
	uint32_t max_open_zones;
	uint32_t max_active_zones;
	uint32_t max_append_sectors;
	uint32_t write_granularity;
	uint8_t model;
	uint8_t unused[3];
};

/* Where that is: behind "secure_erase_sector_alignment". */
#define BLK_CONFIG_ZONED 72

/* Section 5.2.6: what VIRTIO_BLK_T_ZONE_REPORT begins with, and each zone behind it. */
struct blk_report_head {
	uint64_t nr_zones;
	uint8_t reserved[56];
};

struct blk_report_zone {
	uint64_t z_cap;
	uint64_t z_start;
	uint64_t z_wp;
	uint8_t z_type;
	uint8_t z_state;
	uint8_t reserved[38];
};

static_assert(sizeof(struct blk_config_zoned) == 24 &&
		      offsetof(struct virtio_blk_config, secure_erase_sector_alignment) + 4 ==
			      BLK_CONFIG_ZONED &&
		      sizeof(struct blk_report_head) == 64 && sizeof(struct blk_report_zone) == 64,
	      "section 5.2.4 and 5.2.6");

#endif
