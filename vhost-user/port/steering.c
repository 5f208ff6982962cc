// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/port/steering.h"

#include <string.h>

#include "vhost-user/port/net_port.h"
#include "vhost-user/port/registry.h"
#include "vhost-user/port/uplink_port.h"
#include "vhost-user/switch/flow.h"

/* The queue of an uplink that a worker takes from; -1 when it takes from none. */
static int queue_of(const struct uplink_port *up, unsigned int worker)
{
	for (unsigned int i = 0; i < uplink_queues(up->uplink); i++)
		if (up->port.workers[i] == worker)
			return (int)i;
	return -1;
}

/* The flows of an uplink in the making. */
struct flow_list {
	unsigned int count;
	struct uplink_flow list[FLOWS_MAX];
};

static void add(struct flow_list *flows, const uint8_t mac[6], int queue)
{
	struct uplink_flow *flow = &flows->list[flows->count];

	if (flows->count == FLOWS_MAX)
		return;
	memcpy(flow->mac, mac, sizeof(flow->mac));
	flow->queue = (uint8_t)queue;
	flows->count++;
}

/* What is known to be at a port, however it talks. */
static void add_stations(struct flow_list *flows, const struct net_port *net, int queue)
{
	uint8_t mac[6];

	if (net->has_mac)
		add(flows, net->mac, queue);
	for (unsigned int i = 0; i < net->member.rules.station_count; i++) {
		mac_of_key(net->member.rules.stations[i], mac);
		add(flows, mac, queue);
	}
}

/* The queue that frames for a guest should come by, -1 for any. */
static int queue_for(const struct uplink_port *up, const struct net_port *net)
{
	if (!net->member.bridge || net->member.bridge != up->member.bridge || !net->port.queues[1])
		return -1;
	return queue_of(up, net->port.workers[1]);
}

static void steer_uplink(const struct registry *registry, const struct uplink_port *up)
{
	static struct flow_list flows;
	const struct port *port;

	flows.count = 0;
	TAILQ_FOREACH(port, &registry->ports, link) {
		const struct net_port *net = net_port_of(port);
		int queue = net ? queue_for(up, net) : -1;

		if (queue >= 0)
			add_stations(&flows, net, queue);
	}
	uplink_steer(up->uplink, flows.list, flows.count);
}

void steering_apply(const struct registry *registry)
{
	const struct port *port;

	TAILQ_FOREACH(port, &registry->ports, link)
		if (uplink_of(port))
			steer_uplink(registry, uplink_port_of(port));
}
