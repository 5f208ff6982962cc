// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/port/qos_groups.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "vhost-user/counter.h"
#include "vhost-user/port/registry.h"

/* Limits that a number of JSON holds, and a time divides. */
#define LIMIT_MAX INT64_C(1000000000000000)

#define NS_PER_MS UINT64_C(1000000)

static const char *const keys[QOS_LIMITS] = {
	[QOS_BYTES] = "bytes",
	[QOS_READ_BYTES] = "read_bytes",
	[QOS_WRITE_BYTES] = "write_bytes",
	[QOS_IOPS] = "iops",
	[QOS_READ_IOPS] = "read_iops",
	[QOS_WRITE_IOPS] = "write_iops",
	[QOS_PACKETS] = "packets",
	[QOS_RX_PACKETS] = "rx_packets",
	[QOS_TX_PACKETS] = "tx_packets",
};

static struct qos *search(const struct registry *registry, const char *name)
{
	struct qos *qos;

	TAILQ_FOREACH(qos, &registry->qos, link)
		if (!strcmp(qos->name, name))
			return qos;
	return NULL;
}

int qos_find(struct registry *registry, const char *name, struct qos **out)
{
	*out = search(registry, name);
	if (*out)
		return 0;
	return iov_fail(registry->iov, -ENOENT, "%.64s: no such QoS group; see 'iov qos list'", name);
}

int qos_find_named(struct registry *registry, const char *name, struct qos **out)
{
	*out = NULL;
	return name && strcmp(name, "none") ? qos_find(registry, name, out) : 0;
}

/* A number of @params; as it was when it is absent. */
static int read_number(struct registry *registry, const char *name, struct json_object *params,
		       const char *key, int64_t most, uint64_t *to)
{
	struct json_object *value;
	int64_t number;

	if (!json_object_object_get_ex(params, key, &value))
		return 0;
	number = json_object_get_int64(value);
	if (!json_object_is_type(value, json_type_int) || number < 0 || number > most)
		return iov_fail(registry->iov, -EINVAL, "%s: %s %.32s: expected 0, for %s, to %lld", name,
				key, json_object_get_string(value),
				strcmp(key, "burst_ms") ? "no limit" : "the default", (long long)most);
	*to = (uint64_t)number;
	return 0;
}

static void apply(struct registry *registry, struct qos *qos)
{
	double limits[QOS_LIMITS];

	for (unsigned int i = 0; i < QOS_LIMITS; i++)
		limits[i] = (double)qos->setting.limits[i];
	qos_group_set(&qos->group, monotonic_ns(), limits, qos->setting.burst_ms * NS_PER_MS);
	/* Who sleeps until it may go on looks again. */
	workers_wake(registry->workers);
}

/* What @params make of a setting. */
static int change(struct registry *registry, const char *name, struct json_object *params,
		  struct qos_setting *setting)
{
	int error = read_number(registry, name, params, "burst_ms", QOS_BURST_MS_MAX,
				&setting->burst_ms);

	for (unsigned int i = 0; !error && i < QOS_LIMITS; i++)
		error = read_number(registry, name, params, keys[i], LIMIT_MAX, &setting->limits[i]);
	if (!error && !setting->burst_ms)
		setting->burst_ms = QOS_BURST_MS;
	return error;
}

int qos_would_set(struct registry *registry, const struct qos *qos, struct json_object *params)
{
	struct qos_setting wanted = qos->setting;
	int error = change(registry, qos->name, params, &wanted);

	return error ? error : memcmp(&wanted, &qos->setting, sizeof(wanted)) != 0;
}

int qos_set(struct registry *registry, struct qos *qos, struct json_object *params)
{
	struct qos_setting wanted = qos->setting;
	int error = change(registry, qos->name, params, &wanted);

	if (error)
		return error;
	qos->setting = wanted;
	apply(registry, qos);
	return 0;
}

/* The setting of a new group. */
static int check_new(struct registry *registry, struct json_object *params,
		     struct qos_setting *setting)
{
	const char *name = json_text(params, "name");
	int error = registry_check_name(registry->iov, "QoS group", name);

