/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way from any device in sysfs, and from the number of a node, down to hardware. */
#ifndef IOV_BASE_GUARD_WALK_DEVICE_H
#define IOV_BASE_GUARD_WALK_DEVICE_H

#include "base/guard/scan.h"
#include "base/sysroot/sysroot.h"

/**
 * struct guard_node - a node of a character device
 * @number: "226:128", "" where a recorded tree has no number for it
 * @name: its name below /dev, as the kernel calls it: "dri/renderD128"
 * @class: subsystem of its device: "drm", "" when that is not known
 * @target: its device in sysfs, "../../devices/pci0000:00/...", "" when sysfs has none
 */
struct guard_node {
	char number[24];
	char name[64];
	char class[32];
	char target[IOV_PATH_MAX];
};

/* The node with a number; what sysfs does not have of it is empty. */
void guard_node_by_number(struct guard_scan *scan, const char *number, struct guard_node *node);

/* The node at a path, "/dev/nvme0". */
void guard_node_by_path(struct guard_scan *scan, const char *path, struct guard_node *node);

/* The number of a node by its name below /dev, for recorded trees; false without one. */
bool guard_number_of_name(struct guard_scan *scan, const char *name, char *number, size_t size);

/*
 * Follow a device, by the target of a link to it, down to hardware: as it is below the
 * hardware, or stands on an interface, a block device or others that are.
 */
void guard_walk_device(struct guard_scan *scan, struct guard_chain *chain, const char *target);

/* The same for a link in sysfs; one that is not there leads nowhere. */
void guard_walk_link(struct guard_scan *scan, struct guard_chain *chain, const char *path);

#endif
