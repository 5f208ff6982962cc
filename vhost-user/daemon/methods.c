// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/daemon/methods.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "vhost-user/daemon/metrics.h"
#include "vhost-user/port/balance.h"
#include "vhost-user/port/port_net.h"

#define PARAMS(list) .params = (list), .param_count = sizeof(list) / sizeof(*(list))

static const struct jsonrpc_param name_params[] = {
	{ "name", json_type_string, true },
};

static const struct jsonrpc_param port_add_params[] = {
	{ "name", json_type_string, true },	{ "type", json_type_string, true },
	{ "socket", json_type_string, false },	{ "server", json_type_boolean, false },
	{ "socket_mode", json_type_string, false }, { "socket_owner", json_type_string, false },
	{ "device", json_type_string, false },	{ "bridge", json_type_string, false },
	{ "queue_pairs", json_type_int, false }, { "mac", json_type_string, false },
	{ "standby", json_type_boolean, false }, { "link", json_type_string, false },
	{ "rules", json_type_object, false },	{ "zero_copy", json_type_boolean, false },
};

/*
 * Whoever asks for a mirror or for CPUs wants those that are there; a restart brings ports
 * one by one, and maybe other workers.
 */
static int check_rules(struct registry *registry, const char *name, struct json_object *rules)
{
	const char *mirror = rules ? json_text_or_null(rules, "mirror") : NULL;
	struct port *port;
	int error = 0;

	if (mirror && *mirror && strcmp(mirror, "none"))
		error = port_find(registry, mirror, &port);
	if (!error && rules)
		error = balance_check_cpus(registry, name, json_text_or_null(rules, "cpus"));
	return error;
}

static int check_port_type(struct registry *registry, const char *type,
			   const struct port_options *options)
{
	bool vhost = !strcmp(type, "vhost-user");

	if (!vhost && strcmp(type, "ethdev"))
		return iov_fail(registry->iov, -EINVAL, "port type '%.32s': expected vhost-user or "
				"ethdev", type);
	if (vhost && (!options->socket || !*options->socket || options->device || options->zero_copy))
		return iov_fail(registry->iov, -EINVAL, "%s: a vhost-user port takes a socket and no "
				"device, nor zero_copy, which is the device's", options->name);
	if ((options->mode || options->owner) && !options->server)
		return iov_fail(registry->iov, -EINVAL, "%s: only a server's socket has a mode and an "
				"owner of iovd's", options->name);
	if (!vhost && (!options->device || options->socket || options->server))
		return iov_fail(registry->iov, -EINVAL, "%s: an ethdev port takes a device and no socket",
				options->name);
	if (!vhost && (options->queue_pairs || options->mac || options->standby || options->link))
		return iov_fail(registry->iov, -EINVAL, "%s: the device of an ethdev port has its own "
				"queues, MAC address and link", options->name);
	return 0;
}

static int call_port_add(void *arg, struct json_object *params, struct json_object **result)
{
	struct methods *methods = arg;
	struct registry *registry = methods->registry;
	struct port_options options = port_options_of(params);
	struct port *port;
	int error = check_port_type(registry, json_text_or_null(params, "type"), &options);

	if (!error)
		error = check_rules(registry, options.name, options.rules);
	if (!error)
		error = port_add(registry, &options, &port);
	if (error)
		return error;
	state_save(methods->state);
	*result = port_describe(port);
	return 0;
}

static const struct jsonrpc_param port_set_params[] = {
	{ "name", json_type_string, true },
	{ "link", json_type_string, false },
	{ "announce", json_type_boolean, false },
	{ "rules", json_type_object, false },
};

static int check_port_set(struct registry *registry, const struct port *port, const char *link,
			  bool announce)
{
	if (port->uplink && (link || announce))
		return iov_fail(registry->iov, -EINVAL, "%s: is no port of a guest; its device is the "
				"host's to set", port->name);
	if (link && strcmp(link, "up") && strcmp(link, "down"))
		return iov_fail(registry->iov, -EINVAL, "%s: link '%.32s': expected up or down",
				port->name, link);
	return 0;
}

static int call_port_set(void *arg, struct json_object *params, struct json_object **result)
{
	struct methods *methods = arg;
	struct registry *registry = methods->registry;
	const char *link = json_text_or_null(params, "link");
	bool announce = json_object_get_boolean(json_object_object_get(params, "announce"));
	struct json_object *rules = json_object_object_get(params, "rules");
	struct port *port;
	int error = port_find(registry, json_text_or_null(params, "name"), &port);

	if (!error)
		error = check_port_set(registry, port, link, announce);
	if (!error)
		error = check_rules(registry, port->name, rules);
	if (!error && announce)
		error = port_net_announce(port);
	if (!error && rules)
		error = port_set_rules(port, rules);
	if (error)
		return error;
	if (rules) {
		registry_publish(registry);
		balance_apply(port);
	}
	if (link)
		port_net_set_link(port, !strcmp(link, "down"));
	if (link || rules)
		state_save(methods->state);
	*result = port_describe(port);
	return 0;
}

