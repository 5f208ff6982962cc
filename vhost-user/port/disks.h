/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What workers poll of disks: a poller for each, with an io_uring where the host has that.
 *
 * Threads: the control thread.
 */
#ifndef VHOST_USER_PORT_DISKS_H
#define VHOST_USER_PORT_DISKS_H

#include <stdbool.h>
#include <sys/queue.h>

#include "base/iov.h"
#include "vhost-user/blk/poller.h"
#include "vhost-user/port/worker.h"

struct disk_port;
struct registry;

TAILQ_HEAD(disk_list, disk_port);

/**
 * struct disks - the pollers
 * @workers: whose they are
 * @count: how many
 * @why_no_uring: why there is none; NULL when there is
 * @list: disks that have an open back end, whose rings may be polled
 * @urings: one for each worker
 * @pollers: one for each worker
 */
struct disks {
	struct workers *workers;
	unsigned int count;
	char *why_no_uring;
	struct disk_list list;
	struct blk_uring *urings[WORKERS_MAX];
	struct blk_poller *pollers[WORKERS_MAX];
};

/**
 * disks_open - make them, without disks
 * @out: receives them; the caller closes them with disks_close()
 * @iov: context of the control thread
 * @workers: workers, which poll them from now on
 *
 * Before the filter of system calls, which lets nobody make another io_uring.
 *
 * Return: 0 or -ENOMEM.
 */
int disks_open(struct disks **out, struct iov *iov, struct workers *workers);

/**
 * disks_leave - end of what the workers poll
 * @disks: without disks; NULL is allowed
 *
 * While the workers run.
 */
void disks_leave(struct disks *disks);

/**
 * disks_close - free them
 * @disks: after disks_leave(), when the workers have ended; NULL is allowed
 */
void disks_close(struct disks *disks);

/**
 * disks_publish - let a worker poll the rings that disks have given to it
 * @registry: registry
 * @worker: number of the worker; nothing happens for WORKER_NONE
 *
 * It does not touch any other ring when this returns.
 */
void disks_publish(struct registry *registry, unsigned int worker);

/**
 * disks_forget - have no worker use a disk any more
 * @registry: registry
 * @disk: disk without rings
 */
void disks_forget(struct registry *registry, struct blk_disk *disk);

#endif
