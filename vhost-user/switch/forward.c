// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation.  For a burst of frames of one source:
 *
 *	take	descriptor chains of the guest, or packets of the uplink
 *	read	virtio-net header and first bytes of each into private memory
 *	parse	check the header against those bytes
 *	admit	what the rules of the source let in
 *	switch	look up the destination, and queue the frame there
 *	deliver	for all frames of a destination: reserve receive buffers, write
 *		the private bytes, copy the rest from guest to guest
 *	finish	give the chains back; publish each ring that was touched once
 *		and call its driver at most once
 *
 * Where the first frame of two stations was queued those behind it follow in the same burst, as long
 * as they need nothing special and some still wait there (struct way).
 *
 * The source's chains are given back whatever became of the frames, so a full
 * destination never stalls the others.  A frame whose receiver lacks the
 * offloads that it needs is copied to private memory first and completed there, once for all
 * such receivers.
 *
 * What a pass does for a port is bounded (WORK_PORT): frames beyond that stay in their ring, as if
 * they had not been taken, and the other ports have their turn.  What one frame may cost is
 * bounded as well (WORK_FRAME), since it is as much work as there are ports, or segments.
 */
#include <endian.h>
#include <errno.h>
#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "vhost-user/copy.h"
#include "vhost-user/switch/forward_internal.h"
#include "vhost-user/switch/lane.h"
#include "vhost-user/switch/loan.h"

/* Most frames that a guest with a limit sends at once, so that it stays near its share. */
#define LIMITED_BURST 16

/*
 * Most packets that are taken at once from a network device whose last ones were a lot of work:
 * those that are taken cannot wait.  Drivers take none when asked for very few.
 */
#define COSTLY_BURST 32

/* How far ahead of the packet that is seen others are asked for, and then the first bytes of them. */
#define PACKETS_AHEAD 8
#define BYTES_AHEAD 4

/* Of a frame that is lent, bytes that would be copied otherwise; fewer are copied faster. */
#define LEND_MIN 256

/* How long a guest keeps an address that the network claims as well: an eighth of a second or two. */
#define REFLECTION 1

/* Addresses that bridges keep to themselves, IEEE 802.1Q-2018 table 8-1, but for their last four bits. */
#define RESERVED UINT64_C(0x0180c2000000)
#define PAUSE (RESERVED + 1)

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

/* Why a frame of one port is not for another. */
static enum drop judge_port(const struct dp_port *source, const struct dp_port *port, uint16_t vlan)
{
	if (unlikely(source->is_isolated && port->is_isolated))
		return DROP_ISOLATED;
	if (unlikely(port->rules) && !vlan_carries(&port->rules->rules.vlan, vlan))
		return DROP_VLAN;
	return DROP_NONE;
}

/* Of a frame of FRAME_ETHERNET bytes, in memory that goes on behind them. */
static uint64_t second_word(const struct frame *frame)
{
	uint64_t word;

	memcpy(&word, frame->head + 8, sizeof(word));
	return word & htobe64(~UINT64_C(0xffff));
}

static uint64_t first_word(const struct frame *frame)
{
	uint64_t word;

	memcpy(&word, frame->head, sizeof(word));
	return word;
}

/* Where the way of frames with these words is remembered. */
static ALWAYS_INLINE struct way *way_of(struct forward *forward, uint64_t first, uint64_t second)
{
	const uint64_t sum = (first + 3 * second) * UINT64_C(0x9e3779b97f4a7c15);

	return &forward->ways[sum >> 32 & (WAYS - 1)];
}

/* Let the frames of a burst behind one that was brought to a port follow it. */
static void open_way(struct forward *forward, const struct dp_port *port, const struct frame *frame)
{
	struct way way = {
		.burst = forward->burst, .first = first_word(frame), .second = second_word(frame),
	};

	if (frame_has_tag_type(frame))
		return;
	if (likely(port->accepts & DP_ORDINARY)) {
		way.accepts = port->accepts;
		way.queue = port->single;
	} else if (port->uplink && !port->rules && !port->filter) {
		way.sending = port->sending;
	}
	if (likely(way.queue || way.sending))
		*way_of(forward, way.first, way.second) = way;
}