static int call_port_list(void *arg, struct json_object *params, struct json_object **result)
{
	struct registry *registry = ((struct methods *)arg)->registry;
	struct port *port;

	(void)params;
	*result = json_object_new_array();
	TAILQ_FOREACH(port, &registry->ports, link)
		json_object_array_add(*result, port_describe(port));
	return 0;
}

static const struct jsonrpc_param port_stats_params[] = {
	{ "name", json_type_string, false },
};

static int call_port_stats(void *arg, struct json_object *params, struct json_object **result)
{
	const char *name = json_text_or_null(params, "name");
	struct registry *registry = ((struct methods *)arg)->registry;
	struct port *port;
	int error = name ? port_find(registry, name, &port) : 0;

	if (error)
		return error;
	*result = json_object_new_array();
	TAILQ_FOREACH(port, &registry->ports, link)
		if (!name || !strcmp(port->name, name))
			json_object_array_add(*result, port_stats(port));
	return 0;
}

static int call_port_show(void *arg, struct json_object *params, struct json_object **result)
{
	struct port *port;
	int error = port_find(((struct methods *)arg)->registry, json_text_or_null(params, "name"), &port);

	if (!error)
		*result = port_show(port);
	return error;
}

static int call_port_remove(void *arg, struct json_object *params, struct json_object **result)
{
	struct methods *methods = arg;
	const char *name = json_text_or_null(params, "name");
	int error = 0;

	(void)result;
	if (state_forget(methods->state, name))
		positions_forget(methods->registry->positions, name);
	else
		error = port_remove(methods->registry, name);
	if (!error)
		state_save(methods->state);
	return error;
}

static const struct jsonrpc_param bridge_add_params[] = {
	{ "name", json_type_string, true },
	{ "kind", json_type_string, true },
	{ "age", json_type_int, false },
	{ "ports", json_type_array, false },
};

static int call_bridge_add(void *arg, struct json_object *params, struct json_object **result)
{
	struct methods *methods = arg;
	struct bridge *bridge;
	int error = bridge_add(methods->registry, json_text_or_null(params, "name"),
			       json_text_or_null(params, "kind"),
			       json_object_get_int(json_object_object_get(params, "age")),
			       json_object_object_get(params, "ports"), &bridge);

	if (error)
		return error;
	state_save(methods->state);
	*result = bridge_describe(methods->registry, bridge);
	return 0;
}

static const struct jsonrpc_param bridge_set_params[] = {
	{ "name", json_type_string, true },
	{ "age", json_type_int, true },
};

static int call_bridge_set(void *arg, struct json_object *params, struct json_object **result)
{
	struct methods *methods = arg;
	struct bridge *bridge;
	int error = bridge_find(methods->registry, json_text_or_null(params, "name"), &bridge);

	if (!error)
		error = bridge_set_age(methods->registry, bridge,
				       json_object_get_int(json_object_object_get(params, "age")));
	if (error)
		return error;
	registry_publish(methods->registry);
	state_save(methods->state);
	*result = bridge_describe(methods->registry, bridge);
	return 0;
}

static int call_bridge_stations(void *arg, struct json_object *params, struct json_object **result)
{
	struct registry *registry = ((struct methods *)arg)->registry;
	struct bridge *bridge;
	int error = bridge_find(registry, json_text_or_null(params, "name"), &bridge);

	if (!error)
		*result = bridge_stations(registry, bridge);
	return error;
}

static int call_bridge_list(void *arg, struct json_object *params, struct json_object **result)
{
	struct registry *registry = ((struct methods *)arg)->registry;
	struct bridge *bridge;

	(void)params;
	*result = json_object_new_array();
	TAILQ_FOREACH(bridge, &registry->bridges, link)
		json_object_array_add(*result, bridge_describe(registry, bridge));
	return 0;
}

static int call_bridge_remove(void *arg, struct json_object *params, struct json_object **result)
{
	struct methods *methods = arg;
	int error = bridge_remove(methods->registry, json_text_or_null(params, "name"));

	(void)result;
	if (!error)
		state_save(methods->state);
	return error;
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
	json_object_object_add(worker, "poll", json_object_new_string(worker_poll_name(stats.poll)));
	return worker;
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
	{ "port.remove", PARAMS(name_params), call_port_remove },
	{ "bridge.add", PARAMS(bridge_add_params), call_bridge_add },
	{ "bridge.set", PARAMS(bridge_set_params), call_bridge_set },
	{ "bridge.stations", PARAMS(name_params), call_bridge_stations },
	{ "bridge.list", NULL, 0, call_bridge_list },
	{ "bridge.remove", PARAMS(name_params), call_bridge_remove },
	{ "metrics", NULL, 0, call_metrics },
	{ "version", NULL, 0, call_version },
	{ NULL },
};
