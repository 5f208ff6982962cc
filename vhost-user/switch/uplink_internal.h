/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of an uplink share: taking the device, receiving, sending, and what it is asked. */
#ifndef VHOST_USER_SWITCH_UPLINK_INTERNAL_H
#define VHOST_USER_SWITCH_UPLINK_INTERNAL_H

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "vhost-user/spin.h"
#include "vhost-user/switch/flow.h"
#include "vhost-user/switch/uplink.h"

#define UPLINK_TX_CHECKSUMS                                                                        \
	(RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM |                            \
	 RTE_ETH_TX_OFFLOAD_UDP_CKSUM)

/* What one worker has of a device. */
struct uplink_queue {
	_Alignas(RTE_CACHE_LINE_SIZE) uint64_t frames;
	struct spin senders; /* of one worker at a time */
};

struct uplink {
	uint16_t port;
	uint16_t mtu;
	uint16_t queue_count;
	unsigned int queues_wanted;
	bool started;
	bool zero_copy;
	enum uplink_lending lending;
	bool lending_paused;
	uint64_t lent;
	uint64_t recalls;
	uint64_t tx_offloads;
	struct rte_mempool *pool;
	struct rte_device *device;
	char *name;
	struct interface_link interface;
	bool is_down;
	struct flows *flows;
	struct uplink_queue queues[UPLINK_QUEUES_MAX];
};

/* Take the device, and start it; 0 or -errno with a message. */
int uplink_device_open(struct uplink *uplink, struct iov *iov);

/* Give it back, as far as it was taken. */
void uplink_device_close(struct uplink *uplink);

/* Whether a device is of a driver, by the beginning of its name. */
bool uplink_is_one_of(const char *name, const char *const *drivers, size_t count);

#endif
