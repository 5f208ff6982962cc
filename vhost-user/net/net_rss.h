/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Receive-side scaling and hashes of frames, virtio 1.2 sections 5.1.6.4.3 and
 * 5.1.6.5.7.
 *
 * Pure code: the control thread fills it in, the worker looks at a copy.
 */
#ifndef VHOST_USER_NET_NET_RSS_H
#define VHOST_USER_NET_NET_RSS_H

#include <stdbool.h>

#include "vhost-user/net/frame.h"
#include "vhost-user/net/toeplitz.h"

/* Longest indirection table. */
#define NET_RSS_TABLE 128

/* A type is bit VIRTIO_NET_HASH_REPORT_* - 1: IPv4, TCPv4, UDPv4, and the same of IPv6. */
#define NET_RSS_TYPE(report) (1u << ((report)-1))
#define NET_RSS_TYPES (NET_RSS_TYPE(VIRTIO_NET_HASH_REPORT_UDPv6 + 1) - 1)

/**
 * struct net_rss - what a driver asked for
 * @types: frames that are hashed, NET_RSS_TYPE(); 0 for none
 * @steers: the hash chooses the receive queue
 * @mask: length of @table minus one, a power of two minus one
 * @unclassified: receive queue of frames that are not hashed
 * @table: receive queue by hash
 * @key_length: used part of @key, which zeroes follow
 * @key: key of the hash
 * @toeplitz: the same made ready
 */
struct net_rss {
	uint32_t types;
	bool steers;
	uint16_t mask;
	uint16_t unclassified;
	uint16_t table[NET_RSS_TABLE];
	uint8_t key_length;
	uint8_t key[TOEPLITZ_KEY];
	struct toeplitz toeplitz;
};

/**
 * net_rss_hash - hash a frame
 * @rss: what the driver asked for
 * @frame: its @hash and @hash_report are set
 *
 * A fragment has no ports, whichever it is, so that all of them go the same way.
 */
void net_rss_hash(const struct net_rss *rss, struct frame *frame);

#endif
