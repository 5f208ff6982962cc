// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guards "mount" and "swap".  Mounts of other mount namespaces count when their
 * file system is not mounted in ours: containers have most of ours again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/guard/scans.h"
#include "base/guard/walk_block.h"
#include "base/guard/walk_device.h"
#include "base/guard/walk_flash.h"
#include "base/guard/walk_remote.h"
#include "base/sysroot/paths.h"

static const struct guard mount = {
	"mount", "a mounted file system is on its disk, in any mount namespace", true,
};
static const struct guard swap = { "swap", "active swap is on its disk", true };

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

/* Follow @link when what has @attribute shares a directory under the tag that is mounted. */
static void walk_share(struct guard_scan *scan, struct guard_chain *chain, const char *attribute,
		       const char *link)
{
	const char *source = chain->names[0];
	char tag[256];

	if (iov_sys_read(scan->iov, attribute, tag, sizeof(tag)) || strcmp(tag, source))
		return;
	chain->count = 0;
	guard_walk_link(scan, chain, link);
}

static void visit_9p(struct guard_scan *scan, struct guard_chain *chain, const char *directory,
		     const char *name)
{
	struct iov_path device = iov_path("%s/%s", directory, name);

	walk_share(scan, chain, iov_path("%s/mount_tag", device.name).name, device.name);
}

static void visit_virtiofs(struct guard_scan *scan, struct guard_chain *chain,
			   const char *directory, const char *name)
{
	struct iov_path share = iov_path("%s/%s", directory, name);

	walk_share(scan, chain, iov_path("%s/tag", share.name).name,
		   iov_path("%s/device", share.name).name);
}

/* Kernels before Linux 6.9 do not tell the tags of virtiofs: each may be the one. */
static void visit_untold(struct guard_scan *scan, struct guard_chain *chain,
			 const char *directory, const char *name)
{
	struct iov_path device = iov_path("%s/%s", directory, name);

	chain->count = 0;
	if (!strncmp(name, "virtio", 6))
		guard_walk_link(scan, chain, device.name);
}

/* What a virtio device shares from below us. */
static void hold_share(struct guard_scan *scan, struct guard_chain *chain, const char *type,
		       const char *source)
{
	chain->names[0] = source;
	if (!strcmp(type, "9p"))
		guard_for_each_name(scan, chain, IOV_PATH_VIRTIO_DRIVERS "/9pnet_virtio", visit_9p);
	else if (strcmp(type, "virtiofs") != 0)
		return;
	else if (iov_sys_exists(scan->iov, IOV_PATH_VIRTIOFS))
		guard_for_each_name(scan, chain, IOV_PATH_VIRTIOFS, visit_virtiofs);
	else
		guard_for_each_name(scan, chain, IOV_PATH_VIRTIO_DRIVERS "/virtiofs",
				    visit_untold);
}

/* A block device that a mount names beside its first: "/dev/sdb1" */
static void hold_node(struct guard_scan *scan, struct guard_chain *chain, char *node)
{
	char name[64];

	guard_unescape(node);
	if (strncmp(node, "/" IOV_PATH_DEV "/", strlen("/" IOV_PATH_DEV "/")))
		return;
	iov_sys_block(scan->iov, node, name, sizeof(name));
	chain->count = 0;
	guard_walk_block(scan, chain, name);
}

/* "/dev/sda1:/dev/sdb1", as file systems of several devices have their source */
static void hold_sources(struct guard_scan *scan, struct guard_chain *chain, const char *source)
{
	char *text = strndup(source, strcspn(source, " ")), *rest = text, *one;

	if (!text)
		guard_failed(scan, -ENOMEM, "the source of a mount");
	while ((one = strsep(&rest, ":")))
		hold_node(scan, chain, one);
	free(text);
}

/*
 * Options of the file system itself: "rw,logdev=/dev/sdb1,rtdev=/dev/sdc1" are devices beside the
 * first, and "addr=192.0.2.1" is the server of a share.
 */
