// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/port/registry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <syslog.h>

#include "vhost-user/port/balance.h"
#include "vhost-user/port/lending.h"
#include "vhost-user/port/port_net.h"
#include "vhost-user/port/steering.h"
#include "vhost-user/switch/forwarder.h"

int registry_check_name(struct iov *iov, const char *what, const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";
	size_t length = strlen(name);

	if (!length || length > REGISTRY_NAME_MAX || strspn(name, allowed) != length)
		return iov_fail(iov, -EINVAL, "%s name '%.80s': expected 1 to %d letters, digits, "
				"dots, underscores and dashes", what, name, REGISTRY_NAME_MAX);
	return 0;
}

/* Empty views, so that rings can go away whatever memory there is. */
static int make_spares(struct registry *registry)
{
	for (unsigned int i = 0; i < registry->worker_count; i++) {
		if (!registry->spares[i])
			registry->spares[i] = calloc(1, sizeof(*registry->spares[i]));
		if (!registry->spares[i])
			return -ENOMEM;
	}
	return 0;
}

static void publish(struct registry *registry, struct dp_view **views)
{
	for (unsigned int i = 0; i < registry->worker_count; i++)
		views[i] = forwarder_exchange(registry->forwarders[i], views[i]);
	workers_synchronize(registry->workers);
	for (unsigned int i = 0; i < registry->worker_count; i++)
		view_free(views[i]);
}

static void publish_nothing(struct registry *registry)
{
	struct dp_view *views[WORKERS_MAX];

	if (!registry->spares[registry->worker_count - 1])
		return;
	memcpy(views, registry->spares, sizeof(views));
	memset(registry->spares, 0, sizeof(registry->spares));
	publish(registry, views);
}

void registry_publish(struct registry *registry)
{
	struct dp_view *views[WORKERS_MAX];
	unsigned int count = 0;

	while (count < registry->worker_count && !view_build(&views[count], registry, count))
		count++;
	if (count == registry->worker_count) {
		publish(registry, views);
		steering_apply(registry);
	} else {
		/* Rings must go away when they have to: better no traffic than no stop. */
		iov_log(registry->iov, LOG_ERR, "out of memory: traffic stops");
		while (count)
			view_free(views[--count]);
		publish_nothing(registry);
	}
	make_spares(registry);
}

/* Any worker would do. */
int registry_inject(struct registry *registry, uint32_t port, const uint8_t *bytes, uint32_t length)
{
	int error = forwarder_inject(registry->forwarders[0], port, bytes, length);

	if (!error)
		workers_wake(registry->workers);
	return error;
}

/* The network of each worker, which gets it when all are there. */
static int open_forwarders(struct registry *registry)
{
	int error = 0;

	for (unsigned int i = 0; i < registry->worker_count && !error; i++)
		error = forwarder_open(&registry->forwarders[i],
				       workers_attention_fd(registry->workers));
	return error;
}

static void add_forwarders(struct registry *registry)
{
	for (unsigned int i = 0; i < registry->worker_count; i++)
		workers_add(registry->workers, i, forwarder_pollable(registry->forwarders[i]));
}

static void remove_forwarders(struct registry *registry)
{
	for (unsigned int i = 0; i < registry->worker_count; i++)
		workers_remove(registry->workers, i, forwarder_pollable(registry->forwarders[i]));
}

static void close_forwarders(struct registry *registry)
{
	for (unsigned int i = 0; i < registry->worker_count; i++) {
		free(registry->spares[i]);
		forwarder_close(registry->forwarders[i]);
	}
}

static int on_attention(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct registry *registry = data;
	struct port *port;
	uint64_t count;

	(void)source;
	(void)events;
	if (read(fd, &count, sizeof(count)) < 0)
		return 0;
	TAILQ_FOREACH(port, &registry->ports, link)
		vhost_port_check(port);
	lending_check(registry);
	return 0;
}

int registry_open(struct registry **out, struct iov *iov, sd_event *event, struct workers *workers,
		  struct positions *positions)
{
	struct registry *registry = calloc(1, sizeof(*registry));
	int error;

