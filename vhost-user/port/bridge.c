// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/port/bridge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <syslog.h>

#include "base/json.h"
#include "base/mac.h"
#include "vhost-user/port/member.h"
#include "vhost-user/port/registry.h"
#include "vhost-user/switch/forwarder.h"

void bridge_close(struct registry *registry, struct bridge *bridge)
{
	struct port *port;

	TAILQ_FOREACH(port, &registry->ports, link)
		if (member_bridge(port) == bridge)
			port->member->bridge = NULL;
	TAILQ_REMOVE(&registry->bridges, bridge, link);
	registry_publish(registry);
	mac_table_close(bridge->macs);
	free(bridge);
}

int bridge_find(struct registry *registry, const char *name, struct bridge **out)
{
	struct bridge *bridge;

	TAILQ_FOREACH(bridge, &registry->bridges, link) {
		if (!strcmp(bridge->name, name)) {
			*out = bridge;
			return 0;
		}
	}
	return iov_fail(registry->iov, -ENOENT, "%s: no such bridge; see 'iov bridge list'", name);
}

static unsigned int count_members(const struct registry *registry, const struct bridge *bridge)
{
	const struct port *port;
	unsigned int count = 0;

	TAILQ_FOREACH(port, &registry->ports, link)
		count += member_bridge(port) == bridge;
	return count;
}

int bridge_join(struct registry *registry, const char *name, struct port *port)
{
	struct bridge *bridge = NULL;
	int error = bridge_find(registry, name, &bridge);

	if (error)
		return error;
	if (!port->member)
		return iov_fail(registry->iov, -EINVAL, "%s: carries no frames, so it joins no bridge",
				port->name);
	if (port->member->bridge)
		return iov_fail(registry->iov, -EBUSY, "%s: is in bridge %s already; remove that bridge, or "
				"remove the port and add it with the other one", port->name,
				port->member->bridge->name);
	if (!bridge->macs && count_members(registry, bridge) == 2)
		return iov_fail(registry->iov, -EBUSY, "%s: a wire has two ports, and this one has "
				"them; see 'iov bridge list'", name);
	port->member->bridge = bridge;
	return 0;
}

static unsigned int stations_of(const struct bridge *bridge)
{
	return bridge->stations ? bridge->stations : BRIDGE_STATIONS;
}

static int make_table(struct mac_table **out, struct registry *registry, const struct bridge *bridge)
{
	uint64_t seed = 0;

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) < 0)
		iov_log(registry->iov, LOG_NOTICE, "no random seed for MAC table of %s", bridge->name);
	return mac_table_open(out, stations_of(bridge), seed);
}

static int bridge_new(struct bridge **out, struct registry *registry, const char *name, bool wire)
{
	struct bridge *bridge = calloc(1, sizeof(*bridge));

	if (!bridge)
		return -ENOMEM;
	strcpy(bridge->name, name);
	if (!wire && make_table(&bridge->macs, registry, bridge)) {
		free(bridge);
		return -ENOMEM;
	}
	TAILQ_INSERT_TAIL(&registry->bridges, bridge, link);
	*out = bridge;
	return 0;
}

static int check_bridge(struct registry *registry, const char *name, const char *kind)
{
	struct bridge *bridge = NULL;
	int error = registry_check_name(registry->iov, "bridge", name);

	if (error)
		return error;
	if (strcmp(kind, "switch") && strcmp(kind, "wire"))
		return iov_fail(registry->iov, -EINVAL, "bridge kind '%.32s': expected switch or wire",
				kind);
	if (!bridge_find(registry, name, &bridge))
		return iov_fail(registry->iov, -EEXIST, "%s: there is such a bridge already; remove it "
				"first or take another name", name);
	return 0;
}

static int number_of(struct json_object *params, const char *key)
{
	struct json_object *value;
	int number;

	if (!json_object_object_get_ex(params, key, &value))
		return BRIDGE_UNSET;
	number = json_object_get_int(value);
	/* Numbers that no int holds are its ends. */
	return number == BRIDGE_UNSET ? BRIDGE_UNSET + 1 : number;
}

struct bridge_options bridge_options_of(struct json_object *params)
{
	struct json_object *reserved;

	return (struct bridge_options){
		.age = number_of(params, "age"),
		.stations = number_of(params, "stations"),
		.reserved = json_object_object_get_ex(params, "reserved", &reserved)
				    ? json_object_get_boolean(reserved)
				    : BRIDGE_UNSET,
	};
}

/* 0 is the default of each. */
static int check_number(struct registry *registry, const struct bridge *bridge, const char *what,
			int number, int least, int most)
{
	if (number == BRIDGE_UNSET || !number || (number >= least && number <= most))
		return 0;
	return iov_fail(registry->iov, -EINVAL, "%s: %s %d: expected %d to %d, or 0 for the default",
			bridge->name, what, number, least, most);
}

/* IEEE 802.1Q-2018 table 8-6 has the range of the age. */
static int check_options(struct registry *registry, const struct bridge *bridge,
			 const struct bridge_options *options)
{
	int error;

	if (!bridge->macs && (options->age > 0 || options->stations > 0 || options->reserved > 0))
		return iov_fail(registry->iov, -EINVAL, "%s: a wire learns nothing, and passes all but "
				"flow control: age, stations and reserved are of a switch", bridge->name);
	error = check_number(registry, bridge, "age", options->age, 10, 1000000);
	if (!error)
		error = check_number(registry, bridge, "stations", options->stations, 16, 1 << 20);
	return error;
}

/* A bridge as it shall be, with the table that it has. */
static struct bridge changed(const struct bridge *bridge, const struct bridge_options *options)
{
	struct bridge changed = *bridge;

