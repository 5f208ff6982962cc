/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bridges: switches and wires, and which ports are members of them.
 *
 * Threads: the control thread.
 */
#ifndef VHOST_USER_PORT_BRIDGE_H
#define VHOST_USER_PORT_BRIDGE_H

#include <json-c/json.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "vhost-user/port/port.h"
#include "vhost-user/switch/mac_table.h"

/**
 * struct bridge - ports that frames pass between
 * @name: its name
 * @macs: a switch's MAC table; NULL for a wire
 * @age: seconds after which a silent station is forgotten, 0 for MAC_TABLE_AGE
 * @stations: how many stations @macs has room for, 0 for BRIDGE_STATIONS
 * @passes_reserved: a switch forwards frames to addresses that are reserved for bridges
 */
struct bridge {
	TAILQ_ENTRY(bridge) link;
	char name[PORT_NAME_MAX + 1];
	struct mac_table *macs;
	uint32_t age;
	uint32_t stations;
	bool passes_reserved;
};

/* Stations that a switch has room for, unless another number is set. */
#define BRIDGE_STATIONS 8192

/* Of an option that is not given. */
#define BRIDGE_UNSET INT_MIN

/**
 * struct bridge_options - what is set of a bridge; BRIDGE_UNSET leaves each as it is
 * @age: seconds after which a switch forgets a silent station, 10 to 1000000; 0 for MAC_TABLE_AGE
 * @stations: how many stations it has room for, 16 to 1048576; 0 for BRIDGE_STATIONS
 * @reserved: 1 to forward frames to the addresses that IEEE 802.1Q-2018 table 8-1 reserves for
 *	bridges, but for flow control, 0 not to
 */
struct bridge_options {
	int age;
	int stations;
	int reserved;
};

/**
 * bridge_options_of - read options
 * @params: object with any of "age", "stations" and "reserved"
 */
struct bridge_options bridge_options_of(struct json_object *params);

/* Silence after which it forgets a station, by the clock of its table. */
static inline uint32_t bridge_age(const struct bridge *bridge)
{
	return (bridge->age ? bridge->age : MAC_TABLE_AGE) * MAC_TABLE_SECOND;
}

TAILQ_HEAD(bridge_list, bridge);

/**
 * bridge_add - add a bridge
 * @registry: registry
 * @name: its name
 * @kind: "switch" or "wire"
 * @options: of a switch; NULL for none
 * @ports: array of names of ports that are in no bridge; NULL for none
 * @out: receives the bridge, which stays the registry's
 *
 * Return: 0, -EEXIST, -EINVAL, -ENOENT or -EBUSY with a message.
 */
int bridge_add(struct registry *registry, const char *name, const char *kind,
	       const struct bridge_options *options, struct json_object *ports, struct bridge **out);

/**
 * bridge_rehearse - whether bridge_add() would succeed; no frame passes otherwise meanwhile
 *
 * Parameters and what it returns are those of bridge_add().
 */
int bridge_rehearse(struct registry *registry, const char *name, const char *kind,
		    const struct bridge_options *options, struct json_object *ports);

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
 * bridge_would_set - judge a change of a bridge
 * @registry: registry
 * @bridge: bridge
 * @options: what changes
 *
 * Return: 1 when something changes, 0 when all is so already, or -EINVAL with a message.
 */
int bridge_would_set(struct registry *registry, const struct bridge *bridge,
		     const struct bridge_options *options);

/**
 * bridge_set - change a bridge while it is used
 * @registry: registry
 * @bridge: bridge
 * @options: what changes; with another number of stations a switch learns anew
 *
 * Return: 0, -EINVAL or -ENOMEM with a message; nothing changes then.
 */
int bridge_set(struct registry *registry, struct bridge *bridge,
	       const struct bridge_options *options);

/**
 * bridge_forget - forget the stations of a port
 * @port: port that no worker looks at any more, or whose link is down
 */
void bridge_forget(const struct port *port);

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
 * @entry: gets "name", "kind", and "age", "stations" and "reserved" when they were set
 */
void bridge_save(const struct bridge *bridge, struct json_object *entry);

/**
 * bridge_close - remove a bridge; its ports stay, in no bridge
 * @registry: registry
 * @bridge: one of it
 */
void bridge_close(struct registry *registry, struct bridge *bridge);

#endif
