/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a guest of our own is made of, and where that is on a host. */
#ifndef IOV_CLI_GUEST_FILES_H
#define IOV_CLI_GUEST_FILES_H

#include <limits.h>

#include "cli/cli.h"

/**
 * struct guest_files - files of a guest
 * @kernel: image of a kernel
 * @probe: the program in the guest
 * @shell: a static busybox; "" for none
 */
struct guest_files {
	char kernel[PATH_MAX];
	char probe[PATH_MAX];
	char shell[PATH_MAX];
};

/**
 * guest_files_find - find them
 * @cli: the run
 * @kernel: image that was named; NULL for that of the running kernel
 * @modules: directory that was named; NULL for those of the running kernel
 * @files: receives paths
 *
 * Return: 0, or -ENOENT with a message that says where it was looked.
 */
int guest_files_find(struct cli *cli, const char *kernel, const char *modules,
		     struct guest_files *files);

/* The modalias of a function, for the caller to free; NULL for none. */
char *guest_files_alias(struct cli *cli, struct iov_bdf bdf);

#endif
