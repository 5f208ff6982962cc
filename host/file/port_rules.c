// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/file/port_rules.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum kind {
	SWITCH,
	TEXT,
	NUMBER,
	LIST,
};

#define PLACE(member) offsetof(struct iov_host_rules, member)

static const struct {
	const char *key;
	enum kind kind;
	size_t at;
	size_t count_at;
} rules_table[] = {
	{ "isolated", SWITCH, PLACE(isolated), 0 },
	{ "vlan", TEXT, PLACE(vlan), 0 },
	{ "allow_mac", LIST, PLACE(allow_mac), PLACE(allow_mac_count) },
	{ "allow_ip", LIST, PLACE(allow_ip), PLACE(allow_ip_count) },
	{ "rx_rate", NUMBER, PLACE(rx_rate), 0 },
	{ "rx_packets", NUMBER, PLACE(rx_packets), 0 },
	{ "tx_rate", NUMBER, PLACE(tx_rate), 0 },
	{ "tx_packets", NUMBER, PLACE(tx_packets), 0 },
	{ "storm_packets", NUMBER, PLACE(storm_packets), 0 },
	{ "max_stations", NUMBER, PLACE(max_stations), 0 },
	{ "mirror", TEXT, PLACE(mirror), 0 },
	{ "qos", TEXT, PLACE(qos), 0 },
	{ "cpus", TEXT, PLACE(cpus), 0 },
	{ "stations", LIST, PLACE(stations), PLACE(station_count) },
};

#define RULES (sizeof(rules_table) / sizeof(*rules_table))

static const void *pointer_at(const struct iov_host_rules *rules, size_t at)
{
	const void *pointer;

	memcpy(&pointer, (const char *)rules + at, sizeof(pointer));
	return pointer;
}

static void set_pointer(struct iov_host_rules *rules, size_t at, void *pointer)
{
	memcpy((char *)rules + at, &pointer, sizeof(pointer));
}

static struct json_object *list_json(const char *const *texts, unsigned int count)
{
	struct json_object *list = json_object_new_array();

	for (unsigned int i = 0; i < count; i++)
		json_object_array_add(list, json_object_new_string(texts[i]));
	return list;
}

static struct json_object *value_json(const struct iov_host_rules *rules, size_t index)
{
	const void *value = pointer_at(rules, rules_table[index].at);
	unsigned int count;

	if (!value)
		return NULL;
	switch (rules_table[index].kind) {
	case SWITCH:
		return json_object_new_boolean(*(const bool *)value);
	case TEXT:
		return json_object_new_string(value);
	case NUMBER:
		return json_object_new_int64((int64_t)*(const uint64_t *)value);
	default:
		memcpy(&count, (const char *)rules + rules_table[index].count_at, sizeof(count));
		return list_json(value, count);
	}
}

struct json_object *host_rules_json(const struct iov_host_rules *rules)
{
	struct json_object *json = rules ? json_object_new_object() : NULL;

	for (size_t i = 0; rules && i < RULES; i++) {
		struct json_object *value = value_json(rules, i);

		if (value)
			json_object_object_add(json, rules_table[i].key, value);
	}
	return json;
}

static void *read_list(struct json_object *list, unsigned int *count)
{
	size_t length = json_object_array_length(list);
	char **texts = calloc(length + 1, sizeof(*texts));

	for (*count = 0; texts && *count < length; ++*count) {
		texts[*count] = strdup(json_object_get_string(
			json_object_array_get_idx(list, *count)));
		if (!texts[*count])
			break;
	}
	return texts;
}

static void *read_value(struct iov_host_rules *rules, size_t index, struct json_object *json)
{
	unsigned int *count = (void *)((char *)rules + rules_table[index].count_at);
	uint64_t *number;
	bool *on;

	switch (rules_table[index].kind) {
	case SWITCH:
		on = malloc(sizeof(*on));
		if (on)
			*on = json_object_get_boolean(json);
		return on;
	case TEXT:
		return strdup(json_object_get_string(json));
	case NUMBER:
		number = malloc(sizeof(*number));
		if (number)
			*number = json_object_get_uint64(json);
		return number;
	default:
		return read_list(json, count);
	}
}

int host_rules_read(struct iov_host_rules *rules, struct json_object *json)
{
	for (size_t i = 0; i < RULES; i++) {
		struct json_object *value;
		void *read;

		if (!json_object_object_get_ex(json, rules_table[i].key, &value))
			continue;
		read = read_value(rules, i, value);
		if (!read)
			return -ENOMEM;
		set_pointer(rules, rules_table[i].at, read);
	}
	return 0;
}

/* What takes a rule away. */
static struct json_object *nothing(enum kind kind)
{
	switch (kind) {
	case SWITCH:
		return json_object_new_boolean(false);
	case TEXT:
		return json_object_new_string("none");
	case NUMBER:
		return json_object_new_int(0);
	default:
		return json_object_new_array();
	}
}

struct json_object *host_rules_change(struct json_object *now, struct json_object *wanted)
{
	struct json_object *change = json_object_new_object(), *value;

	for (size_t i = 0; i < RULES; i++) {
		const char *key = rules_table[i].key;

		if (json_object_object_get_ex(wanted, key, &value))
			json_object_object_add(change, key, json_object_get(value));
		else if (json_object_object_get_ex(now, key, NULL))
			json_object_object_add(change, key, nothing(rules_table[i].kind));
	}
	return change;
}
