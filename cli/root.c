// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A record is unpacked for as long as a command runs.  Who removes it is a child: it waits for a
 * byte, or for the end of the pipe when the command was killed, and has left the session, so that
 * no signal of a terminal reaches it.
 */
#include "cli/root.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <paths.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sysroot/paths.h"
#include "cli/record.h"

/* Longest name of a folder that a directory is made in. */
#define ROOM 96

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path) ? -errno : 0;
}

static void clean_up(const struct root *root, const int ends[2])
{
	char byte;

	setsid();
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	close(ends[1]);
	/* Whoever reads what the command prints does not wait for this. */
	close(STDOUT_FILENO);
	while (read(ends[0], &byte, 1) < 0 && errno == EINTR)
		;
	nftw(root->unpacked, remove_one, 32, FTW_DEPTH | FTW_PHYS);
	_exit(0);
}

static int start_cleaner(struct root *root)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	root->cleaner = fork();
	if (!root->cleaner)
		clean_up(root, ends);
	close(ends[0]);
	root->cleaner_pipe = ends[1];
	if (root->cleaner > 0)
		return 0;
	close(ends[1]);
	return -EAGAIN;
}

/* Where somebody says, or in memory: a record is small, and has files by the thousand. */
static const char *folder_of_records(void)
{
	static const char memory[] = "/" IOV_PATH_DEV "/shm";
	const char *told = getenv("TMPDIR");

	if (told && *told == '/' && strlen(told) < ROOM)
		return told;
	return access(memory, W_OK | X_OK) ? _PATH_TMP : memory;
}

static int make_directory(struct root *root, char *message, size_t size)
{
	int error;

	snprintf(root->unpacked, sizeof(root->unpacked), "%s/iov-record.XXXXXX", folder_of_records());
	if (mkdtemp(root->unpacked)) {
		error = start_cleaner(root);
		if (!error)
			return 0;
		rmdir(root->unpacked);
	} else {
		error = -errno;
	}
	snprintf(message, size, "no directory to unpack a record into: %s", strerror(-error));
	root->unpacked[0] = '\0';
	return error;
}

/* What a host needs to be looked at at all, and what it may lack */
static const struct {
	const char *path;
	const char *without;
} parts[] = {
	{ IOV_PATH_IOMMU_GROUPS, "IOMMU groups" },
	{ IOV_PATH_PCI_DRIVERS, "drivers" },
	{ IOV_PATH_CLASS_NET, "network interfaces" },
	{ IOV_PATH_PROC_SELF, "mounts, and who uses what" },
};

/* Warn of missing parts, behind an earlier warning. */
static int check_parts(const char *name, int directory, char *message, size_t size)
{
	const char *between = "";
	size_t length = strlen(message);

	if (faccessat(directory, IOV_PATH_PCI_DEVICES, F_OK, 0)) {
		snprintf(message, size, "%s: no record of a host: it has no " IOV_PATH_PCI_DEVICES
			 "; 'iov record' writes one", name);
		return -EINVAL;
	}
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts) && length < size; i++) {
		if (!faccessat(directory, parts[i].path, F_OK, 0))
			continue;
		if (!*between)
			length += (size_t)snprintf(message + length, size - length, "%s%s: the record lacks ",
						   length ? "; " : "", length ? "" : name);
		if (length < size)
			length += (size_t)snprintf(message + length, size - length, "%s%s", between,
						   parts[i].without);
		between = ", ";
	}
	return 0;
}

static int unpack(struct root *root, const char *name, char *message, size_t size)
{
	_cleanup_fd_ int directory = -1;
	int error = make_directory(root, message, size);

	if (error)
		return error;
	directory = open(root->unpacked, O_PATH | O_DIRECTORY | O_CLOEXEC);
	error = directory < 0 ? -errno : record_unpack(name, directory, message, size);
	if (!error)
		error = check_parts(name, directory, message, size);
	root->path = root->unpacked;
	if (error)
		root_close(root);
	return error;
}

int root_open(struct root *root, const char *name, char *message, size_t size)
{
	struct stat status;

	*root = (struct root){ .path = name };
	message[0] = '\0';
	if (!name || stat(name, &status) || !S_ISREG(status.st_mode))
		return 0;
	return unpack(root, name, message, size);
}

void root_close(struct root *root)
{
	if (!root->unpacked[0])
		return;
	if (write(root->cleaner_pipe, "", 1) != 1)
		kill(root->cleaner, SIGKILL);
	close(root->cleaner_pipe);
	waitpid(root->cleaner, NULL, 0);
	root->unpacked[0] = '\0';
}
