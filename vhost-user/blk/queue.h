/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A ring of a disk: takes requests, has the back end carry them out, and gives them back.
 *
 * Theory of operation.  A worker takes what its rings have, as far as there are free requests,
 * and submits it (blk_queue_take()); the back ends are polled; then what was done meanwhile
 * goes back to the driver, all of a pass with one publish and at most one call
 * (blk_queue_give_back()).  Requests are given back as they are done, or, with
 * VIRTIO_F_IN_ORDER, in the order in which they were taken.
 *
 * What is in flight is written down where the front end keeps that, so a process that comes
 * next does again what this one did not give back, in the order in which it was taken.
 *
 * A disk that did its share, see vhost-user/qos.h, has its rings wait as they are; nothing of them is
 * taken, so they can stop at once.
 *
 * A disk that waits for errors to go away parks what failed, and tries it again once a second.
 *
 * A ring drains: nothing is taken any more, and what failed is not tried again.  A ring that is
 * abandoned gives nothing back any more; its guest's memory stays until the back end has
 * done what it has.
 *
 * Threads: a queue is one worker's, apart from what is said of its functions.
 */
#ifndef VHOST_USER_BLK_QUEUE_H
#define VHOST_USER_BLK_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/magnitude.h"
#include "vhost-user/blk/request.h"
#include "vhost-user/protocol/session.h"

struct blk_disk;
struct blk_queue;

/* Times are counted by their magnitude, each cut in 8. */
#define BLK_LATENCY_BITS 3
#define BLK_LATENCY_BUCKETS (64 << BLK_LATENCY_BITS)

/**
 * struct blk_counters - what became of requests of a kind
 * @count: how many were given back
 * @failed: how many of them with an error
 * @bytes: that those without carried
 * @cycles: time stamp counter, from the take until it was given back, of all
 * @buckets: how many took how long, see blk_latency_bucket()
 */
struct blk_counters {
	uint64_t count;
	uint64_t failed;
	uint64_t bytes;
	uint64_t cycles;
	uint64_t buckets[BLK_LATENCY_BUCKETS];
};

/**
 * blk_latency_bucket - where a time is counted
 * @cycles: of the time stamp counter
 */
static inline unsigned int blk_latency_bucket(uint64_t cycles)
{
	return magnitude_bucket(cycles, BLK_LATENCY_BITS);
}

/**
 * blk_latency_end - the time behind the longest of a bucket
 * @bucket: below BLK_LATENCY_BUCKETS
 *
 * Return: cycles of the time stamp counter.
 */
static inline uint64_t blk_latency_end(unsigned int bucket)
{
	return magnitude_end(bucket, BLK_LATENCY_BITS);
}

/**
 * blk_queue_open - begin to serve a ring
 * @out: receives it; the caller closes it with blk_queue_close()
 * @disk: whose ring it is
 * @queue: started ring
 * @counters: BLK_KINDS of them, which outlive the queue
 *
 * On the control thread.
 *
 * Return: 0 or -ENOMEM.
 */
int blk_queue_open(struct blk_queue **out, struct blk_disk *disk, struct vu_queue *queue,
		   struct blk_counters *counters);

/**
 * blk_queue_close - free it
 * @queue: is no worker's any more, and nothing of it is in the back end; NULL is allowed
 */
void blk_queue_close(struct blk_queue *queue);

/**
 * blk_queue_take - take what there is, and submit it
 * @queue: queue
 * @channel: the worker's to the back end; NULL when there is none, and all fails
 * @batch: scratch memory
 * @now: cycles of the time stamp counter
 *
 * Return: how much there was.
 */
unsigned int blk_queue_take(struct blk_queue *queue, struct blk_channel *channel,
			    struct virtq_batch *batch, uint64_t now);

/**
 * blk_queue_give_back - give back what is done
 * @queue: queue
 * @now: cycles of the time stamp counter
 *
 * Return: how much that was.
 */
unsigned int blk_queue_give_back(struct blk_queue *queue, uint64_t now);

/**
 * blk_queue_arm - ask the driver for a kick
 * @queue: queue
 *
 * Return: whether there is something to take already.
 */
bool blk_queue_arm(struct blk_queue *queue);

/**
 * blk_queue_disarm - that is over
 * @queue: queue
 */
void blk_queue_disarm(struct blk_queue *queue);

/**
 * blk_queue_due - when to call blk_queue_take() although nothing was kicked
 * @queue: queue
 *
 * Return: cycles of the time stamp counter; UINT64_MAX for never.
 */
uint64_t blk_queue_due(const struct blk_queue *queue);

/**
 * blk_queue_limited_ns - how long a ring waits until its disk may do more
 * @queue: queue
 * @now: nanoseconds of the monotonic clock
 *
 * Return: nanoseconds; UINT64_MAX when it does not wait for that.
 */
uint64_t blk_queue_limited_ns(const struct blk_queue *queue, uint64_t now);

/**
 * blk_queue_has_news - whether its session has to be attended
 * @queue: queue
 *
 * Return: true once when the ring broke, a call takes a message, it has drained, or is paused and
 * the back end has nothing of it, or the first request of its disk failed.
 */
bool blk_queue_has_news(struct blk_queue *queue);

/**
 * blk_queue_disk - whose ring it is
 * @queue: queue
 */
struct blk_disk *blk_queue_disk(const struct blk_queue *queue);

/**
 * blk_queue_drain - take nothing more
 * @queue: queue; any thread
 * @leave_parked: what waits for an error to go away is left to who comes next; else it is tried
 *	once more, and the guest is told
 */
void blk_queue_drain(struct blk_queue *queue, bool leave_parked);

/**
 * blk_queue_pause - take nothing more for the moment
 * @queue: queue; any thread
 * @paused: whether to; there are news when the back end has nothing of it any more
 */
void blk_queue_pause(struct blk_queue *queue, bool paused);

/**
 * blk_queue_abandon - give nothing back any more, either
 * @queue: queue that drains; any thread
 */
void blk_queue_abandon(struct blk_queue *queue);

/**
 * blk_queue_is_drained - whether nothing of it is used any more
 * @queue: queue that drains; any thread
 */
bool blk_queue_is_drained(const struct blk_queue *queue);

/**
 * blk_queue_under_way - how many requests it has
 * @queue: queue; any thread
 */
unsigned int blk_queue_under_way(const struct blk_queue *queue);

/**
 * blk_queue_is_at_rest - whether the back end has nothing of it, so that another worker can go on
 * @queue: queue that is paused, and that its worker does not look at any more; any thread
 */
bool blk_queue_is_at_rest(const struct blk_queue *queue);

/**
 * blk_queue_parked - how many of them wait for an error to go away
 * @queue: queue; any thread
 */
unsigned int blk_queue_parked(const struct blk_queue *queue);

#endif
