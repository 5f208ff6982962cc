/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration space of a virtio-net device, virtio 1.2 section 5.1.4. */
#ifndef VHOST_USER_NET_NET_CONFIG_H
#define VHOST_USER_NET_NET_CONFIG_H

#include "vhost-user/net/net_device.h"

/* What every link carries: RFC 791. */
#define NET_MTU_MIN 68

/**
 * struct net_settings - what of the space is not the driver's doing
 * @mac: address of the device; NULL for none
 * @mtu: 0 when nobody said
 * @link_up: frames can pass
 */
struct net_settings {
	const uint8_t *mac;
	uint16_t mtu;
	bool link_up;
};

/**
 * net_config_fill - what the driver reads
 * @net: device
 * @settings: the rest
 * @space: receives struct virtio_net_config
 *
 * Fields of features that were not negotiated are filled in all the same.
 */
void net_config_fill(const struct net_device *net, const struct net_settings *settings,
		     uint8_t *space);

#endif
