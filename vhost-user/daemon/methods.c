// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/daemon/methods.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "vhost-user/daemon/metrics.h"
#include "vhost-user/daemon/tracing.h"
#include "vhost-user/port/bridge.h"
#include "vhost-user/port/describe.h"
#include "vhost-user/port/disk_port.h"
#include "vhost-user/port/member.h"
#include "vhost-user/protocol/positions.h"

#define PARAMS(list) .params = (list), .param_count = sizeof(list) / sizeof(*(list))

static const struct jsonrpc_param name_params[] = {
	{ "name", json_type_string, true },
};

/* What changes something answers with "dry_run" whether it would. */
#define DRY_RUN { "dry_run", json_type_boolean, false }

static bool is_dry_run(struct json_object *params)
{
	return json_object_get_boolean(json_object_object_get(params, "dry_run"));
}

/* @changes: 1, 0 for what is so already, or -errno */
static int answer_dry_run(int changes, struct json_object **result)
{
	if (changes < 0)
		return changes;
	*result = json_object_new_object();
	json_object_object_add(*result, "changes", json_object_new_boolean(changes));
	return 0;
}

/*
 * What it is now, or was when it was removed, and whether that is a change; what changed is
 * written down.  @keeps: whether the change is of what the file has
 */
static int answer_change(struct methods *methods, bool changed, bool keeps, struct json_object *is,
			 struct json_object **result)
{
	if (changed && keeps)
		saved_ports_save(methods->saved);
	*result = is;
	json_object_object_add(is, "changes", json_object_new_boolean(changed));
	return 0;
}

static const struct jsonrpc_param remove_params[] = {
	{ "name", json_type_string, true }, DRY_RUN,
};

static const struct jsonrpc_param port_add_params[] = {
	{ "name", json_type_string, true },	{ "type", json_type_string, true },
	{ "socket", json_type_string, false },	{ "server", json_type_boolean, false },
	{ "socket_mode", json_type_string, false }, { "socket_owner", json_type_string, false },
	{ "device", json_type_string, false },	{ "bridge", json_type_string, false },
	{ "queue_pairs", json_type_int, false }, { "mac", json_type_string, false },
	{ "standby", json_type_boolean, false }, { "iommu", json_type_boolean, false },
	{ "any_memory", json_type_boolean, false }, { "link", json_type_string, false },
	{ "rules", json_type_object, false },	{ "zero_copy", json_type_boolean, false },
	{ "mtu", json_type_int, false },	DRY_RUN,
};

/* 1 or -errno */
static int rehearse_add(struct registry *registry, const struct port_options *options)
{
	int error = port_rehearse(registry, options);

	return error ? error : 1;
}

static int call_port_add(void *arg, struct json_object *params, struct json_object **result)
{
	struct methods *methods = arg;
	struct registry *registry = methods->registry;
	struct port_options options = port_options_of(params);
	struct port *port;
	int error = member_check_rules(registry, options.name, options.rules);

	if (!error && is_dry_run(params))
		return answer_dry_run(rehearse_add(registry, &options), result);
	if (!error)
		error = port_add(registry, &options, &port);
	return error ? error : answer_change(methods, true, true, port_describe(port), result);
}

static const struct jsonrpc_param port_set_params[] = {
	{ "name", json_type_string, true },
	{ "link", json_type_string, false },
	{ "announce", json_type_boolean, false },
	{ "mtu", json_type_int, false },
	{ "rules", json_type_object, false },
	DRY_RUN,
};

/* Ports that carry frames, and disks, are looked for and listed apart from each other. */
typedef int find_port(struct registry *registry, const char *name, struct port **out);

static enum saved_kind kind_of(find_port *find)
{
	return find == port_find ? SAVED_PORT : SAVED_DISK;
}

/* What could not be had again is listed with the reason. */
static struct json_object *find_missing(struct methods *methods, struct json_object *params,
					enum saved_kind kind)
{
	return saved_ports_missing(methods->saved, kind, json_text(params, "name"));
}

