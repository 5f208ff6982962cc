// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bringing frames to their destination.
 *
 * Frames for a guest are queued at its ring, as a list through the burst, and
 * written all at once: the ring's kind is looked at once, and the memory of
 * the later buffers is on its way while the first ones are written.  A frame that
 * cannot wait, because its private bytes are used again, is written at once,
 * behind those that wait.  What has to be completed in software is that when it is known for whom.
 */
#include <endian.h>
#include <rte_mbuf.h>
#include <string.h>
#include <sys/eventfd.h>

#include "vhost-user/switch/forward_internal.h"
#include "vhost-user/switch/lane.h"

/*
 * Descriptors that are looked at in vain for the frames of a burst, so that a guest whose buffers
 * are of a thousand parts and too small all the same costs who sends to it little.
 */
#define WALK_MAX 8192

void deliver_call(struct forward *forward, struct dp_queue *queue)
{
	if (unlikely(vu_queue_call(queue->vu)))
		eventfd_write(forward->attention_fd, 1);
}

void deliver_check_ring(struct forward *forward, struct dp_queue *queue)
{
	struct virtq *ring = &queue->vu->ring;

	if (likely(!ring->error && !ring->is_news))
		return;
	if (!virtq_take_news(ring)) {
		if (queue->reported || ring->error == VIRTQ_ERROR_TRANSLATION)
			return;
		queue->reported = true;
	}
	eventfd_write(forward->attention_fd, 1);
}

/*
 * What is behind the first ten bytes of the header: nothing for legacy drivers that do
 * not merge buffers, the hash for those that want it (virtio 1.2 section 5.1.6).
 */
static void write_other_tail(const struct dp_port *port, uint8_t *at, const struct frame *frame)
{
	const struct virtio_net_hdr_v1_hash header = {
		.hdr.num_buffers = htole16(1),
		.hash_value = htole32(frame->hash),
		.hash_report = htole16(frame->hash_report),
	};
	const size_t start = sizeof(struct virtio_net_hdr);

	memcpy(at + start, (const uint8_t *)&header + start, port->header - start);
}

/* Any header; sizes that the compiler knows cost no call. */
static void write_header(const struct dp_port *port, uint8_t *at, const struct frame *frame)
{
	struct virtio_net_hdr_mrg_rxbuf header = {
		.hdr = frame_header(frame, port->accepts),
		.num_buffers = htole16(1),
	};

	if (likely(port->header == sizeof(header))) {
		memcpy(at, &header, sizeof(header));
	} else {
		memcpy(at, &header.hdr, sizeof(header.hdr));
		write_other_tail(port, at, frame);
	}
}

/* In front of the head; @before and @merges are said by the port, but not read again for each. */
static ALWAYS_INLINE void prepare(const struct dp_port *port, uint32_t before, bool merges,
				  struct frame *frame, struct virtq_write *write)
{
	/* One buffer, and nothing else: bytes, since a copy of the struct is made piece by piece. */
	static const uint8_t plain[sizeof(struct virtio_net_hdr_mrg_rxbuf)] = {
		[offsetof(struct virtio_net_hdr_mrg_rxbuf, num_buffers)] = 1,
	};
	uint8_t *at = frame->head - before;

	if (likely(before == sizeof(plain) && !frame->needs && !frame->verified))
		memcpy(at, &plain, sizeof(plain));
	else
		write_header(port, at, frame);
	*write = (struct virtq_write){
		.head = at,
		.head_length = frame->head_length + before,
		.rest = frame->rest,
		.rest_length = frame->length - frame->head_length,
		.buffers = merges ? at + sizeof(struct virtio_net_hdr) : NULL,
	};
}

static void prepare_one(const struct dp_port *port, struct frame *frame, struct virtq_write *write)
{
	prepare(port, port->header, port->buffers_max > 1, frame, write);
}

/* Why the next write found no room. */
static enum drop why_no_room(struct forward *forward, struct dp_port *port, struct virtq *ring)
{
	unsigned int taken;

	if (unlikely(ring->error == VIRTQ_ERROR_TRANSLATION))
		return DROP_UNMAPPED;
	virtq_batch_reset(&forward->to);
	taken = virtq_take(ring, &forward->to, 1);
	virtq_untake(ring, &forward->to, taken);
	return taken && port->buffers_max == 1 ? DROP_NO_ROOM : DROP_FULL;
}

