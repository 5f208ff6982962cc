// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* Longer than any I/O of a test takes on a slow machine. */
#define PATIENCE_MS 20000

int disk_open(struct disk *disk, const char *kind, const struct blk_source *source)
{
	int error;

	*disk = (struct disk){0};
	assert_return_code(iov_open(&disk->iov, NULL), 0);
	error = blk_backend_find(kind)->open(&disk->backend, disk->iov, source);
	if (error) {
		disk->backend = NULL;
		return error;
	}
	assert_return_code(disk->backend->ops->describe(disk->backend, &disk->geometry), 0);
	return 0;
}

void disk_use(struct disk *disk, struct blk_uring *uring)
{
	disk->has_own_ring = !uring;
	disk->uring = uring;
	if (!uring && blk_uring_open(&disk->uring, disk->iov))
		fail_msg("%s", iov_error_message(disk->iov));
	assert_return_code(disk->backend->ops->channel_open(&disk->channel, disk->backend,
							    disk->uring), 0);
}

void disk_start(struct disk *disk, const char *kind, const struct blk_source *source)
{
	if (disk_open(disk, kind, source))
		fail_msg("%s", iov_error_message(disk->iov));
	disk_use(disk, NULL);
}

void disk_leave(struct disk *disk)
{
	assert_int_equal(disk->under_way, 0);
	disk->backend->ops->channel_close(disk->channel);
	disk->channel = NULL;
	if (disk->has_own_ring)
		blk_uring_close(disk->uring);
	disk->uring = NULL;
}

void disk_close(struct disk *disk)
{
	if (disk->channel)
		disk_leave(disk);
	if (disk->backend)
		disk->backend->ops->close(disk->backend);
	iov_close(disk->iov);
}

static void done(struct blk_io *base, int error)
{
	struct disk_io *io = (struct disk_io *)base;

	io->error = error;
	io->done++;
	io->disk->under_way--;
}

void disk_submit(struct disk *disk, struct disk_io *io)
{
	io->disk = disk;
	io->done = 0;
	io->error = 1;
	io->io.done = done;
	if (!io->io.vector && (io->io.op == BLK_READ || io->io.op == BLK_WRITE)) {
		io->io.vector = &io->part;
		io->io.count = 1;
	}
	disk->under_way++;
	disk->channel->backend->ops->submit(disk->channel, &io->io);
}

/* As a worker: the descriptors are watched for their edges, and asked nothing. */
static int watch(const struct disk *disk)
{
	const struct blk_backend_ops *ops = disk->backend->ops;
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int fd = epoll_create1(EPOLL_CLOEXEC);

	assert_return_code(fd, errno);
	assert_return_code(epoll_ctl(fd, EPOLL_CTL_ADD, blk_uring_fd(disk->uring), &event), errno);
	if (ops->fd)
		assert_return_code(epoll_ctl(fd, EPOLL_CTL_ADD, ops->fd(disk->channel), &event),
				   errno);
	return fd;
}

unsigned int disk_poll(struct disk *disk)
{
	const struct blk_backend_ops *ops = disk->backend->ops;
	unsigned int count = blk_uring_poll(disk->uring);

	return ops->poll ? count + ops->poll(disk->channel) : count;
}

unsigned int disk_wait(struct disk *disk, unsigned int most)
{
	unsigned int sleeps = 0;
	int fd = -1;

	while (disk->under_way > most) {
		struct epoll_event event;
		int count;

		if (disk_poll(disk))
			continue;
		if (fd < 0)
			fd = watch(disk);
		sleeps++;
		do
			count = epoll_wait(fd, &event, 1, PATIENCE_MS);
		while (count < 0 && errno == EINTR);
		if (count != 1)
			fail_msg("nobody woke us for %u I/Os", disk->under_way);
	}
	if (fd >= 0)
		close(fd);
	return sleeps;
}

int disk_do(struct disk *disk, struct disk_io *io)
{
	disk_submit(disk, io);
	disk_wait(disk, 0);
	assert_int_equal(io->done, 1);
	return io->error;
}

static int transfer(struct disk *disk, enum blk_op op, uint64_t offset, void *bytes, size_t length)
{
	struct disk_io io = {
		.io = { .op = op, .offset = offset, .length = length },
		.part = { bytes, length },
	};

	return disk_do(disk, &io);
}

int disk_read(struct disk *disk, uint64_t offset, void *bytes, size_t length)
{
	return transfer(disk, BLK_READ, offset, bytes, length);
}

int disk_write(struct disk *disk, uint64_t offset, const void *bytes, size_t length)
{
	return transfer(disk, BLK_WRITE, offset, (void *)(uintptr_t)bytes, length);
}

static char directory[] = "/var/tmp/iov-disk-XXXXXX";

static void remove_directory(void)
{
	rmdir(directory);
}

const char *disk_directory(void)
{
	static bool is_made;

	if (!is_made) {
		assert_non_null(mkdtemp(directory));
		atexit(remove_directory);
		is_made = true;
	}
	return directory;
}

char *disk_file(const char *where, uint64_t bytes)
{
	char *path;
	int fd;

	assert_return_code(asprintf(&path, "%s/disk-XXXXXX", where), errno);
	fd = mkstemp(path);
	assert_return_code(fd, errno);
	assert_return_code(ftruncate(fd, (off_t)bytes), errno);
	close(fd);
	return path;
}
