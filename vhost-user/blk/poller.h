/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The disks of a worker: one pollable for all the rings that it has.
 *
 * Theory of operation.  In a pass all rings are taken from and what they had is submitted; then
 * the worker's io_uring is given it with one system call and says what is done, as do other
 * back ends; then all of that goes back to the drivers.  A ring comes and goes as views do in
 * the network: the list of them is exchanged, and the control thread waits for the worker
 * to begin anew before it touches what is in it no more.
 */
#ifndef VHOST_USER_BLK_POLLER_H
#define VHOST_USER_BLK_POLLER_H

#include "vhost-user/blk/disk.h"
#include "vhost-user/blk/queue.h"
#include "vhost-user/blk/uring.h"
#include "vhost-user/pollable.h"

struct blk_poller;

/**
 * struct blk_polled - a ring of a poller
 * @queue: what it does
 * @load: what it costs is counted there
 * @must_poll: its kick cannot wake the worker
 */
struct blk_polled {
	struct blk_queue *queue;
	struct ring_load *load;
	bool must_poll;
};

/**
 * struct blk_list - the rings of a poller
 * @count: length of @queues
 * @queues: they
 */
struct blk_list {
	unsigned int count;
	struct blk_polled queues[];
};

/**
 * blk_poller_open - a worker without disks
 * @out: receives it; the caller closes it with blk_poller_close()
 * @worker: number of the worker
 * @uring: its ring, which outlives the poller; NULL where there is none
 * @second: cycles of the time stamp counter in a second
 * @attention_fd: eventfd to write when a session has to be attended
 *
 * Return: 0 or -errno.
 */
int blk_poller_open(struct blk_poller **out, unsigned int worker, struct blk_uring *uring,
		    uint64_t second, int attention_fd);

/**
 * blk_poller_close - free it
 * @poller: is polled by nobody and has no list; NULL is allowed
 */
void blk_poller_close(struct blk_poller *poller);

/**
 * blk_poller_pollable - what a worker polls
 * @poller: poller
 */
struct pollable *blk_poller_pollable(struct blk_poller *poller);

/**
 * blk_poller_fd - what wakes the worker when a back end has something to do
 * @poller: poller
 *
 * To be watched for its edges (EPOLLET); nobody reads it.
 */
int blk_poller_fd(const struct blk_poller *poller);

/**
 * blk_poller_exchange - have it poll other rings
 * @poller: poller
 * @list: they; becomes the poller's; NULL for none
 *
 * On the control thread.
 *
 * Return: those before, which are in use until the worker began anew; the caller frees it.
 */
struct blk_list *blk_poller_exchange(struct blk_poller *poller, struct blk_list *list);

/**
 * blk_poller_leave - have the worker close its channel to a disk
 * @poller: poller, of whose list no ring is one of the disk's
 * @disk: disk, with nothing under way by this worker
 *
 * On the control thread, which then wakes the worker and waits until blk_poller_has_left().
 */
void blk_poller_leave(struct blk_poller *poller, struct blk_disk *disk);

/**
 * blk_poller_has_left - whether that is done
 * @poller: poller
 */
bool blk_poller_has_left(const struct blk_poller *poller);

#endif
