/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A thread for the rings of one guest whose memory may make it wait.
 *
 * While a guest's memory still arrives (post-copy migration), an access to a page that is
 * missing lasts until the front end sends it: milliseconds, or for ever when the front
 * end is broken or hostile.  Neither the worker, which has all other guests' traffic, nor
 * the control thread may touch such memory.  So the port's rings go to a lane: frames
 * pass between it and the worker through two queues of copies, and only this port waits.
 *
 *	guest's rings  <-- lane's thread -->  two queues of frames  <--  worker
 *
 * What it costs: a copy more for each frame, a polling thread that naps up to a
 * millisecond when idle, and memory for LANE_SLOTS frames each way.  It is there while
 * the rings are, which is until the front end says that all memory has arrived.
 *
 * Threads: open, close, add and remove on the control thread; lane_reserve() and
 * lane_commit() on any worker, the other functions on one.
 */
#ifndef VHOST_USER_SWITCH_LANE_H
#define VHOST_USER_SWITCH_LANE_H

#include <stdbool.h>
#include <stdint.h>

#include "vhost-user/net/frame.h"
#include "vhost-user/protocol/session.h"
#include "vhost-user/switch/datapath.h"

/* Frames on their way in each direction. */
#define LANE_SLOTS 64

/* Rings of each direction: half of what a message can number. */
#define LANE_QUEUES_MAX 128

/* Longest virtio-net header. */
#define LANE_HEADER_MAX 20

/**
 * struct lane_frame - a frame on its way
 * @length: bytes of virtio-net header and frame
 * @header: those of the header; for the guest
 * @start: where they begin in @bytes
 * @hash: of the flow, for the choice of a ring
 * @buffers_max: receive buffers that it may take
 * @enabled: the ring that it came from is
 * @bytes: room; before @start there are at least FRAME_HEADROOM bytes of it
 */
struct lane_frame {
	uint32_t length;
	uint32_t header;
	uint32_t start;
	uint32_t hash;
	uint32_t buffers_max;
	bool enabled;
	uint8_t bytes[FRAME_HEADROOM + LANE_HEADER_MAX + FRAME_MAX];
};

struct lane;

/**
 * lane_open - start the thread
 * @out: receives the lane; the caller closes it with lane_close()
 * @attention_fd: eventfd that is written when a ring breaks; stays the caller's
 *
 * Return: 0, -ENOMEM or -errno.
 */
int lane_open(struct lane **out, int attention_fd);

/**
 * lane_close - end the thread, wherever it waits
 * @lane: without rings, and in no view that the worker looks at; NULL is allowed
 */
void lane_close(struct lane *lane);

/**
 * lane_add - hand a ring to the lane
 * @lane: lane
 * @queue: ring that is not settled, see vu_queue_settle(); the lane's until
 *	lane_remove()
 */
void lane_add(struct lane *lane, struct vu_queue *queue);

/**
 * lane_remove - take a ring back
 * @lane: lane
 * @queue: its ring
 *
 * Does not wait for guest memory: an access that lasts is given up, and what it was for
 * has not happened.
 */
void lane_remove(struct lane *lane, struct vu_queue *queue);

/**
 * lane_synchronize - let the thread begin anew
 * @lane: lane
 *
 * Returns when it uses nothing any more that it found in a burst before.
 */
void lane_synchronize(struct lane *lane);

/**
 * lane_is_empty - whether it has no rings
 * @lane: lane
 */
bool lane_is_empty(const struct lane *lane);

/**
 * lane_receive - look at frames that the guest sent
 * @lane: lane
 * @frames: receives them, in order, until lane_release()
 * @max: length of @frames
 *
 * Return: how many there are.
 */
unsigned int lane_receive(struct lane *lane, struct lane_frame **frames, unsigned int max);

/**
 * lane_release - the first of them are done with
 * @lane: lane
 * @count: how many
 */
void lane_release(struct lane *lane, unsigned int count);

/**
 * lane_reserve - room for a frame to the guest
 * @lane: lane; other workers wait until lane_commit(), when there is room
 *
 * Return: a frame to be filled in; NULL when there is no room.
 */
struct lane_frame *lane_reserve(struct lane *lane);

/**
 * lane_commit - the frame of lane_reserve() is complete
 * @lane: lane
 */
void lane_commit(struct lane *lane);

/**
 * lane_count - add what became of frames that were handed to the lane
 * @lane: lane
 * @counters: receives packets, bytes and drops since the last call; of the calling thread
 *
 * One thread at a time: the worker that polls the lane, then who closes it.
 */
void lane_count(struct lane *lane, struct dp_counters *counters);

/**
 * lane_count_left - add what nobody will take any more
 * @lane: lane without rings, which no worker knows any more
 * @counters: receives frames for the guest and from it as dropped, in either case
 */
void lane_count_left(struct lane *lane, struct dp_counters *counters);

#endif
