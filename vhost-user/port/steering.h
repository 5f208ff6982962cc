/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which queue of an uplink frames for a guest come by.
 *
 * Theory of operation.  What a guest sends is one worker's to take.  When the uplink's device
 * can tell stations apart, frames for the addresses that a port was given (--mac, --station)
 * come by a queue of that worker, so one worker has both directions of a guest, and a guest
 * that is flooded fills a queue of its own worker only.  Otherwise any worker that finds a
 * frame brings it.
 *
 * Threads: the control thread.
 */
#ifndef VHOST_USER_PORT_STEERING_H
#define VHOST_USER_PORT_STEERING_H

struct registry;

/**
 * steering_apply - have all uplinks do so as ports and workers are now
 * @registry: registry
 */
void steering_apply(const struct registry *registry);

#endif
