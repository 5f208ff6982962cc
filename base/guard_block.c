// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guards "mount" and "swap", and "stacked" for volumes: from a mounted file
 * system, a swap area or a volume down to the disks below it, through partitions, device mapper and MD ("slaves"),
 * the members of a btrfs, and the controllers of an NVMe subsystem.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/guard_scan.h"
#include "base/paths.h"

static void walk_down(struct guard_scan *scan, struct guard_chain *chain, const char *name);

/* Hand each name in a directory to a function. */
static void for_each_name(struct guard_scan *scan, struct guard_chain *chain,
			  const char *directory,
			  void (*visit)(struct guard_scan *scan, struct guard_chain *chain,
					const char *directory, const char *name))
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
	walk_down(scan, chain, name);
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
	guard_found(scan, chain, "device", target);
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
	for_each_name(scan, chain, directory.name, visit_controller);
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
		walk_down(scan, chain, last + 1);
}

static void walk_down(struct guard_scan *scan, struct guard_chain *chain, const char *name)
{
	char target[IOV_PATH_MAX];

	if (chain->count == GUARD_DEPTH ||
	    iov_sys_link(scan->iov, iov_path(IOV_PATH_CLASS_BLOCK "/%s", name).name, target,
			 sizeof(target)))
		return;
	chain->names[chain->count++] = name;
	if (strstr(target, "/virtual/")) {
		for_each_name(scan, chain, iov_path(IOV_PATH_CLASS_BLOCK "/%s/slaves", name).name,
			      visit_device);
		walk_subsystem(scan, chain, target);
		walk_whole(scan, chain, name, target);
	} else {
		guard_found(scan, chain, "device", target);
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

/*
 * The block device that a node stands for: "dm-0" for "/dev/mapper/vg-root".  A
 * recorded tree has no nodes: there a link, or the name itself, has to do.
 */
static void node_name(struct iov *iov, const char *node, char *name, size_t size)
{
	const char *last = strrchr(node, '/'), *path = node + (*node == '/');

	if (!name_by_number(iov, path, name, size) && iov_sys_link_name(iov, path, name, size))
		snprintf(name, size, "%s", last ? last + 1 : node);
}

/* All devices of the btrfs that has @name among its members. */
static void visit_btrfs(struct guard_scan *scan, struct guard_chain *chain, const char *directory,
			const char *uuid)
{
	const char *name = chain->names[0];
	struct iov_path devices = iov_path("%s/%s/devices", directory, uuid);

	if (!iov_sys_exists(scan->iov, iov_path("%s/%s", devices.name, name).name))
		return;
	chain->count = 0;
	for_each_name(scan, chain, devices.name, visit_device);
	chain->count = 1;
}

static void hold_device(struct guard_scan *scan, const char *guard, const char *holder,
			const char *name)
{
	struct guard_chain chain = { .guard = guard, .holder = holder };

	walk_down(scan, &chain, name);
}

static void hold_btrfs(struct guard_scan *scan, const char *holder, const char *name)
{
	struct guard_chain chain = { .guard = "mount", .holder = holder, .names = { name },
				     .count = 1 };

	for_each_name(scan, &chain, IOV_PATH_BTRFS, visit_btrfs);
}

/* "\040" and its like, as procfs writes white space in paths. */
static void unescape(char *text)
{
	char *out = text;
	unsigned int code;

	while (*text) {
		if (*text == '\\' && sscanf(text, "\\%3o", &code) == 1) {
			*out++ = (char)code;
			text += 4;
		} else {
			*out++ = *text++;
		}
	}
	*out = '\0';
}

/* "36 35 98:0 / /mnt rw,noatime master:1 - ext3 /dev/root rw,errors=continue" */
static void scan_mount(struct guard_scan *scan, const char *line)
{
	char number[32], point[256], type[64], source[256], holder[512], name[64];
	const char *separator = strstr(line, " - ");

	if (!separator ||
	    sscanf(line, "%*s %*s %31s %*s %255s", number, point) != 2 ||
	    sscanf(separator, " - %63s %255s", type, source) != 2)
		return;
	unescape(point);
	snprintf(holder, sizeof(holder), "%s (%s)", point, type);
	if (!strcmp(type, "btrfs")) {
		node_name(scan->iov, source, name, sizeof(name));
		hold_btrfs(scan, holder, name);
	} else if (!iov_sys_link_name(scan->iov, iov_path(IOV_PATH_DEV_BLOCK "/%s", number).name,
				      name, sizeof(name))) {
		hold_device(scan, "mount", holder, name);
	}
}

/* "/dev/dm-1 partition 975868 0 -2"; a swap file is found by its mount. */
static void scan_swap(struct guard_scan *scan, const char *line)
{
	char node[256], type[32], holder[300], name[64];

	if (sscanf(line, "%255s %31s", node, type) != 2 || strcmp(type, "partition"))
		return;
	unescape(node);
	snprintf(holder, sizeof(holder), "swap on %s", node);
	node_name(scan->iov, node, name, sizeof(name));
	hold_device(scan, "swap", holder, name);
}

/* A host without the file has nothing of its kind. */
static void for_each_line(struct guard_scan *scan, const char *path,
			  void (*visit)(struct guard_scan *scan, const char *line))
{
	_cleanup_free_ char *text = NULL;
	char *line, *rest;

	if (iov_sys_read_all(scan->iov, path, &text, NULL))
		return;
	for (rest = text; (line = strsep(&rest, "\n"));)
		visit(scan, line);
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

/* An LVM, MD or encrypted volume that nothing is stacked on in turn. */
static void visit_volume(struct guard_scan *scan, struct guard_chain *chain, const char *directory,
			 const char *name)
{
	char title[128];

	if (is_empty(scan->iov, iov_path("%s/%s/slaves", directory, name).name) ||
	    !is_empty(scan->iov, iov_path("%s/%s/holders", directory, name).name))
		return;
	if (iov_sys_read(scan->iov, iov_path("%s/%s/dm/name", directory, name).name, title,
			 sizeof(title)))
		snprintf(title, sizeof(title), "%s", name);
	chain->holder = title;
	walk_down(scan, chain, name);
}

int guard_scan_block(struct guard_scan *scan)
{
	struct guard_chain stacked = { .guard = "stacked", .weak = true };

	for_each_line(scan, IOV_PATH_MOUNTS, scan_mount);
	for_each_line(scan, IOV_PATH_SWAPS, scan_swap);
	for_each_name(scan, &stacked, IOV_PATH_CLASS_BLOCK, visit_volume);
	return 0;
}
