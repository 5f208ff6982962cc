/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way from a block device down to hardware. */
#ifndef IOV_BASE_GUARD_WALK_BLOCK_H
#define IOV_BASE_GUARD_WALK_BLOCK_H

#include "base/guard/scan.h"

/* Follow a block device, "dm-0", down to the disks that it is made of. */
void guard_walk_block(struct guard_scan *scan, struct guard_chain *chain, const char *name);

/* The same, to be handed to guard_for_each_name(). */
void guard_visit_block(struct guard_scan *scan, struct guard_chain *chain, const char *directory,
		       const char *name);

/* Follow an NVMe subsystem, "nvme-subsys0", to its controllers. */
void guard_walk_subsystem(struct guard_scan *scan, struct guard_chain *chain, const char *name);

/*
 * The node that a block device keeps its data on, of which it is no slave: that of a loop device,
 * and of zram what it writes back to; false for none.
 */
bool guard_block_backing(struct guard_scan *scan, const char *name, char *node, size_t size);

/*
 * Note a holder of a whole NVMe controller, by the target of a link to it, "../../devices/...", for each
 * of its namespaces that somebody asks for: with multipath they are not below the controller.
 */
void guard_found_namespaces(struct guard_scan *scan, struct guard_chain *chain, const char *controller);

#endif
