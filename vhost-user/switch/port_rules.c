// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/switch/port_rules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mac.h"
#include "vhost-user/switch/eal.h"
#include "vhost-user/switch/mac_table.h"

#define MAC_LENGTH (IOV_MAC_TEXT - 1)
#define MAC_EXPECTED "expected that of one station, such as 52:54:00:12:34:56"

/* Of what is being read. */
struct context {
	struct port_rules *rules;
	struct iov *iov;
	const char *port;
};

static int read_isolated(const struct context *context, struct json_object *value)
{
	context->rules->is_isolated = json_object_get_boolean(value);
	return 0;
}

static int read_vlan(const struct context *context, struct json_object *value)
{
	return vlan_parse(&context->rules->vlan, context->iov, context->port,
			  json_object_get_string(value));
}

static int add_mac(const struct context *context, const char *text)
{
	struct source_guard *guard = &context->rules->guard;

	if (guard->mac_count == GUARD_MACS)
		return iov_fail(context->iov, -EINVAL, "%s: allow_mac: expected %d addresses at most",
				context->port, GUARD_MACS);
	if (!iov_mac_parse_station(text, guard->macs[guard->mac_count]))
		return iov_fail(context->iov, -EINVAL, "%s: allow_mac: '%.64s', " MAC_EXPECTED,
				context->port, text);
	guard->mac_count++;
	return 0;
}

static int add_ip(const struct context *context, const char *text)
{
	int error = source_guard_add_ip(&context->rules->guard, text);

	if (error == -ENOSPC)
		return iov_fail(context->iov, -EINVAL, "%s: allow_ip: expected %d prefixes at most",
				context->port, GUARD_PREFIXES);
	if (error)
		return iov_fail(context->iov, -EINVAL, "%s: allow_ip: '%.64s', expected an address or a "
				"prefix such as 192.0.2.0/24", context->port, text);
	return 0;
}

/* "52:54:00:12:34:56" or "52:54:00:12:34:56@10" */
static bool parse_station(const char *text, uint64_t *key)
{
	char address[MAC_LENGTH + 1] = "", end;
	const char *at = strchrnul(text, '@');
	unsigned int vlan = 0;
	uint8_t mac[6];

	if (at - text != MAC_LENGTH)
		return false;
	memcpy(address, text, MAC_LENGTH);
	if (*at && (sscanf(at, "@%u%c", &vlan, &end) != 1 || !vlan || vlan > 4094))
		return false;
	if (!iov_mac_parse_station(address, mac))
		return false;
	*key = mac_key((uint16_t)vlan, mac);
	return true;
}

static int add_station(const struct context *context, const char *text)
{
	struct port_rules *rules = context->rules;

	if (rules->station_count == RULES_STATIONS)
		return iov_fail(context->iov, -EINVAL, "%s: stations: expected %d at most",
				context->port, RULES_STATIONS);
	if (!parse_station(text, &rules->stations[rules->station_count]))
		return iov_fail(context->iov, -EINVAL, "%s: stations: '%.64s', expected a MAC address, "
				"and behind an @ a VLAN, such as 52:54:00:12:34:56@10", context->port,
				text);
	rules->station_count++;
	return 0;
}

static int read_list(const struct context *context, struct json_object *list,
		     int (*add)(const struct context *context, const char *text))
{
	int error = 0;

	for (size_t i = 0; i < json_object_array_length(list) && !error; i++) {
		const char *text = json_object_get_string(json_object_array_get_idx(list, i));

		error = add(context, text ? text : "");
	}
	return error;
}

static int read_mirror(const struct context *context, struct json_object *value)
{
	const char *name = json_object_get_string(value);

	if (!strcmp(name, context->port))
		return iov_fail(context->iov, -EINVAL, "%s: mirror: expected another port",
				context->port);
	context->rules->mirror = *name && strcmp(name, "none") ? name : NULL;
	return 0;
}

static int read_qos(const struct context *context, struct json_object *value)
{
	const char *name = json_object_get_string(value);

	context->rules->qos = *name && strcmp(name, "none") ? name : NULL;
	return 0;
}

static int read_cpus(const struct context *context, struct json_object *value)
{
	const char *list = json_object_get_string(value);
	cpu_set_t cpus;

	if (!*list || !strcmp(list, "none"))
		return 0;
	if (eal_parse_cpus(list, &cpus))
		return iov_fail(context->iov, -EINVAL, "%s: cpus '%.64s': expected a CPU list such as "
				"0,2-3, or none", context->port, list);
	context->rules->cpus = list;
	return 0;
}

static int read_number(const struct context *context, struct json_object *value)
{
	if (json_object_get_int64(value) >= 0)
		return 0;
	return iov_fail(context->iov, -EINVAL, "%s: %s a second: expected 0, for no limit, or more",
			context->port, json_object_get_string(value));
}

