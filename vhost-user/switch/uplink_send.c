// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What leaves by an uplink.  What a frame needs is left to the device where it can do it: checksums
 * of TCP and UDP, segmentation of TCP.  rte_eth_tx_prepare() brings the pseudo header checksum into
 * the form that the device wants.
 *
 * A frame that may be lent becomes a buffer with its first bytes and others that are attached
 * to guest memory, see loan.h.  A device that reads by DMA holds on to those until it is done,
 * which most drivers find out when they need room only, unless they are asked; so only those
 * that can be asked get loans.
 */
#include <errno.h>
#include <string.h>

#include "vhost-user/copy.h"
#include "vhost-user/net/ip.h"
#include "vhost-user/switch/loan.h"
#include "vhost-user/switch/uplink_internal.h"

/* Two VLAN tags on top of the Ethernet header do not count into the MTU, as those of 802.1ad. */
#define TAGS 8u

/* Shortest frame of Ethernet, without its checksum; devices may stop for shorter ones. */
#define SHORTEST 60

/* Least payload of a segment that a device is to cut; some take less for an attack. */
#define SEGMENT_MIN 256

/* Most buffers of a packet that are attached to guest memory, and bytes of each of them. */
#define PIECES_MAX 8
#define PIECE_MAX 16128

uint8_t uplink_accepts(const struct uplink *uplink)
{
	uint8_t accepts = 0;

	/*
	 * Whether a device clears CWR behind the first segment is not told, nor whether it
	 * makes datagrams or fragments of UDP (DPDK's own GSO makes fragments).
	 */
	if ((uplink->tx_offloads & UPLINK_TX_CHECKSUMS) == UPLINK_TX_CHECKSUMS)
		accepts = FRAME_NEED_CSUM;
	if (accepts && uplink->tx_offloads & RTE_ETH_TX_OFFLOAD_TCP_TSO &&
	    uplink->tx_offloads & RTE_ETH_TX_OFFLOAD_MULTI_SEGS)
		accepts |= FRAME_NEED_TSO4 | FRAME_NEED_TSO6;
	return accepts;
}

static void ask_offloads(struct rte_mbuf *packet, const struct frame *frame)
{
	uint16_t type;
	uint32_t l3 = frame_l3(frame, &type);
	bool tcp = frame->csum_offset == TCP_CHECKSUM, ip4 = type == ETH_P_IP;

	packet->l2_len = l3;
	packet->l3_len = frame->csum_start - l3;
	packet->ol_flags |= ip4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6;
	packet->ol_flags |= tcp ? RTE_MBUF_F_TX_TCP_CKSUM : RTE_MBUF_F_TX_UDP_CKSUM;
	if (!(frame->needs & ~FRAME_NEED_CSUM))
		return;
	packet->l4_len = frame->headers - frame->csum_start;
	packet->tso_segsz = frame->segment_size;
	packet->ol_flags |= RTE_MBUF_F_TX_TCP_SEG | (ip4 ? RTE_MBUF_F_TX_IP_CKSUM : 0);
}

/* Append bytes to a packet, in as many buffers as they take. */
static int append(struct rte_mempool *pool, struct rte_mbuf *packet, struct virtq_cursor from,
		  uint32_t length)
{
	struct rte_mbuf *last = rte_pktmbuf_lastseg(packet);

	while (length) {
		uint32_t room = rte_pktmbuf_tailroom(last);

		if (!room) {
			struct rte_mbuf *next = rte_pktmbuf_alloc(pool);

			if (!next)
				return -ENOMEM;
			last->next = next;
			last = next;
			packet->nb_segs++;
			continue;
		}
		room = RTE_MIN(room, length);
		virtq_cursor_read(&from, rte_pktmbuf_mtod_offset(last, void *, last->data_len), room);
		last->data_len += (uint16_t)room;
		packet->pkt_len += room;
		length -= room;
	}
	return 0;
}

/* Cut what is behind the head into pieces; how many, 0 when it cannot be lent. */
static unsigned int cut(const struct uplink *uplink, const struct frame *frame,
			struct virtq_segment pieces[PIECES_MAX])
{
	struct virtq_cursor at = frame->rest;
	uint32_t left = frame->length - frame->head_length;
	unsigned int count = 0, most = RTE_MIN(PIECES_MAX, uplink->buffers_of_frame - 1);

