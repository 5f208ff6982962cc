/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A back end of a disk and one worker that uses it, in one thread. */
#ifndef IOV_TESTS_DISK_H
#define IOV_TESTS_DISK_H

#include "tests/unit/test.h"
#include "vhost-user/blk/uring.h"

struct disk {
	struct iov *iov;
	struct blk_uring *uring;
	bool has_own_ring;
	struct blk_backend *backend;
	struct blk_geometry geometry;
	struct blk_channel *channel;
	unsigned int under_way;
};

/* An I/O, and what became of it. */
struct disk_io {
	struct blk_io io;
	struct disk *disk;
	struct iovec part;	/* for who needs no more */
	unsigned int done;	/* times */
	int error;
};

/* All but the worker's side; -errno with the message in disk->iov, and then it is closed as well. */
int disk_open(struct disk *disk, const char *kind, const struct blk_source *source);

/* A worker comes, with a ring of its own or, when @uring is not NULL, with that. */
void disk_use(struct disk *disk, struct blk_uring *uring);

/* Both; fails the test where that fails. */
void disk_start(struct disk *disk, const char *kind, const struct blk_source *source);

void disk_close(struct disk *disk);

/* The worker ends, and the rest is as before disk_use(). */
void disk_leave(struct disk *disk);

void disk_submit(struct disk *disk, struct disk_io *io);

/* One pass of the worker; how much was done. */
unsigned int disk_poll(struct disk *disk);

/* Go on until no more than @most are under way; sleeps as a worker does.  How often it did. */
unsigned int disk_wait(struct disk *disk, unsigned int most);

/* One I/O from start to end; 0 or -errno. */
int disk_do(struct disk *disk, struct disk_io *io);
int disk_read(struct disk *disk, uint64_t offset, void *bytes, size_t length);
int disk_write(struct disk *disk, uint64_t offset, const void *bytes, size_t length);

/* A directory of this test on a real file system, and a file of a size there or elsewhere. */
const char *disk_directory(void);
char *disk_file(const char *directory, uint64_t bytes);

#endif
