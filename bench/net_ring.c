// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/net_ring.h"

void net_ring_describe(struct net_ring *ring)
{
	if (ring->is_packed)
		return;
	for (unsigned int i = 0; i < ring->size; i++)
		ring->split.desc[i] = (struct vring_desc){
			.addr = ring->buffers[i].gpa,
			.len = ring->buffers[i].length,
			.flags = ring->is_writable ? VRING_DESC_F_WRITE : 0,
		};
}
