// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/port/net_port.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/mac.h"
#include "vhost-user/net/net_config.h"
#include "vhost-user/net/net_features.h"
#include "vhost-user/port/balance.h"
#include "vhost-user/port/describe.h"
#include "vhost-user/port/net_migration.h"
#include "vhost-user/port/net_session.h"
#include "vhost-user/port/net_view.h"
#include "vhost-user/port/registry.h"

static int check(struct iov *iov, const struct port_options *options)
{
	bool has_socket = (options->socket && *options->socket) || options->fd;

	if (!has_socket || options->device || options->zero_copy || options->mtu)
		return iov_fail(iov, -EINVAL, "%s: a vhost-user port takes a socket and no device, nor "
				"zero_copy and mtu, which are the device's", options->name);
	return front_end_check(iov, options);
}

static int check_link(struct iov *iov, const char *port, const char *link)
{
	if (!link || !strcmp(link, "up") || !strcmp(link, "down"))
		return 0;
	return iov_fail(iov, -EINVAL, "%s: link '%.32s': expected up or down", port, link);
}

static int parse_mac(struct net_port *net, struct iov *iov, const char *text)
{
	net->has_mac = iov_mac_parse_nic(text, net->mac);
	if (net->has_mac)
		return 0;
	return iov_fail(iov, -EINVAL, "%s: MAC address '%.32s': expected that of one station, such as "
			"52:54:00:12:34:56", net->port.name, text);
}

/* Take over what the options say of the device. */
static int take_options(struct net_port *net, const struct port_options *options)
{
	struct iov *iov = net->port.registry->iov;
	int error = options->mac ? parse_mac(net, iov, options->mac) : 0;

	if (error)
		return error;
	if (options->queue_pairs < 0 || options->queue_pairs > NET_PAIRS_WITH_CONTROL)
		return iov_fail(iov, -EINVAL, "%s: %d queue pairs, expected 1 to %d", net->port.name,
				options->queue_pairs, NET_PAIRS_WITH_CONTROL);
	if (options->standby && !net->has_mac)
		return iov_fail(iov, -EINVAL, "%s: a standby device has the MAC address of the VF that "
				"it stands by for; give it", net->port.name);
	error = check_link(iov, net->port.name, options->link);
	if (error)
		return error;
	net->device.pairs_max = options->queue_pairs ? (uint16_t)options->queue_pairs : 1;
	net->is_standby = options->standby;
	net->is_translated = options->iommu;
	net->is_down = options->link && !strcmp(options->link, "down");
	net_port_reset(net, 0);
	return 0;
}

static int open_port(struct port *port, const struct port_options *options)
{
	struct net_port *net = net_port_of(port);
	int error = take_options(net, options);

	if (error)
		return error;
	net->worker = (uint8_t)balance_choose(port);
	return net_session_open(net, options);
}

static int rehearse(struct port *port, const struct port_options *options)
{
	int error = take_options(net_port_of(port), options);

	return error ? error : front_end_rehearse(port, options);
}

static void close_port(struct port *port)
{
	front_end_close(port);
	net_forget_moved(net_port_of(port));
}

static const uint8_t *mac_of(const struct net_port *net)
{
	return net->has_mac ? net->mac : NULL;
}

void net_port_reset(struct net_port *net, uint64_t features)
{
	net_device_reset(&net->device, features, mac_of(net));
}

void net_port_config(const struct net_port *net, uint8_t *space)
{
	const struct net_settings settings = {
		.mac = mac_of(net),
		.mtu = net->mtu,
		.link_up = !net->is_down,
	};

	net_config_fill(&net->device, &settings, space);
}

static void tell_driver(const struct net_port *net)
{
	struct vu_session *session = front_end_session(&net->port);

	if (session)
		vu_session_config_changed(session);
}

static void set_link(struct net_port *net, bool down)
{
	if (net->is_down == down)
		return;
	net->is_down = down;
	registry_publish(net->port.registry);
	if (down)
		bridge_forget(&net->port);
	net_session_pay_calls(net);
	tell_driver(net);
}

/* Whether the guest can be asked to announce itself to the network. */
static int check_announce(const struct net_port *net)
{
	if (net->ctrl_vq && net_device_has(&net->device, VIRTIO_NET_F_GUEST_ANNOUNCE) &&
	    net_device_has(&net->device, VIRTIO_NET_F_STATUS))
		return 0;
	return iov_fail(net->port.registry->iov, -ENOTSUP, "%s: the guest cannot be asked to announce "
			"itself: its driver has no such feature, or its VMM has the control queue; leave "
			"out --announce", net->port.name);
}

static bool is_down(const char *link)
{
	return !strcmp(link, "down");
}

static int would_set(const struct port *port, const struct port_changes *changes)
{
	const struct net_port *net = net_port_of(port);
	struct iov *iov = port->registry->iov;
	int error = check_link(iov, port->name, changes->link);
	int differs;

	if (!error && changes->mtu)
		error = iov_fail(iov, -EINVAL, "%s: the MTU of a guest's device is its VMM's to set; leave "
				 "out --mtu", port->name);
	if (!error && changes->announce)
		error = check_announce(net);
	if (error)
		return error;
	differs = member_would_set_rules(port, changes->rules);
	if (differs)
		return differs;
	return changes->announce || (changes->link && is_down(changes->link) != net->is_down);
}

