// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The way from a block device down to the disks below it, through partitions, device
 * mapper, MD and bcache ("slaves"), loop devices, and the controllers of an NVMe
 * subsystem; and the guards on volumes, which are block devices on others.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/guard/guard_scan.h"
#include "base/sysroot/paths.h"

void guard_for_each_name(struct guard_scan *scan, struct guard_chain *chain,
			 const char *directory, guard_visit_fn *visit)
{
	char **names;
	size_t count;

	if (iov_sys_list(scan->iov, directory, &names, &count))
		return;
	for (size_t i = 0; i < count; i++)
		visit(scan, chain, directory, names[i]);
	iov_names_free(names, count);
}

static void visit_device(struct guard_scan *scan, struct guard_chain *chain, const char *directory,
			 const char *name)
{
	(void)directory;
	guard_walk_block(scan, chain, name);
}

/* A controller of an NVMe subsystem, "nvme0"; its namespaces are listed beside it. */
static void visit_controller(struct guard_scan *scan, struct guard_chain *chain,
			     const char *directory, const char *name)
{
	char target[IOV_PATH_MAX];

	if (strncmp(name, "nvme", 4) || strspn(name + 4, "0123456789") != strlen(name + 4) ||
	    chain->count == GUARD_DEPTH ||
	    iov_sys_link(scan->iov, iov_path("%s/%s", directory, name).name, target,
			 sizeof(target)))
		return;
	chain->names[chain->count++] = name;
	guard_found(scan, chain, target);
	chain->count--;
}

/*
 * "../../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1": with multipath a
 * namespace belongs to the subsystem, and every controller in it is a path.
 */
static void walk_subsystem(struct guard_scan *scan, struct guard_chain *chain, const char *target)
{
	const char *name = strstr(target, "/nvme-subsystem/");
	struct iov_path directory;

	if (!name)
		return;
	name += strlen("/nvme-subsystem/");
	directory = iov_path(IOV_PATH_NVME_SUBSYSTEMS "/%.*s", (int)strcspn(name, "/"), name);
	guard_for_each_name(scan, chain, directory.name, visit_controller);
}

/* A partition has no slaves of its own; those of its disk count. */
static void walk_whole(struct guard_scan *scan, struct guard_chain *chain, const char *name,
		       char *target)
{
	char *last = strrchr(target, '/');

	if (!last || !iov_sys_exists(scan->iov,
				     iov_path(IOV_PATH_CLASS_BLOCK "/%s/partition", name).name))
		return;
	*last = '\0';
	last = strrchr(target, '/');
	if (last)
		guard_walk_block(scan, chain, last + 1);
}

/* The node below a loop device; the mount of a file that backs one speaks for itself. */
static void walk_backing(struct guard_scan *scan, struct guard_chain *chain, const char *name)
{
	char node[IOV_PATH_MAX], backing[64];

	if (iov_sys_read(scan->iov, iov_path(IOV_PATH_CLASS_BLOCK "/%s/loop/backing_file",
					     name).name, node, sizeof(node)) ||
	    strncmp(node, "/dev/", 5))
		return;
	guard_block_of_node(scan->iov, node, backing, sizeof(backing));
	guard_walk_block(scan, chain, backing);
}

void guard_walk_block(struct guard_scan *scan, struct guard_chain *chain, const char *name)
{
	char target[IOV_PATH_MAX];

	if (chain->count == GUARD_DEPTH ||
	    iov_sys_link(scan->iov, iov_path(IOV_PATH_CLASS_BLOCK "/%s", name).name, target,
			 sizeof(target)))
		return;
	chain->names[chain->count++] = name;
	if (strstr(target, "/virtual/")) {
		guard_for_each_name(scan, chain,
				    iov_path(IOV_PATH_CLASS_BLOCK "/%s/slaves", name).name,
				    visit_device);
		walk_subsystem(scan, chain, target);
		walk_backing(scan, chain, name);
		walk_whole(scan, chain, name, target);
	} else {
		guard_found(scan, chain, target);
	}
	chain->count--;
}

/* By the number of the node, which is right whatever its name. */
static bool name_by_number(struct iov *iov, const char *node, char *name, size_t size)
{
	_cleanup_fd_ int fd = iov_sys_open(iov, node, O_PATH);
	struct stat status;

	return fd >= 0 && !fstat(fd, &status) && S_ISBLK(status.st_mode) &&
	       !iov_sys_link_name(iov, iov_path(IOV_PATH_DEV_BLOCK "/%u:%u", major(status.st_rdev),
						minor(status.st_rdev)).name, name, size);
}

