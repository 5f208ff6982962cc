// SPDX-License-Identifier: GPL-2.0-or-later
/* From ports and bridges to the picture that a worker forwards by. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vhost-user/port/registry.h"

static const struct {
	unsigned int guest;
	unsigned int host;
	uint8_t needs;
} offloads[] = {
	{ VIRTIO_NET_F_GUEST_CSUM, VIRTIO_NET_F_CSUM, FRAME_NEED_CSUM },
	{ VIRTIO_NET_F_GUEST_TSO4, VIRTIO_NET_F_HOST_TSO4, FRAME_NEED_TSO4 },
	{ VIRTIO_NET_F_GUEST_TSO6, VIRTIO_NET_F_HOST_TSO6, FRAME_NEED_TSO6 },
	{ VIRTIO_NET_F_GUEST_ECN, VIRTIO_NET_F_HOST_ECN, FRAME_NEED_ECN },
	{ VIRTIO_NET_F_GUEST_USO4, VIRTIO_NET_F_HOST_USO, FRAME_NEED_USO4 },
	{ VIRTIO_NET_F_GUEST_USO6, VIRTIO_NET_F_HOST_USO, FRAME_NEED_USO6 },
};

/* Virtio 1.2 section 5.1.6.1: the legacy header without merging lacks num_buffers. */
static uint8_t header_bytes(uint64_t features)
{
	if (features & VU_BIT(VIRTIO_NET_F_HASH_REPORT))
		return sizeof(struct virtio_net_hdr_v1_hash);
	if (features & (VU_BIT(VIRTIO_NET_F_MRG_RXBUF) | VU_BIT(VIRTIO_F_VERSION_1)))
		return sizeof(struct virtio_net_hdr_mrg_rxbuf);
	return sizeof(struct virtio_net_hdr);
}

/* Features are those of a connection, so all its rings agree. */
static void set_features(struct dp_port *dp, const struct port *port)
{
	const struct net_device *net = &port->net;

	for (size_t i = 0; i < sizeof(offloads) / sizeof(*offloads); i++) {
		dp->accepts |= net->offloads & VU_BIT(offloads[i].guest) ? offloads[i].needs : 0;
		dp->offers |= net_device_has(net, offloads[i].host) ? offloads[i].needs : 0;
	}
	dp->buffers_max = net_device_has(net, VIRTIO_NET_F_MRG_RXBUF) ? VIRTQ_CHAINS_MAX : 1;
	dp->header = header_bytes(net->features);
	dp->is_down = port->is_down;
}

/* Whether frames may go to a receive queue. */
static bool receives(const struct port *port, unsigned int pair)
{
	const struct vu_queue *queue = port->queues[2 * pair];

	return queue && queue->enabled && !queue->unsettled && pair < port->net.pairs && !port->is_down;
}

/* Whether it is this worker who takes what a send queue has. */
static bool sends(const struct dp_view *view, const struct port *port, unsigned int pair)
{
	const struct vu_queue *queue = port->queues[2 * pair + 1];

	return queue && !queue->unsettled && port->workers[2 * pair + 1] == view->worker;
}

/* With either of the two numbers zero, calls do not wait. */
static struct dp_queue make_queue(struct dp_port *dp, const struct port *port, struct vu_queue *vu)
{
	struct dp_queue queue = { .vu = vu, .port = dp };
	const struct net_coalescing *coalescing = &port->net.coalescing[vu->index];

	if (coalescing->packets && coalescing->usecs)
		queue.coalescing = *coalescing;
	return queue;
}

/* Virtio 1.2 section 5.1.2: receiveq1, transmitq1, receiveq2, ... */
static int fill_queues(struct dp_view *view, struct dp_port *dp, const struct port *port)
{
	unsigned int pairs = (port->queue_end + 1) / 2, from = 0, to = 0;

	for (unsigned int i = 0; i < pairs; i++) {
		from += sends(view, port, i);
		to += receives(port, i);
	}
	dp->from = calloc(from + 1, sizeof(*dp->from));
	dp->to = calloc(to + 1, sizeof(*dp->to));
	if (!dp->from || !dp->to)
		return -ENOMEM;
	for (unsigned int i = 0; i < pairs; i++) {
		struct vu_queue *rx = port->queues[2 * i], *tx = port->queues[2 * i + 1];

		if (receives(port, i)) {
			dp->to[dp->to_count] = make_queue(dp, port, rx);
			dp->to[dp->to_count++].is_shared = port->registry->worker_count > 1;
		}
		if (sends(view, port, i)) {
			dp->from[dp->from_count++] = make_queue(dp, port, tx);
			view->must_poll |= port->polled[2 * i + 1];
		}
	}
	return 0;
}

