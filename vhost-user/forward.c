// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation.  For a burst of frames of one source:
 *
 *	take	descriptor chains of the guest, or packets of the uplink
 *	read	virtio-net header and first bytes of each into private memory
 *	parse	check the header against those bytes
 *	deliver	look up the destination, reserve receive buffers there, write
 *		the private bytes, copy the rest from guest to guest
 *	finish	give the chains back; publish each ring that was touched once
 *		and call its driver at most once
 *
 * The source's chains are given back whatever became of the frames, so a full
 * destination never stalls the others.  A frame whose receiver lacks the
 * offloads that it needs is copied to private memory first and completed there.
 */
#include <errno.h>
#include <rte_mbuf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "vhost-user/forward.h"

/* Rings that one burst may touch before they are published early. */
#define TOUCHED_MAX 512

/* How long a guest keeps an address that the network claims as well. */
#define REFLECTION_SECONDS 2

/* A frame's private bytes; the headroom ends with the sender's virtio-net header. */
struct head {
	uint8_t bytes[FRAME_HEADROOM + FRAME_HEAD_MAX];
};

struct forward {
	int attention_fd;
	unsigned int touched_count;
	unsigned int sending_count;
	struct frame frames[DP_BURST];
	enum drop reasons[DP_BURST];
	struct head heads[DP_BURST];
	struct virtq_batch from; /* chains of the source */
	struct virtq_batch to;	 /* buffers of one frame at its destination */
	struct dp_queue *touched[TOUCHED_MAX];
	struct dp_port *sending[DP_PORTS_MAX];
	struct rte_mbuf *packets[DP_BURST];
	struct virtq_segment packet_segments[DP_BURST][UPLINK_SEGMENTS_MAX];
	uint8_t flat[FRAME_HEADROOM + FRAME_MAX];
};

int forward_open(struct forward **out, int attention_fd)
{
	struct forward *forward = aligned_alloc(VIRTQ_CACHE_LINE,
						(sizeof(*forward) + VIRTQ_CACHE_LINE - 1) &
							~(size_t)(VIRTQ_CACHE_LINE - 1));

	if (!forward)
		return -ENOMEM;
	memset(forward, 0, sizeof(*forward));
	forward->attention_fd = attention_fd;
	*out = forward;
	return 0;
}

void forward_close(struct forward *forward)
{
	free(forward);
}

static void publish(struct dp_queue *queue)
{
	queue->touched = false;
	if (virtq_split_publish(&queue->vu->ring))
		vu_queue_call(queue->vu);
}

static void send_burst(struct dp_port *port)
{
	unsigned int sent, unsent;
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < port->burst_count; i++)
		bytes += port->burst[i]->pkt_len;
	sent = uplink_send(port->uplink, port->burst, port->burst_count);
	unsent = port->burst_count - sent;
	for (unsigned int i = sent; i < port->burst_count; i++)
		bytes -= port->burst[i]->pkt_len;
	rte_pktmbuf_free_bulk(port->burst + sent, unsent);
	port->counters->tx_packets += sent;
	port->counters->tx_bytes += bytes;
	port->counters->drops[DROP_FULL] += unsent;
	port->burst_count = 0;
}

/* Make visible what the burst did, and hand packets to the uplinks. */
static void finish(struct forward *forward)
{
	for (unsigned int i = 0; i < forward->touched_count; i++)
		publish(forward->touched[i]);
	forward->touched_count = 0;
	for (unsigned int i = 0; i < forward->sending_count; i++)
		send_burst(forward->sending[i]);
	forward->sending_count = 0;
}

static void touch(struct forward *forward, struct dp_queue *queue)
{
	if (queue->touched)
		return;
	if (unlikely(forward->touched_count == TOUCHED_MAX))
		finish(forward);
	queue->touched = true;
	forward->touched[forward->touched_count++] = queue;
}

/* A broken ring is the control thread's to stop; tell it once. */
static void check_ring(struct forward *forward, struct dp_queue *queue)
{
	if (likely(!queue->vu->ring.error) || queue->reported)
		return;
	queue->reported = true;
	eventfd_write(forward->attention_fd, 1);
}

/* Why there was no room in a ring. */
static enum drop why_no_room(struct forward *forward, struct dp_port *port, struct dp_queue *queue)
{
	unsigned int taken;

	check_ring(forward, queue);
	if (port->buffers_max > 1)
		return DROP_FULL;
	virtq_batch_reset(&forward->to);
	taken = virtq_split_take(&queue->vu->ring, &forward->to, 1);
	virtq_split_untake(&queue->vu->ring, &forward->to, taken);
	return taken ? DROP_NO_ROOM : DROP_FULL;
}

/* Give the reserved buffers to the driver, each with the bytes that went there. */
static void push_buffers(struct virtq_split *ring, const struct virtq_batch *batch, uint32_t length)
{
	for (unsigned int i = 0; i < batch->chain_count; i++) {
		const struct virtq_chain *chain = &batch->chains[i];
		uint32_t written = length < chain->writable_length ? length : chain->writable_length;

		virtq_split_push(ring, chain->head, written);
		length -= written;
	}
}

