// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * At any time an endpoint waits for exactly one of: a front end to connect (a
 * server's listening socket), the moment to try again (the timer), or a message
 * (the session).  A server goes on listening while it has a session, to turn
 * others away with a reason.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "vhost-user/endpoint.h"

/* Delay before another attempt, in microseconds: doubled up to the longest. */
#define RETRY_FIRST (UINT64_C(50) * 1000)
#define RETRY_LONGEST (UINT64_C(1000) * 1000)

struct vu_endpoint {
	struct iov *iov;
	sd_event *event;
	enum vu_endpoint_mode mode;
	struct listener listener;	/* a client's has an address only */
	struct socket_access access;
	struct vu_device device;
	sd_event_source *listen_source;
	sd_event_source *session_source;
	sd_event_source *retry_source;
	uint64_t retry_delay;
	struct vu_session *session;
	struct vu_stats past;		/* of connections that ended */
};

static void retry_later(struct vu_endpoint *endpoint);

static void add_stats(struct vu_stats *sum, const struct vu_stats *stats)
{
	sum->messages += stats->messages;
	for (unsigned int i = 0; i < VU_REFUSALS; i++)
		sum->refused[i] += stats->refused[i];
}

static void end_session(struct vu_endpoint *endpoint)
{
	if (!endpoint->session)
		return;
	add_stats(&endpoint->past, vu_session_stats(endpoint->session));
	endpoint->session_source = sd_event_source_disable_unref(endpoint->session_source);
	vu_session_close(endpoint->session);
	endpoint->session = NULL;
}

/* Read messages; when that was the last one, wait for the next connection. */
static void serve(struct vu_endpoint *endpoint)
{
	if (!vu_session_readable(endpoint->session))
		return;
	iov_log(endpoint->iov, LOG_NOTICE, "%s", iov_error_message(endpoint->iov));
	end_session(endpoint);
	if (endpoint->mode == VU_CLIENT)
		retry_later(endpoint);
}

static int on_message(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	(void)source;
	(void)fd;
	(void)events;
	serve(arg);
	return 0;
}

/* Takes the socket over. */
static int begin_session(struct vu_endpoint *endpoint, int fd)
{
	int error = vu_session_open(&endpoint->session, endpoint->iov, fd, &endpoint->device);

	if (error)
		return error;
	error = sd_event_add_io(endpoint->event, &endpoint->session_source,
				vu_session_fd(endpoint->session), EPOLLIN, on_message, endpoint);
	if (error < 0) {
		end_session(endpoint);
		return iov_fail(endpoint->iov, error, "%s: cannot wait for messages: %s",
				endpoint->device.name, strerror(-error));
	}
	endpoint->retry_delay = RETRY_FIRST;
	iov_log(endpoint->iov, LOG_NOTICE, "%s: front end connected at %s", endpoint->device.name,
		endpoint->listener.address.sun_path);
	return 0;
}

static void begin_or_log(struct vu_endpoint *endpoint, int fd)
{
	if (!begin_session(endpoint, fd))
		return;
	iov_log(endpoint->iov, LOG_ERR, "%s", iov_error_message(endpoint->iov));
	if (endpoint->mode == VU_CLIENT)
		retry_later(endpoint);
}

static int on_connection(sd_event_source *source, int listen_fd, uint32_t events, void *arg)
{
	struct vu_endpoint *endpoint = arg;
	int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)events;
	if (fd < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED))
		return 0;
	if (fd < 0) {
		iov_log(endpoint->iov, LOG_ERR, "%s: cannot accept a front end at %s: %s",
			endpoint->device.name, endpoint->listener.address.sun_path, strerror(errno));
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
		retry_later(endpoint);
		return 0;
	}
	/* The one before may be gone without our having looked. */
	if (endpoint->session)
		serve(endpoint);
	if (!endpoint->session) {
		begin_or_log(endpoint, fd);
		return 0;
	}
	iov_log(endpoint->iov, LOG_WARNING,
		"%s: turned a second front end away at %s; give it a port of its own",
		endpoint->device.name, endpoint->listener.address.sun_path);
	close(fd);
	return 0;
}

