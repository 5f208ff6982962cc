// SPDX-License-Identifier: GPL-2.0-or-later
/* From ports and bridges to the picture that the worker forwards by. */
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <stdlib.h>

#include "vhost-user/registry.h"

static uint8_t needs(uint64_t features, unsigned int csum, unsigned int tso4, unsigned int tso6)
{
	return (uint8_t)((features & VU_BIT(csum) ? FRAME_NEED_CSUM : 0) |
			 (features & VU_BIT(tso4) ? FRAME_NEED_TSO4 : 0) |
			 (features & VU_BIT(tso6) ? FRAME_NEED_TSO6 : 0));
}

/* Features are those of a connection, so all its rings agree. */
static void set_features(struct dp_port *dp, uint64_t features)
{
	bool mergeable = features & VU_BIT(VIRTIO_NET_F_MRG_RXBUF);

	dp->accepts = needs(features, VIRTIO_NET_F_GUEST_CSUM, VIRTIO_NET_F_GUEST_TSO4,
			    VIRTIO_NET_F_GUEST_TSO6);
	dp->offers = needs(features, VIRTIO_NET_F_CSUM, VIRTIO_NET_F_HOST_TSO4,
			   VIRTIO_NET_F_HOST_TSO6);
	dp->buffers_max = mergeable ? VIRTQ_CHAINS_MAX : 1;
	/* Virtio 1.2 section 5.1.6.1: the legacy header without merging lacks num_buffers. */
	dp->header = mergeable || features & VU_BIT(VIRTIO_F_VERSION_1)
			     ? sizeof(struct virtio_net_hdr_mrg_rxbuf)
			     : sizeof(struct virtio_net_hdr);
}

static int fill_guest(struct dp_view *view, struct dp_port *dp, const struct port *port)
{
	dp->lane = port->lane;
	view->must_poll |= port->lane != NULL;
	dp->from = calloc(PORT_QUEUE_PAIRS, sizeof(*dp->from));
	dp->to = calloc(PORT_QUEUE_PAIRS, sizeof(*dp->to));
	if (!dp->from || !dp->to)
		return -ENOMEM;
	for (unsigned int i = 0; i < PORT_VRINGS; i++) {
		struct vu_queue *queue = port->queues[i];

		if (!queue)
			continue;
		set_features(dp, queue->features);
		if (port->lane || queue->unsettled)
			continue;
		/* Virtio 1.2 section 5.1.2: receiveq1, transmitq1, receiveq2, ... */
		if (i & 1)
			dp->from[dp->from_count++] = (struct dp_queue){ .vu = queue, .port = dp };
		else if (queue->enabled)
			dp->to[dp->to_count++] = (struct dp_queue){ .vu = queue, .port = dp };
		view->must_poll |= port->polled[i];
	}
	return 0;
}

static int fill_uplink(struct dp_view *view, struct dp_port *dp, struct uplink *uplink)
{
	dp->uplink = uplink;
	dp->accepts = uplink_accepts(uplink);
	dp->burst = calloc(DP_BURST, sizeof(*dp->burst));
	view->must_poll = true;
	return dp->burst ? 0 : -ENOMEM;
}

static int add_port(struct dp_view *view, const struct port *port)
{
	struct dp_port *dp = calloc(1, sizeof(*dp));

	if (!dp)
		return -ENOMEM;
	view->ports[view->count++] = dp;
	view->by_slot[DP_SLOT(port->id)] = dp;
	dp->id = port->id;
	dp->counters = port->counters;
	return port->uplink ? fill_uplink(view, dp, port->uplink) : fill_guest(view, dp, port);
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
	dp->ports = calloc(view->count + 1, sizeof(struct dp_port *));
	if (!dp->ports)
		return -ENOMEM;
	TAILQ_FOREACH(port, &registry->ports, link) {
		if (port->bridge != bridge)
			continue;
		dp->ports[dp->count] = view->by_slot[DP_SLOT(port->id)];
		dp->ports[dp->count++]->bridge = dp;
	}
	return 0;
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
	const struct port *port;
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
	return 0;
}

int view_build(struct dp_view **out, const struct registry *registry)
{
	struct dp_view *view = calloc(1, sizeof(*view));
	int error = view ? fill(view, registry) : -ENOMEM;

	if (error) {
		view_free(view);
		return error;
	}
	*out = view;
	return 0;
}

void view_free(struct dp_view *view)
{
	if (!view)
		return;
	for (unsigned int i = 0; i < view->bridge_count; i++) {
		free(view->bridges[i]->ports);
		free(view->bridges[i]);
	}
	for (unsigned int i = 0; i < view->count; i++) {
		free(view->ports[i]->from);
		free(view->ports[i]->to);
		free(view->ports[i]->burst);
		free(view->ports[i]);
	}
	free(view->bridges);
	free(view->ports);
	free(view);
}
