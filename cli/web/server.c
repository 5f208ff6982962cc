// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation.  libmicrohttpd reads requests and writes answers; it has no thread here and runs
 * when its epoll descriptor says so.  A document is one response, made when it came and shared by all
 * who ask, so many clients cost no more memory than their sockets.  A connection has one request and
 * a few seconds; where there are too many the oldest makes way, so who holds connections open keeps
 * nobody out.
 */
#include "cli/web/server.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/late_library.h"
#include "cli/web/assets.h"

/* Those that are told to end are still there for a moment. */
#define CONNECTIONS_MAX (WEB_CLIENTS_MAX + 16)
#define LOG_PAUSE_MS 60000

/* What is used of libmicrohttpd. */
#define FUNCTIONS(X) \
	X(add_connection, MHD_add_connection) X(add_response_header, MHD_add_response_header) \
	X(create_response_from_buffer, MHD_create_response_from_buffer) \
	X(destroy_response, MHD_destroy_response) X(get_connection_info, MHD_get_connection_info) \
	X(get_daemon_info, MHD_get_daemon_info) X(get_timeout, MHD_get_timeout) \
	X(lookup_connection_value, MHD_lookup_connection_value) \
	X(queue_response, MHD_queue_response) X(run, MHD_run) X(start_daemon, MHD_start_daemon) \
	X(stop_daemon, MHD_stop_daemon)

LATE_LIBRARY(lib, FUNCTIONS);

/**
 * struct client - a connection
 * @link: in the order in which they came
 * @fd: its socket, which is libmicrohttpd's
 * @ends_ms: when it is over
 * @has_ended: it was told so
 */
struct client {
	TAILQ_ENTRY(client) link;
	int fd;
	uint64_t ends_ms;
	bool has_ended;
};

TAILQ_HEAD(client_list, client);

/**
 * struct web_server - see server.h
 * @iov: context
 * @access: who may look
 * @http: libmicrohttpd
 * @epoll: what it waits for
 * @clients: connections
 * @client_count: those that have not been told to end
 * @documents: what is handed out; NULL for what is not there yet
 * @wanted: somebody asked for it
 * @refused: how often for each reason since that was logged
 * @refused_ms: when it was logged
 */
struct web_server {
	struct iov *iov;
	const struct web_access *access;
	struct MHD_Daemon *http;
	int epoll;
	struct client_list clients;
	size_t client_count;
	struct MHD_Response *documents[WEB_DOCUMENTS];
	bool wanted[WEB_DOCUMENTS];
	unsigned long refused[WEB_VERDICTS];
	uint64_t refused_ms[WEB_VERDICTS];
};

static const char json[] = "application/json";

/* What changes, by its path. */
static const struct {
	const char *path;
	const char *type;
} documents[WEB_DOCUMENTS] = {
	[WEB_LIVE] = { "/live", json },
	[WEB_HISTORY] = { "/history", json },
	[WEB_HOST] = { "/host", json },
	[WEB_METRICS] = { "/metrics", "application/openmetrics-text; version=1.0.0; charset=utf-8" },
};

/* What is the same for everybody, and says nothing of the host. */
static const struct {
	const char *path;
	const char *type;
	const char *text;
} files[] = {
	{ "/", "text/html; charset=utf-8", web_page_html },
	{ "/page.css", "text/css; charset=utf-8", web_page_css },
	{ "/page.js", "text/javascript; charset=utf-8", web_page_js },
};

