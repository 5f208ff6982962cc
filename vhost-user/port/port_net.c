// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/port/port_net.h"

#include <errno.h>
#include <string.h>

#include "vhost-user/net/net_config.h"

/* With one pair more the control queue would have a number that no eventfd can be set for. */
#define PAIRS_MAX (NET_PAIRS_MAX - 1)

static int parse_mac(struct port *port, const char *text)
{
	port->has_mac = port_rules_parse_mac(text, port->mac);
	if (port->has_mac)
		return 0;
	return iov_fail(port->registry->iov, -EINVAL, "%s: MAC address '%.32s': expected that of one "
			"station, such as 52:54:00:12:34:56", port->name, text);
}

int port_net_setup(struct port *port, const struct port_options *options)
{
	struct iov *iov = port->registry->iov;
	int error = options->mac ? parse_mac(port, options->mac) : 0;

	if (error)
		return error;
	if (options->queue_pairs < 0 || options->queue_pairs > PAIRS_MAX)
		return iov_fail(iov, -EINVAL, "%s: %d queue pairs, expected 1 to %d", port->name,
				options->queue_pairs, PAIRS_MAX);
	if (options->standby && !port->has_mac)
		return iov_fail(iov, -EINVAL, "%s: a standby device has the MAC address of the VF that "
				"it stands by for; give it", port->name);
	if (options->link && strcmp(options->link, "up") && strcmp(options->link, "down"))
		return iov_fail(iov, -EINVAL, "%s: link '%.32s': expected up or down", port->name,
				options->link);
	port->net.pairs_max = options->queue_pairs ? (uint16_t)options->queue_pairs : 1;
	port->is_standby = options->standby;
	port->is_down = options->link && !strcmp(options->link, "down");
	port_net_reset(port, 0);
	return 0;
}

uint64_t port_net_offers(const struct port *port)
{
	return (port->has_mac ? VU_BIT(VIRTIO_NET_F_MAC) : 0) |
	       (port->is_standby ? VU_BIT(VIRTIO_NET_F_STANDBY) : 0);
}

static const uint8_t *mac_of(const struct port *port)
{
	return port->has_mac ? port->mac : NULL;
}

void port_net_reset(struct port *port, uint64_t features)
{
	net_device_reset(&port->net, features, mac_of(port));
}

void port_net_config(const struct port *port, uint8_t *space)
{
	const struct net_settings settings = {
		.mac = mac_of(port),
		.mtu = port->mtu,
		.link_up = !port->is_down,
	};

	net_config_fill(&port->net, &settings, space);
}

static void tell_driver(const struct port *port)
{
	struct vu_session *session = port->endpoint ? vu_endpoint_session(port->endpoint) : NULL;

	if (session)
		vu_session_config_changed(session);
}

void port_net_set_link(struct port *port, bool down)
{
	if (port->is_down == down)
		return;
	port->is_down = down;
	registry_publish(port->registry);
	vhost_port_pay_calls(port);
	tell_driver(port);
}

int port_net_announce(struct port *port)
{
	const struct net_device *net = &port->net;

	if (!port->control || !net_device_has(net, VIRTIO_NET_F_GUEST_ANNOUNCE) ||
	    !net_device_has(net, VIRTIO_NET_F_STATUS))
		return iov_fail(port->registry->iov, -ENOTSUP, "%s: the guest cannot be asked to announce "
				"itself: its driver has no such feature, or its VMM has the control "
				"queue", port->name);
	port->net.announce = true;
	tell_driver(port);
	return 0;
}

static void add_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, json_object_new_string(text));
}

void port_net_options_json(const struct port *port, struct json_object *object)
{
	char text[MAC_TEXT];

	if (port->net.pairs_max > 1)
		json_object_object_add(object, "queue_pairs",
				       json_object_new_int(port->net.pairs_max));
	if (port->has_mac) {
		port_rules_format_mac(port->mac, text);
		add_text(object, "mac", text);
	}
	if (port->is_standby)
		json_object_object_add(object, "standby", json_object_new_boolean(true));
	if (port->is_down)
		add_text(object, "link", "down");
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
			add_text(object, modes[i], "on");
	for (size_t i = 0; i < NET_VLANS / 64; i++)
		vlans += __builtin_popcountll(filter->vlans[i]);
	json_object_object_add(object, "unicast", json_object_new_int(filter->unicast.count));
	json_object_object_add(object, "multicast", json_object_new_int(filter->multicast.count));
	json_object_object_add(object, "vlans", json_object_new_int(vlans));
	return object;
}

void port_net_describe(const struct port *port, struct json_object *object)
{
	const struct net_device *net = &port->net;
	struct json_object *control;

	port_net_options_json(port, object);
	if (!port->control)
		return;
	control = json_object_new_object();
	json_object_object_add(control, "commands", json_object_new_uint64(net->commands));
	json_object_object_add(control, "refused", json_object_new_uint64(net->refused));
	json_object_object_add(control, "pairs", json_object_new_int(net->pairs));
	json_object_object_add(control, "announce", json_object_new_boolean(net->announce));
	json_object_object_add(control, "steering",
			       json_object_new_string(net->rss.steers ? "rss" : "automatic"));
	json_object_object_add(control, "filter", filter_json(&net->filter));
	json_object_object_add(object, "control", control);
}
