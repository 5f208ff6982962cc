// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/port/registry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "base/clock.h"
#include "vhost-user/port/balance.h"
#include "vhost-user/port/lending.h"
#include "vhost-user/port/member.h"
#include "vhost-user/port/steering.h"
#include "vhost-user/port/view.h"
#include "vhost-user/switch/forwarder.h"

/* Microseconds of looking after rings at once, and until one comes back: a fifth of the time. */
#define ATTENTION 10000
#define ATTENTION_EACH 5

/* Milliseconds that an iovd which ends waits for what disks have under way. */
#define END_MS 5000

int registry_check_name(struct iov *iov, const char *what, const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";
	size_t length = strlen(name);

	if (!length || length > PORT_NAME_MAX || strspn(name, allowed) != length)
		return iov_fail(iov, -EINVAL, "%s name '%.80s': expected 1 to %d letters, digits, "
				"dots, underscores and dashes", what, name, PORT_NAME_MAX);
	return 0;
}

/* Empty views, so that rings can go away whatever memory there is. */
static int make_spares(struct registry *registry)
{
	for (unsigned int i = 0; i < registry->worker_count; i++) {
		if (!registry->spares[i])
			registry->spares[i] = calloc(1, sizeof(*registry->spares[i]));
		if (!registry->spares[i])
			return -ENOMEM;
	}
	return 0;
}

static void publish(struct registry *registry, struct dp_view **views)
{
	for (unsigned int i = 0; i < registry->worker_count; i++)
		views[i] = forwarder_exchange(registry->forwarders[i], views[i]);
	workers_synchronize(registry->workers);
	for (unsigned int i = 0; i < registry->worker_count; i++)
		view_free(views[i]);
}

static void publish_nothing(struct registry *registry)
{
	struct dp_view *views[WORKERS_MAX];

	if (!registry->spares[registry->worker_count - 1])
		return;
	memcpy(views, registry->spares, sizeof(views));
	memset(registry->spares, 0, sizeof(registry->spares));
	publish(registry, views);
}

void registry_publish(struct registry *registry)
{
	struct dp_view *views[WORKERS_MAX];
	unsigned int count = 0;

	while (count < registry->worker_count && !view_build(&views[count], registry, count))
		count++;
	if (count == registry->worker_count) {
		publish(registry, views);
		steering_apply(registry);
	} else {
		/* Rings must go away when they have to: better no traffic than no stop. */
		iov_log(registry->iov, LOG_ERR, "out of memory: traffic stops");
		while (count)
			view_free(views[--count]);
		publish_nothing(registry);
	}
	make_spares(registry);
}

/* Any worker would do. */
int registry_inject(struct registry *registry, uint32_t port, const uint8_t *bytes, uint32_t length)
{
	int error = forwarder_inject(registry->forwarders[0], port, bytes, length);

	if (!error)
		workers_wake(registry->workers);
	return error;
}

/* The network of each worker, which gets it when all are there. */
static int open_forwarders(struct registry *registry)
{
	int error = 0;

	for (unsigned int i = 0; i < registry->worker_count && !error; i++)
		error = forwarder_open(&registry->forwarders[i],
				       workers_attention_fd(registry->workers));
	return error;
}

static void add_forwarders(struct registry *registry)
{
	for (unsigned int i = 0; i < registry->worker_count; i++)
		workers_add(registry->workers, i, forwarder_pollable(registry->forwarders[i]));
}

static void remove_forwarders(struct registry *registry)
{
	for (unsigned int i = 0; i < registry->worker_count; i++)
		workers_remove(registry->workers, i, forwarder_pollable(registry->forwarders[i]));
}

static void close_forwarders(struct registry *registry)
{
	for (unsigned int i = 0; i < registry->worker_count; i++) {
		free(registry->spares[i]);
		forwarder_close(registry->forwarders[i]);
	}
}

static int on_attention_again(sd_event_source *source, uint64_t usec, void *data)
{
	struct registry *registry = data;

	(void)source;
	(void)usec;
	sd_event_source_set_enabled(registry->attention, SD_EVENT_ON);
	return 0;
}

/* A guest that has its rings looked at all the time does not keep the control thread from others. */
static void spend_attention(struct registry *registry, uint64_t work)
{
	const double now = (double)monotonic_us();
	uint64_t wait;

	token_bucket_take(&registry->attention_work, now, (double)(work + 1) * ATTENTION_EACH);
	wait = (uint64_t)token_bucket_wait(&registry->attention_work, now,
					   (ATTENTION - 1.0) * ATTENTION_EACH);
	if (!wait)
		return;
	sd_event_source_set_enabled(registry->attention, SD_EVENT_OFF);
	sd_event_source_set_time_relative(registry->attention_again, wait);
	sd_event_source_set_enabled(registry->attention_again, SD_EVENT_ONESHOT);
}

