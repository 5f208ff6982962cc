// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/blk/poller.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "vhost-user/counter.h"
#include "vhost-user/cycles.h"
#include "vhost-user/protocol/notify.h"

/**
 * struct blk_poller - see poller.h
 * @worker: number of the worker
 * @list: what it polls; NULL for none
 * @epoll_fd: has the descriptors of channels
 * @leaving: disk whose channel is to be closed; NULL for none
 * @batch: scratch memory
 */
struct blk_poller {
	struct pollable pollable;
	unsigned int worker;
	struct blk_uring *uring;
	uint64_t second;
	int attention_fd;
	int epoll_fd;
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

static int fd_of(const struct blk_channel *channel)
{
	const struct blk_backend_ops *ops = channel->backend->ops;

	return ops->fd ? ops->fd(channel) : -1;
}

/* By its edges, as nobody reads it; one that several channels have may be there already. */
static void open_channel(struct blk_poller *poller, struct blk_disk *disk,
			 struct blk_channel **channel)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };

	if (!disk->backend->ops->channel_open(channel, disk->backend, poller->uring) &&
	    fd_of(*channel) >= 0)
		epoll_ctl(poller->epoll_fd, EPOLL_CTL_ADD, fd_of(*channel), &event);
}

/* The worker's own way to a disk, from the first time on that it is needed. */
static struct blk_channel *channel_of(struct blk_poller *poller, struct blk_disk *disk)
{
	struct blk_channel **channel = &disk->channels[poller->worker];

	if (unlikely(!*channel))
		open_channel(poller, disk, channel);
	return *channel;
}

static void close_channel(struct blk_poller *poller, struct blk_disk *disk)
{
	struct blk_channel **channel = &disk->channels[poller->worker];

	if (*channel && fd_of(*channel) >= 0)
		epoll_ctl(poller->epoll_fd, EPOLL_CTL_DEL, fd_of(*channel), NULL);
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

/* The rings of a disk are side by side, and have one channel. */
static unsigned int look_at_backends(struct blk_poller *poller, struct blk_list *list)
{
	unsigned int count = poller->uring ? blk_uring_poll(poller->uring) : 0;
	const struct blk_disk *before = NULL;

	for (unsigned int i = 0; list && i < list->count; i++) {
		struct blk_disk *disk = blk_queue_disk(list->queues[i].queue);

		if (disk != before && disk->backend->ops->poll && disk->channels[poller->worker])
			count += disk->backend->ops->poll(disk->channels[poller->worker]);
		before = disk;
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
	const struct blk_backend_ops *ops = disk->backend->ops;
	struct blk_channel *channel = disk->channels[poller->worker];

	if (!ops->poll || !channel || !blk_queue_under_way(polled->queue))
		return false;
	return ops->arm ? !ops->arm(channel) : fd_of(channel) < 0;
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

/* Nanoseconds until then, in cycles of the time stamp counter. */
static uint64_t until(const struct blk_poller *poller, uint64_t then)
{
	uint64_t now;

	if (then == UINT64_MAX)
		return then;
	now = cycles_now();
	return then > now ? (uint64_t)((double)(then - now) * 1e9 / (double)poller->second) : 0;
}

/* When what failed is tried again, or a disk that did its share may do more. */
static uint64_t due(struct pollable *pollable)
{
	const struct blk_poller *poller = of(pollable);
	struct blk_list *list = current_list(poller);
	const uint64_t now = monotonic_ns();
	uint64_t retry = UINT64_MAX, first = UINT64_MAX;

	for (unsigned int i = 0; list && i < list->count; i++) {
		uint64_t queue_due = blk_queue_due(list->queues[i].queue);
		uint64_t limited = blk_queue_limited_ns(list->queues[i].queue, now);

		retry = queue_due < retry ? queue_due : retry;
		first = limited < first ? limited : first;
	}
	retry = until(poller, retry);
	return retry < first ? retry : first;
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
	poller->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (poller->epoll_fd < 0) {
		int error = -errno;

		free(poller);
		return error;
	}
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
	if (!poller)
		return;
	close(poller->epoll_fd);
	free(poller);
}

struct pollable *blk_poller_pollable(struct blk_poller *poller)
{
	return &poller->pollable;
}

int blk_poller_fd(const struct blk_poller *poller)
{
	return poller->epoll_fd;
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
