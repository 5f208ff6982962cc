/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Groups of disks and ports that keep limits together, as operators name them.
 *
 * Threads: the control thread.
 */
#ifndef VHOST_USER_PORT_QOS_GROUPS_H
#define VHOST_USER_PORT_QOS_GROUPS_H

#include <json-c/json.h>
#include <sys/queue.h>

#include "vhost-user/port/port.h"
#include "vhost-user/qos.h"

/* What may come at once after silence, in milliseconds. */
#define QOS_BURST_MS 10
#define QOS_BURST_MS_MAX 60000

/**
 * struct qos_setting - what is set of a group
 * @limits: a second; 0 for any
 * @burst_ms: milliseconds
 */
struct qos_setting {
	uint64_t limits[QOS_LIMITS];
	uint64_t burst_ms;
};

/**
 * struct qos - a group with a name
 * @name: its name
 * @group: what workers see of it
 * @setting: as it was set
 */
struct qos {
	TAILQ_ENTRY(qos) link;
	char name[PORT_NAME_MAX + 1];
	struct qos_group group;
	struct qos_setting setting;
};

TAILQ_HEAD(qos_list, qos);

/**
 * qos_would_add - whether qos_add() would succeed
 * @registry: registry
 * @params: as for it
 *
 * Return: 0, -EEXIST or -EINVAL with a message.
 */
int qos_would_add(struct registry *registry, struct json_object *params);

/**
 * qos_add - add a group
 * @registry: registry
 * @params: object with "name", and any limits as qos_set() takes them
 * @out: receives the group, which stays the registry's
 *
 * Return: 0, -EEXIST, -EINVAL or -ENOMEM with a message.
 */
int qos_add(struct registry *registry, struct json_object *params, struct qos **out);

/**
 * qos_find - a group by its name
 * @registry: registry
 * @name: its name
 * @out: receives the group
 *
 * Return: 0 or -ENOENT with a message.
 */
int qos_find(struct registry *registry, const char *name, struct qos **out);

/**
 * qos_find_named - the group that a port is to be in
 * @registry: registry
 * @name: its name; "none" or NULL for none
 * @out: receives the group, or NULL
 *
 * Return: 0 or -ENOENT with a message.
 */
int qos_find_named(struct registry *registry, const char *name, struct qos **out);

/**
 * qos_set - change limits, for all who are in the group, at once
 * @registry: registry
 * @qos: group
 * @params: object with any of "bytes", "read_bytes", "write_bytes", "iops", "read_iops",
 *	"write_iops", "packets", "rx_packets" and "tx_packets", each a second, 0 for any; and
 *	"burst_ms", 0 for QOS_BURST_MS
 *
 * Return: 0, or -EINVAL with a message; nothing changes then.
 */
int qos_set(struct registry *registry, struct qos *qos, struct json_object *params);

/**
 * qos_would_set - judge a change of limits
 * @registry: registry
 * @qos: group
 * @params: as for qos_set()
 *
 * Return: 1 when something changes, 0 when all is so already, or -EINVAL with a message.
 */
int qos_would_set(struct registry *registry, const struct qos *qos, struct json_object *params);

/**
 * qos_would_remove - whether a group may go
 * @registry: registry
 * @qos: group
 *
 * Return: 0, or -EBUSY with a message that names who is in it.
 */
int qos_would_remove(struct registry *registry, const struct qos *qos);

/**
 * qos_close - free a group
 * @registry: registry
 * @qos: group without members
 */
void qos_close(struct registry *registry, struct qos *qos);

/**
 * qos_describe - what is known about a group
 * @registry: registry
 * @qos: group
 *
 * Return: an object with "name", the limits that there are, "burst_ms", "members", "waits",
 * "wait_ms" and "dropped_packets"; the caller puts it.
 */
struct json_object *qos_describe(const struct registry *registry, const struct qos *qos);

/**
 * qos_save - add what a group is made of
 * @qos: group
 * @entry: gets "name", and what was set
 */
void qos_save(const struct qos *qos, struct json_object *entry);

#endif
