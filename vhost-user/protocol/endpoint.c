// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * At any time an endpoint waits for exactly one of: a front end to connect (a
 * server's listening socket), the moment to try again (the timer), a message, or the
 * end of one whose rings drain (the session).  A server goes on listening while it has a
 * session, to turn others away with a reason; while one ends the next waits.
 *
 * What a front end costs the thread that serves all of them is bounded.  A server
 * accepts so many connections a second, and does not look at its socket when they are
 * used up.  The time that messages of one port take is counted, and a port that used
 * up its share is not read from until it has some again.  Either way it is the front
 * end that waits.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "base/clock.h"
#include "vhost-user/protocol/closer.h"
#include "vhost-user/protocol/endpoint.h"
#include "vhost-user/token_bucket.h"

/* Delay before another attempt, in microseconds: doubled up to the longest. */
#define RETRY_FIRST (UINT64_C(50) * 1000)
#define RETRY_LONGEST (UINT64_C(1000) * 1000)

/* Connections at once and then one every so many microseconds. */
#define CONNECTIONS 128
#define CONNECTION_EACH 20000

/* Between two looks at whether a port has its descriptors closed. */
#define UNCLOSED_EACH 500000

/* Microseconds of work at once, and microseconds until one comes back: a fifth of the time. */
#define WORK 200000
#define WORK_EACH 5

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
	bool is_ending;			/* nobody is connected, but its rings drain */
	bool is_exhausted;		/* there was no descriptor for the last one that came */
	struct vu_stats past;		/* of connections that ended */
	uint64_t events[VU_EVENTS];
	struct token_bucket connections;
	struct token_bucket work;
};

static const char *const event_names[VU_EVENTS] = {
	[VU_EVENT_CONNECTED] = "connected",
	[VU_EVENT_CLOSED] = "closed",
	[VU_EVENT_ENDED] = "ended",
	[VU_EVENT_LOST] = "lost",
	[VU_EVENT_TURNED_AWAY] = "turned-away",
	[VU_EVENT_HELD_OFF] = "held-off",
	[VU_EVENT_SLOWED] = "slowed",
	[VU_EVENT_FAILED] = "failed",
};

const char *vu_event_name(enum vu_event event)
{
	return event_names[event];
}

static void retry_later(struct vu_endpoint *endpoint);

static void add_stats(struct vu_stats *sum, const struct vu_stats *stats)
{
	sum->messages += stats->messages;
	for (unsigned int i = 0; i < VU_REFUSALS; i++)
		sum->refused[i] += stats->refused[i];
	for (unsigned int i = 0; i < VU_BROKEN_REASONS; i++)
		sum->broken[i] += stats->broken[i];
}

static void close_session(struct vu_endpoint *endpoint)
{
	if (!endpoint->session)
		return;
	add_stats(&endpoint->past, vu_session_stats(endpoint->session));
	endpoint->session_source = sd_event_source_disable_unref(endpoint->session_source);
	vu_session_close(endpoint->session);
	endpoint->session = NULL;
	endpoint->is_ending = false;
}

static void listen_again(struct vu_endpoint *endpoint, bool wanted)
{
	if (endpoint->listen_source)
		sd_event_source_set_enabled(endpoint->listen_source,
					    wanted ? SD_EVENT_ON : SD_EVENT_OFF);
}

/* The connection is over; when its rings have stopped, wait for the next one. */
static void end_session(struct vu_endpoint *endpoint)
{
	bool was_ending = endpoint->is_ending;

	endpoint->is_ending = !vu_session_end(endpoint->session);
	if (endpoint->is_ending) {
		listen_again(endpoint, false);
		return;
	}
	close_session(endpoint);
	if (was_ending)
		listen_again(endpoint, true);
	if (endpoint->mode == VU_CLIENT)
		retry_later(endpoint);
	if (endpoint->mode == VU_CONNECTED)
		sd_event_exit(endpoint->event, 0);
}

