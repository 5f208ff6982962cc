// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The new text is complete and on disk under another name before it takes the place of the
 * old one, which has its second name by then if it is kept: each change of a name is one rename.
 */
#include "base/sysroot/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sysroot/sysroot.h"

#define LINKS_MAX 8

/* The path that a symbolic link leads to, from the sysroot on. */
static struct iov_path follow(const char *path, const char *target)
{
	const char *slash = strrchr(path, '/');

	if (*target == '/')
		return iov_path("%s", target + strspn(target, "/"));
	return iov_path("%.*s%s", slash ? (int)(slash - path + 1) : 0, path, target);
}

static int resolve(struct iov *iov, const char *path, struct iov_path *resolved)
{
	char target[IOV_PATH_MAX];

	*resolved = iov_path("%s", path);
	for (int i = 0; i < LINKS_MAX; i++) {
		if (iov_sys_link(iov, resolved->name, target, sizeof(target)))
			return 0;
		*resolved = follow(resolved->name, target);
	}
	return -ELOOP;
}

void sys_make_folders(struct iov *iov, const char *path)
{
	for (const char *slash = path; (slash = strchr(slash, '/')); slash++)
		mkdirat(iov_sys_root_fd(iov), iov_path("%.*s", (int)(slash - path), path).name, 0755);
}

/* The folder of a path, open; @name receives what is behind it. */
static int open_folder(struct iov *iov, const struct iov_path *path, const char **name)
{
	const char *slash = strrchr(path->name, '/');

	*name = slash ? slash + 1 : path->name;
	return iov_sys_open(iov, iov_path("%.*s", slash ? (int)(slash - path->name) : 1,
					  slash ? path->name : ".").name, O_RDONLY | O_DIRECTORY);
}

static int write_all(int fd, const char *text)
{
	size_t length = strlen(text);

	while (length) {
		ssize_t put = write(fd, text, length);

		if (put < 0 && errno != EINTR)
			return -errno;
		if (put > 0) {
			text += put;
			length -= (size_t)put;
		}
	}
	return fsync(fd) ? -errno : 0;
}

/* Mode and owner of the file that is replaced. */
static int dress(int fd, int folder, const char *name)
{
	struct stat stat;

	if (fstatat(folder, name, &stat, 0))
		return errno != ENOENT || fchmod(fd, 0644) ? -errno : 0;
	return fchown(fd, stat.st_uid, stat.st_gid) || fchmod(fd, stat.st_mode & 07777) ? -errno : 0;
}

static int write_new(int folder, const char *name, const char *new, const char *text)
{
	_cleanup_fd_ int fd = openat(folder, new, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW |
				     O_CLOEXEC, 0600);
	int error = fd < 0 ? -errno : dress(fd, folder, name);

	return error ? error : write_all(fd, text);
}

/* Of two names of one file rename() takes none away. */
static int keep_previous(int folder, const char *name)
{
	struct iov_path kept = iov_path("%s~", name), between = iov_path("%s~.new", name);

	unlinkat(folder, between.name, 0);
	if (linkat(folder, name, folder, between.name, 0))
		return errno == ENOENT ? 0 : -errno;
	if (renameat(folder, between.name, folder, kept.name))
		return -errno;
	unlinkat(folder, between.name, 0);
	return 0;
}

static int replace(int folder, const char *name, const char *text, bool keep)
{
	struct iov_path new = iov_path("%s.new", name);
	int error = text ? write_new(folder, name, new.name, text) : 0;

	if (!error && keep)
		error = keep_previous(folder, name);
	if (!error && (text ? renameat(folder, new.name, folder, name) : unlinkat(folder, name, 0)))
		error = -errno;
	if (error)
		unlinkat(folder, new.name, 0);
	else if (fsync(folder))
		error = -errno;
	return error;
}

int sys_replace(struct iov *iov, const char *path, const char *text, bool keep)
{
	struct iov_path resolved;
	const char *name;
	int error = resolve(iov, path, &resolved), folder;

	if (error)
		return error;
	sys_make_folders(iov, resolved.name);
	folder = open_folder(iov, &resolved, &name);
	if (folder < 0)
		return folder;
	error = replace(folder, name, text, keep);
	close(folder);
	return error;
}
