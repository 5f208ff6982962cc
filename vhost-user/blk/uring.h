/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The io_uring of a worker: all files of all its disks by one ring.
 *
 * io_uring carries out what a filter of system calls does not see, so the ring can do nothing
 * but what disks need, on files that were registered: it is made, with these restrictions,
 * before the filter is, which then allows no other one (IORING_REGISTER_RESTRICTIONS).
 *
 * Threads: opened and closed by the control thread; all else by the worker.
 */
#ifndef VHOST_USER_BLK_URING_H
#define VHOST_USER_BLK_URING_H

#include "base/iov.h"
#include "vhost-user/blk/backend.h"

struct blk_uring;

/**
 * blk_uring_open - make a ring that a worker can begin to use
 * @out: receives it; the caller closes it with blk_uring_close()
 * @iov: context
 *
 * Return: 0, or -errno with a message, such as where the host forbids io_uring.
 */
int blk_uring_open(struct blk_uring **out, struct iov *iov);

/**
 * blk_uring_close - end that
 * @uring: without I/O under way, whose worker has ended; NULL is allowed
 */
void blk_uring_close(struct blk_uring *uring);

/**
 * blk_uring_fd - an eventfd that is written when blk_uring_poll() gets something to do
 * @uring: ring
 *
 * To be watched for its edges (EPOLLET); nobody reads it.
 */
int blk_uring_fd(const struct blk_uring *uring);

/**
 * blk_uring_poll - give the kernel what was submitted, and take what is done
 * @uring: ring
 *
 * One system call at most, and none when nothing is under way; one more while a device is polled.
 *
 * Return: how much was done, or is left for the next pass; after 0 who sleeps is woken.
 */
unsigned int blk_uring_poll(struct blk_uring *uring);

#endif
