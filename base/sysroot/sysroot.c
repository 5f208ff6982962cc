// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files of one host below one root.
 *
 * True at all times: a path is resolved by openat2(2) with RESOLVE_IN_ROOT, so
 * neither an absolute link of a recorded tree nor a "..", leaves the root.  Below "/"
 * the older calls resolve alike.  openat(2) is taken in a sandbox that forbids openat2,
 * as udev's is; the others save a descriptor where only a link or a name is asked for.
 */
#include "base/sysroot/sysroot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/context.h"
#include "base/sysroot/sysfd.h"

/* Bytes of directory entries that are asked for at once: some hundred names. */
#define LIST_SIZE 8192

struct iov_path iov_path(const char *format, ...)
{
	struct iov_path path;
	va_list args;

	va_start(args, format);
	vsnprintf(path.name, sizeof(path.name), format, args);
	va_end(args);
	return path;
}

struct iov_path iov_module_name(const char *name)
{
	struct iov_path module = iov_path("%s", name);

	for (char *dash = module.name; (dash = strchr(dash, '-'));)
		*dash = '_';
	return module;
}

/*
 * Who records a tree may put a pipe in place of a file, which only a child waits for, as that has a
 * deadline.
 */
static int without_waiting(const struct iov *iov, int flags)
{
	bool reads = (flags & O_ACCMODE) == O_RDONLY && !(flags & O_PATH);

	return reads && !iov->root_is_own && !iov->as_writer ? flags | O_NONBLOCK : flags;
}

int iov_sys_open(struct iov *iov, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned int)(without_waiting(iov, flags) | O_CLOEXEC),
		.mode = flags & O_CREAT ? 0600 : 0,
		.resolve = RESOLVE_IN_ROOT,
	};
	int fd;

	/* EAGAIN: a rename raced with the resolution, which may be repeated. */
	do {
		fd = (int)syscall(SYS_openat2, iov->root_fd, path, &how, sizeof(how));
	} while (fd < 0 && errno == EAGAIN);
	if (fd < 0 && errno == ENOSYS && iov->root_is_own)
		fd = openat(iov->root_fd, path, (int)how.flags, (mode_t)how.mode);
	return fd < 0 ? -errno : fd;
}

/* Read what fits, until the end of the file. */
static ssize_t read_full(int fd, char *text, size_t size)
{
	size_t length = 0;

	while (length < size) {
		ssize_t got = read(fd, text + length, size - length);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		length += (size_t)got;
	}
	return (ssize_t)length;
}

/* An attribute comes in one piece, so what reads short was read whole. */
int fd_read_text(int fd, char *text, size_t size)
{
	_cleanup_fd_ int file = fd;
	ssize_t length;

	if (file < 0)
		return file;
	do {
		length = read(file, text, size - 1);
	} while (length < 0 && errno == EINTR);
	if (length < 0)
		return -errno;
	while (length && strchr(" \t\n", text[length - 1]))
		length--;
	text[length] = '\0';
	return 0;
}

int iov_sys_read(struct iov *iov, const char *path, char *text, size_t size)
{
	return fd_read_text(iov_sys_open(iov, path, O_RDONLY), text, size);
}

int iov_sys_read_all(struct iov *iov, const char *path, char **text, size_t *length)
{
	_cleanup_fd_ int fd = iov_sys_open(iov, path, O_RDONLY);
	size_t size = 4096, used = 0;
	char *buffer = NULL;

	if (fd < 0)
		return fd;
	for (;;) {
		char *larger = realloc(buffer, size);
		ssize_t got;

		if (!larger) {
			free(buffer);
			return -ENOMEM;
		}
		buffer = larger;
		got = read_full(fd, buffer + used, size - used - 1);
		if (got < 0) {
			free(buffer);
			return (int)got;
		}
		used += (size_t)got;
		if (used < size - 1)
			break;
		size *= 2;
	}
	buffer[used] = '\0';
	*text = buffer;
	if (length)
		*length = used;
	return 0;
}

int text_number(const char *text, int64_t *number)
{
	char *end;

	errno = 0;
	*number = (int64_t)strtoll(text, &end, strncmp(text, "0x", 2) ? 10 : 16);
	return errno || end == text || *end ? -EINVAL : 0;
}

