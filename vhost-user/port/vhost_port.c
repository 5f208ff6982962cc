// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest's port: the device behind a vhost-user session.  Rings come and go
 * with the front end; each time the worker gets a new view.
 *
 * The control queue belongs to who negotiated VIRTIO_NET_F_CTRL_VQ with us.  QEMU and
 * cloud-hypervisor serve it themselves and do not; they say by SET_VRING_ENABLE which
 * queue pairs are in use.  crosvm hands it over, behind the queue pairs that our
 * configuration space says that there are.
 */
#include <errno.h>
#include <linux/virtio_ring.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "vhost-user/port/balance.h"
#include "vhost-user/port/lending.h"
#include "vhost-user/port/port_ctrl_vq.h"
#include "vhost-user/port/port_net.h"
#include "vhost-user/port/registry.h"
#include "vhost-user/switch/lane.h"

#define FEATURES                                                                                   \
	(VU_BIT(VIRTIO_F_VERSION_1) | VU_BIT(VIRTIO_F_ANY_LAYOUT) |                                \
	 VU_BIT(VIRTIO_F_ACCESS_PLATFORM) |                                                        \
	 VU_BIT(VIRTIO_F_RING_PACKED) | VU_BIT(VIRTIO_F_IN_ORDER) |                                \
	 VU_BIT(VIRTIO_F_RING_RESET) | VU_BIT(VIRTIO_F_NOTIFICATION_DATA) |                        \
	 VU_BIT(VIRTIO_RING_F_INDIRECT_DESC) | VU_BIT(VIRTIO_RING_F_EVENT_IDX) |                   \
	 VU_BIT(VIRTIO_NET_F_MRG_RXBUF) | VU_BIT(VIRTIO_NET_F_MQ) | VU_BIT(VIRTIO_NET_F_MTU) |     \
	 VU_BIT(VIRTIO_NET_F_STATUS) | VU_BIT(VIRTIO_NET_F_GUEST_ANNOUNCE) |                       \
	 VU_BIT(VIRTIO_NET_F_CTRL_VQ) | VU_BIT(VIRTIO_NET_F_CTRL_RX) |                             \
	 VU_BIT(VIRTIO_NET_F_CTRL_RX_EXTRA) | VU_BIT(VIRTIO_NET_F_CTRL_VLAN) |                     \
	 VU_BIT(VIRTIO_NET_F_CTRL_MAC_ADDR) | VU_BIT(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS) |           \
	 VU_BIT(VIRTIO_NET_F_RSS) | VU_BIT(VIRTIO_NET_F_HASH_REPORT) |                             \
	 VU_BIT(VIRTIO_NET_F_NOTF_COAL) | VU_BIT(VIRTIO_NET_F_VQ_NOTF_COAL) |                      \
	 VU_BIT(VIRTIO_NET_F_CSUM) | VU_BIT(VIRTIO_NET_F_GUEST_CSUM) |                             \
	 VU_BIT(VIRTIO_NET_F_HOST_TSO4) | VU_BIT(VIRTIO_NET_F_HOST_TSO6) |                         \
	 VU_BIT(VIRTIO_NET_F_HOST_ECN) | VU_BIT(VIRTIO_NET_F_HOST_USO) |                           \
	 VU_BIT(VIRTIO_NET_F_GUEST_TSO4) | VU_BIT(VIRTIO_NET_F_GUEST_TSO6) |                       \
	 VU_BIT(VIRTIO_NET_F_GUEST_ECN) | VU_BIT(VIRTIO_NET_F_GUEST_USO4) |                        \
	 VU_BIT(VIRTIO_NET_F_GUEST_USO6))

/* Those that say nothing of the device: a driver does not set it up anew for them. */
#define TRANSPORT_FEATURES (VU_BIT(VU_F_LOG_ALL) | VU_BIT(VU_F_PROTOCOL_FEATURES))