static enum drop flood(struct forward *forward, struct dp_port *source, struct frame *frame,
		       uint16_t vlan)
{
	const struct dp_bridge *bridge = source->bridge;
	enum drop reason = DROP_NO_DESTINATION;
	unsigned int reached = 0;
	struct dp_port *other;

	if (bridge->count == 2) {
		other = bridge->ports[bridge->ports[0] == source];
		reason = judge_port(source, other, vlan);
		if (unlikely(reason))
			return reason;
		deliver(forward, other, frame);
		if (!bridge->macs)
			open_way(forward, other, frame);
		return DROP_NONE;
	}
	forward->frame_end = forward->work + WORK_FRAME;
	for (unsigned int i = 0; i < bridge->count; i++) {
		enum drop why = judge_port(source, bridge->ports[i], vlan);

		if (bridge->ports[i] == source)
			continue;
		if (why) {
			reason = why;
			continue;
		}
		if (unlikely(forward->work >= forward->frame_end)) {
			forward->copies += reached;
			return DROP_COSTLY;
		}
		deliver_now(forward, bridge->ports[i], frame);
		reached++;
	}
	if (unlikely(!reached))
		return reason;
	forward->copies += reached - 1;
	return DROP_NONE;
}

static bool is_storm(struct dp_rates *rates)
{
	uint64_t now;

	if (!rates)
		return false;
	now = monotonic_ns();
	if (rate_wait(&rates->storm, &rates->flooded, now))
		return true;
	rate_charge(&rates->storm, &rates->flooded, now, 1);
	return false;
}

/* To all, which a port may do only so often. */
static enum drop flood_station(struct forward *forward, struct dp_port *source,
			       struct frame *frame, uint16_t vlan)
{
	if (unlikely(source->rules) && is_storm(source->rules->rates))
		return DROP_STORM;
	return flood(forward, source, frame, vlan);
}

static struct dp_port *find_fixed(const struct dp_bridge *bridge, uint64_t key)
{
	const struct dp_station wanted = { .key = key }, *found;

	found = bsearch(&wanted, bridge->stations, bridge->station_count, sizeof(wanted),
			dp_station_compare);
	return found ? found->port : NULL;
}

/* Where a station is; NULL when its port is not known or left the bridge. */
static struct dp_port *find_station(struct dp_view *view, const struct dp_bridge *bridge,
				    uint64_t key, uint32_t now, uint32_t age)
{
	uint32_t id;
	struct dp_port *port;

	if (key & MAC_KEY_GROUP)
		return NULL;
	if (unlikely(bridge->station_count)) {
		port = find_fixed(bridge, key);
		if (port)
			return port;
	}
	id = mac_table_find(bridge->macs, key, now, age);
	port = view->by_slot[DP_SLOT(id)];
	return port && port->id == id && port->bridge == bridge ? port : NULL;
}

/*
 * The embedded switch of an SR-IOV NIC may send a VF's broadcasts back to it.
 * Learning from those would move the guest to the network, so for a moment after
 * a guest sent from an address the network cannot have it.
 */
static bool is_reflected(struct dp_view *view, const struct dp_port *source, uint64_t from,
			 uint64_t to, uint32_t now)
{
	const struct dp_port *port;

	if (likely(!source->reflects) || !(to & MAC_KEY_GROUP))
		return false;
	port = find_station(view, source->bridge, from, now, REFLECTION);
	return port && !port->uplink && port->to_count;
}

/* Flow control is of one link, and ends there (IEEE 802.3 annex 31B). */
static bool is_pause(const struct frame *frame)
{
	return unlikely((mac_key(0, frame->head) & MAC_KEY_ADDRESS) == PAUSE);
}

/* What a bridge does not forward, whoever it is from and for. */
static enum drop judge_addresses(const struct dp_bridge *bridge, uint64_t from, uint64_t to)
{
	if (from & MAC_KEY_GROUP || !(from & MAC_KEY_ADDRESS))
		return DROP_BAD_SOURCE;
	if ((to & MAC_KEY_ADDRESS & ~UINT64_C(15)) == RESERVED &&
	    ((to & MAC_KEY_ADDRESS) == PAUSE || !bridge->passes_reserved))
		return DROP_RESERVED;
	return DROP_NONE;
}

