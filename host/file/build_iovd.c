// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * QoS groups, bridges, ports and disks of iovd.  What it has beyond the file is left.  What is there under
 * the same name and otherwise is replaced; the ports of a bridge come back into it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/pci/identity.h"
#include "base/rpc/rpc.h"
#include "base/rpc/socket_access.h"
#include "host/file/build.h"
#include "host/file/disk.h"
#include "host/file/port_rules.h"
#include "host/file/qos.h"
#include "plugins/system/iovd.h"
#include "sriov/vf.h"

static void add_text(struct json_object *params, const char *key, const char *text)
{
	if (text)
		json_object_object_add(params, key, json_object_new_string(text));
}

struct json_object *host_iovd_find(struct json_object *list, const char *name)
{
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *entry = json_object_array_get_idx(list, i);
		const char *candidate = json_text_or_null(entry, "name");

		if (candidate && !strcmp(candidate, name))
			return entry;
	}
	return NULL;
}

struct json_object *host_iovd_there(struct json_object *list, const char *name)
{
	struct json_object *entry = host_iovd_find(list, name);

	return entry && strcmp(json_text(entry, "state"), IOV_NOT_RESTORED) ? entry : NULL;
}

static struct iov_op *op_remove(const struct host_change *change, bool unused)
{
	struct json_object *params = json_object_new_object();

	add_text(params, "name", change->name);
	if (unused)
		json_object_object_add(params, "unused", json_object_new_boolean(true));
	return iov_op_iovd(host_place("%s.remove", change->noun), params);
}

static struct iov_op *op_add(const struct host_change *change, struct json_object *params)
{
	return iov_op_iovd(host_place("%s.add", change->noun), params);
}

struct json_object *host_iovd_params(struct json_object *now)
{
	static const char *const keys[] = { "name", "type", "kind", "socket", "socket_mode",
					    "socket_owner", "device", "bridge", "mac", "link" };
	static const char *const values[] = { "queue_pairs", "standby", "any_memory", "iommu",
					      "zero_copy", "ports", "rules", "age", "stations",
					      "reserved" };
	struct json_object *params = json_object_new_object(), *value;
	const char *mode = json_text_or_null(now, "mode");
	bool is_disk = !strcmp(json_text(now, "type"), "disk");

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (!is_disk || strcmp(keys[i], "type"))
			add_text(params, keys[i], json_text_or_null(now, keys[i]));
	/* What it has is not what it was given. */
	if (json_object_object_get_ex(now, "wanted_mtu", &value))
		json_object_object_add(params, "mtu", json_object_get(value));
	if (mode && !strcmp(mode, "server"))
		json_object_object_add(params, "server", json_object_new_boolean(true));
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		if (json_object_object_get_ex(now, values[i], &value))
			json_object_object_add(params, values[i], json_object_get(value));
	if (is_disk)
		host_disk_former(now, params);
	else if (json_object_object_get(now, "burst_ms"))
		host_qos_former(now, params);
	return params;
}

void host_iovd_describe(struct json_object *params, char *text, size_t size)
{
	size_t length = 0;

	*text = '\0';
	json_object_object_foreach(params, key, value) {
		if (strcmp(key, "name") && strcmp(key, "ports") && length < size)
			length += (size_t)snprintf(text + length, size - length, "%s%s %s",
						   length ? ", " : "", key,
						   json_object_get_string(value));
	}
}

struct iov_step *host_iovd_step(struct host_build *build, const struct host_change *change)
{
	struct iov_step *step = iov_plan_step(build->plan, HOST_IOVD, "%s %s %s of iovd",
					      change->now ? "replace" : "add", change->noun,
					      change->name);
	_cleanup_json_ struct json_object *former = change->now ? host_iovd_params(change->now) : NULL;
	_cleanup_json_ struct json_object *devices = iov_host_iovd_devices(build->iov, change->params);
	char from[256], to[256];

	for (size_t i = 0; i < json_object_array_length(devices); i++) {
		const char *device = json_object_get_string(json_object_array_get_idx(devices, i));

		iov_step_touches(step, device);
		iov_plan_take_unused(build->plan, device,
				     host_place("%s %s of iovd", change->noun, change->name));
	}
	if (former)
		iov_step_do(step, op_remove(change, change->unused));
	iov_step_do(step, op_add(change, json_object_get(change->params)));
	iov_step_undo(step, op_remove(change, false));
	if (former)
		iov_step_undo(step, op_add(change, json_object_get(former)));
	if (former)
		host_iovd_describe(former, from, sizeof(from));
	host_iovd_describe(change->params, to, sizeof(to));
	iov_step_change(step, host_place("%s %s", change->noun, change->name),
			former ? from : NULL, to);
	return step;
}

