// SPDX-License-Identifier: GPL-2.0-or-later
/* iovd's bridges, ports, disks and QoS groups in a snapshot. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/rpc/rpc.h"
#include "host/file/build.h"
#include "host/file/disk.h"
#include "host/file/port_rules.h"
#include "host/file/qos.h"
#include "host/file/snapshot.h"

/* A copy of a member; false without memory, NULL where there is none. */
static bool copy_text(struct json_object *object, const char *key, char **copy)
{
	const char *text = json_text_or_null(object, key);

	*copy = text ? strdup(text) : NULL;
	return !text || *copy;
}

/* A port's function is written down by its identity. */
static int name_device(const struct snapshot *snapshot, char **device)
{
	char identity[IOV_IDENTITY_SIZE];
	struct iov_bdf bdf;

	if (!*device || iov_bdf_parse(snapshot->iov, *device, &bdf) ||
	    iov_identity_best(snapshot->index, bdf, identity, sizeof(identity)))
		return 0;
	free(*device);
	*device = strdup(identity);
	return *device ? 0 : -ENOMEM;
}

static bool set_switch(bool **to)
{
	*to = malloc(sizeof(**to));
	if (*to)
		**to = true;
	return *to;
}

static bool copy_number(struct json_object *from, const char *key, unsigned int **to)
{
	struct json_object *value = json_object_object_get(from, key);

	if (!value)
		return true;
	*to = malloc(sizeof(**to));
	if (*to)
		**to = (unsigned int)json_object_get_int(value);
	return *to;
}

/* Whether iovd says so. */
static bool is_set(struct json_object *object, const char *key)
{
	return json_object_get_boolean(json_object_object_get(object, key));
}

static int add_bridge(struct iov_host_iovd *iovd, struct json_object *bridge)
{
	struct iov_host_bridge *entry = snapshot_append(&iovd->bridges, &iovd->bridge_count,
							sizeof(*entry));

	return entry && copy_text(bridge, "name", &entry->name) &&
	       copy_text(bridge, "kind", &entry->kind) &&
	       copy_number(bridge, "age", &entry->age) &&
	       copy_number(bridge, "stations", &entry->stations) &&
	       (!is_set(bridge, "reserved") || set_switch(&entry->reserved)) ? 0 : -ENOMEM;
}

static int copy_rules(struct json_object *port, struct iov_host_rules **rules)
{
	struct json_object *json;

	if (!json_object_object_get_ex(port, "rules", &json))
		return 0;
	*rules = calloc(1, sizeof(**rules));
	return *rules ? host_rules_read(*rules, json) : -ENOMEM;
}

/* Of a guest's device; the MAC address that iovd tells of an uplink is the uplink's own. */
static bool copy_device(struct json_object *port, struct iov_host_port *entry)
{
	if (!entry->type || strcmp(entry->type, "vhost-user"))
		return true;
	return (!is_set(port, "standby") || set_switch(&entry->standby)) &&
	       (!is_set(port, "any_memory") || set_switch(&entry->any_memory)) &&
	       (!is_set(port, "iommu") || set_switch(&entry->iommu)) &&
	       copy_text(port, "mac", &entry->mac) &&
	       copy_number(port, "queue_pairs", &entry->queue_pairs);
}

/* Permissions that a socket has by itself are not said. */
static bool copy_access(struct json_object *port, bool **server, char **mode, char **owner)
{
	const char *socket_mode = json_text_or_null(port, "socket_mode");

	return (strcmp(json_text(port, "mode"), "server") || set_switch(server)) &&
	       (!socket_mode || !strcmp(socket_mode, "0660") ||
		copy_text(port, "socket_mode", mode)) &&
	       copy_text(port, "socket_owner", owner);
}

static int add_port(const struct snapshot *snapshot, struct iov_host_iovd *iovd,
		    struct json_object *port)
{
	struct iov_host_port *entry = snapshot_append(&iovd->ports, &iovd->port_count,
						      sizeof(*entry));

	if (!entry || !copy_text(port, "name", &entry->name) ||
	    !copy_text(port, "type", &entry->type) || !copy_text(port, "bridge", &entry->bridge) ||
	    !copy_text(port, "socket", &entry->socket) || !copy_text(port, "device", &entry->device))
		return -ENOMEM;
	if (!copy_access(port, &entry->server, &entry->socket_mode, &entry->socket_owner) ||
	    (is_set(port, "zero_copy") && !set_switch(&entry->zero_copy)) ||
	    !copy_number(port, "wanted_mtu", &entry->mtu) ||
	    !copy_device(port, entry) || copy_rules(port, &entry->rules))
		return -ENOMEM;
	return name_device(snapshot, &entry->device);
}

