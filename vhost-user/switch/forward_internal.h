/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two halves of the fast path share: forward.c decides, deliver.c brings. */
#ifndef VHOST_USER_SWITCH_FORWARD_INTERNAL_H
#define VHOST_USER_SWITCH_FORWARD_INTERNAL_H


#include <assert.h>

#include "base/clock.h"
#include "vhost-user/switch/forward.h"

/* Rings that one burst may touch before they are published early. */
#define TOUCHED_MAX 512

/*
 * What a worker does for one port is bounded, or the others would wait for it.  It is counted in
 * bytes that are brought somewhere; each frame or segment that is brought, and each descriptor
 * that is no usual one, costs as much as so many of them.
 */
#define WORK_EACH 512
#define WORK_DESCRIPTOR 32

/* What is left of a port after so much waits for the next pass, a third of a millisecond. */
#define WORK_PORT (UINT64_C(1) << 20)

/* What is left of one frame after so much is lost; the longest to one port takes less. */
#define WORK_FRAME (UINT64_C(4) << 20)

/*
 * A frame's private bytes; the headroom ends with the sender's virtio-net header.  That begins where
 * a cache line does, for most drivers, as what it is copied from and to mostly does.  An odd number
 * of lines each, as buffers of guests are a power of two apart and take the same places of the cache.
 */
#define HEAD_AT (VIRTQ_CACHE_LINE + 12)

struct head {
	_Alignas(VIRTQ_CACHE_LINE) uint8_t bytes[5 * VIRTQ_CACHE_LINE];
};
static_assert(HEAD_AT >= FRAME_HEADROOM && HEAD_AT + FRAME_HEAD_MAX <= sizeof(struct head),
	      "a head and what goes before it");

/**
 * struct route - where the last frame of a burst went; most frames of it are of the same stations
 * @first: its first 8 bytes
 * @second: and the 8 behind those without the last 2: both addresses and the EtherType
 * @is_whole: a frame that has both of these goes the same way: no tag can be in it
 * @from: key of the station that sent it; 0 when there was none
 * @to: key of the station that it was for
 * @port: where that one is; NULL when nobody knows
 */
struct route {
	uint64_t first;
	uint64_t second;
	bool is_whole;
	uint64_t from;
	uint64_t to;
	struct dp_port *port;
};

/* Pairs of stations in a burst whose way is remembered, a power of two. */
#define WAYS 32

/**
 * struct way - where frames of two stations are brought that need nothing special
 * @burst: the burst in which that was found out
 * @first: as in struct route
 * @second: the same
 * @accepts: FRAME_NEED_* that they may need
 * @queue: the ring; NULL for a network device
 * @sending: what that is to be sent
 */
struct way {
	uint64_t burst;
	uint64_t first;
	uint64_t second;
	uint8_t accepts;
	struct dp_queue *queue;
	struct dp_sending *sending;
};

/**
 * struct completion - a frame that is completed in software, once for all who need that
 * @frame: all of it in @flat; while there are @ports
 * @count: length of @ports
 * @ports: whom it is for
 * @flat: its bytes
 */
struct completion {
	struct frame frame;
	unsigned int count;
	struct dp_port *ports[DP_PORTS_MAX];
	uint8_t flat[FRAME_HEADROOM + FRAME_MAX];
};

/**
 * struct forward - the private memory of a worker
 * @attention_fd: written when a ring breaks
 * @mark: cycles until which the pass is charged to rings
 * @work: what was done since ever
 * @work_end: when the frames of the source wait for the next pass
 * @frame_end: when a frame is given up that goes to many, or is completed
 * @copies: what became of the frames of this burst beyond one thing each, see struct dp_counters
 * @is_completing: there is something in @completions
 * @route: of this burst
 * @burst: its number
 * @ways: those of this burst, by way_of()
 * @frames: the burst
 * @reasons: why a frame of it is dropped before it is switched
 * @next: the frame that goes to the same ring after it, see struct dp_queue
 * @heads: private bytes of @frames
 * @from: chains of the source
 * @to: scratch memory for the chains of a destination
 * @writes: what one ring gets
 * @has_loans: a network device has what came from a ring of this worker
 * @generation: of the view that @owing leads into
 * @first_due: when the first of those calls is due; known without looking there
 * @owing: rings whose driver is owed a call, see coalesce.c
 * @touched: rings that have something to be brought or published
 * @sending: uplinks that have packets to send
 * @packets: what the uplink gave
 * @packet_segments: their segments
 * @completions: of the frame that is switched: as it is, and without its tag
 */