/* @error: of looking for one that is there */
static int say_missing(struct methods *methods, struct json_object *params, enum saved_kind kind,
		       int error)
{
	_cleanup_json_ struct json_object *missing = NULL;

	if (error != -ENOENT)
		return error;
	missing = find_missing(methods, params, kind);
	if (!missing)
		return error;
	return iov_fail(methods->registry->iov, -ENOENT, "%s: is not there since iovd started again: %s; "
			"when the cause is gone, remove it and add it again", json_text(params, "name"),
			json_text(missing, "error"));
}

static int find_there(struct methods *methods, struct json_object *params, find_port *find,
		      struct port **out)
{
	int error = find(methods->registry, json_text(params, "name"), out);

	return say_missing(methods, params, kind_of(find), error);
}

static int find_bridge(struct methods *methods, struct json_object *params, struct bridge **out)
{
	int error = bridge_find(methods->registry, json_text(params, "name"), out);

	return say_missing(methods, params, SAVED_BRIDGE, error);
}

static int find_qos(struct methods *methods, struct json_object *params, struct qos **out)
{
	int error = qos_find(methods->registry, json_text(params, "name"), out);

	return say_missing(methods, params, SAVED_QOS, error);
}

/* Of what is gone no more is told than that; of a bridge that it had ports, which stay. */
static struct json_object *name_of(struct json_object *params)
{
	struct json_object *object = json_object_new_object();

	json_add_text(object, "name", json_text(params, "name"));
	return object;
}

/* Whether one that could not be had again is what is to be removed, and gone then as well. */
static bool remove_missing(struct methods *methods, struct json_object *params,
			   enum saved_kind kind, struct json_object **result)
{
	_cleanup_json_ struct json_object *missing = find_missing(methods, params, kind);
	const char *name = json_text(params, "name");

	if (!missing)
		return false;
	if (is_dry_run(params)) {
		answer_dry_run(1, result);
		return true;
	}
	saved_ports_forget(methods->saved, kind, name);
	if (kind == SAVED_PORT || kind == SAVED_DISK)
		positions_forget(methods->registry->positions, name);
	answer_change(methods, true, true,
		      kind == SAVED_BRIDGE ? json_object_get(missing) : name_of(params), result);
	return true;
}

static int call_port_set(void *arg, struct json_object *params, struct json_object **result)
{
	const struct port_changes changes = {
		.link = json_text_or_null(params, "link"),
		.announce = json_object_get_boolean(json_object_object_get(params, "announce")),
		.mtu = json_object_get_int(json_object_object_get(params, "mtu")),
		.rules = json_object_object_get(params, "rules"),
	};
	struct methods *methods = arg;
	struct port *port;
	int error = find_there(methods, params, port_find, &port);
	int differs = error ? error : port->type->would_set(port, &changes);

	if (differs < 0 || is_dry_run(params))
		return answer_dry_run(differs, result);
	error = differs ? port->type->set(port, &changes) : 0;
	return error ? error : answer_change(methods, differs,
					     changes.link || changes.rules || changes.mtu,
					     port_describe(port), result);
}

static struct json_object *describe_all(struct methods *methods, bool disks)
{
	struct json_object *list = json_object_new_array();
	struct port *port;

	TAILQ_FOREACH(port, &methods->registry->ports, link)
		if (port_is_disk(port) == disks)
			json_object_array_add(list, port_describe(port));
	saved_ports_add_missing(methods->saved, disks ? SAVED_DISK : SAVED_PORT, list);
	return list;
}

static int stats(struct methods *methods, struct json_object *params, struct json_object **result,
		 find_port *find)
{
	const bool disks = find != port_find;
	const char *name = json_text_or_null(params, "name");
	struct port *port;
	int error = name ? find_there(methods, params, find, &port) : 0;

	if (error)
		return error;
	*result = json_object_new_array();
	TAILQ_FOREACH(port, &methods->registry->ports, link)
		if (port_is_disk(port) == disks && (!name || !strcmp(port->name, name)))
			json_object_array_add(*result, port_stats(port));
	return 0;
}

static int show(struct methods *methods, struct json_object *params, struct json_object **result,
		find_port *find)
{
	struct port *port;
	int error;

	*result = find_missing(methods, params, kind_of(find));
	if (*result)
		return 0;
	error = find(methods->registry, json_text(params, "name"), &port);
	if (!error)
		*result = port_show(port);
	return error;
}

