// SPDX-License-Identifier: GPL-2.0-or-later
/* What comes by an uplink: packets, and frames that are seen in them. */
#include "vhost-user/counter.h"
#include "vhost-user/net/partial.h"
#include "vhost-user/switch/uplink_internal.h"

unsigned int uplink_receive(struct uplink *uplink, unsigned int queue, struct rte_mbuf **packets,
			    unsigned int max)
{
	unsigned int count = rte_eth_rx_burst(uplink->port, (uint16_t)queue, packets, (uint16_t)max);

	counter_add(&uplink->queues[queue].frames, count);
	return count;
}

/* Whether it fills the device's room, so that its end may be missing; a tag is put in later. */
static bool is_cut(const struct uplink *uplink, const struct rte_mbuf *packet)
{
	uint32_t tag = packet->ol_flags & RTE_MBUF_F_RX_VLAN ? 4 : 0;

	return uplink->room && packet->pkt_len >= uplink->room + tag;
}

enum drop uplink_frame(const struct uplink *uplink, struct rte_mbuf *packet, struct frame *frame,
		       struct virtq_segment *segments)
{
	unsigned int count = 0;

	*frame = (struct frame){
		.head = rte_pktmbuf_mtod(packet, uint8_t *),
		.length = packet->pkt_len,
		.head_length = packet->data_len,
		.verified = (packet->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) ==
			    RTE_MBUF_F_RX_L4_CKSUM_GOOD,
	};
	if (packet->data_len < FRAME_ETHERNET)
		return DROP_SHORT;
	if (packet->pkt_len > FRAME_MAX || packet->nb_segs > UPLINK_SEGMENTS_MAX ||
	    rte_pktmbuf_headroom(packet) < FRAME_HEADROOM || is_cut(uplink, packet))
		return DROP_LONG;
	while ((packet = packet->next))
		segments[count++] = (struct virtq_segment){ rte_pktmbuf_mtod(packet, uint8_t *),
							    packet->data_len };
	frame->rest = (struct virtq_cursor){ segments, segments + count, 0 };
	return uplink->is_unfinished ? partial_find(frame, uplink_mtu(uplink)) : DROP_NONE;
}
