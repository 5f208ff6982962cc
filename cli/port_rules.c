// SPDX-License-Identifier: GPL-2.0-or-later
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/argument.h"
#include "cli/port_rules.h"

/* More than any device, and what a number of JSON holds. */
#define NUMBER_MAX 1e15

enum kind {
	SWITCH,
	TEXT,
	NUMBER,
	BITS,
	LIST,
};

/* By their keys; what stands for an empty list; and what is around the value in words. */
static const struct {
	const char *name;
	enum kind kind;
	const char *nothing;
	const char *before;
	const char *after;
} table[] = {
	[KEY_ISOLATED - KEY_ISOLATED] = { "isolated", SWITCH, NULL, "isolated", "" },
	[KEY_VLAN - KEY_ISOLATED] = { "vlan", TEXT, NULL, "VLAN ", "" },
	[KEY_ALLOW_MAC - KEY_ISOLATED] = { "allow_mac", LIST, "any", "only MAC ", "" },
	[KEY_ALLOW_IP - KEY_ISOLATED] = { "allow_ip", LIST, "any", "only IP ", "" },
	[KEY_RX_RATE - KEY_ISOLATED] = { "rx_rate", BITS, NULL, "at most ", "bit/s from it" },
	[KEY_RX_PACKETS - KEY_ISOLATED] = { "rx_packets", NUMBER, NULL,
					 "at most ", "packets/s from it" },
	[KEY_TX_RATE - KEY_ISOLATED] = { "tx_rate", BITS, NULL, "at most ", "bit/s to it" },
	[KEY_TX_PACKETS - KEY_ISOLATED] = { "tx_packets", NUMBER, NULL,
					 "at most ", "packets/s to it" },
	[KEY_STORM_PACKETS - KEY_ISOLATED] = { "storm_packets", NUMBER, NULL,
					    "at most ", "packets/s to all ports" },
	[KEY_MAX_STATIONS - KEY_ISOLATED] = { "max_stations", NUMBER, NULL, "at most ", "stations" },
	[KEY_MIRROR - KEY_ISOLATED] = { "mirror", TEXT, NULL, "copied to ", "" },
	[KEY_QOS_GROUP - KEY_ISOLATED] = { "qos", TEXT, NULL, "in QoS group ", "" },
	[KEY_CPUS - KEY_ISOLATED] = { "cpus", TEXT, NULL, "on CPUs ", "" },
	[KEY_STATION - KEY_ISOLATED] = { "stations", LIST, "none", "fixed stations ", "" },
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
		strcmp(arg, "none") ? (int64_t)cli_whole_number(arg, option, 0, NUMBER_MAX, state) : 0);
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
	else if (table[index].kind == NUMBER || table[index].kind == BITS)
		value = to_number(name, arg, state);
	else
		value = append(json_object_object_get(*rules, name), arg, table[index].nothing);
	json_object_object_add(*rules, name, value);
	return true;
}

/* "1 G", "1500 ": bits in the largest unit that says them whole, others as they are. */
static void number_text(uint64_t number, bool bits, char *text, size_t size)
{
	static const char *const units[] = { "", "k", "M", "G", "T" };
	size_t unit = 0;

	while (bits && number && number % 1000 == 0 && unit + 1 < sizeof(units) / sizeof(*units)) {
		number /= 1000;
		unit++;
	}
	snprintf(text, size, "%" PRIu64 " %s", number, units[unit]);
}

/* "a and b" */
static void list_text(struct json_object *list, char *text, size_t size)
{
	size_t count = json_object_array_length(list), length = 0;

	*text = '\0';
	for (size_t i = 0; i < count && length < size; i++)
		length += (size_t)snprintf(text + length, size - length, "%s%s", i ? " and " : "",
					   json_object_get_string(json_object_array_get_idx(list, i)));
}

static void value_text(enum kind kind, struct json_object *value, char *text, size_t size)
{
	if (kind == NUMBER || kind == BITS)
		number_text(json_object_get_uint64(value), kind == BITS, text, size);
	else if (kind == LIST)
		list_text(value, text, size);
	else
		snprintf(text, size, "%s", kind == TEXT ? json_object_get_string(value) : "");
}

void port_rules_words(struct json_object *port, const char *key)
{
	struct json_object *rules = json_object_object_get(port, "rules"), *value;
	struct json_object *words = json_object_new_array();
	char text[4096], line[sizeof(text) + 32];

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		if (!json_object_object_get_ex(rules, table[i].name, &value))
			continue;
		value_text(table[i].kind, value, text, sizeof(text));
		snprintf(line, sizeof(line), "%s%s%s", table[i].before, text, table[i].after);
		json_object_array_add(words, json_object_new_string(line));
	}
	json_object_object_add(port, key, words);
}
