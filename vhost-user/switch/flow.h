/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flow rules of a network device: which queue frames for a station come by.
 *
 * Threads: the control thread, while workers use the device.
 */
#ifndef VHOST_USER_SWITCH_FLOW_H
#define VHOST_USER_SWITCH_FLOW_H

#include "vhost-user/switch/uplink.h"

/* Most rules of a device. */
#define FLOWS_MAX 1024

struct flows;

/**
 * flows_open - no flow rules yet
 * @out: receives them; the caller closes them with flows_close()
 * @port: DPDK's number of the device
 *
 * Return: 0 or -ENOMEM.
 */
int flows_open(struct flows **out, uint16_t port);

/**
 * flows_close - take all rules away
 * @flows: NULL is allowed; of a device that still runs
 */
void flows_close(struct flows *flows);

/**
 * flows_set - replace what changed
 * @flows: flow rules
 * @wanted: all that there should be
 * @count: length of @wanted, of which what is beyond FLOWS_MAX is left out
 *
 * A device that refuses one of them gets no more until what is wanted changes.
 */
void flows_set(struct flows *flows, const struct uplink_flow *wanted, unsigned int count);

/**
 * flows_count - how many the device has
 * @flows: NULL is allowed
 */
unsigned int flows_count(const struct flows *flows);

#endif