	if (!registry)
		return -ENOMEM;
	registry->iov = iov;
	registry->event = event;
	registry->workers = workers;
	registry->worker_count = workers_count(workers);
	registry->positions = positions;
	TAILQ_INIT(&registry->ports);
	TAILQ_INIT(&registry->bridges);
	error = make_spares(registry);
	if (!error)
		error = open_forwarders(registry);
	if (!error)
		error = sd_event_add_io(event, &registry->attention, workers_attention_fd(workers),
					EPOLLIN, on_attention, registry);
	if (error >= 0)
		error = balance_open(&registry->balance, registry);
	if (error < 0) {
		close_forwarders(registry);
		sd_event_source_disable_unref(registry->attention);
		free(registry);
		return iov_fail(iov, error, "the event loop fails: %s", strerror(-error));
	}
	add_forwarders(registry);
	*out = registry;
	return 0;
}

static void bridge_free(struct registry *registry, struct bridge *bridge)
{
	struct port *port;

	TAILQ_FOREACH(port, &registry->ports, link)
		if (port->bridge == bridge)
			port->bridge = NULL;
	TAILQ_REMOVE(&registry->bridges, bridge, link);
	registry_publish(registry);
	mac_table_close(bridge->macs);
	free(bridge);
}

static void port_free(struct port *port)
{
	vhost_port_close(port);
	uplink_close(port->uplink);
	port_forget_moved(port);
	port_rules_release(&port->rules);
	free(port->socket);
	free(port->counters);
	free(port->loads);
	free(port);
}

/* Takes the port out of the worker's sight first. */
static void port_drop(struct registry *registry, struct port *port)
{
	TAILQ_REMOVE(&registry->ports, port, link);
	registry_publish(registry);
	lending_uplink_goes(port);
	port_free(port);
}

void registry_close(struct registry *registry)
{
	if (!registry)
		return;
	while (!TAILQ_EMPTY(&registry->ports))
		port_drop(registry, TAILQ_FIRST(&registry->ports));
	while (!TAILQ_EMPTY(&registry->bridges))
		bridge_free(registry, TAILQ_FIRST(&registry->bridges));
	publish_nothing(registry);
	remove_forwarders(registry);
	close_forwarders(registry);
	lending_close(registry);
	balance_close(registry->balance);
	sd_event_source_disable_unref(registry->attention);
	free(registry);
}