int iov_sys_read_number(struct iov *iov, const char *path, int64_t *number)
{
	char text[64];
	int error = iov_sys_read(iov, path, text, sizeof(text));

	return error ? error : text_number(text, number);
}

int link_at(int dir, const char *name, char *target, size_t size)
{
	ssize_t length = readlinkat(dir, name, target, size);

	if (length < 0)
		return -errno;
	if ((size_t)length == size)
		return -ENAMETOOLONG;
	target[length] = '\0';
	return 0;
}

int iov_sys_link(struct iov *iov, const char *path, char *target, size_t size)
{
	_cleanup_fd_ int fd = -1;
	int error;

	if (iov->root_is_own)
		return link_at(iov->root_fd, path, target, size);
	fd = iov_sys_open(iov, path, O_PATH | O_NOFOLLOW);
	if (fd < 0)
		return fd;
	error = link_at(fd, "", target, size);
	return error == -ENOENT ? -EINVAL : error;
}

int target_name(const char *target, char *name, size_t size)
{
	const char *last = strrchr(target, '/');

	last = last ? last + 1 : target;
	if (strlen(last) >= size)
		return -ENAMETOOLONG;
	strcpy(name, last);
	return 0;
}

int iov_sys_link_name(struct iov *iov, const char *path, char *name, size_t size)
{
	char target[IOV_PATH_MAX];
	int error = iov_sys_link(iov, path, target, sizeof(target));

	return error ? error : target_name(target, name, size);
}

bool iov_sys_exists(struct iov *iov, const char *path)
{
	_cleanup_fd_ int fd = -1;
	struct stat status;

	if (iov->root_is_own)
		return !fstatat(iov->root_fd, path, &status, AT_SYMLINK_NOFOLLOW);
	fd = iov_sys_open(iov, path, O_PATH | O_NOFOLLOW);
	return fd >= 0;
}

static int compare_version(const void *a, const void *b)
{
	return strverscmp(*(char *const *)a, *(char *const *)b);
}

/* Append a copy. */
static int names_append(char ***names, size_t *count, const char *name)
{
	char **larger = array_grow(*names, *count, sizeof(*larger));

	if (!larger)
		return -ENOMEM;
	*names = larger;
	(*names)[*count] = strdup(name);
	if (!(*names)[*count])
		return -ENOMEM;
	++*count;
	return 0;
}

/* One portion of what getdents64(2) tells. */
static int append_entries(char ***names, size_t *count, const char *entries, size_t size)
{
	int error = 0;

	for (size_t at = 0; !error && at < size;) {
		const struct dirent64 *entry = (const void *)(entries + at);

		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			error = names_append(names, count, entry->d_name);
		at += entry->d_reclen;
	}
	return error;
}

/* Lists are many and short: readdir(3) would ask more of its descriptor than it reads from it. */
int fd_list(int fd, char ***names, size_t *count)
{
	_Alignas(struct dirent64) char entries[LIST_SIZE];
	_cleanup_fd_ int directory = fd;
	ssize_t got = 0;
	int error = directory < 0 ? directory : 0;

	*names = NULL;
	*count = 0;
	while (!error && (got = getdents64(directory, entries, sizeof(entries))) > 0)
		error = append_entries(names, count, entries, (size_t)got);
	if (got < 0)
		error = -errno;
	if (error) {
		iov_names_free(*names, *count);
		return error;
	}
	if (*count)
		qsort(*names, *count, sizeof(**names), compare_version);
	return 0;
}

int iov_sys_list(struct iov *iov, const char *path, char ***names, size_t *count)
{
	return fd_list(iov_sys_open(iov, path, O_RDONLY | O_DIRECTORY), names, count);
}

void iov_names_free(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

int iov_sys_root_fd(struct iov *iov)
{
	return iov->root_fd;
}

bool iov_sys_is_host(struct iov *iov)
{
	struct stat root, host;

	if (iov->on_write)
		return false;
	return iov->root_is_own ||
	       (!fstatat(iov->root_fd, "", &root, AT_EMPTY_PATH) && !stat("/", &host) &&
		root.st_dev == host.st_dev && root.st_ino == host.st_ino);
}
