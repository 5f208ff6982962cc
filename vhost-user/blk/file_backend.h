/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file or block device as a disk: what the control thread and the workers know of it. */
#ifndef VHOST_USER_BLK_FILE_BACKEND_H
#define VHOST_USER_BLK_FILE_BACKEND_H

#include <sys/types.h>

#include "vhost-user/blk/backend.h"

struct file_memory;
struct file_zoned;

/**
 * enum clearing - ways to be rid of what is in a range, the best first
 * @CLEAR_DISCARD: have the device forget it; what is read then is anything
 * @CLEAR_PUNCH: give the space back; what is read then is zeroes
 * @CLEAR_ZERO: have the file system or the device make it zeroes
 * @CLEAR_WRITE: write zeroes
 */
enum clearing {
	CLEAR_DISCARD,
	CLEAR_PUNCH,
	CLEAR_ZERO,
	CLEAR_WRITE,
	CLEAR_WAYS
};

/**
 * struct file_backend - the disk
 * @iov: context that it was opened from
 * @path: as it was named
 * @fd: the file
 * @unlock_fd: errno of a flush that failed when it was unlocked, see backend.h
 * @number: of the device, or of that which the file is on
 * @node_device: on which the file or the node of the device is, by stat()
 * @node_inode: its inode there
 * @is_device: it is a block device
 * @is_in_memory: what it has needs no disk
 * @had_name: it is a file that had a name when it was opened
 * @is_direct: there is no page cache between
 * @is_polled: its device is polled for what is done, in place of interrupts
 * @is_claimed: it is a device that nobody else can have
 * @is_shared: another host may have written to it since it was read here
 * @read_only: it is not written to
 * @lacks: ways to clear that it does not have for all we know; a channel learns more
 * @block: bytes of what can be read or written at once
 * @memory_mask: bits that an address must not have, without the page cache
 * @zoned: its zones; NULL when it has none
 * @memory: guest memory to register; NULL when none is
 *
 * Nothing that workers look at changes after it was opened.
 */
struct file_backend {
	struct blk_backend backend;
	struct iov *iov;
	char *path;
	int fd;
	int unlock_fd;
	dev_t number;
	dev_t node_device;
	ino_t node_inode;
	bool is_device;
	bool is_in_memory;
	bool had_name;
	bool is_direct;
	bool is_polled;
	bool is_claimed;
	bool is_shared;
	bool read_only;
	bool lacks[CLEAR_WAYS];
	uint32_t block;
	uint32_t memory_mask;
	struct file_zoned *zoned;
	struct file_memory *memory;
};

/* What the kinds with and without zones have of the control thread's operations. */
int file_open(struct blk_backend **out, struct iov *iov, const struct blk_source *source);
int file_lock(struct blk_backend *backend);
int file_describe(struct blk_backend *backend, struct blk_geometry *geometry);
int file_check_size(struct blk_backend *backend, struct iov *iov, uint64_t bytes);
int file_resize(struct blk_backend *backend, struct iov *iov, uint64_t bytes);
void file_close(struct blk_backend *backend);

/* How worn a device is; false when it does not say. */
bool file_lifetime(struct iov *iov, dev_t number, struct blk_lifetime *lifetime);

/* An attribute of a device's queue, which a partition has from its disk: 0 or -errno. */
int file_queue_read(const struct file_backend *file, const char *name, char *text, size_t size);

/* One that is a number; 0 when it is not told. */
uint64_t file_queue_number(const struct file_backend *file, const char *name);

/* Bytes of it, 0 when it is not told. */
uint64_t file_size(const struct file_backend *file);

/* The kind's operations of workers and, in file_holder.c, who has the lock. */
int file_channel_open(struct blk_channel **out, struct blk_backend *backend,
		      struct blk_uring *uring);
void file_channel_close(struct blk_channel *channel);
void file_submit(struct blk_channel *channel, struct blk_io *io);
char *file_holder(struct blk_backend *backend, bool *is_seen);

/* Read or write by system calls, before it returns; 0 or -errno.  In file_at_once.c. */
int file_transfer_at_once(const struct file_backend *file, struct blk_io *io);

/*
 * Have its device polled for what is done: 0, or -EINVAL with a message where that cannot be.  In
 * file_polling.c.
 */
int file_choose_polling(struct file_backend *file);

/* The whole of it. */
static inline struct file_backend *file_of(struct blk_backend *backend)
{
	return (struct file_backend *)backend;
}

#endif
