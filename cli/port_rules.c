// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "cli/argument.h"
#include "cli/port_rules.h"

/* More than any device, and what a number of JSON holds. */
#define NUMBER_MAX 1e15

static struct json_object *to_text(const char *arg)
{
	return json_object_new_string(arg);
}

static struct json_object *to_number(const char *option, const char *arg,
				     const struct argp_state *state)
{
	double number = strcmp(arg, "none") ? cli_number(arg, option, 0, NUMBER_MAX, state) : 0;

	return json_object_new_int64((int64_t)number);
}

static struct json_object *to_switch(const char *arg, const struct argp_state *state)
{
	if (arg && strcmp(arg, "on") && strcmp(arg, "off"))
		argp_error(state, "--isolated=%s: expected on or off", arg);
	return json_object_new_boolean(!arg || !strcmp(arg, "on"));
}

/* @nothing stands for an empty list. */
static void append(struct json_object *rules, const char *key, const char *arg, const char *nothing)
{
	struct json_object *list = json_object_object_get(rules, key);

	if (!list) {
		list = json_object_new_array();
		json_object_object_add(rules, key, list);
	}
	if (strcmp(arg, nothing))
		json_object_array_add(list, json_object_new_string(arg));
}

static void set(struct json_object *rules, const char *key, struct json_object *value)
{
	json_object_object_add(rules, key, value);
}

bool port_rules_parse(int key, const char *arg, struct json_object **rules,
		      const struct argp_state *state)
{
	if (key < KEY_ISOLATED || key > KEY_STATION)
		return false;
	if (!*rules)
		*rules = json_object_new_object();
	switch (key) {
	case KEY_ISOLATED:
		set(*rules, "isolated", to_switch(arg, state));
		break;
	case KEY_VLAN:
		set(*rules, "vlan", to_text(arg));
		break;
	case KEY_ALLOW_MAC:
		append(*rules, "allow_mac", arg, "any");
		break;
	case KEY_ALLOW_IP:
		append(*rules, "allow_ip", arg, "any");
		break;
	case KEY_RX_RATE:
		set(*rules, "rx_rate", to_number("rx-rate", arg, state));
		break;
	case KEY_RX_PACKETS:
		set(*rules, "rx_packets", to_number("rx-packets", arg, state));
		break;
	case KEY_TX_RATE:
		set(*rules, "tx_rate", to_number("tx-rate", arg, state));
		break;
	case KEY_TX_PACKETS:
		set(*rules, "tx_packets", to_number("tx-packets", arg, state));
		break;
	case KEY_STORM_PACKETS:
		set(*rules, "storm_packets", to_number("storm-packets", arg, state));
		break;
	case KEY_MIRROR:
		set(*rules, "mirror", to_text(arg));
		break;
	case KEY_CPUS:
		set(*rules, "cpus", to_text(arg));
		break;
	default:
		append(*rules, "stations", arg, "none");
		break;
	}
	return true;
}