static void build_bridge(struct host_build *build, const struct iov_host_bridge *bridge,
			 struct json_object *bridges)
{
	_cleanup_json_ struct json_object *params = json_object_new_object();
	struct json_object *now = host_iovd_there(bridges, bridge->name);
	const struct host_change change = { "bridge", bridge->name, now, params };

	add_text(params, "name", bridge->name);
	/* What is not said is as iovd has it, and a switch when it has none. */
	add_text(params, "kind", bridge->kind ? bridge->kind : now ? json_text_or_null(now, "kind") :
								      "switch");
	if (bridge->age)
		json_object_object_add(params, "age", json_object_new_int((int)*bridge->age));
	if (bridge->stations)
		json_object_object_add(params, "stations", json_object_new_int((int)*bridge->stations));
	if (bridge->reserved)
		json_object_object_add(params, "reserved", json_object_new_boolean(*bridge->reserved));
	if (now && iov_iovd_match(now, params))
		return;
	if (now)
		json_object_object_add(params, "ports",
				       json_object_get(json_object_object_get(now, "ports")));
	host_iovd_step(build, &change);
}

/* "uplink/vf1": a VF that exists or that the file makes. */
static int find_vf(const struct host_build *build, const struct host_target *target,
		   const char *rest, struct iov_bdf *bdf)
{
	unsigned int number, count = iov_pci_vf_count(build->iov, target->bdf);
	struct iov_pf pf;
	int end = 0, error;

	if (sscanf(rest, "/vf%u%n", &number, &end) != 1 || rest[end])
		return iov_fail(build->iov, -EINVAL, "'%s' behind the name of a device: expected /vf "
				"and a number, as in uplink/vf0", rest);
	error = iov_pf_read(build->iov, target->bdf, &pf);
	if (error)
		return error;
	if (target->said->vfs && !build->options.only_iovd)
		count = target->said->vfs->count;
	if (number >= count)
		return iov_fail(build->iov, -ENODEV, "%s has no VF %u, it has %u VFs",
				IOV_BDF(target->bdf), number, count);
	*bdf = iov_vf_bdf(&pf, number);
	return 0;
}

int host_find_device(const struct host_build *build, const char *device, struct iov_path *name,
		     bool *function, bool *absent)
{
	size_t length = strcspn(device, "/");
	const struct host_target *target = host_find_target(build, device, length);
	struct iov_bdf bdf;
	int error = 0;

	*name = iov_path("%s", device);
	*function = target || strncmp(device, "net_", 4);
	*absent = target && !target->present;
	if (!*function || *absent)
		return 0;
	if (target && !device[length])
		bdf = target->bdf;
	else if (target)
		error = find_vf(build, target, device + length, &bdf);
	else
		error = iov_device_parse(build->iov, device, &bdf);
	if (!error)
		*name = iov_path("%s", IOV_BDF(bdf));
	return error;
}

static struct json_object *port_params(const struct iov_host_port *port, const char *device)
{
	struct json_object *params = json_object_new_object();

	add_text(params, "name", port->name);
	add_text(params, "type", port->type);
	add_text(params, "socket", port->socket);
	if (port->socket)
		json_object_object_add(params, "server",
				       json_object_new_boolean(port->server && *port->server));
	add_text(params, "device", device);
	add_text(params, "bridge", port->bridge);
	add_text(params, "mac", port->mac);
	if (port->queue_pairs)
		json_object_object_add(params, "queue_pairs",
				       json_object_new_int((int)*port->queue_pairs));
	if (port->standby)
		json_object_object_add(params, "standby", json_object_new_boolean(*port->standby));
	if (port->any_memory)
		json_object_object_add(params, "any_memory",
				       json_object_new_boolean(*port->any_memory));
	if (port->iommu)
		json_object_object_add(params, "iommu", json_object_new_boolean(*port->iommu));
	if (port->zero_copy)
		json_object_object_add(params, "zero_copy",
				       json_object_new_boolean(*port->zero_copy));
	if (port->mtu)
		json_object_object_add(params, "mtu", json_object_new_int((int)*port->mtu));
	return params;
}

int host_iovd_access(struct iov *iov, const char *mode, const char *owner,
		     struct json_object *params)
{
	char own_mode[IOV_SOCKET_MODE_SIZE], own_owner[IOV_SOCKET_OWNER_SIZE];
	int error = mode ? iov_socket_mode(iov, mode, own_mode) : 0;

	if (!error && owner)
		error = iov_socket_owner(iov, owner, own_owner);
	if (error)
		return error;
	add_text(params, "socket_mode", mode ? own_mode : NULL);
	add_text(params, "socket_owner", owner ? own_owner : NULL);
	return 0;
}

