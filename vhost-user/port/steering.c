// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/port/steering.h"

#include <string.h>

#include "vhost-user/switch/flow.h"

/* The queue of an uplink that a worker takes from; -1 when it takes from none. */
static int queue_of(const struct port *uplink, unsigned int worker)
{
	for (unsigned int i = 0; i < uplink_queues(uplink->uplink); i++)
		if (uplink->workers[i] == worker)
			return (int)i;
	return -1;
}

/* The rules of an uplink in the making. */
struct rules {
	unsigned int count;
	struct uplink_rule list[FLOW_RULES_MAX];
};

static void add(struct rules *rules, const uint8_t mac[6], int queue)
{
	struct uplink_rule *rule = &rules->list[rules->count];

	if (rules->count == FLOW_RULES_MAX)
		return;
	memcpy(rule->mac, mac, sizeof(rule->mac));
	rule->queue = (uint8_t)queue;
	rules->count++;
}

/* What is known to be at a port, however it talks. */
static void add_stations(struct rules *rules, const struct port *port, int queue)
{
	uint8_t mac[6];

	if (port->has_mac)
		add(rules, port->mac, queue);
	for (unsigned int i = 0; i < port->rules.station_count; i++) {
		mac_of_key(port->rules.stations[i], mac);
		add(rules, mac, queue);
	}
}

static void steer_uplink(const struct registry *registry, const struct port *uplink)
{
	static struct rules rules;
	const struct port *port;

	rules.count = 0;
	TAILQ_FOREACH(port, &registry->ports, link) {
		int queue = port->queues[1] ? queue_of(uplink, port->workers[1]) : -1;

		if (queue >= 0 && port->bridge && port->bridge == uplink->bridge)
			add_stations(&rules, port, queue);
	}
	uplink_steer(uplink->uplink, rules.list, rules.count);
}

void steering_apply(const struct registry *registry)
{
	const struct port *port;

	TAILQ_FOREACH(port, &registry->ports, link)
		if (port->uplink)
			steer_uplink(registry, port);
}
