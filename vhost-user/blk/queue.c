// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/blk/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "vhost-user/blk/disk.h"
#include "vhost-user/blk/flush.h"
#include "vhost-user/compiler.h"
#include "vhost-user/counter.h"
#include "vhost-user/cycles.h"
#include "vhost-user/ring/ring_features.h"

/* Requests of a queue that are under way at the same time. */
#define REQUESTS_MAX 256

/* Chains that are taken in one pass, and bytes, so that no ring keeps the others waiting. */
#define BURST 64
#define BURST_BYTES (4 * BLK_STEP_BYTES)

/**
 * struct list - requests, first in first out
 * @first: NULL for none
 * @last: where the next one goes
 */
struct list {
	struct blk_request *first;
	struct blk_request **last;
};

/**
 * struct waiting - what is not submitted yet, first in first out
 * @first: NULL for none
 * @last: where the next one goes
 */
struct waiting {
	struct blk_io *first;
	struct blk_io **last;
};

/**
 * struct blk_queue - see queue.h
 * @limits: what its requests are judged by
 * @in_order: VIRTIO_F_IN_ORDER was negotiated; or nobody keeps what is in flight, so where the
 *	ring stands has to tell the next one what was not given back
 * @is_resumed: what was in flight before us was taken
 * @is_new: what is taken was taken by nobody before us; where nobody keeps what is in flight that is
 *	known once there was nothing to take
 * @requests: all of them
 * @count: length of @requests
 * @free: those that are not under way
 * @free_count: length of @free
 * @channel: of the worker that has the queue; NULL for none
 * @under_way: number of requests that are; atomic
 * @at_backend: number of those that the back end has; atomic
 * @budget: bytes that may still be submitted in this pass
 * @later: what waits for the next one, linked by what is the back end's else
 * @held: what waits until its place in the order of the disk is free, linked likewise
 * @done: those to give back; with @in_order all that are under way, as they were taken
 * @parked: those that wait for an error to go away, linked by what is the back end's else
 * @parked_count: length of @parked; atomic
 * @retry: when they are tried again, in cycles of the time stamp counter
 * @limited: the ring waits until its disk may do more
 * @paused: atomic
 * @draining: atomic
 * @leaves_parked: those do not keep it from being drained, and more may come to be; written before
 *	@draining
 * @abandoned: atomic
 * @drained: atomic
 * @has_news: see blk_queue_has_news()
 * @told: error of the ring that was news already
 */
struct blk_queue {
	struct blk_disk *disk;
	struct vu_queue *vu;
	struct blk_counters *counters;
	struct blk_limits limits;
	bool in_order;
	bool is_resumed;
	bool is_new;
	struct blk_request *requests;
	unsigned int count;
	struct blk_request *free;
	unsigned int free_count;
	struct blk_channel *channel;
	unsigned int under_way;
	unsigned int at_backend;
	int64_t budget;
	struct waiting later;
	struct waiting held;
	struct list done;
	struct blk_io *parked;
	unsigned int parked_count;
	uint64_t retry;
	struct qos_wait limited;
	bool paused;
	bool draining;
	bool leaves_parked;
	bool abandoned;
	bool drained;
	bool has_news;
	enum virtq_error told;
};

static void append(struct list *list, struct blk_request *request)
{
	request->next = NULL;
	*list->last = request;
	list->last = &request->next;
}

static struct blk_request *pop(struct list *list)
{
	struct blk_request *request = list->first;

	list->first = request->next;
	if (!list->first)
		list->last = &list->first;
	return request;
}

