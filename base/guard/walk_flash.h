/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way from flash memory (MTD), and UBI on it, down to hardware. */
#ifndef IOV_BASE_GUARD_WALK_FLASH_H
#define IOV_BASE_GUARD_WALK_FLASH_H

#include "base/guard/scan.h"

/* Follow a device of MTD, by its number. */
void guard_walk_mtd(struct guard_scan *scan, struct guard_chain *chain, unsigned int number);

/* Follow a device of UBI to its flash; "ubi0", "ubi0_1" and "ubi0:rootfs" are all of the same. */
void guard_walk_ubi(struct guard_scan *scan, struct guard_chain *chain, const char *name);

#endif
