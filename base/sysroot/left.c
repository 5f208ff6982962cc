// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A note is a file that has the process ID as its name, in a directory of ours below /run, which is empty
 * after a boot as the kernel has no such children then.  It has four lines: when the process started, by
 * which another one of that number is told from it, and how long it was waited for; the question; about
 * what; and the message.
 */
#include "base/sysroot/left.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysdir.h"
#include "base/sysroot/sysroot.h"

/* proc_pid_stat(5): the 22nd field, counted from the one behind the name, which may have any characters. */
#define START_FIELD 20

/* When a process started, in ticks since the boot; 0 for one that is not there. */
static uint64_t start_of(struct iov *iov, pid_t pid)
{
	char text[1024], *at;

	if (iov_sys_read(iov, iov_path(IOV_PATH_PROC "/%d/stat", (int)pid).name, text, sizeof(text)))
		return 0;
	at = strrchr(text, ')');
	for (int i = 0; at && i < START_FIELD; i++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at, NULL, 10) : 0;
}

/* Nobody else may tell us what is not to be asked. */
static bool is_ours(int directory)
{
	struct stat stat;

	return !fstat(directory, &stat) && stat.st_uid == geteuid() && !(stat.st_mode & (S_IWGRP | S_IWOTH));
}

static int open_notes(struct iov *iov, bool make)
{
	int directory;

	if (make) {
		mkdirat(iov_sys_root_fd(iov), IOV_PATH_RUN, 0755);
		mkdirat(iov_sys_root_fd(iov), IOV_PATH_LEFT, 0700);
	}
	directory = iov_sys_open(iov, IOV_PATH_LEFT, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	if (directory >= 0 && !is_ours(directory)) {
		close(directory);
		return -EPERM;
	}
	return directory;
}

void left_note(struct iov *iov, const char *question, const char *name, int64_t waited,
	       const char *message)
{
	_cleanup_fd_ int directory = open_notes(iov, true);
	struct iov_path file = iov_path("%d", (int)iov->stuck), new = iov_path(".%d", (int)iov->stuck);
	int fd;

	if (directory < 0)
		return;
	unlinkat(directory, new.name, 0);
	fd = openat(directory, new.name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	dprintf(fd, "%" PRIu64 " %" PRId64 "\n%s\n%s\n%s\n", start_of(iov, iov->stuck), waited, question, name,
		message);
	close(fd);
	renameat(directory, new.name, directory, file.name);
}

/* A note, and its question and name; false for what is none, or of a child that is gone. */
static bool read_note(struct iov *iov, int directory, const char *file, char *text, size_t size,
		      struct left *left, const char **question, const char **name)
{
	char *rest = text, *first, *message;
	uint64_t start;

	left->pid = (pid_t)strtol(file, NULL, 10);
	if (left->pid <= 0 || iov_dir_read(directory, file, text, size))
		return false;
	first = strsep(&rest, "\n");
	*question = strsep(&rest, "\n");
	*name = strsep(&rest, "\n");
	message = rest;
	if (!message || sscanf(first, "%" SCNu64 " %" SCNd64, &start, &left->waited) != 2)
		return false;
	snprintf(left->message, sizeof(left->message), "%s", message);
	return start && start == start_of(iov, left->pid);
}

bool left_find(struct iov *iov, const char *question, const char *name, int64_t wait, struct left *left)
{
	_cleanup_fd_ int directory = open_notes(iov, false);
	char text[2 * IOV_MESSAGE_SIZE], **files;
	size_t count, gone = 0;
	bool found = false;

	if (directory < 0 || iov_dir_list(directory, ".", &files, &count))
		return false;
	for (size_t i = 0; !found && i < count; i++) {
		const char *asked, *about;

		/* One that is being written */
		if (*files[i] == '.')
			continue;
		if (!read_note(iov, directory, files[i], text, sizeof(text), left, &asked, &about))
			gone += !unlinkat(directory, files[i], 0);
		else
			found = !strcmp(asked, question) && !strcmp(about, name) && left->waited >= wait;
	}
	if (gone == count)
		unlinkat(iov_sys_root_fd(iov), IOV_PATH_LEFT, AT_REMOVEDIR);
	iov_names_free(files, count);
	return found;
}
