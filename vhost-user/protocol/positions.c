// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/protocol/positions.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "vhost-user/memory/memory_fault.h"

#define PORTS 256
#define NAME_SIZE 64

/* "iovring" and the version of all that follows. */
#define MAGIC UINT64_C(0x02676e69726f7669)

static_assert(sizeof(struct position) == VIRTQ_CACHE_LINE, "format of the file");

/* Most of it is never touched, and takes no memory. */
struct file {
	uint64_t magic;
	uint64_t reserved[7];
	char names[PORTS][NAME_SIZE];
	struct position rings[PORTS][POSITIONS_RINGS];
};

struct positions {
	struct file *file;
	int watch;
	int fd;
};

static int map(struct positions *positions, const char *path)
{
	struct stat status;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	positions->fd = fd;
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) || fstat(fd, &status))
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	/* Of another size it is of another version; what grows is zero. */
	if (status.st_size != sizeof(struct file) &&
	    (ftruncate(fd, 0) || ftruncate(fd, sizeof(struct file))))
		return -errno;
	positions->file = mmap(NULL, sizeof(struct file), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (positions->file == MAP_FAILED)
		return -errno;
	/* A full tmpfs has no page for a store: then there is no file, but a worker. */
	positions->watch = memory_fault_watch(positions->file, sizeof(struct file));
	return positions->watch < 0 ? positions->watch : 0;
}

int positions_open(struct positions **out, struct iov *iov, const char *path)
{
	struct positions *positions = calloc(1, sizeof(*positions));
	int error;

	if (!positions)
		return -ENOMEM;
	positions->file = MAP_FAILED;
	positions->watch = -1;
	error = map(positions, path);
	if (error) {
		positions_close(positions);
		return iov_told(iov, error, "%s: %s", path,
				error == -EBUSY ? "another iovd has it" : strerror(-error));
	}
	if (positions->file->magic != MAGIC) {
		memset(positions->file->names, 0, sizeof(positions->file->names));
		positions->file->magic = MAGIC;
	}
	*out = positions;
	return 0;
}

void positions_close(struct positions *positions)
{
	if (!positions)
		return;
	if (positions->file != MAP_FAILED) {
		if (positions->watch >= 0)
			memory_fault_unwatch(positions->watch);
		munmap(positions->file, sizeof(struct file));
	}
	if (positions->fd >= 0)
		close(positions->fd);
	free(positions);
}

static int find(const struct file *file, const char *port)
{
	for (int i = 0; i < PORTS; i++)
		if (!strncmp(file->names[i], port, NAME_SIZE))
			return i;
	return -1;
}

struct position *positions_of(struct positions *positions, const char *port)
{
	struct file *file = positions ? positions->file : NULL;
	int at = file ? find(file, port) : -1;

	if (!file || strlen(port) >= NAME_SIZE)
		return NULL;
	if (at < 0)
		at = find(file, "");
	if (at < 0)
		return NULL;
	if (!*file->names[at]) {
		/* Rings of a name are those of this port from the moment it has the name. */
		memset(file->rings[at], 0, sizeof(file->rings[at]));
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
		strcpy(file->names[at], port);
	}
	return file->rings[at];
}

void positions_forget(struct positions *positions, const char *port)
{
	int at = positions ? find(positions->file, port) : -1;

	if (at >= 0)
		memset(positions->file->names[at], 0, NAME_SIZE);
}
