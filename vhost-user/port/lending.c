// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/port/lending.h"

#include <stdlib.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "vhost-user/port/registry.h"
#include "vhost-user/switch/loan.h"

/* Microseconds between looks at a device that has something, and how many there are. */
#define LOOK_US 100
#define LOOKS 200

/* Microseconds for which a device gets copies after it was stuck. */
#define PAUSE_US (UINT64_C(10) * 1000000)

static bool has_lending(const struct registry *registry, enum uplink_lending least)
{
	const struct port *port;

	TAILQ_FOREACH(port, &registry->ports, link)
		if (uplink_of(port) && uplink_lending(uplink_of(port)) >= least)
			return true;
	return false;
}

static void unmap(struct loan_memory *memory)
{
	for (size_t i = 0; i < memory->count; i++)
		uplink_unmap(memory->ranges[i].start, memory->ranges[i].size);
	free(memory);
}

/* What is mapped may go on behind the end of the file. */
static struct loan_range whole_pages(const struct guest_region *region)
{
	size_t mask = (size_t)sysconf(_SC_PAGESIZE) - 1, lead = (uintptr_t)region->host & mask;

	return (struct loan_range){ region->host - lead, (lead + region->size + mask) & ~mask };
}

/* All regions or none. */
static struct loan_memory *map(struct net_port *net, const struct guest_memory *memory)
{
	struct iov *iov = net->port.registry->iov;
	struct loan_memory *mapped =
		calloc(1, sizeof(*mapped) + memory->count * sizeof(mapped->ranges[0]));

	if (!mapped)
		return NULL;
	for (size_t i = 0; i < memory->count; i++) {
		struct loan_range range = whole_pages(&memory->regions[i]);

		if (uplink_map(iov, range.start, range.size)) {
			iov_log_with(iov, LOG_WARNING, PORT_FIELDS(net->port.name),
				     "%s: what the guest sends is copied: %s",
				net->port.name, iov_error_message(iov));
			unmap(mapped);
			return NULL;
		}
		mapped->ranges[mapped->count++] = range;
	}
	return mapped;
}

/*
 * A ring that is translated has addresses that are no longer true a moment later.  A lane has its
 * rings, settled or not, because memory may be missing, and who maps that waits until it is there.
 */
static bool may_lend(const struct net_port *net, const struct vu_queue *queue)
{
	return queue && net_ring_sends(queue->index) && !net->lane && !queue->unsettled &&
	       !queue->setup.iotlb;
}

static void begin(struct net_port *net, struct vu_queue *queue)
{
	struct dp_ring *ring = dp_ring_of(queue);
	struct loans *loans = ring->loans;

	if (!net->lent && has_lending(net->port.registry, UPLINK_READS_LATER))
		net->lent = map(net, queue->setup.memory);
	if (!loans)
		loans = loans_open(net->lent);
	if (!loans)
		return;
	/* Pair with the loads of the worker, which may have the ring already. */
	__atomic_store_n(&loans->memory, net->lent, __ATOMIC_RELEASE);
	__atomic_store_n(&ring->loans, loans, __ATOMIC_RELEASE);
}

void lending_start(struct net_port *net, struct vu_queue *queue)
{
	if (may_lend(net, queue) && has_lending(net->port.registry, UPLINK_READS_AT_ONCE))
		begin(net, queue);
}

void lending_uplink_comes(struct uplink_port *up)
{
	struct port *port;

	if (uplink_lending(up->uplink) == UPLINK_COPIES)
		return;
	TAILQ_FOREACH(port, &up->port.registry->ports, link)
		for (unsigned int i = 0; net_port_of(port) && i < port->queue_end; i++)
			if (may_lend(net_port_of(port), port->queues[i]))
				begin(net_port_of(port), port->queues[i]);
}

/* Those of a ring that may not run; NULL when it does not, or lends nothing. */
static struct loans *loans_at(const struct port *port, unsigned int index)
{
	return port->queues[index] ? dp_ring_of(port->queues[index])->loans : NULL;
}

/* Rings lend no more to devices that read later; none of these is in a view. */
static void unreach(struct net_port *net)
{
	for (unsigned int i = 0; i < net->port.queue_end; i++)
		if (loans_at(&net->port, i))
			__atomic_store_n(&loans_at(&net->port, i)->memory, NULL, __ATOMIC_RELEASE);
}

static void give_up_memory(struct net_port *net)
{
	if (net->lent)
		unmap(net->lent);
	net->lent = NULL;
}

void lending_uplink_goes(struct uplink_port *up)
{
	struct registry *registry = up->port.registry;
	struct port *port;

	if (!up->uplink || uplink_lending(up->uplink) != UPLINK_READS_LATER)
		return;
	uplink_stop(up->uplink);
	if (has_lending(registry, UPLINK_READS_LATER))
		return;
	TAILQ_FOREACH(port, &registry->ports, link)
		if (net_port_of(port))
			unreach(net_port_of(port));
	workers_synchronize(registry->workers);
	TAILQ_FOREACH(port, &registry->ports, link)
		if (net_port_of(port))
			give_up_memory(net_port_of(port));
}

