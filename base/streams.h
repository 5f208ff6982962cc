/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Standard streams of a program that was started without some of them. */
#ifndef IOV_BASE_STREAMS_H
#define IOV_BASE_STREAMS_H

#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

/*
 * Those that are closed lead to /dev/null from now on.  Otherwise files that are opened later
 * get their numbers: what is printed goes there, and a child that closes its streams closes
 * them.  False when that cannot be had.
 */
static inline bool streams_open(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

#endif