static uint64_t bytes_of(const struct virtq_write *writes, unsigned int count)
{
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < count; i++)
		bytes += writes[i].head_length + writes[i].rest_length;
	return bytes;
}

/* Hand writes to a guest in order; one without room does not hold up those behind it. */
static void write_all(struct forward *forward, struct dp_queue *queue, struct virtq_write *writes,
		      unsigned int count)
{
	struct dp_port *port = queue->port;
	struct virtq *ring = &queue->vu->ring;
	struct dp_counters *counters = port->counters;
	const uint64_t walked = forward->to.walked;
	unsigned int at = 0, done;

	while (at < count) {
		done = virtq_fill(ring, &forward->to, writes + at, count - at, port->buffers_max);
		counters->tx_packets += done;
		counters->tx_bytes += bytes_of(writes + at, done) - (uint64_t)done * port->header;
		queue->frames += done;
		queue->ring->frames += done;
		at += done;
		if (likely(at == count))
			break;
		counters->drops[why_no_room(forward, port, ring)]++;
		at++;
		if (unlikely(forward->to.walked - walked >= WALK_MAX)) {
			counters->drops[DROP_FULL] += count - at;
			break;
		}
	}
	forward_count_descriptors(forward, &forward->to, walked);
	deliver_check_ring(forward, queue);
}

/* Write the frames that wait at a ring. */
static void write_waiting(struct forward *forward, struct dp_queue *queue)
{
	unsigned int count = queue->waiting, index = queue->first;
	const struct dp_port *port = queue->port;
	const uint32_t before = port->header;
	const bool merges = port->buffers_max > 1;

	queue->waiting = 0;
	for (unsigned int i = 0; i < count; i++, index = forward->next[index])
		prepare(port, before, merges, &forward->frames[index], &forward->writes[i]);
	write_all(forward, queue, forward->writes, count);
}

/*
 * Make packets of the frames that wait for a network device.  Then nothing reads what the guest
 * sent any more, but a device by a loan, which has the chain wait.
 */
static void make_waiting(struct forward *forward, struct dp_port *port)
{
	struct dp_sending *sending = port->sending;

	if (!sending->waiting_count)
		return;
	sending->packet_count += uplink_packets(port->uplink, forward->frames, sending->waiting,
						sending->waiting_count,
						sending->packets + sending->packet_count,
						port->counters->drops);
	sending->waiting_count = 0;
}

static void send_burst(struct forward *forward, struct dp_port *port)
{
	struct dp_sending *sending = port->sending;
	struct rte_mbuf **packets = sending->packets;
	unsigned int sent, unsent;
	uint64_t bytes = 0;
	bool takes;

	make_waiting(forward, port);
	for (unsigned int i = 0; i < sending->packet_count; i++)
		bytes += packets[i]->pkt_len;
	takes = uplink_takes(port->uplink);
	sent = takes ? uplink_send(port->uplink, port->worker, packets, sending->packet_count) : 0;
	unsent = sending->packet_count - sent;
	for (unsigned int i = sent; i < sending->packet_count; i++)
		bytes -= packets[i]->pkt_len;
	rte_pktmbuf_free_bulk(packets + sent, unsent);
	port->counters->tx_packets += sent;
	port->counters->tx_bytes += bytes;
	port->counters->drops[takes ? DROP_FULL : DROP_DOWN] += unsent;
	sending->packet_count = 0;
}

/* Room for one more. */
static struct dp_sending *begin_sending(struct forward *forward, struct dp_port *port)
{
	struct dp_sending *sending = port->sending;

	if (unlikely(sending->packet_count + sending->waiting_count == DP_BURST))
		send_burst(forward, port);
	if (!sending->is_listed) {
		sending->is_listed = true;
		forward->sending[forward->sending_count++] = port;
	}
	return sending;
}

/* Make visible what was written to a ring; whether its driver is to be called now. */
static bool publish(struct forward *forward, struct dp_queue *queue)
{
	bool wanted = virtq_publish(&queue->vu->ring);

	queue->touched = false;
	if (unlikely(queue->coalescing.packets))
		return coalesce_published(forward, queue, wanted);
	return wanted;
}

/* Take the ring, write what waits and publish; the call needs no lock. */
static void finish_shared(struct forward *forward, struct dp_queue *queue)
{
	bool wanted;

	if (queue->waiting)
		write_waiting(forward, queue);
	wanted = publish(forward, queue);
	spin_unlock(&queue->ring->lock);
	if (wanted)
		deliver_call(forward, queue);
}