static int call_port_list(void *arg, struct json_object *params, struct json_object **result)
{
	(void)params;
	*result = describe_all(arg, false);
	return 0;
}

static const struct jsonrpc_param port_stats_params[] = {
	{ "name", json_type_string, false },
};

static int call_port_stats(void *arg, struct json_object *params, struct json_object **result)
{
	return stats(arg, params, result, port_find);
}

static int call_port_show(void *arg, struct json_object *params, struct json_object **result)
{
	return show(arg, params, result, port_find);
}

static int remove_found(struct methods *methods, struct json_object *params,
			struct json_object **result, find_port *find)
{
	struct port *port;
	int error;

	if (remove_missing(methods, params, kind_of(find), result))
		return 0;
	error = find(methods->registry, json_text(params, "name"), &port);
	if (error || is_dry_run(params))
		return answer_dry_run(error ? error : 1, result);
	port_remove(methods->registry, port);
	return answer_change(methods, true, true, name_of(params), result);
}

static int call_port_remove(void *arg, struct json_object *params, struct json_object **result)
{
	return remove_found(arg, params, result, port_find);
}

static const struct jsonrpc_param disk_add_params[] = {
	{ "name", json_type_string, true },	{ "socket", json_type_string, true },
	{ "server", json_type_boolean, false },	{ "socket_mode", json_type_string, false },
	{ "socket_owner", json_type_string, false }, { "any_memory", json_type_boolean, false },
	{ "backend", json_type_string, true },	{ "path", json_type_string, false },
	{ "uri", json_type_string, false },	{ "bytes", json_type_int, false },
	{ "read_only", json_type_boolean, false }, { "cached", json_type_boolean, false },
	{ "io_poll", json_type_boolean, false }, { "register_memory", json_type_boolean, false },
	{ "serial", json_type_string, false },	{ "queues", json_type_int, false },
	{ "on_error", json_type_string, false },	{ "qos", json_type_string, false },
	{ "incoming", json_type_boolean, false },
	{ "zone_bytes", json_type_int, false },
	DRY_RUN,
};

static int call_disk_add(void *arg, struct json_object *params, struct json_object **result)
{
	struct methods *methods = arg;
	struct port_options options = port_options_of(params);
	struct port *port;
	int error;

	options.type = disk_port_type.name;
	if (is_dry_run(params))
		return answer_dry_run(rehearse_add(methods->registry, &options), result);
	error = port_add(methods->registry, &options, &port);
	return error ? error : answer_change(methods, true, true, port_describe(port), result);
}

static int call_disk_list(void *arg, struct json_object *params, struct json_object **result)
{
	(void)params;
	*result = describe_all(arg, true);
	return 0;
}

static int call_disk_show(void *arg, struct json_object *params, struct json_object **result)
{
	return show(arg, params, result, disk_find);
}

static int call_disk_stats(void *arg, struct json_object *params, struct json_object **result)
{
	return stats(arg, params, result, disk_find);
}

static const struct jsonrpc_param disk_set_params[] = {
	{ "name", json_type_string, true },
	{ "on_error", json_type_string, false },
	{ "qos", json_type_string, false },
	{ "clear_errors", json_type_boolean, false },
	DRY_RUN,
};

static int call_disk_set(void *arg, struct json_object *params, struct json_object **result)
{
	const struct disk_changes changes = {
		.on_error = json_text_or_null(params, "on_error"),
		.qos = json_text_or_null(params, "qos"),
		.clear_errors = json_object_get_boolean(json_object_object_get(params, "clear_errors")),
	};
	struct methods *methods = arg;
	struct port *port;
	int error = find_there(methods, params, disk_find, &port);
	int differs = error ? error : disk_would_set(port, &changes);

	if (differs < 0 || is_dry_run(params))
		return answer_dry_run(differs, result);
	if (differs)
		disk_set(port, &changes);
	return answer_change(methods, differs, changes.on_error || changes.qos, port_describe(port),
			     result);
}

static const struct jsonrpc_param disk_resize_params[] = {
	{ "name", json_type_string, true },
	{ "bytes", json_type_int, false },
	{ "shrink", json_type_boolean, false },
	DRY_RUN,
};

