// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

void new_file_make_folder(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);

	if (copy)
		mkdir(dirname(copy), 0755);
}

static int say_no_folder(struct iov *iov, const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	const char *folder = copy ? dirname(copy) : "";

	return iov_fail(iov, -EINVAL, "%s: there is no folder %s; make it with 'mkdir -p %s', or name "
			"another file", path, folder, folder);
}

int new_file_open(struct new_file *file, struct iov *iov, const char *path, mode_t mode)
{
	int fd;

	*file = (struct new_file){ .path = path };
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0 && errno == EEXIST)
		return iov_fail(iov, -EEXIST, "%s: is there already; remove it or name another file",
				path);
	if (fd < 0 && errno == ENOENT)
		return say_no_folder(iov, path);
	if (fd < 0)
		return iov_told(iov, -errno, "%s: %s", path, strerror(errno));
	file->stream = fdopen(fd, "w");
	if (file->stream)
		return 0;
	close(fd);
	unlink(path);
	return iov_fail(iov, -ENOMEM, "out of memory");
}

int new_file_close(struct new_file *file, struct iov *iov, int error)
{
	if (!file->stream)
		return error;
	errno = EIO;
	if (!error && (fflush(file->stream) || ferror(file->stream) || fsync(fileno(file->stream))))
		error = iov_told(iov, -errno, "%s: %s", file->path, strerror(errno));
	fclose(file->stream);
	if (error)
		unlink(file->path);
	return error;
}
