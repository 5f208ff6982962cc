// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whether the device of a file can be polled for what it has done.
 *
 * Nobody polls where it was not asked for, since Linux has traps there: 6.12 breaks when it polls for a write
 * that waits for its zone, and a process that is killed with something under way on a volume that is
 * polled was not seen to end, so that its lock stays.  Both are refused.
 */
#include <errno.h>
#include <sys/sysmacros.h>

#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "vhost-user/blk/file_backend.h"

static bool has_slaves(const struct file_backend *file, const char *of)
{
	char **names;
	size_t count;

	if (iov_sys_list(file->iov, iov_path(IOV_PATH_DEV_BLOCK "/%u:%u/%sslaves", major(file->number),
					     minor(file->number), of).name, &names, &count))
		return false;
	iov_names_free(names, count);
	return count;
}

/* Device mapper and others hand on to devices of their own; also from a partition. */
static bool is_stacked(const struct file_backend *file)
{
	return has_slaves(file, "") || has_slaves(file, "../");
}

int file_choose_polling(struct file_backend *file)
{
	struct iov *iov = file->iov;

	if (file->zoned)
		return iov_fail(iov, -EINVAL, "%s: has zones, and Linux cannot poll for what waits for its "
				"zone; leave --io-poll out", file->path);
	if (!file->is_direct)
		return iov_fail(iov, -EINVAL, "%s: goes by the page cache, expected a device or a file that "
				"goes around it to be polled; leave --io-poll out, or --cached", file->path);
	if (is_stacked(file))
		return iov_fail(iov, -EINVAL, "%s: is on a volume, which hands on to other devices, expected "
				"one of those to be polled; leave --io-poll out", file->path);
	if (!file_queue_number(file, "io_poll"))
		return iov_fail(iov, -EINVAL, "%s: its device has no queues that are polled (queue/io_poll is "
				"0); give its driver some, as nvme.poll_queues=N does at boot, or leave "
				"--io-poll out", file->path);
	file->is_polled = true;
	return 0;
}
