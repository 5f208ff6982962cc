/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What disks count, as users read it.
 *
 * Threads: the control thread, while workers count.
 */
#ifndef VHOST_USER_PORT_DISK_STATS_H
#define VHOST_USER_PORT_DISK_STATS_H

#include <stddef.h>

#include "vhost-user/port/port.h"

struct disk_port;

/**
 * disk_sum - what all rings of a disk counted of a kind
 * @disk: disk
 * @kind: enum blk_kind
 * @offset: of a member of struct blk_counters
 */
uint64_t disk_sum(const struct disk_port *disk, unsigned int kind, size_t offset);

/**
 * disk_count - add counters of requests
 * @port: a disk
 * @object: gets "requests", by the names of kinds that occurred, "qos_waits" and "qos_wait_ms"
 */
void disk_count(const struct port *port, struct json_object *object);

/* Of every disk. */
extern const struct port_metric disk_metrics[];
extern const struct port_histogram disk_histogram;

#endif
