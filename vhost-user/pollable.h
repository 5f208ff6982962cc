/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a worker polls: the network, and whatever else has completions to look for.
 *
 * Theory of operation.  A worker goes round its pollables for ever and lets each do what it
 * finds to do.  Between two rounds it holds nothing: what a pollable found in shared memory
 * (a view, a ring, guest memory) it looks up anew the next time.  When none of them had
 * anything for a while the worker arms them, so that each asks for a wake-up, and sleeps
 * unless one of them has something after all.  It wakes up when a descriptor given to
 * worker_watch() becomes readable, when the first of them is due, or after a fraction of a
 * millisecond when one of them cannot be woken; then it disarms them and goes on.
 *
 * All operations are called by the worker alone.
 */
#ifndef VHOST_USER_POLLABLE_H
#define VHOST_USER_POLLABLE_H

#include <stdint.h>

#include "vhost-user/compiler.h"

/* Most workers; no number of one. */
#define WORKERS_MAX 64
#define WORKER_NONE WORKERS_MAX

struct pollable;

/**
 * enum pollable_rest - whether a worker may sleep, in the order of who has more to say
 * @POLLABLE_IS_WOKEN: it may: something wakes it when there is something to do
 * @POLLABLE_MUST_POLL: for a moment only
 * @POLLABLE_HAS_WORK: it may not
 */
enum pollable_rest {
	POLLABLE_IS_WOKEN,
	POLLABLE_MUST_POLL,
	POLLABLE_HAS_WORK,
};

/**
 * struct pollable_ops - what a worker asks of a pollable
 * @poll: do what there is to do, a bounded amount of it; @now: cycles of the time stamp
 *	counter; how much that was, 0 for nothing
 * @arm: ask to be woken, then look whether there is something already
 * @disarm: that is over; may come without @arm before it
 * @due: nanoseconds until @poll has to be called whatever wakes the worker; UINT64_MAX for
 *	any time
 */
struct pollable_ops {
	unsigned int (*poll)(struct pollable *pollable, uint64_t now);
	enum pollable_rest (*arm)(struct pollable *pollable);
	void (*disarm)(struct pollable *pollable);
	uint64_t (*due)(struct pollable *pollable);
};

/**
 * struct pollable - part of whatever is polled
 * @ops: its operations
 * @next: the worker list's
 */
struct pollable {
	const struct pollable_ops *ops;
	struct pollable *next;
};

/**
 * struct ring_load - what a ring cost the worker that takes from it
 * @cycles: of the time stamp counter, in passes that found something; the worker's
 *
 * Outlives views and rings.  Whatever a ring carries, this compares it with others.
 */
struct ring_load {
	_Alignas(VIRTQ_CACHE_LINE) uint64_t cycles;
};

#endif