static void learn(struct dp_view *view, const struct dp_port *source, uint64_t key, uint32_t now)
{
	const struct dp_bridge *bridge = source->bridge;
	uint32_t lost = mac_table_learn(bridge->macs, key, source->id, source->stations_max, now,
					bridge->age);
	const struct dp_port *port;

	if (likely(!lost))
		return;
	port = view->by_slot[DP_SLOT(lost)];
	if (port && port->id == lost)
		port->counters->unplaced++;
}

/* Learn the sender, and look for the receiver. */
static enum drop find_route(struct dp_view *view, const struct dp_port *source,
			    struct route *route, uint64_t from, uint64_t to, uint32_t now)
{
	const struct dp_bridge *bridge = source->bridge;
	enum drop reason = judge_addresses(bridge, from, to);

	if (unlikely(reason))
		return reason;
	if (unlikely(is_reflected(view, source, from, to, now)))
		return DROP_REFLECTED;
	learn(view, source, from, now);
	route->from = from;
	route->to = to;
	route->port = find_station(view, bridge, to, now, bridge->age);
	if (unlikely(!route->port))
		return DROP_NONE;
	reason = judge_port(source, route->port, MAC_KEY_VLAN(to));
	if (unlikely(reason))
		*route = (struct route){ 0 };
	return reason;
}

/* Whether a frame goes the way of the one before it, without a look at what it is. */
static bool goes_on(const struct route *route, const struct frame *frame)
{
	return route->is_whole && first_word(frame) == route->first &&
	       second_word(frame) == route->second;
}

static void remember_frame(struct route *route, const struct frame *frame)
{
	route->first = first_word(frame);
	route->second = second_word(frame);
	route->is_whole = !frame_has_tag_type(frame);
}

/* Look for the way of a frame. */
static enum drop route_frame(struct forward *forward, struct dp_view *view,
			     struct dp_port *source, const struct frame *frame, uint16_t vlan,
			     uint32_t now)
{
	struct route *route = &forward->route;
	uint64_t from, to;
	enum drop reason;

	from = mac_key(vlan, frame->head + 6);
	to = mac_key(vlan, frame->head);
	/* No station is 0, which is what a route begins with. */
	if (from == route->from && to == route->to && from)
		return DROP_NONE;
	reason = find_route(view, source, route, from, to, now);
	if (likely(!reason))
		remember_frame(route, frame);
	return reason;
}

/*
 * Bring a frame where one like it waits.  @last is the way of the frame before it, mostly that of
 * this one as well.
 */
static ALWAYS_INLINE bool follow(struct forward *forward, const struct frame *frame,
				 unsigned int index, const struct way **last)
{
	const uint64_t first = first_word(frame), second = second_word(frame);
	const struct way *way = *last;

	if (way->first != first || way->second != second)
		*last = way = way_of(forward, first, second);
	if (way->burst != forward->burst || way->first != first || way->second != second ||
	    unlikely(frame->needs & ~way->accepts))
		return false;
	if (likely(way->queue && way->queue->waiting))
		deliver_behind(forward, way->queue, index);
	else if (way->queue || !deliver_behind_sent(way->sending, index))
		return false;
	forward_count_work(forward, frame->length);
	return true;
}

static enum drop switch_frame(struct forward *forward, struct dp_view *view,
			      struct dp_port *source, struct frame *frame, uint32_t now)
{
	struct dp_bridge *bridge = source->bridge;
	struct route *route = &forward->route;
	uint16_t vlan = 0;
	enum drop reason;

	if (unlikely(!bridge))
		return DROP_NO_DESTINATION;
	if (!bridge->macs)
		return is_pause(frame) ? DROP_RESERVED : flood(forward, source, frame, frame_vlan(frame));
	if (!goes_on(route, frame)) {
		vlan = frame_vlan(frame);
		reason = route_frame(forward, view, source, frame, vlan, now);
		if (unlikely(reason))
			return reason;
	}
	if (unlikely(!route->port))
		return flood_station(forward, source, frame, vlan);
	if (unlikely(route->port == source))
		return DROP_SAME_PORT;
	deliver(forward, route->port, frame);
	open_way(forward, route->port, frame);
	return DROP_NONE;
}

/* Rings wait while their guest has sent its share; what came from elsewhere is here already. */
static bool is_over_limit(const struct dp_port *source, const struct frame *frame)
{
	return (source->uplink || source->lane) &&
	       forward_is_over(source->rules->rates, QOS_RX, frame->length);
}

