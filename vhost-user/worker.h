/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The worker: the thread that forwards.
 *
 * Theory of operation.  The worker polls while there is traffic.  When nothing
 * came for a while it asks the rings for kicks and sleeps until one comes, or
 * until a fraction of a millisecond is over when something must be polled
 * (uplinks, rings without a kick descriptor).
 *
 * The control thread hands it a new view at every change.  A view, a ring or
 * guest memory goes away only after worker_publish() of a view without it: that
 * waits until the worker went through a quiescent state, or sleeps, in which it
 * holds no reference to anything (user-space RCU, DPDK's rte_rcu_qsbr).
 */
#ifndef VHOST_USER_WORKER_H
#define VHOST_USER_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/iov.h"
#include "vhost-user/datapath.h"

struct worker;

/**
 * enum worker_poll - what a worker does when nothing comes
 * @WORKER_ADAPTIVE: polls on for a moment, then sleeps until a kick
 * @WORKER_BUSY: polls for ever: no wake-up delays a frame
 * @WORKER_INTERRUPT: sleeps at once: no cycle is spent in vain
 */
enum worker_poll {
	WORKER_ADAPTIVE,
	WORKER_BUSY,
	WORKER_INTERRUPT,
	WORKER_POLLS,
};

/**
 * worker_poll_name - as users write it
 * @poll: kind
 *
 * Return: "adaptive" and so on.
 */
const char *worker_poll_name(enum worker_poll poll);

/**
 * worker_start - start the worker on its lcore, with an empty view
 * @out: receives it; the caller stops it with worker_stop()
 * @iov: context of the control thread
 * @poll: what it does when nothing comes
 *
 * Return: 0, -ENOMEM or -errno with a message.
 */
int worker_start(struct worker **out, struct iov *iov, enum worker_poll poll);

/**
 * worker_stop - end the thread
 * @worker: NULL is allowed; its view holds no ports any more
 */
void worker_stop(struct worker *worker);

/**
 * worker_publish - give the worker a new view
 * @worker: worker
 * @view: the new view; belongs to the worker
 *
 * Returns when the worker does not look at the old view any more.
 *
 * Return: the old view, for the caller to free.
 */
struct dp_view *worker_publish(struct worker *worker, struct dp_view *view);

/**
 * worker_synchronize - let the worker begin anew
 * @worker: worker, which is woken
 *
 * Returns when it uses nothing any more that it found in a pass before, and goes through
 * all rings once more.
 */
void worker_synchronize(struct worker *worker);

/**
 * worker_wake - end the worker's sleep
 * @worker: worker
 */
void worker_wake(struct worker *worker);

/**
 * worker_watch - let a kick wake the worker
 * @worker: worker
 * @fd: kick descriptor; stays the caller's
 *
 * Return: false when this descriptor cannot wake anyone and must be polled.
 */
bool worker_watch(struct worker *worker, int fd);

/**
 * worker_unwatch - forget a kick descriptor, before it is closed
 * @worker: worker
 * @fd: as given to worker_watch()
 */
void worker_unwatch(struct worker *worker, int fd);

/**
 * worker_attention_fd - readable when a ring broke
 * @worker: worker
 *
 * Return: a non-blocking eventfd that stays the worker's.
 */
int worker_attention_fd(const struct worker *worker);

/**
 * worker_inject - let a frame come from a port
 * @worker: worker
 * @port: identity of the port
 * @bytes: the frame
 * @length: its bytes, at most FRAME_HEAD_MAX
 *
 * Return: 0, or -ENOBUFS when too many are waiting.
 */
int worker_inject(struct worker *worker, uint32_t port, const uint8_t *bytes, uint32_t length);

/**
 * worker_seconds - the clock of MAC tables
 * @worker: worker
 */
uint32_t worker_seconds(const struct worker *worker);

/**
 * struct worker_stats - what the worker did
 * @passes: passes over all ports
 * @busy: passes that found packets
 * @sleeps: times it slept
 * @busy_ns: nanoseconds in passes that found packets
 * @poll: what it does when nothing comes
 */
struct worker_stats {
	uint64_t passes;
	uint64_t busy;
	uint64_t sleeps;
	uint64_t busy_ns;
	enum worker_poll poll;
};

/**
 * worker_stats - counters
 * @worker: worker
 *
 * Return: a copy.
 */
struct worker_stats worker_stats(const struct worker *worker);

#endif
