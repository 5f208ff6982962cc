// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/file/qos.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

#define PLACE(member) offsetof(struct iov_host_qos, member)

/* Limits by their places, which end with NULL. */
static const char *const limits[] = {
	"iops", "read_iops", "write_iops", "bytes", "read_bytes", "write_bytes",
	"packets", "rx_packets", "tx_packets", NULL,
};

static const size_t places[] = {
	PLACE(iops), PLACE(read_iops), PLACE(write_iops), PLACE(bytes), PLACE(read_bytes),
	PLACE(write_bytes), PLACE(packets), PLACE(rx_packets), PLACE(tx_packets),
};

static const uint64_t *number_of(const struct iov_host_qos *qos, unsigned int limit)
{
	const uint64_t *number;

	memcpy(&number, (const char *)qos + places[limit], sizeof(number));
	return number;
}

static void add_number(struct json_object *params, const char *key, uint64_t number)
{
	json_object_object_add(params, key, json_object_new_int64((int64_t)number));
}

struct json_object *host_qos_params(const struct iov_host_qos *qos)
{
	struct json_object *params = json_object_new_object();

	json_add_text(params, "name", qos->name);
	for (unsigned int i = 0; limits[i]; i++) {
		const uint64_t *number = number_of(qos, i);

		if (number && *number)
			add_number(params, limits[i], *number);
	}
	add_number(params, "burst_ms", qos->burst_ms ? *qos->burst_ms : HOST_BURST_MS);
	return params;
}

/* A number as parameters have it, whatever its type is where it was read. */
static void copy_number(struct json_object *from, const char *key, struct json_object *params)
{
	struct json_object *value;

	if (json_object_object_get_ex(from, key, &value))
		add_number(params, key, json_object_get_uint64(value));
}

void host_qos_former(struct json_object *now, struct json_object *params)
{
	for (unsigned int i = 0; limits[i]; i++)
		copy_number(now, limits[i], params);
	copy_number(now, "burst_ms", params);
}

struct json_object *host_qos_change(struct json_object *params)
{
	struct json_object *change = json_object_new_object();

	json_add_text(change, "name", json_text(params, "name"));
	for (unsigned int i = 0; limits[i]; i++)
		add_number(change, limits[i], json_object_get_uint64(
			json_object_object_get(params, limits[i])));
	copy_number(params, "burst_ms", change);
	return change;
}

static int read_number(struct json_object *now, const char *key, uint64_t **to)
{
	struct json_object *value;

	if (!json_object_object_get_ex(now, key, &value))
		return 0;
	*to = malloc(sizeof(**to));
	if (!*to)
		return -ENOMEM;
	**to = json_object_get_uint64(value);
	return 0;
}

int host_qos_read(struct iov_host_qos *qos, struct json_object *now)
{
	int error = 0;

	qos->name = strdup(json_text(now, "name"));
	if (!qos->name)
		return -ENOMEM;
	for (unsigned int i = 0; !error && limits[i]; i++) {
		uint64_t *number = NULL;

		error = read_number(now, limits[i], &number);
		memcpy((char *)qos + places[i], &number, sizeof(number));
	}
	if (!error && json_object_get_int(json_object_object_get(now, "burst_ms")) != HOST_BURST_MS)
		error = read_number(now, "burst_ms", &qos->burst_ms);
	return error;
}