static void reap_all(struct registry *registry)
{
	struct port *port;

	TAILQ_FOREACH(port, &registry->ports, link)
		if (uplink_of(port))
			uplink_reap(uplink_of(port));
}

static int on_pause_over(sd_event_source *source, uint64_t usec, void *arg)
{
	struct registry *registry = arg;
	struct port *port;

	(void)source;
	(void)usec;
	TAILQ_FOREACH(port, &registry->ports, link)
		if (uplink_of(port))
			uplink_pause_lending(uplink_of(port), false);
	registry->lending_pause = sd_event_source_disable_unref(registry->lending_pause);
	return 0;
}

/* Without a timer they get copies from now on. */
static void pause_for_a_while(struct registry *registry)
{
	registry->lending_pause = sd_event_source_disable_unref(registry->lending_pause);
	sd_event_add_time_relative(registry->event, &registry->lending_pause, CLOCK_MONOTONIC,
				   PAUSE_US, 0, on_pause_over, registry);
}

static void restart(struct uplink_port *up)
{
	struct iov *iov = up->port.registry->iov;

	uplink_stop(up->uplink);
	uplink_pause_lending(up->uplink, true);
	if (uplink_restart(up->uplink))
		iov_log_with(iov, LOG_ERR, PORT_FIELDS(up->port.name),
			     "%s: the device does not start again; remove the port and add "
			"it again", up->port.name);
	else
		iov_log_with(iov, LOG_WARNING, PORT_FIELDS(up->port.name),
			     "%s: a device kept frames of a guest for too long, and this "
			"one was restarted; is its link down?", up->port.name);
}

/* Stop the devices that read later, out of the sight of all workers. */
static void recall(struct registry *registry)
{
	struct uplink_port *up;
	struct port *port;

	TAILQ_FOREACH(port, &registry->ports, link) {
		up = uplink_port_of(port);
		if (up && up->uplink)
			up->is_hidden = uplink_lending(up->uplink) == UPLINK_READS_LATER;
	}
	registry_publish(registry);
	TAILQ_FOREACH(port, &registry->ports, link) {
		up = uplink_port_of(port);
		if (!up || !up->is_hidden)
			continue;
		restart(up);
		up->is_hidden = false;
	}
	registry_publish(registry);
	pause_for_a_while(registry);
}

/* Give back what is back; whether that is all. */
static bool settle(struct vu_queue *queue)
{
	static struct virtq_batch batch;

	struct dp_ring *ring = dp_ring_of(queue);

	while (loans_settle(ring->loans, &queue->ring, &batch, 0))
		ring->call_owed |= virtq_publish(&queue->ring);
	return !loans_waiting(ring->loans);
}

static void take_back(struct net_port *net, struct vu_queue *queue)
{
	for (unsigned int i = 0; i < LOOKS && !settle(queue); i++) {
		usleep(LOOK_US);
		reap_all(net->port.registry);
	}
	if (settle(queue))
		return;
	recall(net->port.registry);
	if (!settle(queue))
		iov_log_with(net->port.registry->iov, LOG_CRIT, PORT_FIELDS(net->port.name),
			     "%s: vring %u: a device keeps %u chains, "
			"which the guest does not get back", net->port.name, queue->index,
			loans_waiting(dp_ring_of(queue)->loans));
}

static bool lends(const struct net_port *net)
{
	for (unsigned int i = 0; i < net->port.queue_end; i++)
		if (loans_at(&net->port, i))
			return true;
	return false;
}

void lending_stop(struct net_port *net, struct vu_queue *queue)
{
	struct dp_ring *ring = dp_ring_of(queue);

	if (!ring->loans)
		return;
	take_back(net, queue);
	/* Memory of what a device never gave back stays, as it may still be read. */
	if (!loans_waiting(ring->loans))
		free(ring->loans);
	ring->loans = NULL;
	if (!lends(net))
		give_up_memory(net);
}

/* Whether a ring is stuck; with @forget none is any more. */
static bool any_stuck(struct registry *registry, bool forget)
{
	bool is_stuck = false;
	struct port *port;

	TAILQ_FOREACH(port, &registry->ports, link) {
		for (unsigned int i = 0; net_port_of(port) && i < port->queue_end; i++) {
			struct loans *loans = loans_at(port, i);

			if (!loans)
				continue;
			is_stuck |= __atomic_load_n(&loans->is_stuck, __ATOMIC_RELAXED);
			if (forget)
				__atomic_store_n(&loans->is_stuck, false, __ATOMIC_RELAXED);
		}
	}
	return is_stuck;
}

void lending_check(struct registry *registry)
{
	if (!any_stuck(registry, false))
		return;
	recall(registry);
	/* Not before: the worker would say it again. */
	any_stuck(registry, true);
}

void lending_close(struct registry *registry)
{
	registry->lending_pause = sd_event_source_disable_unref(registry->lending_pause);
}
