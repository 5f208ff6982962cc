// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/sysroot/sysdir.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/sysroot/sysfd.h"
#include "base/sysroot/sysroot.h"

int iov_dir_open(struct iov *iov, const char *path)
{
	return iov_sys_open(iov, path, O_PATH | O_DIRECTORY);
}

static int open_at(int dir, const char *name, int flags)
{
	struct open_how how = {
		.flags = (unsigned int)(flags | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	int fd = (int)syscall(SYS_openat2, dir, name, &how, sizeof(how));

	/* In a sandbox; @dir is none of a recorded tree then, see iov_sys_open(). */
	if (fd < 0 && errno == ENOSYS)
		fd = openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int iov_dir_open_file(int dir, const char *name)
{
	return open_at(dir, name, O_RDONLY);
}

bool iov_dir_has(int dir, const char *name)
{
	struct stat status;

	return !fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW);
}

/* A pipe of a recorded tree keeps nobody waiting; the kernel's attributes take no heed of the flag. */
int iov_dir_read(int dir, const char *name, char *text, size_t size)
{
	return fd_read_text(open_at(dir, name, O_RDONLY | O_NONBLOCK), text, size);
}

int iov_dir_read_number(int dir, const char *name, int64_t *number)
{
	char text[64];
	int error = iov_dir_read(dir, name, text, sizeof(text));

	return error ? error : text_number(text, number);
}

int iov_dir_link(int dir, const char *name, char *target, size_t size)
{
	return link_at(dir, name, target, size);
}

int iov_dir_link_name(int dir, const char *name, char *component, size_t size)
{
	char target[IOV_PATH_MAX];
	int error = iov_dir_link(dir, name, target, sizeof(target));

	return error ? error : target_name(target, component, size);
}

int iov_dir_list(int dir, const char *name, char ***names, size_t *count)
{
	return fd_list(open_at(dir, name, O_RDONLY | O_DIRECTORY), names, count);
}