static int fill_filter(struct dp_port *dp, const struct net_filter *filter)
{
	if (net_filter_is_open(filter)) {
		dp->accepts |= dp->rules ? 0 : DP_ORDINARY;
		return 0;
	}
	dp->filter = malloc(sizeof(*dp->filter));
	if (!dp->filter)
		return -ENOMEM;
	*dp->filter = *filter;
	return 0;
}

/* The ring of a queue pair; NULL when it does not run. */
static struct dp_queue *ring_of(const struct dp_port *dp, unsigned int pair)
{
	for (unsigned int i = 0; i < dp->to_count; i++)
		if (dp->to[i].vu->index == 2 * pair)
			return &dp->to[i];
	return NULL;
}

static int fill_rss(struct dp_port *dp, const struct net_rss *rss)
{
	if (!rss->steers && !rss->types)
		return 0;
	dp->rss = calloc(1, sizeof(*dp->rss));
	if (!dp->rss)
		return -ENOMEM;
	dp->rss->rss = *rss;
	dp->single = NULL;
	dp->rss->unclassified = ring_of(dp, rss->unclassified);
	for (unsigned int i = 0; rss->steers && i <= rss->mask; i++)
		dp->rss->table[i] = ring_of(dp, rss->table[i]);
	return 0;
}

static int fill_guest(struct dp_view *view, struct dp_port *dp, const struct port *port)
{
	int error = port->lane ? 0 : fill_queues(view, dp, port);

	if (error)
		return error;
	dp->lane = port->lane;
	view->must_poll |= port->lane && dp->is_polled;
	set_features(dp, port);
	dp->single = dp->to_count == 1 ? dp->to : NULL;
	error = fill_filter(dp, &port->net.filter);
	return error ? error : fill_rss(dp, &port->net.rss);
}

static int fill_uplink(struct dp_view *view, struct dp_port *dp, const struct port *port)
{
	if (port->is_hidden)
		return 0;
	dp->uplink = port->uplink;
	dp->worker = view->worker;
	dp->accepts = uplink_accepts(port->uplink);
	dp->sending = calloc(1, sizeof(*dp->sending));
	for (unsigned int i = 0; i < uplink_queues(port->uplink); i++)
		if (port->workers[i] == view->worker)
			dp->uplink_takes |= UINT64_C(1) << i;
	view->must_poll |= dp->uplink_takes != 0;
	return dp->sending ? 0 : -ENOMEM;
}

/* Whether there is something that is looked at for each frame. */
static bool has_rules(const struct port_rules *rules)
{
	return rules->vlan.mode != VLAN_TRANSPARENT || rules->guard.mac_count ||
	       rules->guard.prefix_count || rate_is_limited(&rules->rx) ||
	       rate_is_limited(&rules->tx) || rate_is_limited(&rules->storm) || rules->mirror;
}

static int fill_rules(struct dp_port *dp, struct port *port)
{
	dp->is_isolated = port->rules.is_isolated;
	if (!has_rules(&port->rules))
		return 0;
	dp->rules = calloc(1, sizeof(*dp->rules));
	if (!dp->rules)
		return -ENOMEM;
	dp->rules->rules = port->rules;
	dp->rules->rates = &port->rates;
	return 0;
}

/* Where there are all ports. */
static void fill_mirrors(struct dp_view *view, const struct registry *registry)
{
	const struct port *port, *mirror;

	TAILQ_FOREACH(port, &registry->ports, link) {
		if (!port->rules.mirror)
			continue;
		TAILQ_FOREACH(mirror, &registry->ports, link)
			if (!strcmp(mirror->name, port->rules.mirror))
				view->by_slot[DP_SLOT(port->id)]->rules->mirror =
					view->by_slot[DP_SLOT(mirror->id)];
	}
}

