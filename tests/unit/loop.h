/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A block device that has a file behind it. */
#ifndef IOV_TESTS_LOOP_H
#define IOV_TESTS_LOOP_H

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The device, which is gone when it and all others are closed, and @name of the caller's; or -1. */
static inline int loop_open(const char *path, char **name)
{
	struct loop_config config = { .info.lo_flags = LO_FLAGS_AUTOCLEAR };
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int number = control < 0 ? -1 : ioctl(control, LOOP_CTL_GET_FREE);
	int fd = -1;

	*name = NULL;
	if (number >= 0 && asprintf(name, "/dev/loop%d", number) > 0)
		fd = open(*name, O_RDWR | O_CLOEXEC);
	config.fd = (uint32_t)open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0 && ioctl(fd, LOOP_CONFIGURE, &config)) {
		close(fd);
		fd = -1;
	}
	if ((int)config.fd >= 0)
		close((int)config.fd);
	if (control >= 0)
		close(control);
	return fd;
}

#endif
