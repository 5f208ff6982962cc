/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way from a watchdog whose device has no parent down to hardware. */
#ifndef IOV_BASE_GUARD_WALK_WATCHDOG_H
#define IOV_BASE_GUARD_WALK_WATCHDOG_H

#include "base/guard/scan.h"

/*
 * Every function that may be the one: its driver is of a module that makes watchdogs, and no
 * watchdog is below it.  @name: "watchdog0"
 */
void guard_walk_watchdog(struct guard_scan *scan, struct guard_chain *chain, const char *name);

/*
 * The same for a watchdog of a platform device, "../../devices/platform/sp5100-tco/watchdog/...":
 * the functions that the table of its module knows.  Nothing for a target that is no such device.
 */
void guard_walk_platform_watchdog(struct guard_scan *scan, struct guard_chain *chain,
				  const char *target);

#endif
