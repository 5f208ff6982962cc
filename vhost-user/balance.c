// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/balance.h"

#include <errno.h>
#include <stdlib.h>
#include <syslog.h>

#include "vhost-user/eal.h"

#define PERIOD_USEC 1000000

/* Loads are shares of the time.  A worker below the first keeps what it has. */
#define BUSY 0.5
#define DIFFERENCE 0.2

#define PLACES_MAX (DP_PORTS_MAX * (NET_VRINGS / 2 + 1))

/**
 * struct place - where a share comes from
 * @port: port
 * @ring: ring that its guest sends by; NET_VRINGS for an uplink
 */
struct place {
	struct port *port;
	unsigned int ring;
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

/* A bit for each worker. */
static uint64_t all_workers(const struct registry *registry)
{
	return UINT64_MAX >> (64 - registry->worker_count);
}

/* Those on one of these CPUs; all when there is no list. */
static uint64_t find_workers(const struct registry *registry, const char *cpus)
{
	uint64_t mask = 0;
	cpu_set_t set;

	if (!cpus || eal_parse_cpus(cpus, &set))
		return all_workers(registry);
	for (unsigned int i = 0; i < registry->worker_count; i++)
		if (CPU_ISSET(worker_stats(registry->workers, i).cpu, &set))
			mask |= UINT64_C(1) << i;
	return mask;
}

/* Who may take from a port; a list that names no worker any more is as good as none. */
static uint64_t allowed_workers(const struct port *port)
{
	uint64_t mask = find_workers(port->registry, port->rules.cpus);

	return mask ? mask : all_workers(port->registry);
}

static bool may_take(const struct port *port, unsigned int worker)
{
	return allowed_workers(port) >> worker & 1;
}

int balance_check_cpus(const struct registry *registry, const char *port, const char *cpus)
{
	if (find_workers(registry, cpus))
		return 0;
	return iov_fail(registry->iov, -EINVAL, "%s: cpus %.64s: there is no worker; see 'iov top' for "
			"where they are, and 'iovd --workers'", port, cpus);
}

static void count_shares(const struct registry *registry, unsigned int counts[WORKERS_MAX + 1])
{
	const struct port *port;

	TAILQ_FOREACH(port, &registry->ports, link) {
		if (port->uplink)
			counts[port->worker]++;
		for (unsigned int i = 1; i < port->queue_end; i += 2)
			if (port->queues[i])
				counts[port->workers[i]]++;
	}
}

unsigned int balance_choose(const struct port *port)
{
	unsigned int counts[WORKERS_MAX + 1] = { 0 }, choice = WORKER_NONE;
	const uint64_t allowed = allowed_workers(port);

	count_shares(port->registry, counts);
	for (unsigned int i = 0; i < port->registry->worker_count; i++)
		if (allowed >> i & 1 && (choice == WORKER_NONE || counts[i] < counts[choice]))
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

static unsigned int worker_of(const struct place *place)
{
	return place->ring == NET_VRINGS ? place->port->worker : place->port->workers[place->ring];
}

/* What all workers take from, of which there are @max at most. */
static unsigned int list_places(const struct registry *registry, struct place *places,
				unsigned int max)
{
	struct port *port;
	unsigned int count = 0;

	TAILQ_FOREACH(port, &registry->ports, link) {
		if (port->uplink && count < max)
			places[count++] = (struct place){ port, NET_VRINGS };
		for (unsigned int i = 1; i < port->queue_end && count < max; i += 2)
			if (port->queues[i] && !port->lane)
				places[count++] = (struct place){ port, i };
	}
	return count;
}

/* The share of @from that makes it and @to most equal, or -1 when none does. */
static int best_share(const double *loads, const struct balance_share *shares, unsigned int count,
		      unsigned int from, unsigned int to)
{
	double difference = loads[from] - loads[to], best = difference;
	uint64_t all = 0;
	int choice = -1;

	for (unsigned int i = 0; i < count; i++)
		all += shares[i].worker == from ? shares[i].frames : 0;
	for (unsigned int i = 0; i < count && all; i++) {
		double load = loads[from] * (double)shares[i].frames / (double)all, left;

		if (shares[i].worker != from || !(shares[i].allowed >> to & 1))
			continue;
		left = difference > 2 * load ? difference - 2 * load : 2 * load - difference;
		if (left < best - DIFFERENCE / 2) {
			best = left;
			choice = (int)i;
		}
	}
	return choice;
}

int balance_decide(const double *loads, unsigned int workers, const struct balance_share *shares,
		   unsigned int count, unsigned int *to)
{
	unsigned int most = 0;

	*to = 0;
	for (unsigned int i = 1; i < workers; i++) {
		most = loads[i] > loads[most] ? i : most;
		*to = loads[i] < loads[*to] ? i : *to;
	}
	if (loads[most] < BUSY || loads[most] - loads[*to] < DIFFERENCE)
		return -1;
	return best_share(loads, shares, count, most, *to);
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

static void move(const struct place *place, unsigned int to)
{
	struct port *port = place->port;
	unsigned int from = worker_of(place);

	if (place->ring == NET_VRINGS) {
		port->worker = WORKER_NONE;
		registry_publish(port->registry);
		port->worker = (uint8_t)to;
		registry_publish(port->registry);
	} else {
		move_ring(port, port->queues[place->ring], to);
	}
	iov_log(port->registry->iov, LOG_INFO, "%s: worker %u takes what it sends, which worker %u "
		"took before", port->name, to, from);
}

void balance_apply(struct port *port)
{
	if (port->uplink && !may_take(port, port->worker))
		move(&(struct place){ port, NET_VRINGS }, balance_choose(port));
	for (unsigned int i = 1; i < port->queue_end; i += 2)
		if (port->queues[i] && !port->lane && !may_take(port, port->workers[i]))
			move(&(struct place){ port, i }, balance_choose(port));
}

static void balance_now(struct balance *balance)
{
	static struct place places[PLACES_MAX];
	static struct balance_share shares[PLACES_MAX];
	const struct registry *registry = balance->registry;
	unsigned int count = list_places(registry, places, PLACES_MAX), to;
	int choice;

	for (unsigned int i = 0; i < count; i++) {
		const struct port *port = places[i].port;

		shares[i] = (struct balance_share){
			.worker = worker_of(&places[i]),
			.allowed = allowed_workers(port),
			.frames = count_frames(balance, port, places[i].ring),
		};
	}
	choice = balance_decide(balance->load, registry->worker_count, shares, count, &to);
	if (choice >= 0)
		move(&places[choice], to);
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
