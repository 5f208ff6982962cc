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
#define FLOW_RULES_MAX 1024

struct flow_rules;

/**
 * flow_rules_open - no rules yet
 * @out: receives them; the caller closes them with flow_rules_close()
 * @port: DPDK's number of the device
 *
 * Return: 0 or -ENOMEM.
 */
int flow_rules_open(struct flow_rules **out, uint16_t port);

/**
 * flow_rules_close - take all rules away
 * @rules: NULL is allowed; of a device that still runs
 */
void flow_rules_close(struct flow_rules *rules);

/**
 * flow_rules_set - replace what changed
 * @rules: rules
 * @wanted: all that there should be
 * @count: length of @wanted, of which what is beyond FLOW_RULES_MAX is left out
 *
 * A device that refuses one of them gets no more until what is wanted changes.
 */
void flow_rules_set(struct flow_rules *rules, const struct uplink_rule *wanted, unsigned int count);

/**
 * flow_rules_count - how many the device has
 * @rules: NULL is allowed
 */
unsigned int flow_rules_count(const struct flow_rules *rules);

#endif
