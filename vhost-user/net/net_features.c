// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/net/net_features.h"

#include <stddef.h>

#include "vhost-user/net/net_bits.h"
#include "vhost-user/ring/ring_features.h"

#define FEATURES                                                                                   \
	(VIRTIO_BIT(VIRTIO_NET_F_MRG_RXBUF) | VIRTIO_BIT(VIRTIO_NET_F_MQ) |                        \
	 VIRTIO_BIT(VIRTIO_NET_F_MTU) | VIRTIO_BIT(VIRTIO_NET_F_STATUS) |                          \
	 VIRTIO_BIT(VIRTIO_NET_F_GUEST_ANNOUNCE) | VIRTIO_BIT(VIRTIO_NET_F_CTRL_VQ) |              \
	 VIRTIO_BIT(VIRTIO_NET_F_CTRL_RX) | VIRTIO_BIT(VIRTIO_NET_F_CTRL_RX_EXTRA) |               \
	 VIRTIO_BIT(VIRTIO_NET_F_CTRL_VLAN) | VIRTIO_BIT(VIRTIO_NET_F_CTRL_MAC_ADDR) |             \
	 VIRTIO_BIT(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS) | VIRTIO_BIT(VIRTIO_NET_F_RSS) |             \
	 VIRTIO_BIT(VIRTIO_NET_F_HASH_REPORT) | VIRTIO_BIT(VIRTIO_NET_F_NOTF_COAL) |               \
	 VIRTIO_BIT(VIRTIO_NET_F_VQ_NOTF_COAL) | VIRTIO_BIT(VIRTIO_NET_F_CSUM) |                   \
	 VIRTIO_BIT(VIRTIO_NET_F_GUEST_CSUM) | VIRTIO_BIT(VIRTIO_NET_F_HOST_TSO4) |                \
	 VIRTIO_BIT(VIRTIO_NET_F_HOST_TSO6) | VIRTIO_BIT(VIRTIO_NET_F_HOST_ECN) |                  \
	 VIRTIO_BIT(VIRTIO_NET_F_HOST_USO) | VIRTIO_BIT(VIRTIO_NET_F_GUEST_TSO4) |                 \
	 VIRTIO_BIT(VIRTIO_NET_F_GUEST_TSO6) | VIRTIO_BIT(VIRTIO_NET_F_GUEST_ECN) |                \
	 VIRTIO_BIT(VIRTIO_NET_F_GUEST_USO4) | VIRTIO_BIT(VIRTIO_NET_F_GUEST_USO6))

uint64_t net_features(bool has_mac, bool is_standby, bool is_translated)
{
	return (RING_FEATURES & ~(is_translated ? 0 : VIRTIO_BIT(VIRTIO_F_ACCESS_PLATFORM))) |
	       FEATURES | (has_mac ? VIRTIO_BIT(VIRTIO_NET_F_MAC) : 0) |
	       (is_standby ? VIRTIO_BIT(VIRTIO_NET_F_STANDBY) : 0);
}

const char *net_feature_name(unsigned int bit)
{
	static const char *const names[64] = {
		[VIRTIO_NET_F_CSUM] = "csum",
		[VIRTIO_NET_F_GUEST_CSUM] = "guest-csum",
		[VIRTIO_NET_F_CTRL_GUEST_OFFLOADS] = "ctrl-guest-offloads",
		[VIRTIO_NET_F_MTU] = "mtu",
		[VIRTIO_NET_F_MAC] = "mac",
		[VIRTIO_NET_F_GUEST_TSO4] = "guest-tso4",
		[VIRTIO_NET_F_GUEST_TSO6] = "guest-tso6",
		[VIRTIO_NET_F_GUEST_ECN] = "guest-ecn",
		[VIRTIO_NET_F_HOST_TSO4] = "host-tso4",
		[VIRTIO_NET_F_HOST_TSO6] = "host-tso6",
		[VIRTIO_NET_F_HOST_ECN] = "host-ecn",
		[VIRTIO_NET_F_MRG_RXBUF] = "mergeable",
		[VIRTIO_NET_F_STATUS] = "status",
		[VIRTIO_NET_F_CTRL_VQ] = "ctrl-vq",
		[VIRTIO_NET_F_CTRL_RX] = "ctrl-rx",
		[VIRTIO_NET_F_CTRL_VLAN] = "ctrl-vlan",
		[VIRTIO_NET_F_CTRL_RX_EXTRA] = "ctrl-rx-extra",
		[VIRTIO_NET_F_GUEST_ANNOUNCE] = "guest-announce",
		[VIRTIO_NET_F_MQ] = "multiqueue",
		[VIRTIO_NET_F_CTRL_MAC_ADDR] = "ctrl-mac",
		[VIRTIO_NET_F_VQ_NOTF_COAL] = "vq-coalescing",
		[VIRTIO_NET_F_NOTF_COAL] = "coalescing",
		[VIRTIO_NET_F_GUEST_USO4] = "guest-uso4",
		[VIRTIO_NET_F_GUEST_USO6] = "guest-uso6",
		[VIRTIO_NET_F_HOST_USO] = "host-uso",
		[VIRTIO_NET_F_HASH_REPORT] = "hash-report",
		[VIRTIO_NET_F_RSS] = "rss",
		[VIRTIO_NET_F_STANDBY] = "standby",
	};

	return bit < 64 ? names[bit] : NULL;
}
