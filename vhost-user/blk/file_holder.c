// SPDX-License-Identifier: GPL-2.0-or-later
/* Who holds the lock of a file, by the kernel's list of all locks. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "vhost-user/blk/file_backend.h"

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

/* "1: FLOCK  ADVISORY  WRITE 1234 fe:00:5678 0 EOF"; who waits for one has an arrow there. */
static int holder_of_line(const struct file_backend *file, const char *line)
{
	unsigned int major, minor;
	uint64_t inode;
	int pid;

	if (sscanf(line, "%*d: FLOCK %*s %*s %d %x:%x:%" SCNu64, &pid, &major, &minor, &inode) != 4)
		return 0;
	return makedev(major, minor) == file->lock_device && inode == file->lock_inode ? pid : 0;
}

char *file_holder(struct blk_backend *backend)
{
	const struct file_backend *file = file_of(backend);
	_cleanup_free_ char *locks = NULL;
	char *words = NULL, *rest, *line;

	if (iov_sys_read_all(file->iov, IOV_PATH_LOCKS, &locks, NULL))
		return NULL;
	rest = locks;
	while (!words && (line = strsep(&rest, "\n"))) {
		int pid = holder_of_line(file, line);

		if (pid)
			words = title(file->iov, pid);
	}
	return words;
}
