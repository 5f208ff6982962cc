/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What makes a port a member of bridges: it carries frames, and has rules for them. */
#ifndef VHOST_USER_PORT_MEMBER_H
#define VHOST_USER_PORT_MEMBER_H

#include "vhost-user/port/port.h"
#include "vhost-user/switch/datapath.h"

/**
 * struct member - part of a port that carries frames
 * @bridge: where it is a member; NULL for none
 * @counters: one for each worker, who writes them, and the control thread's
 * @rules: what it lets in and out
 * @rates: what passed under their limits; the workers'
 */
struct member {
	struct bridge *bridge;
	struct dp_counters *counters;
	struct port_rules rules;
	struct dp_rates rates;
};

/**
 * member_open - begin with no frames and no bridge
 * @port: port of a type with a member; the caller closes it with member_close()
 *
 * Return: 0 or -ENOMEM.
 */
int member_open(struct port *port);

/**
 * member_close - free what it holds
 * @port: any port
 */
void member_close(struct port *port);

/**
 * member_bridge - where a port is a member
 * @port: any port
 *
 * Return: NULL for nowhere.
 */
static inline struct bridge *member_bridge(const struct port *port)
{
	return port->member ? port->member->bridge : NULL;
}

/**
 * member_check_rules - judge what rules say of other things that are there
 * @registry: registry
 * @name: name of the port, for messages
 * @rules: see port_rules_change(); NULL for none
 *
 * For who asks for a mirror or for CPUs and wants those that are there; a restart brings ports
 * one by one, and maybe other workers.
 *
 * Return: 0, -ENOENT or -EINVAL with a message.
 */
int member_check_rules(struct registry *registry, const char *name, struct json_object *rules);

/**
 * member_would_set_rules - judge a change of rules
 * @port: port with a member
 * @json: as for member_set_rules(); NULL for none
 *
 * Return: 1 when something changes, 0 when all is so already; or what member_check_rules() or
 * member_set_rules() would fail with; with a message.
 */
int member_would_set_rules(const struct port *port, struct json_object *json);

/**
 * member_set_rules - change what a port lets in and out
 * @port: port with a member; the caller publishes
 * @json: see port_rules_change(); a mirror may come later
 *
 * Return: 0; -EINVAL; -ENOENT without that group; -EEXIST when a station is at another port; with a message.
 */
int member_set_rules(struct port *port, struct json_object *json);

/**
 * member_limits - let its limits be those of its rules
 * @port: port with a member; workers keep them from now on
 *
 * Return: what passes under them.
 */
struct dp_rates *member_limits(struct port *port);

/**
 * member_apply_rules - let the workers know of rules that were set
 * @port: port
 */
void member_apply_rules(struct port *port);

/**
 * member_counted - what all workers counted of a port
 * @port: port with a member
 *
 * Return: the sums.
 */
struct dp_counters member_counted(const struct port *port);

/**
 * member_counted_all - what was counted of all ports that there were
 * @registry: registry
 *
 * Return: the sums, which balance as struct dp_counters says.
 */
struct dp_counters member_counted_all(const struct registry *registry);

/**
 * member_counters - what the control thread counts of a port by itself
 * @port: port with a member
 *
 * Return: counters for the control thread to write.
 */
struct dp_counters *member_counters(const struct port *port);

/**
 * member_describe - add where a port is a member, and by which rules
 * @port: port with a member
 * @object: gets "bridge", null for none, and "rules" when there are some
 */
void member_describe(const struct port *port, struct json_object *object);

/**
 * member_save - add the options for these
 * @port: port with a member
 * @entry: gets "bridge" and "rules" when there are some
 */
void member_save(const struct port *port, struct json_object *entry);

/**
 * member_count - add counters of frames
 * @port: port with a member
 * @object: gets "rx_packets", "rx_bytes", "tx_packets", "tx_bytes", "stations" and
 *	"unplaced_stations"
 */
void member_count(const struct port *port, struct json_object *object);

/**
 * member_drops - what was dropped, by reason
 * @port: port with a member
 * @counters: receives it
 */
void member_drops(const struct port *port, uint64_t counters[REASONS_MAX]);

/* Of every port that carries frames. */
extern const struct port_metric member_metrics[];

#endif
