/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The workers: the threads that carry what guests send and ask for.
 *
 * Theory of operation.  Each worker has a list of pollables, see pollable.h, and goes round it
 * while there is something to do.  When nothing came for a while it has them ask for wake-ups
 * and sleeps until one comes, or until a fraction of a millisecond is over when something
 * must be polled (uplinks, rings without a kick descriptor).
 *
 * A pollable, or what one finds in shared memory (a view, a ring, guest memory), goes away
 * only after it was taken out of the worker's sight and workers_synchronize() returned: that
 * waits until each worker went through a quiescent state, or sleeps, in which it holds no
 * reference to anything (user-space RCU, DPDK's rte_rcu_qsbr).
 */
#ifndef VHOST_USER_PORT_WORKER_H
#define VHOST_USER_PORT_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/iov.h"
#include "vhost-user/pollable.h"

struct workers;

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
 * workers_start - start a worker on each of some CPUs, with nothing to poll
 * @out: receives them; the caller stops them with workers_stop()
 * @iov: context of the control thread
 * @cpus: where eal_start() made lcores for them
 * @count: how many
 * @poll: what they do when nothing comes
 *
 * Return: 0, -ENOMEM or -errno with a message.
 */
int workers_start(struct workers **out, struct iov *iov, const unsigned int *cpus,
		  unsigned int count, enum worker_poll poll);

/**
 * workers_stop - end the threads
 * @workers: NULL is allowed; they poll nothing any more
 */
void workers_stop(struct workers *workers);

/**
 * workers_count - how many there are
 * @workers: workers
 */
unsigned int workers_count(const struct workers *workers);

/**
 * workers_add - let a worker poll something
 * @workers: workers
 * @index: which of them
 * @pollable: first in its list from now on; stays the caller's
 */
void workers_add(struct workers *workers, unsigned int index, struct pollable *pollable);

/**
 * workers_remove - the end of that
 * @workers: workers
 * @index: as it was added
 * @pollable: is not touched any more when this returns
 */
void workers_remove(struct workers *workers, unsigned int index, struct pollable *pollable);

/**
 * workers_synchronize - let the workers begin anew
 * @workers: workers, which are woken
 *
 * Returns when they use nothing any more that they found in a pass before, and go through
 * all rings once more.
 */
void workers_synchronize(struct workers *workers);

/**
 * workers_wake - end the workers' sleep
 * @workers: workers
 */
void workers_wake(struct workers *workers);

/**
 * worker_wake - end the sleep of one
 * @workers: workers
 * @index: which; nothing happens for WORKER_NONE
 */
void worker_wake(struct workers *workers, unsigned int index);

/**
 * worker_watch - let a descriptor wake a worker
 * @workers: workers
 * @index: which
 * @fd: of kicks or completions, say; stays the caller's
 *
 * Return: false when this descriptor cannot wake anyone and must be polled.
 */
bool worker_watch(struct workers *workers, unsigned int index, int fd);

/**
 * worker_unwatch - forget a descriptor, before it is closed
 * @workers: workers
 * @index: as for worker_watch()
 * @fd: as given there
 */
void worker_unwatch(struct workers *workers, unsigned int index, int fd);

/**
 * workers_attention_fd - readable when a ring broke
 * @workers: workers
 *
 * Return: a non-blocking eventfd that stays the workers'.
 */
int workers_attention_fd(const struct workers *workers);

/**
 * struct worker_stats - what a worker did
 * @cpu: where it runs
 * @passes: passes over all that it polls
 * @busy: passes that found something
 * @sleeps: times it slept
 * @busy_ns: nanoseconds in passes that found something
 * @longest_ns: longest time from one pass to the next without a sleep: how long something waited
 *	that came meanwhile
 * @recent_ns: the longest of the last 10 to 20 seconds
 * @poll: what it does when nothing comes
 */
struct worker_stats {
	unsigned int cpu;
	uint64_t passes;
	uint64_t busy;
	uint64_t sleeps;
	uint64_t busy_ns;
	uint64_t longest_ns;
	uint64_t recent_ns;
	enum worker_poll poll;
};

/**
 * worker_stats - counters
 * @workers: workers
 * @index: which
 *
 * Return: a copy.
 */
struct worker_stats worker_stats(const struct workers *workers, unsigned int index);

#endif
