// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who could change what is going to run. The way is walked from the root: where nobody else can
 * change a directory nobody else can exchange what is in it, so what was looked at is what is opened.
 */
#include "plugins/trust.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_ours(uid_t owner)
{
	return !owner || owner == geteuid();
}

/* In a directory with the sticky bit nobody can exchange what belongs to others. */
static bool is_open_to_others(const struct stat *stat)
{
	if (S_ISDIR(stat->st_mode) && stat->st_mode & S_ISVTX)
		return false;
	/* The bits of the group are the most that an access control list gives to anybody. */
	return stat->st_mode & (S_IWOTH | S_IWGRP);
}

static int check(struct iov *iov, const char *path)
{
	struct stat stat;

	if (lstat(path, &stat))
		return iov_told(iov, -errno, "%s: %s", path, strerror(errno));
	if (!is_ours(stat.st_uid))
		return iov_fail(iov, -EPERM, "%s belongs to user %u, not to root; 'chown root %s'", path,
				stat.st_uid, path);
	if (is_open_to_others(&stat))
		return iov_fail(iov, -EPERM, "%s is writable by others than its owner (mode %04o); "
				"'chmod go-w %s'", path, stat.st_mode & 07777, path);
	return 0;
}

/* Each directory on the way to @path, then itself. */
static int check_way(struct iov *iov, const char *path)
{
	char part[PATH_MAX];
	int error = check(iov, "/");

	for (const char *slash = path; !error && slash;) {
		slash = strchr(slash + 1, '/');
		snprintf(part, sizeof(part), "%.*s",
			 (int)(slash ? (size_t)(slash - path) : strlen(path)), path);
		error = check(iov, part);
	}
	return error;
}

int plugin_trust(struct iov *iov, const char *path, char real[PATH_MAX])
{
	struct stat stat;
	int error;

	if (!realpath(path, real))
		return iov_told(iov, -errno, "%s: %s", path, strerror(errno));
	error = check_way(iov, real);
	if (!error && (lstat(real, &stat) || !S_ISREG(stat.st_mode)))
		error = iov_fail(iov, -EPERM, "%s is no regular file", real);
	return error;
}