	if (options->age != BRIDGE_UNSET)
		changed.age = (uint32_t)options->age;
	if (options->stations != BRIDGE_UNSET)
		changed.stations = (uint32_t)options->stations;
	if (options->reserved != BRIDGE_UNSET)
		changed.passes_reserved = options->reserved;
	return changed;
}

int bridge_would_set(struct registry *registry, const struct bridge *bridge,
		     const struct bridge_options *options)
{
	const struct bridge wanted = changed(bridge, options);
	int error = check_options(registry, bridge, options);

	if (error)
		return error;
	return wanted.age != bridge->age || wanted.stations != bridge->stations ||
	       wanted.passes_reserved != bridge->passes_reserved;
}

int bridge_set(struct registry *registry, struct bridge *bridge,
	       const struct bridge_options *options)
{
	struct bridge wanted = changed(bridge, options);
	struct mac_table *former = NULL;
	int error = check_options(registry, bridge, options);

	if (!error && bridge->macs && stations_of(&wanted) != stations_of(bridge))
		error = make_table(&wanted.macs, registry, &wanted);
	if (error)
		return error;
	if (wanted.macs != bridge->macs)
		former = bridge->macs;
	*bridge = wanted;
	registry_publish(registry);
	mac_table_close(former);
	return 0;
}

void bridge_forget(const struct port *port)
{
	const struct bridge *bridge = member_bridge(port);

	if (bridge && bridge->macs)
		mac_table_forget(bridge->macs, port->id);
}

/* A bridge with its ports, which no worker knows of yet. */
static int bridge_make(struct bridge **out, struct registry *registry, const char *name,
		       const char *kind, const struct bridge_options *options,
		       struct json_object *ports)
{
	size_t count = ports ? json_object_array_length(ports) : 0;
	struct bridge *bridge = NULL;
	struct port *port = NULL;
	int error = check_bridge(registry, name, kind);

	if (!error)
		error = bridge_new(&bridge, registry, name, !strcmp(kind, "wire"));
	if (error)
		return error;
	error = options ? bridge_set(registry, bridge, options) : 0;
	for (size_t i = 0; i < count && !error; i++) {
		error = port_find(registry,
				  json_object_get_string(json_object_array_get_idx(ports, i)), &port);
		if (!error)
			error = bridge_join(registry, name, port);
	}
	if (error) {
		bridge_close(registry, bridge);
		return error;
	}
	*out = bridge;
	return 0;
}

int bridge_rehearse(struct registry *registry, const char *name, const char *kind,
		    const struct bridge_options *options, struct json_object *ports)
{
	struct bridge *bridge = NULL;
	int error = bridge_make(&bridge, registry, name, kind, options, ports);

	if (!error)
		bridge_close(registry, bridge);
	return error;
}

int bridge_add(struct registry *registry, const char *name, const char *kind,
	       const struct bridge_options *options, struct json_object *ports, struct bridge **out)
{
	int error = bridge_make(out, registry, name, kind, options, ports);

	if (!error)
		registry_publish(registry);
	return error;
}

void bridge_save(const struct bridge *bridge, struct json_object *entry)
{
	json_add_text(entry, "name", bridge->name);
	json_add_text(entry, "kind", bridge->macs ? "switch" : "wire");
	if (bridge->age)
		json_object_object_add(entry, "age", json_object_new_int((int)bridge->age));
	if (bridge->stations)
		json_object_object_add(entry, "stations", json_object_new_int((int)bridge->stations));
	if (bridge->passes_reserved)
		json_object_object_add(entry, "reserved", json_object_new_boolean(true));
}

struct json_object *bridge_describe(const struct registry *registry, const struct bridge *bridge)
{
	struct json_object *object = json_object_new_object();
	struct json_object *names = json_object_new_array();
	const struct port *port;

	TAILQ_FOREACH(port, &registry->ports, link)
		if (member_bridge(port) == bridge)
			json_object_array_add(names, json_object_new_string(port->name));
	bridge_save(bridge, object);
	json_object_object_add(object, "ports", names);
	return object;
}

static void add_station(struct json_object *list, const struct port *port, uint64_t key,
			const char *kind)
{
	struct json_object *object = json_object_new_object();
	char text[IOV_MAC_TEXT];
	uint8_t mac[6];

	mac_of_key(key, mac);
	iov_mac_format(mac, text);
	json_add_text(object, "mac", text);
	json_object_object_add(object, "vlan", json_object_new_int(MAC_KEY_VLAN(key)));
	json_add_text(object, "port", port->name);
	json_add_text(object, "kind", kind);
	json_object_array_add(list, object);
}

struct json_object *bridge_stations(const struct registry *registry, const struct bridge *bridge)
{
	struct json_object *list = json_object_new_array();
	const uint32_t now = forwarder_ticks();
	/* As many as places: see mac_table_open(). */
	const unsigned int most = 4 * stations_of(bridge);
	uint64_t *keys = calloc(most, sizeof(*keys));
	const struct port *port;

	TAILQ_FOREACH(port, &registry->ports, link) {
		unsigned int count = 0;

		if (member_bridge(port) != bridge)
			continue;
		for (unsigned int i = 0; i < port->member->rules.station_count; i++)
			add_station(list, port, port->member->rules.stations[i], "fixed");
		if (bridge->macs && keys)
			count = mac_table_list(bridge->macs, port->id, now, bridge_age(bridge), keys,
					       most);
		for (unsigned int i = 0; i < count; i++)
			add_station(list, port, keys[i], "learned");
	}
	free(keys);
	return list;
}
