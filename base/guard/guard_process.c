// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guards on processes, by what each has open below /dev: VFIO, UIO and RDMA
 * devices, GPUs, disks.  All processes are walked once; on the way
 * their mount and network namespaces are looked into.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/guard/guard_scan.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysdir.h"

/**
 * struct process - one process
 * @scan: where findings go
 * @pid: its number
 * @title: "pid 71 (qemu-system-x86)"
 * @directory: its directory in procfs
 * @dpdk: it is a DPDK application
 * @nodes: what it has open of interest: object of path below /dev to block device
 *	name, null for a character device
 */
struct process {
	struct guard_scan *scan;
	const char *pid;
	char title[96];
	int directory;
	bool dpdk;
	struct json_object *nodes;
};

/* Character devices by the beginning of their name, and the class that leads to hardware. */
static const struct {
	const char *prefix;
	const char *class;
	enum guard guard;
} node_kinds[] = {
	{ "vfio/devices/", "vfio-dev", GUARD_VFIO_OPEN },
	{ "uio", "uio", GUARD_DPDK },
	{ "infiniband/uverbs", "infiniband_verbs", GUARD_RDMA_OPEN },
	{ "dri/", "drm", GUARD_GPU_OPEN },
	{ "fb", "graphics", GUARD_GPU_OPEN },
	{ "nvme", "nvme", GUARD_DISK_OPEN },
	{ "ng", "nvme-generic", GUARD_DISK_OPEN },
	{ "sg", "scsi_generic", GUARD_DISK_OPEN },
};

static const char *vfio_group(const char *node)
{
	if (strncmp(node, "vfio/", 5))
		return NULL;
	node += 5;
	node += strncmp(node, "noiommu-", 8) ? 0 : 8;
	return isdigit((unsigned char)*node) ? node : NULL;
}

static bool nvidia_minor(const char *node, int *minor_number)
{
	return sscanf(node, "nvidia%d", minor_number) == 1;
}

static bool is_interesting(const char *node)
{
	int number;

	for (size_t i = 0; i < sizeof(node_kinds) / sizeof(*node_kinds); i++) {
		if (!strncmp(node, node_kinds[i].prefix, strlen(node_kinds[i].prefix)))
			return true;
	}
	return vfio_group(node) || nvidia_minor(node, &number);
}

static void hold(struct process *process, enum guard guard, const char *node, const char *device)
{
	char path[IOV_PATH_MAX], holder[128];
	struct guard_chain chain = {
		.guard = guard,
		.holder = holder,
		.pid = process->pid,
		.names = { path },
		.count = 1,
	};

	if (process->dpdk && (guard == GUARD_VFIO_OPEN || guard == GUARD_RDMA_OPEN))
		chain.guard = GUARD_DPDK;
	snprintf(holder, sizeof(holder), "%s%s",
		 process->dpdk && chain.guard == GUARD_DPDK ? "DPDK process " : "",
		 process->title);
	snprintf(path, sizeof(path), "/dev/%s", node);
	guard_found(process->scan, &chain, device);
}

static void hold_group(struct process *process, const char *node)
{
	struct iov_path members = iov_path(IOV_PATH_IOMMU_GROUPS "/%s/devices", vfio_group(node));
	char **names;
	size_t count;

	if (iov_sys_list(process->scan->iov, members.name, &names, &count))
		return;
	for (size_t i = 0; i < count; i++)
		hold(process, GUARD_VFIO_OPEN, node, names[i]);
	iov_names_free(names, count);
}

/* NVIDIA's driver has no class; procfs lists its GPUs by address. */
static void hold_nvidia(struct process *process, const char *node)
{
	struct iov *iov = process->scan->iov;
	int wanted, found;
	char **names;
	size_t count;

	if (!nvidia_minor(node, &wanted) || iov_sys_list(iov, IOV_PATH_NVIDIA, &names, &count))
		return;
	for (size_t i = 0; i < count; i++) {
		char text[1024];
		const char *line;

		if (iov_sys_read(iov, iov_path(IOV_PATH_NVIDIA "/%s/information", names[i]).name,
				 text, sizeof(text)))
			continue;
		line = strstr(text, "Device Minor:");
		if (line && sscanf(line, "Device Minor: %d", &found) == 1 && found == wanted)
			hold(process, GUARD_GPU_OPEN, node, names[i]);
	}
	iov_names_free(names, count);
}

static void hold_class(struct process *process, const char *node)
{
	const char *last = strrchr(node, '/');
	char target[IOV_PATH_MAX];

	last = last ? last + 1 : node;
	for (size_t i = 0; i < sizeof(node_kinds) / sizeof(*node_kinds); i++) {
		if (!strncmp(node, node_kinds[i].prefix, strlen(node_kinds[i].prefix)) &&
		    !iov_sys_link(process->scan->iov, iov_path(IOV_PATH_CLASS "/%s/%s",
				  node_kinds[i].class, last).name, target, sizeof(target)))
			hold(process, node_kinds[i].guard, node, target);
	}
}

static void hold_node(struct process *process, const char *node, const char *block)
{
	struct guard_chain chain = {
		.guard = GUARD_DISK_OPEN,
		.holder = process->title,
		.pid = process->pid,
	};

	if (block)
		guard_walk_block(process->scan, &chain, block);
	else if (vfio_group(node))
		hold_group(process, node);
	else if (!strncmp(node, "nvidia", 6))
		hold_nvidia(process, node);
	else
		hold_class(process, node);
}

