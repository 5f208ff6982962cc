// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guard "claimed": what the other guards on disks do not know.  Whoever uses a
 * block device for good claims it in the kernel, and while it is claimed nobody can
 * open it exclusively.  The attempt is made only on disks of functions that someone
 * asks about, as it may wake a disk that sleeps, and not on a recorded tree.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/guard/scans.h"
#include "base/guard/walk_block.h"
#include "base/json.h"
#include "base/sysroot/call.h"
#include "base/sysroot/paths.h"

#define CLAIMANT "a user of unknown kind (the kernel lets nobody open it exclusively)"

static const struct guard claimed = {
	"claimed", "the kernel holds its disk for a user of unknown kind", true,
};

static void visit_disk(struct guard_scan *scan, struct guard_chain *chain, const char *directory,
		       const char *name)
{
	struct iov_path path = iov_path("%s/%s", directory, name);
	char target[IOV_PATH_MAX];

	if (!guard_read_link(scan, path.name, target) ||
	    (strstr(target, "/virtual/") && !strstr(target, "/nvme-subsystem/") &&
	     !guard_is_asked(scan, target)) ||
	    iov_sys_exists(scan->iov, iov_path("%s/partition", path.name).name))
		return;
	guard_walk_block(scan, chain, name);
}

/* Walk from all disks as if each had a holder. */
static void read_disks(struct guard_scan *scan)
{
	struct guard_chain chain = { .guard = &claimed, .holder = CLAIMANT };
	struct json_object *holders = scan->holders;

	scan->holders = json_object_new_array();
	guard_for_each_name(scan, &chain, IOV_PATH_CLASS_BLOCK, visit_disk);
	scan->disks = scan->holders;
	scan->holders = holders;
}

/* Whether a holder that claims what it is on leads through a block device. */
static bool is_explained(const struct guard_scan *scan, const char *name)
{
	for (size_t i = 0; i < json_object_array_length(scan->holders); i++) {
		struct json_object *holder = json_object_array_get_idx(scan->holders, i);
		struct json_object *path = json_object_object_get(holder, "path");

		if (guard_of_holder(holder)->claims && json_array_has(path, name))
			return true;
	}
	return false;
}

/* A drive without a medium, or a node without a device, has nobody who uses it. */
static bool is_absent(int error)
{
	return error == -ENXIO || error == -ENOMEDIUM;
}

static bool is_claimed(struct guard_scan *scan, const char *name)
{
	struct iov_path node = iov_path(IOV_PATH_DEV "/%s", name);
	int fd;

	/* "cciss!c0d0" is cciss/c0d0 */
	for (char *mark = node.name; (mark = strchr(mark, '!'));)
		*mark = '/';
	iov_sys_asking(scan->iov, "to have %s exclusively", node.name);
	fd = iov_sys_open(scan->iov, node.name, O_RDONLY | O_EXCL | O_NONBLOCK);
	if (fd >= 0)
		close(fd);
	else if (fd != -EBUSY && !is_absent(fd))
		guard_unseen(scan, fd, iov_path("/%s", node.name).name);
	return fd == -EBUSY;
}

/* Whether a partition has a holder, which is reported unless it is known. */
static bool ask_partition(struct guard_scan *scan, const char *disk, const char *name)
{
	struct guard_chain chain = { .guard = &claimed, .holder = CLAIMANT };

	if (!iov_sys_exists(scan->iov, iov_path(IOV_PATH_CLASS_BLOCK "/%s/%s/partition", disk,
						name).name))
		return false;
	if (is_explained(scan, name))
		return true;
	if (!is_claimed(scan, name))
		return false;
	guard_walk_block(scan, &chain, name);
	return true;
}

/* The claim of a partition claims its disk as well. */
static void ask_disk(struct guard_scan *scan, const char *disk)
{
	struct guard_chain chain = { .guard = &claimed, .holder = CLAIMANT };
	struct iov_path directory = iov_path(IOV_PATH_CLASS_BLOCK "/%s", disk);
	bool partition_held = false;
	char **names;
	size_t count;
	int error;

	if (is_explained(scan, disk))
		return;
	error = iov_sys_list(scan->iov, directory.name, &names, &count);
	guard_failed(scan, error, iov_path("/%s", directory.name).name);
	if (error)
		return;
	for (size_t i = 0; i < count; i++)
		partition_held |= ask_partition(scan, disk, names[i]);
	iov_names_free(names, count);
	if (!partition_held && is_claimed(scan, disk))
		guard_walk_block(scan, &chain, disk);
}

static void match(struct guard_scan *scan, int dir, const char *device)
{
	(void)dir;
	if (!iov_sys_is_host(scan->iov))
		return;
	if (!scan->disks)
		read_disks(scan);
	for (size_t i = 0; i < json_object_array_length(scan->disks); i++) {
		struct json_object *disk = json_object_array_get_idx(scan->disks, i);
		struct json_object *path = json_object_object_get(disk, "path");
		size_t last = json_object_array_length(path) - 1;

		if (guard_has_component(json_text(disk, "device"), device))
			ask_disk(scan, json_object_get_string(
					 json_object_array_get_idx(path, last)));
	}
}

const struct guard_kind scan_claim = {
	.guards = (const struct guard *const[]){ &claimed, NULL },
	.match = match,
};