/* What the rules of its port say of a frame. */
static enum drop admit(struct forward *forward, const struct dp_port *source, struct frame *frame)
{
	const struct port_rules *rules = &source->rules->rules;
	enum drop reason;

	/* Before a mirror may have it. */
	if (is_pause(frame))
		return DROP_RESERVED;
	if (!source_guard_admits(&rules->guard, frame))
		return DROP_SPOOFED;
	reason = vlan_enter(&rules->vlan, frame);
	if (reason)
		return reason;
	if (is_over_limit(source, frame))
		return DROP_RATE;
	deliver_mirrored(forward, source->rules, frame);
	return DROP_NONE;
}

/* Bring it also to who has to have it completed; why it is dropped, now as before. */
static enum drop finish_completing(struct forward *forward, enum drop reason)
{
	enum drop completed = deliver_completed(forward);

	if (reason || !completed)
		return reason;
	forward->copies++;
	return completed;
}

/*
 * Count, switch and account the frames of the burst, in order, until the port has had its share of
 * the pass: how many that were, at least one.
 */
static unsigned int switch_burst(struct forward *forward, struct dp_view *view, struct dp_port *source,
			 unsigned int count, uint32_t now)
{
	struct dp_counters *counters = source->counters;
	const bool has_rules = source->rules;
	const struct way *way = forward->ways;
	uint64_t bytes = 0;
	unsigned int i;

	forward->route = (struct route){ 0 };
	forward->copies = 0;
	forward->burst++;
	for (i = 0; i < count && (!i || likely(forward->work < forward->work_end)); i++) {
		struct frame *frame = &forward->frames[i];
		enum drop reason = forward->reasons[i];

		bytes += frame->length;
		if (likely(!reason && !has_rules) && likely(follow(forward, frame, i, &way)))
			continue;
		if (unlikely(has_rules) && !reason)
			reason = admit(forward, source, frame);
		if (likely(!reason))
			reason = switch_frame(forward, view, source, frame, now);
		if (unlikely(forward->is_completing))
			reason = finish_completing(forward, reason);
		if (unlikely(reason))
			counters->drops[reason]++;
	}
	counters->copies += forward->copies;
	counters->rx_packets += i;
	counters->rx_bytes += bytes;
	return i;
}

/* Read the first bytes of a frame that are in several buffers. */
static __attribute__((noinline)) void read_parts(struct frame *frame, uint32_t before)
{
	virtq_cursor_read(&frame->rest, frame->head - before, frame->head_length + before);
}

/*
 * Private copies of the virtio-net header, of @before bytes, and the first bytes of one chain, in
 * a packet where there is one.  What is said of the port is not read again for each.
 */
static ALWAYS_INLINE enum drop read_chain(struct forward *forward, unsigned int index,
					  struct rte_mbuf *packet, uint32_t before, uint8_t offers)
{
	const struct virtq_chain *chain = &forward->from.chains[index];
	const struct virtq_segment *first = &forward->from.segments[chain->first];
	const uint32_t length = chain->readable_length - before;
	const uint32_t head_length = length < FRAME_HEAD_MAX ? length : FRAME_HEAD_MAX;
	struct frame *frame = &forward->frames[index];
	uint8_t *head = packet ? (uint8_t *)packet->buf_addr + HEAD_AT
			       : forward->heads[index].bytes + HEAD_AT;

	/* One that is shorter than the header is told by a huge number. */
	if (unlikely(length - FRAME_ETHERNET > FRAME_MAX - FRAME_ETHERNET)) {
		*frame = (struct frame){ .head = head, .packet = packet };
		return chain->readable_length < before + FRAME_ETHERNET ? DROP_SHORT : DROP_LONG;
	}
	*frame = (struct frame){
		.head = head,
		.rest = virtq_readable(&forward->from, chain),
		.packet = packet,
		.length = length,
		.head_length = head_length,
	};
	if (likely(first->length >= head_length + before)) {
		copy_short(head - before, first->data, head_length + before);
		frame->rest.offset = head_length + before;
	} else {
		read_parts(frame, before);
	}
	return frame_parse(frame, (const struct virtio_net_hdr *)(const void *)(head - before),
			   offers);
}

