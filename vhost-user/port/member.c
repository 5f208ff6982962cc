// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/port/member.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "vhost-user/port/balance.h"
#include "vhost-user/port/bridge.h"
#include "vhost-user/port/registry.h"

/* Words all of them, so that they are added up as such. */
static void add_counters(struct dp_counters *sum, const struct dp_counters *counters)
{
	const uint64_t *from = &counters->rx_packets;
	uint64_t *to = &sum->rx_packets;

	for (size_t i = 0; i < offsetof(struct dp_counters, drops) / sizeof(*to) + DROP_COUNT; i++)
		to[i] += __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

struct dp_counters member_counted(const struct port *port)
{
	struct dp_counters sum = { 0 };

	for (unsigned int i = 0; i <= port->registry->worker_count; i++)
		add_counters(&sum, &port->member->counters[i]);
	return sum;
}

struct dp_counters member_counted_all(const struct registry *registry)
{
	struct dp_counters sum = registry->removed;
	const struct port *port;

	TAILQ_FOREACH(port, &registry->ports, link) {
		if (port->member) {
			const struct dp_counters counted = member_counted(port);

			add_counters(&sum, &counted);
		}
	}
	return sum;
}

struct dp_counters *member_counters(const struct port *port)
{
	return &port->member->counters[port->registry->worker_count];
}

int member_open(struct port *port)
{
	const size_t size = (port->registry->worker_count + 1) * sizeof(struct dp_counters);
	struct member *member = (struct member *)((char *)port + port->type->member);

	member->counters = aligned_alloc(VIRTQ_CACHE_LINE, size);
	if (!member->counters)
		return -ENOMEM;
	memset(member->counters, 0, size);
	port->member = member;
	return 0;
}

void member_close(struct port *port)
{
	struct dp_counters counted;

	if (!port->member)
		return;
	counted = member_counted(port);
	add_counters(&port->registry->removed, &counted);
	port_rules_release(&port->member->rules);
	free(port->member->counters);
}

int member_check_rules(struct registry *registry, const char *name, struct json_object *rules)
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

static int check_station(const struct port *port, uint64_t station)
{
	const struct port *other;

	TAILQ_FOREACH(other, &port->registry->ports, link) {
		const struct member *member = other->member;

		if (other == port || !member || member->bridge != port->member->bridge)
			continue;
		for (unsigned int i = 0; i < member->rules.station_count; i++)
			if (member->rules.stations[i] == station)
				return iov_fail(port->registry->iov, -EEXIST, "%s: a station of it is at "
						"port %s already", port->name, other->name);
	}
	return 0;
}

/* The rules that come of a change, and their group; the caller releases them. */
static int change_rules(const struct port *port, struct json_object *json, struct port_rules *rules,
			struct qos **qos)
{
	int error;

	*rules = (struct port_rules){ .json = json_object_get(port->member->rules.json) };
	error = port_rules_change(rules, port->registry->iov, port->name, json);
	for (unsigned int i = 0; !error && i < rules->station_count; i++)
		error = check_station(port, rules->stations[i]);
	if (!error)
		error = qos_find_named(port->registry, rules->qos, qos);
	if (error)
		port_rules_release(rules);
	return error;
}

int member_would_set_rules(const struct port *port, struct json_object *json)
{
	struct port_rules rules;
	struct qos *qos;
	int error = json ? member_check_rules(port->registry, port->name, json) : 0;
	int differs;

	if (error || !json)
		return error;
	error = change_rules(port, json, &rules, &qos);
	if (error)
		return error;
	differs = !json_object_equal(rules.json, port->member->rules.json);
	port_rules_release(&rules);
	return differs;
}

int member_set_rules(struct port *port, struct json_object *json)
{
	struct port_rules rules;
	struct qos *qos = NULL;
	int error = change_rules(port, json, &rules, &qos);

	if (error)
		return error;
	port_rules_release(&port->member->rules);
	port->member->rules = rules;
	port->qos = qos;
	port->cpus = rules.cpus;
	return 0;
}

struct dp_rates *member_limits(struct port *port)
{
	const struct member *member = port->member;
	struct dp_rates *rates = &port->member->rates;
	const uint64_t now = monotonic_ns();

	qos_group_set(&rates->limits, now, member->rules.limits, QOS_BURST_NS);
	qos_set_rate(&rates->storm, now, member->rules.storm, QOS_BURST_NS);
	qos_join(&rates->own, &rates->limits);
	qos_join(&rates->shared, port->qos ? &port->qos->group : NULL);
	return rates;
}

void member_apply_rules(struct port *port)
{
	registry_publish(port->registry);
	balance_apply(port);
}

void member_save(const struct port *port, struct json_object *entry)
{
	const struct member *member = port->member;

	if (member->bridge)
		json_object_object_add(entry, "bridge", json_object_new_string(member->bridge->name));
	if (member->rules.json)
		json_object_object_add(entry, "rules", json_object_get(member->rules.json));
}

void member_describe(const struct port *port, struct json_object *object)
{
	json_object_object_add(object, "bridge", NULL);
	member_save(port, object);
}

static uint64_t stations(const struct port *port)
{
	const struct bridge *bridge = port->member->bridge;

	return bridge && bridge->macs ? mac_table_count(bridge->macs, port->id) : 0;
}

void member_count(const struct port *port, struct json_object *object)
{
	const struct dp_counters counters = member_counted(port);

	json_object_object_add(object, "rx_packets", json_object_new_uint64(counters.rx_packets));
	json_object_object_add(object, "rx_bytes", json_object_new_uint64(counters.rx_bytes));
	json_object_object_add(object, "tx_packets", json_object_new_uint64(counters.tx_packets));
	json_object_object_add(object, "tx_bytes", json_object_new_uint64(counters.tx_bytes));
	json_object_object_add(object, "copies", json_object_new_uint64(counters.copies));
	json_object_object_add(object, "stations", json_object_new_uint64(stations(port)));
	json_object_object_add(object, "unplaced_stations", json_object_new_uint64(counters.unplaced));
}

void member_drops(const struct port *port, uint64_t counters[REASONS_MAX])
{
	const struct dp_counters counted = member_counted(port);

	memcpy(counters, counted.drops, sizeof(counted.drops));
}

static uint64_t rx_packets(const struct port *port)
{
	return member_counted(port).rx_packets;
}

static uint64_t rx_bytes(const struct port *port)
{
	return member_counted(port).rx_bytes;
}

static uint64_t tx_packets(const struct port *port)
{
	return member_counted(port).tx_packets;
}

static uint64_t tx_bytes(const struct port *port)
{
	return member_counted(port).tx_bytes;
}

static uint64_t copies(const struct port *port)
{
	return member_counted(port).copies;
}

static uint64_t unplaced(const struct port *port)
{
	return member_counted(port).unplaced;
}

const struct port_metric member_metrics[] = {
	{ "port_receive_packets", false, NULL, "Packets that came from the port", rx_packets },
	{ "port_receive_bytes", false, "bytes", "Bytes that came from the port", rx_bytes },
	{ "port_transmit_packets", false, NULL, "Packets that went to the port", tx_packets },
	{ "port_transmit_bytes", false, "bytes", "Bytes that went to the port", tx_bytes },
	{ "port_copied_packets", false, NULL,
	  "Packets beyond those that came from the port which floods, mirrors and cutting made of them",
	  copies },
	{ "port_stations", true, NULL, "Stations that a switch knows at the port", stations },
	{ "port_unplaced_stations", false, NULL, "Times that a switch had no place for one of them",
	  unplaced },
	{ NULL },
};
