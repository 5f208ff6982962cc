// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation.  Rings come and go with the front end; each time the workers get new
 * views.
 *
 * The control queue belongs to who negotiated VIRTIO_NET_F_CTRL_VQ with us.  QEMU and
 * cloud-hypervisor serve it themselves and do not; they say by SET_VRING_ENABLE which
 * queue pairs are in use.  crosvm hands it over, behind the queue pairs that our
 * configuration space says that there are.
 */
#include "vhost-user/port/net_session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "vhost-user/net/net_config.h"
#include "vhost-user/net/net_features.h"
#include "vhost-user/port/balance.h"
#include "vhost-user/port/lending.h"
#include "vhost-user/port/net_ctrl_vq.h"
#include "vhost-user/port/net_migration.h"
#include "vhost-user/port/registry.h"
#include "vhost-user/switch/lane.h"

/* Those that say nothing of the device: a driver does not set it up anew for them. */
#define TRANSPORT_FEATURES (VU_BIT(VU_F_LOG_ALL) | VU_BIT(VU_F_PROTOCOL_FEATURES))

/* The worker learns of a ring that came; the network, of a guest that did. */
static void publish_start(struct net_port *net, const struct vu_queue *queue)
{
	registry_publish(net->port.registry);
	if (net->moved_count && !net_ring_sends(queue->index) && queue->enabled)
		net_announce_moved(net);
}

/* Memory that may be missing is for the lane alone: nobody else may come to wait for it. */
static void start_in_lane(struct net_port *net, struct vu_queue *queue)
{
	struct registry *registry = net->port.registry;
	int error = net->lane ? 0 : lane_open(&net->lane, workers_attention_fd(registry->workers));

	net->port.queues[queue->index] = queue;
	if (error)
		iov_log_with(registry->iov, LOG_ERR, PORT_FIELDS(net->port.name),
			"%s: vring %u stands still until all memory has arrived: %s", net->port.name,
			queue->index, strerror(-error));
	else
		lane_add(net->lane, queue);
	publish_start(net, queue);
}

static void stop_in_lane(struct net_port *net, struct vu_queue *queue)
{
	struct lane *lane = net->lane;

	if (lane)
		lane_remove(lane, queue);
	net->port.queues[queue->index] = NULL;
	if (lane && lane_is_empty(lane))
		net->lane = NULL;
	registry_publish(net->port.registry);
	if (net->lane || !lane)
		return;
	lane_count(lane, member_counters(&net->port));
	lane_count_left(lane, member_counters(&net->port));
	lane_close(lane);
}

/* What the network keeps of it; a ring without stands still. */
static bool add_ring(struct net_port *net, struct vu_queue *queue)
{
	struct dp_ring *ring = aligned_alloc(_Alignof(struct dp_ring), sizeof(*ring));

	queue->device = ring;
	if (ring)
		*ring = (struct dp_ring){ .frames = 0 };
	else
		iov_log_with(net->port.registry->iov, LOG_ERR, PORT_FIELDS(net->port.name),
			     "%s: vring %u stands still: out of memory",
			net->port.name, queue->index);
	return ring;
}

/* In no view any more. */
static void remove_ring(struct vu_queue *queue)
{
	free(queue->device);
	queue->device = NULL;
}

/* The control queue of a guest whose memory may be missing has to wait until that is there. */
static bool start_elsewhere(struct net_port *net, struct vu_queue *queue)
{
	if (queue->index == net_device_ctrl_vq(&net->device)) {
		if (!queue->unsettled)
			net_ctrl_vq_start(net, queue);
		return true;
	}
	if (!add_ring(net, queue))
		return true;
	if (queue->index >= net->port.queue_end)
		net->port.queue_end = queue->index + 1;
	if (!queue->unsettled)
		return false;
	start_in_lane(net, queue);
	/* The lane may have settled it meanwhile. */
	return true;
}