static int call_disk_resize(void *arg, struct json_object *params, struct json_object **result)
{
	const int64_t bytes = json_object_get_int64(json_object_object_get(params, "bytes"));
	struct methods *methods = arg;
	struct port *port;
	int error = find_there(methods, params, disk_find, &port);
	int differs = error;

	if (!error && bytes < 0)
		differs = iov_fail(methods->registry->iov, -EINVAL, "%s: %lld bytes: expected more than 0",
				   port->name, (long long)bytes);
	else if (!error)
		differs = disk_would_resize(port, (uint64_t)bytes, json_object_get_boolean(
			json_object_object_get(params, "shrink")));
	if (differs < 0 || is_dry_run(params))
		return answer_dry_run(differs, result);
	error = differs ? disk_resize(port, (uint64_t)bytes) : 0;
	return error ? error : answer_change(methods, differs, true, port_describe(port), result);
}

static const struct jsonrpc_param disk_remove_params[] = {
	{ "name", json_type_string, true }, { "unused", json_type_boolean, false }, DRY_RUN,
};

/* Its guest waits for what it asks for then, until there is such a disk again. */
static int refuse_used(struct methods *methods, const char *name)
{
	struct port *port;
	unsigned int rings;

	if (disk_find(methods->registry, name, &port))
		return 0;
	rings = disk_rings(port);
	if (!rings)
		return 0;
	return iov_fail_as(methods->registry->iov, IOV_FAILURE_OTHER, -EBUSY, "%s: a guest uses it, %u queue%s "
			   "run; detach it there first, or say --in-use: the guest then waits for ever for "
			   "what it reads and writes, or until there is such a disk again", name, rings,
			   rings > 1 ? "s" : "");
}

static int call_disk_remove(void *arg, struct json_object *params, struct json_object **result)
{
	struct methods *methods = arg;
	int error = 0;

	if (json_object_get_boolean(json_object_object_get(params, "unused")))
		error = refuse_used(methods, json_text(params, "name"));
	return error ? error : remove_found(arg, params, result, disk_find_removable);
}

static const struct jsonrpc_param qos_params[] = {
	{ "name", json_type_string, true },	{ "bytes", json_type_int, false },
	{ "read_bytes", json_type_int, false },	{ "write_bytes", json_type_int, false },
	{ "iops", json_type_int, false },	{ "read_iops", json_type_int, false },
	{ "write_iops", json_type_int, false },	{ "packets", json_type_int, false },
	{ "rx_packets", json_type_int, false },	{ "tx_packets", json_type_int, false },
	{ "burst_ms", json_type_int, false },	DRY_RUN,
};

static int call_qos_add(void *arg, struct json_object *params, struct json_object **result)
{
	struct methods *methods = arg;
	struct qos *qos;
	int error;

	if (is_dry_run(params)) {
		error = qos_would_add(methods->registry, params);
		return answer_dry_run(error ? error : 1, result);
	}
	error = qos_add(methods->registry, params, &qos);
	return error ? error : answer_change(methods, true, true,
					     qos_describe(methods->registry, qos), result);
}

static int call_qos_set(void *arg, struct json_object *params, struct json_object **result)
{
	struct methods *methods = arg;
	struct qos *qos;
	int error = find_qos(methods, params, &qos);
	int differs = error ? error : qos_would_set(methods->registry, qos, params);

	if (differs < 0 || is_dry_run(params))
		return answer_dry_run(differs, result);
	error = differs ? qos_set(methods->registry, qos, params) : 0;
	return error ? error : answer_change(methods, differs, true,
					     qos_describe(methods->registry, qos), result);
}

static int call_qos_list(void *arg, struct json_object *params, struct json_object **result)
{
	struct methods *methods = arg;
	const struct qos *qos;

	(void)params;
	*result = json_object_new_array();
	TAILQ_FOREACH(qos, &methods->registry->qos, link)
		json_object_array_add(*result, qos_describe(methods->registry, qos));
	saved_ports_add_missing(methods->saved, SAVED_QOS, *result);
	return 0;
}

