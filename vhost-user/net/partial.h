/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames that the kernel hands over as it has them, to be completed by a device. */
#ifndef VHOST_USER_NET_PARTIAL_H
#define VHOST_USER_NET_PARTIAL_H

#include "vhost-user/net/frame.h"

/**
 * partial_find - say what is to be completed of a frame that came without a word of it
 * @frame: frame that needs nothing; gets what it needs, and loses what is behind its IP packet then
 * @mtu: of the interface that it came by
 *
 * Where a checksum of TCP or UDP is left to a device there is the sum of the pseudo header alone.
 * One frame in 65536 has that as its checksum; to complete it leaves it as it is.  Such a frame of
 * TCP that is longer than the MTU is several that were joined (GRO), or one that is to be cut.
 *
 * Return: DROP_NONE; DROP_OFFLOAD for datagrams that were joined, whose length nobody tells.
 */
enum drop partial_find(struct frame *frame, uint32_t mtu);

#endif
