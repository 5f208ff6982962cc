// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/port/net_view.h"

#include <errno.h>
#include <stdlib.h>

#include "vhost-user/ring/ring_features.h"

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
	if (features & VIRTIO_BIT(VIRTIO_NET_F_HASH_REPORT))
		return sizeof(struct virtio_net_hdr_v1_hash);
	if (features & (VIRTIO_BIT(VIRTIO_NET_F_MRG_RXBUF) | VIRTIO_BIT(VIRTIO_F_VERSION_1)))
		return sizeof(struct virtio_net_hdr_mrg_rxbuf);
	return sizeof(struct virtio_net_hdr);
}

/* Features are those of a connection, so all its rings agree. */
static void set_features(struct dp_port *dp, const struct net_port *port)
{
	const struct net_device *net = &port->device;

	for (size_t i = 0; i < sizeof(offloads) / sizeof(*offloads); i++) {
		dp->accepts |= net->offloads & VIRTIO_BIT(offloads[i].guest) ? offloads[i].needs : 0;
		dp->offers |= net_device_has(net, offloads[i].host) ? offloads[i].needs : 0;
	}
	dp->buffers_max = net_device_has(net, VIRTIO_NET_F_MRG_RXBUF) ? VIRTQ_CHAINS_MAX : 1;
	dp->header = header_bytes(net->features);
	dp->is_down = port->is_down;
}

/* Whether frames may go to a receive queue. */
static bool receives(const struct net_port *port, unsigned int pair)
{
	const struct vu_queue *queue = port->port.queues[2 * pair];

	return queue && queue->enabled && !queue->unsettled && pair < port->device.pairs &&
	       !port->is_down;
}

/* Whether it is this worker who takes what a send queue has. */
static bool sends(const struct dp_view *view, const struct net_port *port, unsigned int pair)
{
	const struct vu_queue *queue = port->port.queues[2 * pair + 1];

	return queue && !queue->unsettled && port->port.workers[2 * pair + 1] == view->worker;
}

/* With either of the two numbers zero, calls do not wait. */
static struct dp_queue make_queue(struct dp_port *dp, const struct net_port *port, struct vu_queue *vu)
{
	struct dp_queue queue = { .vu = vu, .ring = dp_ring_of(vu), .port = dp };
	const struct net_coalescing *coalescing = &port->device.coalescing[vu->index];

	if (coalescing->packets && coalescing->usecs)
		queue.coalescing = *coalescing;
	return queue;
}

/* Virtio 1.2 section 5.1.2: receiveq1, transmitq1, receiveq2, ... */
static int fill_queues(struct dp_view *view, struct dp_port *dp, const struct net_port *port)
{
	unsigned int pairs = (port->port.queue_end + 1) / 2, from = 0, to = 0;

	for (unsigned int i = 0; i < pairs; i++) {
		from += sends(view, port, i);
		to += receives(port, i);
	}
	dp->from = calloc(from + 1, sizeof(*dp->from));
	dp->to = calloc(to + 1, sizeof(*dp->to));
	if (!dp->from || !dp->to)
		return -ENOMEM;
	for (unsigned int i = 0; i < pairs; i++) {
		struct vu_queue *rx = port->port.queues[2 * i], *tx = port->port.queues[2 * i + 1];

		if (receives(port, i)) {
			dp->to[dp->to_count] = make_queue(dp, port, rx);
			dp->to[dp->to_count++].is_shared = port->port.registry->worker_count > 1;
		}
		if (sends(view, port, i)) {
			dp->from[dp->from_count++] = make_queue(dp, port, tx);
			view->must_poll |= port->port.polled[2 * i + 1];
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

int net_port_fill_view(struct dp_view *view, struct dp_port *dp, const struct port *base)
{
	const struct net_port *port = net_port_of(base);
	int error = port->lane ? 0 : fill_queues(view, dp, port);

	if (error)
		return error;
	dp->is_polled = port->worker == view->worker;
	dp->lane = port->lane;
	view->must_poll |= port->lane && dp->is_polled;
	set_features(dp, port);
	dp->single = dp->to_count == 1 ? dp->to : NULL;
	error = fill_filter(dp, &port->device.filter);
	return error ? error : fill_rss(dp, &port->device.rss);
}
