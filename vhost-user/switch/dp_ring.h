/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the network keeps of a ring for as long as the ring runs, whatever becomes of views. */
#ifndef VHOST_USER_SWITCH_DP_RING_H
#define VHOST_USER_SWITCH_DP_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "vhost-user/protocol/session.h"
#include "vhost-user/spin.h"

struct loans;

/**
 * struct dp_ring - the device's part of a started ring
 * @lock: of a ring that several workers bring frames to
 * @call_owed: the driver wants a call that it has not had yet
 * @is_used: its driver gave it a buffer since it started
 * @frames: what it carried since it started
 * @loans: what of it network devices have; NULL when it lends nothing
 */
struct dp_ring {
	_Alignas(VIRTQ_CACHE_LINE) struct spin lock;
	bool call_owed;
	bool is_used;
	uint64_t frames;
	struct loans *loans;
};

/**
 * dp_ring_of - the network's part of a ring
 * @queue: ring of a port, started; no control queue
 */
static inline struct dp_ring *dp_ring_of(const struct vu_queue *queue)
{
	return queue->device;
}

#endif
