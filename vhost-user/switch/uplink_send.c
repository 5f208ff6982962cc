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

	packet->tx_offload = 0;
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

bool uplink_alloc(struct uplink *uplink, struct rte_mbuf **packets, unsigned int count)
{
	return !rte_mempool_get_bulk(uplink->pool, (void **)packets, count);
}

/* One as rte_pktmbuf_alloc() gives it, as far as a device looks at what it is to send. */
static void begin_packet(struct rte_mbuf *packet, uint32_t head_length)
{
	packet->ol_flags = 0;
	packet->port = RTE_MBUF_PORT_INVALID;
	packet->data_len = (uint16_t)head_length;
	packet->pkt_len = head_length;
}

/* The packet of a frame, with its head; NULL when there is none. */
static ALWAYS_INLINE struct rte_mbuf *place_head(struct uplink *uplink, struct frame *frame)
{
	struct rte_mbuf *packet = frame->packet;

	if (likely(packet && packet->pool == uplink->pool)) {
		frame->packet = NULL;
		packet->data_off = (uint16_t)(frame->head - (uint8_t *)packet->buf_addr);
	} else {
		packet = rte_mbuf_raw_alloc(uplink->pool);
		if (unlikely(!packet))
			return NULL;
		packet->data_off = RTE_PKTMBUF_HEADROOM;
		copy_short(rte_pktmbuf_mtod(packet, uint8_t *), frame->head, frame->head_length);
	}
	begin_packet(packet, frame->head_length);
	return packet;
}

/* Where the rest of a frame is, when it is in one place; else NULL. */
static ALWAYS_INLINE const uint8_t *whole_rest(const struct frame *frame)
{
	const struct virtq_cursor *rest = &frame->rest;

	if (rest->segment == rest->end ||
	    rest->segment->length - rest->offset < frame->length - frame->head_length)
		return NULL;
	return rest->segment->data + rest->offset;
}

static ALWAYS_INLINE uint8_t *behind(struct rte_mbuf *packet)
{
	return rte_pktmbuf_mtod_offset(packet, uint8_t *, packet->data_len);
}

/* What is behind the head, mostly line by line with an eye on the frame that comes next. */
static ALWAYS_INLINE void copy_rest(const struct frame *const *frames,
				    struct rte_mbuf *const *packets, bool more)
{
	const uint32_t length = (*frames)->length - (*frames)->head_length;
	const uint8_t *from = whole_rest(*frames);

	if (likely(from && length >= COPY_BLOCK)) {
		const uint8_t *next = whole_rest(frames[more]);

		copy_ahead(behind(*packets), from, length, behind(packets[more]),
			   next ? next : from);
	} else {
		struct virtq_cursor rest = (*frames)->rest;

		virtq_cursor_read(&rest, behind(*packets), length);
	}
	packets[0]->data_len = (uint16_t)(packets[0]->data_len + length);
	packets[0]->pkt_len += length;
}

static void pad(struct rte_mbuf *packet)
{
	memset(behind(packet), 0, SHORTEST - packet->data_len);
	packet->data_len = SHORTEST;
	packet->pkt_len = SHORTEST;
}

/* What is not there of a frame whose head is; false when there are not enough buffers. */
static ALWAYS_INLINE bool fill(struct uplink *uplink, const struct frame *const *frames,
			       struct rte_mbuf *const *packets, bool more)
{
	const struct frame *frame = *frames;
	const uint32_t length = frame->length - frame->head_length;
	struct rte_mbuf *packet = *packets;

	if (likely(!length)) {
		if (unlikely(packet->pkt_len < SHORTEST))
			pad(packet);
		return true;
	}
	if (unlikely(may_lend(uplink, frame)) && lend(uplink, frame, packet))
		return true;
	if (unlikely(length > rte_pktmbuf_tailroom(packet)))
		return !append(uplink->pool, packet, frame->rest, length);
	copy_rest(frames, packets, more);
	return true;
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

/*
 * A frame whose head may go elsewhere as well, and so is copied.  One that is all head may be longer than
 * a buffer: what is behind that becomes its @rest.
 */
static struct frame with_short_head(const struct frame *frame, struct virtq_segment *rest)
{
	struct frame copied = *frame;

	copied.packet = NULL;
	if (frame->head_length < frame->length || frame->length <= FRAME_HEAD_MAX)
		return copied;
	*rest = (struct virtq_segment){ frame->head + FRAME_HEAD_MAX, frame->length - FRAME_HEAD_MAX };
	copied.rest = (struct virtq_cursor){ rest, rest + 1, 0 };
	copied.head_length = FRAME_HEAD_MAX;
	return copied;
}

enum drop uplink_packet(struct uplink *uplink, const struct frame *frame, struct rte_mbuf **out)
{
	uint32_t longest = frame->needs & ~FRAME_NEED_CSUM ? frame->headers + frame->segment_size
							   : frame->length;
	struct virtq_segment rest;
	struct frame copied = with_short_head(frame, &rest);
	const struct frame *one = &copied;
	struct rte_mbuf *packet;

	if (is_too_long(uplink, frame, longest))
		return DROP_MTU;
	if (frame->needs & ~FRAME_NEED_CSUM && !is_worth_cutting(frame))
		return DROP_OFFLOAD;
	packet = place_head(uplink, &copied);
	if (!packet)
		return DROP_NO_MEMORY;
	if (!fill(uplink, &one, &packet, false)) {
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

/* Packets with the heads of frames, which are listed; how many there are. */
static ALWAYS_INLINE unsigned int place_heads(struct uplink *uplink, struct frame *frames,
					      const uint8_t *which, unsigned int count,
					      const struct frame **list, struct rte_mbuf **packets,
					      uint64_t *drops)
{
	const uint32_t limit = uplink_mtu(uplink) + (uint32_t)FRAME_ETHERNET;
	unsigned int placed = 0;

	for (unsigned int i = 0; i < count; i++) {
		struct frame *frame = &frames[which[i]];
		bool fits = likely(frame->length <= limit) ||
			    !is_too_long(uplink, frame, frame->length);

		packets[placed] = likely(fits) ? place_head(uplink, frame) : NULL;
		if (unlikely(!packets[placed])) {
			drops[fits ? DROP_NO_MEMORY : DROP_MTU]++;
			continue;
		}
		list[placed++] = frame;
	}
	return placed;
}

FOR_EACH_PROCESSOR static unsigned int make_packets(struct uplink *uplink, struct frame *frames,
						    const uint8_t *which, unsigned int count,
						    struct rte_mbuf **packets, uint64_t *drops)
{
	const struct frame *list[UINT8_MAX + 1];
	unsigned int placed, made = 0;

	placed = place_heads(uplink, frames, which, count, list, packets, drops);
	for (unsigned int i = 0; i < placed; i++) {
		struct rte_mbuf *packet = packets[i];
		bool whole = fill(uplink, &list[i], &packets[i], i + 1 < placed);

		if (likely(whole && packet->nb_segs <= uplink->buffers_of_frame)) {
			packets[made++] = packet;
			continue;
		}
		drops[whole ? DROP_OFFLOAD : DROP_NO_MEMORY]++;
		rte_pktmbuf_free(packet);
	}
	return made;
}

unsigned int uplink_packets(struct uplink *uplink, struct frame *frames, const uint8_t *which,
			    unsigned int count, struct rte_mbuf **packets, uint64_t *drops)
{
	return make_packets(uplink, frames, which, count, packets, drops);
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
