/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A back end that passes frames on and looks into none. */
#ifndef IOV_BENCH_NET_SINK_H
#define IOV_BENCH_NET_SINK_H

#include "bench/front_end.h"
#include "bench/sink.h"

/**
 * net_sink_start - a thread that gives every buffer back
 * @out: receives it; the caller stops it with sink_stop(), also after a failure
 * @iov: context for messages
 * @front_ends: made by front_end_pretend(); outlive it
 * @count: how many, 1 or even; frames of 0 are for 1 and back, and so on
 * @is_broadcast: all frames are 0's, for all others, and @count is 2 or more
 * @cpu: where the thread runs; -1 for anywhere
 *
 * No byte of a frame is read or written, but for the number of buffers of large ones.
 *
 * Return: 0 or -errno with a message.
 */
int net_sink_start(struct sink **out, struct iov *iov, struct front_end *const *front_ends,
		   unsigned int count, bool is_broadcast, int cpu);

#endif
