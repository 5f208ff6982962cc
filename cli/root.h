/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What --root names: a directory, or a file that is a recorded host. */
#ifndef IOV_CLI_ROOT_H
#define IOV_CLI_ROOT_H

#include <stddef.h>
#include <sys/types.h>

/**
 * struct root - the host that is looked at
 * @path: directory that stands for "/", NULL for "/"
 * @unpacked: a record was unpacked there, which root_close() removes
 */
struct root {
	const char *path;
	char unpacked[128];
	int cleaner_pipe;
	pid_t cleaner;
};

/*
 * Find the directory of @name, NULL for the host itself: a record is unpacked into a directory that
 * only its owner sees and that goes when the command ends, however it ends.  0, or -errno with what is
 * wrong in @message; one that is set with 0 is a warning.  Before there are threads.
 */
int root_open(struct root *root, const char *name, char *message, size_t size);

/* After the context that looks at it was closed. */
void root_close(struct root *root);

#endif
