/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file of a file system in user space (FUSE) whose server answers until it is open, and no more. */
#ifndef IOV_TESTS_UNANSWERING_H
#define IOV_TESTS_UNANSWERING_H

#include <stdint.h>
#include <sys/types.h>

struct unanswering {
	int fd;			/* open for reading and writing */
	pid_t server;
};

/* A file of @size bytes; NULL, or what this machine lacks. */
const char *unanswering_open(struct unanswering *file, const char *directory, uint64_t size);

/* The end of the server, so that whoever waits for it goes on. */
void unanswering_close(struct unanswering *file);

#endif
