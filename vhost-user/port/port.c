// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/port/port.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "vhost-user/port/disk_port.h"
#include "vhost-user/port/net_port.h"
#include "vhost-user/port/uplink_port.h"

const struct port_type *const port_types[] = {
	&net_port_type, &uplink_port_type, &disk_port_type, NULL,
};

int port_type_find(const struct port_type **out, struct iov *iov,
		   const struct port_options *options)
{
	const char *name = options->type ? options->type : "";

	for (unsigned int i = 0; port_types[i]; i++) {
		if (strcmp(port_types[i]->name, name))
			continue;
		*out = port_types[i];
		return port_types[i]->check(iov, options);
	}
	return iov_fail(iov, -EINVAL, "port type '%.32s': expected vhost-user, ethdev or disk", name);
}

static struct disk_options disk_options_of(struct json_object *object)
{
	return (struct disk_options){
		.backend = json_text_or_null(object, "backend"),
		.path = json_text_or_null(object, "path"),
		.uri = json_text_or_null(object, "uri"),
		.bytes = json_object_get_uint64(json_object_object_get(object, "bytes")),
		.zone_bytes = json_object_get_uint64(json_object_object_get(object, "zone_bytes")),
		.read_only = json_object_get_boolean(json_object_object_get(object, "read_only")),
		.cached = json_object_get_boolean(json_object_object_get(object, "cached")),
		.io_poll = json_object_get_boolean(json_object_object_get(object, "io_poll")),
		.register_memory =
			json_object_get_boolean(json_object_object_get(object, "register_memory")),
		.serial = json_text_or_null(object, "serial"),
		.queues = json_object_get_int(json_object_object_get(object, "queues")),
		.on_error = json_text_or_null(object, "on_error"),
		.qos = json_text_or_null(object, "qos"),
		.incoming = json_object_get_boolean(json_object_object_get(object, "incoming")),
		.given_up = json_object_get_boolean(json_object_object_get(object, "given_up")),
		.write_through =
			json_object_get_boolean(json_object_object_get(object, "write_through")),
		.flush_error = json_object_get_int(json_object_object_get(object, "flush_error")),
	};
}

struct port_options port_options_of(struct json_object *object)
{
	return (struct port_options){
		.name = json_text_or_null(object, "name"),
		.type = json_text_or_null(object, "type"),
		.socket = json_text_or_null(object, "socket"),
		.server = json_object_get_boolean(json_object_object_get(object, "server")),
		.mode = json_text_or_null(object, "socket_mode"),
		.owner = json_text_or_null(object, "socket_owner"),
		.device = json_text_or_null(object, "device"),
		.zero_copy = json_object_get_boolean(json_object_object_get(object, "zero_copy")),
		.mtu = json_object_get_int(json_object_object_get(object, "mtu")),
		.bridge = json_text_or_null(object, "bridge"),
		.queue_pairs = json_object_get_int(json_object_object_get(object, "queue_pairs")),
		.mac = json_text_or_null(object, "mac"),
		.standby = json_object_get_boolean(json_object_object_get(object, "standby")),
		.any_memory = json_object_get_boolean(json_object_object_get(object, "any_memory")),
		.iommu = json_object_get_boolean(json_object_object_get(object, "iommu")),
		.link = json_text_or_null(object, "link"),
		.rules = json_object_object_get(object, "rules"),
		.disk = disk_options_of(object),
	};
}

struct json_object *port_saved(const struct port *port)
{
	struct json_object *entry = json_object_new_object();

	json_object_object_add(entry, "name", json_object_new_string(port->name));
	json_object_object_add(entry, "type", json_object_new_string(port->type->name));
	port->type->save(port, entry);
	return entry;
}

const struct port_time_bound port_time_bounds[PORT_TIMES] = {
	{ 500, "5e-07" },	     { 1000, "1e-06" },		 { 2000, "2e-06" },
	{ 5000, "5e-06" },	     { 10000, "1e-05" },	 { 20000, "2e-05" },
	{ 50000, "5e-05" },	     { 100000, "0.0001" },	 { 200000, "0.0002" },
	{ 500000, "0.0005" },	     { 1000000, "0.001" },	 { 2000000, "0.002" },
	{ 5000000, "0.005" },	     { 10000000, "0.01" },	 { 20000000, "0.02" },
	{ 50000000, "0.05" },	     { 100000000, "0.1" },	 { 200000000, "0.2" },
	{ 500000000, "0.5" },	     { 1000000000, "1.0" },	 { 2000000000, "2.0" },
	{ 5000000000, "5.0" },	     { 10000000000, "10.0" },
};

static uint64_t is_up(const struct port *port)
{
	return port->type->is_up(port);
}

const struct port_metric port_metrics[] = {
	{ "port_up", true, NULL, "Whether a front end is connected, or the link of an uplink is up",
	  is_up },
	{ NULL },
};
