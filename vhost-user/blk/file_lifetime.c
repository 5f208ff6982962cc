// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How worn a device is, as eMMC devices say it and virtio has it from them: JESD84-B50, "DEVICE LIFE
 * TIME EST" and "PRE EOL INFO".
 */
#include <stdio.h>
#include <sys/sysmacros.h>

#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "vhost-user/blk/file_backend.h"

/* What is above is reserved. */
#define LIFE_TIME_MAX 11
#define PRE_EOL_MAX 3

/* Of a device, or of the disk that a partition is of. */
static int read_attribute(struct iov *iov, dev_t number, const char *name, char *text, size_t size)
{
	static const char *const ways[] = { "", "../" };
	int error = -ENOENT;

	for (unsigned int i = 0; error && i < sizeof(ways) / sizeof(*ways); i++)
		error = iov_sys_read(iov, iov_path(IOV_PATH_DEV_BLOCK "/%u:%u/%sdevice/%s", major(number),
						   minor(number), ways[i], name).name, text, size);
	return error;
}

bool file_lifetime(struct iov *iov, dev_t number, struct blk_lifetime *lifetime)
{
	unsigned int slc, mlc, pre_eol = 0;
	char text[32];

	if (read_attribute(iov, number, "life_time", text, sizeof(text)) ||
	    sscanf(text, "%x %x", &slc, &mlc) != 2)
		return false;
	if (!read_attribute(iov, number, "pre_eol_info", text, sizeof(text)))
		sscanf(text, "%x", &pre_eol);
	lifetime->slc = slc <= LIFE_TIME_MAX ? (uint16_t)slc : 0;
	lifetime->mlc = mlc <= LIFE_TIME_MAX ? (uint16_t)mlc : 0;
	lifetime->pre_eol = pre_eol <= PRE_EOL_MAX ? (uint16_t)pre_eol : 0;
	/* Zeroes say that nothing is known. */
	return lifetime->slc || lifetime->mlc || lifetime->pre_eol;
}
