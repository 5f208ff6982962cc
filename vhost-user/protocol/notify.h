/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing to eventfds that a front end holds as well.
 *
 * Theory of operation.  write() waits while the counter is full, unless the file has
 * O_NONBLOCK; but that flag belongs to the open file, so the front end that gave
 * it can clear it at any moment, fill the counter, and hold whoever writes.
 * When the kernel itself signals an eventfd it never waits: a full counter
 * stays full.  So we let it: a read of no bytes is submitted to Linux AIO with the
 * eventfd as what its completion signals.
 *
 * Threads: any, at the same time.
 */
#ifndef VHOST_USER_PROTOCOL_NOTIFY_H
#define VHOST_USER_PROTOCOL_NOTIFY_H

/**
 * notify_eventfd - add one to an eventfd, without ever waiting
 * @fd: eventfd
 *
 * On a kernel that has no AIO context to give (fs.aio-max-nr) this is a write(), with
 * which a hostile front end can hold the thread.
 *
 * Return: 0, also when the counter is full; -EINVAL when @fd is something else; or
 * -errno.
 */
int notify_eventfd(int fd);

#endif