static int on_attention(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct registry *registry = data;
	struct port *port;
	const uint64_t before = thread_us();
	uint64_t count;

	(void)source;
	(void)events;
	if (read(fd, &count, sizeof(count)) < 0)
		return 0;
	TAILQ_FOREACH(port, &registry->ports, link) {
		if (port->type->attend)
			port->type->attend(port);
		front_end_attend(port);
	}
	lending_check(registry);
	spend_attention(registry, thread_us() - before);
	return 0;
}

static int watch_attention(struct registry *registry)
{
	int error = sd_event_add_io(registry->event, &registry->attention,
				    workers_attention_fd(registry->workers), EPOLLIN, on_attention,
				    registry);

	if (error >= 0)
		error = sd_event_add_time_relative(registry->event, &registry->attention_again,
						   CLOCK_MONOTONIC, 0, 0, on_attention_again,
						   registry);
	if (error >= 0)
		error = sd_event_source_set_enabled(registry->attention_again, SD_EVENT_OFF);
	return error;
}

static void forget_attention(struct registry *registry)
{
	sd_event_source_disable_unref(registry->attention);
	sd_event_source_disable_unref(registry->attention_again);
}

int registry_open(struct registry **out, struct iov *iov, sd_event *event, struct workers *workers,
		  struct positions *positions)
{
	struct registry *registry = calloc(1, sizeof(*registry));
	int error;

	if (!registry)
		return -ENOMEM;
	registry->iov = iov;
	registry->event = event;
	registry->workers = workers;
	registry->worker_count = workers_count(workers);
	registry->positions = positions;
	TAILQ_INIT(&registry->ports);
	TAILQ_INIT(&registry->bridges);
	TAILQ_INIT(&registry->qos);
	error = make_spares(registry);
	if (!error)
		error = open_forwarders(registry);
	if (!error)
		error = watch_attention(registry);
	if (error >= 0)
		error = balance_open(&registry->balance, registry);
	if (error < 0) {
		close_forwarders(registry);
		forget_attention(registry);
		free(registry);
		return iov_told(iov, error, "the event loop fails: %s", strerror(-error));
	}
	add_forwarders(registry);
	*out = registry;
	return 0;
}

static void port_free(struct port *port)
{
	port->type->close(port);
	member_close(port);
	free(port->loads);
	free(port);
}

/* Takes the port out of the worker's sight first. */
static void port_drop(struct registry *registry, struct port *port)
{
	TAILQ_REMOVE(&registry->ports, port, link);
	registry_publish(registry);
	bridge_forget(port);
	port_free(port);
}

static bool can_give_up(const struct port *port)
{
	return !port->type->can_give_up || port->type->can_give_up(port);
}

/* All at the same time; whether closing them waits for no medium. */
static bool end_front_ends(struct registry *registry)
{
	struct port *port;
	bool ended = true;

	TAILQ_FOREACH(port, &registry->ports, link) {
		if (port->type->attend)
			port->type->attend(port);
		ended &= front_end_end(port) || can_give_up(port);
	}
	return ended;
}

/*
 * What a disk was asked for is given back first, as not every front end knows what is in flight.  A
 * medium that does not answer is not waited for: what it has is in memory that the kernel keeps
 * until then, and the next iovd finds it in flight, as after a kill.
 */
static void end_ports(struct registry *registry)
{
	const uint64_t end = monotonic_ms() + END_MS;
	const struct timespec pause = { .tv_nsec = 500000 };
	struct port *port, *next;

	while (!end_front_ends(registry) && monotonic_ms() < end)
		nanosleep(&pause, NULL);
	for (port = TAILQ_FIRST(&registry->ports); port; port = next) {
		next = TAILQ_NEXT(port, link);
		if (!registry->leave || can_give_up(port) || front_end_end(port))
			port_drop(registry, port);
	}
	TAILQ_FOREACH(port, &registry->ports, link)
		iov_log_with(registry->iov, LOG_ERR, PORT_FIELDS(port->name),
			     "%s: its medium has not answered for %d s; iovd ends "
			"without what it was asked for, which the next iovd finds in flight",
			port->name, END_MS / 1000);
	if (!TAILQ_EMPTY(&registry->ports))
		registry->leave();
}

