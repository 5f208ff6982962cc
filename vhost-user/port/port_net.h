/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtio-net device of a port: what an operator gives it, and what is known about it. */
#ifndef VHOST_USER_PORT_PORT_NET_H
#define VHOST_USER_PORT_PORT_NET_H

#include "vhost-user/port/registry.h"

/**
 * port_net_setup - take over what a port's options say of its device
 * @port: vhost-user port that is not opened yet
 * @options: options
 *
 * Return: 0 or -EINVAL with a message.
 */
int port_net_setup(struct port *port, const struct port_options *options);

/**
 * port_net_offers - virtio features of this port alone
 * @port: vhost-user port
 */
uint64_t port_net_offers(const struct port *port);

/**
 * port_net_reset - forget what the driver set up
 * @port: vhost-user port
 * @features: negotiated virtio features
 */
void port_net_reset(struct port *port, uint64_t features);

/**
 * port_net_config - the configuration space
 * @port: vhost-user port
 * @space: receives it
 */
void port_net_config(const struct port *port, uint8_t *space);

/**
 * port_net_set_link - set the link of a port down or up
 * @port: vhost-user port; the caller saves the state
 * @down: whether it is down
 */
void port_net_set_link(struct port *port, bool down);

/**
 * port_net_announce - ask the guest to announce itself to the network
 * @port: vhost-user port
 *
 * Return: 0, or -ENOTSUP with a message when the guest's driver cannot or its VMM does
 * not let us.
 */
int port_net_announce(struct port *port);

/**
 * port_net_options_json - add what port_options_of() reads
 * @port: vhost-user port
 * @object: gets "queue_pairs", "mac", "standby" and "link" as far as they were given
 */
void port_net_options_json(const struct port *port, struct json_object *object);

/**
 * port_net_describe - add what the driver set up
 * @port: vhost-user port
 * @object: gets "control" when the guest has its control queue here
 */
void port_net_describe(const struct port *port, struct json_object *object);

#endif
