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

/* About as many stations as a switch remembers. */
#define STATIONS 8192

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
		return iov_fail(registry->iov, -EBUSY, "%s: is in bridge %s already", port->name,
				port->member->bridge->name);
	if (!bridge->macs && count_members(registry, bridge) == 2)
		return iov_fail(registry->iov, -EBUSY, "%s: a wire has two ports, and this one has "
				"them; see 'iov bridge list'", name);
	port->member->bridge = bridge;
	return 0;
}

static int bridge_new(struct bridge **out, struct registry *registry, const char *name, bool wire)
{
	struct bridge *bridge = calloc(1, sizeof(*bridge));
	uint64_t seed = 0;

	if (!bridge)
		return -ENOMEM;
	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) < 0)
		iov_log(registry->iov, LOG_NOTICE, "no random seed for MAC table of %s", name);
	if (!wire && mac_table_open(&bridge->macs, STATIONS, seed)) {
		free(bridge);
		return -ENOMEM;
	}
	strcpy(bridge->name, name);
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

/* IEEE 802.1Q-2018 table 8-6 has the range. */
int bridge_set_age(struct registry *registry, struct bridge *bridge, int age)
{
	if (!bridge->macs && age)
		return iov_fail(registry->iov, -EINVAL, "%s: a wire learns nothing that it could "
				"forget", bridge->name);
	if (age && (age < 10 || age > 1000000))
		return iov_fail(registry->iov, -EINVAL, "%s: age %d: expected 10 to 1000000 seconds, or "
				"0 for %d", bridge->name, age, MAC_TABLE_AGE);
	bridge->age = (uint32_t)age;
	return 0;
}

int bridge_add(struct registry *registry, const char *name, const char *kind, int age,
	       struct json_object *ports, struct bridge **out)
{
	size_t count = ports ? json_object_array_length(ports) : 0;
	struct bridge *bridge = NULL;
	struct port *port = NULL;
	int error = check_bridge(registry, name, kind);

	if (!error)
		error = bridge_new(&bridge, registry, name, !strcmp(kind, "wire"));
	if (error)
		return error;
	error = bridge_set_age(registry, bridge, age);
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
	registry_publish(registry);
	*out = bridge;
	return 0;
}

int bridge_remove(struct registry *registry, const char *name)
{
	struct bridge *bridge = NULL;
	int error = bridge_find(registry, name, &bridge);

	if (!error)
		bridge_close(registry, bridge);
	return error;
}

void bridge_save(const struct bridge *bridge, struct json_object *entry)
{
	json_add_text(entry, "name", bridge->name);
	json_add_text(entry, "kind", bridge->macs ? "switch" : "wire");
	if (bridge->age)
		json_object_object_add(entry, "age", json_object_new_int((int)bridge->age));
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
	const uint32_t now = forwarder_seconds();
	uint64_t *keys = calloc(STATIONS, sizeof(*keys));
	const struct port *port;

	TAILQ_FOREACH(port, &registry->ports, link) {
		unsigned int count = 0;

		if (member_bridge(port) != bridge)
			continue;
		for (unsigned int i = 0; i < port->member->rules.station_count; i++)
			add_station(list, port, port->member->rules.stations[i], "fixed");
		if (bridge->macs && keys)
			count = mac_table_list(bridge->macs, port->id, now, bridge_age(bridge), keys,
					       STATIONS);
		for (unsigned int i = 0; i < count; i++)
			add_station(list, port, keys[i], "learned");
	}
	free(keys);
	return list;
}
