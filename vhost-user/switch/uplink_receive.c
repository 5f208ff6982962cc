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

/* As long a head as that of a guest's frame: what is behind it is copied with an eye on the next one. */
static void cut_head(struct frame *frame, struct virtq_segment *segments)
{
	segments[0] = (struct virtq_segment){ frame->head + FRAME_HEAD_MAX,
					      frame->head_length - FRAME_HEAD_MAX };
	frame->rest.segment = segments;
	frame->head_length = FRAME_HEAD_MAX;
}

enum drop uplink_frame(const struct uplink *uplink, struct rte_mbuf *packet, struct frame *frame,
		       struct virtq_segment *segments)
{
	/* The first is for what the first buffer has behind the head. */
	unsigned int count = 1;
	enum drop reason = DROP_NONE;

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
	frame->rest = (struct virtq_cursor){ segments + 1, segments + count, 0 };
	if (unlikely(uplink->is_unfinished))
		reason = partial_find(frame, uplink_mtu(uplink));
	if (frame->head_length > FRAME_HEAD_MAX)
		cut_head(frame, segments);
	return reason;
}

/* One buffer that nobody else has, and whose memory is its own: it goes back as it is. */
static bool is_simple(const struct rte_mbuf *packet, const struct rte_mempool *pool)
{
	return packet->pool == pool && packet->nb_segs == 1 && rte_mbuf_refcnt_read(packet) == 1 &&
	       RTE_MBUF_DIRECT(packet);
}

void uplink_free(struct rte_mbuf **packets, unsigned int count)
{
	unsigned int simple = 0;

	while (simple < count && likely(is_simple(packets[simple], packets[0]->pool)))
		simple++;
	if (likely(simple))
		rte_mempool_put_bulk(packets[0]->pool, (void *const *)packets, simple);
	if (unlikely(simple < count))
		rte_pktmbuf_free_bulk(packets + simple, count - simple);
}
