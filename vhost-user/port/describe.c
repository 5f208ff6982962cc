// SPDX-License-Identifier: GPL-2.0-or-later
/* Ports and bridges as JSON. */
#include <linux/virtio_config.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "vhost-user/port/registry.h"
#include "vhost-user/switch/forwarder.h"

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
		.name = json_text_or_null(object, "name"),
		.socket = json_text_or_null(object, "socket"),
		.server = json_object_get_boolean(json_object_object_get(object, "server")),
		.mode = json_text_or_null(object, "socket_mode"),
		.owner = json_text_or_null(object, "socket_owner"),
		.device = json_text_or_null(object, "device"),
		.zero_copy = json_object_get_boolean(json_object_object_get(object, "zero_copy")),
		.bridge = json_text_or_null(object, "bridge"),
		.queue_pairs = json_object_get_int(json_object_object_get(object, "queue_pairs")),
		.mac = json_text_or_null(object, "mac"),
		.standby = json_object_get_boolean(json_object_object_get(object, "standby")),
		.link = json_text_or_null(object, "link"),
		.rules = json_object_object_get(object, "rules"),
	};
}

struct json_object *port_describe(const struct port *port)
{
	struct json_object *object = json_object_new_object();

	add_string(object, "name", port->name);
	add_string(object, "type", port->uplink ? "ethdev" : "vhost-user");
	add_string(object, "bridge", port->bridge ? port->bridge->name : NULL);
	if (port->rules.json)
		json_object_object_add(object, "rules", json_object_get(port->rules.json));
	if (port->uplink)
		uplink_describe(port->uplink, object);
	else
		vhost_port_describe(port, object);
	return object;
}

/* Words all of them, so that they are added up as such. */
struct dp_counters port_counted(const struct port *port)
{
	struct dp_counters sum = { 0 };

	for (unsigned int i = 0; i < port->registry->worker_count; i++) {
		const uint64_t *from = &port->counters[i].rx_packets;
		uint64_t *to = &sum.rx_packets;

		for (size_t j = 0; j < offsetof(struct dp_counters, drops) / sizeof(*to) + DROP_COUNT;
		     j++)
			to[j] += __atomic_load_n(&from[j], __ATOMIC_RELAXED);
	}
	return sum;
}

bool port_reasons(const struct port *port, enum reason_kind kind, uint64_t counters[REASONS_MAX])
{
	struct vu_stats stats;

	if (kind == REASON_DROP) {
		const struct dp_counters counted = port_counted(port);

		memcpy(counters, counted.drops, sizeof(counted.drops));
		return true;
	}
	if (!port->endpoint)
		return false;
	vu_endpoint_stats(port->endpoint, &stats);
	if (kind == REASON_REFUSED)
		memcpy(counters, stats.refused, sizeof(stats.refused));
	else if (kind == REASON_BROKEN)
		memcpy(counters, stats.broken, sizeof(stats.broken));
	else
		memcpy(counters, vu_endpoint_events(port->endpoint), VU_EVENTS * sizeof(*counters));
	return true;
}

/* The reasons that occurred. */
static void add_reasons(struct json_object *object, const struct port *port, enum reason_kind kind)
{
	const struct reason_table *table = &reason_tables[kind];
	uint64_t counters[REASONS_MAX];
	struct json_object *reasons;

	if (!port_reasons(port, kind, counters))
		return;
	reasons = json_object_new_object();
	for (unsigned int i = table->first; i < table->count; i++)
		if (counters[i])
			add_counter(reasons, table->name(i), &counters[i]);
	json_object_object_add(object, table->key, reasons);
}

static void add_front_end(struct json_object *object, const struct port *port)
{
	uint64_t left_out = port_log_suppressed(port->log);
	struct vu_stats stats;

	vu_endpoint_stats(port->endpoint, &stats);
	add_counter(object, "messages", &stats.messages);
	add_counter(object, "log_lines_left_out", &left_out);
}

/* The CPU of the worker that takes from a ring, if one does. */
static void add_cpu(struct json_object *ring, const struct port *port, unsigned int index)
{
	const struct registry *registry = port->registry;

	if (port->workers[index] < registry->worker_count)
		json_object_object_add(ring, "cpu", json_object_new_int((int)worker_stats(
			registry->workers, port->workers[index]).cpu));
}