/* A recorded tree has no nodes: there a link, or the name itself, has to do. */
void guard_block_of_node(struct iov *iov, const char *node, char *name, size_t size)
{
	const char *last = strrchr(node, '/'), *path = node + (*node == '/');

	if (!name_by_number(iov, path, name, size) && iov_sys_link_name(iov, path, name, size))
		snprintf(name, size, "%s", last ? last + 1 : node);
}

/* What a volume is, and what it is called. */
struct volume {
	enum guard guard;
	char title[160];
};

static void read_mapped(struct iov *iov, const char *name, struct volume *volume)
{
	char uuid[160] = "", title[128];

	if (iov_sys_read(iov, iov_path(IOV_PATH_CLASS_BLOCK "/%s/dm/name", name).name, title,
			 sizeof(title)))
		snprintf(title, sizeof(title), "%s", name);
	iov_sys_read(iov, iov_path(IOV_PATH_CLASS_BLOCK "/%s/dm/uuid", name).name, uuid,
		     sizeof(uuid));
	if (!strncmp(uuid, "LVM-", 4)) {
		volume->guard = GUARD_LVM;
		snprintf(volume->title, sizeof(volume->title), "LVM volume %s", title);
	} else if (!strncmp(uuid, "CRYPT-", 6)) {
		volume->guard = GUARD_CRYPT;
		snprintf(volume->title, sizeof(volume->title), "dm-crypt volume %s", title);
	} else {
		volume->guard = GUARD_DM;
		snprintf(volume->title, sizeof(volume->title), "device mapper volume %s", title);
	}
}

static void read_array(struct iov *iov, const char *name, struct volume *volume)
{
	char state[32] = "";

	iov_sys_read(iov, iov_path(IOV_PATH_CLASS_BLOCK "/%s/md/array_state", name).name, state,
		     sizeof(state));
	volume->guard = GUARD_MD;
	snprintf(volume->title, sizeof(volume->title), "MD array %s%s", name,
		 !strcmp(state, "inactive") ? " (inactive)" : "");
}

static void read_volume(struct iov *iov, const char *name, struct volume *volume)
{
	if (!strncmp(name, "md", 2)) {
		read_array(iov, name, volume);
	} else if (!strncmp(name, "bcache", 6)) {
		volume->guard = GUARD_BCACHE;
		snprintf(volume->title, sizeof(volume->title), "bcache device %s", name);
	} else if (!strncmp(name, "loop", 4)) {
		volume->guard = GUARD_LOOP;
		snprintf(volume->title, sizeof(volume->title), "loop device %s", name);
	} else {
		read_mapped(iov, name, volume);
	}
}

/* Whether a volume of the same kind is on @name in turn. */
static bool is_covered(struct iov *iov, const char *name, enum guard guard)
{
	bool covered = false;
	char **names;
	size_t count;

	if (iov_sys_list(iov, iov_path(IOV_PATH_CLASS_BLOCK "/%s/holders", name).name, &names,
			 &count))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct volume upper;

		read_volume(iov, names[i], &upper);
		covered |= upper.guard == guard;
	}
	iov_names_free(names, count);
	return covered;
}

static bool is_empty(struct iov *iov, const char *directory)
{
	char **names;
	size_t count;

	if (iov_sys_list(iov, directory, &names, &count))
		return true;
	iov_names_free(names, count);
	return !count;
}

/* Each volume on another block device, unless one of its kind is on it. */
static void visit_volume(struct guard_scan *scan, struct guard_chain *chain, const char *directory,
			 const char *name)
{
	struct volume volume;

	if (is_empty(scan->iov, iov_path("%s/%s/slaves", directory, name).name) &&
	    !iov_sys_exists(scan->iov, iov_path("%s/%s/loop/backing_file", directory, name).name))
		return;
	read_volume(scan->iov, name, &volume);
	if (is_covered(scan->iov, name, volume.guard))
		return;
	chain->guard = volume.guard;
	chain->holder = volume.title;
	guard_walk_block(scan, chain, name);
}

int guard_scan_block(struct guard_scan *scan)
{
	struct guard_chain chain = { 0 };

	guard_for_each_name(scan, &chain, IOV_PATH_CLASS_BLOCK, visit_volume);
	guard_scan_zfs(scan);
	return 0;
}