void registry_close(struct registry *registry)
{
	if (!registry)
		return;
	end_ports(registry);
	while (!TAILQ_EMPTY(&registry->bridges))
		bridge_close(registry, TAILQ_FIRST(&registry->bridges));
	while (!TAILQ_EMPTY(&registry->qos))
		qos_close(registry, TAILQ_FIRST(&registry->qos));
	publish_nothing(registry);
	remove_forwarders(registry);
	close_forwarders(registry);
	lending_close(registry);
	balance_close(registry->balance);
	forget_attention(registry);
	free(registry);
}

int port_find(struct registry *registry, const char *name, struct port **out)
{
	struct port *port;

	TAILQ_FOREACH(port, &registry->ports, link) {
		if (port->member && !strcmp(port->name, name)) {
			*out = port;
			return 0;
		}
	}
	return iov_fail(registry->iov, -ENOENT, "%s: no such port; see 'iov port list'", name);
}

/* A free slot under a generation of its own, so that no identity comes twice. */
static int new_id(struct registry *registry, uint32_t *id)
{
	bool taken[DP_PORTS_MAX] = { true };
	struct port *port;

	TAILQ_FOREACH(port, &registry->ports, link)
		taken[DP_SLOT(port->id)] = true;
	for (uint32_t slot = 1; slot < DP_PORTS_MAX; slot++) {
		if (!taken[slot]) {
			*id = registry->generation++ * DP_PORTS_MAX + slot;
			return 0;
		}
	}
	return iov_fail(registry->iov, -ENOSPC, "%d ports are the most; remove one first",
			DP_PORTS_MAX - 1);
}

static int check_new(struct registry *registry, const struct port_options *options)
{
	struct port *port = NULL;
	int error = registry_check_name(registry->iov, "port", options->name);

	if (error)
		return error;
	TAILQ_FOREACH(port, &registry->ports, link) {
		if (!strcmp(port->name, options->name))
			return iov_fail(registry->iov, -EEXIST, "%s: there is such a port or disk already; "
					"remove it first or take another name", options->name);
		if (options->socket && port->front_end.socket &&
		    !strcmp(port->front_end.socket, options->socket))
			return iov_fail(registry->iov, -EEXIST, "%s: is the socket of %s already",
					options->socket, port->name);
	}
	return 0;
}

static int port_new(struct port **out, struct registry *registry, const char *name,
		    const struct port_type *type)
{
	const size_t size = PORT_RINGS_MAX * sizeof(struct ring_load);
	struct port *port = calloc(1, type->size);
	int error;

	if (!port)
		return -ENOMEM;
	strcpy(port->name, name);
	port->registry = registry;
	port->type = type;
	port->node = -1;
	port->loads = aligned_alloc(_Alignof(struct ring_load), size);
	error = port->loads ? new_id(registry, &port->id) : -ENOMEM;
	if (!error)
		memset(port->loads, 0, size);
	if (!error && type->member)
		error = member_open(port);
	if (error) {
		port_free(port);
		return error;
	}
	*out = port;
	return 0;
}

/* A port that no worker sees and nobody else finds. */
static int port_make(struct registry *registry, const struct port_options *options,
		     struct port **out)
{
	const struct port_type *type = NULL;
	struct port *port = NULL;
	int error = port_type_find(&type, registry->iov, options);

	if (!error)
		error = check_new(registry, options);
	if (!error)
		error = port_new(&port, registry, options->name, type);
	if (error)
		return error;
	if (options->bridge)
		error = bridge_join(registry, options->bridge, port);
	if (!error && options->rules)
		error = member_set_rules(port, options->rules);
	if (error) {
		port_free(port);
		return error;
	}
	*out = port;
	return 0;
}

int port_rehearse(struct registry *registry, const struct port_options *options)
{
	struct port *port = NULL;
	int error = port_make(registry, options, &port);

	if (error)
		return error;
	error = port->type->rehearse(port, options);
	port_free(port);
	return error;
}

int port_add(struct registry *registry, const struct port_options *options, struct port **out)
{
	struct port *port = NULL;
	int error = port_make(registry, options, &port);

	if (error)
		return error;
	TAILQ_INSERT_TAIL(&registry->ports, port, link);
	error = port->type->open(port, options);
	if (error) {
		port_drop(registry, port);
		return error;
	}
	registry_publish(registry);
	*out = port;
	return 0;
}

void port_remove(struct registry *registry, struct port *port)
{
	char name[PORT_NAME_MAX + 1];

	strcpy(name, port->name);
	port_drop(registry, port);
	positions_forget(registry->positions, name);
}
