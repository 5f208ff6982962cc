/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bridges: switches and wires, and which ports are members of them.
 *
 * Threads: the control thread.
 */
#ifndef VHOST_USER_PORT_BRIDGE_H
#define VHOST_USER_PORT_BRIDGE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "vhost-user/port/port.h"
#include "vhost-user/switch/mac_table.h"

/**
 * struct bridge - ports that frames pass between
 * @name: its name
 * @macs: a switch's MAC table; NULL for a wire
 * @age: seconds after which a silent station is forgotten, 0 for MAC_TABLE_AGE
 */
struct bridge {
	TAILQ_ENTRY(bridge) link;
	char name[PORT_NAME_MAX + 1];
	struct mac_table *macs;
	uint32_t age;
};

/* Seconds after which it forgets a silent station. */
static inline uint32_t bridge_age(const struct bridge *bridge)
{
	return bridge->age ? bridge->age : MAC_TABLE_AGE;
}

TAILQ_HEAD(bridge_list, bridge);

/**
 * bridge_add - add a bridge
 * @registry: registry
 * @name: its name
 * @kind: "switch" or "wire"
 * @age: seconds after which a switch forgets a silent station, 0 for MAC_TABLE_AGE
 * @ports: array of names of ports that are in no bridge; NULL for none
 * @out: receives the bridge, which stays the registry's
 *
 * Return: 0, -EEXIST, -EINVAL, -ENOENT or -EBUSY with a message.
 */
int bridge_add(struct registry *registry, const char *name, const char *kind, int age,
	       struct json_object *ports, struct bridge **out);

/**
 * bridge_find - a bridge by its name
 * @registry: registry
 * @name: its name
 * @out: receives the bridge
 *
 * Return: 0 or -ENOENT with a message.
 */
int bridge_find(struct registry *registry, const char *name, struct bridge **out);

/**
 * bridge_set_age - change when a switch forgets stations
 * @registry: registry; the caller publishes
 * @bridge: bridge
 * @age: seconds, 0 for MAC_TABLE_AGE
 *
 * Return: 0 or -EINVAL with a message.
 */
int bridge_set_age(struct registry *registry, struct bridge *bridge, int age);

/**
 * bridge_stations - where a switch knows stations to be
 * @registry: registry
 * @bridge: bridge
 *
 * Return: an array of objects with "mac", "vlan" (0 for none), "port" and "kind":
 * "learned" or "fixed"; the caller puts it.
 */
struct json_object *bridge_stations(const struct registry *registry, const struct bridge *bridge);

/**
 * bridge_remove - remove a bridge; its ports stay, in no bridge
 * @registry: registry
 * @name: its name
 *
 * Return: 0 or -ENOENT with a message.
 */
int bridge_remove(struct registry *registry, const char *name);

/**
 * bridge_join - put a port into a bridge
 * @registry: registry; the caller publishes
 * @bridge: name of the bridge
 * @port: port
 *
 * Return: 0, -ENOENT, -EINVAL for a port that carries no frames, or -EBUSY when the port is
 * in a bridge or the wire is complete; with a message.
 */
int bridge_join(struct registry *registry, const char *bridge, struct port *port);

/**
 * bridge_describe - what is known about a bridge
 * @registry: registry
 * @bridge: bridge
 *
 * Return: an object with "name", "kind" and "ports"; the caller puts it.
 */
struct json_object *bridge_describe(const struct registry *registry, const struct bridge *bridge);

/**
 * bridge_save - add what a bridge is made of, but for its ports
 * @bridge: bridge
 * @entry: gets "name", "kind" and "age" when one was set
 */
void bridge_save(const struct bridge *bridge, struct json_object *entry);

/**
 * bridge_close - remove a bridge
 * @registry: registry
 * @bridge: one of it
 */
void bridge_close(struct registry *registry, struct bridge *bridge);

#endif
