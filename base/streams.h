/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Standard streams of a program that was started without some of them. */
#ifndef IOV_BASE_STREAMS_H
#define IOV_BASE_STREAMS_H

#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

/*
 * Those that are closed lead to /dev/null from now on, or where there is none to what cannot be
 * read or written.  Otherwise files that are opened later get their numbers: what is printed goes
 * there, and a child that closes its streams closes them.  False when that cannot be had.
 */
static inline bool streams_open(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		/* It gets the lowest number that is free. */
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0 && open("/", O_PATH) < 0)
			return false;
	}
	return true;
}

#endif
