// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation.  libmicrohttpd has no thread here: the event loop waits for
 * its epoll descriptor and lets it run, and a timer lets it give up on peers that
 * stall.  Peers are few and are hung up on after a while, also those that send a
 * byte now and then, so who scrapes cannot hold up who forwards, nor who scrapes too.
 */
#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "vhost-user/daemon/metrics.h"
#include "vhost-user/socket/listener.h"
#include "vhost-user/socket/loopback.h"

#define PEERS_MAX 8
#define STALL_SECONDS 10
/* Bytes of a request with its headers */
#define REQUEST_MAX 8192
/* How long a connection may be */
#define PEER_MS 30000
#define OPENMETRICS "application/openmetrics-text; version=1.0.0; charset=utf-8"

/**
 * struct peer - a connection
 * @link: in the order in which they came
 * @fd: its socket, which is libmicrohttpd's
 * @ends_ms: when it is over
 */
struct peer {
	TAILQ_ENTRY(peer) link;
	int fd;
	uint64_t ends_ms;
};

TAILQ_HEAD(peer_list, peer);

/**
 * struct metrics_server - see metrics.h
 * @iov: context
 * @listener: a Unix socket; without one its address is empty
 * @fd: the socket, handed to @http by metrics_serve()
 * @registry: ports
 * @http: the server
 * @peers: connections
 * @has_room: one of them ended
 * @source: lets it run
 * @timer: lets it give up
 */
struct metrics_server {
	struct iov *iov;
	struct listener listener;
	int fd;
	const struct registry *registry;
	struct MHD_Daemon *http;
	struct peer_list peers;
	bool has_room;
	sd_event_source *source;
	sd_event_source *timer;
};

static int listen_unix(struct metrics_server *server, const char *where)
{
	static const struct socket_access access = SOCKET_ACCESS(0660);
	int error = listener_address(&server->listener, server->iov, where);

	if (!error)
		error = listener_open(&server->listener, server->iov, &access, "--metrics");
	if (!error)
		server->fd = server->listener.fd;
	return error;
}

int metrics_listen(struct metrics_server **out, struct iov *iov, const char *where)
{
	struct metrics_server *server = calloc(1, sizeof(*server));
	int error;

	if (!server)
		return -ENOMEM;
	server->iov = iov;
	TAILQ_INIT(&server->peers);
	server->fd = server->listener.fd = -1;
	error = *where == '/' ? listen_unix(server, where)
			      : loopback_listen(iov, "--metrics", where, PEERS_MAX, &server->fd);
	if (error) {
		metrics_close(server);
		return error;
	}
	*out = server;
	return 0;
}

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned int status,
			      const char *type, char *text, enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), text, mode);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *size, void **state)
{
	static char only[] = "GET /metrics\n";
	const struct metrics_server *server = arg;
	char *text;

	(void)version;
	(void)data;
	(void)size;
	(void)state;
	if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
		return answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain", only,
			      MHD_RESPMEM_PERSISTENT);
	if (strcmp(url, "/metrics"))
		return answer(connection, MHD_HTTP_NOT_FOUND, "text/plain", only,
			      MHD_RESPMEM_PERSISTENT);
	text = metrics_text(server->registry);
	return text ? answer(connection, MHD_HTTP_OK, OPENMETRICS, text, MHD_RESPMEM_MUST_FREE)
		    : MHD_NO;
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct metrics_server *server = arg;
	struct peer *peer = *context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		peer = calloc(1, sizeof(*peer));
		*context = peer;
		if (!peer)
			return;
		peer->fd = MHD_get_connection_info(connection,
						   MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		peer->ends_ms = monotonic_ms() + PEER_MS;
		TAILQ_INSERT_TAIL(&server->peers, peer, link);
	} else if (peer) {
		TAILQ_REMOVE(&server->peers, peer, link);
		free(peer);
		server->has_room = true;
	}
}

/* Those that say nothing are libmicrohttpd's to end; the others bring us here by what they say. */
static void end_old(const struct metrics_server *server)
{
	const uint64_t now = monotonic_ms();
	struct peer *peer;

	TAILQ_FOREACH(peer, &server->peers, link) {
		if (peer->ends_ms > now)
			break;
		shutdown(peer->fd, SHUT_RDWR);
	}
}

static void run(struct metrics_server *server)
{
	MHD_UNSIGNED_LONG_LONG milliseconds;

	end_old(server);
	/* With as many as there may be it does not listen, and begins again when it runs next. */
	do {
		server->has_room = false;
		MHD_run(server->http);
	} while (server->has_room);
	if (MHD_get_timeout(server->http, &milliseconds) != MHD_YES) {
		sd_event_source_set_enabled(server->timer, SD_EVENT_OFF);
		return;
	}
	sd_event_source_set_time_relative(server->timer, milliseconds * 1000);
	sd_event_source_set_enabled(server->timer, SD_EVENT_ONESHOT);
}

static int on_ready(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	(void)source;
	(void)fd;
	(void)events;
	run(arg);
	return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *arg)
{
	(void)source;
	(void)usec;
	run(arg);
	return 0;
}

static int add_sources(struct metrics_server *server, sd_event *event)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->http,
							       MHD_DAEMON_INFO_EPOLL_FD);
	int error = info ? sd_event_add_io(event, &server->source, info->epoll_fd, EPOLLIN,
					   on_ready, server)
			 : -EIO;

	if (error >= 0)
		error = sd_event_add_time_relative(event, &server->timer, CLOCK_MONOTONIC, 0, 0,
						   on_timer, server);
	return error < 0 ? error : 0;
}

int metrics_serve(struct metrics_server *server, sd_event *event, const struct registry *registry)
{
	int error;

	server->registry = registry;
	server->http = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, server,
					MHD_OPTION_LISTEN_SOCKET, server->fd,
					MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
					MHD_OPTION_CONNECTION_LIMIT, (unsigned int)PEERS_MAX,
					MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)STALL_SECONDS,
					MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_MAX,
					MHD_OPTION_END);
	error = server->http ? add_sources(server, event) : -EIO;
	if (error)
		return iov_told(server->iov, error, "--metrics: the HTTP server does not start");
	return 0;
}

void metrics_close(struct metrics_server *server)
{
	if (!server)
		return;
	sd_event_source_disable_unref(server->source);
	sd_event_source_disable_unref(server->timer);
	/* The server closes its socket, and the listener must not do it again. */
	if (server->http) {
		MHD_stop_daemon(server->http);
		server->listener.fd = server->fd = -1;
	}
	if (server->fd >= 0 && server->fd != server->listener.fd)
		close(server->fd);
	listener_close(&server->listener);
	free(server);
}