static void try_connect(struct vu_endpoint *endpoint)
{
	int fd = listener_connect(&endpoint->listener.address);

	if (fd >= 0)
		begin_or_log(endpoint, fd);
	else
		retry_later(endpoint);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *arg)
{
	struct vu_endpoint *endpoint = arg;

	(void)source;
	(void)usec;
	if (endpoint->mode == VU_CLIENT)
		try_connect(endpoint);
	else
		sd_event_source_set_enabled(endpoint->listen_source, SD_EVENT_ON);
	return 0;
}

static void retry_later(struct vu_endpoint *endpoint)
{
	sd_event_source_set_time_relative(endpoint->retry_source, endpoint->retry_delay);
	sd_event_source_set_enabled(endpoint->retry_source, SD_EVENT_ONESHOT);
	endpoint->retry_delay *= 2;
	if (endpoint->retry_delay > RETRY_LONGEST)
		endpoint->retry_delay = RETRY_LONGEST;
}

static int open_server(struct vu_endpoint *endpoint)
{
	char whose[80];
	int error;

	snprintf(whose, sizeof(whose), "port %s", endpoint->device.name);
	error = listener_open(&endpoint->listener, endpoint->iov, &endpoint->access, whose);
	if (error)
		return error;
	error = sd_event_add_io(endpoint->event, &endpoint->listen_source, endpoint->listener.fd,
				EPOLLIN, on_connection, endpoint);
	if (error < 0)
		return iov_fail(endpoint->iov, error, "%s: cannot wait for front ends: %s",
				endpoint->device.name, strerror(-error));
	return 0;
}

static int open_client(struct vu_endpoint *endpoint)
{
	try_connect(endpoint);
	if (!endpoint->session)
		iov_log(endpoint->iov, LOG_NOTICE, "%s: nobody listens at %s yet, trying again",
			endpoint->device.name, endpoint->listener.address.sun_path);
	return 0;
}

static int add_timer(struct vu_endpoint *endpoint)
{
	int error = sd_event_add_time_relative(endpoint->event, &endpoint->retry_source,
					       CLOCK_MONOTONIC, RETRY_FIRST, 0, on_retry, endpoint);

	if (error >= 0)
		error = sd_event_source_set_enabled(endpoint->retry_source, SD_EVENT_OFF);
	if (error < 0)
		return iov_fail(endpoint->iov, error, "%s: cannot add a timer: %s",
				endpoint->device.name, strerror(-error));
	return 0;
}

int vu_endpoint_open(struct vu_endpoint **out, struct iov *iov, sd_event *event, const char *path,
		     enum vu_endpoint_mode mode, const struct vu_device *device,
		     const struct socket_access *access)
{
	static const struct socket_access usual = SOCKET_ACCESS(0660);
	struct listener listener;
	struct vu_endpoint *endpoint;
	int error = listener_address(&listener, iov, path);

	if (error)
		return error;
	endpoint = calloc(1, sizeof(*endpoint));
	if (!endpoint)
		return iov_fail(iov, -ENOMEM, "%s: out of memory", device->name);
	endpoint->iov = iov;
	endpoint->event = sd_event_ref(event);
	endpoint->mode = mode;
	endpoint->listener = listener;
	endpoint->access = access ? *access : usual;
	endpoint->device = *device;
	endpoint->retry_delay = RETRY_FIRST;
	error = add_timer(endpoint);
	if (!error)
		error = mode == VU_SERVER ? open_server(endpoint) : open_client(endpoint);
	if (error) {
		vu_endpoint_close(endpoint);
		return error;
	}
	*out = endpoint;
	return 0;
}

void vu_endpoint_close(struct vu_endpoint *endpoint)
{
	if (!endpoint)
		return;
	end_session(endpoint);
	sd_event_source_disable_unref(endpoint->retry_source);
	sd_event_source_disable_unref(endpoint->listen_source);
	listener_close(&endpoint->listener);
	sd_event_unref(endpoint->event);
	free(endpoint);
}

struct vu_session *vu_endpoint_session(const struct vu_endpoint *endpoint)
{
	return endpoint->session;
}

void vu_endpoint_stats(const struct vu_endpoint *endpoint, struct vu_stats *stats)
{
	*stats = endpoint->past;
	if (endpoint->session)
		add_stats(stats, vu_session_stats(endpoint->session));
}