/*
 * Rings that other workers bring frames to as well: first those that are free, then we wait
 * for the others, one after the other, with none of them in our hands.
 */
static void finish_all_shared(struct forward *forward)
{
	unsigned int taken = 0;

	for (unsigned int i = 0; i < forward->touched_count; i++) {
		struct dp_queue *queue = forward->touched[i];

		if (!queue->is_shared)
			continue;
		if (spin_try(&queue->ring->lock))
			finish_shared(forward, queue);
		else
			taken++;
	}
	for (unsigned int i = 0; i < forward->touched_count && taken; i++) {
		struct dp_queue *queue = forward->touched[i];

		if (!queue->is_shared || !queue->touched)
			continue;
		spin_lock(&queue->ring->lock);
		finish_shared(forward, queue);
		taken--;
	}
}

void deliver_finish(struct forward *forward)
{
	bool has_shared = false;

	for (unsigned int i = 0; i < forward->touched_count; i++) {
		struct dp_queue *queue = forward->touched[i];

		has_shared |= queue->is_shared;
		if (queue->waiting && !queue->is_shared)
			write_waiting(forward, queue);
	}
	for (unsigned int i = 0; i < forward->sending_count; i++)
		make_waiting(forward, forward->sending[i]);
	if (unlikely(has_shared))
		finish_all_shared(forward);
	/* Of a source only when all that came from it is written, and its packets are made. */
	for (unsigned int i = 0; i < forward->touched_count; i++) {
		struct dp_queue *queue = forward->touched[i];

		if (queue->touched && publish(forward, queue))
			deliver_call(forward, queue);
	}
	forward->touched_count = 0;
	for (unsigned int i = 0; i < forward->sending_count; i++) {
		send_burst(forward, forward->sending[i]);
		forward->sending[i]->sending->is_listed = false;
	}
	forward->sending_count = 0;
}

void deliver_touch(struct forward *forward, struct dp_queue *queue)
{
	if (queue->touched)
		return;
	if (unlikely(forward->touched_count == TOUCHED_MAX))
		deliver_finish(forward);
	queue->touched = true;
	/* Of a shared ring nothing is read without its lock. */
	if (likely(!queue->is_shared))
		virtq_expect(&queue->vu->ring);
	forward->touched[forward->touched_count++] = queue;
}

/* Whether there is a buffer now; the ring stays as it is. */
static bool has_buffer(struct forward *forward, struct dp_queue *queue)
{
	const uint64_t walked = forward->to.walked;
	bool has_chain = virtq_has_chain(&queue->vu->ring, &forward->to);

	forward_count_descriptors(forward, &forward->to, walked);
	deliver_check_ring(forward, queue);
	return has_chain;
}

/*
 * A front end may enable rings that the driver never uses, since nobody told it how many these
 * are; what would go there is lost.
 */
static bool is_used(struct forward *forward, struct dp_queue *queue)
{
	bool *used = &queue->ring->is_used;

	if (likely(__atomic_load_n(used, __ATOMIC_RELAXED)))
		return true;
	forward_lock(queue);
	if (has_buffer(forward, queue))
		__atomic_store_n(used, true, __ATOMIC_RELAXED);
	forward_unlock(queue);
	return __atomic_load_n(used, __ATOMIC_RELAXED);
}

/* Until the driver says otherwise: one of those that it uses, or the first. */
static struct dp_queue *choose_by_hash(struct forward *forward, struct dp_port *port,
				       const struct frame *frame)
{
	struct dp_queue *queue;

	if (!port->to_count)
		return NULL;
	queue = port->to + frame_hash(frame) % port->to_count;
	return is_used(forward, queue) ? queue : port->to;
}

static struct dp_queue *choose_by_flow(struct forward *forward, struct dp_port *port,
				       struct frame *frame)
{
	struct dp_rss *rss = port->rss;

	if (rss) {
		net_rss_hash(&rss->rss, frame);
		if (rss->rss.steers)
			return frame->hash_report ? rss->table[frame->hash & rss->rss.mask]
						  : rss->unclassified;
	}
	return choose_by_hash(forward, port, frame);
}

/* The ring that a frame takes to a guest, whose frames of one flow stay in order. */
static struct dp_queue *choose_queue(struct forward *forward, struct dp_port *port,
				     struct frame *frame)
{
	return likely(port->single) ? port->single : choose_by_flow(forward, port, frame);
}