static const struct {
	const char *name;
	const char *value;
} headers[] = {
	{ "Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; "
	  "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
	  "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
	{ "Cross-Origin-Opener-Policy", "same-origin" },
	{ "Cache-Control", "no-store" },
	{ "Connection", "close" },
};

static struct MHD_Response *make_response(const char *type, const char *text, size_t size,
					  enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *response = lib.create_response_from_buffer(size, (void *)(uintptr_t)text, mode);

	if (!response)
		return NULL;
	lib.add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
		lib.add_response_header(response, headers[i].name, headers[i].value);
	return response;
}

static enum MHD_Result answer_text(struct MHD_Connection *connection, unsigned int status,
				   const char *type, const char *text)
{
	struct MHD_Response *response = make_response(type, text, strlen(text), MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	if (status == MHD_HTTP_UNAUTHORIZED)
		lib.add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		lib.add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
		lib.add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "2");
	result = lib.queue_response(connection, status, response);
	lib.destroy_response(response);
	return result;
}

/* The first is logged at once, and then how many there were, once a minute. */
static void log_refusal(struct web_server *server, enum web_verdict verdict)
{
	const uint64_t now = monotonic_ms();
	unsigned long count = ++server->refused[verdict];

	if (server->refused_ms[verdict] && now - server->refused_ms[verdict] < LOG_PAUSE_MS)
		return;
	server->refused_ms[verdict] = now;
	server->refused[verdict] = 0;
	iov_log(server->iov, LOG_WARNING, "web: %lu request%s refused: %s", count, count > 1 ? "s" : "",
		web_verdict_text(verdict));
}

static enum MHD_Result refuse(struct web_server *server, struct MHD_Connection *connection,
			      enum web_verdict verdict)
{
	unsigned int status = MHD_HTTP_UNAUTHORIZED;
	char text[160];

	log_refusal(server, verdict);
	if (verdict == WEB_OTHER_HOST)
		status = MHD_HTTP_MISDIRECTED_REQUEST;
	else if (verdict == WEB_STRANGER)
		status = MHD_HTTP_FORBIDDEN;
	snprintf(text, sizeof(text), "%s\n", web_verdict_text(verdict));
	return answer_text(connection, status, "text/plain", text);
}

static void fill_peer(struct web_request *request, int fd)
{
	struct sockaddr_storage address = { 0 };
	socklen_t size = sizeof(address);
	struct ucred peer = { .uid = (uid_t)-1 };

	if (getsockname(fd, (struct sockaddr *)&address, &size) || address.ss_family != AF_UNIX)
		return;
	request->has_peer = true;
	size = sizeof(peer);
	request->peer = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) ? (uid_t)-1 : peer.uid;
}

static enum web_verdict judge(const struct web_server *server, struct MHD_Connection *connection,
			      bool is_public)
{
	const union MHD_ConnectionInfo *info =
		lib.get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct web_request request = {
		.host = lib.lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST),
		.authorization = lib.lookup_connection_value(connection, MHD_HEADER_KIND,
							     MHD_HTTP_HEADER_AUTHORIZATION),
		.is_public = is_public,
	};

	if (!info)
		return WEB_STRANGER;
	fill_peer(&request, info->connect_fd);
	return web_judge(server->access, &request);
}

static enum MHD_Result answer_document(struct web_server *server, struct MHD_Connection *connection,
				       enum web_document document)
{
	server->wanted[document] = true;
	if (!server->documents[document] && documents[document].type == json)
		return answer_text(connection, MHD_HTTP_OK, json, "null");
	if (!server->documents[document])
		return answer_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "text/plain",
				   "iovd does not answer\n");
	return lib.queue_response(connection, MHD_HTTP_OK, server->documents[document]);
}

/* Whether a token is wanted is asked before one is sent. */
static enum MHD_Result answer_public(const struct web_server *server, struct MHD_Connection *connection,
				     const char *url)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		if (!strcmp(url, files[i].path))
			return answer_text(connection, MHD_HTTP_OK, files[i].type, files[i].text);
	}
	if (!strcmp(url, "/access"))
		return answer_text(connection, MHD_HTTP_OK, json,
				   *server->access->token ? "{\"token\":true}" : "{\"token\":false}");
	return answer_text(connection, MHD_HTTP_NOT_FOUND, "text/plain", "no such page\n");
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *size, void **state)
{
	struct web_server *server = arg;
	enum web_document document = 0;
	enum web_verdict verdict;

	(void)version;
	(void)data;
	(void)size;
	(void)state;
	while (document < WEB_DOCUMENTS && strcmp(url, documents[document].path) != 0)
		document++;
	verdict = judge(server, connection, document == WEB_DOCUMENTS);
	if (verdict != WEB_ALLOWED)
		return refuse(server, connection, verdict);
	if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
		return answer_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain",
				   "this page is only looked at\n");
	return document < WEB_DOCUMENTS ? answer_document(server, connection, document)
					: answer_public(server, connection, url);
}

/* libmicrohttpd sees that nothing comes any more, and closes it. */
static void end(struct web_server *server, struct client *client)
{
	if (client->has_ended)
		return;
	client->has_ended = true;
	server->client_count--;
	shutdown(client->fd, SHUT_RDWR);
}

static struct client *oldest(const struct web_server *server)
{
	struct client *client;