/* In front of the head; sizes that the compiler knows cost no call. */
static void write_header(const struct frame *frame, const struct dp_port *port, uint16_t buffers)
{
	struct virtio_net_hdr_mrg_rxbuf header = frame_header(frame, port->accepts, buffers);
	uint8_t *at = frame->head - port->header;

	memcpy(at, &header.hdr, sizeof(header.hdr));
	if (port->header > sizeof(header.hdr))
		memcpy(at + sizeof(header.hdr), &header.num_buffers, sizeof(header.num_buffers));
}

static enum drop to_guest(struct forward *forward, struct dp_port *port, const struct frame *frame)
{
	uint32_t length = frame->length + port->header;
	struct virtq_cursor from = frame->rest, to;
	struct dp_queue *queue = port->to;
	unsigned int buffers;

	if (!port->to_count)
		return DROP_DOWN;
	if (port->to_count > 1)
		queue += frame_hash(frame) % port->to_count;
	virtq_batch_reset(&forward->to);
	buffers = virtq_split_take_space(&queue->vu->ring, &forward->to, length, port->buffers_max);
	if (unlikely(!buffers))
		return why_no_room(forward, port, queue);
	write_header(frame, port, (uint16_t)buffers);
	to = virtq_writable(&forward->to, forward->to.chains, buffers);
	virtq_cursor_write(&to, frame->head - port->header, frame->head_length + port->header);
	if (frame->length > frame->head_length)
		virtq_cursor_copy(&to, &from, frame->length - frame->head_length);
	push_buffers(&queue->vu->ring, &forward->to, length);
	touch(forward, queue);
	port->counters->tx_packets++;
	port->counters->tx_bytes += frame->length;
	return DROP_NONE;
}

static enum drop to_uplink(struct forward *forward, struct dp_port *port, const struct frame *frame)
{
	enum drop reason;

	if (port->burst_count == DP_BURST)
		finish(forward);
	reason = uplink_packet(port->uplink, frame, &port->burst[port->burst_count]);
	if (reason)
		return reason;
	if (!port->burst_count++)
		forward->sending[forward->sending_count++] = port;
	return DROP_NONE;
}

struct delivery {
	struct forward *forward;
	struct dp_port *port;
};

static void deliver_ready(void *arg, struct frame *frame)
{
	struct delivery *delivery = arg;
	struct dp_port *port = delivery->port;
	enum drop reason = port->uplink ? to_uplink(delivery->forward, port, frame)
					: to_guest(delivery->forward, port, frame);

	if (unlikely(reason))
		port->counters->drops[reason]++;
}

/* Do in software what the receiver does not do. */
static void deliver_softened(struct delivery *delivery, const struct frame *original)
{
	struct frame frame = *original;

	frame_flatten(&frame, delivery->forward->flat);
	if (frame.needs & ~FRAME_NEED_CSUM) {
		frame_segment(&frame, deliver_ready, delivery);
		return;
	}
	frame_checksum(&frame);
	deliver_ready(delivery, &frame);
}

static bool takes(const struct dp_port *port, const struct frame *frame)
{
	return !(frame->needs & ~port->accepts) && (!port->uplink || frame_is_plain(frame));
}

static void deliver(struct forward *forward, struct dp_port *port, struct frame *frame)
{
	struct delivery delivery = { forward, port };

	if (likely(!frame->needs) || takes(port, frame))
		deliver_ready(&delivery, frame);
	else
		deliver_softened(&delivery, frame);
}

static enum drop flood(struct forward *forward, struct dp_port *source, struct frame *frame)
{
	const struct dp_bridge *bridge = source->bridge;

	if (bridge->count < 2)
		return DROP_NO_DESTINATION;
	for (unsigned int i = 0; i < bridge->count; i++)
		if (bridge->ports[i] != source)
			deliver(forward, bridge->ports[i], frame);
	return DROP_NONE;
}

/* Where a station is; NULL when its port is not known or left the bridge. */
static struct dp_port *find_station(struct dp_view *view, const struct dp_bridge *bridge,
				    uint64_t key, uint32_t now, uint32_t age)
{
	uint32_t id;
	struct dp_port *port;

	if (key & MAC_TABLE_GROUP)
		return NULL;
	id = mac_table_find(bridge->macs, key, now, age);
	port = view->by_slot[DP_SLOT(id)];
	return port && port->id == id && port->bridge == bridge ? port : NULL;
}

/*
 * The embedded switch of an SR-IOV NIC may send a VF's broadcasts back to it.
 * Learning from those would move the guest to the network, so for a moment after
 * a guest sent from an address the network cannot have it.
 */
static bool is_reflected(struct dp_view *view, const struct dp_port *source, uint64_t key,
			 uint32_t now)
{
	const struct dp_port *port;

	if (likely(!source->uplink))
		return false;
	port = find_station(view, source->bridge, key, now, REFLECTION_SECONDS);
	return port && !port->uplink && port->to_count;
}