static enum vu_event end_of(int error)
{
	if (error == -ECONNRESET)
		return VU_EVENT_CLOSED;
	return error == -EPROTO ? VU_EVENT_ENDED : VU_EVENT_LOST;
}

/* Count an event and log it; @refusal: VU_ACCEPTED for none */
static void __attribute__((format(printf, 5, 6)))
tell(struct vu_endpoint *endpoint, enum vu_event event, enum vu_refusal refusal, int level,
     const char *format, ...)
{
	const struct iov_field fields[] = {
		{ "IOV_EVENT", vu_event_name(event) },
		{ "IOV_REASON", refusal ? vu_refusal_name(refusal) : NULL },
		{ 0 },
	};
	char line[IOV_MESSAGE_SIZE];
	va_list args;

	endpoint->events[event]++;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	iov_log_with(endpoint->iov, level, fields, "%s", line);
}

/* Take another look at what waits, after a while. */
static void wake_after(struct vu_endpoint *endpoint, uint64_t delay)
{
	sd_event_source_set_time_relative(endpoint->retry_source, delay);
	sd_event_source_set_enabled(endpoint->retry_source, SD_EVENT_ONESHOT);
}

static void spend_work(struct vu_endpoint *endpoint, uint64_t work)
{
	uint64_t now, wait;

	sd_event_now(endpoint->event, CLOCK_MONOTONIC, &now);
	token_bucket_take(&endpoint->work, (double)now, (double)(work + 1) * WORK_EACH);
	wait = (uint64_t)token_bucket_wait(&endpoint->work, (double)now, (WORK - 1.0) * WORK_EACH);
	if (!wait)
		return;
	endpoint->events[VU_EVENT_SLOWED]++;
	sd_event_source_set_enabled(endpoint->session_source, SD_EVENT_OFF);
	wake_after(endpoint, wait);
}

static void serve(struct vu_endpoint *endpoint)
{
	uint64_t before = thread_us();
	int error = vu_session_readable(endpoint->session);

	if (!error) {
		spend_work(endpoint, thread_us() - before);
		return;
	}
	tell(endpoint, end_of(error), vu_session_ended_by(endpoint->session), LOG_NOTICE, "%s",
	     iov_error_message(endpoint->iov));
	end_session(endpoint);
}

static int on_message(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct vu_endpoint *endpoint = arg;

	(void)source;
	(void)fd;
	(void)events;
	if (endpoint->is_ending)
		end_session(endpoint);
	else
		serve(endpoint);
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
		close_session(endpoint);
		return iov_told(endpoint->iov, error, "%s: cannot wait for messages: %s",
				endpoint->device.name, strerror(-error));
	}
	endpoint->retry_delay = RETRY_FIRST;
	tell(endpoint, VU_EVENT_CONNECTED, VU_ACCEPTED, LOG_NOTICE, "%s: front end connected at %s",
	     endpoint->device.name, endpoint->listener.address.sun_path);
	return 0;
}

static void begin_or_log(struct vu_endpoint *endpoint, int fd)
{
	if (!begin_session(endpoint, fd))
		return;
	tell(endpoint, VU_EVENT_FAILED, VU_ACCEPTED, LOG_ERR, "%s",
	     iov_error_message(endpoint->iov));
	if (endpoint->mode == VU_CLIENT)
		retry_later(endpoint);
}

static bool keep_waiting(struct vu_endpoint *endpoint, uint64_t wait)
{
	endpoint->events[VU_EVENT_HELD_OFF]++;
	sd_event_source_set_enabled(endpoint->listen_source, SD_EVENT_OFF);
	wake_after(endpoint, wait);
	return false;
}