	if (error)
		return error;
	/* Whoever leaves a group says so. */
	if (!strcmp(name, "none"))
		return iov_fail(registry->iov, -EINVAL, "none: is what says that there is no group; "
				"take another name");
	if (search(registry, name))
		return iov_fail(registry->iov, -EEXIST, "%s: there is such a QoS group already; "
				"'iov qos set' changes it", name);
	return change(registry, name, params, setting);
}

int qos_would_add(struct registry *registry, struct json_object *params)
{
	return check_new(registry, params, &(struct qos_setting){ 0 });
}

int qos_add(struct registry *registry, struct json_object *params, struct qos **out)
{
	const char *name = json_text(params, "name");
	struct qos_setting setting = { 0 };
	int error = check_new(registry, params, &setting);
	struct qos *qos;

	if (error)
		return error;
	qos = calloc(1, sizeof(*qos));
	if (!qos)
		return iov_fail(registry->iov, -ENOMEM, "%s: out of memory", name);
	strcpy(qos->name, name);
	qos->setting = setting;
	apply(registry, qos);
	TAILQ_INSERT_TAIL(&registry->qos, qos, link);
	*out = qos;
	return 0;
}

void qos_close(struct registry *registry, struct qos *qos)
{
	TAILQ_REMOVE(&registry->qos, qos, link);
	free(qos);
}

static struct json_object *members(const struct registry *registry, const struct qos *qos)
{
	struct json_object *names = json_object_new_array();
	const struct port *port;

	TAILQ_FOREACH(port, &registry->ports, link)
		if (port->qos == qos)
			json_object_array_add(names, json_object_new_string(port->name));
	return names;
}

/* "vm1, vm2" of the first of them, and how many more. */
static void list_names(struct json_object *names, char *text, size_t size)
{
	const size_t count = json_object_array_length(names);
	size_t length = 0;

	for (size_t i = 0; i < count; i++) {
		const char *name = json_object_get_string(json_object_array_get_idx(names, i));

		if (length + strlen(name) + sizeof(", ... and 255 more") > size) {
			snprintf(text + length, size - length, " and %zu more", count - i);
			return;
		}
		length += (size_t)snprintf(text + length, size - length, "%s%s", i ? ", " : "", name);
	}
}

int qos_would_remove(struct registry *registry, const struct qos *qos)
{
	struct json_object *names = members(registry, qos);
	char text[256];
	int error = 0;

	if (json_object_array_length(names)) {
		list_names(names, text, sizeof(text));
		error = iov_fail(registry->iov, -EBUSY, "%s: is the group of %s; take them out by 'iov "
				 "port set' or 'iov disk set' with --qos none first", qos->name, text);
	}
	json_object_put(names);
	return error;
}

static void add_limits(const struct qos *qos, struct json_object *object)
{
	json_add_text(object, "name", qos->name);
	for (unsigned int i = 0; i < QOS_LIMITS; i++)
		if (qos->setting.limits[i])
			json_object_object_add(object, keys[i],
					       json_object_new_uint64(qos->setting.limits[i]));
}

struct json_object *qos_describe(const struct registry *registry, const struct qos *qos)
{
	struct json_object *object = json_object_new_object();
	const struct qos_counts *counts = &qos->group.counts;

	add_limits(qos, object);
	json_object_object_add(object, "burst_ms", json_object_new_uint64(qos->setting.burst_ms));
	json_object_object_add(object, "members", members(registry, qos));
	json_object_object_add(object, "waits", json_object_new_uint64(counter_get(&counts->waits)));
	json_object_object_add(object, "wait_ms",
			       json_object_new_uint64(counter_get(&counts->wait_ns) / NS_PER_MS));
	json_object_object_add(object, "dropped_packets",
			       json_object_new_uint64(counter_get(&counts->drops)));
	return object;
}

void qos_save(const struct qos *qos, struct json_object *entry)
{
	add_limits(qos, entry);
	if (qos->setting.burst_ms != QOS_BURST_MS)
		json_object_object_add(entry, "burst_ms",
				       json_object_new_uint64(qos->setting.burst_ms));
}
