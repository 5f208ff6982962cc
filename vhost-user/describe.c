// SPDX-License-Identifier: GPL-2.0-or-later
/* Ports and bridges as JSON. */
#include "vhost-user/registry.h"

static void add_string(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, text ? json_object_new_string(text) : NULL);
}

/* The worker writes counters while we read them; each of them is read whole. */
static void add_counter(struct json_object *object, const char *key, const uint64_t *counter)
{
	uint64_t value = __atomic_load_n(counter, __ATOMIC_RELAXED);

	json_object_object_add(object, key, json_object_new_uint64(value));
}

struct port_options port_options_of(struct json_object *object)
{
	return (struct port_options){
		.name = text_of(object, "name"),
		.socket = text_of(object, "socket"),
		.server = json_object_get_boolean(json_object_object_get(object, "server")),
		.mode = text_of(object, "socket_mode"),
		.owner = text_of(object, "socket_owner"),
		.device = text_of(object, "device"),
		.bridge = text_of(object, "bridge"),
	};
}

struct json_object *port_describe(const struct port *port)
{
	struct json_object *object = json_object_new_object();

	add_string(object, "name", port->name);
	add_string(object, "type", port->uplink ? "ethdev" : "vhost-user");
	add_string(object, "bridge", port->bridge ? port->bridge->name : NULL);
	if (port->uplink)
		uplink_describe(port->uplink, object);
	else
		vhost_port_describe(port, object);
	return object;
}

static struct json_object *drops_json(const struct dp_counters *counters)
{
	struct json_object *drops = json_object_new_object();

	for (enum drop reason = DROP_NONE + 1; reason < DROP_COUNT; reason++)
		if (__atomic_load_n(&counters->drops[reason], __ATOMIC_RELAXED))
			add_counter(drops, drop_name(reason), &counters->drops[reason]);
	return drops;
}

static struct json_object *refused_json(const struct vu_endpoint *endpoint)
{
	struct json_object *refused = json_object_new_object();
	struct vu_stats stats;

	vu_endpoint_stats(endpoint, &stats);
	for (enum vu_refusal reason = VU_ACCEPTED + 1; reason < VU_REFUSALS; reason++)
		if (stats.refused[reason])
			add_counter(refused, vu_refusal_name(reason), &stats.refused[reason]);
	return refused;
}

struct json_object *port_counters(const struct port *port)
{
	struct json_object *object = json_object_new_object();

	add_string(object, "port", port->name);
	add_counter(object, "rx_packets", &port->counters->rx_packets);
	add_counter(object, "rx_bytes", &port->counters->rx_bytes);
	add_counter(object, "tx_packets", &port->counters->tx_packets);
	add_counter(object, "tx_bytes", &port->counters->tx_bytes);
	json_object_object_add(object, "drops", drops_json(port->counters));
	if (port->endpoint)
		json_object_object_add(object, "refused", refused_json(port->endpoint));
	return object;
}

struct json_object *bridge_describe(const struct registry *registry, const struct bridge *bridge)
{
	struct json_object *object = json_object_new_object();
	struct json_object *names = json_object_new_array();
	const struct port *port;

	TAILQ_FOREACH(port, &registry->ports, link)
		if (port->bridge == bridge)
			json_object_array_add(names, json_object_new_string(port->name));
	add_string(object, "name", bridge->name);
	add_string(object, "kind", bridge->macs ? "switch" : "wire");
	json_object_object_add(object, "ports", names);
	return object;
}
