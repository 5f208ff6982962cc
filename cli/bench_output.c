// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/bench_output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/output.h"

/* The new one beside the old one, with the mode that a file of ours has. */
static int open_beside(const char *path, char beside[PATH_MAX])
{
	const mode_t mask = umask(0);
	int fd;

	umask(mask);
	if (snprintf(beside, PATH_MAX, "%s.XXXXXX", path) >= PATH_MAX)
		return -ENAMETOOLONG;
	fd = mkostemp(beside, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fchmod(fd, 0666 & ~mask) < 0)
		return close(fd), unlink(beside), -EPERM;
	return fd;
}

int bench_output_check(struct iov *iov, const char *path)
{
	char beside[PATH_MAX];
	struct stat status;
	int fd;

	if (!stat(path, &status) && !S_ISREG(status.st_mode))
		return iov_fail_as(iov, IOV_FAILURE_OTHER, -EINVAL, "%s: is there and no file; expected "
				   "the name of one, --json is for the terminal", path);
	fd = open_beside(path, beside);
	if (fd < 0)
		return iov_told(iov, fd, "%s: %s; expected a file that can be written", path,
				strerror(-fd));
	close(fd);
	unlink(beside);
	return 0;
}

int bench_output_write(const char *path, struct json_object *results)
{
	char beside[PATH_MAX];
	_cleanup_free_ char *text = iov_output_json_text(results, JSON_C_TO_STRING_PRETTY);
	_cleanup_file_ FILE *file = NULL;
	int fd, error = 0;

	if (!text)
		return -ENOMEM;
	fd = open_beside(path, beside);
	if (fd < 0)
		return fd;
	file = fdopen(fd, "w");
	if (!file)
		return close(fd), unlink(beside), -ENOMEM;
	errno = 0;
	if (fprintf(file, "%s\n", text) < 0 ||
	    fflush(file) || fsync(fd) || rename(beside, path))
		error = errno ? -errno : -EIO;
	if (error)
		unlink(beside);
	return error;
}