FOR_EACH_PROCESSOR static void read_burst(struct forward *forward, const struct dp_port *port,
					  unsigned int count)
{
	const uint32_t before = port->header;
	const uint8_t offers = port->offers;

	for (unsigned int i = 0; i < count; i++)
		forward->reasons[i] = read_chain(forward, i, NULL, before, offers);
}

/* The same, into packets. */
FOR_EACH_PROCESSOR static void read_burst_packets(struct forward *forward, const struct dp_port *port,
						  unsigned int count)
{
	const uint32_t before = port->header;
	const uint8_t offers = port->offers;

	for (unsigned int i = 0; i < count; i++)
		forward->reasons[i] = read_chain(forward, i, forward->packets[i], before, offers);
}

/*
 * Read a burst; where that before it went to a network device, into packets of this device, which
 * has them without another copy then.
 */
static void read_from(struct forward *forward, const struct dp_port *port, unsigned int count)
{
	if (port->outlet && uplink_alloc(port->outlet->uplink, forward->packets, count))
		read_burst_packets(forward, port, count);
	else
		read_burst(forward, port, count);
}

/* The first network device that frames of this burst wait for; NULL for none. */
static struct dp_port *waits_for(const struct forward *forward)
{
	if (!forward->sending_count || !forward->sending[0]->sending->waiting_count)
		return NULL;
	return forward->sending[0];
}

/* Those that the device did not get. */
static void free_packets(struct forward *forward, unsigned int count)
{
	unsigned int left = 0;

	for (unsigned int i = 0; i < count; i++)
		if (unlikely(forward->frames[i].packet))
			forward->packets[left++] = forward->frames[i].packet;
	uplink_free(forward->packets, left);
}

static void refuse_burst(struct forward *forward, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		forward->frames[i] = (struct frame){ 0 };
		forward->reasons[i] = DROP_DOWN;
	}
}

/* How many frames a guest may send now. */
static unsigned int share_of(struct forward *forward, const struct dp_port *port,
			     struct dp_queue *queue)
{
	struct dp_rates *rates = port->rules ? port->rules->rates : NULL;
	uint64_t now;

	if (likely(!rates))
		return DP_BURST;
	now = monotonic_ns();
	if (!dp_rates_wait(rates, QOS_RX, now)) {
		qos_wait_end(&queue->held, &rates->shared, now);
		return dp_rates_are_limited(rates, QOS_RX) ? LIMITED_BURST : DP_BURST;
	}
	if (!queue->held.since && virtq_has_chain(&queue->vu->ring, &forward->from))
		qos_wait_begin(&queue->held, now);
	return 0;
}

static void charge(const struct dp_port *port, unsigned int frames, uint64_t bytes)
{
	if (unlikely(port->rules) && port->rules->rates)
		dp_rates_charge(port->rules->rates, QOS_RX, monotonic_ns(), frames, bytes);
}

/* Give back what devices are done with; the control thread is told of one that is stuck. */
static void settle(struct forward *forward, struct dp_queue *queue, struct loans *loans,
		   uint32_t now)
{
	while (loans_settle(loans, &queue->vu->ring, &forward->to, now))
		deliver_touch(forward, queue);
	if (!loans_waiting(loans))
		return;
	forward->has_loans = true;
	if (now - loans->since < LOAN_SECONDS * MAC_TABLE_SECOND ||
	    __atomic_load_n(&loans->is_stuck, __ATOMIC_RELAXED))
		return;
	__atomic_store_n(&loans->is_stuck, true, __ATOMIC_RELAXED);
	eventfd_write(forward->attention_fd, 1);
}

/* Settle, and how many chains may be taken then. */
static unsigned int settle_before(struct forward *forward, struct dp_queue *queue,
				  struct loans *loans, unsigned int share, uint32_t now)
{
	unsigned int room;

	settle(forward, queue, loans, now);
	deliver_finish(forward);
	room = LOANS_MAX - loans_waiting(loans);
	return share < room ? share : room;
}

/* Let the frames of a burst be lent that are worth it; whether its chains may have to wait. */
static bool offer_loans(struct forward *forward, struct loans *loans, unsigned int count)
{
	bool offered = false;

	for (unsigned int i = 0; i < count; i++) {
		struct frame *frame = &forward->frames[i];

		if (frame->length < frame->head_length + LEND_MIN)
			continue;
		frame->loan = loans_next(loans, i);
		offered = true;
	}
	return offered || loans_waiting(loans);
}