static void guest_later(struct forward *forward, struct dp_queue *queue, struct frame *frame)
{
	uint8_t index = (uint8_t)(frame - forward->frames);

	forward_count_work(forward, frame->length);
	deliver_touch(forward, queue);
	if (!queue->waiting)
		queue->first = queue->last = index;
	deliver_behind(forward, queue, index);
}

static void guest_now(struct forward *forward, struct dp_queue *queue, struct frame *frame)
{
	struct virtq_write write;

	deliver_touch(forward, queue);
	forward_lock(queue);
	if (queue->waiting)
		write_waiting(forward, queue);
	prepare_one(queue->port, frame, &write);
	write_all(forward, queue, &write, 1);
	forward_unlock(queue);
}

static enum drop to_uplink(struct forward *forward, struct dp_port *port, const struct frame *frame)
{
	struct dp_sending *sending = begin_sending(forward, port);
	enum drop reason;

	make_waiting(forward, port);
	reason = uplink_packet(port->uplink, frame, &sending->packets[sending->packet_count]);
	sending->packet_count += !reason;
	return reason;
}

static void uplink_later(struct forward *forward, struct dp_port *port, const struct frame *frame)
{
	struct dp_sending *sending = begin_sending(forward, port);

	forward_count_work(forward, frame->length);
	sending->waiting[sending->waiting_count++] = (uint8_t)(frame - forward->frames);
}

static enum drop to_lane(struct dp_port *port, const struct frame *frame)
{
	struct lane_frame *room = lane_reserve(port->lane);
	struct frame flat = *frame;
	struct virtq_write write;

	if (!room)
		return DROP_FULL;
	frame_flatten(&flat, room->bytes);
	prepare_one(port, &flat, &write);
	room->start = (uint32_t)(write.head - room->bytes);
	room->length = write.head_length;
	room->header = port->header;
	room->hash = frame_hash(&flat);
	room->buffers_max = port->buffers_max;
	lane_commit(port->lane);
	return DROP_NONE;
}

/* To a port that has no ring for the worker: it is down, or a lane has them. */
static void without_ring(struct dp_port *port, const struct frame *frame)
{
	enum drop reason = port->lane && !port->is_down ? to_lane(port, frame) : DROP_DOWN;

	if (reason)
		port->counters->drops[reason]++;
}

/* Whether a frame for a port comes to anybody. */
static bool is_reached(const struct dp_port *port)
{
	if (port->uplink)
		return uplink_takes(port->uplink);
	return port->to_count || (port->lane && !port->is_down);
}

/* To whoever takes the frame as it is; why a device does not, which is for the caller to count. */
static enum drop bring(struct forward *forward, struct dp_port *port, struct frame *frame)
{
	struct dp_queue *queue;

	forward_count_work(forward, frame->length);
	if (port->uplink)
		return to_uplink(forward, port, frame);
	queue = choose_queue(forward, port, frame);
	if (queue)
		guest_now(forward, queue, frame);
	else
		without_ring(port, frame);
	return DROP_NONE;
}

static bool takes(const struct dp_port *port, const struct frame *frame)
{
	return !(frame->needs & ~port->accepts) && (!port->uplink || frame_is_plain(frame));
}

struct completing {
	struct forward *forward;
	const struct completion *completion;
};

/* What was completed, or one segment of it, to all; whether there may be more. */
static bool bring_to_all(void *arg, struct frame *frame)
{
	struct completing *completing = arg;
	struct forward *forward = completing->forward;

	for (unsigned int i = 0; i < completing->completion->count; i++) {
		struct dp_port *port = completing->completion->ports[i];
		struct frame copy = *frame;
		enum drop reason;

		if (unlikely(forward->work >= forward->frame_end))
			return false;
		forward->copies++;
		reason = bring(forward, port, &copy);
		if (unlikely(reason))
			port->counters->drops[reason]++;
	}
	return true;
}

/* Do in software what the receivers do not do; whether that is all done. */
static bool complete(struct forward *forward, struct completion *completion)
{
	struct completing completing = { forward, completion };
	struct frame *frame = &completion->frame;
	bool whole = true;

	if (!completion->count)
		return true;
	/* Each was counted as one; now it is as many as are brought. */
	forward->copies -= completion->count;
	if (frame->needs & ~FRAME_NEED_CSUM) {
		whole = frame_segment(frame, bring_to_all, &completing);
	} else {
		frame_checksum(frame);
		whole = bring_to_all(&completing, frame);
	}
	completion->count = 0;
	return whole;
}

