// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is in memory already, as files of tmpfs are, takes a copy and nothing to wait for.  A ring
 * would hand that to a thread of the kernel, which costs many times as much as the copy.
 */
#include <errno.h>
#include <limits.h>
#include <sys/uio.h>
#include <unistd.h>

#include "vhost-user/blk/file_backend.h"

/* As much as the kernel takes: whole elements, or the rest of one. */
static ssize_t transfer(int fd, const struct blk_io *io, unsigned int index, size_t skip)
{
	const struct iovec *element = io->vector + index;
	int count = io->count - index < IOV_MAX ? (int)(io->count - index) : IOV_MAX;
	struct iovec rest = { (uint8_t *)element->iov_base + skip, element->iov_len - skip };
	off_t offset = (off_t)(io->offset + io->moved);

	if (skip) {
		element = &rest;
		count = 1;
	}
	return io->op == BLK_READ ? preadv(fd, element, count, offset)
				  : pwritev(fd, element, count, offset);
}

int file_transfer_at_once(const struct file_backend *file, struct blk_io *io)
{
	unsigned int index = 0;
	size_t skip = 0;

	while (io->moved < io->length) {
		ssize_t got = transfer(file->fd, io, index, skip);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -EIO;
		io->moved += (size_t)got;
		skip += (size_t)got;
		while (index < io->count && skip >= io->vector[index].iov_len)
			skip -= io->vector[index++].iov_len;
	}
	return 0;
}