	while (left) {
		uint8_t *data = at.segment->data + at.offset;
		uint32_t length = RTE_MIN(at.segment->length - at.offset, left);

		length = RTE_MIN(length, (uint32_t)PIECE_MAX);
		if (length) {
			if (count == most || (uplink->lending == UPLINK_READS_LATER &&
					      !loan_is_reached(frame->loan, data, length)))
				return 0;
			pieces[count++] = (struct virtq_segment){ data, length };
		}
		left -= length;
		at.offset += length;
		if (at.offset == at.segment->length) {
			at.segment++;
			at.offset = 0;
		}
	}
	return count;
}

/* Make a packet whose head is in its own buffer; false when it has to be copied. */
static bool lend(struct uplink *uplink, const struct frame *frame, struct rte_mbuf *packet)
{
	struct virtq_segment pieces[PIECES_MAX];
	struct rte_mbuf *buffers[PIECES_MAX], *last = packet;
	struct rte_mbuf_ext_shared_info *shared = &frame->loan->shared;
	unsigned int count = cut(uplink, frame, pieces);

	if (!count || rte_pktmbuf_alloc_bulk(uplink->pool, buffers, count))
		return false;
	rte_mbuf_ext_refcnt_update(shared, (int16_t)count);
	for (unsigned int i = 0; i < count; i++) {
		rte_pktmbuf_attach_extbuf(buffers[i], pieces[i].data, (uintptr_t)pieces[i].data,
					  (uint16_t)pieces[i].length, shared);
		buffers[i]->data_len = (uint16_t)pieces[i].length;
		last = last->next = buffers[i];
	}
	copy_short(rte_pktmbuf_mtod(packet, uint8_t *), frame->head, frame->head_length);
	packet->data_len = (uint16_t)frame->head_length;
	packet->pkt_len = frame->length;
	packet->nb_segs = (uint16_t)(count + 1);
	__atomic_fetch_add(&uplink->lent, 1, __ATOMIC_RELAXED);
	return true;
}

static bool may_lend(const struct uplink *uplink, const struct frame *frame)
{
	return frame->loan && uplink->lending &&
	       !__atomic_load_n(&uplink->lending_paused, __ATOMIC_RELAXED);
}

/* Mostly one buffer has room for all of it. */
static void copy_whole(const struct frame *frame, struct rte_mbuf *packet)
{
	uint8_t *to = rte_pktmbuf_mtod(packet, uint8_t *);
	struct virtq_cursor rest = frame->rest;

	copy_short(to, frame->head, frame->head_length);
	if (frame->length > frame->head_length)
		virtq_cursor_read(&rest, to + frame->head_length,
				  frame->length - frame->head_length);
	packet->data_len = (uint16_t)frame->length;
	packet->pkt_len = frame->length;
	if (unlikely(frame->length < SHORTEST)) {
		memset(to + frame->length, 0, SHORTEST - frame->length);
		packet->data_len = SHORTEST;
		packet->pkt_len = SHORTEST;
	}
}

static int copy(struct uplink *uplink, const struct frame *frame, struct rte_mbuf *packet)
{
	struct virtq_segment head = { frame->head, frame->head_length };
	struct virtq_cursor from = { &head, &head + 1, 0 };
	int error;

	if (may_lend(uplink, frame) && lend(uplink, frame, packet))
		return 0;
	if (likely(frame->length <= rte_pktmbuf_tailroom(packet))) {
		copy_whole(frame, packet);
		return 0;
	}
	error = append(uplink->pool, packet, from, frame->head_length);

	if (error)
		return error;
	return append(uplink->pool, packet, frame->rest, frame->length - frame->head_length);
}

static bool is_too_long(const struct uplink *uplink, const struct frame *frame, uint32_t longest)
{
	uint32_t limit = uplink_mtu(uplink) + (uint32_t)FRAME_ETHERNET;
	uint16_t type;

	if (likely(longest <= limit))
		return false;
	return longest > limit + RTE_MIN(frame_l3(frame, &type) - FRAME_ETHERNET, TAGS);
}

/* Whether there is something to cut, into segments of a usual length. */
static bool is_worth_cutting(const struct frame *frame)
{
	return frame->segment_size >= SEGMENT_MIN &&
	       frame->length - frame->headers > frame->segment_size;
}