static void hold_options(struct guard_scan *scan, struct guard_chain *chain, const char *options)
{
	char *text = strdup(options), *rest = text, *option, *value;

	if (!text)
		guard_failed(scan, -ENOMEM, "the options of a mount");
	while ((option = strsep(&rest, ","))) {
		value = strchr(option, '=');
		if (!value)
			continue;
		*value++ = '\0';
		chain->count = 0;
		if (!strcmp(option, "addr"))
			guard_walk_peer(scan, chain, value);
		else
			hold_node(scan, chain, value);
	}
	free(text);
}

/* Flash memory without a block device: "ubi0:rootfs", or the number that a device of MTD would have. */
static void hold_flash(struct guard_scan *scan, struct guard_chain *chain, const char *type,
		       const char *source, const char *number)
{
	unsigned int device;

	chain->count = 0;
	if (!strcmp(type, "ubifs"))
		guard_walk_ubi(scan, chain, source);
	else if (sscanf(number, "31:%u", &device) == 1)
		guard_walk_mtd(scan, chain, device);
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
	int sources = 0, options = 0;
	bool is_new;

	if (!separator ||
	    sscanf(line, "%*s %*s %31s %*s %255s", number, point) != 2 ||
	    sscanf(separator, " - %63s %n%255s %n", type, &sources, source, &options) != 2)
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
		iov_sys_block(scan->iov, source, name, sizeof(name));
		chain.names[chain.count++] = name;
		guard_for_each_name(scan, &chain, IOV_PATH_BTRFS, visit_btrfs);
	} else if (!iov_sys_link_name(scan->iov, iov_path(IOV_PATH_DEV_BLOCK "/%s", number).name,
				      name, sizeof(name))) {
		guard_walk_block(scan, &chain, name);
	} else {
		hold_flash(scan, &chain, type, source, number);
		hold_sources(scan, &chain, separator + sources);
		guard_unescape(source);
		hold_share(scan, &chain, type, source);
	}
	if (is_new && options)
		hold_options(scan, &chain, separator + options);
}

/* A journal on a device of its own, which no mount names; others are called "sda1-8" by their inode. */
static void visit_journal(struct guard_scan *scan, struct guard_chain *chain, const char *directory,
			  const char *name)
{
	(void)directory;
	if (iov_sys_exists(scan->iov, iov_path(IOV_PATH_CLASS_BLOCK "/%s", name).name))
		guard_walk_block(scan, chain, name);
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
	iov_sys_block(scan->iov, node, name, sizeof(name));
	guard_walk_block(scan, &chain, name);
}

static void scan(struct guard_scan *scan)
{
	struct guard_chain journal = { .guard = &mount, .holder = "the journal of a file system" };
	struct namespace own = { 0 };

	guard_know_own_namespace(scan, "ns/mnt");
	guard_for_each_line(scan, IOV_PATH_MOUNTS, &own, hold_mount);
	guard_for_each_line(scan, IOV_PATH_SWAPS, NULL, hold_swap);
	guard_for_each_name(scan, &journal, IOV_PATH_JBD2, visit_journal);
}

/*
 * The first process that is seen in a namespace stands for it, unless it goes meanwhile; one
 * that has ended and is not yet waited for has no mounts, which is EINVAL.
 */
static void scan_process(struct guard_scan *scan, struct guard_process *process)
{
	struct namespace namespace = { .pid = process->pid };
	struct iov_path path = iov_path("%s/mountinfo", process->path.name);
	char name[GUARD_NAMESPACE_SIZE];
	int error;

	if (!guard_is_new_namespace(scan, process, "ns/mnt", name))
		return;
	namespace.process = guard_title(scan, process);
	error = guard_read_lines(scan, path.name, &namespace, hold_mount);
	if (error)
		guard_forget(scan, name);
	guard_unseen(scan, error == -EINVAL ? -ESRCH : error, iov_path("/%s", path.name).name);
}

const struct guard_kind scan_mount = {
	.guards = (const struct guard *const[]){ &mount, &swap, NULL },
	.scan = scan,
	.process = scan_process,
};