static int call_qos_show(void *arg, struct json_object *params, struct json_object **result)
{
	struct methods *methods = arg;
	struct qos *qos;
	int error;

	*result = find_missing(methods, params, SAVED_QOS);
	if (*result)
		return 0;
	error = qos_find(methods->registry, json_text(params, "name"), &qos);
	if (!error)
		*result = qos_describe(methods->registry, qos);
	return error;
}

static int call_qos_remove(void *arg, struct json_object *params, struct json_object **result)
{
	struct methods *methods = arg;
	struct qos *qos;
	int error;

	if (remove_missing(methods, params, SAVED_QOS, result))
		return 0;
	error = qos_find(methods->registry, json_text(params, "name"), &qos);
	if (!error)
		error = qos_would_remove(methods->registry, qos);
	if (error || is_dry_run(params))
		return answer_dry_run(error ? error : 1, result);
	qos_close(methods->registry, qos);
	return answer_change(methods, true, true, name_of(params), result);
}

static const struct jsonrpc_param bridge_add_params[] = {
	{ "name", json_type_string, true },
	{ "kind", json_type_string, true },
	{ "age", json_type_int, false },
	{ "stations", json_type_int, false },
	{ "reserved", json_type_boolean, false },
	{ "ports", json_type_array, false },
	DRY_RUN,
};

static int call_bridge_add(void *arg, struct json_object *params, struct json_object **result)
{
	const struct bridge_options options = bridge_options_of(params);
	const char *name = json_text(params, "name"), *kind = json_text(params, "kind");
	struct json_object *ports = json_object_object_get(params, "ports");
	struct methods *methods = arg;
	struct bridge *bridge;
	int error;

	if (is_dry_run(params)) {
		error = bridge_rehearse(methods->registry, name, kind, &options, ports);
		return answer_dry_run(error ? error : 1, result);
	}
	error = bridge_add(methods->registry, name, kind, &options, ports, &bridge);
	return error ? error : answer_change(methods, true, true,
					     bridge_describe(methods->registry, bridge), result);
}

static const struct jsonrpc_param bridge_set_params[] = {
	{ "name", json_type_string, true },
	{ "age", json_type_int, false },
	{ "stations", json_type_int, false },
	{ "reserved", json_type_boolean, false },
	DRY_RUN,
};

static int call_bridge_set(void *arg, struct json_object *params, struct json_object **result)
{
	const struct bridge_options options = bridge_options_of(params);
	struct methods *methods = arg;
	struct bridge *bridge;
	int error = find_bridge(methods, params, &bridge);
	int differs = error ? error : bridge_would_set(methods->registry, bridge, &options);

	if (differs < 0 || is_dry_run(params))
		return answer_dry_run(differs, result);
	error = differs ? bridge_set(methods->registry, bridge, &options) : 0;
	return error ? error : answer_change(methods, differs, true,
					     bridge_describe(methods->registry, bridge), result);
}

static int call_bridge_stations(void *arg, struct json_object *params, struct json_object **result)
{
	struct methods *methods = arg;
	struct bridge *bridge;
	int error = find_bridge(methods, params, &bridge);

	if (!error)
		*result = bridge_stations(methods->registry, bridge);
	return error;
}

static int call_bridge_list(void *arg, struct json_object *params, struct json_object **result)
{
	struct methods *methods = arg;
	struct bridge *bridge;

	(void)params;
	*result = json_object_new_array();
	TAILQ_FOREACH(bridge, &methods->registry->bridges, link)
		json_object_array_add(*result, bridge_describe(methods->registry, bridge));
	saved_ports_add_missing(methods->saved, SAVED_BRIDGE, *result);
	return 0;
}

static int call_bridge_remove(void *arg, struct json_object *params, struct json_object **result)
{
	struct methods *methods = arg;
	struct json_object *was;
	struct bridge *bridge = NULL;
	int error;

	if (remove_missing(methods, params, SAVED_BRIDGE, result))
		return 0;
	error = bridge_find(methods->registry, json_text(params, "name"), &bridge);
	if (error || is_dry_run(params))
		return answer_dry_run(error ? error : 1, result);
	was = bridge_describe(methods->registry, bridge);
	bridge_close(methods->registry, bridge);
	return answer_change(methods, true, true, was, result);
}

static struct json_object *worker_json(const struct workers *workers, unsigned int index)
{
	const struct worker_stats stats = worker_stats(workers, index);
	struct json_object *worker = json_object_new_object();

