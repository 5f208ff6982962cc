// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/file/disk.h"

#include <string.h>

#include "base/json.h"
#include "base/size.h"

/* A size that was found to be one. */
static uint64_t bytes_of(const char *size)
{
	uint64_t bytes = 0;

	size_parse(size, &bytes);
	return bytes;
}

static void add_text(struct json_object *params, const char *key, const char *text)
{
	if (text)
		json_add_text(params, key, text);
}

static void add_switch(struct json_object *params, const char *key, const bool *on)
{
	if (on)
		json_object_object_add(params, key, json_object_new_boolean(*on));
}

/* A switch of @now, when it is on. */
static void add_on(struct json_object *params, const char *key, struct json_object *now)
{
	if (json_object_get_boolean(json_object_object_get(now, key)))
		json_object_object_add(params, key, json_object_new_boolean(true));
}

static const char *backend_of(const struct iov_host_disk *disk)
{
	return disk->file ? "file" : disk->nbd ? "nbd" : disk->nvme ? "nvme" : disk->memory ? "memory" : "null";
}

struct json_object *host_disk_params(const struct iov_host_disk *disk)
{
	struct json_object *params = json_object_new_object();
	const char *size = disk->memory ? disk->memory : disk->null;

	json_add_text(params, "name", disk->name);
	json_add_text(params, "socket", disk->socket);
	json_object_object_add(params, "server",
			       json_object_new_boolean(disk->server && *disk->server));
	json_add_text(params, "backend", backend_of(disk));
	add_text(params, "path", disk->file ? disk->file : disk->nvme);
	add_text(params, "uri", disk->nbd);
	if (size)
		json_object_object_add(params, "bytes", json_object_new_uint64(bytes_of(size)));
	if (disk->zone_size)
		json_object_object_add(params, "zone_bytes",
				       json_object_new_uint64(bytes_of(disk->zone_size)));
	add_switch(params, "read_only", disk->read_only);
	add_switch(params, "cached", disk->cached);
	add_switch(params, "io_poll", disk->io_poll);
	add_switch(params, "register_memory", disk->register_memory);
	add_text(params, "serial", disk->serial);
	if (disk->queues)
		json_object_object_add(params, "queues", json_object_new_int((int)*disk->queues));
	add_text(params, "on_error", disk->on_error);
	add_text(params, "qos", disk->qos);
	add_switch(params, "any_memory", disk->any_memory);
	return params;
}

/* A disk without a serial number of its own has its name, as far as there is room. */
static const char *own_serial(struct json_object *now)
{
	const char *serial = json_text_or_null(now, "serial");

	return serial && strncmp(serial, json_text(now, "name"), HOST_SERIAL_MAX) ? serial : NULL;
}

/* What is done when nobody says it is not said. */
static const char *own_on_error(struct json_object *now)
{
	const char *on_error = json_text_or_null(now, "on_error");

	return on_error && strcmp(on_error, "report") ? on_error : NULL;
}

void host_disk_former(struct json_object *now, struct json_object *params)
{
	const char *path = json_text_or_null(now, "path"), *uri = json_text_or_null(now, "uri");

	json_add_text(params, "backend", json_text(now, "backend"));
	add_text(params, "path", path);
	add_text(params, "uri", uri);
	if (!path && !uri)
		json_object_object_add(params, "bytes",
				       json_object_get(json_object_object_get(now, "bytes")));
	if (!path && !uri && json_object_object_get(now, "zone_bytes"))
		json_object_object_add(params, "zone_bytes",
				       json_object_get(json_object_object_get(now, "zone_bytes")));
	add_on(params, "read_only", now);
	add_on(params, "cached", now);
	add_on(params, "io_poll", now);
	add_on(params, "register_memory", now);
	add_text(params, "serial", own_serial(now));
	json_object_object_add(params, "queues",
			       json_object_get(json_object_object_get(now, "queues_max")));
	add_text(params, "on_error", own_on_error(now));
	add_text(params, "qos", json_text_or_null(now, "qos"));
}

void host_disk_say_source(struct json_object *params, struct json_object *said)
{
	static const char *const keys[] = { "file", "nbd", "nvme", "memory", "null" };
	const char *value = json_text_or_null(params, "path");
	const char *backend = json_text(params, "backend");
	char size[IOV_SIZE_TEXT];

	if (!value)
		value = json_text_or_null(params, "uri");
	if (!value) {
		size_text(json_object_get_uint64(json_object_object_get(params, "bytes")), size);
		value = size;
	}
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		json_add_text(said, keys[i], strcmp(keys[i], backend) ? NULL : value);
	if (!json_object_object_get(params, "zone_bytes"))
		return;
	size_text(json_object_get_uint64(json_object_object_get(params, "zone_bytes")), size);
	json_add_text(said, "zone_size", size);
}