static bool is_set(const bool *flag)
{
	return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

static void set_count(unsigned int *count, unsigned int to)
{
	__atomic_store_n(count, to, __ATOMIC_RELAXED);
}

static void on_done(struct blk_io *io, int error);
static void on_place(struct blk_io *io);

int blk_queue_open(struct blk_queue **out, struct blk_disk *disk, struct vu_queue *vu,
		   struct blk_counters *counters)
{
	struct blk_queue *queue = calloc(1, sizeof(*queue));
	const unsigned int count = vu->ring.size < REQUESTS_MAX ? vu->ring.size : REQUESTS_MAX;

	if (queue)
		queue->requests = calloc(count, sizeof(*queue->requests));
	if (!queue || !queue->requests) {
		free(queue);
		return -ENOMEM;
	}
	queue->disk = disk;
	queue->vu = vu;
	queue->counters = counters;
	queue->in_order = vu->features & VIRTIO_BIT(VIRTIO_F_IN_ORDER) || !vu->inflight;
	queue->limits = blk_limits_of(disk, vu->features);
	queue->is_resumed = !vu->inflight;
	blk_order_add_ring(&disk->order, vu->index);
	queue->done.last = &queue->done.first;
	queue->later.last = &queue->later.first;
	queue->held.last = &queue->held.first;
	queue->count = count;
	for (unsigned int i = count; i--;) {
		queue->requests[i].owner = queue;
		queue->requests[i].segments = queue->requests[i].few;
		queue->requests[i].io.done = on_done;
		queue->requests[i].io.place = on_place;
		blk_order_begin(&queue->requests[i].order);
		queue->requests[i].next = queue->free;
		queue->free = &queue->requests[i];
	}
	queue->free_count = count;
	*out = queue;
	return 0;
}

void blk_queue_close(struct blk_queue *queue)
{
	if (!queue)
		return;
	for (unsigned int i = 0; i < queue->count; i++)
		blk_request_free(&queue->requests[i]);
	free(queue->requests);
	free(queue);
}

/* Its driver did not look where the zone stands: nothing is wrong with the disk. */
static bool is_zone_error(int error)
{
	return error == BLK_ZONE_INVALID || error == BLK_ZONE_UNALIGNED ||
	       error == BLK_ZONE_OPEN_LIMIT || error == BLK_ZONE_ACTIVE_LIMIT;
}

static bool may_park(const struct blk_queue *queue, int error)
{
	/* What the guest asked for wrongly stays wrong. */
	return error && error != -EINVAL && error != -EOPNOTSUPP && error != -EROFS &&
	       !is_zone_error(error) && (!is_set(&queue->draining) || queue->leaves_parked) &&
	       __atomic_load_n(&queue->disk->on_error, __ATOMIC_RELAXED) == BLK_ERROR_WAIT;
}

/* The order among them does not matter: a driver that cares waits for the one before. */
static void park(struct blk_queue *queue, struct blk_request *request)
{
	if (!queue->parked)
		queue->retry = cycles_now() + queue->disk->retry_cycles;
	request->io.is_again = true;
	request->io.next = queue->parked;
	queue->parked = &request->io;
	set_count(&queue->parked_count, queue->parked_count + 1);
}

/* With VIRTIO_F_IN_ORDER it is in the list already, where those before it may be missing. */
static void finish(struct blk_queue *queue, struct blk_request *request)
{
	request->is_done = true;
	if (!queue->in_order)
		append(&queue->done, request);
}

static void note_error(struct blk_queue *queue, const struct blk_request *request, int error)
{
	queue->has_news |= !__atomic_load_n(&queue->disk->last_error, __ATOMIC_RELAXED);
	__atomic_store_n(&queue->disk->last_error, error, __ATOMIC_RELAXED);
	/* Nobody was there to lose anything, and who comes says whether something is lost. */
	if (error == -ENOTCONN)
		return;
	/* The kernel tells an error of its cache once, to whoever asks for it first. */
	if (request->kind != BLK_KIND_FLUSH && (!request->io.is_stable || error != -EIO))
		return;
	queue->has_news |= !__atomic_load_n(&queue->disk->flush_error, __ATOMIC_RELAXED);
	__atomic_store_n(&queue->disk->flush_error, error, __ATOMIC_RELAXED);
}

static void put_off(struct waiting *waiting, struct blk_io *io)
{
	io->next = NULL;
	*waiting->last = io;
	waiting->last = &io->next;
}

/* All of them, linked; then there are none. */
static struct blk_io *take_waiting(struct waiting *waiting)
{
	struct blk_io *first = waiting->first;

	*waiting = (struct waiting){ NULL, &waiting->first };
	return first;
}

/* Returns why it cannot be. */
static int flush_error(const struct blk_queue *queue, const struct blk_request *request)
{
	/* What was lost is lost, however well the next flush goes. */
	return request->kind == BLK_KIND_FLUSH ?
		       __atomic_load_n(&queue->disk->flush_error, __ATOMIC_RELAXED) : 0;
}

static void submit_now(struct blk_queue *queue, struct blk_request *request)
{
	struct blk_io *io = &request->io;
	int error = 0;

	if (unlikely(!blk_order_enter(&queue->disk->order, queue->vu->index, &request->order, io))) {
		put_off(&queue->held, io);
		return;
	}
	queue->budget -= (int64_t)io->length;
	set_count(&queue->at_backend, queue->at_backend + 1);
	if (unlikely(io->op > BLK_WRITE))
		error = flush_error(queue, request);
	if (unlikely(!queue->channel))
		error = -ENODEV;
	if (unlikely(error))
		on_done(io, error);
	else if (unlikely(io->op == BLK_FLUSH))
		blk_flush_submit(queue->channel, io);
	else
		queue->disk->backend->ops->submit(queue->channel, io);
}

static void submit(struct blk_queue *queue, struct blk_request *request)
{
	if (unlikely(queue->budget <= 0))
		put_off(&queue->later, &request->io);
	else
		submit_now(queue, request);
}

/* The disk became smaller since it was judged; what is of zones has no such range, and they stay. */
static bool is_behind_end(const struct blk_queue *queue, const struct blk_io *io)
{
	const uint64_t end = __atomic_load_n(&queue->disk->sectors, __ATOMIC_RELAXED) * BLK_SECTOR;

	return io->op <= BLK_SECURE_ERASE && (io->length > end || io->offset > end - io->length);
}

/* It waited, and what was so when it was taken need not be so any more. */
static void submit_late(struct blk_queue *queue, struct blk_request *request)
{
	if (likely(!is_behind_end(queue, &request->io))) {
		submit_now(queue, request);
		return;
	}
	if (blk_order_is_range(&request->io))
		blk_order_leave(&queue->disk->order, queue->vu->index, &request->order, &request->io);
	blk_request_go_on(request, -EINVAL);
	finish(queue, request);
}

/* One step after the other, and no more of one in a pass than it may have. */
static void go_on_with_later(struct blk_queue *queue)
{
	while (queue->later.first && queue->budget > 0) {
		struct blk_io *io = queue->later.first;

		queue->later.first = io->next;
		if (!io->next)
			queue->later.last = &queue->later.first;
		submit_late(queue, (struct blk_request *)io);
	}
}

/* What comes again gets its turn in the order in which it came. */
static void try_held(struct blk_queue *queue)
{
	struct blk_io *io = take_waiting(&queue->held), *next;

	for (; io; io = next) {
		next = io->next;
		if (!is_set(&queue->abandoned))
			submit_late(queue, (struct blk_request *)io);
		else if (blk_order_is_range(io))
			blk_order_leave(&queue->disk->order, queue->vu->index,
					&((struct blk_request *)io)->order, io);
	}
}

/* Neither a read nor a write; what becomes of it. */
static int end_other(struct blk_queue *queue, struct blk_request *request, int error)
{
	if (error)
		return error;
	if (request->kind == BLK_KIND_ZONE_APPEND && queue->vu->inflight)
		virtq_inflight_mark(queue->vu->inflight, &request->chain, VIRTQ_INFLIGHT_DONE);
	return flush_error(queue, request);
}

/* What waited for the same flush is over with it. */
static void end_covered(const struct blk_queue *queue, const struct blk_io *io, int error)
{
	struct blk_io *covered = queue->channel ? blk_flush_done(queue->channel, io) : NULL, *next;

	for (; covered; covered = next) {
		next = covered->next;
		on_done(covered, error);
	}
}

static void on_done(struct blk_io *io, int error)
{
	struct blk_request *request = (struct blk_request *)io;
	struct blk_queue *queue = request->owner;

	if (unlikely(io->op == BLK_FLUSH))
		end_covered(queue, io, error);
	blk_order_leave(&queue->disk->order, queue->vu->index, &request->order, io);
	set_count(&queue->at_backend, queue->at_backend - 1);
	if (unlikely(io->op > BLK_WRITE))
		error = end_other(queue, request, error);
	if (unlikely(error) && !is_zone_error(error))
		note_error(queue, request, error);
	if (unlikely(may_park(queue, error))) {
		park(queue, request);
		return;
	}
	/* Nobody waits for the rest of one that is abandoned. */
	if (unlikely(is_set(&queue->abandoned)) && !error)
		error = -ECANCELED;
	if (blk_request_go_on(request, error))
		submit(queue, request);
	else
		finish(queue, request);
}

/* Before any of it is written: who comes next finds where it went, if it went there. */
static void on_place(struct blk_io *io)
{
	struct blk_request *request = (struct blk_request *)io;
	struct blk_queue *queue = request->owner;

	blk_request_place(request);
	if (queue->vu->inflight)
		virtq_inflight_mark(queue->vu->inflight, &request->chain, VIRTQ_INFLIGHT_BEGUN);
}

/*
 * What was appended twice would be in its zone twice.  How far it came is written down; where nobody
 * keeps that, nobody knows, and its driver has to look at the zone itself.
 */
static void append_again(struct blk_queue *queue, struct blk_request *request)
{
	enum virtq_inflight_mark mark;

	if (!queue->vu->inflight) {
		request->error = -EIO;
		finish(queue, request);
		return;
	}
	mark = virtq_inflight_marked(queue->vu->inflight, &request->chain);
	request->io.is_again = mark != VIRTQ_INFLIGHT_TAKEN;
	if (request->io.is_again)
		request->io.appended = blk_request_placed(request);
	if (mark == VIRTQ_INFLIGHT_DONE)
		finish(queue, request);
	else
		submit(queue, request);
}

static void begin_again(struct blk_queue *queue, struct blk_request *request)
{
	if (request->kind == BLK_KIND_ZONE_APPEND)
		append_again(queue, request);
	else
		submit(queue, request);
}

static struct blk_request *begin(struct blk_queue *queue, const struct virtq_batch *batch,
				 const struct virtq_chain *chain, uint64_t now)
{
	struct blk_request *request = queue->free;

	queue->free = request->next;
	queue->free_count--;
	request->began = now;
	if (queue->in_order)
		append(&queue->done, request);
	request->io.is_again = !queue->is_new;
	if (!blk_request_begin(request, batch, chain, &queue->limits))
		finish(queue, request);
	else if (likely(queue->is_new))
		submit(queue, request);
	else
		begin_again(queue, request);
	return request;
}

/* What was in flight before us comes first. */
static unsigned int take(struct blk_queue *queue, struct virtq_batch *batch, unsigned int most)
{
	struct virtq *ring = &queue->vu->ring;
	unsigned int taken = 0;

	if (unlikely(!queue->is_resumed)) {
		taken = virtq_inflight_resume(queue->vu->inflight, ring, batch, most);
		queue->is_resumed = queue->is_new = !taken;
	}
	if (taken)
		return taken;
	taken = queue->vu->inflight ? virtq_inflight_take(queue->vu->inflight, ring, batch, most) :
				      virtq_take(ring, batch, most);
	queue->is_new |= !taken;
	return taken;
}

static void retry(struct blk_queue *queue)
{
	struct blk_io *again = queue->parked, *next;

	queue->parked = NULL;
	set_count(&queue->parked_count, 0);
	for (; again; again = next) {
		next = again->next;
		put_off(&queue->later, again);
	}
	go_on_with_later(queue);
}

/* What is drained is not told anew what failed, and what is left to the next one is not tried. */
static void look_after_parked(struct blk_queue *queue, uint64_t now)
{
	const bool draining = is_set(&queue->draining);

	if (draining ? !queue->leaves_parked && !is_set(&queue->abandoned) : now >= queue->retry)
		retry(queue);
}

/* Behind each take: what a driver was told before it asked is known then. */
static void renew_limits(struct blk_queue *queue)
{
	queue->limits.sectors = __atomic_load_n(&queue->disk->sectors, __ATOMIC_RELAXED);
	queue->limits.is_stable = blk_is_stable(queue->disk, queue->vu->features);
}

static bool may_take(const struct blk_queue *queue)
{
	return likely(queue->vu->enabled && is_set(&queue->disk->is_locked) &&
		      !is_set(&queue->draining) && !is_set(&queue->paused));
}

/* The ring broke; once. */
static void look_for_news(struct blk_queue *queue)
{
	if (likely(queue->vu->ring.error == queue->told))
		return;
	queue->told = queue->vu->ring.error;
	queue->has_news = true;
}

/* Something that may be taken, were it not for limits. */
static bool has_some(const struct blk_queue *queue, struct virtq_batch *batch)
{
	return (queue->vu->inflight && virtq_inflight_has_more(queue->vu->inflight)) ||
	       virtq_has_chain(&queue->vu->ring, batch);
}

/* One that was, and waits, is until it went on. */
static bool is_limited(const struct blk_queue *queue)
{
	return qos_group_of(&queue->disk->qos) || queue->limited.since;
}

static unsigned int limits_of(enum blk_kind kind)
{
	switch (kind) {
	case BLK_KIND_READ:
		return QOS_READ;
	case BLK_KIND_WRITE:
	case BLK_KIND_DISCARD:
	case BLK_KIND_WRITE_ZEROES:
	case BLK_KIND_SECURE_ERASE:
	case BLK_KIND_ZONE_APPEND:
	case BLK_KIND_ZONE_FINISH:
	case BLK_KIND_ZONE_RESET:
	case BLK_KIND_ZONE_RESET_ALL:
		return QOS_WRITE;
	case BLK_KIND_ZONE_REPORT:
		return QOS_READ;
	default:
		return QOS_REQUEST;
	}
}

/*
 * One by one, so that no more than one is owed.  What it is nobody knows before it is taken, so all
 * limits of disks have to let it pass.
 */
static unsigned int take_limited(struct blk_queue *queue, struct virtq_batch *batch,
				 unsigned int most, uint64_t now)
{
	struct qos_member *qos = &queue->disk->qos;
	const uint64_t time = monotonic_ns();
	unsigned int taken = 0;

	if (qos_wait_ns(qos, QOS_READ | QOS_WRITE, time)) {
		if (!queue->limited.since && has_some(queue, batch))
			qos_wait_begin(&queue->limited, time);
		return 0;
	}
	qos_wait_end(&queue->limited, qos, time);
	do {
		const struct blk_request *request;

		virtq_batch_reset(batch);
		if (!take(queue, batch, 1))
			break;
		renew_limits(queue);
		set_count(&queue->under_way, queue->under_way + 1);
		request = begin(queue, batch, &batch->chains[0], now);
		qos_charge(qos, limits_of(request->kind), time, 1, blk_request_bytes(request));
		taken++;
	} while (taken < most && !qos_wait_ns(qos, QOS_READ | QOS_WRITE, time));
	if (!taken)
		look_for_news(queue);
	return taken;
}

unsigned int blk_queue_take(struct blk_queue *queue, struct blk_channel *channel,
			    struct virtq_batch *batch, uint64_t now)
{
	unsigned int most = queue->free_count < BURST ? queue->free_count : BURST, taken;

	queue->channel = channel;
	queue->budget = BURST_BYTES;
	if (unlikely(queue->held.first))
		try_held(queue);
	if (unlikely(queue->later.first) && !is_set(&queue->abandoned)) {
		go_on_with_later(queue);
		return 1;
	}
	if (unlikely(queue->parked))
		look_after_parked(queue, now);
	if (!most || !may_take(queue))
		return 0;
	if (unlikely(is_limited(queue)))
		return take_limited(queue, batch, most, now);
	virtq_batch_reset(batch);
	taken = take(queue, batch, most);
	if (!taken) {
		look_for_news(queue);
		return 0;
	}
	renew_limits(queue);
	set_count(&queue->under_way, queue->under_way + taken);
	for (unsigned int i = 0; i < taken; i++)
		begin(queue, batch, &batch->chains[i], now);
	return taken;
}

static void count(struct blk_counters *counters, const struct blk_request *request, uint64_t cycles)
{
	counter_add(&counters->count, 1);
	if (request->error)
		counter_add(&counters->failed, 1);
	else
		counter_add(&counters->bytes, blk_request_bytes(request));
	counter_add(&counters->cycles, cycles);
	counter_add(&counters->buckets[blk_latency_bucket(cycles)], 1);
}

static void push(struct blk_queue *queue, struct blk_request *request, uint64_t now)
{
	struct virtq *ring = &queue->vu->ring;
	uint32_t length;

	count(&queue->counters[request->kind], request, now - request->began);
	length = blk_request_end(request, ring);
	if (queue->vu->inflight)
		virtq_inflight_push(queue->vu->inflight, ring, &request->chain, length);
	else
		virtq_push(ring, &request->chain, length);
}

static void release(struct blk_queue *queue, struct blk_request *request)
{
	request->next = queue->free;
	queue->free = request;
	queue->free_count++;
}

static void publish(struct blk_queue *queue)
{
	bool wants_call = queue->vu->inflight ?
				  virtq_inflight_publish(queue->vu->inflight, &queue->vu->ring) :
				  virtq_publish(&queue->vu->ring);

	if (wants_call && vu_queue_call(queue->vu))
		queue->has_news = true;
}

static bool has_to_give_back(const struct blk_queue *queue)
{
	return queue->done.first && queue->done.first->is_done;
}

static void look_whether_drained(struct blk_queue *queue)
{
	const bool leaves = queue->leaves_parked || is_set(&queue->abandoned);

	/* What is held has a place in the order of the disk, which the next pass gives up. */
	if (queue->drained || queue->at_backend || queue->held.first || (queue->parked && !leaves) ||
	    (queue->later.first && !is_set(&queue->abandoned)))
		return;
	/* What was done to the ring is there for who sees this. */
	__atomic_store_n(&queue->drained, true, __ATOMIC_RELEASE);
	queue->has_news = true;
}

unsigned int blk_queue_give_back(struct blk_queue *queue, uint64_t now)
{
	unsigned int given = 0;

	while (has_to_give_back(queue) && likely(!is_set(&queue->abandoned))) {
		struct blk_request *request = pop(&queue->done);

		push(queue, request, now);
		release(queue, request);
		given++;
	}
	if (given) {
		publish(queue);
		set_count(&queue->under_way, queue->under_way - given);
	}
	if (unlikely(is_set(&queue->draining)))
		look_whether_drained(queue);
	else if (unlikely(is_set(&queue->paused)) && !queue->at_backend && !queue->later.first &&
		 !queue->held.first)
		queue->has_news = true;
	return given;
}

bool blk_queue_arm(struct blk_queue *queue)
{
	return (virtq_kick_enable(&queue->vu->ring) && queue->free_count && may_take(queue) &&
		!queue->limited.since) || queue->later.first || queue->held.first;
}

void blk_queue_disarm(struct blk_queue *queue)
{
	virtq_kick_disable(&queue->vu->ring);
}

uint64_t blk_queue_due(const struct blk_queue *queue)
{
	return queue->parked ? queue->retry : UINT64_MAX;
}

uint64_t blk_queue_limited_ns(const struct blk_queue *queue, uint64_t now)
{
	if (likely(!queue->limited.since) || !may_take(queue))
		return UINT64_MAX;
	return qos_wait_ns(&queue->disk->qos, QOS_READ | QOS_WRITE, now);
}

bool blk_queue_has_news(struct blk_queue *queue)
{
	bool has_news = queue->has_news;

	queue->has_news = false;
	return has_news;
}

struct blk_disk *blk_queue_disk(const struct blk_queue *queue)
{
	return queue->disk;
}

void blk_queue_drain(struct blk_queue *queue, bool leave_parked)
{
	queue->leaves_parked = leave_parked;
	__atomic_store_n(&queue->draining, true, __ATOMIC_RELEASE);
}

void blk_queue_pause(struct blk_queue *queue, bool paused)
{
	__atomic_store_n(&queue->paused, paused, __ATOMIC_RELEASE);
}

void blk_queue_abandon(struct blk_queue *queue)
{
	__atomic_store_n(&queue->abandoned, true, __ATOMIC_RELEASE);
}

bool blk_queue_is_drained(const struct blk_queue *queue)
{
	return is_set(&queue->drained);
}

unsigned int blk_queue_under_way(const struct blk_queue *queue)
{
	return __atomic_load_n(&queue->under_way, __ATOMIC_RELAXED);
}

bool blk_queue_is_at_rest(const struct blk_queue *queue)
{
	return !__atomic_load_n(&queue->at_backend, __ATOMIC_ACQUIRE);
}

unsigned int blk_queue_parked(const struct blk_queue *queue)
{
	return __atomic_load_n(&queue->parked_count, __ATOMIC_RELAXED);
}