static int add_port(struct dp_view *view, struct port *port)
{
	struct dp_port *dp = calloc(1, sizeof(*dp));
	int error;

	if (!dp)
		return -ENOMEM;
	view->ports[view->count++] = dp;
	view->by_slot[DP_SLOT(port->id)] = dp;
	dp->id = port->id;
	dp->counters = &port->counters[view->worker];
	dp->loads = port->loads;
	dp->is_polled = port->worker == view->worker;
	error = fill_rules(dp, port);
	if (error)
		return error;
	return port->uplink ? fill_uplink(view, dp, port) : fill_guest(view, dp, port);
}

static int fill_stations(struct dp_view *view, const struct registry *registry,
			 const struct bridge *bridge, struct dp_bridge *dp)
{
	const struct port *port;
	unsigned int count = 0;

	TAILQ_FOREACH(port, &registry->ports, link)
		count += port->bridge == bridge ? port->rules.station_count : 0;
	if (!count)
		return 0;
	dp->stations = calloc(count, sizeof(*dp->stations));
	if (!dp->stations)
		return -ENOMEM;
	TAILQ_FOREACH(port, &registry->ports, link) {
		for (unsigned int i = 0; port->bridge == bridge && i < port->rules.station_count; i++)
			dp->stations[dp->station_count++] = (struct dp_station){
				port->rules.stations[i], view->by_slot[DP_SLOT(port->id)],
			};
	}
	qsort(dp->stations, count, sizeof(*dp->stations), dp_station_compare);
	return 0;
}

static int add_bridge(struct dp_view *view, const struct registry *registry,
		      const struct bridge *bridge)
{
	struct dp_bridge *dp = calloc(1, sizeof(*dp));
	const struct port *port;

	if (!dp)
		return -ENOMEM;
	view->bridges[view->bridge_count++] = dp;
	dp->macs = bridge->macs;
	dp->age = bridge_age(bridge);
	dp->ports = calloc(view->count + 1, sizeof(struct dp_port *));
	if (!dp->ports)
		return -ENOMEM;
	TAILQ_FOREACH(port, &registry->ports, link) {
		if (port->bridge != bridge)
			continue;
		dp->ports[dp->count] = view->by_slot[DP_SLOT(port->id)];
		dp->ports[dp->count++]->bridge = dp;
	}
	return fill_stations(view, registry, bridge, dp);
}

static int allocate(struct dp_view *view, const struct registry *registry)
{
	const struct bridge *bridge;
	unsigned int bridges = 1;

	TAILQ_FOREACH(bridge, &registry->bridges, link)
		bridges++;
	view->ports = calloc(DP_PORTS_MAX, sizeof(struct dp_port *));
	view->bridges = calloc(bridges, sizeof(struct dp_bridge *));
	return view->ports && view->bridges ? 0 : -ENOMEM;
}

static int fill(struct dp_view *view, const struct registry *registry)
{
	struct port *port;
	const struct bridge *bridge;
	int error = allocate(view, registry);

	if (error)
		return error;
	TAILQ_FOREACH(port, &registry->ports, link) {
		error = add_port(view, port);
		if (error)
			return error;
	}
	TAILQ_FOREACH(bridge, &registry->bridges, link) {
		error = add_bridge(view, registry, bridge);
		if (error)
			return error;
	}
	fill_mirrors(view, registry);
	return 0;
}

int view_build(struct dp_view **out, const struct registry *registry, unsigned int worker)
{
	static uint64_t generation;
	struct dp_view *view = calloc(1, sizeof(*view));
	int error = -ENOMEM;

	if (view) {
		view->worker = worker;
		error = fill(view, registry);
	}
	if (error) {
		view_free(view);
		return error;
	}
	view->generation = ++generation;
	*out = view;
	return 0;
}

void view_free(struct dp_view *view)
{
	if (!view)
		return;
	for (unsigned int i = 0; i < view->bridge_count; i++) {
		free(view->bridges[i]->ports);
		free(view->bridges[i]->stations);
		free(view->bridges[i]);
	}
	for (unsigned int i = 0; i < view->count; i++) {
		free(view->ports[i]->from);
		free(view->ports[i]->to);
		free(view->ports[i]->sending);
		free(view->ports[i]->filter);
		free(view->ports[i]->rss);
		free(view->ports[i]->rules);
		free(view->ports[i]);
	}
	free(view->bridges);
	free(view->ports);
	free(view);
}
