/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of a port goes with its guest, and how the network learns of the new place.
 *
 * Threads: the control thread.
 */
#ifndef VHOST_USER_PORT_NET_MIGRATION_H
#define VHOST_USER_PORT_NET_MIGRATION_H

#include "vhost-user/port/net_port.h"

/**
 * net_save - what goes with the guest of a port
 * @arg: struct net_port, see struct vu_ops
 * @bytes: receives memory
 * @length: receives its length
 *
 * Return: 0 or -errno with a message.
 */
int net_save(void *arg, uint8_t **bytes, size_t *length);

/**
 * net_load - a guest comes with that
 * @arg: struct net_port, see struct vu_ops
 * @bytes: from net_save() of the port that it left; may be anything
 * @length: length of @bytes
 *
 * Return: 0, -EINVAL or -ENOMEM with a message.
 */
int net_load(void *arg, const uint8_t *bytes, size_t length);

/**
 * net_announce - tell the network that an address is at a port
 * @net: port
 * @mac: the address
 */
void net_announce(struct net_port *net, const uint8_t mac[6]);

/**
 * net_announce_moved - the same of all addresses that came with the guest
 * @net: port
 */
void net_announce_moved(struct net_port *net);

/**
 * net_forget_moved - the guest is another one
 * @net: port
 */
void net_forget_moved(struct net_port *net);

#endif
