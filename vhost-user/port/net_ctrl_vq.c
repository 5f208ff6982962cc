// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation.  A control queue waits for a kick, or it rests: for a
 * moment after each kick nothing of it is looked at, and then once more.  So
 * whatever a guest does with its queue and a front end with the eventfd, they
 * get the control thread a bounded number of times a second, for a bounded number
 * of commands.  A driver, which sends one command and waits, does not notice.
 *
 * The kick descriptor is never read, as its front end can make reads block.  It is
 * watched edge-triggered by an epoll of its own, which the event loop watches in
 * turn: that can be ignored while the queue rests, and loses no kick.
 */
#include "vhost-user/port/net_ctrl_vq.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <syslog.h>
#include <unistd.h>

#include "vhost-user/net/ctrl_vq.h"
#include "vhost-user/port/net_session.h"
#include "vhost-user/port/registry.h"

/* Commands that are carried out together, and the rest after them, in microseconds. */
#define COMMANDS_AT_ONCE 32
#define REST_USEC 1000

/* A driver that cannot kick is looked at so often. */
#define POLL_USEC 5000

struct net_ctrl_vq {
	struct net_port *net;
	struct vu_queue *queue;
	int epoll_fd;
	bool polled;
	sd_event_source *kicks;
	sd_event_source *timer;
	struct virtq_batch batch;
	uint32_t written[COMMANDS_AT_ONCE];
};

static void answer(struct net_ctrl_vq *control, unsigned int count)
{
	struct virtq *ring = &control->queue->ring;

	for (unsigned int i = 0; i < count; i++) {
		const struct virtq_chain *chain = &control->batch.chains[i];

		if (ring->log)
			virtq_log_written(ring, &control->batch, chain, control->written[i]);
		virtq_push(ring, chain, control->written[i]);
	}
	if (virtq_publish(ring) && vu_queue_call(control->queue))
		eventfd_write(workers_attention_fd(control->net->port.registry->workers), 1);
}

/* Carry out what there is; false for nothing. */
static bool serve(struct net_ctrl_vq *control)
{
	struct net_device *device = &control->net->device;
	const uint64_t done = device->commands;
	unsigned int count;

	virtq_batch_reset(&control->batch);
	count = virtq_take(&control->queue->ring, &control->batch, COMMANDS_AT_ONCE);
	for (unsigned int i = 0; i < count; i++)
		control->written[i] =
			ctrl_vq_run(device, &control->batch, &control->batch.chains[i]);
	if (device->commands != done) {
		registry_publish(control->net->port.registry);
		net_session_pay_calls(control->net);
	}
	if (count)
		answer(control, count);
	return count;
}

static void rest(struct net_ctrl_vq *control)
{
	if (control->kicks)
		sd_event_source_set_enabled(control->kicks, SD_EVENT_OFF);
	sd_event_source_set_time_relative(control->timer, control->polled ? POLL_USEC : REST_USEC);
	sd_event_source_set_enabled(control->timer, SD_EVENT_ONESHOT);
}

/* Ends with the ring's connection, when that is broken, and the control queue with it. */
static void work(struct net_ctrl_vq *control)
{
	struct virtq *ring = &control->queue->ring;
	bool busy = serve(control);

	if (ring->error) {
		/* The translation of a command may come in a moment. */
		if (ring->error == VIRTQ_ERROR_TRANSLATION)
			rest(control);
		front_end_attend(&control->net->port);
		return;
	}
	if (control->polled || busy || virtq_kick_enable(ring)) {
		rest(control);
		return;
	}
	sd_event_source_set_enabled(control->kicks, SD_EVENT_ON);
}

static int on_kick(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct net_ctrl_vq *control = data;
	struct epoll_event event;

	(void)source;
	(void)events;
	epoll_wait(fd, &event, 1, 0);
	virtq_kick_disable(&control->queue->ring);
	serve(control);
	rest(control);
	return 0;
}

static int on_time(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	work(data);
	return 0;
}

static int watch_kicks(struct net_ctrl_vq *control, sd_event *event)
{
	struct epoll_event kick = { .events = EPOLLIN | EPOLLET };

	control->polled = control->queue->kick_fd < 0 ||
			  epoll_ctl(control->epoll_fd, EPOLL_CTL_ADD, control->queue->kick_fd, &kick);
	if (control->polled)
		return 0;
	return sd_event_add_io(event, &control->kicks, control->epoll_fd, EPOLLIN, on_kick, control);
}

static int open_sources(struct net_ctrl_vq *control)
{
	sd_event *event = control->net->port.registry->event;
	int error;

	control->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (control->epoll_fd < 0)
		return -errno;
	error = sd_event_add_time_relative(event, &control->timer, CLOCK_MONOTONIC, 0, 1, on_time,
					   control);
	return error < 0 ? error : watch_kicks(control, event);
}

void net_ctrl_vq_start(struct net_port *net, struct vu_queue *queue)
{
	struct net_ctrl_vq *control = calloc(1, sizeof(*control));
	int error;

	if (!control) {
		iov_log_with(net->port.registry->iov, LOG_ERR, PORT_FIELDS(net->port.name),
			     "%s: no memory for the control queue",
			net->port.name);
		return;
	}
	control->net = net;
	control->queue = queue;
	net->ctrl_vq = control;
	error = open_sources(control);
	if (error < 0) {
		iov_log_with(net->port.registry->iov, LOG_ERR, PORT_FIELDS(net->port.name),
			     "%s: the control queue is not served: %s",
			net->port.name, strerror(-error));
		net_ctrl_vq_stop(net);
		return;
	}
	/* What is there already waits for no kick. */
	rest(control);
}

void net_ctrl_vq_stop(struct net_port *net)
{
	struct net_ctrl_vq *control = net->ctrl_vq;

	if (!control)
		return;
	sd_event_source_disable_unref(control->kicks);
	sd_event_source_disable_unref(control->timer);
	if (control->epoll_fd >= 0)
		close(control->epoll_fd);
	free(control);
	net->ctrl_vq = NULL;
}
