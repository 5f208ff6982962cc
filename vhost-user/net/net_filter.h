/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which frames a driver wants, virtio 1.2 sections 5.1.6.5.1 to 5.1.6.5.3.
 *
 * Pure code: the control thread fills it in, the worker looks at a copy.
 */
#ifndef VHOST_USER_NET_NET_FILTER_H
#define VHOST_USER_NET_NET_FILTER_H

#include <stdbool.h>
#include <stdint.h>

/* Addresses of a table; a driver that has more gets all of that kind. */
#define NET_FILTER_MACS 64

#define NET_VLANS 4096

/**
 * struct net_macs - a table of addresses
 * @count: length of @macs
 * @overflow: there were more: all of this kind pass
 * @macs: mac_key() without VLAN
 */
struct net_macs {
	uint16_t count;
	bool overflow;
	uint64_t macs[NET_FILTER_MACS];
};

/**
 * struct net_filter - what a driver asked for
 * @by_mac: it filters by address (VIRTIO_NET_F_CTRL_RX)
 * @by_vlan: it filters by VLAN (VIRTIO_NET_F_CTRL_VLAN)
 * @has_mac: @mac is known; otherwise all unicast passes
 * @modes: by VIRTIO_NET_CTRL_RX_*
 * @mac: address of the device
 * @unicast: other unicast addresses
 * @multicast: group addresses
 * @vlans: a bit for each VLAN that passes
 */
struct net_filter {
	bool by_mac;
	bool by_vlan;
	bool has_mac;
	bool modes[6];
	uint64_t mac;
	struct net_macs unicast;
	struct net_macs multicast;
	uint64_t vlans[NET_VLANS / 64];
};

/**
 * net_filter_passes - whether a driver wants a frame
 * @filter: what it asked for
 * @mac: mac_key() of the destination without VLAN
 * @vlan: VLAN of the frame, 0 for none
 */
bool net_filter_passes(const struct net_filter *filter, uint64_t mac, uint16_t vlan);

/**
 * net_filter_is_open - whether everything passes
 * @filter: what the driver asked for
 */
bool net_filter_is_open(const struct net_filter *filter);

/**
 * net_filter_set_vlan - let frames of a VLAN pass, or not
 * @filter: filter
 * @vlan: below NET_VLANS
 * @passes: whether they pass
 */
void net_filter_set_vlan(struct net_filter *filter, uint16_t vlan, bool passes);

/**
 * net_filter_has_vlan - whether frames of a VLAN pass
 * @filter: filter
 * @vlan: below NET_VLANS
 */
bool net_filter_has_vlan(const struct net_filter *filter, uint16_t vlan);

#endif
