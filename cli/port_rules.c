// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "cli/argument.h"
#include "cli/port_rules.h"

/* More than any device, and what a number of JSON holds. */
#define NUMBER_MAX 1e15

enum kind {
	SWITCH,
	TEXT,
	NUMBER,
	LIST,
};

/* By their keys; what stands for an empty list. */
static const struct {
	const char *name;
	enum kind kind;
	const char *nothing;
} table[] = {
	[KEY_ISOLATED - KEY_ISOLATED] = { "isolated", SWITCH, NULL },
	[KEY_VLAN - KEY_ISOLATED] = { "vlan", TEXT, NULL },
	[KEY_ALLOW_MAC - KEY_ISOLATED] = { "allow_mac", LIST, "any" },
	[KEY_ALLOW_IP - KEY_ISOLATED] = { "allow_ip", LIST, "any" },
	[KEY_RX_RATE - KEY_ISOLATED] = { "rx_rate", NUMBER, NULL },
	[KEY_RX_PACKETS - KEY_ISOLATED] = { "rx_packets", NUMBER, NULL },
	[KEY_TX_RATE - KEY_ISOLATED] = { "tx_rate", NUMBER, NULL },
	[KEY_TX_PACKETS - KEY_ISOLATED] = { "tx_packets", NUMBER, NULL },
	[KEY_STORM_PACKETS - KEY_ISOLATED] = { "storm_packets", NUMBER, NULL },
	[KEY_MAX_STATIONS - KEY_ISOLATED] = { "max_stations", NUMBER, NULL },
	[KEY_MIRROR - KEY_ISOLATED] = { "mirror", TEXT, NULL },
	[KEY_QOS_GROUP - KEY_ISOLATED] = { "qos", TEXT, NULL },
	[KEY_CPUS - KEY_ISOLATED] = { "cpus", TEXT, NULL },
	[KEY_STATION - KEY_ISOLATED] = { "stations", LIST, "none" },
};

/* The option has the name of the rule, with dashes. */
static struct json_object *to_number(const char *name, const char *arg,
				     const struct argp_state *state)
{
	char option[32];
	size_t length = strlen(name);

	for (size_t i = 0; i <= length && i < sizeof(option); i++)
		option[i] = name[i] == '_' ? '-' : name[i];
	return json_object_new_int64(
		strcmp(arg, "none") ? (int64_t)cli_number(arg, option, 0, NUMBER_MAX, state) : 0);
}

static struct json_object *append(struct json_object *list, const char *arg, const char *nothing)
{
	list = list ? json_object_get(list) : json_object_new_array();
	if (strcmp(arg, nothing))
		json_object_array_add(list, json_object_new_string(arg));
	return list;
}

bool port_rules_parse(int key, const char *arg, struct json_object **rules,
		      const struct argp_state *state)
{
	unsigned int index = (unsigned int)(key - KEY_ISOLATED);
	struct json_object *value;
	const char *name;

	if (key < KEY_ISOLATED || key > KEY_STATION)
		return false;
	if (!*rules)
		*rules = json_object_new_object();
	name = table[index].name;
	if (table[index].kind == SWITCH)
		value = json_object_new_boolean(cli_switch(arg, "isolated", state));
	else if (table[index].kind == TEXT)
		value = json_object_new_string(arg);
	else if (table[index].kind == NUMBER)
		value = to_number(name, arg, state);
	else
		value = append(json_object_object_get(*rules, name), arg, table[index].nothing);
	json_object_object_add(*rules, name, value);
	return true;
}
