// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/net/net_filter.h"

#include "vhost-user/net/mac_key.h"
#include "vhost-user/net/net_bits.h"

#define BROADCAST UINT64_C(0xffffffffffff)

static bool is_among(const struct net_macs *table, uint64_t mac)
{
	for (unsigned int i = 0; i < table->count; i++)
		if (table->macs[i] == mac)
			return true;
	return table->overflow;
}

static bool group_passes(const struct net_filter *filter, uint64_t mac)
{
	if (mac == BROADCAST)
		return !filter->modes[VIRTIO_NET_CTRL_RX_NOBCAST];
	if (filter->modes[VIRTIO_NET_CTRL_RX_NOMULTI])
		return false;
	return filter->modes[VIRTIO_NET_CTRL_RX_ALLMULTI] || is_among(&filter->multicast, mac);
}

static bool unicast_passes(const struct net_filter *filter, uint64_t mac)
{
	if (filter->modes[VIRTIO_NET_CTRL_RX_NOUNI])
		return false;
	return filter->modes[VIRTIO_NET_CTRL_RX_ALLUNI] || !filter->has_mac ||
	       mac == filter->mac || is_among(&filter->unicast, mac);
}

/* Promiscuous mode comes before all else, as drivers expect who capture packets. */
static bool is_promiscuous(const struct net_filter *filter)
{
	return filter->by_mac && filter->modes[VIRTIO_NET_CTRL_RX_PROMISC];
}

bool net_filter_passes(const struct net_filter *filter, uint64_t mac, uint16_t vlan)
{
	if (is_promiscuous(filter))
		return true;
	if (vlan && filter->by_vlan && !net_filter_has_vlan(filter, vlan))
		return false;
	if (!filter->by_mac)
		return true;
	return mac & MAC_KEY_GROUP ? group_passes(filter, mac) : unicast_passes(filter, mac);
}

bool net_filter_is_open(const struct net_filter *filter)
{
	return is_promiscuous(filter) || (!filter->by_mac && !filter->by_vlan);
}

void net_filter_set_vlan(struct net_filter *filter, uint16_t vlan, bool passes)
{
	uint64_t bit = UINT64_C(1) << vlan % 64;

	if (passes)
		filter->vlans[vlan / 64] |= bit;
	else
		filter->vlans[vlan / 64] &= ~bit;
}

bool net_filter_has_vlan(const struct net_filter *filter, uint16_t vlan)
{
	return filter->vlans[vlan / 64] >> vlan % 64 & 1;
}
