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
 * @done: called from within blk_uring_poll(); @result: what the system call would give, 0 or
 *	more, or -errno
 */
struct uring_request {
	struct uring_request *next;
	struct io_uring_sqe sqe;
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
 * uring_ask - take a note of a request for the next blk_uring_poll()
 * @uring: ring
 * @request: stays the caller's, and is left alone until @done; any number of them
 */
void uring_ask(struct blk_uring *uring, struct uring_request *request);

#endif