static struct iov_op *op_rules(const char *port, struct json_object *from, struct json_object *to)
{
	struct json_object *params = json_object_new_object();

	add_text(params, "name", port);
	json_object_object_add(params, "rules", host_rules_change(from, to));
	return iov_op_iovd("port.set", params);
}

/* Rules change under a guest that goes on. */
static void set_rules(struct host_build *build, struct json_object *now, struct json_object *wanted)
{
	struct json_object *former = json_object_object_get(now, "rules");
	const char *port = json_text_or_null(now, "name");
	struct iov_step *step;

	if (!wanted || json_object_equal(former, wanted))
		return;
	step = iov_plan_step(build->plan, HOST_IOVD, "set rules of port %s of iovd", port);
	iov_step_do(step, op_rules(port, former, wanted));
	iov_step_undo(step, op_rules(port, wanted, former));
	iov_step_change(step, host_place("port %s rules", port),
			former ? json_object_to_json_string_ext(former, JSON_C_TO_STRING_PLAIN) : NULL,
			json_object_to_json_string_ext(wanted, JSON_C_TO_STRING_PLAIN));
}

static int build_port(struct host_build *build, unsigned int index, struct json_object *ports)
{
	const struct iov_host_port *port = &build->host->iovd->ports[index];
	struct json_object *now = host_iovd_there(ports, port->name);
	_cleanup_json_ struct json_object *params = NULL, *rules = host_rules_json(port->rules);
	bool function = false, absent = false;
	struct host_change change;
	struct iov_path name;
	int error = 0;

	if (port->device)
		error = host_find_device(build, port->device, &name, &function, &absent);
	if (error)
		return host_fail_at(build, error, host_place("iovd.ports[%u].device", index));
	if (absent) {
		iov_plan_note(build->plan, "iovd.ports[%u] (%s) is skipped, as its device is",
			      index, port->name);
		return 0;
	}
	params = port_params(port, port->device ? name.name : NULL);
	error = host_iovd_access(build->iov, port->socket_mode, port->socket_owner, params);
	if (error)
		return host_fail_at(build, error, host_place("iovd.ports[%u]", index));
	change = (struct host_change){ "port", port->name, now, params };
	if (now && iov_iovd_match(now, params)) {
		set_rules(build, now, rules);
		return 0;
	}
	/* What is not said is as iovd has it. */
	if (!rules && now)
		rules = json_object_get(json_object_object_get(now, "rules"));
	if (rules)
		json_object_object_add(params, "rules", json_object_get(rules));
	host_iovd_step(build, &change);
	return 0;
}

/* A file without disks is for an iovd without them as well. */
static int build_disks(struct host_build *build)
{
	const struct iov_host_iovd *iovd = build->host->iovd;
	_cleanup_json_ struct json_object *disks = NULL;
	int error = iovd->disk_count ? iov_rpc_call(build->iov, "disk.list", NULL, &disks) : 0;

	if (error)
		return host_fail_at(build, error, HOST_IOVD);
	for (unsigned int i = 0; !error && i < iovd->disk_count; i++)
		error = host_build_disk(build, i, disks);
	return error;
}

/* Before whom may be in them. */
static int build_groups(struct host_build *build)
{
	const struct iov_host_iovd *iovd = build->host->iovd;
	_cleanup_json_ struct json_object *list = NULL;
	int error = iovd->qos_count ? iov_rpc_call(build->iov, "qos.list", NULL, &list) : 0;

	if (error)
		return host_fail_at(build, error, HOST_IOVD);
	for (unsigned int i = 0; i < iovd->qos_count; i++)
		host_build_qos(build, &iovd->qos[i], list);
	return 0;
}

int host_build_iovd(struct host_build *build)
{
	const struct iov_host_iovd *iovd = build->host->iovd;
	_cleanup_json_ struct json_object *bridges = NULL, *ports = NULL;
	int error;

	if (!iovd || !(iovd->bridge_count + iovd->port_count + iovd->disk_count + iovd->qos_count))
		return 0;
	error = build_groups(build);
	if (error)
		return error;
	error = iov_rpc_call(build->iov, "bridge.list", NULL, &bridges);
	if (!error)
		error = iov_rpc_call(build->iov, "port.list", NULL, &ports);
	if (error)
		return host_fail_at(build, error, HOST_IOVD);
	for (unsigned int i = 0; i < iovd->bridge_count; i++)
		build_bridge(build, &iovd->bridges[i], bridges);
	for (unsigned int i = 0; !error && i < iovd->port_count; i++)
		error = build_port(build, i, ports);
	return error ? error : build_disks(build);
}