int port_find(struct registry *registry, const char *name, struct port **out)
{
	struct port *port;

	TAILQ_FOREACH(port, &registry->ports, link) {
		if (!strcmp(port->name, name)) {
			*out = port;
			return 0;
		}
	}
	return iov_fail(registry->iov, -ENOENT, "%s: no such port; see 'iov port list'", name);
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

/* A free slot under a generation of its own, so that no identity comes twice. */
static int new_id(struct registry *registry, uint32_t *id)
{
	bool taken[DP_PORTS_MAX] = { true };
	struct port *port;

	TAILQ_FOREACH(port, &registry->ports, link)
		taken[DP_SLOT(port->id)] = true;
	for (uint32_t slot = 1; slot < DP_PORTS_MAX; slot++) {
		if (!taken[slot]) {
			*id = registry->generation++ * DP_PORTS_MAX + slot;
			return 0;
		}
	}
	return iov_fail(registry->iov, -ENOSPC, "%d ports are the most; remove one first",
			DP_PORTS_MAX - 1);
}

static int check_new(struct registry *registry, const struct port_options *options)
{
	struct port *port = NULL;
	int error = registry_check_name(registry->iov, "port", options->name);

	if (error)
		return error;
	TAILQ_FOREACH(port, &registry->ports, link) {
		if (!strcmp(port->name, options->name))
			return iov_fail(registry->iov, -EEXIST, "%s: there is such a port already; "
					"remove it first or take another name", options->name);
		if (options->socket && port->socket && !strcmp(port->socket, options->socket))
			return iov_fail(registry->iov, -EEXIST, "%s: is the socket of port %s already",
					options->socket, port->name);
	}
	return 0;
}

static int open_uplink(struct port *port, const struct port_options *options)
{
	int error = uplink_open(&port->uplink, port->registry->iov, options->device,
				port->registry->worker_count, options->zero_copy);

	if (error)
		return error;
	balance_attach_uplink(port);
	lending_uplink_comes(port);
	return 0;
}

static int port_open(struct port *port, const struct port_options *options)
{
	int error;

	if (!options->socket && !options->fd)
		return open_uplink(port, options);
	error = port_net_setup(port, options);
	if (error)
		return error;
	port->access = (struct socket_access)SOCKET_ACCESS(0660);
	error = socket_access_parse(&port->access, port->registry->iov, options->mode,
				    options->owner);
	if (error)
		return error;
	port->server = options->server;
	port->fd = options->fd;
	if (options->socket)
		port->socket = strdup(options->socket);
	else if (asprintf(&port->socket, "fd %d", options->fd) < 0)
		port->socket = NULL;
	return port->socket ? vhost_port_open(port) : -ENOMEM;
}

static int port_new(struct port **out, struct registry *registry, const char *name)
{
	struct port *port = calloc(1, sizeof(*port));

	int error;

	if (!port)
		return -ENOMEM;
	strcpy(port->name, name);
	port->registry = registry;
	port->node = -1;
	port->counters = aligned_alloc(VIRTQ_CACHE_LINE,
				       registry->worker_count * sizeof(*port->counters));
	port->loads = aligned_alloc(_Alignof(struct ring_load), NET_VRINGS * sizeof(*port->loads));
	error = port->counters && port->loads ? new_id(registry, &port->id) : -ENOMEM;
	if (error) {
		port_free(port);
		return error;
	}
	memset(port->counters, 0, registry->worker_count * sizeof(*port->counters));
	memset(port->loads, 0, NET_VRINGS * sizeof(*port->loads));
	*out = port;
	return 0;
}

static int check_station(const struct port *port, uint64_t station)
{
	const struct port *other;

	TAILQ_FOREACH(other, &port->registry->ports, link) {
		for (unsigned int i = 0; other != port && i < other->rules.station_count; i++)
			if (other->rules.stations[i] == station && other->bridge == port->bridge)
				return iov_fail(port->registry->iov, -EEXIST, "%s: a station of it is at "
						"port %s already", port->name, other->name);
	}
	return 0;
}

int port_set_rules(struct port *port, struct json_object *json)
{
	struct port_rules rules = { .json = json_object_get(port->rules.json) };
	int error = port_rules_change(&rules, port->registry->iov, port->name, json);

	for (unsigned int i = 0; !error && i < rules.station_count; i++)
		error = check_station(port, rules.stations[i]);
	if (error) {
		port_rules_release(&rules);
		return error;
	}
	port_rules_release(&port->rules);
	port->rules = rules;
	return 0;
}

int port_add(struct registry *registry, const struct port_options *options, struct port **out)
{
	struct port *port = NULL;
	int error = check_new(registry, options);

	if (error)
		return error;
	error = port_new(&port, registry, options->name);
	if (error)
		return error;
	TAILQ_INSERT_TAIL(&registry->ports, port, link);
	if (options->bridge)
		error = bridge_join(registry, options->bridge, port);
	if (!error && options->rules)
		error = port_set_rules(port, options->rules);
	port->worker = (uint8_t)balance_choose(port);
	if (!error)
		error = port_open(port, options);
	if (error) {
		port_drop(registry, port);
		return error;
	}
	registry_publish(registry);
	*out = port;
	return 0;
}

int port_remove(struct registry *registry, const char *name)
{
	struct port *port = NULL;
	int error = port_find(registry, name, &port);

	if (error)
		return error;
	port_drop(registry, port);
	positions_forget(registry->positions, name);
	return 0;
}

static unsigned int member_count(const struct registry *registry, const struct bridge *bridge)
{
	const struct port *port;
	unsigned int count = 0;

	TAILQ_FOREACH(port, &registry->ports, link)
		count += port->bridge == bridge;
	return count;
}

int bridge_join(struct registry *registry, const char *name, struct port *port)
{
	struct bridge *bridge = NULL;
	int error = bridge_find(registry, name, &bridge);

	if (error)
		return error;
	if (port->bridge)
		return iov_fail(registry->iov, -EBUSY, "%s: is in bridge %s already", port->name,
				port->bridge->name);
	if (!bridge->macs && member_count(registry, bridge) == 2)
		return iov_fail(registry->iov, -EBUSY, "%s: a wire has two ports, and this one has "
				"them; see 'iov bridge list'", name);
	port->bridge = bridge;
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
	if (!wire && mac_table_open(&bridge->macs, REGISTRY_STATIONS, seed)) {
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
		bridge_free(registry, bridge);
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
		bridge_free(registry, bridge);
	return error;
}
