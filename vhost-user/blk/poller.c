// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/blk/poller.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "vhost-user/counter.h"
#include "vhost-user/cycles.h"
#include "vhost-user/protocol/notify.h"

/**
 * struct blk_poller - see poller.h
 * @worker: number of the worker
 * @list: what it polls; NULL for none
 * @leaving: disk whose channel is to be closed; NULL for none
 * @batch: scratch memory
 */
struct blk_poller {
	struct pollable pollable;
	unsigned int worker;
	struct blk_uring *uring;
	uint64_t second;
	int attention_fd;
	struct blk_list *list;
	struct blk_disk *leaving;
	struct virtq_batch batch;
};

static struct blk_poller *of(struct pollable *pollable)
{
	return (struct blk_poller *)((char *)pollable - offsetof(struct blk_poller, pollable));
}

static struct blk_list *current_list(const struct blk_poller *poller)
{
	/* Pairs with the exchange: the list is whole before it is seen. */
	return __atomic_load_n(&poller->list, __ATOMIC_ACQUIRE);
}

/* The worker's own way to a disk, from the first time on that it is needed. */
static struct blk_channel *channel_of(struct blk_poller *poller, struct blk_disk *disk)
{
	struct blk_channel **channel = &disk->channels[poller->worker];

	if (unlikely(!*channel))
		disk->backend->ops->channel_open(channel, disk->backend, poller->uring);
	return *channel;
}

static void close_channel(struct blk_poller *poller, struct blk_disk *disk)
{
	struct blk_channel **channel = &disk->channels[poller->worker];

	if (*channel)
		disk->backend->ops->channel_close(*channel);
	*channel = NULL;
}

static void leave(struct blk_poller *poller)
{
	struct blk_disk *disk = __atomic_load_n(&poller->leaving, __ATOMIC_ACQUIRE);

	if (likely(!disk))
		return;
	close_channel(poller, disk);
	__atomic_store_n(&poller->leaving, NULL, __ATOMIC_RELEASE);
}

static unsigned int take(struct blk_poller *poller, struct blk_polled *polled, uint64_t now)
{
	struct blk_disk *disk = blk_queue_disk(polled->queue);
	unsigned int count;

	/* A channel has the file that was locked. */
	if (unlikely(!__atomic_load_n(&disk->is_locked, __ATOMIC_ACQUIRE)))
		return 0;
	count = blk_queue_take(polled->queue, channel_of(poller, disk), &poller->batch, now);
	if (count)
		counter_add(&polled->load->cycles, cycles_now() - now);
	return count;
}

static unsigned int look_at_backends(struct blk_poller *poller, struct blk_list *list)
{
	unsigned int count = poller->uring ? blk_uring_poll(poller->uring) : 0;

	for (unsigned int i = 0; list && i < list->count; i++) {
		struct blk_disk *disk = blk_queue_disk(list->queues[i].queue);

		if (disk->backend->ops->poll && disk->channels[poller->worker])
			count += disk->backend->ops->poll(disk->channels[poller->worker]);
	}
	return count;
}

static unsigned int give_back(struct blk_poller *poller, struct blk_list *list)
{
	uint64_t now = cycles_now();
	bool has_news = false;
	unsigned int count = 0;

	for (unsigned int i = 0; i < list->count; i++) {
		struct blk_polled *polled = &list->queues[i];
		unsigned int given = blk_queue_give_back(polled->queue, now);
		uint64_t then = now;

		has_news |= blk_queue_has_news(polled->queue);
		if (!given)
			continue;
		now = cycles_now();
		counter_add(&polled->load->cycles, now - then);
		count += given;
	}
	if (unlikely(has_news))
		notify_eventfd(poller->attention_fd);
	return count;
}

static unsigned int poll(struct pollable *pollable, uint64_t now)
{
	struct blk_poller *poller = of(pollable);
	struct blk_list *list = current_list(poller);
	unsigned int count = 0;

	leave(poller);
	for (unsigned int i = 0; list && i < list->count; i++) {
		unsigned int taken = take(poller, &list->queues[i], now);

		count += taken;
		if (taken && i + 1 < list->count)
			now = cycles_now();
	}
	count += look_at_backends(poller, list);
	return count + (list ? give_back(poller, list) : 0);
}

/* Whether nothing tells the worker that a back end has done something. */
static bool is_silent(const struct blk_poller *poller, const struct blk_polled *polled)
{
	const struct blk_disk *disk = blk_queue_disk(polled->queue);
	struct blk_channel *channel = disk->channels[poller->worker];

	return disk->backend->ops->poll && channel && blk_queue_under_way(polled->queue) &&
	       disk->backend->ops->fd(channel) < 0;
}

static enum pollable_rest arm(struct pollable *pollable)
{
	struct blk_poller *poller = of(pollable);
	struct blk_list *list = current_list(poller);
	enum pollable_rest rest = POLLABLE_IS_WOKEN;

	if (__atomic_load_n(&poller->leaving, __ATOMIC_ACQUIRE))
		return POLLABLE_HAS_WORK;
	for (unsigned int i = 0; list && i < list->count; i++) {
		struct blk_polled *polled = &list->queues[i];

		if (blk_queue_arm(polled->queue))
			rest = POLLABLE_HAS_WORK;
		else if (rest == POLLABLE_IS_WOKEN &&
			 (polled->must_poll || is_silent(poller, polled)))
			rest = POLLABLE_MUST_POLL;
	}
	return rest;
}

static void disarm(struct pollable *pollable)
{
	struct blk_list *list = current_list(of(pollable));

	for (unsigned int i = 0; list && i < list->count; i++)
		blk_queue_disarm(list->queues[i].queue);
}

/* When what failed is tried again. */
static uint64_t due(struct pollable *pollable)
{
	const struct blk_poller *poller = of(pollable);
	struct blk_list *list = current_list(poller);
	uint64_t first = UINT64_MAX, now;

	for (unsigned int i = 0; list && i < list->count; i++) {
		uint64_t queue_due = blk_queue_due(list->queues[i].queue);

		first = queue_due < first ? queue_due : first;
	}
	if (first == UINT64_MAX)
		return first;
	now = cycles_now();
	return first > now ? (uint64_t)((double)(first - now) * 1e9 / (double)poller->second) : 0;
}

static const struct pollable_ops ops = {
	.poll = poll,
	.arm = arm,
	.disarm = disarm,
	.due = due,
};

int blk_poller_open(struct blk_poller **out, unsigned int worker, struct blk_uring *uring,
		    uint64_t second, int attention_fd)
{
	struct blk_poller *poller = calloc(1, sizeof(*poller));

	if (!poller)
		return -ENOMEM;
	poller->pollable.ops = &ops;
	poller->worker = worker;
	poller->uring = uring;
	poller->second = second;
	poller->attention_fd = attention_fd;
	*out = poller;
	return 0;
}

void blk_poller_close(struct blk_poller *poller)
{
	free(poller);
}

struct pollable *blk_poller_pollable(struct blk_poller *poller)
{
	return &poller->pollable;
}

struct blk_list *blk_poller_exchange(struct blk_poller *poller, struct blk_list *list)
{
	return __atomic_exchange_n(&poller->list, list, __ATOMIC_ACQ_REL);
}

void blk_poller_leave(struct blk_poller *poller, struct blk_disk *disk)
{
	__atomic_store_n(&poller->leaving, disk, __ATOMIC_RELEASE);
}

bool blk_poller_has_left(const struct blk_poller *poller)
{
	return !__atomic_load_n(&poller->leaving, __ATOMIC_ACQUIRE);
}
