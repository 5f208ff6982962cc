/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way from memory that several functions have together down to each of them. */
#ifndef IOV_BASE_GUARD_WALK_MEMORY_H
#define IOV_BASE_GUARD_WALK_MEMORY_H

#include "base/guard/scan.h"

/*
 * Follow what is below hardware, by its path in sysfs, to the function that it is below; or, in a
 * region of CXL or of non-volatile memory, to each function of the region.
 */
void guard_walk_hardware(struct guard_scan *scan, struct guard_chain *chain, const char *target);

/* Each function of a region of CXL: "sys/bus/cxl/devices/region0" */
void guard_walk_region(struct guard_scan *scan, struct guard_chain *chain, const char *region);

#endif