/* Whether there may be another connection now; otherwise they wait in the socket. */
static bool may_accept(struct vu_endpoint *endpoint)
{
	uint64_t now, wait;

	if (closer_is_full(endpoint->device.closer))
		return keep_waiting(endpoint, UNCLOSED_EACH);
	sd_event_now(endpoint->event, CLOCK_MONOTONIC, &now);
	wait = (uint64_t)token_bucket_wait(&endpoint->connections, (double)now,
					   (CONNECTIONS - 1.0) * CONNECTION_EACH);
	if (!wait) {
		token_bucket_take(&endpoint->connections, (double)now, CONNECTION_EACH);
		return true;
	}
	return keep_waiting(endpoint, wait);
}

static void fail_accept(struct vu_endpoint *endpoint)
{
	if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
		return;
	endpoint->events[VU_EVENT_FAILED]++;
	/* Once; it is tried again and again. */
	if (!endpoint->is_exhausted)
		iov_log(endpoint->iov, LOG_ERR, "%s: cannot accept a front end at %s: %s",
			endpoint->device.name, endpoint->listener.address.sun_path,
			strerror(errno));
	endpoint->is_exhausted = true;
	sd_event_source_set_enabled(endpoint->listen_source, SD_EVENT_OFF);
	retry_later(endpoint);
}

static int on_connection(sd_event_source *source, int listen_fd, uint32_t events, void *arg)
{
	struct vu_endpoint *endpoint = arg;
	int fd;

	(void)source;
	(void)events;
	if (!may_accept(endpoint))
		return 0;
	/* The one before may be gone without our having looked. */
	if (endpoint->session)
		serve(endpoint);
	if (endpoint->is_ending)
		return 0;
	fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		fail_accept(endpoint);
		return 0;
	}
	endpoint->is_exhausted = false;
	if (!endpoint->session) {
		begin_or_log(endpoint, fd);
		return 0;
	}
	tell(endpoint, VU_EVENT_TURNED_AWAY, VU_ACCEPTED, LOG_WARNING,
	     "%s: turned a second front end away at %s; give it a port of its own",
	     endpoint->device.name, endpoint->listener.address.sun_path);
	shutdown(fd, SHUT_RDWR);
	closer_close(endpoint->device.closer, fd);
	return 0;
}

static void try_connect(struct vu_endpoint *endpoint)
{
	int fd = closer_is_full(endpoint->device.closer)
			 ? -EBUSY : listener_connect(&endpoint->listener.address);

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
	if (endpoint->session)
		sd_event_source_set_enabled(endpoint->session_source, SD_EVENT_ON);
	else if (endpoint->mode == VU_CLIENT)
		try_connect(endpoint);
	listen_again(endpoint, !endpoint->is_ending);
	return 0;
}

static void retry_later(struct vu_endpoint *endpoint)
{
	wake_after(endpoint, endpoint->retry_delay);
	endpoint->retry_delay *= 2;
	if (endpoint->retry_delay > RETRY_LONGEST)
		endpoint->retry_delay = RETRY_LONGEST;
}

static int wait_for_front_ends(struct vu_endpoint *endpoint)
{
	int error = sd_event_add_io(endpoint->event, &endpoint->listen_source,
				    endpoint->listener.fd, EPOLLIN, on_connection, endpoint);

	if (error < 0)
		return iov_told(endpoint->iov, error, "%s: cannot wait for front ends: %s",
				endpoint->device.name, strerror(-error));
	return 0;
}

static int open_server(struct vu_endpoint *endpoint)
{
	char whose[80];
	int error;

	snprintf(whose, sizeof(whose), "port %s", endpoint->device.name);
	error = listener_open(&endpoint->listener, endpoint->iov, &endpoint->access, whose);
	return error ? error : wait_for_front_ends(endpoint);
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
		return iov_told(endpoint->iov, error, "%s: cannot add a timer: %s",
				endpoint->device.name, strerror(-error));
	return 0;
}

static int endpoint_new(struct vu_endpoint **out, struct iov *iov, sd_event *event,
			enum vu_endpoint_mode mode, const struct vu_device *device)
{
	struct vu_endpoint *endpoint = calloc(1, sizeof(*endpoint));
	int error;

