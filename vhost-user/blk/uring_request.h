/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a back end asks the ring of its worker for; all of it is the worker's.
 */
#ifndef VHOST_USER_BLK_URING_REQUEST_H
#define VHOST_USER_BLK_URING_REQUEST_H

#include <liburing.h>

#include "vhost-user/blk/uring.h"

/**
 * struct uring_request - part of whatever waits for the kernel
 * @next: the ring's
 * @sqe: what is asked for; its fd is a slot of uring_add_file()
 * @is_polled: a read or write whose device is polled, where uring_can_poll() says so
 * @done: called from within blk_uring_poll(); @result: what the system call would give, 0 or
 *	more, or -errno
 */
struct uring_request {
	struct uring_request *next;
	struct io_uring_sqe sqe;
	bool is_polled;
	void (*done)(struct uring_request *request, int result);
};

/**
 * uring_add_file - register a file
 * @uring: ring, which from now on is that of the calling thread
 * @fd: the file, which is kept open until uring_remove_file(), with what locks it has
 *
 * Return: its slot, or -errno: -ENFILE when all are taken.
 */
int uring_add_file(struct blk_uring *uring, int fd);

/**
 * uring_remove_file - the end of that
 * @uring: ring
 * @slot: of uring_add_file(), with nothing under way
 */
void uring_remove_file(struct blk_uring *uring, int slot);

/**
 * uring_add_memory - register memory for IORING_OP_READ_FIXED and IORING_OP_WRITE_FIXED
 * @uring: ring to which a file was added
 * @is_polled: for requests whose device is polled, and for others otherwise
 * @memory: whole pages, which are pinned from now on
 * @bytes: up to 1 GiB of them
 *
 * Return: its slot; -EOPNOTSUPP when the kernel has none; -ENOSPC when all are taken; -ENOMEM beyond
 * the limit on locked memory; -EFAULT or -EOPNOTSUPP for memory that cannot be pinned for long.
 */
int uring_add_memory(struct blk_uring *uring, bool is_polled, void *memory, size_t bytes);

/**
 * uring_remove_memory - the end of that
 * @uring: ring
 * @is_polled: as it was added
 * @slot: of uring_add_memory(), with nothing under way
 */
void uring_remove_memory(struct blk_uring *uring, bool is_polled, int slot);

/**
 * uring_can_poll - whether devices can be polled for what they have done
 * @uring: ring
 */
bool uring_can_poll(const struct blk_uring *uring);

/**
 * uring_ask - take a note of a request for the next blk_uring_poll()
 * @uring: ring
 * @request: stays the caller's, and is left alone until @done; any number of them
 */
void uring_ask(struct blk_uring *uring, struct uring_request *request);

#endif
