// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/port/describe.h"

#include <linux/virtio_config.h>

#include "base/json.h"
#include "vhost-user/port/registry.h"

struct json_object *port_describe(const struct port *port)
{
	struct json_object *object = json_object_new_object();

	json_add_text(object, "name", port->name);
	json_add_text(object, "type", port->type->name);
	port->type->describe(port, object);
	return object;
}

/* The reasons that occurred. */
static void add_reasons(struct json_object *object, const struct port *port, enum reason_kind kind)
{
	const struct reason_table *table = &reason_tables[kind];
	uint64_t counters[REASONS_MAX];
	struct json_object *reasons;

	if (!port->type->reasons(port, kind, counters))
		return;
	reasons = json_object_new_object();
	for (unsigned int i = table->first; i < table->count; i++)
		if (counters[i])
			json_object_object_add(reasons, table->name(i),
					       json_object_new_uint64(counters[i]));
	json_object_object_add(object, table->key, reasons);
}

struct json_object *port_ring_json(const struct port *port, unsigned int index,
				   const char *direction)
{
	const struct vu_queue *queue = port->queues[index];
	struct json_object *ring = json_object_new_object();

	json_object_object_add(ring, "ring", json_object_new_int((int)index));
	if (direction)
		json_add_text(ring, "direction", direction);
	if (!queue)
		return ring;
	json_add_text(ring, "kind", queue->features & VU_BIT(VIRTIO_F_RING_PACKED) ? "packed"
										: "split");
	json_object_object_add(ring, "entries", json_object_new_int(queue->ring.size));
	json_add_text(ring, "state", queue->enabled ? "enabled" : "disabled");
	return ring;
}

void port_ring_add_cpu(struct json_object *ring, const struct port *port, unsigned int index)
{
	const struct registry *registry = port->registry;

	if (port->workers[index] < registry->worker_count)
		json_object_object_add(ring, "cpu", json_object_new_int((int)worker_stats(
			registry->workers, port->workers[index]).cpu));
}

static struct json_object *counters_json(const struct port *port)
{
	struct json_object *object = json_object_new_object();

	json_add_text(object, "port", port->name);
	port->type->count(port, object);
	for (enum reason_kind kind = 0; kind < REASON_KINDS; kind++)
		add_reasons(object, port, kind);
	if (port->front_end.endpoint)
		front_end_count(port, object);
	return object;
}

struct json_object *port_stats(const struct port *port)
{
	struct json_object *object = counters_json(port);

	json_object_object_add(object, "rings", port->type->rings(port));
	return object;
}

struct json_object *port_show(const struct port *port)
{
	struct json_object *object = port_describe(port);

	json_object_object_add(object, "counters", counters_json(port));
	json_object_object_add(object, "rings", port->type->rings(port));
	return object;
}