static int read_max_stations(const struct context *context, struct json_object *value)
{
	int64_t number = json_object_get_int64(value);

	if (number < 0 || number > UINT32_MAX)
		return iov_fail(context->iov, -EINVAL, "%s: max_stations %s: expected 0, for no limit, or "
				"more", context->port, json_object_get_string(value));
	context->rules->stations_max = (uint32_t)number;
	return 0;
}

static const struct rule {
	const char *key;
	enum json_type type;
	const char *type_name;
	int (*read)(const struct context *context, struct json_object *value);
	int (*add)(const struct context *context, const char *text); /* of a list, each entry */
} table[] = {
	{ "isolated", json_type_boolean, "true or false", read_isolated },
	{ "vlan", json_type_string, "a text", read_vlan },
	{ "allow_mac", json_type_array, "a list", .add = add_mac },
	{ "allow_ip", json_type_array, "a list", .add = add_ip },
	{ "rx_rate", json_type_int, "a number", read_number },
	{ "rx_packets", json_type_int, "a number", read_number },
	{ "tx_rate", json_type_int, "a number", read_number },
	{ "tx_packets", json_type_int, "a number", read_number },
	{ "storm_packets", json_type_int, "a number", read_number },
	{ "qos", json_type_string, "a text", read_qos },
	{ "max_stations", json_type_int, "a number", read_max_stations },
	{ "mirror", json_type_string, "a text", read_mirror },
	{ "cpus", json_type_string, "a text", read_cpus },
	{ "stations", json_type_array, "a list", .add = add_station },
};

static const struct rule *find_rule(const char *key)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (!strcmp(table[i].key, key))
			return &table[i];
	return NULL;
}

static double number(struct json_object *json, const char *key)
{
	return (double)json_object_get_int64(json_object_object_get(json, key));
}

static int read_all(const struct context *context)
{
	struct port_rules *rules = context->rules;
	struct json_object *json = rules->json;
	int error;

	json_object_object_foreach(json, key, value) {
		const struct rule *rule = find_rule(key);

		if (!rule)
			return iov_fail(context->iov, -EINVAL, "%s: no rule is called '%.32s'",
					context->port, key);
		if (!json_object_is_type(value, rule->type))
			return iov_fail(context->iov, -EINVAL, "%s: %s: expected %s", context->port, key,
					rule->type_name);
		error = rule->add ? read_list(context, value, rule->add)
				  : rule->read(context, value);
		if (error)
			return error;
	}
	rules->limits[QOS_WRITE_BYTES] = number(json, "rx_rate") / 8;
	rules->limits[QOS_RX_PACKETS] = number(json, "rx_packets");
	rules->limits[QOS_READ_BYTES] = number(json, "tx_rate") / 8;
	rules->limits[QOS_TX_PACKETS] = number(json, "tx_packets");
	rules->storm = number(json, "storm_packets");
	return 0;
}

/* What says that there is no such rule. */
static bool is_nothing(struct json_object *value)
{
	switch (json_object_get_type(value)) {
	case json_type_array:
		return !json_object_array_length(value);
	case json_type_string:
		return !json_object_get_string_len(value) ||
		       !strcmp(json_object_get_string(value), "none");
	default:
		return !json_object_get_int64(value);
	}
}

static struct json_object *merge(struct json_object *now, struct json_object *change)
{
	struct json_object *all = json_object_new_object();

	for (unsigned int round = 0; round < 2; round++) {
		struct json_object *from = round ? change : now;

		if (!from)
			continue;
		json_object_object_foreach(from, key, value) {
			json_object_object_add(all, key, json_object_get(value));
		}
	}
	return all;
}

static void remove_nothings(struct json_object *json)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct json_object *value;

		if (json_object_object_get_ex(json, table[i].key, &value) && is_nothing(value))
			json_object_object_del(json, table[i].key);
	}
}

int port_rules_change(struct port_rules *rules, struct iov *iov, const char *port,
		      struct json_object *json)
{
	struct port_rules changed = { .json = merge(rules->json, json) };
	const struct context context = { &changed, iov, port };
	int error = read_all(&context);

	if (error) {
		port_rules_release(&changed);
		return error;
	}
	remove_nothings(changed.json);
	port_rules_release(rules);
	*rules = changed;
	if (!json_object_object_length(rules->json)) {
		json_object_put(rules->json);
		rules->json = NULL;
	}
	return 0;
}

bool port_rules_are_limited(const struct port_rules *rules)
{
	for (unsigned int i = 0; i < QOS_LIMITS; i++)
		if (rules->limits[i] > 0)
			return true;
	return rules->storm > 0 || rules->qos;
}

void port_rules_release(struct port_rules *rules)
{
	json_object_put(rules->json);
	rules->json = NULL;
}
