// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guard "zfs".  ZFS holds its disks without telling sysfs.  Which pools are
 * imported is in procfs, and which disks carry the label of which pool in the
 * database of udev.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/guard/scans.h"
#include "base/guard/walk_block.h"
#include "base/sysroot/paths.h"

/* A property of a block device, "E:ID_FS_TYPE=zfs_member"; "" when udev does not know. */
static void find_property(const char *text, const char *key, char *value, size_t size)
{
	const char *at = strstr(text, key);

	value[0] = '\0';
	if (at)
		snprintf(value, size, "%.*s", (int)strcspn(at + strlen(key), "\n"),
			 at + strlen(key));
}

static const struct guard zfs = { "zfs", "its disk is in an imported ZFS pool" };

/* Files of the same directory are statistics; a pool is a directory. */
static bool is_imported(struct iov *iov, const char *pool)
{
	char **names;
	size_t count;

	if (!*pool || iov_sys_list(iov, iov_path(IOV_PATH_ZFS_POOLS "/%s", pool).name, &names,
				   &count))
		return false;
	iov_names_free(names, count);
	return true;
}

static void visit_block(struct guard_scan *scan, struct guard_chain *chain, const char *directory,
			const char *name)
{
	_cleanup_free_ char *text = NULL;
	char number[32], type[32], pool[256], holder[300];

	if (iov_sys_read(scan->iov, iov_path("%s/%s/dev", directory, name).name, number,
			 sizeof(number)) ||
	    iov_sys_read_all(scan->iov, iov_path(IOV_PATH_UDEV_DATA "/b%s", number).name, &text,
			     NULL))
		return;
	find_property(text, "\nE:ID_FS_TYPE=", type, sizeof(type));
	find_property(text, "\nE:ID_FS_LABEL=", pool, sizeof(pool));
	if (strcmp(type, "zfs_member") || !is_imported(scan->iov, pool))
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