	json_object_object_add(worker, "cpu", json_object_new_int((int)stats.cpu));
	json_object_object_add(worker, "passes", json_object_new_uint64(stats.passes));
	json_object_object_add(worker, "busy", json_object_new_uint64(stats.busy));
	json_object_object_add(worker, "sleeps", json_object_new_uint64(stats.sleeps));
	json_object_object_add(worker, "busy_ns", json_object_new_uint64(stats.busy_ns));
	json_object_object_add(worker, "longest_ns", json_object_new_uint64(stats.longest_ns));
	json_object_object_add(worker, "recent_ns", json_object_new_uint64(stats.recent_ns));
	json_object_object_add(worker, "poll", json_object_new_string(worker_poll_name(stats.poll)));
	return worker;
}

static int trace(struct methods *methods, struct json_object *params, struct json_object **result,
		 find_port *find)
{
	struct port *port;
	int error = find_there(methods, params, find, &port);

	if (!error)
		error = tracing_start(methods, port);
	if (!error)
		*result = port_describe(port);
	return error;
}

static int call_port_trace(void *arg, struct json_object *params, struct json_object **result)
{
	return trace(arg, params, result, port_find);
}

static int call_disk_trace(void *arg, struct json_object *params, struct json_object **result)
{
	return trace(arg, params, result, disk_find);
}

static int call_version(void *arg, struct json_object *params, struct json_object **result)
{
	const struct registry *registry = ((struct methods *)arg)->registry;
	struct json_object *workers = json_object_new_array();

	(void)params;
	for (unsigned int i = 0; i < registry->worker_count; i++)
		json_object_array_add(workers, worker_json(registry->workers, i));
	*result = json_object_new_object();
	json_object_object_add(*result, "version", json_object_new_string(IOVKIT_VERSION));
	json_object_object_add(*result, "workers", workers);
	return 0;
}

static int call_metrics(void *arg, struct json_object *params, struct json_object **result)
{
	char *text = metrics_text(((struct methods *)arg)->registry);

	(void)params;
	if (!text)
		return -ENOMEM;
	*result = json_object_new_string(text);
	free(text);
	return 0;
}

const struct jsonrpc_method iovd_methods[] = {
	{ "port.add", PARAMS(port_add_params), call_port_add },
	{ "port.set", PARAMS(port_set_params), call_port_set },
	{ "port.list", NULL, 0, call_port_list },
	{ "port.show", PARAMS(name_params), call_port_show },
	{ "port.stats", PARAMS(port_stats_params), call_port_stats },
	{ "port.trace", PARAMS(name_params), call_port_trace },
	{ "port.remove", PARAMS(remove_params), call_port_remove },
	{ "disk.add", PARAMS(disk_add_params), call_disk_add },
	{ "disk.set", PARAMS(disk_set_params), call_disk_set },
	{ "disk.list", NULL, 0, call_disk_list },
	{ "disk.show", PARAMS(name_params), call_disk_show },
	{ "disk.stats", PARAMS(port_stats_params), call_disk_stats },
	{ "disk.trace", PARAMS(name_params), call_disk_trace },
	{ "disk.resize", PARAMS(disk_resize_params), call_disk_resize },
	{ "disk.remove", PARAMS(disk_remove_params), call_disk_remove },
	{ "bridge.add", PARAMS(bridge_add_params), call_bridge_add },
	{ "bridge.set", PARAMS(bridge_set_params), call_bridge_set },
	{ "bridge.stations", PARAMS(name_params), call_bridge_stations },
	{ "bridge.list", NULL, 0, call_bridge_list },
	{ "bridge.remove", PARAMS(remove_params), call_bridge_remove },
	{ "qos.add", PARAMS(qos_params), call_qos_add },
	{ "qos.set", PARAMS(qos_params), call_qos_set },
	{ "qos.list", NULL, 0, call_qos_list },
	{ "qos.show", PARAMS(name_params), call_qos_show },
	{ "qos.remove", PARAMS(remove_params), call_qos_remove },
	{ "metrics", NULL, 0, call_metrics },
	{ "version", NULL, 0, call_version },
	{ NULL },
};
