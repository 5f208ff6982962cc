// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guards "mount" and "swap".  Mounts of other mount namespaces count when their
 * file system is not mounted in ours: containers have most of ours again.
 */
#include <stdio.h>
#include <string.h>

#include "base/guard/scans.h"
#include "base/guard/walk_block.h"
#include "base/sysroot/paths.h"

static const struct guard mount = {
	"mount", "a mounted file system is on its disk, in any mount namespace",
};
static const struct guard swap = { "swap", "active swap is on its disk" };

/* All devices of the btrfs that has @name among its members. */
static void visit_btrfs(struct guard_scan *scan, struct guard_chain *chain, const char *directory,
			const char *uuid)
{
	const char *name = chain->names[0];
	struct iov_path devices = iov_path("%s/%s/devices", directory, uuid);

	if (!iov_sys_exists(scan->iov, iov_path("%s/%s", devices.name, name).name))
		return;
	chain->count = 0;
	guard_for_each_name(scan, chain, devices.name, guard_visit_block);
	chain->count = 1;
}

/* Where and of whom a table of mounts was read; NULL for our own. */
struct namespace {
	const char *pid;
	const char *process;
};

/* "36 35 98:0 / /mnt rw,noatime master:1 - ext3 /dev/root rw,errors=continue" */
static void hold_mount(struct guard_scan *scan, const char *line, const void *argument)
{
	const struct namespace *namespace = argument;
	char number[32], point[256], type[64], source[256], holder[512], name[64];
	struct guard_chain chain = { .guard = &mount, .holder = holder };
	const char *separator = strstr(line, " - ");
	bool is_new;

	if (!separator ||
	    sscanf(line, "%*s %*s %31s %*s %255s", number, point) != 2 ||
	    sscanf(separator, " - %63s %255s", type, source) != 2)
		return;
	is_new = guard_is_new(scan, iov_path("file system %s", number).name);
	if (namespace->pid && !is_new)
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

/* "/dev/dm-1 partition 975868 0 -2"; a swap file is found by its mount. */
static void hold_swap(struct guard_scan *scan, const char *line, const void *argument)
{
	char node[256], type[32], holder[300], name[64];
	struct guard_chain chain = { .guard = &swap, .holder = holder };

	(void)argument;
	if (sscanf(line, "%255s %31s", node, type) != 2 || strcmp(type, "partition"))
		return;
	guard_unescape(node);
	snprintf(holder, sizeof(holder), "swap on %s", node);
	guard_block_of_node(scan->iov, node, name, sizeof(name));
	guard_walk_block(scan, &chain, name);
}

static void scan(struct guard_scan *scan)
{
	struct namespace own = { 0 };

	guard_know_own_namespace(scan, "ns/mnt");
	guard_for_each_line(scan, IOV_PATH_MOUNTS, &own, hold_mount);
	guard_for_each_line(scan, IOV_PATH_SWAPS, NULL, hold_swap);
}

/* The first process that is seen in a namespace stands for it, unless it goes meanwhile. */
static void scan_process(struct guard_scan *scan, struct guard_process *process)
{
	struct namespace namespace = { .pid = process->pid };
	char name[GUARD_NAMESPACE_SIZE];

	if (!guard_is_new_namespace(scan, process, "ns/mnt", name))
		return;
	namespace.process = guard_title(scan, process);
	if (guard_for_each_line(scan, iov_path("%s/mountinfo", process->path.name).name, &namespace,
				hold_mount))
		guard_forget(scan, name);
}

const struct guard_kind scan_mount = {
	.guards = (const struct guard *const[]){ &mount, &swap, NULL },
	.scan = scan,
	.process = scan_process,
};
