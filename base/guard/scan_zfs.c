// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guard "zfs".  ZFS holds its disks without telling sysfs.  Which pools are
 * imported is in procfs, and udev knows which disks carry the label of
 * which pool.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/guard/scans.h"
#include "base/guard/walk_block.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/udev.h"

static const struct guard zfs = { "zfs", "its disk is in an imported ZFS pool", true };

/* Files of the same directory are statistics; a pool is a directory. */
static bool is_imported(struct guard_scan *scan, const char *pool)
{
	struct iov_path directory = iov_path(IOV_PATH_ZFS_POOLS "/%s", pool);
	char **names;
	size_t count;
	int error;

	if (!*pool)
		return false;
	error = iov_sys_list(scan->iov, directory.name, &names, &count);
	if (error) {
		guard_failed(scan, error == -ENOTDIR ? 0 : error,
			     iov_path("/%s", directory.name).name);
		return false;
	}
	iov_names_free(names, count);
	return true;
}

static void visit_block(struct guard_scan *scan, struct guard_chain *chain, const char *directory,
			const char *name)
{
	char number[32], type[32], pool[256], holder[300];

	if (iov_sys_read(scan->iov, iov_path("%s/%s/dev", directory, name).name, number,
			 sizeof(number)) ||
	    !iov_udev_block_property(scan->iov, number, "ID_FS_TYPE", type, sizeof(type)) ||
	    !iov_udev_block_property(scan->iov, number, "ID_FS_LABEL", pool, sizeof(pool)) ||
	    strcmp(type, "zfs_member") || !is_imported(scan, pool))
		return;
	snprintf(holder, sizeof(holder), "ZFS pool %s", pool);
	chain->holder = holder;
	guard_walk_block(scan, chain, name);
}

static void scan(struct guard_scan *scan)
{
	struct guard_chain chain = { .guard = &zfs };

	if (iov_sys_exists(scan->iov, IOV_PATH_ZFS_POOLS))
		guard_for_each_name(scan, &chain, IOV_PATH_CLASS_BLOCK, visit_block);
}

const struct guard_kind scan_zfs = {
	.guards = (const struct guard *const[]){ &zfs, NULL },
	.scan = scan,
};
