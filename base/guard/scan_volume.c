// SPDX-License-Identifier: GPL-2.0-or-later
/* The guards on volumes, which are block devices on others. */
#include <stdio.h>
#include <string.h>

#include "base/guard/scans.h"
#include "base/guard/walk_block.h"
#include "base/sysroot/paths.h"

static const struct guard lvm = { "lvm", "an active LVM volume is on its disk", true };
static const struct guard md = { "md", "its disk is in an MD array, running or not", true };
static const struct guard crypt = { "crypt", "an open dm-crypt volume is on its disk", true };
static const struct guard bcache = { "bcache", "its disk is part of a bcache device", true };
static const struct guard dm = {
	"dm",
	"another volume is on its disk: multipath, linear, DRBD", true,
};
static const struct guard loop = { "loop", "a loop device is on its disk" };
static const struct guard zram = { "zram", "zram writes pages of memory back to its disk", true };

/* What a volume is, and what it is called. */
struct volume {
	const struct guard *guard;
	char title[160];
};

static void read_mapped(struct iov *iov, const char *name, struct volume *volume)
{
	char uuid[160] = "", title[128];

	if (iov_sys_read(iov, iov_path(IOV_PATH_CLASS_BLOCK "/%s/dm/name", name).name, title,
			 sizeof(title)))
		snprintf(title, sizeof(title), "%s", name);
	iov_sys_read(iov, iov_path(IOV_PATH_CLASS_BLOCK "/%s/dm/uuid", name).name, uuid,
		     sizeof(uuid));
	if (!strncmp(uuid, "LVM-", 4)) {
		volume->guard = &lvm;
		snprintf(volume->title, sizeof(volume->title), "LVM volume %s", title);
	} else if (!strncmp(uuid, "CRYPT-", 6)) {
		volume->guard = &crypt;
		snprintf(volume->title, sizeof(volume->title), "dm-crypt volume %s", title);
	} else {
		volume->guard = &dm;
		snprintf(volume->title, sizeof(volume->title), "device mapper volume %s", title);
	}
}

static void read_array(struct iov *iov, const char *name, struct volume *volume)
{
	char state[32] = "";

	iov_sys_read(iov, iov_path(IOV_PATH_CLASS_BLOCK "/%s/md/array_state", name).name, state,
		     sizeof(state));
	volume->guard = &md;
	snprintf(volume->title, sizeof(volume->title), "MD array %s%s", name,
		 !strcmp(state, "inactive") ? " (inactive)" : "");
}

static void read_volume(struct iov *iov, const char *name, struct volume *volume)
{
	if (!strncmp(name, "md", 2)) {
		read_array(iov, name, volume);
	} else if (!strncmp(name, "bcache", 6)) {
		volume->guard = &bcache;
		snprintf(volume->title, sizeof(volume->title), "bcache device %s", name);
	} else if (!strncmp(name, "loop", 4)) {
		volume->guard = &loop;
		snprintf(volume->title, sizeof(volume->title), "loop device %s", name);
	} else if (!strncmp(name, "zram", 4)) {
		volume->guard = &zram;
		snprintf(volume->title, sizeof(volume->title), "memory that is compressed (%s)", name);
	} else if (!strncmp(name, "drbd", 4)) {
		volume->guard = &dm;
		snprintf(volume->title, sizeof(volume->title), "DRBD device %s", name);
	} else {
		read_mapped(iov, name, volume);
	}
}

/* Whether a volume of the same kind is on @name in turn. */
static bool is_covered(struct guard_scan *scan, const char *name, const struct guard *guard)
{
	struct iov_path holders = iov_path(IOV_PATH_CLASS_BLOCK "/%s/holders", name);
	bool covered = false;
	char **names;
	size_t count;
	int error = iov_sys_list(scan->iov, holders.name, &names, &count);

	guard_failed(scan, error, iov_path("/%s", holders.name).name);
	if (error)
		return false;
	for (size_t i = 0; i < count; i++) {
		struct volume upper;

		read_volume(scan->iov, names[i], &upper);
		covered |= upper.guard == guard;
	}
	iov_names_free(names, count);
	return covered;
}

static bool is_empty(struct guard_scan *scan, const char *directory)
{
	char **names;
	size_t count;
	int error = iov_sys_list(scan->iov, directory, &names, &count);

	guard_failed(scan, error, iov_path("/%s", directory).name);
	if (error)
		return true;
	iov_names_free(names, count);
	return !count;
}

/* What bcache has as a cache, or as a disk that waits for one, need not be a volume. */
static void hold_registered(struct guard_scan *scan, const char *directory, const char *name)
{
	struct guard_chain chain = { .guard = &bcache, .holder = "bcache" };

	if (iov_sys_exists(scan->iov, iov_path("%s/%s/bcache", directory, name).name) &&
	    is_empty(scan, iov_path("%s/%s/holders", directory, name).name))
		guard_walk_block(scan, &chain, name);
}

/* Each volume on another block device, unless one of its kind is on it. */
static void visit_volume(struct guard_scan *scan, struct guard_chain *chain, const char *directory,
			 const char *name)
{
	struct volume volume;
	char node[IOV_PATH_MAX];

	if (is_empty(scan, iov_path("%s/%s/slaves", directory, name).name) &&
	    !guard_block_backing(scan, name, node, sizeof(node))) {
		if (strncmp(name, "bcache", 6))
			hold_registered(scan, directory, name);
		return;
	}
	read_volume(scan->iov, name, &volume);
	if (is_covered(scan, name, volume.guard))
		return;
	chain->guard = volume.guard;
	chain->holder = volume.title;
	guard_walk_block(scan, chain, name);
}

static void scan(struct guard_scan *scan)
{
	struct guard_chain chain = { 0 };

	guard_for_each_name(scan, &chain, IOV_PATH_CLASS_BLOCK, visit_volume);
}

const struct guard_kind scan_volume = {
	.guards = (const struct guard *const[]){ &lvm, &md, &crypt, &bcache, &dm, &loop, &zram, NULL },
	.scan = scan,
};