/* The block device behind an open file, by the number of the node; on a tree by its name. */
static bool block_of(struct process *process, const char *fd, const char *node, char *name,
		     size_t size)
{
	struct iov *iov = process->scan->iov;
	struct stat status;

	if (iov_sys_is_host(iov))
		return !fstatat(process->directory, iov_path("fd/%s", fd).name, &status, 0) &&
		       S_ISBLK(status.st_mode) &&
		       !iov_sys_link_name(iov, iov_path(IOV_PATH_DEV_BLOCK "/%u:%u",
							major(status.st_rdev),
							minor(status.st_rdev)).name, name, size);
	snprintf(name, size, "%s", node);
	return iov_sys_exists(iov, iov_path(IOV_PATH_CLASS_BLOCK "/%s", node).name);
}

/* The lock that the first process of a DPDK application holds as long as it lives. */
static bool is_dpdk_config(const char *target)
{
	const char *last = strrchr(target, '/');

	return last && !strcmp(last, "/config") && strstr(target, "/dpdk/");
}

/* A mount namespace may have another directory before "/dev". */
static void note_file(struct process *process, const char *fd)
{
	char target[IOV_PATH_MAX], block[64];
	struct iov_path path = iov_path("fd/%s", fd);
	ssize_t length = readlinkat(process->directory, path.name, target, sizeof(target) - 1);
	const char *node;

	if (length < 0)
		return;
	target[length] = '\0';
	process->dpdk |= is_dpdk_config(target);
	node = strstr(target, "/dev/");
	if (!node || !strcmp(target, "/dev/null") || strstr(target, "/dev/pts/"))
		return;
	node += strlen("/dev/");
	if (block_of(process, fd, node, block, sizeof(block)))
		json_object_object_add(process->nodes, node, json_object_new_string(block));
	else if (is_interesting(node))
		json_object_object_add(process->nodes, node, NULL);
}

/* One that keeps no files for others, as with --in-memory, has the library nonetheless. */
static bool has_dpdk_mapped(struct process *process)
{
	_cleanup_free_ char *maps = NULL;

	return !iov_sys_read_all(process->scan->iov,
				 iov_path(IOV_PATH_PROC "/%s/maps", process->pid).name, &maps,
				 NULL) && strstr(maps, "/librte_eal.so");
}

static void read_title(struct process *process)
{
	char name[64] = "?";

	iov_sys_read(process->scan->iov, iov_path(IOV_PATH_PROC "/%s/comm", process->pid).name,
		     name, sizeof(name));
	snprintf(process->title, sizeof(process->title), "pid %s (%s)", process->pid, name);
}

static void scan_files(struct process *process)
{
	char **names;
	size_t count;

	if (iov_dir_list(process->directory, "fd", &names, &count))
		return;
	for (size_t i = 0; i < count; i++)
		note_file(process, names[i]);
	iov_names_free(names, count);
	if (!json_object_object_length(process->nodes))
		return;
	read_title(process);
	process->dpdk = process->dpdk || has_dpdk_mapped(process);
	json_object_object_foreach(process->nodes, node, block)
		hold_node(process, node, block ? json_object_get_string(block) : NULL);
}

/* Whether a namespace of the process is one that no process before was in. */
static bool is_new(struct process *process, const char *link)
{
	char target[64];
	ssize_t length = readlinkat(process->directory, link, target, sizeof(target) - 1);

	if (length < 0)
		return false;
	target[length] = '\0';
	if (!guard_namespace_is_new(process->scan, target))
		return false;
	read_title(process);
	return true;
}

static void scan_netns(struct process *process)
{
	_cleanup_fd_ int fd = openat(process->directory, "ns/net", O_RDONLY | O_CLOEXEC);
	char name[160];

	snprintf(name, sizeof(name), "the network namespace of %s", process->title);
	guard_scan_netns(process->scan, fd, process->pid, name);
}

/* The first process that is seen in a namespace stands for it. */
static void scan_namespaces(struct process *process)
{
	if (is_new(process, "ns/mnt"))
		guard_scan_mounts_of(process->scan, process->pid, process->title);
	if (is_new(process, "ns/net"))
		scan_netns(process);
}

/* Our own namespaces are no news. */
static void know_own(struct guard_scan *scan, const char *link)
{
	char target[64];

	if (!iov_sys_link(scan->iov, iov_path(IOV_PATH_PROC "/self/%s", link).name, target,
			  sizeof(target)))
		guard_namespace_is_new(scan, target);
}

static void scan_process(struct guard_scan *scan, const char *pid)
{
	_cleanup_json_ struct json_object *nodes = json_object_new_object();
	_cleanup_fd_ int directory = iov_dir_open(scan->iov, iov_path(IOV_PATH_PROC "/%s",
								      pid).name);
	struct process process = { .scan = scan, .pid = pid, .directory = directory,
				   .nodes = nodes };

	if (directory < 0)
		return;
	scan_namespaces(&process);
	scan_files(&process);
}

int guard_scan_processes(struct guard_scan *scan)
{
	char **names;
	size_t count;

	know_own(scan, "ns/mnt");
	know_own(scan, "ns/net");
	if (iov_sys_list(scan->iov, IOV_PATH_PROC, &names, &count))
		return 0;
	for (size_t i = 0; i < count; i++) {
		if (isdigit((unsigned char)names[i][0]))
			scan_process(scan, names[i]);
	}
	iov_names_free(names, count);
	return 0;
}