static int add_disk(struct iov_host_iovd *iovd, struct json_object *disk)
{
	struct iov_host_disk *entry = snapshot_append(&iovd->disks, &iovd->disk_count,
						      sizeof(*entry));
	_cleanup_json_ struct json_object *given = host_iovd_params(disk);

	host_disk_say_source(given, given);
	return entry && copy_text(given, "name", &entry->name) &&
	       copy_text(given, "socket", &entry->socket) &&
	       copy_access(disk, &entry->server, &entry->socket_mode, &entry->socket_owner) &&
	       (!is_set(given, "any_memory") || set_switch(&entry->any_memory)) &&
	       copy_text(given, "file", &entry->file) && copy_text(given, "nbd", &entry->nbd) &&
	       copy_text(given, "nvme", &entry->nvme) &&
	       copy_text(given, "memory", &entry->memory) &&
	       copy_text(given, "null", &entry->null) &&
	       copy_text(given, "zone_size", &entry->zone_size) &&
	       (!is_set(given, "read_only") || set_switch(&entry->read_only)) &&
	       (!is_set(given, "cached") || set_switch(&entry->cached)) &&
	       (!is_set(given, "io_poll") || set_switch(&entry->io_poll)) &&
	       (!is_set(given, "register_memory") || set_switch(&entry->register_memory)) &&
	       copy_text(given, "serial", &entry->serial) &&
	       copy_number(given, "queues", &entry->queues) &&
	       copy_text(given, "on_error", &entry->on_error) &&
	       copy_text(given, "qos", &entry->qos) ? 0 : -ENOMEM;
}

static int add_qos(struct iov_host_iovd *iovd, struct json_object *qos)
{
	struct iov_host_qos *entry = snapshot_append(&iovd->qos, &iovd->qos_count, sizeof(*entry));

	return entry ? host_qos_read(entry, qos) : -ENOMEM;
}

/* What iovd lists. */
struct lists {
	struct json_object *bridges;
	struct json_object *ports;
	struct json_object *disks;
	struct json_object *qos;
};

static int ask(const struct snapshot *snapshot, struct lists *lists)
{
	int error = iov_rpc_call(snapshot->iov, "bridge.list", NULL, &lists->bridges);

	if (!error)
		error = iov_rpc_call(snapshot->iov, "port.list", NULL, &lists->ports);
	if (!error)
		error = iov_rpc_call(snapshot->iov, "disk.list", NULL, &lists->disks);
	return error ? error : iov_rpc_call(snapshot->iov, "qos.list", NULL, &lists->qos);
}

static int add_all(struct snapshot *snapshot, const struct lists *lists)
{
	struct iov_host_iovd *iovd = calloc(1, sizeof(*iovd));
	int error = 0;

	if (!iovd)
		return -ENOMEM;
	snapshot->host->iovd = iovd;
	for (size_t i = 0; !error && i < json_object_array_length(lists->bridges); i++)
		error = add_bridge(iovd, json_object_array_get_idx(lists->bridges, i));
	for (size_t i = 0; !error && i < json_object_array_length(lists->ports); i++)
		error = add_port(snapshot, iovd, json_object_array_get_idx(lists->ports, i));
	for (size_t i = 0; !error && i < json_object_array_length(lists->disks); i++)
		error = add_disk(iovd, json_object_array_get_idx(lists->disks, i));
	for (size_t i = 0; !error && i < json_object_array_length(lists->qos); i++)
		error = add_qos(iovd, json_object_array_get_idx(lists->qos, i));
	return error;
}

int snapshot_iovd(struct snapshot *snapshot)
{
	struct lists lists = { 0 };
	int error = ask(snapshot, &lists);

	if (error) {
		fprintf(snapshot->notes, "#\n# Bridges, ports, disks and QoS groups of iovd are left out: %s\n",
			iov_error_message(snapshot->iov));
		error = 0;
	} else if (json_object_array_length(lists.bridges) + json_object_array_length(lists.ports) +
		   json_object_array_length(lists.disks) + json_object_array_length(lists.qos)) {
		error = add_all(snapshot, &lists);
	}
	json_object_put(lists.bridges);
	json_object_put(lists.ports);
	json_object_put(lists.disks);
	json_object_put(lists.qos);
	return error;
}
