// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/net/net_config.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

/* What an Ethernet frame carries when nobody says otherwise. */
#define MTU_DEFAULT 1500

/* Virtio 1.2 section 5.1.4: not known. */
#define SPEED_UNKNOWN UINT32_MAX
#define DUPLEX_UNKNOWN UINT8_MAX

static_assert(sizeof(struct virtio_net_config) == 24 &&
		      offsetof(struct virtio_net_config, max_virtqueue_pairs) == 8 &&
		      offsetof(struct virtio_net_config, supported_hash_types) == 20,
	      "device configuration, section 5.1.4");

static uint16_t status(const struct net_device *net, bool link_up)
{
	return (link_up ? VIRTIO_NET_S_LINK_UP : 0) | (net->announce ? VIRTIO_NET_S_ANNOUNCE : 0);
}

void net_config_fill(const struct net_device *net, const struct net_settings *settings,
		     uint8_t *space)
{
	const uint64_t mac = htobe64(net->filter.mac);
	struct virtio_net_config config = {
		.status = htole16(status(net, settings->link_up)),
		.max_virtqueue_pairs = htole16(net->pairs_max),
		.mtu = htole16(settings->mtu ? settings->mtu : MTU_DEFAULT),
		.speed = htole32(SPEED_UNKNOWN),
		.duplex = DUPLEX_UNKNOWN,
		.rss_max_key_size = TOEPLITZ_KEY,
		.rss_max_indirection_table_length = htole16(NET_RSS_TABLE),
		.supported_hash_types = htole32(NET_RSS_TYPES),
	};

	/* The driver may have given the device another address than it was made with. */
	if (net->filter.has_mac)
		memcpy(config.mac, (const uint8_t *)&mac + 2, sizeof(config.mac));
	else if (settings->mac)
		memcpy(config.mac, settings->mac, sizeof(config.mac));
	memcpy(space, &config, sizeof(config));
}
