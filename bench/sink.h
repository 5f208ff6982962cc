/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The thread of a back end that does nothing, for a generator to be measured against. */
#ifndef IOV_BENCH_SINK_H
#define IOV_BENCH_SINK_H

#include <stdbool.h>

#include "base/iov.h"

struct sink;

/**
 * sink_start - a thread that gives back whatever it is given
 * @out: receives it; the caller stops it with sink_stop()
 * @iov: context for messages
 * @pass: looks at all rings once, and gives whether there was anything; called until the end
 * @rings: passed to @pass, and freed by sink_stop(), also after a failure
 * @cpu: where the thread runs; -1 for anywhere
 *
 * Return: 0 or -errno with a message.
 */
int sink_start(struct sink **out, struct iov *iov, bool (*pass)(void *rings), void *rings, int cpu);

/**
 * sink_stop - end the thread
 * @sink: NULL is allowed
 */
void sink_stop(struct sink *sink);

#endif