	if (!endpoint)
		return iov_fail(iov, -ENOMEM, "%s: out of memory", device->name);
	endpoint->iov = iov;
	endpoint->event = sd_event_ref(event);
	endpoint->mode = mode;
	endpoint->listener.fd = -1;
	endpoint->device = *device;
	endpoint->retry_delay = RETRY_FIRST;
	error = add_timer(endpoint);
	if (!error)
		error = closer_open(&endpoint->device.closer);
	if (error) {
		vu_endpoint_close(endpoint);
		return error;
	}
	*out = endpoint;
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

	if (!error)
		error = endpoint_new(&endpoint, iov, event, mode, device);
	if (error)
		return error;
	endpoint->listener = listener;
	endpoint->access = access ? *access : usual;
	error = mode == VU_SERVER ? open_server(endpoint) : open_client(endpoint);
	if (error) {
		vu_endpoint_close(endpoint);
		return error;
	}
	*out = endpoint;
	return 0;
}

/* What kind of socket it is; @mode says what it is good for. */
static int inspect_socket(struct iov *iov, int fd, enum vu_endpoint_mode *mode)
{
	int family = 0, type = 0, listens = 0;
	socklen_t size = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) || family != AF_UNIX ||
	    type != SOCK_STREAM)
		return iov_fail(iov, -ENOTSOCK, "file descriptor %d: expected a Unix stream socket",
				fd);
	if (fcntl(fd, F_SETFL, O_NONBLOCK) || fcntl(fd, F_SETFD, FD_CLOEXEC))
		return iov_told(iov, -errno, "file descriptor %d: %s", fd, strerror(errno));
	*mode = listens ? VU_SERVER : VU_CONNECTED;
	return 0;
}

int vu_endpoint_adopt(struct vu_endpoint **out, struct iov *iov, sd_event *event, int fd,
		      const struct vu_device *device)
{
	enum vu_endpoint_mode mode = VU_CONNECTED;
	struct vu_endpoint *endpoint;
	int error = inspect_socket(iov, fd, &mode);

	if (!error)
		error = endpoint_new(&endpoint, iov, event, mode, device);
	if (error) {
		close(fd);
		return error;
	}
	snprintf(endpoint->listener.address.sun_path, sizeof(endpoint->listener.address.sun_path),
		 "fd %d", fd);
	if (mode == VU_SERVER) {
		endpoint->listener.fd = fd;
		error = wait_for_front_ends(endpoint);
	} else {
		error = begin_session(endpoint, fd);
	}
	if (error) {
		vu_endpoint_close(endpoint);
		return error;
	}
	*out = endpoint;
	return 0;
}

bool vu_endpoint_end(struct vu_endpoint *endpoint)
{
	endpoint->is_ending = endpoint->session && !vu_session_end(endpoint->session);
	return !endpoint->is_ending;
}

void vu_endpoint_close(struct vu_endpoint *endpoint)
{
	if (!endpoint)
		return;
	close_session(endpoint);
	sd_event_source_disable_unref(endpoint->retry_source);
	sd_event_source_disable_unref(endpoint->listen_source);
	listener_close(&endpoint->listener);
	closer_release(endpoint->device.closer);
	sd_event_unref(endpoint->event);
	free(endpoint);
}

struct vu_session *vu_endpoint_session(const struct vu_endpoint *endpoint)
{
	return endpoint->is_ending ? NULL : endpoint->session;
}

const uint64_t *vu_endpoint_events(const struct vu_endpoint *endpoint)
{
	return endpoint->events;
}

void vu_endpoint_stats(const struct vu_endpoint *endpoint, struct vu_stats *stats)
{
	*stats = endpoint->past;
	if (endpoint->session)
		add_stats(stats, vu_session_stats(endpoint->session));
}