/* All packets of the burst are sent when its chains are looked at. */
static void return_loans(struct forward *forward, struct dp_queue *queue, struct loans *loans,
			 uint32_t now)
{
	deliver_finish(forward);
	loans_wait(loans, &forward->from, now);
	settle(forward, queue, loans, now);
}

/* A burst is over: what it took is its ring's, with the looks at rings before it in vain. */
static void charge_load(struct forward *forward, struct ring_load *load)
{
	uint64_t now = rte_rdtsc();

	load->cycles += now - forward->mark;
	forward->mark = now;
}

static unsigned int from_guest(struct forward *forward, struct dp_view *view,
			       struct dp_port *port, struct dp_queue *queue, uint32_t now)
{
	const uint64_t bytes = port->counters->rx_bytes;
	uint64_t walked;
	struct loans *loans = loans_of(queue->ring);
	struct virtq *ring = &queue->vu->ring;
	struct virtq_batch *batch = &forward->from;
	unsigned int count, done, share = share_of(forward, port, queue);
	struct dp_port *outlet;
	bool may_wait;

	if (unlikely(loans_waiting(loans)))
		share = settle_before(forward, queue, loans, share, now);
	virtq_batch_reset(batch);
	walked = batch->walked;
	count = virtq_take(ring, batch, share);
	forward_count_descriptors(forward, batch, walked);
	if (!count) {
		deliver_check_ring(forward, queue);
		return 0;
	}
	if (likely(queue->vu->enabled && !port->is_down))
		read_from(forward, port, count);
	else
		refuse_burst(forward, count);
	may_wait = unlikely(loans) && offer_loans(forward, loans, count);
	done = switch_burst(forward, view, port, count, now);
	outlet = waits_for(forward);
	if (unlikely(done < count))
		virtq_untake(ring, batch, count - done);
	if (unlikely(may_wait))
		return_loans(forward, queue, loans, now);
	else
		virtq_return(ring, batch);
	charge(port, done, port->counters->rx_bytes - bytes);
	queue->frames += done;
	queue->ring->frames += done;
	deliver_touch(forward, queue);
	deliver_finish(forward);
	if (unlikely(port->outlet))
		free_packets(forward, count);
	port->outlet = outlet;
	charge_load(forward, &port->loads[queue->vu->index]);
	return done;
}

/* All rings of a guest, of which the one behind the last is the first the next time. */
static unsigned int from_rings(struct forward *forward, struct dp_view *view, struct dp_port *port,
			       uint32_t now)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < port->from_count; i++) {
		count += from_guest(forward, view, port, &port->from[port->from_next], now);
		if (++port->from_next == port->from_count)
			port->from_next = 0;
		if (unlikely(forward->work >= forward->work_end))
			break;
	}
	return count;
}

/*
 * One frame that the guest sent by its lane, which copied it as it was.  Its head is as long as
 * that of any other, or what is judged by the head would be another thing here.
 */
static enum drop read_lane(const struct dp_port *port, struct lane_frame *sent,
			   struct frame *frame, struct virtq_segment *rest)
{
	uint32_t length = sent->length - port->header;
	struct virtio_net_hdr header;

	*frame = (struct frame){ .head = sent->bytes + sent->start + port->header };
	if (!sent->enabled || port->is_down)
		return DROP_DOWN;
	if (sent->length < port->header + (uint32_t)FRAME_ETHERNET)
		return DROP_SHORT;
	if (length > FRAME_MAX)
		return DROP_LONG;
	frame->length = length;
	frame->head_length = length < FRAME_HEAD_MAX ? length : FRAME_HEAD_MAX;
	*rest = (struct virtq_segment){frame->head + frame->head_length, length - frame->head_length};
	frame->rest = (struct virtq_cursor){rest, rest + 1, 0};
	memcpy(&header, sent->bytes + sent->start, sizeof(header));
	return frame_parse(frame, &header, port->offers);
}

