/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fast path: one pass over all ports. */
#ifndef VHOST_USER_SWITCH_FORWARD_H
#define VHOST_USER_SWITCH_FORWARD_H

#include "vhost-user/switch/datapath.h"

struct forward;

/**
 * forward_open - make the private memory of a worker
 * @out: receives it; the caller closes it with forward_close()
 * @attention_fd: eventfd that is written when a ring breaks; stays the caller's
 *
 * Return: 0 or -ENOMEM.
 */
int forward_open(struct forward **out, int attention_fd);

/**
 * forward_close - free it
 * @forward: NULL is allowed
 */
void forward_close(struct forward *forward);

/**
 * forward_pass - take what the ports have and bring it to where it belongs
 * @forward: the worker's private memory
 * @view: ports and bridges
 * @now: MAC_TABLE_SECOND to the second, of a clock that does not jump
 * @began: cycles of the time stamp counter
 *
 * Return: number of frames that were taken.
 */
unsigned int forward_pass(struct forward *forward, struct dp_view *view, uint32_t now,
			  uint64_t began);

/**
 * forward_call_due - how long until a driver has to be called
 * @forward: the worker's private memory
 *
 * Looks at nothing of a view.
 *
 * Return: nanoseconds, UINT64_MAX when no driver is owed a call.
 */
uint64_t forward_call_due(const struct forward *forward);

/**
 * forward_inject - bring one frame to its destination as if it came from a port
 * @forward: the worker's private memory
 * @view: ports and bridges
 * @port: identity of the port; a port that is gone is no error
 * @bytes: the frame
 * @length: bytes of the frame, at most FRAME_HEAD_MAX
 * @now: by the same clock
 */
void forward_inject(struct forward *forward, struct dp_view *view, uint32_t port,
		    const uint8_t *bytes, uint32_t length, uint32_t now);

#endif