struct forward {
	int attention_fd;
	bool has_loans;
	unsigned int touched_count;
	unsigned int sending_count;
	unsigned int owing_count;
	uint64_t generation;
	uint64_t first_due;
	uint64_t mark;
	uint64_t work;
	uint64_t work_end;
	uint64_t frame_end;
	uint64_t copies;
	bool is_completing;
	struct route route;
	uint64_t burst;
	struct way ways[WAYS];
	_Alignas(VIRTQ_CACHE_LINE) struct frame frames[DP_BURST];
	enum drop reasons[DP_BURST];
	uint8_t next[DP_BURST];
	struct head heads[DP_BURST];
	struct virtq_batch from;
	struct virtq_batch to;
	struct virtq_write writes[DP_BURST];
	struct dp_queue *touched[TOUCHED_MAX];
	struct dp_queue *owing[TOUCHED_MAX];
	struct dp_port *sending[DP_PORTS_MAX];
	struct rte_mbuf *packets[DP_BURST];
	struct virtq_segment packet_segments[DP_BURST][UPLINK_SEGMENTS_MAX];
	struct completion completions[2];
};

/* A frame or segment is brought to one more. */
static inline void forward_count_work(struct forward *forward, uint32_t length)
{
	forward->work += length + WORK_EACH;
}

/* Descriptors were looked at for a batch, of which there were @before. */
static inline void forward_count_descriptors(struct forward *forward,
					     const struct virtq_batch *batch, uint64_t before)
{
	forward->work += (batch->walked - before) * WORK_DESCRIPTOR;
}

/* Whether one packet more is too much now; what is not is charged. */
static inline bool forward_is_over(struct dp_rates *rates, unsigned int way, uint32_t bytes)
{
	uint64_t now;

	if (!rates)
		return false;
	now = monotonic_ns();
	if (dp_rates_wait(rates, way, now)) {
		qos_drop(&rates->shared);
		return true;
	}
	dp_rates_charge(rates, way, now, 1, bytes);
	return false;
}

/* A ring that other workers bring frames to as well is used between these. */
static inline void forward_lock(struct dp_queue *queue)
{
	if (queue->is_shared)
		spin_lock(&queue->ring->lock);
}

static inline void forward_unlock(struct dp_queue *queue)
{
	if (queue->is_shared)
		spin_unlock(&queue->ring->lock);
}

/* Bring a frame of @frames to a ring behind those that wait there. */
static inline void deliver_behind(struct forward *forward, struct dp_queue *queue,
				  unsigned int index)
{
	forward->next[queue->last] = (uint8_t)index;
	queue->last = (uint8_t)index;
	queue->waiting++;
}

/* Bring a frame of @frames to a network device behind those that wait; false when none does. */
static inline bool deliver_behind_sent(struct dp_sending *sending, unsigned int index)
{
	if (!sending->waiting_count || sending->packet_count + sending->waiting_count == DP_BURST)
		return false;
	sending->waiting[sending->waiting_count++] = (uint8_t)index;
	return true;
}

/* Bring a frame of @frames to a port, at the latest with deliver_finish(). */
void deliver(struct forward *forward, struct dp_port *port, struct frame *frame);

/* Bring it before the next one: the frame goes to other ports as well. */
void deliver_now(struct forward *forward, struct dp_port *port, struct frame *frame);

/*
 * Complete the frame for all who do not take it as it is, when it was switched; DROP_COSTLY when
 * that was given up.
 */
enum drop deliver_completed(struct forward *forward);

/* Have the ring published by the next deliver_finish(). */
void deliver_touch(struct forward *forward, struct dp_queue *queue);

/* Give a frame that came from a port, or goes to it, to its mirror as well. */
void deliver_mirrored(struct forward *forward, const struct dp_rules *rules, struct frame *frame);

/*
 * Bring what is left, make visible what the burst did, hand packets to the
 * uplinks.  What a ring got back is visible only after the last look at its bytes: those for
 * guests are written before, and those for uplinks copied, or lent (see loan.h) by a burst
 * whose chains do not go back before this returned.
 */
void deliver_finish(struct forward *forward);

/* The ring was published, and its driver lets calls wait; whether it is to be called now. */
bool coalesce_published(struct forward *forward, struct dp_queue *queue, bool wanted);

/* Make the calls that have waited long enough. */
void coalesce_pass(struct forward *forward);

/* Forget the old view, and make all calls that are owed in the new one. */
void coalesce_new_view(struct forward *forward, struct dp_view *view);

/* Call the driver; a call that is a message is the control thread's to send. */
void deliver_call(struct forward *forward, struct dp_queue *queue);

/* Tell the control thread, once, of a ring that is broken. */
void deliver_check_ring(struct forward *forward, struct dp_queue *queue);

#endif