static enum drop switch_frame(struct forward *forward, struct dp_view *view,
			      struct dp_port *source, struct frame *frame, uint32_t now)
{
	struct dp_bridge *bridge = source->bridge;
	struct dp_port *port;
	uint64_t station;
	uint16_t vlan;

	if (unlikely(!bridge))
		return DROP_NO_DESTINATION;
	if (!bridge->macs)
		return flood(forward, source, frame);
	vlan = frame_vlan(frame);
	station = mac_table_key(vlan, frame->head + 6);
	if (unlikely(is_reflected(view, source, station, now)))
		return DROP_REFLECTED;
	mac_table_learn(bridge->macs, station, source->id, now);
	port = find_station(view, bridge, mac_table_key(vlan, frame->head), now, MAC_TABLE_AGE);
	if (!port)
		return flood(forward, source, frame);
	if (unlikely(port == source))
		return DROP_SAME_PORT;
	deliver(forward, port, frame);
	return DROP_NONE;
}

/* Count, switch and account all frames of the burst, in order. */
static void switch_burst(struct forward *forward, struct dp_view *view, struct dp_port *source,
			 unsigned int count, uint32_t now)
{
	struct dp_counters *counters = source->counters;

	for (unsigned int i = 0; i < count; i++) {
		struct frame *frame = &forward->frames[i];
		enum drop reason = forward->reasons[i];

		counters->rx_packets++;
		counters->rx_bytes += frame->length;
		if (likely(!reason))
			reason = switch_frame(forward, view, source, frame, now);
		if (unlikely(reason))
			counters->drops[reason]++;
	}
}

/* Private copies of the virtio-net header and the first bytes of one chain. */
static enum drop read_chain(struct forward *forward, const struct dp_port *port, unsigned int index,
			    bool enabled)
{
	const struct virtq_chain *chain = &forward->from.chains[index];
	struct frame *frame = &forward->frames[index];
	uint8_t *head = forward->heads[index].bytes + FRAME_HEADROOM;
	struct virtio_net_hdr header;
	uint32_t length;

	*frame = (struct frame){ .head = head, .rest = virtq_readable(&forward->from, chain) };
	if (!enabled)
		return DROP_DOWN;
	if (chain->readable_length < port->header + (uint32_t)FRAME_ETHERNET)
		return DROP_SHORT;
	length = chain->readable_length - port->header;
	if (length > FRAME_MAX)
		return DROP_LONG;
	frame->length = length;
	frame->head_length = length < FRAME_HEAD_MAX ? length : FRAME_HEAD_MAX;
	virtq_cursor_read(&frame->rest, head - port->header, frame->head_length + port->header);
	memcpy(&header, head - port->header, sizeof(header));
	return frame_parse(frame, &header, port->offers);
}

static unsigned int from_guest(struct forward *forward, struct dp_view *view,
			       struct dp_port *port, struct dp_queue *queue, uint32_t now)
{
	struct virtq_split *ring = &queue->vu->ring;
	struct virtq_batch *batch = &forward->from;
	unsigned int count;

	virtq_batch_reset(batch);
	count = virtq_split_take(ring, batch, DP_BURST);
	if (!count) {
		check_ring(forward, queue);
		return 0;
	}
	for (unsigned int i = 0; i < count; i++)
		forward->reasons[i] = read_chain(forward, port, i, queue->vu->enabled);
	switch_burst(forward, view, port, count, now);
	for (unsigned int i = 0; i < count; i++)
		virtq_split_push(ring, batch->chains[i].head, 0);
	touch(forward, queue);
	finish(forward);
	return count;
}

static unsigned int from_uplink(struct forward *forward, struct dp_view *view,
				struct dp_port *port, uint32_t now)
{
	unsigned int count = uplink_receive(port->uplink, forward->packets, DP_BURST);

	for (unsigned int i = 0; i < count; i++)
		forward->reasons[i] = uplink_frame(forward->packets[i], &forward->frames[i],
						   forward->packet_segments[i]);
	switch_burst(forward, view, port, count, now);
	finish(forward);
	rte_pktmbuf_free_bulk(forward->packets, count);
	return count;
}

unsigned int forward_pass(struct forward *forward, struct dp_view *view, uint32_t now)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < view->count; i++) {
		struct dp_port *port = view->ports[i];

		if (port->uplink)
			count += from_uplink(forward, view, port, now);
		for (unsigned int j = 0; j < port->from_count; j++)
			count += from_guest(forward, view, port, &port->from[j], now);
	}
	return count;
}

void forward_inject(struct forward *forward, struct dp_view *view, uint32_t id, uint8_t *bytes,
		    uint32_t length, uint32_t now)
{
	struct frame frame = {
		.head = bytes + FRAME_HEADROOM, .length = length, .head_length = length,
	};
	struct dp_port *port = view->by_slot[DP_SLOT(id)];

	if (!port || port->id != id)
		return;
	switch_frame(forward, view, port, &frame, now);
	finish(forward);
}