static int set(struct port *port, const struct port_changes *changes)
{
	struct net_port *net = net_port_of(port);
	int error = changes->rules ? member_set_rules(port, changes->rules) : 0;

	if (error)
		return error;
	if (changes->rules)
		member_apply_rules(port);
	if (changes->link)
		set_link(net, is_down(changes->link));
	if (changes->announce) {
		net->device.announce = true;
		tell_driver(net);
	}
	return 0;
}

/* What take_options() reads, as far as it was given. */
static void add_options(const struct net_port *net, struct json_object *object)
{
	char text[IOV_MAC_TEXT];

	if (net->device.pairs_max > 1)
		json_object_object_add(object, "queue_pairs",
				       json_object_new_int(net->device.pairs_max));
	if (net->has_mac) {
		iov_mac_format(net->mac, text);
		json_add_text(object, "mac", text);
	}
	if (net->is_standby)
		json_object_object_add(object, "standby", json_object_new_boolean(true));
	if (net->is_translated)
		json_object_object_add(object, "iommu", json_object_new_boolean(true));
	if (net->is_down)
		json_add_text(object, "link", "down");
}

static void save(const struct port *port, struct json_object *entry)
{
	front_end_save(port, entry);
	add_options(net_port_of(port), entry);
	member_save(port, entry);
}

static struct json_object *filter_json(const struct net_filter *filter)
{
	static const char *const modes[] = {
		[VIRTIO_NET_CTRL_RX_PROMISC] = "promiscuous",
		[VIRTIO_NET_CTRL_RX_ALLMULTI] = "all-multicast",
		[VIRTIO_NET_CTRL_RX_ALLUNI] = "all-unicast",
		[VIRTIO_NET_CTRL_RX_NOMULTI] = "no-multicast",
		[VIRTIO_NET_CTRL_RX_NOUNI] = "no-unicast",
		[VIRTIO_NET_CTRL_RX_NOBCAST] = "no-broadcast",
	};
	struct json_object *object = json_object_new_object();
	int vlans = 0;

	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (filter->modes[i])
			json_add_text(object, modes[i], "on");
	for (size_t i = 0; i < NET_VLANS / 64; i++)
		vlans += __builtin_popcountll(filter->vlans[i]);
	json_object_object_add(object, "unicast", json_object_new_int(filter->unicast.count));
	json_object_object_add(object, "multicast", json_object_new_int(filter->multicast.count));
	json_object_object_add(object, "vlans", json_object_new_int(vlans));
	return object;
}

/* What the driver set up. */
static void describe_device(const struct net_port *net, struct json_object *object)
{
	const struct net_device *device = &net->device;
	struct json_object *control;

	add_options(net, object);
	if (!net->ctrl_vq)
		return;
	control = json_object_new_object();
	json_object_object_add(control, "commands", json_object_new_uint64(device->commands));
	json_object_object_add(control, "refused", json_object_new_uint64(device->refused));
	json_object_object_add(control, "pairs", json_object_new_int(device->pairs));
	json_object_object_add(control, "announce", json_object_new_boolean(device->announce));
	json_object_object_add(control, "steering",
			       json_object_new_string(device->rss.steers ? "rss" : "automatic"));
	json_object_object_add(control, "filter", filter_json(&device->filter));
	json_object_object_add(object, "control", control);
}

static void describe(const struct port *port, struct json_object *object)
{
	const struct net_port *net = net_port_of(port);

	member_describe(port, object);
	front_end_describe(port, object);
	if (net->mtu)
		json_object_object_add(object, "mtu", json_object_new_int(net->mtu));
	describe_device(net, object);
}

static bool reasons(const struct port *port, enum reason_kind kind, uint64_t counters[REASONS_MAX])
{
	if (kind == REASON_DROP)
		member_drops(port, counters);
	else
		front_end_reasons(port, kind, counters);
	return true;
}

/* The worker writes it meanwhile. */
static uint64_t carried_frames(const struct vu_queue *queue)
{
	return __atomic_load_n(&dp_ring_of(queue)->frames, __ATOMIC_RELAXED);
}

static struct json_object *rings(const struct port *port)
{
	struct json_object *rings = json_object_new_array();

	for (unsigned int i = 0; i < port->queue_end; i++) {
		bool sends = net_ring_sends(i);
		struct json_object *ring;

		if (!port->queues[i])
			continue;
		ring = port_ring_json(port, i, sends ? "from guest" : "to guest");
		json_object_object_add(ring, "frames",
				       json_object_new_uint64(carried_frames(port->queues[i])));
		if (sends)
			port_ring_add_cpu(ring, port, i);
		json_object_array_add(rings, ring);
	}
	return rings;
}

static bool is_up(const struct port *port)
{
	return front_end_session(port);
}

static bool is_source(const struct port *port, unsigned int index)
{
	return net_ring_sends(index) && port->queues[index] && !net_port_of(port)->lane;
}

static const struct port_metric *const metrics[] = {
	port_metrics, member_metrics, front_end_metrics, NULL,
};

const struct port_type net_port_type = {
	.name = "vhost-user",
	.size = sizeof(struct net_port),
	.member = offsetof(struct net_port, member),
	.check = check,
	.open = open_port,
	.rehearse = rehearse,
	.close = close_port,
	.would_set = would_set,
	.set = set,
	.describe = describe,
	.save = save,
	.count = member_count,
	.reasons = reasons,
	.rings = rings,
	.feature_name = net_feature_name,
	.is_up = is_up,
	.is_source = is_source,
	.fill_view = net_port_fill_view,
	.metrics = metrics,
};
