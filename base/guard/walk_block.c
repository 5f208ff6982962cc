// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The way from a block device down to the disks below it, through partitions, device
 * mapper, MD and bcache ("slaves"), loop devices, pages that zram wrote, UBI, and the controllers
 * of an NVMe subsystem; and what carries a disk that is on another host.
 */
#include "base/guard/walk_block.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/guard/walk_flash.h"
#include "base/guard/walk_memory.h"
#include "base/guard/walk_remote.h"
#include "base/sysroot/paths.h"

void guard_visit_block(struct guard_scan *scan, struct guard_chain *chain, const char *directory,
		       const char *name)
{
	(void)directory;
	guard_walk_block(scan, chain, name);
}

/* A controller of an NVMe subsystem, "nvme0"; its namespaces are listed beside it. */
static void visit_controller(struct guard_scan *scan, struct guard_chain *chain,
			     const char *directory, const char *name)
{
	struct iov_path path = iov_path("%s/%s", directory, name);
	char target[IOV_PATH_MAX];

	if (strncmp(name, "nvme", 4) || strspn(name + 4, "0123456789") != strlen(name + 4) ||
	    !guard_may_go_deeper(scan, chain, name) || !guard_read_link(scan, path.name, target))
		return;
	chain->names[chain->count++] = name;
	guard_found(scan, chain, target);
	guard_walk_remote(scan, chain, target);
	chain->count--;
}

void guard_walk_subsystem(struct guard_scan *scan, struct guard_chain *chain, const char *name)
{
	guard_for_each_name(scan, chain, iov_path(IOV_PATH_NVME_SUBSYSTEMS "/%s", name).name,
			    visit_controller);
}

/*
 * "../../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1": with multipath a
 * namespace belongs to the subsystem, and every controller in it is a path.
 */
static void walk_paths(struct guard_scan *scan, struct guard_chain *chain, const char *target)
{
	const char *name = strstr(target, "/nvme-subsystem/");

	if (!name)
		return;
	name += strlen("/nvme-subsystem/");
	guard_walk_subsystem(scan, chain, iov_path("%.*s", (int)strcspn(name, "/"), name).name);
}

static bool is_partition(struct guard_scan *scan, const char *name)
{
	return iov_sys_exists(scan->iov, iov_path(IOV_PATH_CLASS_BLOCK "/%s/partition", name).name);
}

/* "nvme0n1" is a namespace of its controller; "nvme0c1n1" is a path to one of its subsystem, "nvme0n1". */
static void visit_namespace(struct guard_scan *scan, struct guard_chain *chain,
			    const char *directory, const char *name)
{
	unsigned int instance, number, path;
	struct iov_path block = iov_path("%s", name);
	char target[IOV_PATH_MAX];

	(void)directory;
	if (sscanf(name, "nvme%uc%un%u", &instance, &path, &number) == 3)
		block = iov_path("nvme%un%u", instance, number);
	if (iov_sys_link(scan->iov, iov_path(IOV_PATH_CLASS_BLOCK "/%s", block.name).name, target,
			 sizeof(target)) || !guard_is_asked(scan, target))
		return;
	guard_found(scan, chain, target);
}

void guard_found_namespaces(struct guard_scan *scan, struct guard_chain *chain, const char *controller)
{
	const char *name = strrchr(controller, '/');

	/* Who asks for the function has the holder by now. */
	if (name && !guard_is_asked(scan, controller))
		guard_for_each_name(scan, chain, iov_path(IOV_PATH_CLASS_NVME "%s", name).name,
				    visit_namespace);
}

/* A partition has no slaves of its own; those of its disk count. */
static void walk_whole(struct guard_scan *scan, struct guard_chain *chain, const char *name,
		       char *target)
{
	char *last = strrchr(target, '/');

	if (!last || !is_partition(scan, name))
		return;
	*last = '\0';
	last = strrchr(target, '/');
	if (last)
		guard_walk_block(scan, chain, last + 1);
}

/* A file has no node; the mount that it is on speaks for itself. */
bool guard_block_backing(struct guard_scan *scan, const char *name, char *node, size_t size)
{
	static const char *const attributes[] = { "loop/backing_file", "backing_dev" };

	for (size_t i = 0; i < sizeof(attributes) / sizeof(*attributes); i++) {
		if (!iov_sys_read(scan->iov, iov_path(IOV_PATH_CLASS_BLOCK "/%s/%s", name,
						      attributes[i]).name, node, size) &&
		    !strncmp(node, "/" IOV_PATH_DEV "/", strlen("/" IOV_PATH_DEV "/")))
			return true;
	}
	return false;
}

static void walk_backing(struct guard_scan *scan, struct guard_chain *chain, const char *name)
{
	char node[IOV_PATH_MAX], backing[64];

	if (!guard_block_backing(scan, name, node, sizeof(node)))
		return;
	iov_sys_block(scan->iov, node, backing, sizeof(backing));
	guard_walk_block(scan, chain, backing);
}

/* "ubiblock0_1" is a volume of ubi0. */
static void walk_flash(struct guard_scan *scan, struct guard_chain *chain, const char *name)
{
	unsigned int device;

	if (sscanf(name, "ubiblock%u_", &device) == 1)
		guard_walk_ubi(scan, chain, iov_path("ubi%u", device).name);
}

void guard_walk_block(struct guard_scan *scan, struct guard_chain *chain, const char *name)
{
	struct iov_path path = iov_path(IOV_PATH_CLASS_BLOCK "/%s", name);
	char target[IOV_PATH_MAX];

	if (!guard_may_go_deeper(scan, chain, name) || !guard_read_link(scan, path.name, target))
		return;
	chain->names[chain->count++] = name;
	if (strstr(target, "/virtual/")) {
		if (guard_is_asked(scan, target) && !is_partition(scan, name))
			guard_found(scan, chain, target);
		guard_for_each_name(scan, chain,
				    iov_path(IOV_PATH_CLASS_BLOCK "/%s/slaves", name).name,
				    guard_visit_block);
		walk_paths(scan, chain, target);
		walk_backing(scan, chain, name);
		walk_flash(scan, chain, name);
		walk_whole(scan, chain, name, target);
	} else {
		guard_walk_hardware(scan, chain, target);
	}
	guard_walk_remote(scan, chain, target);
	chain->count--;
}
