/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a port lets in and out, as its user wrote it and as the worker reads it. */
#ifndef VHOST_USER_SWITCH_PORT_RULES_H
#define VHOST_USER_SWITCH_PORT_RULES_H

#include <json-c/json.h>

#include "vhost-user/qos.h"
#include "vhost-user/switch/source_guard.h"
#include "vhost-user/switch/vlan.h"

/* Stations that are said to be at a port. */
#define RULES_STATIONS 64

/**
 * struct port_rules - rules of a port
 * @json: as the user wrote them, NULL for none
 * @is_isolated: nothing passes between it and others of these
 * @vlan: in which VLANs it is
 * @guard: which addresses may send
 * @limits: of what comes from the port and goes to it, a second; 0 for any
 * @storm: how many of its frames may be flooded, a second; 0 for any
 * @qos: name of the group whose limits it keeps as well, in @json; NULL for none
 * @stations_max: most stations that a switch learns behind the port; 0 for no number of its own
 * @mirror: name of the port that gets a copy of all its frames, in @json; NULL for none
 * @cpus: workers that may take from it, in @json; NULL for any
 * @station_count: length of @stations
 * @stations: mac_key() of stations that are here whatever is learned
 */
struct port_rules {
	struct json_object *json;
	bool is_isolated;
	struct vlan_rules vlan;
	struct source_guard guard;
	double limits[QOS_LIMITS];
	double storm;
	const char *qos;
	uint32_t stations_max;
	const char *mirror;
	const char *cpus;
	unsigned int station_count;
	uint64_t stations[RULES_STATIONS];
};

/**
 * port_rules_change - set some of the rules
 * @rules: changed when all of @json is good, else as they were
 * @iov: context
 * @port: name of the port, for messages
 * @json: object with any of
 *	"isolated"	boolean
 *	"vlan"		see vlan_parse()
 *	"allow_mac"	array of MAC addresses; empty for any
 *	"allow_ip"	array of IP addresses and prefixes; empty for any
 *	"rx_rate", "tx_rate"	bits per second; 0 for any
 *	"rx_packets", "tx_packets", "storm_packets"	packets per second; 0 for any
 *	"qos"		name of a group of "qos.add", or "none"
 *	"max_stations"	how many stations a switch learns behind the port; 0 for any
 *	"mirror"	name of a port, or "none"
 *	"cpus"		CPU list such as "0,2-3", or "none" for those of all workers
 *	"stations"	array of "52:54:00:12:34:56" or, in a VLAN, "52:54:00:12:34:56@10"
 *
 * Return: 0, -EINVAL or -ENOMEM with a message.
 */
int port_rules_change(struct port_rules *rules, struct iov *iov, const char *port,
		      struct json_object *json);

/**
 * port_rules_are_limited - whether there is a limit, of its own or of a group
 * @rules: rules
 */
bool port_rules_are_limited(const struct port_rules *rules);

/**
 * port_rules_release - free what rules hold
 * @rules: rules
 */
void port_rules_release(struct port_rules *rules);

#endif