static const struct {
	unsigned int bit;
	const char *name;
} feature_names[] = {
	{ VIRTIO_NET_F_CSUM, "csum" },
	{ VIRTIO_NET_F_GUEST_CSUM, "guest-csum" },
	{ VIRTIO_NET_F_CTRL_GUEST_OFFLOADS, "ctrl-guest-offloads" },
	{ VIRTIO_NET_F_MTU, "mtu" },
	{ VIRTIO_NET_F_MAC, "mac" },
	{ VIRTIO_NET_F_GUEST_TSO4, "guest-tso4" },
	{ VIRTIO_NET_F_GUEST_TSO6, "guest-tso6" },
	{ VIRTIO_NET_F_GUEST_ECN, "guest-ecn" },
	{ VIRTIO_NET_F_HOST_TSO4, "host-tso4" },
	{ VIRTIO_NET_F_HOST_TSO6, "host-tso6" },
	{ VIRTIO_NET_F_HOST_ECN, "host-ecn" },
	{ VIRTIO_NET_F_MRG_RXBUF, "mergeable" },
	{ VIRTIO_NET_F_STATUS, "status" },
	{ VIRTIO_NET_F_CTRL_VQ, "ctrl-vq" },
	{ VIRTIO_NET_F_CTRL_RX, "ctrl-rx" },
	{ VIRTIO_NET_F_CTRL_VLAN, "ctrl-vlan" },
	{ VIRTIO_NET_F_CTRL_RX_EXTRA, "ctrl-rx-extra" },
	{ VIRTIO_NET_F_GUEST_ANNOUNCE, "guest-announce" },
	{ VIRTIO_NET_F_MQ, "multiqueue" },
	{ VIRTIO_NET_F_CTRL_MAC_ADDR, "ctrl-mac" },
	{ VIRTIO_RING_F_INDIRECT_DESC, "indirect" },
	{ VIRTIO_RING_F_EVENT_IDX, "event-idx" },
	{ VIRTIO_F_VERSION_1, "version-1" },
	{ VIRTIO_F_ACCESS_PLATFORM, "access-platform" },
	{ VIRTIO_F_RING_PACKED, "packed" },
	{ VIRTIO_F_IN_ORDER, "in-order" },
	{ VIRTIO_F_NOTIFICATION_DATA, "notification-data" },
	{ VIRTIO_F_RING_RESET, "ring-reset" },
	{ VIRTIO_NET_F_VQ_NOTF_COAL, "vq-coalescing" },
	{ VIRTIO_NET_F_NOTF_COAL, "coalescing" },
	{ VIRTIO_NET_F_GUEST_USO4, "guest-uso4" },
	{ VIRTIO_NET_F_GUEST_USO6, "guest-uso6" },
	{ VIRTIO_NET_F_HOST_USO, "host-uso" },
	{ VIRTIO_NET_F_HASH_REPORT, "hash-report" },
	{ VIRTIO_NET_F_RSS, "rss" },
	{ VIRTIO_NET_F_STANDBY, "standby" },
};

/* The worker learns of a ring that came; the network, of a guest that did. */
static void publish_start(struct port *port, const struct vu_queue *queue)
{
	registry_publish(port->registry);
	if (port->moved_count && !(queue->index & 1) && queue->enabled)
		port_announce_moved(port);
}

/* Memory that may be missing is for the lane alone: nobody else may come to wait for it. */
static void start_in_lane(struct port *port, struct vu_queue *queue)
{
	int error = port->lane ? 0 : lane_open(&port->lane,
					       workers_attention_fd(port->registry->workers));

	port->queues[queue->index] = queue;
	if (error)
		iov_log(port->registry->iov, LOG_ERR,
			"%s: vring %u stands still until all memory has arrived: %s", port->name,
			queue->index, strerror(-error));
	else
		lane_add(port->lane, queue);
	publish_start(port, queue);
}

static void stop_in_lane(struct port *port, struct vu_queue *queue)
{
	struct lane *lane = port->lane;

	if (lane)
		lane_remove(lane, queue);
	port->queues[queue->index] = NULL;
	if (lane && lane_is_empty(lane))
		port->lane = NULL;
	registry_publish(port->registry);
	if (!port->lane)
		lane_close(lane);
}

/* The control queue of a guest whose memory may be missing has to wait until that is there. */
static bool start_elsewhere(struct port *port, struct vu_queue *queue)
{
	if (queue->index == net_device_control(&port->net)) {
		if (!queue->unsettled)
			port_control_start(port, queue);
		return true;
	}
	if (queue->index >= port->queue_end)
		port->queue_end = queue->index + 1;
	if (!queue->unsettled)
		return false;
	start_in_lane(port, queue);
	/* The lane may have settled it meanwhile. */
	return true;
}

static void queue_start(void *arg, struct vu_queue *queue)
{
	struct port *port = arg;
	bool sends = queue->index & 1;

	if (start_elsewhere(port, queue))
		return;
	queue->ring.reads_only = sends;
	if (sends) {
		port->node = guest_memory_node(queue->setup.device);
		balance_attach(port, queue, balance_choose(port));
		lending_start(port, queue);
	}
	port->queues[queue->index] = queue;
	publish_start(port, queue);
}

/* A call that waited for more frames, of a ring that the worker has no more. */
static void pay_call(struct vu_queue *queue)
{
	if (queue->call_owed)
		vu_queue_call(queue);
	queue->call_owed = false;
}

static void queue_stop(void *arg, struct vu_queue *queue)
{
	struct port *port = arg;
	if (queue->index == net_device_control(&port->net)) {
		port_control_stop(port);
		return;
	}
	if (port->lane || queue->unsettled) {
		stop_in_lane(port, queue);
		return;
	}
	port->queues[queue->index] = NULL;
	registry_publish(port->registry);
	if (queue->index & 1)
		balance_detach(port, queue);
	lending_stop(port, queue);
	pay_call(queue);
}