static void queue_start(void *arg, struct vu_queue *queue)
{
	struct net_port *net = arg;
	bool sends = net_ring_sends(queue->index);

	if (start_elsewhere(net, queue))
		return;
	queue->ring.reads_only = sends;
	dp_ring_of(queue)->is_used = false;
	if (sends) {
		net->port.node = guest_memory_node(queue->setup.device);
		balance_attach(&net->port, queue, balance_choose(&net->port));
		lending_start(net, queue);
	}
	net->port.queues[queue->index] = queue;
	publish_start(net, queue);
}

/* A call that waited for more frames, of a ring that the worker has no more. */
static void pay_call(struct vu_queue *queue)
{
	struct dp_ring *ring = dp_ring_of(queue);

	if (ring->call_owed)
		vu_queue_call(queue);
	ring->call_owed = false;
}

/* Frames are given back within a pass, so nothing drains. */
static bool queue_stop(void *arg, struct vu_queue *queue)
{
	struct net_port *net = arg;

	if (queue->index == net_device_ctrl_vq(&net->device)) {
		net_ctrl_vq_stop(net);
		return true;
	}
	if (!queue->device)
		return true;
	if (net->lane || queue->unsettled) {
		stop_in_lane(net, queue);
		remove_ring(queue);
		return true;
	}
	net->port.queues[queue->index] = NULL;
	registry_publish(net->port.registry);
	if (net_ring_sends(queue->index))
		balance_detach(&net->port, queue);
	lending_stop(net, queue);
	pay_call(queue);
	remove_ring(queue);
	return true;
}

void net_session_pay_calls(struct net_port *net)
{
	for (unsigned int i = 0; i < net->port.queue_end; i += 2)
		if (net->port.queues[i] && (net->is_down || i / 2 >= net->device.pairs))
			pay_call(net->port.queues[i]);
}

static void features_chosen(void *arg, uint64_t features)
{
	struct net_port *net = arg;

	features &= ~TRANSPORT_FEATURES;
	if (features != net->device.features)
		net_port_reset(net, features);
}

static void reset(void *arg)
{
	struct net_port *net = arg;

	net_port_reset(net, net->device.features);
}

static void get_config(void *arg, uint8_t space[VU_CONFIG_SPACE])
{
	net_port_config(arg, space);
}

/* A worker that sleeps looks at its rings when it wakes up; for receive buffers nobody waits. */
static void kick(void *arg, struct vu_queue *queue)
{
	struct net_port *net = arg;

	if (net_ring_sends(queue->index))
		worker_wake(net->port.registry->workers, net->port.workers[queue->index]);
}

static void quiesce(void *arg)
{
	struct net_port *net = arg;

	if (net->lane)
		lane_synchronize(net->lane);
	workers_synchronize(net->port.registry->workers);
}

static int set_mtu(void *arg, uint16_t mtu)
{
	struct net_port *net = arg;

	if (mtu < NET_MTU_MIN)
		return -EINVAL;
	net->mtu = mtu;
	return 0;
}

static void send_rarp(void *arg, const uint8_t mac[6])
{
	net_announce(arg, mac);
}

static const struct vu_ops ops = {
	.queue_start = queue_start,
	.queue_stop = queue_stop,
	.kick = kick,
	.quiesce = quiesce,
	.features = features_chosen,
	.reset = reset,
	.get_config = get_config,
	.set_mtu = set_mtu,
	.send_rarp = send_rarp,
	.save = net_save,
	.load = net_load,
};

int net_session_open(struct net_port *net, const struct port_options *options)
{
	const struct vu_device device = {
		.ops = &ops,
		.arg = net,
		.postcopy = net->port.registry->postcopy,
		.features = net_features(net->has_mac, net->is_standby, net->is_translated),
		.config_size = sizeof(struct virtio_net_config),
		.queues = NET_VRINGS,
		.queue_num = NET_PAIRS_MAX,
	};

	return front_end_open(&net->port, options, &device);
}
