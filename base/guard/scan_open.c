// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guards on processes, by what each has open below /dev: VFIO, UIO and RDMA
 * devices, GPUs, disks.
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
#include "base/guard/scans.h"
#include "base/guard/walk_block.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysdir.h"

static const struct guard disk_open = { "disk-open", "a process has its disk or controller open" };
static const struct guard vfio_open = {
	"vfio-open", "a process has its VFIO group or device open",
};
static const struct guard dpdk = { "dpdk", "a DPDK process, or another by UIO, drives it" };
static const struct guard rdma_open = { "rdma-open", "a process has its RDMA device open" };
static const struct guard gpu_open = { "gpu-open", "a process has it open as a GPU" };

/**
 * struct process - one process
 * @scan: where findings go
 * @seen: as the core sees it
 * @dpdk: it is a DPDK application
 * @nodes: what it has open of interest: object of path below /dev to block device
 *	name, null for a character device
 */
struct process {
	struct guard_scan *scan;
	struct guard_process *seen;
	bool dpdk;
	struct json_object *nodes;
};

/* Character devices by the beginning of their name, and the class that leads to hardware. */
static const struct {
	const char *prefix;
	const char *class;
	const struct guard *guard;
} node_kinds[] = {
	{ "vfio/devices/", "vfio-dev", &vfio_open },
	{ "uio", "uio", &dpdk },
	{ "infiniband/uverbs", "infiniband_verbs", &rdma_open },
	{ "dri/", "drm", &gpu_open },
	{ "fb", "graphics", &gpu_open },
	{ "nvme", "nvme", &disk_open },
	{ "ng", "nvme-generic", &disk_open },
	{ "sg", "scsi_generic", &disk_open },
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

static void hold(struct process *process, const struct guard *guard, const char *node,
		 const char *device)
{
	char path[IOV_PATH_MAX], holder[128];
	struct guard_chain chain = {
		.guard = guard,
		.holder = holder,
		.pid = process->seen->pid,
		.names = { path },
		.count = 1,
	};

	if (process->dpdk && (guard == &vfio_open || guard == &rdma_open))
		chain.guard = &dpdk;
	snprintf(holder, sizeof(holder), "%s%s",
		 process->dpdk && chain.guard == &dpdk ? "DPDK process " : "",
		 guard_title(process->scan, process->seen));
	snprintf(path, sizeof(path), "/dev/%s", node);
	guard_found(process->scan, &chain, device);
}

static void hold_group(struct process *process, const char *node)
{
	struct iov_path members = iov_path(IOV_PATH_IOMMU_GROUPS "/%s/devices", vfio_group(node));
	char **names;
	size_t count;
	int error = iov_sys_list(process->scan->iov, members.name, &names, &count);

	guard_failed(process->scan, error, iov_path("/%s", members.name).name);
	if (error)
		return;
	for (size_t i = 0; i < count; i++)
		hold(process, &vfio_open, node, names[i]);
	iov_names_free(names, count);
}

/* NVIDIA's driver has no class; procfs lists its GPUs by address. */
static void hold_nvidia(struct process *process, const char *node)
{
	struct iov *iov = process->scan->iov;
	int wanted, found, error;
	char **names;
	size_t count;

	if (!nvidia_minor(node, &wanted))
		return;
	error = iov_sys_list(iov, IOV_PATH_NVIDIA, &names, &count);
	guard_failed(process->scan, error, "/" IOV_PATH_NVIDIA);
	if (error)
		return;
	for (size_t i = 0; i < count; i++) {
		char text[1024];
		const char *line;

		if (iov_sys_read(iov, iov_path(IOV_PATH_NVIDIA "/%s/information", names[i]).name,
				 text, sizeof(text)))
			continue;
		line = strstr(text, "Device Minor:");
		if (line && sscanf(line, "Device Minor: %d", &found) == 1 && found == wanted)
			hold(process, &gpu_open, node, names[i]);
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
		.guard = &disk_open,
		.holder = guard_title(process->scan, process->seen),
		.pid = process->seen->pid,
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
		return !fstatat(process->seen->directory, iov_path("fd/%s", fd).name, &status, 0) &&
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
	ssize_t length = readlinkat(process->seen->directory, path.name, target,
				    sizeof(target) - 1);
	const char *node;

	if (length < 0) {
		guard_unseen(process->scan, -errno,
			     iov_path("/%s/%s", process->seen->path.name, path.name).name);
		return;
	}
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
				 iov_path("%s/maps", process->seen->path.name).name, &maps, NULL) &&
	       strstr(maps, "/librte_eal.so");
}

static void scan_process(struct guard_scan *scan, struct guard_process *seen)
{
	_cleanup_json_ struct json_object *nodes = json_object_new_object();
	struct process process = { .scan = scan, .seen = seen, .nodes = nodes };
	char **names;
	size_t count;
	int error = iov_dir_list(seen->directory, "fd", &names, &count);

	guard_unseen(scan, error, iov_path("/%s/fd", seen->path.name).name);
	if (error)
		return;
	for (size_t i = 0; i < count; i++)
		note_file(&process, names[i]);
	iov_names_free(names, count);
	if (!json_object_object_length(nodes))
		return;
	process.dpdk = process.dpdk || has_dpdk_mapped(&process);
	json_object_object_foreach(nodes, node, block)
		hold_node(&process, node, block ? json_object_get_string(block) : NULL);
}

const struct guard_kind scan_open = {
	.guards = (const struct guard *const[]){
		&disk_open, &vfio_open, &dpdk, &rdma_open, &gpu_open, NULL,
	},
	.process = scan_process,
};
