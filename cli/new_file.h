/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that a command writes for people: new ones, there as a whole or not at all. */
#ifndef IOV_CLI_NEW_FILE_H
#define IOV_CLI_NEW_FILE_H

#include <stdio.h>
#include <sys/types.h>

#include "base/iov.h"

/**
 * struct new_file - a file that is being written
 * @path: its name
 * @stream: where its content goes; NULL where it could not be made
 */
struct new_file {
	const char *path;
	FILE *stream;
};

/* Make the folder of a file, as /etc/iovkit, where there is none; new_file_open() tells of a failure. */
void new_file_make_folder(const char *path);

/*
 * Begin a file that is not there yet; what somebody wrote before is not replaced.  The
 * umask takes from @mode what it does.  0, or -errno with a message.
 */
int new_file_open(struct new_file *file, struct iov *iov, const char *path, mode_t mode);

/*
 * End it, on the disk, or remove it again: after @error, which is handed back, or when it could not
 * be written.
 */
int new_file_close(struct new_file *file, struct iov *iov, int error);

#endif
