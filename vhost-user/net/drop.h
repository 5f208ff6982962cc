/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a packet was dropped.  Every drop is counted under one of these. */
#ifndef VHOST_USER_NET_DROP_H
#define VHOST_USER_NET_DROP_H

enum drop {
	DROP_NONE,
	/* Counted at the port that the packet came from. */
	DROP_SHORT,		/* no whole Ethernet header */
	DROP_LONG,		/* longer than any frame */
	DROP_BAD_HEADER,	/* virtio-net header contradicts the packet or the features */
	DROP_NO_DESTINATION,	/* the port is in no bridge, or alone in it */
	DROP_SAME_PORT,		/* the destination is where it came from */
	DROP_REFLECTED,		/* came back from the network that a guest sent it to */
	DROP_ISOLATED,		/* from one isolated port to another */
	DROP_VLAN,		/* the port, or the one it is for, is not in its VLAN */
	DROP_BAD_SOURCE,	/* from a group address, or none */
	DROP_RESERVED,		/* to an address that bridges keep to themselves */
	DROP_SPOOFED,		/* from an address that is not the guest's */
	DROP_STORM,		/* more to all than the port may send */
	DROP_COSTLY,		/* more work than one frame may be: a part of it was lost */
	DROP_MISSED,		/* the device had no room for it: iovd did not take in time */
	DROP_RECEIVE,		/* the device could not receive it */
	/* Counted at the port that it was meant for. */
	DROP_DOWN,		/* not connected, link down, or its receive queue does not run */
	DROP_FILTERED,		/* its driver does not want such frames */
	DROP_FULL,		/* no free receive buffers */
	DROP_UNMAPPED,		/* the next receive buffer's translation is missing yet */
	DROP_NO_ROOM,		/* no receive buffer is large enough, no mergeable buffers */
	DROP_RATE,		/* more than the port's limit; of an uplink also what came from it */
	DROP_MTU,		/* longer than the uplink's MTU */
	DROP_OFFLOAD,		/* needs segmentation that is not possible */
	DROP_NO_MEMORY,		/* no packet buffer for the uplink */
	DROP_SEND,		/* the device took it and could not send it */
	DROP_COUNT,
};

/**
 * drop_name - the name of a reason, as counters show it
 * @reason: below DROP_COUNT
 */
const char *drop_name(enum drop reason);

#endif
