// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who holds the lock of a file, by the kernel's list of all locks.
 *
 * Theory of operation.  A lock of a process that ended is listed with the number that this had, as
 * what it began keeps the description.  Locks that other hosts have of a file by network are not
 * listed, nor in a PID namespace those of processes outside of it, nor there those of processes
 * that ended.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "vhost-user/blk/file_backend.h"

/* A file as the list names it. */
struct listed {
	dev_t device;
	uint64_t inode;
};

/* NULL for a process that has ended: what it began keeps the lock. */
static char *title(struct iov *iov, int pid)
{
	char name[64], *words;
	int error = iov_sys_read(iov, iov_path(IOV_PATH_PROC "/%d/comm", pid).name, name,
				 sizeof(name));

	if (error == -ENOENT || error == -ESRCH)
		return NULL;
	if (error ? asprintf(&words, "pid %d", pid) < 0
		  : asprintf(&words, "pid %d (%s)", pid, name) < 0)
		return NULL;
	return words;
}

/* "29 1 0:26 /root /mnt ...": the device that the whole file system is on. */
static bool find_mount(struct iov *iov, int mount, dev_t *device)
{
	_cleanup_free_ char *mounts = NULL;
	char *rest, *line;

	if (iov_sys_read_all(iov, IOV_PATH_MOUNTS, &mounts, NULL))
		return false;
	rest = mounts;
	while ((line = strsep(&rest, "\n"))) {
		unsigned int major, minor;
		int id;

		if (sscanf(line, "%d %*d %u:%u", &id, &major, &minor) != 3 || id != mount)
			continue;
		*device = makedev(major, minor);
		return true;
	}
	return false;
}

/*
 * What stat() says is the file system's to choose: btrfs has a device for each subvolume, overlayfs
 * that of a layer.  The kernel tells its own of an open file; where it does not, stat() has to do.
 */
static struct listed find_listed(const struct file_backend *file)
{
	struct listed listed = { file->node_device, file->node_inode };
	_cleanup_free_ char *info = NULL;
	const char *mount, *inode;
	dev_t device;

	if (iov_sys_read_all(file->iov, iov_path(IOV_PATH_PROC_SELF "/fdinfo/%d", file->fd).name, &info,
			     NULL))
		return listed;
	mount = strstr(info, "mnt_id:");
	inode = strstr(info, "\nino:");
	if (!mount || !inode || !find_mount(file->iov, atoi(mount + strlen("mnt_id:")), &device))
		return listed;
	return (struct listed){ device, strtoull(inode + strlen("\nino:"), NULL, 10) };
}

/*
 * "1: FLOCK  ADVISORY  WRITE 1234 fe:00:5678 0 EOF"; who waits for one has an arrow there.  0 for a
 * line that is not of it.
 */
static int holder_of_line(const struct listed *file, const char *line)
{
	unsigned int major, minor;
	uint64_t inode;
	int pid;

	if (sscanf(line, "%*d: FLOCK %*s %*s %d %x:%x:%" SCNu64, &pid, &major, &minor, &inode) != 4)
		return 0;
	return makedev(major, minor) == file->device && inode == file->inode ? pid : 0;
}

/* A device is claimed as well, which no list tells of, and other hosts have locks of their own. */
static char *unknown(const struct file_backend *file)
{
	return strdup(file->is_device ? "unknown: a mount, a volume or another PID namespace"
				      : "unknown: another host or PID namespace");
}

char *file_holder(struct blk_backend *backend, bool *is_seen)
{
	const struct file_backend *file = file_of(backend);
	_cleanup_free_ char *locks = NULL;
	char *words = NULL, *rest, *line;
	struct listed listed;

	*is_seen = false;
	if (iov_sys_read_all(file->iov, IOV_PATH_LOCKS, &locks, NULL))
		return unknown(file);
	listed = find_listed(file);
	rest = locks;
	while (!words && (line = strsep(&rest, "\n"))) {
		int pid = holder_of_line(&listed, line);

		/* A negative one is that of a process elsewhere. */
		if (pid <= 0)
			continue;
		*is_seen = true;
		words = title(file->iov, pid);
	}
	return *is_seen ? words : unknown(file);
}
