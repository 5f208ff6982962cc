/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The port of an uplink: a network device that DPDK drives. */
#ifndef VHOST_USER_PORT_UPLINK_PORT_H
#define VHOST_USER_PORT_UPLINK_PORT_H

#include <systemd/sd-event.h>

#include "vhost-user/port/member.h"

/**
 * struct uplink_port - a port of type "ethdev"
 * @port: what all ports have
 * @member: what those have that carry frames
 * @uplink: the device; NULL while it is opened
 * @is_hidden: workers must not use it
 * @watch: looks at the interface that the device is at; NULL for none
 * @news: hears of interfaces; NULL for none
 * @link: what was seen last
 * @excess_mtu: the same, see uplink_excess_mtu()
 */
struct uplink_port {
	struct port port;
	struct member member;
	struct uplink *uplink;
	bool is_hidden;
	sd_event_source *watch;
	sd_event_source *news;
	enum uplink_link link;
	unsigned int excess_mtu;
};

extern const struct port_type uplink_port_type;

/**
 * uplink_port_of - a port as what it is
 * @port: any port
 *
 * Return: NULL when it has no uplink.
 */
static inline struct uplink_port *uplink_port_of(const struct port *port)
{
	return port->type == &uplink_port_type ? (struct uplink_port *)port : NULL;
}

/**
 * uplink_of - the device of a port
 * @port: any port
 *
 * Return: NULL for none.
 */
static inline struct uplink *uplink_of(const struct port *port)
{
	const struct uplink_port *up = uplink_port_of(port);

	return up ? up->uplink : NULL;
}

#endif