enum drop deliver_completed(struct forward *forward)
{
	bool whole = complete(forward, &forward->completions[0]);

	whole &= complete(forward, &forward->completions[1]);
	forward->is_completing = false;
	return whole ? DROP_NONE : DROP_COSTLY;
}

/* Have a frame completed for a port, from which its tag may have been taken. */
static void complete_later(struct forward *forward, struct dp_port *port,
			   const struct frame *frame, bool untagged)
{
	struct completion *completion = &forward->completions[untagged];

	if (unlikely(completion->count == DP_PORTS_MAX))
		complete(forward, completion);
	if (!completion->count) {
		completion->frame = *frame;
		frame_flatten(&completion->frame, completion->flat);
		forward->work += frame->length;
	}
	if (!forward->is_completing)
		forward->frame_end = forward->work + WORK_FRAME;
	completion->ports[completion->count++] = port;
	forward->is_completing = true;
}

static void bring_now(struct forward *forward, struct dp_port *port, const struct frame *original,
		      bool untagged)
{
	struct frame frame = *original;
	enum drop reason;

	if (likely(!frame.needs) || takes(port, &frame))
		reason = bring(forward, port, &frame);
	else
		reason = is_reached(port) ? DROP_OFFLOAD : DROP_DOWN;
	/* Also what a device does not do of this frame, though it does of others. */
	if (unlikely(reason == DROP_OFFLOAD && frame.needs))
		complete_later(forward, port, &frame, untagged);
	else if (unlikely(reason))
		port->counters->drops[reason]++;
}

/* Whether the driver wants it; a frame that it does not want is counted. */
static bool wants(struct dp_port *port, const struct frame *frame)
{
	if (likely(!port->filter) ||
	    net_filter_passes(port->filter, mac_key(0, frame->head), frame_vlan(frame)))
		return true;
	port->counters->drops[DROP_FILTERED]++;
	return false;
}

void deliver_mirrored(struct forward *forward, const struct dp_rules *rules, struct frame *frame)
{
	if (likely(!rules->mirror))
		return;
	forward->copies++;
	if (wants(rules->mirror, frame))
		bring_now(forward, rules->mirror, frame, false);
}

/*
 * What the rules of a port say of a frame for it, which is in its VLAN.  @tag receives the
 * tag that it does not want.
 */
static bool lets_out(struct forward *forward, struct dp_port *port, struct frame *frame,
		     uint8_t tag[4])
{
	const struct port_rules *rules = &port->rules->rules;
	enum drop reason = DROP_RATE;

	if (!forward_is_over(port->rules->rates, QOS_TX, frame->length)) {
		deliver_mirrored(forward, port->rules, frame);
		reason = vlan_leave(&rules->vlan, frame, tag);
	}
	if (unlikely(reason))
		port->counters->drops[reason]++;
	return !reason;
}

void deliver_now(struct forward *forward, struct dp_port *port, struct frame *frame)
{
	uint8_t tag[4] = { 0 };

	if (unlikely(port->rules) && !lets_out(forward, port, frame, tag))
		return;
	if (wants(port, frame))
		bring_now(forward, port, frame, tag[0]);
	vlan_restore(frame, tag);
}

/* An uplink, a port with a filter or rules, a frame that its receiver does not take as it is. */
static bool deliver_otherwise(struct forward *forward, struct dp_port *port, struct frame *frame)
{
	uint8_t tag[4] = { 0 };

	if (port->rules && !lets_out(forward, port, frame, tag))
		return true;
	if (!wants(port, frame))
		return true;
	if (port->uplink && !frame->needs)
		uplink_later(forward, port, frame);
	else if (port->uplink || frame->needs & ~port->accepts)
		bring_now(forward, port, frame, tag[0]);
	else
		return false;
	return true;
}

void deliver(struct forward *forward, struct dp_port *port, struct frame *frame)
{
	struct dp_queue *queue;

	if (unlikely((frame->needs | DP_ORDINARY) & ~port->accepts) &&
	    deliver_otherwise(forward, port, frame))
		return;
	queue = choose_queue(forward, port, frame);
	if (likely(queue))
		guest_later(forward, queue, frame);
	else
		without_ring(port, frame);
}
