// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/balance.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define PERIOD_USEC 1000000

/* Loads are shares of the time.  A worker below the first keeps what it has. */
#define BUSY 0.5
#define DIFFERENCE 0.2

/**
 * struct share - what is taken from, and how much of that there is
 * @port: port
 * @ring: ring that its guest sends by; NET_VRINGS for an uplink
 * @frames: how many came in the last period
 */
struct share {
	struct port *port;
	unsigned int ring;
	uint64_t frames;
};

/**
 * struct balance - see balance.h
 * @busy_ns: of each worker at the last look
 * @load: of each worker in the last period
 * @seen: frames of each port's rings, and last of its uplink, at the last look
 */
struct balance {
	struct registry *registry;
	sd_event_source *timer;
	uint64_t busy_ns[WORKERS_MAX];
	double load[WORKERS_MAX];
	uint64_t seen[DP_PORTS_MAX][NET_VRINGS + 1];
};

unsigned int balance_choose(const struct registry *registry)
{
	unsigned int counts[WORKERS_MAX + 1] = { 0 }, choice = 0;
	const struct port *port;

	TAILQ_FOREACH(port, &registry->ports, link) {
		if (port->uplink)
			counts[port->worker]++;
		for (unsigned int i = 1; i < port->queue_end; i += 2)
			if (port->queues[i])
				counts[port->workers[i]]++;
	}
	for (unsigned int i = 1; i < registry->worker_count; i++)
		if (counts[i] < counts[choice])
			choice = i;
	return choice;
}

void balance_attach(struct port *port, const struct vu_queue *queue, unsigned int worker)
{
	port->workers[queue->index] = (uint8_t)worker;
	port->polled[queue->index] =
		!queue->is_told &&
		(queue->kick_fd < 0 ||
		 !worker_watch(port->registry->workers, worker, queue->kick_fd));
}

void balance_detach(struct port *port, const struct vu_queue *queue)
{
	if (!queue->is_told && !port->polled[queue->index])
		worker_unwatch(port->registry->workers, port->workers[queue->index], queue->kick_fd);
	port->polled[queue->index] = false;
	port->workers[queue->index] = WORKER_NONE;
}

static void measure_loads(struct balance *balance)
{
	for (unsigned int i = 0; i < balance->registry->worker_count; i++) {
		uint64_t busy_ns = worker_stats(balance->registry->workers, i).busy_ns;

		balance->load[i] = (double)(busy_ns - balance->busy_ns[i]) / (PERIOD_USEC * 1e3);
		balance->busy_ns[i] = busy_ns;
	}
}

/* Frames since the last look; a ring that began anew counts from zero. */
static uint64_t count_frames(struct balance *balance, const struct port *port, unsigned int ring)
{
	uint64_t *seen = &balance->seen[DP_SLOT(port->id)][ring], now, before = *seen;

	if (ring == NET_VRINGS)
		now = port_counted(port).rx_packets;
	else
		now = __atomic_load_n(&port->queues[ring]->frames, __ATOMIC_RELAXED);
	*seen = now;
	return now < before ? now : now - before;
}

static unsigned int worker_of(const struct share *share)
{
	return share->ring == NET_VRINGS ? share->port->worker : share->port->workers[share->ring];
}

/* What all workers take from, of which there are @max at most. */
static unsigned int list_shares(struct balance *balance, struct share *shares, unsigned int max)
{
	struct port *port;
	unsigned int count = 0;

	TAILQ_FOREACH(port, &balance->registry->ports, link) {
		if (port->uplink && count < max)
			shares[count++] = (struct share){ port, NET_VRINGS, 0 };
		for (unsigned int i = 1; i < port->queue_end && count < max; i += 2)
			if (port->queues[i] && !port->lane)
				shares[count++] = (struct share){ port, i, 0 };
	}
	for (unsigned int i = 0; i < count; i++)
		shares[i].frames = count_frames(balance, shares[i].port, shares[i].ring);
	return count;
}

/* The share of @from that makes it and @to most equal; NULL when none does. */
static const struct share *choose_share(const struct balance *balance, const struct share *shares,
					unsigned int count, unsigned int from, unsigned int to)
{
	double difference = balance->load[from] - balance->load[to], best = difference;
	const struct share *choice = NULL;
	uint64_t all = 0;

	for (unsigned int i = 0; i < count; i++)
		all += worker_of(&shares[i]) == from ? shares[i].frames : 0;
	for (unsigned int i = 0; i < count && all; i++) {
		double load = balance->load[from] * (double)shares[i].frames / (double)all, left;

		if (worker_of(&shares[i]) != from)
			continue;
		left = difference - 2 * load;
		left = left < 0 ? -left : left;
		if (left < best - DIFFERENCE / 2) {
			best = left;
			choice = &shares[i];
		}
	}
	return choice;
}

static void move_ring(struct port *port, const struct vu_queue *queue, unsigned int to)
{
	unsigned int from = port->workers[queue->index];

	port->workers[queue->index] = WORKER_NONE;
	registry_publish(port->registry);
	port->workers[queue->index] = (uint8_t)from;
	balance_detach(port, queue);
	balance_attach(port, queue, to);
	registry_publish(port->registry);
}

static void move(const struct share *share, unsigned int to)
{
	struct port *port = share->port;
	unsigned int from = worker_of(share);

	if (share->ring == NET_VRINGS) {
		port->worker = WORKER_NONE;
		registry_publish(port->registry);
		port->worker = (uint8_t)to;
		registry_publish(port->registry);
	} else {
		move_ring(port, port->queues[share->ring], to);
	}
	iov_log(port->registry->iov, LOG_INFO, "%s: worker %u takes what it sends, which worker %u "
		"took before", port->name, to, from);
}

static void balance_now(struct balance *balance)
{
	unsigned int count = balance->registry->worker_count, most = 0, least = 0, shares_max;
	const struct share *choice;
	struct share *shares;

	for (unsigned int i = 1; i < count; i++) {
		most = balance->load[i] > balance->load[most] ? i : most;
		least = balance->load[i] < balance->load[least] ? i : least;
	}
	shares_max = DP_PORTS_MAX * (NET_VRINGS / 2 + 1);
	shares = calloc(shares_max, sizeof(*shares));
	if (!shares)
		return;
	count = list_shares(balance, shares, shares_max);
	if (balance->load[most] >= BUSY &&
	    balance->load[most] - balance->load[least] >= DIFFERENCE) {
		choice = choose_share(balance, shares, count, most, least);
		if (choice)
			move(choice, least);
	}
	free(shares);
}

static int on_time(sd_event_source *source, uint64_t usec, void *data)
{
	struct balance *balance = data;

	(void)usec;
	measure_loads(balance);
	balance_now(balance);
	sd_event_source_set_time_relative(source, PERIOD_USEC);
	sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	return 0;
}

int balance_open(struct balance **out, struct registry *registry)
{
	struct balance *balance;
	int error;

	*out = NULL;
	if (registry->worker_count < 2)
		return 0;
	balance = calloc(1, sizeof(*balance));
	if (!balance)
		return -ENOMEM;
	balance->registry = registry;
	error = sd_event_add_time_relative(registry->event, &balance->timer, CLOCK_MONOTONIC,
					   PERIOD_USEC, 0, on_time, balance);
	if (error < 0) {
		free(balance);
		return error;
	}
	*out = balance;
	return 0;
}

void balance_close(struct balance *balance)
{
	if (!balance)
		return;
	sd_event_source_disable_unref(balance->timer);
	free(balance);
}
