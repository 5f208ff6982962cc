// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * At any time an endpoint waits for exactly one of: a front end to connect (a
 * server's listening socket), the moment to try again (the timer), or a message
 * (the session).  A server goes on listening while it has a session, to turn
 * others away with a reason.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "vhost-user/endpoint.h"

#define SOCKET_MODE 0660
#define BACKLOG 16

/* Delay before another attempt, in microseconds: doubled up to the longest. */
#define RETRY_FIRST (UINT64_C(50) * 1000)
#define RETRY_LONGEST (UINT64_C(1000) * 1000)

struct vu_endpoint {
	struct iov *iov;
	sd_event *event;
	enum vu_endpoint_mode mode;
	struct sockaddr_un address;
	struct vu_device device;
	int listen_fd;
	struct stat file;		/* the socket as it was bound */
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
	error = sd_event_add_io(endpoint->event, &endpoint->session_source, fd, EPOLLIN, on_message,
				endpoint);
	if (error < 0) {
		end_session(endpoint);
		return iov_fail(endpoint->iov, error, "%s: cannot wait for messages: %s",
				endpoint->device.name, strerror(-error));
	}
	endpoint->retry_delay = RETRY_FIRST;
	iov_log(endpoint->iov, LOG_NOTICE, "%s: front end connected at %s", endpoint->device.name,
		endpoint->address.sun_path);
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
			endpoint->device.name, endpoint->address.sun_path, strerror(errno));
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
		endpoint->device.name, endpoint->address.sun_path);
	close(fd);
	return 0;
}

static int new_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

/* Connect without waiting; a socket of the caller's, or -errno. */
static int connect_socket(const struct sockaddr_un *address)
{
	_cleanup_fd_ int fd = new_socket();
	int connected;

	if (fd < 0)
		return fd;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return -errno;
	connected = fd;
	fd = -1;
	return connected;
}

static void try_connect(struct vu_endpoint *endpoint)
{
	int fd = connect_socket(&endpoint->address);

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

/* Make way for a new socket: remove one that nobody listens at, and nothing else. */
static int remove_stale(struct vu_endpoint *endpoint)
{
	const char *path = endpoint->address.sun_path;
	_cleanup_fd_ int fd = -1;
	struct stat file;

	if (lstat(path, &file) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(file.st_mode))
		return iov_fail(endpoint->iov, -EEXIST,
				"%s: exists and is no socket; choose another path for port %s",
				path, endpoint->device.name);
	fd = connect_socket(&endpoint->address);
	if (fd >= 0 || fd == -EAGAIN)
		return iov_fail(endpoint->iov, -EADDRINUSE,
				"%s: another program listens there; choose another path for port %s",
				path, endpoint->device.name);
	return unlink(path) < 0 ? -errno : 0;
}

static int bind_socket(struct vu_endpoint *endpoint)
{
	const struct sockaddr_un *address = &endpoint->address;
	int fd = new_socket();

	endpoint->listen_fd = fd;
	if (fd < 0)
		return fd;
	/* Narrow before the socket can be seen, wide as wanted after the umask had its say. */
	if (fchmod(fd, SOCKET_MODE) < 0 ||
	    bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ||
	    stat(address->sun_path, &endpoint->file) < 0 ||
	    chmod(address->sun_path, SOCKET_MODE) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	return sd_event_add_io(endpoint->event, &endpoint->listen_source, fd, EPOLLIN,
			       on_connection, endpoint);
}

static int open_server(struct vu_endpoint *endpoint)
{
	int error = remove_stale(endpoint);

	if (error == -EADDRINUSE || error == -EEXIST)
		return error;
	if (!error)
		error = bind_socket(endpoint);
	if (error < 0)
		return iov_fail(endpoint->iov, error, "%s: cannot listen there for port %s: %s",
				endpoint->address.sun_path, endpoint->device.name,
				strerror(-error));
	return 0;
}

static int open_client(struct vu_endpoint *endpoint)
{
	try_connect(endpoint);
	if (!endpoint->session)
		iov_log(endpoint->iov, LOG_NOTICE, "%s: nobody listens at %s yet, trying again",
			endpoint->device.name, endpoint->address.sun_path);
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
		     enum vu_endpoint_mode mode, const struct vu_device *device)
{
	struct vu_endpoint *endpoint;
	int error;

	if (!*path || strlen(path) >= sizeof(endpoint->address.sun_path))
		return iov_fail(iov, -ENAMETOOLONG, "%s: expected a path of 1 to %zu characters",
				path, sizeof(endpoint->address.sun_path) - 1);
	endpoint = calloc(1, sizeof(*endpoint));
	if (!endpoint)
		return iov_fail(iov, -ENOMEM, "%s: out of memory", device->name);
	endpoint->iov = iov;
	endpoint->event = sd_event_ref(event);
	endpoint->mode = mode;
	endpoint->device = *device;
	endpoint->listen_fd = -1;
	endpoint->retry_delay = RETRY_FIRST;
	endpoint->address.sun_family = AF_UNIX;
	memcpy(endpoint->address.sun_path, path, strlen(path) + 1);
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

/* Somebody else may have put a socket of his own there. */
static void remove_socket(const struct vu_endpoint *endpoint)
{
	struct stat file;

	if (endpoint->file.st_ino && !lstat(endpoint->address.sun_path, &file) &&
	    file.st_dev == endpoint->file.st_dev && file.st_ino == endpoint->file.st_ino)
		unlink(endpoint->address.sun_path);
}

void vu_endpoint_close(struct vu_endpoint *endpoint)
{
	if (!endpoint)
		return;
	end_session(endpoint);
	sd_event_source_disable_unref(endpoint->retry_source);
	sd_event_source_disable_unref(endpoint->listen_source);
	if (endpoint->listen_fd >= 0)
		close(endpoint->listen_fd);
	remove_socket(endpoint);
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