static struct json_object *uplink_rings_json(const struct port *port)
{
	struct json_object *rings = json_object_new_array();

	for (unsigned int i = 0; i < uplink_queues(port->uplink); i++) {
		struct json_object *ring = json_object_new_object();
		uint64_t frames = uplink_frames(port->uplink, i);

		json_object_object_add(ring, "ring", json_object_new_int((int)i));
		add_string(ring, "direction", "from network");
		add_counter(ring, "frames", &frames);
		add_cpu(ring, port, i);
		json_object_array_add(rings, ring);
	}
	return rings;
}

static struct json_object *guest_rings_json(const struct port *port)
{
	struct json_object *rings = json_object_new_array();

	for (unsigned int i = 0; i < port->queue_end; i++) {
		const struct vu_queue *queue = port->queues[i];
		struct json_object *ring;

		if (!queue)
			continue;
		ring = json_object_new_object();
		json_object_object_add(ring, "ring", json_object_new_int((int)i));
		add_string(ring, "direction", i & 1 ? "from guest" : "to guest");
		add_string(ring, "kind", queue->features & VU_BIT(VIRTIO_F_RING_PACKED) ? "packed"
											: "split");
		json_object_object_add(ring, "entries", json_object_new_int(queue->ring.size));
		add_string(ring, "state", queue->enabled ? "enabled" : "disabled");
		add_counter(ring, "frames", &queue->frames);
		if (i & 1)
			add_cpu(ring, port, i);
		json_object_array_add(rings, ring);
	}
	return rings;
}

static struct json_object *rings_json(const struct port *port)
{
	return port->endpoint ? guest_rings_json(port) : uplink_rings_json(port);
}

static struct json_object *port_counters(const struct port *port)
{
	const struct dp_counters counters = port_counted(port);
	struct json_object *object = json_object_new_object();

	add_string(object, "port", port->name);
	add_counter(object, "rx_packets", &counters.rx_packets);
	add_counter(object, "rx_bytes", &counters.rx_bytes);
	add_counter(object, "tx_packets", &counters.tx_packets);
	add_counter(object, "tx_bytes", &counters.tx_bytes);
	for (enum reason_kind kind = 0; kind < REASON_KINDS; kind++)
		add_reasons(object, port, kind);
	if (port->endpoint)
		add_front_end(object, port);
	return object;
}

struct json_object *port_stats(const struct port *port)
{
	struct json_object *object = port_counters(port);

	json_object_object_add(object, "rings", rings_json(port));
	return object;
}

struct json_object *port_show(const struct port *port)
{
	struct json_object *object = port_describe(port);

	json_object_object_add(object, "counters", port_counters(port));
	json_object_object_add(object, "rings", rings_json(port));
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
	if (bridge->age)
		json_object_object_add(object, "age", json_object_new_int((int)bridge->age));
	json_object_object_add(object, "ports", names);
	return object;
}

static void add_station(struct json_object *list, const struct port *port, uint64_t key,
			const char *kind)
{
	struct json_object *object = json_object_new_object();
	char text[MAC_TEXT];
	uint8_t mac[6];

	mac_of_key(key, mac);
	port_rules_format_mac(mac, text);
	add_string(object, "mac", text);
	json_object_object_add(object, "vlan", json_object_new_int(MAC_KEY_VLAN(key)));
	add_string(object, "port", port->name);
	add_string(object, "kind", kind);
	json_object_array_add(list, object);
}

struct json_object *bridge_stations(const struct registry *registry, const struct bridge *bridge)
{
	struct json_object *list = json_object_new_array();
	const uint32_t now = forwarder_seconds();
	uint64_t *keys = calloc(REGISTRY_STATIONS, sizeof(*keys));
	const struct port *port;

	TAILQ_FOREACH(port, &registry->ports, link) {
		unsigned int count = 0;

		if (port->bridge != bridge)
			continue;
		for (unsigned int i = 0; i < port->rules.station_count; i++)
			add_station(list, port, port->rules.stations[i], "fixed");
		if (bridge->macs && keys)
			count = mac_table_list(bridge->macs, port->id, now, bridge_age(bridge), keys,
					       REGISTRY_STATIONS);
		for (unsigned int i = 0; i < count; i++)
			add_station(list, port, keys[i], "learned");
	}
	free(keys);
	return list;
}
