/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A disk that says that all is done, and does nothing. */
#ifndef IOV_BENCH_BLK_SINK_H
#define IOV_BENCH_BLK_SINK_H

#include "bench/driver_ring.h"
#include "bench/sink.h"

/**
 * struct blk_sink_ring - a ring of it
 * @ring: the driver's half, of which the device's is read
 * @statuses: status of the request with id 0
 * @stride: from the status of a request to that of the next one
 */
struct blk_sink_ring {
	const struct driver_ring *ring;
	uint8_t *statuses;
	uint32_t stride;
};

/**
 * blk_sink_start - a thread that gives every request back with status 0
 * @out: receives it; the caller stops it with sink_stop(), also after a failure
 * @iov: context for messages
 * @rings: copied; what they point to outlives it
 * @count: length of @rings
 * @cpu: where the thread runs; -1 for anywhere
 *
 * No descriptor is looked at, and no data: ids tell all.
 *
 * Return: 0 or -errno with a message.
 */
int blk_sink_start(struct sink **out, struct iov *iov, const struct blk_sink_ring *rings,
		   unsigned int count, int cpu);

#endif
