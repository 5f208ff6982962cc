/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands of the control queue, virtio 1.2 section 5.1.6.5.
 *
 * Pure code, so that it can be fuzzed alone: a chain in, a device changed.
 */
#ifndef VHOST_USER_NET_CTRL_VQ_H
#define VHOST_USER_NET_CTRL_VQ_H

#include "vhost-user/net/net_device.h"

/**
 * ctrl_vq_run - carry out the command of a chain
 * @net: device
 * @batch: batch that has @chain
 * @chain: as the driver made it available
 *
 * The acknowledgement is written once, after the command had its effect on @net.  A
 * command that is not exactly as long as it must be, is not negotiated or has a
 * value that cannot be changes nothing.
 *
 * Return: bytes written to the chain; 0 when it has no room for them, in which
 * case nothing was carried out.
 */
uint32_t ctrl_vq_run(struct net_device *net, const struct virtq_batch *batch,
			 const struct virtq_chain *chain);

/**
 * ctrl_vq_bytes - carry out a command that is in private memory
 * @net: device
 * @bytes: class, command and data
 * @length: length of @bytes
 *
 * Return: whether it was carried out.
 */
bool ctrl_vq_bytes(struct net_device *net, const uint8_t *bytes, uint32_t length);

#endif
