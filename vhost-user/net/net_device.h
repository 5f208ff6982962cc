/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the driver of a virtio-net device set up by its control queue, virtio 1.2
 * section 5.1.6.5.
 *
 * The control thread keeps it.  A worker never sees it: view.c copies what
 * matters there.
 */
#ifndef VHOST_USER_NET_NET_DEVICE_H
#define VHOST_USER_NET_NET_DEVICE_H

#include "vhost-user/net/net_filter.h"
#include "vhost-user/net/net_rss.h"

/*
 * SET_VRING_KICK has 8 bits for the index of a vring, so there are no more.  Front ends take
 * the answer to GET_QUEUE_NUM as a number of queue pairs.
 */
#define NET_VRINGS 256
#define NET_PAIRS_MAX (NET_VRINGS / 2)

/* With one pair more the control queue would have a number that no eventfd can be set for. */
#define NET_PAIRS_WITH_CONTROL (NET_PAIRS_MAX - 1)

/* Features that VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET turns off and on. */
#define NET_OFFLOADS                                                                               \
	(UINT64_C(1) << VIRTIO_NET_F_GUEST_CSUM | UINT64_C(1) << VIRTIO_NET_F_GUEST_TSO4 |         \
	 UINT64_C(1) << VIRTIO_NET_F_GUEST_TSO6 | UINT64_C(1) << VIRTIO_NET_F_GUEST_ECN |          \
	 UINT64_C(1) << VIRTIO_NET_F_GUEST_USO4 | UINT64_C(1) << VIRTIO_NET_F_GUEST_USO6)

/**
 * struct net_coalescing - how long calls of a vring may wait
 * @packets: frames until a call
 * @usecs: time until a call
 *
 * With either zero each burst has its call at once.
 */
struct net_coalescing {
	uint32_t packets;
	uint32_t usecs;
};

/**
 * struct net_device - see above
 * @features: negotiated virtio features
 * @pairs_max: queue pairs that the device has
 * @pairs: queue pairs in use
 * @offloads: bits VIRTIO_NET_F_GUEST_* that the driver takes at present
 * @announce: the driver is asked to announce itself
 * @filter: frames that it wants
 * @rss: how frames are hashed
 * @coalescing: by vring
 * @commands: commands that were carried out
 * @refused: commands that were not
 */
struct net_device {
	uint64_t features;
	uint16_t pairs_max;
	uint16_t pairs;
	uint64_t offloads;
	bool announce;
	struct net_filter filter;
	struct net_rss rss;
	struct net_coalescing coalescing[NET_VRINGS];
	uint64_t commands;
	uint64_t refused;
};

/**
 * net_device_reset - forget all that a driver set up
 * @net: with @pairs_max set; counters stay
 * @features: negotiated virtio features
 * @mac: address of the device, NULL when it has none
 */
void net_device_reset(struct net_device *net, uint64_t features, const uint8_t mac[6]);

/**
 * net_device_has - whether a feature was negotiated
 * @net: device
 * @feature: number of its bit
 */
static inline bool net_device_has(const struct net_device *net, unsigned int feature)
{
	return net->features >> feature & 1;
}

/**
 * net_device_ctrl_vq - which vring is the control queue
 * @net: device
 *
 * Section 5.1.2: it comes behind all queue pairs that the device has.
 *
 * Return: its index, or NET_VRINGS when the driver has none here.
 */
unsigned int net_device_ctrl_vq(const struct net_device *net);

/**
 * net_ring_sends - whether a guest sends by a vring, or receives
 * @index: of the vring
 *
 * Section 5.1.2: receiveq1, transmitq1, receiveq2, ...
 */
static inline bool net_ring_sends(unsigned int index)
{
	return index & 1;
}

/**
 * net_device_save - what the driver set up, for another net_device_load()
 * @net: device
 * @bytes: receives memory; the caller frees it
 * @length: receives its length
 *
 * The format is that of the control queue: commands, each behind its length in
 * 16 bits.  Features are not in it.
 *
 * Return: 0 or -ENOMEM.
 */
int net_device_save(const struct net_device *net, uint8_t **bytes, size_t *length);

/**
 * net_device_load - set up what another device had
 * @net: reset, with the features that the other one had
 * @bytes: from net_device_save(); may be anything
 * @length: length of @bytes
 *
 * Return: 0, or -EINVAL when a command in it is refused; @net is as before then.
 */
int net_device_load(struct net_device *net, const uint8_t *bytes, size_t length);

#endif
