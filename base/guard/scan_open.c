// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guards on processes, by the device nodes that each has open.  The number of a node leads
 * to its device in sysfs, which is below the function that it is of, so no kind of device is
 * left out.  Some nodes are of several functions: those of VFIO's groups, of the GPUs that
 * compute together, and NVIDIA's, which sysfs does not have.  A device that a process got by
 * its group, maybe from another process, has no node at all: newer kernels tell which it is, and
 * of others a group that is in use cannot be opened once more.  Who has mapped what a node gives needs
 * no descriptor any more; the kernel has the file of each mapping at hand.  Nor has one who was sent
 * what he has not received yet, or has it registered with a ring (walk_hidden.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/guard/scans.h"
#include "base/guard/walk_block.h"
#include "base/guard/walk_device.h"
#include "base/guard/walk_driver.h"
#include "base/guard/walk_gpu.h"
#include "base/guard/walk_hidden.h"
#include "base/json.h"
#include "base/sysroot/call.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysdir.h"

#define DEV "/" IOV_PATH_DEV "/"

static const struct guard disk_open = { "disk-open", "a process has its disk or controller open" };
static const struct guard vfio_open = {
	"vfio-open", "a process has open what VFIO makes of it: its group, itself, an mdev",
};
static const struct guard dpdk = { "dpdk", "a DPDK process, or another by UIO, drives it" };
static const struct guard rdma_open = { "rdma-open", "a process has its RDMA device open" };
static const struct guard gpu_open = { "gpu-open", "a process has it open as a GPU" };
static const struct guard device_open = {
	"device-open", "a process has another device of it open, or its registers: vDPA, sound, serial, a clock",
};

/**
 * struct process - one process
 * @scan: where findings go
 * @seen: as the core sees it
 * @dpdk: it is a DPDK application
 * @vfio: it has a device of VFIO open
 * @nodes: device nodes that it has open or mapped: object of "block NAME", "char MAJ:MIN" or
 *	"registers PATH" to the path, which two may have, as a mount hides what is below it
 * @untold: devices of VFIO that it has, or may have, of which the kernel does not tell which
 * @how: behind the paths of what is no descriptor of its own: " (sent to it)"
 */
struct process {
	struct guard_scan *scan;
	struct guard_process *seen;
	bool dpdk;
	bool vfio;
	struct json_object *nodes;
	size_t untold;
	const char *how;
};

/* Who speaks for a node, by the subsystem of its device; device_open for all others. */
static const struct {
	const char *class;
	const struct guard *guard;
} speakers[] = {
	{ "vfio", &vfio_open },
	{ "vfio-dev", &vfio_open },
	{ "uio", &dpdk },
	{ "infiniband_verbs", &rdma_open },
	{ "infiniband_mad", &rdma_open },
	{ "drm", &gpu_open },
	{ "graphics", &gpu_open },
	{ "nvme", &disk_open },
	{ "nvme-generic", &disk_open },
	{ "scsi_generic", &disk_open },
	{ "bsg", &disk_open },
};

static const struct guard *speaker_of(const char *class)
{
	for (size_t i = 0; i < sizeof(speakers) / sizeof(*speakers); i++) {
		if (!strcmp(speakers[i].class, class))
			return speakers[i].guard;
	}
	return &device_open;
}

/* What a process holds by a node, and how it is called. */
struct hold {
	struct guard_chain chain;
	char holder[128];
};

static void hold_begin(struct hold *hold, struct process *process, const struct guard *guard,
		       const char *path)
{
	bool is_dpdk = process->dpdk && (guard == &vfio_open || guard == &rdma_open);

	hold->chain = (struct guard_chain){
		.guard = is_dpdk ? &dpdk : guard,
		.holder = hold->holder,
		.pid = process->seen->pid,
		.names = { path },
		.count = 1,
	};
	snprintf(hold->holder, sizeof(hold->holder), "%s%s",
		 process->dpdk && hold->chain.guard == &dpdk ? "DPDK process " : "",
		 guard_title(process->scan, process->seen));
}

/* A member of a group: a function, or what is made of one, as a mediated device is. */
static void visit_member(struct guard_scan *scan, struct guard_chain *chain,
			 const char *directory, const char *name)
{
	struct iov_bdf bdf;

	if (iov_bdf_scan(name, &bdf)) {
		guard_found(scan, chain, name);
		return;
	}
	chain->names[chain->count++] = name;
	guard_walk_link(scan, chain, iov_path("%s/%s", directory, name).name);
	chain->count--;
}

/* "vfio/17", "vfio/noiommu-0": the node is of all members of an IOMMU group. */
static bool is_group(const char *name, unsigned int *number)
{
	char more;

	return sscanf(name, "vfio/%u%c", number, &more) == 1 ||
	       sscanf(name, "vfio/noiommu-%u%c", number, &more) == 1;
}

static void hold_group(struct process *process, const char *path, unsigned int number)
{
	struct hold hold;

	hold_begin(&hold, process, &vfio_open, path);
	guard_for_each_name(process->scan, &hold.chain,
			    iov_path(IOV_PATH_IOMMU_GROUPS "/%u/devices", number).name,
			    visit_member);
}

static void hold_compute(struct process *process, const char *path)
{
	struct hold hold;

	hold_begin(&hold, process, &gpu_open, path);
	guard_walk_compute(process->scan, &hold.chain);
}

static void hold_nvidia(struct process *process, const char *path, unsigned int index)
{
	struct hold hold;

	hold_begin(&hold, process, &gpu_open, path);
	guard_walk_nvidia(process->scan, &hold.chain, index);
}

/* The kernel's list of devices gives the number 195 to NVIDIA. */
static bool is_nvidia(const char *number, const char *path, unsigned int *index)
{
	return sscanf(number, "195:%u", index) == 1 || sscanf(path, DEV "nvidia%u", index) == 1;
}

/* "vfio-device-syspath: /sys/devices/pci0000:00/0000:00:04.0", since Linux 6.18 */
static void hold_vfio_device(struct process *process, const char *fd)
{
	static const char key[] = "vfio-device-syspath:";
	struct iov_path path = iov_path("%s/fdinfo/%s", process->seen->path.name, fd);
	_cleanup_free_ char *text = NULL;
	char *line, *end;
	struct hold hold;
	int error = iov_sys_read_all(process->scan->iov, path.name, &text, NULL);

	guard_unseen(process->scan, error, iov_path("/%s", path.name).name);
	line = error ? NULL : strstr(text, key);
	if (!line) {
		process->untold += !error;
		return;
	}
	line += strlen(key) + strspn(line + strlen(key), " \t");
	end = line + strcspn(line, "\n");
	*end = '\0';
	hold_begin(&hold, process, &vfio_open, "a device of VFIO");
	guard_walk_device(process->scan, &hold.chain, line);
}

/* A recorded tree may have no more of a node than its path. */
static const char *name_of(const struct guard_node *node, const char *path)
{
	if (node->name[0] || strncmp(path, DEV, strlen(DEV)))
		return node->name;
	return path + strlen(DEV);
}

static void hold_character(struct process *process, const char *path, const char *number)
{
	struct guard_node node;
	struct hold hold;
	unsigned int index;

	guard_node_by_number(process->scan, number, &node);
	if (is_group(name_of(&node, path), &index)) {
		hold_group(process, path, index);
	} else if (!strcmp(node.name, "kfd")) {
		hold_compute(process, path);
	} else if (node.target[0]) {
		hold_begin(&hold, process, speaker_of(node.class), path);
		guard_walk_device(process->scan, &hold.chain, node.target);
	} else if (is_nvidia(number, path, &index)) {
		hold_nvidia(process, path, index);
	} else {
		hold_begin(&hold, process, &device_open, path);
		guard_walk_unlisted(process->scan, &hold.chain, number, path);
	}
}

/* Drivers in user space that go without UIO and VFIO, and tools of vendors. */
static void hold_registers(struct process *process, const char *path)
{
	struct hold hold;

	hold_begin(&hold, process, &device_open, path);
	guard_walk_device(process->scan, &hold.chain, path);
}

static void hold_node(struct process *process, const char *path, const char *node)
{
	const char *which = node + strcspn(node, " ") + 1;
	struct guard_chain chain = {
		.guard = &disk_open,
		.holder = guard_title(process->scan, process->seen),
		.pid = process->seen->pid,
	};

	if (*node == 'b')
		guard_walk_block(process->scan, &chain, which);
	else if (*node == 'c')
		hold_character(process, path, *which == '/' ? "" : which);
	else
		hold_registers(process, path);
}

static void note_node(struct process *process, const char *path, const char *node)
{
	json_object_object_add(process->nodes, node, json_object_new_string(
				       iov_path("%s%s", path, process->how).name));
}

static void note_block(struct process *process, const char *path, const char *name)
{
	note_node(process, path, iov_path("block %s", name).name);
}

/* What a recorded tree has no number of is told apart by its path. */
static void note_character(struct process *process, const char *path, const char *number)
{
	note_node(process, path, iov_path("char %s", *number ? number : path).name);
}

/*
 * "/sys/devices/pci0000:00/0000:00:04.0/resource0"; what is beside it only looks.  Containers
 * may have sysfs elsewhere, as /host/sys.
 */
static bool is_registers(const char *path)
{
	const char *last = strrchr(path, '/');

	return last && strstr(path, "/" IOV_PATH_SYS_DEVICES "/") &&
	       !strncmp(last, "/resource", strlen("/resource")) && last[strlen("/resource")];
}

static void note_registers(struct process *process, const char *path)
{
	note_node(process, path, iov_path("registers %s", path).name);
}

/* The number of a node, as what it is; false for what is none. */
static bool note_number(struct process *process, const struct statx *status, const char *path)
{
	struct iov_path number = iov_path("%u:%u", status->stx_rdev_major, status->stx_rdev_minor);
	struct iov_path device = iov_path(IOV_PATH_DEV_BLOCK "/%s", number.name);
	char name[64];
	int error;

	if (S_ISCHR(status->stx_mode))
		note_character(process, path, number.name);
	if (!S_ISBLK(status->stx_mode))
		return S_ISCHR(status->stx_mode);
	error = iov_sys_link_name(process->scan->iov, device.name, name, sizeof(name));
	guard_failed(process->scan, error, iov_path("/%s", device.name).name);
	if (!error)
		note_block(process, path, name);
	return true;
}

/*
 * What the kernel has of an open file at hand: nothing is asked for by name, so no server of files
 * is asked, and none of another user's in user space (FUSE) refuses root.  None of those
 * has nodes: what such a server has forgotten (ESTALE) is no device.
 */
static int look_at_link(struct process *process, const char *link, const char *path, bool *is_node)
{
	struct statx status;

	if (statx(process->seen->directory, link, AT_STATX_DONT_SYNC, 0, &status))
		return -errno;
	*is_node = note_number(process, &status, path);
	return 0;
}

static void link_unseen(struct process *process, int error, const char *link)
{
	guard_unseen(process->scan, error == -ESTALE ? -ENOENT : error,
		     iov_path("/%s/%s", process->seen->path.name, link).name);
}

static void note_open(struct process *process, const char *link, const char *path)
{
	bool is_node;

	link_unseen(process, look_at_link(process, link, path, &is_node), link);
}

/* A recorded tree has no nodes; there the name below /dev has to do. */
static void note_recorded(struct process *process, const char *path)
{
	const char *name = path + strlen(DEV);
	char number[24] = "";

	if (strncmp(path, DEV, strlen(DEV)) || !*name)
		return;
	if (iov_sys_exists(process->scan->iov, iov_path(IOV_PATH_CLASS_BLOCK "/%s", name).name)) {
		note_block(process, path, name);
		return;
	}
	guard_number_of_name(process->scan, name, number, sizeof(number));
	note_character(process, path, number);
}

/* The lock that the first process of a DPDK application holds as long as it lives. */
static bool is_dpdk_config(const char *target)
{
	const char *last = strrchr(target, '/');

	return last && !strcmp(last, "/config") && strstr(target, "/dpdk/");
}

static void note_file(struct process *process, const char *fd);

static void note_sent(void *argument, struct guard_process *copies, const char *fd)
{
	struct process *process = argument;
	struct guard_process *seen = process->seen;

	process->seen = copies;
	process->how = " (sent to it)";
	note_file(process, fd);
	process->how = "";
	process->seen = seen;
}

static void note_registered(void *argument, const char *path)
{
	struct process *process = argument;

	process->how = " (registered with io_uring)";
	if (is_registers(path))
		note_registers(process, path);
	else
		note_recorded(process, path);
	process->how = "";
}

/* Whose path is none: "socket:[31337]" */
static void note_special(struct process *process, const char *fd, const char *target)
{
	struct guard_scan *scan = process->scan;

	if (!strncmp(target, "socket:", strlen("socket:"))) {
		process->untold += guard_walk_sent(scan, process->seen, fd, target, note_sent,
						    process);
	} else if (!strcmp(target, "anon_inode:[io_uring]")) {
		process->untold += guard_walk_registered(scan, process->seen, fd, note_registered,
							 process);
	} else if (!strcmp(target, "anon_inode:[vfio-device]")) {
		process->vfio = true;
		hold_vfio_device(process, fd);
	}
}

static void note_file(struct process *process, const char *fd)
{
	char target[IOV_PATH_MAX];
	struct iov_path path = iov_path("fd/%s", fd);
	ssize_t length = readlinkat(process->seen->directory, path.name, target,
				    sizeof(target) - 1);

	if (length < 0) {
		guard_unseen(process->scan, -errno,
			     iov_path("/%s/%s", process->seen->path.name, path.name).name);
		return;
	}
	target[length] = '\0';
	process->dpdk |= is_dpdk_config(target);
	if (target[0] != '/') {
		note_special(process, fd, target);
		return;
	}
	if (is_registers(target))
		note_registers(process, target);
	if (!strcmp(target, "/dev/null") || !strncmp(target, "/dev/pts/", 9))
		return;
	if (iov_sys_is_host(process->scan->iov))
		note_open(process, path.name, target);
	else
		note_recorded(process, target);
}

/**
 * struct mapping - a line of "maps"
 * @range: "7f0c2000-7f0c3000"
 * @device: of the file system, "00:05"
 * @inode: of the file, "123"
 * @path: the file's, as long as it had one
 */
struct mapping {
	char range[40];
	char device[16];
	char inode[24];
	const char *path;
};

/* "7f0c2000-7f0c3000 rw-s 100000000000 00:05 123      /dev/uio0" */
static bool read_mapping(char *line, struct mapping *mapping)
{
	int at = 0;

	if (sscanf(line, "%39s %*s %*s %15s %23s %n", mapping->range, mapping->device,
		   mapping->inode, &at) != 3 || !at)
		return false;
	mapping->path = line + at;
	return true;
}

/*
 * Most files are libraries of many processes, which are looked at once.  A container may not follow
 * these links, though it may those of descriptors, and the link of a range that was split or joined
 * meanwhile is gone; the name has to do there.
 */
static void look_at_mapped(struct process *process, const struct mapping *mapping)
{
	struct iov_path key = iov_path("mapped %s %s", mapping->device, mapping->inode);
	struct iov_path link = iov_path("map_files/%s", mapping->range);
	bool is_node = true;
	int error;

	if (!guard_is_new(process->scan, key.name))
		return;
	error = look_at_link(process, link.name, mapping->path, &is_node);
	if (error == -EPERM || error == -ENOENT)
		note_recorded(process, mapping->path);
	else
		link_unseen(process, error, link.name);
	if (is_node)
		guard_forget(process->scan, key.name);
}

static void note_mapped(struct process *process, const struct mapping *mapping)
{
	if (is_registers(mapping->path))
		note_registers(process, mapping->path);
	else if (iov_sys_is_host(process->scan->iov))
		look_at_mapped(process, mapping);
	else
		note_recorded(process, mapping->path);
}

/* @opened: devices of VFIO that it has a descriptor of, whose mappings tell nothing more */
static void note_mappings(struct process *process, char *maps, bool opened)
{
	struct mapping mapping;
	bool untold = false;
	char *rest = maps, *line;

	while ((line = strsep(&rest, "\n"))) {
		if (!read_mapping(line, &mapping))
			continue;
		if (*mapping.path == '/')
			note_mapped(process, &mapping);
		untold |= !strcmp(mapping.path, "anon_inode:[vfio-device]");
	}
	process->untold += untold && !opened;
}

/* Each device that it opened itself came by a node, unless it closed that or was given the device. */
static void note_untold(struct process *process)
{
	struct guard_scan *scan = process->scan;
	size_t nodes = 0;

	json_object_object_foreach(process->nodes, node, value) {
		const char *path = json_object_get_string(value);

		(void)node;
		nodes += !strncmp(path, DEV "vfio/", strlen(DEV "vfio/")) &&
			 strcmp(path, DEV "vfio/vfio") != 0;
	}
	if (process->untold <= nodes)
		return;
	if (!scan->untold)
		scan->untold = json_object_new_array();
	json_object_array_add(scan->untold, json_object_new_string(guard_title(scan, process->seen)));
}

static void scan_process(struct guard_scan *scan, struct guard_process *seen)
{
	_cleanup_json_ struct json_object *nodes = json_object_new_object();
	struct process process = { .scan = scan, .seen = seen, .nodes = nodes, .how = "" };
	struct iov_path mapped = iov_path("%s/maps", seen->path.name);
	_cleanup_free_ char *maps = NULL;
	int error;

	if (!guard_list_files(scan, seen))
		return;
	for (size_t i = 0; i < seen->file_count; i++)
		note_file(&process, seen->files[i]);
	error = iov_sys_read_all(scan->iov, mapped.name, &maps, NULL);
	guard_unseen(scan, error, iov_path("/%s", mapped.name).name);
	/* One that keeps no files for others, as with --in-memory, has the library nonetheless. */
	process.dpdk = process.dpdk || (!error && strstr(maps, "/librte_eal.so"));
	if (!error)
		note_mappings(&process, maps, process.vfio);
	note_untold(&process);
	json_object_object_foreach(nodes, node, path)
		hold_node(&process, json_object_get_string(path), node);
}

static bool is_found(const struct guard_scan *scan, const char *device)
{
	return guard_is_held(scan, &vfio_open, device) || guard_is_held(scan, &dpdk, device);
}

/* Whether the group of a function is in use: while it is nobody else gets it. */
static bool is_group_taken(struct guard_scan *scan, int dir)
{
	char group[32];
	struct iov_path node;
	int fd;

	if (iov_dir_link_name(dir, "iommu_group", group, sizeof(group)))
		return false;
	node = iov_path(IOV_PATH_DEV_VFIO "/%s", group);
	if (!iov_sys_exists(scan->iov, node.name))
		node = iov_path(IOV_PATH_DEV_VFIO "/noiommu-%s", group);
	iov_sys_asking(scan->iov, "to have %s", node.name);
	fd = iov_sys_open(scan->iov, node.name, O_RDONLY);
	if (fd >= 0)
		close(fd);
	else if (fd != -EBUSY)
		guard_unseen(scan, fd, iov_path("/%s", node.name).name);
	return fd == -EBUSY;
}

/* Asked only while some process has a device that cannot be told, and nobody else has this one. */
static void match(struct guard_scan *scan, int dir, const char *device)
{
	char holder[160];
	struct guard_chain chain = {
		.guard = &vfio_open, .holder = holder, .names = { "a device of VFIO" }, .count = 1,
	};
	size_t processes = scan->untold ? json_object_array_length(scan->untold) : 0;

	if (dir < 0 || !processes || !iov_sys_is_host(scan->iov) || is_found(scan, device) ||
	    !is_group_taken(scan, dir))
		return;
	snprintf(holder, sizeof(holder), "%s%s",
		 json_object_get_string(json_object_array_get_idx(scan->untold, 0)),
		 processes > 1 ? " or another process that has a device of VFIO" : "");
	guard_found(scan, &chain, device);
}

const struct guard_kind scan_open = {
	.guards = (const struct guard *const[]){
		&disk_open, &vfio_open, &dpdk, &rdma_open, &gpu_open, &device_open, NULL,
	},
	.process = scan_process,
	.match = match,
};