/* A device that gets more than it does may take that for an attack, and stop (malicious driver). */
static bool is_refused(const struct uplink *uplink, const struct frame *frame,
		       struct rte_mbuf *packet)
{
	if (packet->nb_segs > (frame->needs & ~FRAME_NEED_CSUM ? uplink->buffers_max
							       : uplink->buffers_of_frame))
		return true;
	if (!frame->needs)
		return false;
	ask_offloads(packet, frame);
	return rte_eth_tx_prepare(uplink->port, 0, &packet, 1) != 1;
}

enum drop uplink_packet(struct uplink *uplink, const struct frame *frame, struct rte_mbuf **out)
{
	uint32_t longest = frame->needs & ~FRAME_NEED_CSUM ? frame->headers + frame->segment_size
							   : frame->length;
	struct rte_mbuf *packet;

	if (is_too_long(uplink, frame, longest))
		return DROP_MTU;
	if (frame->needs & ~FRAME_NEED_CSUM && !is_worth_cutting(frame))
		return DROP_OFFLOAD;
	packet = rte_pktmbuf_alloc(uplink->pool);
	if (!packet)
		return DROP_NO_MEMORY;
	if (copy(uplink, frame, packet)) {
		rte_pktmbuf_free(packet);
		return DROP_NO_MEMORY;
	}
	if (is_refused(uplink, frame, packet)) {
		rte_pktmbuf_free(packet);
		return DROP_OFFLOAD;
	}
	*out = packet;
	return DROP_NONE;
}

/* One by one, while there are buffers. */
static unsigned int make_few(struct uplink *uplink, const struct frame *frames, const uint8_t *which,
			     unsigned int count, struct rte_mbuf **packets, uint64_t *drops)
{
	unsigned int made = 0;

	for (unsigned int i = 0; i < count; i++) {
		enum drop reason = uplink_packet(uplink, &frames[which[i]], &packets[made]);

		if (reason)
			drops[reason]++;
		else
			made++;
	}
	return made;
}

/* A frame that needs nothing of the device; one that is too long leaves the packet empty. */
static enum drop fill(struct uplink *uplink, const struct frame *frame, struct rte_mbuf *packet)
{
	if (is_too_long(uplink, frame, frame->length))
		return DROP_MTU;
	if (unlikely(copy(uplink, frame, packet)))
		return DROP_NO_MEMORY;
	return likely(packet->nb_segs <= uplink->buffers_of_frame) ? DROP_NONE : DROP_OFFLOAD;
}

unsigned int uplink_packets(struct uplink *uplink, const struct frame *frames, const uint8_t *which,
			    unsigned int count, struct rte_mbuf **packets, uint64_t *drops)
{
	unsigned int made = 0, left = count;

	if (unlikely(rte_pktmbuf_alloc_bulk(uplink->pool, packets, count)))
		return make_few(uplink, frames, which, count, packets, drops);
	for (unsigned int i = 0; i < count; i++) {
		enum drop reason = fill(uplink, &frames[which[i]], packets[made]);

		if (likely(!reason)) {
			made++;
			continue;
		}
		drops[reason]++;
		/* What is not empty any more is not for the next frame. */
		if (reason != DROP_MTU) {
			rte_pktmbuf_free(packets[made]);
			packets[made] = packets[--left];
		}
	}
	rte_pktmbuf_free_bulk(packets + made, left - made);
	return made;
}

unsigned int uplink_send(struct uplink *uplink, unsigned int sender, struct rte_mbuf **packets,
			 unsigned int count)
{
	uint16_t queue = (uint16_t)(sender % uplink->queue_count);
	unsigned int sent;

	spin_lock(&uplink->queues[queue].senders);
	sent = rte_eth_tx_burst(uplink->port, queue, packets, (uint16_t)count);
	spin_unlock(&uplink->queues[queue].senders);
	return sent;
}

void uplink_reap(struct uplink *uplink)
{
	if (uplink->lending != UPLINK_READS_LATER || !uplink->started)
		return;
	for (uint16_t i = 0; i < uplink->queue_count; i++) {
		if (!spin_try(&uplink->queues[i].senders))
			continue;
		rte_eth_tx_done_cleanup(uplink->port, i, 0);
		spin_unlock(&uplink->queues[i].senders);
	}
}
