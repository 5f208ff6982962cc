// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/port/balance.h"

#include <assert.h>
#include <errno.h>
#include <rte_lcore.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "vhost-user/port/registry.h"
#include "vhost-user/switch/datapath.h"
#include "vhost-user/switch/eal.h"

#define PERIOD_USEC 1000000

/* Loads are shares of the time.  A worker below the first keeps what it has. */
#define BUSY 0.5
#define DIFFERENCE 0.2

#define PLACES_MAX (DP_PORTS_MAX * PORT_RINGS_MAX)

/**
 * struct place - where a share comes from
 * @port: port
 * @queue: index of its ring
 */
struct place {
	struct port *port;
	unsigned int queue;
};

/**
 * struct balance - see balance.h
 * @busy_ns: of each worker at the last look
 * @load: of each worker in the last period
 * @seen: cycles that each port's rings had cost at the last look
 */
struct balance {
	struct registry *registry;
	sd_event_source *timer;
	uint64_t busy_ns[WORKERS_MAX];
	double load[WORKERS_MAX];
	uint64_t seen[DP_PORTS_MAX][PORT_RINGS_MAX];
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

/* Those where the memory of a guest is. */
static uint64_t near_workers(const struct registry *registry, int node)
{
	uint64_t mask = 0;

	for (unsigned int i = 0; i < registry->worker_count; i++)
		if (rte_lcore_to_socket_id(EAL_WORKER_LCORE(i)) == (unsigned int)node)
			mask |= UINT64_C(1) << i;
	return mask;
}

/* Who may take from a port; a list that names no worker any more is as good as none. */
static uint64_t allowed_workers(const struct port *port)
{
	uint64_t mask;

	if (port->cpus)
		mask = find_workers(port->registry, port->cpus);
	else
		mask = near_workers(port->registry, port->node);
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

/* The next one of them all, after @place; the first one after { NULL }. */
static bool next_place(const struct registry *registry, struct place *place)
{
	do {
		if (!place->port)
			*place = (struct place){ TAILQ_FIRST(&registry->ports), 0 };
		else if (++place->queue == PORT_RINGS_MAX)
			*place = (struct place){ TAILQ_NEXT(place->port, link), 0 };
	} while (place->port && !place->port->type->is_source(place->port, place->queue));
	return place->port;
}

static unsigned int worker_of(const struct place *place)
{
	return place->port->workers[place->queue];
}

unsigned int balance_choose(const struct port *port)
{
	unsigned int counts[WORKERS_MAX + 1] = { 0 }, choice = WORKER_NONE;
	const uint64_t allowed = allowed_workers(port);
	struct place place = { NULL };

	while (next_place(port->registry, &place))
		counts[worker_of(&place)]++;
	for (unsigned int i = 0; i < port->registry->worker_count; i++)
		if (allowed >> i & 1 && (choice == WORKER_NONE || counts[i] < counts[choice]))
			choice = i;
	return choice;
}

void balance_attach_all(struct port *port, unsigned int count)
{
	memset(port->workers, WORKER_NONE, count);
	for (unsigned int i = 0; i < count; i++)
		port->workers[i] = (uint8_t)balance_choose(port);
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

/* What it cost since the last look; a new port counts from zero. */
static uint64_t measure_share(struct balance *balance, const struct place *place)
{
	const struct port *port = place->port;
	uint64_t *seen = &balance->seen[DP_SLOT(port->id)][place->queue], before = *seen;
	uint64_t now = __atomic_load_n(&port->loads[place->queue].cycles, __ATOMIC_RELAXED);

	*seen = now;
	return now < before ? now : now - before;
}

/* The share of @from that makes it and @to most equal, or -1 when none does. */
static int best_share(const double *loads, const struct balance_share *shares, unsigned int count,
		      unsigned int from, unsigned int to)
{
	double difference = loads[from] - loads[to], best = difference;
	uint64_t all = 0;
	int choice = -1;

	for (unsigned int i = 0; i < count; i++)
		all += shares[i].worker == from ? shares[i].cycles : 0;
	for (unsigned int i = 0; i < count && all; i++) {
		double load = loads[from] * (double)shares[i].cycles / (double)all, left;

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

static void move(const struct place *place, unsigned int to)
{
	struct port *port = place->port;
	uint8_t *worker = &port->workers[place->queue], from = *worker;

	if (port->type->move) {
		port->type->move(port, place->queue, to);
		return;
	}
	*worker = WORKER_NONE;
	registry_publish(port->registry);
	*worker = from;
	if (port->queues[place->queue]) {
		balance_detach(port, port->queues[place->queue]);
		balance_attach(port, port->queues[place->queue], to);
	}
	*worker = (uint8_t)to;
	registry_publish(port->registry);
	iov_log_with(port->registry->iov, LOG_INFO, PORT_FIELDS(port->name),
		     "%s: worker %u takes what it sends, which worker %u "
		"took before", port->name, to, from);
}

void balance_apply(struct port *port)
{
	struct place place = { NULL };

	while (next_place(port->registry, &place))
		if (place.port == port && !may_take(port, worker_of(&place)))
			move(&place, balance_choose(port));
}

static void balance_now(struct balance *balance)
{
	static struct place places[PLACES_MAX];
	static struct balance_share shares[PLACES_MAX];
	const struct registry *registry = balance->registry;
	struct place place = { NULL };
	unsigned int count = 0, to;
	int choice;

	while (next_place(registry, &place)) {
		places[count] = place;
		shares[count++] = (struct balance_share){
			.worker = worker_of(&place),
			.allowed = allowed_workers(place.port),
			.cycles = measure_share(balance, &place),
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