	TAILQ_FOREACH(client, &server->clients, link)
		if (!client->has_ended)
			break;
	return client;
}

static void add_client(struct web_server *server, struct MHD_Connection *connection, void **context)
{
	const union MHD_ConnectionInfo *info =
		lib.get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct client *client = calloc(1, sizeof(*client));

	*context = client;
	if (!client || !info) {
		free(client);
		*context = NULL;
		return;
	}
	client->fd = info->connect_fd;
	client->ends_ms = monotonic_ms() + WEB_CLIENT_SECONDS * 1000;
	TAILQ_INSERT_TAIL(&server->clients, client, link);
	if (++server->client_count > WEB_CLIENTS_MAX)
		end(server, oldest(server));
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct web_server *server = arg;
	struct client *client;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		add_client(server, connection, context);
		return;
	}
	client = *context;
	if (!client)
		return;
	TAILQ_REMOVE(&server->clients, client, link);
	server->client_count -= !client->has_ended;
	free(client);
}

static void end_slow(struct web_server *server)
{
	const uint64_t now = monotonic_ms();
	struct client *client;

	TAILQ_FOREACH(client, &server->clients, link) {
		if (client->ends_ms > now)
			break;
		end(server, client);
	}
}

int web_server_open(struct web_server **out, struct iov *iov, const struct web_access *access, int fd)
{
	const unsigned int flags = MHD_USE_EPOLL | (fd < 0 ? MHD_USE_NO_LISTEN_SOCKET : 0);
	const union MHD_DaemonInfo *info = NULL;
	struct web_server *server;
	const char *why = late_library(lib, "libmicrohttpd.so.12", "libmicrohttpd12");

	if (why)
		return iov_told(iov, -ENOSYS, "web: pages are served by libmicrohttpd: %s", why);
	server = calloc(1, sizeof(*server));
	if (!server)
		return -ENOMEM;
	server->iov = iov;
	server->access = access;
	TAILQ_INIT(&server->clients);
	server->http = lib.start_daemon(flags, 0, NULL, NULL, on_request, server,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)WEB_CLIENT_SECONDS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)WEB_REQUEST_MAX,
		MHD_OPTION_STRICT_FOR_CLIENT, 1,
		fd < 0 ? MHD_OPTION_END : MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_END);
	if (server->http)
		info = lib.get_daemon_info(server->http, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info) {
		web_server_close(server);
		return iov_told(iov, -EIO, "web: the HTTP server does not start");
	}
	server->epoll = info->epoll_fd;
	*out = server;
	return 0;
}

int web_server_put(struct web_server *server, enum web_document document, char *text, size_t size)
{
	struct MHD_Response *response = NULL;

	if (text)
		response = make_response(documents[document].type, text, size, MHD_RESPMEM_MUST_FREE);
	if (text && !response) {
		free(text);
		return -ENOMEM;
	}
	if (server->documents[document])
		lib.destroy_response(server->documents[document]);
	server->documents[document] = response;
	return 0;
}

bool web_server_wants(struct web_server *server, enum web_document document)
{
	const bool wanted = server->wanted[document];

	server->wanted[document] = false;
	return wanted;
}

int web_server_add(struct web_server *server, int fd)
{
	const struct sockaddr address = { .sa_family = AF_UNIX };

	return lib.add_connection(server->http, fd, &address, sizeof(address)) == MHD_YES ? 0 : -EIO;
}

void web_server_turn(struct web_server *server, struct pollfd *also, int timeout)
{
	struct pollfd fds[2] = { { .fd = server->epoll, .events = POLLIN }, { .fd = -1 } };
	MHD_UNSIGNED_LONG_LONG wanted;

	lib.run(server->http);
	if (lib.get_timeout(server->http, &wanted) == MHD_YES && (int64_t)wanted < timeout)
		timeout = (int)wanted;
	if (also)
		fds[1] = *also;
	poll(fds, 2, timeout);
	if (also)
		also->revents = fds[1].revents;
	lib.run(server->http);
	end_slow(server);
}

size_t web_server_clients(const struct web_server *server)
{
	return server->client_count;
}

void web_server_close(struct web_server *server)
{
	if (!server)
		return;
	if (server->http)
		lib.stop_daemon(server->http);
	for (unsigned int i = 0; i < WEB_DOCUMENTS; i++)
		if (server->documents[i])
			lib.destroy_response(server->documents[i]);
	free(server);
}
