// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guards "mount" and "swap".  Mounts of other mount namespaces count when their
 * file system is not mounted in ours: containers have most of ours again.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/guard/guard_scan.h"
#include "base/sysroot/paths.h"

static void visit_device(struct guard_scan *scan, struct guard_chain *chain, const char *directory,
			 const char *name)
{
	(void)directory;
	guard_walk_block(scan, chain, name);
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
	guard_for_each_name(scan, chain, devices.name, visit_device);
	chain->count = 1;
}

void guard_unescape(char *text)
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

/* Where and of whom a table of mounts was read; NULL for our own. */
struct namespace {
	const char *pid;
	const char *process;
};

/* Device numbers of the file systems that were seen already. */
static bool is_seen(struct guard_scan *scan, const char *number)
{
	if (json_object_object_get_ex(scan->mounted, number, NULL))
		return true;
	json_object_object_add(scan->mounted, number, NULL);
	return false;
}

/* "36 35 98:0 / /mnt rw,noatime master:1 - ext3 /dev/root rw,errors=continue" */
static void scan_mount(struct guard_scan *scan, const char *line, const void *argument)
{
	const struct namespace *namespace = argument;
	char number[32], point[256], type[64], source[256], holder[512], name[64];
	struct guard_chain chain = { .guard = GUARD_MOUNT, .holder = holder };
	const char *separator = strstr(line, " - ");
	bool seen;

	if (!separator ||
	    sscanf(line, "%*s %*s %31s %*s %255s", number, point) != 2 ||
	    sscanf(separator, " - %63s %255s", type, source) != 2)
		return;
	seen = is_seen(scan, number);
	if (namespace->pid && seen)
		return;
	guard_unescape(point);
	snprintf(holder, sizeof(holder), "%s (%s)%s%s", point, type,
		 namespace->pid ? " in the mount namespace of " : "",
		 namespace->pid ? namespace->process : "");
	chain.pid = namespace->pid;
	if (!strcmp(type, "btrfs")) {
		guard_block_of_node(scan->iov, source, name, sizeof(name));
		chain.names[chain.count++] = name;
		guard_for_each_name(scan, &chain, IOV_PATH_BTRFS, visit_btrfs);
	} else if (!iov_sys_link_name(scan->iov, iov_path(IOV_PATH_DEV_BLOCK "/%s", number).name,
				      name, sizeof(name))) {
		guard_walk_block(scan, &chain, name);
	}
}

void guard_scan_mounts_of(struct guard_scan *scan, const char *pid, const char *process)
{
	struct namespace namespace = { pid, process };

	guard_for_each_line(scan, iov_path(IOV_PATH_PROC "/%s/mountinfo", pid).name, &namespace,
			    scan_mount);
}

/* "/dev/dm-1 partition 975868 0 -2"; a swap file is found by its mount. */
static void scan_swap(struct guard_scan *scan, const char *line, const void *argument)
{
	char node[256], type[32], holder[300], name[64];
	struct guard_chain chain = { .guard = GUARD_SWAP, .holder = holder };

	(void)argument;
	if (sscanf(line, "%255s %31s", node, type) != 2 || strcmp(type, "partition"))
		return;
	guard_unescape(node);
	snprintf(holder, sizeof(holder), "swap on %s", node);
	guard_block_of_node(scan->iov, node, name, sizeof(name));
	guard_walk_block(scan, &chain, name);
}

void guard_for_each_line(struct guard_scan *scan, const char *path, const void *argument,
			 void (*visit)(struct guard_scan *scan, const char *line,
				       const void *argument))
{
	_cleanup_free_ char *text = NULL;
	char *line, *rest;

	if (iov_sys_read_all(scan->iov, path, &text, NULL))
		return;
	for (rest = text; (line = strsep(&rest, "\n"));)
		visit(scan, line, argument);
}

int guard_scan_mounts(struct guard_scan *scan)
{
	struct namespace own = { 0 };

	guard_for_each_line(scan, IOV_PATH_MOUNTS, &own, scan_mount);
	guard_for_each_line(scan, IOV_PATH_SWAPS, NULL, scan_swap);
	return 0;
}
