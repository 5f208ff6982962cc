/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options of "iov port add" and "iov port set" that say what a port lets in and out. */
#ifndef IOV_CLI_PORT_RULES_H
#define IOV_CLI_PORT_RULES_H

#include <argp.h>
#include <json-c/json.h>
#include <stdbool.h>

enum {
	KEY_ISOLATED = 0x3000,
	KEY_VLAN,
	KEY_ALLOW_MAC,
	KEY_ALLOW_IP,
	KEY_RX_RATE,
	KEY_RX_PACKETS,
	KEY_TX_RATE,
	KEY_TX_PACKETS,
	KEY_STORM_PACKETS,
	KEY_MAX_STATIONS,
	KEY_MIRROR,
	KEY_QOS_GROUP,
	KEY_CPUS,
	KEY_STATION,
};

#define PORT_RULES_OPTIONS                                                                         \
	{ 0, 0, 0, 0, "Rules:", 1 },                                                               \
	{ "isolated", KEY_ISOLATED, "on|off", OPTION_ARG_OPTIONAL,                                 \
	  "Keep it apart from other isolated ports of its bridge" },                               \
	{ "vlan", KEY_VLAN, "VLANS", 0,                                                            \
	  "access:10, trunk:10,20-30,native:5, tunnel:100 or none: the VLANs that it is in" },     \
	{ "allow-mac", KEY_ALLOW_MAC, "ADDRESS", 0,                                                \
	  "MAC address that may send, or any; may be given often" },                               \
	{ "allow-ip", KEY_ALLOW_IP, "PREFIX", 0,                                                   \
	  "IP address or prefix that may send, or any; may be given often" },                      \
	{ "rx-rate", KEY_RX_RATE, "BITS", 0, "Bits a second from it, such as 500M, or none" },     \
	{ "rx-packets", KEY_RX_PACKETS, "N", 0, "Packets a second from it, or none" },             \
	{ "tx-rate", KEY_TX_RATE, "BITS", 0, "Bits a second to it, or none" },                     \
	{ "tx-packets", KEY_TX_PACKETS, "N", 0, "Packets a second to it, or none" },               \
	{ "storm-packets", KEY_STORM_PACKETS, "N", 0,                                              \
	  "Packets a second from it that go to all ports, or none for any number" },               \
	{ "max-stations", KEY_MAX_STATIONS, "N", 0,                                                \
	  "Most stations that a switch learns behind it, or none for any number" },                \
	{ "mirror", KEY_MIRROR, "PORT", 0,                                                         \
	  "Give this port a copy of all that passes, or none" },                                   \
	{ "qos", KEY_QOS_GROUP, "QOS|none", 0,                                                     \
	  "Keep the limits of this group as well; see 'iov qos'" },                                \
	{ "cpus", KEY_CPUS, "CPULIST", 0,                                                          \
	  "Only workers on these CPUs take from it, or none for any" },                            \
	{ "station", KEY_STATION, "ADDRESS[@VLAN]", 0,                                             \
	  "This station is here, whatever the switch learns, or none; may be given often" }

/*
 * For an argp parser: take one of these options into @rules, which is made with the
 * first.  False when @key is none of them.
 */
bool port_rules_parse(int key, const char *arg, struct json_object **rules,
		      const struct argp_state *state);

/* Member @key of a port: its rules in words, ["VLAN access:10", "at most 1 Gbit/s from it"]. */
void port_rules_words(struct json_object *port, const char *key);

#endif
