/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The port of a guest's network device: what an operator gives it, and what is known about it.
 *
 * Threads: the control thread.
 */
#ifndef VHOST_USER_PORT_NET_PORT_H
#define VHOST_USER_PORT_NET_PORT_H

#include "vhost-user/net/device_state.h"
#include "vhost-user/net/net_device.h"
#include "vhost-user/port/member.h"

struct net_ctrl_vq;

/**
 * struct net_port - a port of type "vhost-user"
 * @port: what all ports have
 * @member: what those have that carry frames
 * @mtu: what the front end said, 0 before
 * @device: what the guest's driver set up
 * @has_mac: @mac was given
 * @mac: address that the guest is offered
 * @is_standby: the guest is offered to use it as the standby of a VF with that address
 * @is_translated: VIRTIO_F_ACCESS_PLATFORM is offered, for a guest behind an IOMMU
 * @is_down: the link was set down
 * @ctrl_vq: the control queue, while it runs
 * @worker: who takes from @lane
 * @moved: addresses of a guest that moved here, to be announced when it receives
 * @moved_count: length of @moved
 * @lane: has the rings while the guest's memory arrives; NULL mostly
 * @lent: memory that devices reach; NULL for none
 */
struct net_port {
	struct port port;
	struct member member;
	uint16_t mtu;
	struct net_device device;
	bool has_mac;
	uint8_t mac[6];
	bool is_standby;
	bool is_translated;
	bool is_down;
	struct net_ctrl_vq *ctrl_vq;
	uint8_t worker;
	struct net_station *moved;
	unsigned int moved_count;
	struct lane *lane;
	struct loan_memory *lent;
};

extern const struct port_type net_port_type;

/**
 * net_port_of - a port as what it is
 * @port: any port
 *
 * Return: NULL when it is no network device of a guest.
 */
static inline struct net_port *net_port_of(const struct port *port)
{
	return port->type == &net_port_type ? (struct net_port *)port : NULL;
}

/**
 * net_port_reset - forget what the driver set up
 * @net: port
 * @features: negotiated virtio features
 */
void net_port_reset(struct net_port *net, uint64_t features);

/**
 * net_port_config - the configuration space
 * @net: port
 * @space: receives it
 */
void net_port_config(const struct net_port *net, uint8_t *space);

#endif
