/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way from nodes that do not say of what they are, by the driver that made them. */
#ifndef IOV_BASE_GUARD_WALK_DRIVER_H
#define IOV_BASE_GUARD_WALK_DRIVER_H

#include "base/guard/scan.h"

/*
 * Follow a node that sysfs does not have to the functions of the driver that registered its number.
 * @number: "235:0", "" where a recorded tree has none; @path: "/dev/megaraid_sas_ioctl_node"
 */
void guard_walk_unlisted(struct guard_scan *scan, struct guard_chain *chain, const char *number,
			 const char *path);

/* The same for a device of the class misc that sysfs has below nothing, by its name: "sev" */
void guard_walk_misc(struct guard_scan *scan, struct guard_chain *chain, const char *name);

#endif