static unsigned int from_lane(struct forward *forward, struct dp_view *view, struct dp_port *port,
			      uint32_t now)
{
	struct lane_frame *sent[DP_BURST];
	unsigned int count = lane_receive(port->lane, sent, DP_BURST);

	lane_count(port->lane, port->counters);
	for (unsigned int i = 0; i < count; i++)
		forward->reasons[i] = read_lane(port, sent[i], &forward->frames[i],
						forward->packet_segments[i]);
	count = switch_burst(forward, view, port, count, now);
	deliver_finish(forward);
	lane_release(port->lane, count);
	/* A lane goes nowhere else, so it is nobody's load. */
	forward->mark = rte_rdtsc();
	return count;
}

/* See packets as frames; what is looked at of those behind comes into the cache meanwhile. */
static void see_packets(struct forward *forward, const struct dp_port *port, unsigned int count)
{
	struct rte_mbuf **packets = forward->packets;

	for (unsigned int i = 0; i < count; i++) {
		if (i + PACKETS_AHEAD < count)
			__builtin_prefetch(packets[i + PACKETS_AHEAD]);
		if (i + BYTES_AHEAD < count)
			__builtin_prefetch(rte_pktmbuf_mtod(packets[i + BYTES_AHEAD], void *));
		forward->reasons[i] = uplink_frame(port->uplink, packets[i], &forward->frames[i],
						   forward->packet_segments[i]);
	}
}

static unsigned int from_uplink(struct forward *forward, struct dp_view *view,
				struct dp_port *port, unsigned int queue, uint32_t now)
{
	unsigned int share = port->is_costly ? COSTLY_BURST : DP_BURST;
	unsigned int count = uplink_receive(port->uplink, queue, forward->packets, share);
	const uint64_t end = forward->work + WORK_PORT;

	see_packets(forward, port, count);
	forward->work_end = UINT64_MAX;
	switch_burst(forward, view, port, count, now);
	deliver_finish(forward);
	port->is_costly = forward->work >= end;
	uplink_free(forward->packets, count);
	if (count)
		charge_load(forward, &port->loads[queue]);
	return count;
}

/* Devices tell what they are done with when they are asked. */
static void look_after_loans(struct forward *forward, const struct dp_view *view)
{
	forward->has_loans = false;
	for (unsigned int i = 0; i < view->count; i++)
		if (view->ports[i]->uplink)
			uplink_reap(view->ports[i]->uplink);
}

unsigned int forward_pass(struct forward *forward, struct dp_view *view, uint32_t now,
			  uint64_t began)
{
	unsigned int count = 0;

	forward->mark = began;
	if (unlikely(forward->generation != view->generation))
		coalesce_new_view(forward, view);
	if (unlikely(forward->has_loans))
		look_after_loans(forward, view);
	for (unsigned int i = 0; i < view->count; i++) {
		struct dp_port *port = view->ports[i];

		if (i + 1 < view->count && view->ports[i + 1]->from_count)
			virtq_expect(&view->ports[i + 1]->from->vu->ring);
		for (uint64_t takes = port->uplink_takes; takes; takes &= takes - 1)
			count += from_uplink(forward, view, port,
					     (unsigned int)__builtin_ctzll(takes), now);
		forward->work_end = forward->work + WORK_PORT;
		if (unlikely(port->lane) && port->is_polled)
			count += from_lane(forward, view, port, now);
		count += from_rings(forward, view, port, now);
	}
	if (unlikely(forward->owing_count))
		coalesce_pass(forward);
	return count;
}

void forward_inject(struct forward *forward, struct dp_view *view, uint32_t id,
		    const uint8_t *bytes, uint32_t length, uint32_t now)
{
	struct dp_port *port = view->by_slot[DP_SLOT(id)];
	uint8_t *head = forward->heads[0].bytes + HEAD_AT;

	if (!port || port->id != id || port->is_down)
		return;
	memcpy(head, bytes, length);
	forward->frames[0] = (struct frame){
		.head = head, .length = length, .head_length = length,
	};
	forward->route = (struct route){ 0 };
	forward->copies = 0;
	/* It came from nobody, so all that becomes of it is more than what came. */
	if ((!port->rules || !admit(forward, port, &forward->frames[0])) &&
	    !switch_frame(forward, view, port, &forward->frames[0], now))
		forward->copies++;
	deliver_completed(forward);
	port->counters->copies += forward->copies;
	deliver_finish(forward);
}
