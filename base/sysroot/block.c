// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"

/* By the number of the node, which is right whatever its name. */
static bool name_by_number(struct iov *iov, const char *node, char *name, size_t size)
{
	_cleanup_fd_ int fd = iov_sys_open(iov, node, O_PATH);
	struct stat status;

	return fd >= 0 && !fstat(fd, &status) && S_ISBLK(status.st_mode) &&
	       !iov_sys_link_name(iov, iov_path(IOV_PATH_DEV_BLOCK "/%u:%u", major(status.st_rdev),
						minor(status.st_rdev)).name, name, size);
}

/* A recorded tree has no nodes: there a link, or the name itself, has to do. */
bool iov_sys_block(struct iov *iov, const char *node, char *name, size_t size)
{
	const char *last = strrchr(node, '/'), *path = node + (*node == '/');

	if (name_by_number(iov, path, name, size))
		return true;
	if (iov_sys_link_name(iov, path, name, size))
		snprintf(name, size, "%s", last ? last + 1 : node);
	return !strncmp(path, IOV_PATH_DEV "/", strlen(IOV_PATH_DEV "/"));
}
