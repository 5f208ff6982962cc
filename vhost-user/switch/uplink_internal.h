/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of an uplink share. */
#ifndef VHOST_USER_SWITCH_UPLINK_INTERNAL_H
#define VHOST_USER_SWITCH_UPLINK_INTERNAL_H

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "vhost-user/spin.h"
#include "vhost-user/switch/flow.h"
#include "vhost-user/switch/packet_ring.h"
#include "vhost-user/switch/uplink.h"

#define UPLINK_TX_CHECKSUMS                                                                        \
	(RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM |                            \
	 RTE_ETH_TX_OFFLOAD_UDP_CKSUM)

/* What one worker has of a device. */
struct uplink_queue {
	_Alignas(RTE_CACHE_LINE_SIZE) uint64_t frames;
	struct spin senders; /* of one worker at a time */
};

/* A counter of a device: what it said last, and what that came to since ever. */
struct uplink_counter {
	uint64_t seen;
	uint64_t total;
};

/* What a device lost, and how often it found no packet buffer. */
struct uplink_losses {
	uint64_t missed_by_kernel;
	uint64_t unsent; /* was in rings of the kernel that went */
	struct uplink_counter missed;
	struct uplink_counter receive_errors;
	struct uplink_counter send_errors;
	struct uplink_counter shortages;
};

struct uplink {
	uint16_t port;
	uint16_t mtu;
	uint16_t mtu_largest;
	unsigned int mtu_wanted;
	bool is_unfinished; /* it hands over frames as the kernel has them */
	uint32_t room;	    /* of a frame that is received; 0 for no matter */
	uint16_t queue_count;
	unsigned int queues_wanted;
	bool started;
	bool zero_copy;
	enum uplink_lending lending;
	bool lending_paused;
	uint64_t lent;
	uint64_t recalls;
	uint64_t tx_offloads;
	uint16_t buffers_max;	  /* of a packet that the device cuts */
	uint16_t buffers_of_frame; /* of any other one */
	struct rte_mempool *pool;
	struct rte_mempool *receive_pool; /* NULL for @pool */
	struct rte_device *device;
	char *name;
	struct interface_link interface;
	int all_frames; /* of interface_link_get_all(), or -1 */
	struct packet_ring ring;
	struct uplink_losses losses;
	bool is_down;
	struct flows *flows;
	struct uplink_queue queues[UPLINK_QUEUES_MAX];
};

/* See what its MTU is now. */
void uplink_find_mtu(struct uplink *uplink);

/* Where the interface was given a larger one take it over, if none was asked for and the driver does. */
void uplink_follow_mtu(struct uplink *uplink);

/* Take the device, and start it; 0 or -errno with a message. */
int uplink_device_open(struct uplink *uplink, struct iov *iov);

/* Give it back, as far as it was taken. */
void uplink_device_close(struct uplink *uplink);

/* What may be sent, without the headers of L2; the interface may change it. */
static inline uint16_t uplink_mtu(const struct uplink *uplink)
{
	return __atomic_load_n(&uplink->mtu, __ATOMIC_RELAXED);
}

/* Count what the device lost since the last look. */
void uplink_look_at_losses(struct uplink *uplink);

/* Look at what it counted before anything was lost. */
void uplink_begin_losses(struct uplink *uplink);

#endif