void vhost_port_pay_calls(struct port *port)
{
	for (unsigned int i = 0; i < port->queue_end; i += 2)
		if (port->queues[i] && (port->is_down || i / 2 >= port->net.pairs))
			pay_call(port->queues[i]);
}

static void features_chosen(void *arg, uint64_t features)
{
	struct port *port = arg;

	features &= ~TRANSPORT_FEATURES;
	if (features != port->net.features)
		port_net_reset(port, features);
}

static void reset(void *arg)
{
	struct port *port = arg;

	port_net_reset(port, port->net.features);
}

static void get_config(void *arg, uint8_t space[VU_CONFIG_SPACE])
{
	port_net_config(arg, space);
}

/* A worker that sleeps looks at its rings when it wakes up. */
static void kick(void *arg, struct vu_queue *queue)
{
	struct port *port = arg;

	(void)queue;
	workers_wake(port->registry->workers);
}

static void quiesce(void *arg)
{
	struct port *port = arg;

	if (port->lane)
		lane_synchronize(port->lane);
	workers_synchronize(port->registry->workers);
}

static int set_mtu(void *arg, uint16_t mtu)
{
	struct port *port = arg;

	if (mtu < 68) /* RFC 791: every link carries that */
		return -EINVAL;
	port->mtu = mtu;
	return 0;
}

static void send_rarp(void *arg, const uint8_t mac[6])
{
	port_announce(arg, mac);
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
	.save = port_save,
	.load = port_load,
};

int vhost_port_open(struct port *port)
{
	const struct vu_device device = {
		.name = port->name,
		.ops = &ops,
		.arg = port,
		.postcopy = port->registry->postcopy,
		.features = FEATURES | port_net_offers(port),
		.queues = NET_VRINGS,
		.queue_num = NET_PAIRS_MAX,
		.positions = positions_of(port->registry->positions, port->name),
	};

	static_assert(NET_VRINGS <= POSITIONS_RINGS, "a port's rings have room there");
	struct iov *iov = port->registry->iov;
	int error = port_log_open(&port->log, iov, port->name);

	if (error)
		return error;
	if (port->fd)
		error = vu_endpoint_adopt(&port->endpoint, port_log_context(port->log),
					  port->registry->event, port->fd, &device);
	else
		error = vu_endpoint_open(&port->endpoint, port_log_context(port->log),
					 port->registry->event, port->socket,
					 port->server ? VU_SERVER : VU_CLIENT, &device, &port->access);
	if (error)
		iov_fail(iov, error, "%s", iov_error_message(port_log_context(port->log)));
	return error;
}

void vhost_port_close(struct port *port)
{
	vu_endpoint_close(port->endpoint);
	port->endpoint = NULL;
	port_log_close(port->log);
	port->log = NULL;
}

void vhost_port_check(struct port *port)
{
	struct vu_session *session = port->endpoint ? vu_endpoint_session(port->endpoint) : NULL;

	if (session)
		vu_session_attend(session);
}

static struct json_object *features_json(uint64_t features)
{
	struct json_object *names = json_object_new_array();

	for (size_t i = 0; i < sizeof(feature_names) / sizeof(*feature_names); i++)
		if (features & VU_BIT(feature_names[i].bit))
			json_object_array_add(names, json_object_new_string(feature_names[i].name));
	return names;
}

void vhost_port_describe_access(const struct port *port, struct json_object *object)
{
	char mode[IOV_SOCKET_MODE_SIZE], owner[IOV_SOCKET_OWNER_SIZE];

	if (!port->server)
		return;
	snprintf(mode, sizeof(mode), "%04o", port->access.mode & 0777);
	json_object_object_add(object, "socket_mode", json_object_new_string(mode));
	if (socket_access_owner(&port->access, owner))
		json_object_object_add(object, "socket_owner", json_object_new_string(owner));
}

void vhost_port_describe(const struct port *port, struct json_object *object)
{
	const struct vu_session *session = vu_endpoint_session(port->endpoint);
	int queues = 0;

	for (unsigned int i = 0; i < port->queue_end; i++)
		queues += port->queues[i] && port->queues[i]->enabled;
	json_object_object_add(object, "socket", json_object_new_string(port->socket));
	json_object_object_add(object, "mode",
			       json_object_new_string(port->server ? "server" : "client"));
	vhost_port_describe_access(port, object);
	json_object_object_add(object, "state",
			       json_object_new_string(session	      ? "connected"
						      : port->server ? "listening"
								     : "connecting"));
	json_object_object_add(object, "queues", json_object_new_int(queues));
	if (session)
		json_object_object_add(object, "features",
				       features_json(vu_session_features(session)));
	if (port->mtu)
		json_object_object_add(object, "mtu", json_object_new_int(port->mtu));
	port_net_describe(port, object);
}
