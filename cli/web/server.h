/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The HTTP server of the live page: it hands out what it was given, and looks at nothing itself.
 */
#ifndef IOV_CLI_WEB_SERVER_H
#define IOV_CLI_WEB_SERVER_H

#include <poll.h>
#include <stddef.h>

#include "base/iov.h"
#include "cli/web/access.h"

/* Connections at once; one more ends the oldest. */
#define WEB_CLIENTS_MAX 64
/* Seconds that one may take for its request and for the answer. */
#define WEB_CLIENT_SECONDS 20
/* Bytes of a request with its headers. */
#define WEB_REQUEST_MAX 8192

/* What changes. */
enum web_document {
	WEB_LIVE,	/* counters, rates and states */
	WEB_HISTORY,	/* of the last quarter of an hour */
	WEB_HOST,	/* the map, and what is checked */
	WEB_METRICS,	/* as OpenMetrics text */
	WEB_DOCUMENTS,
};

struct web_server;

/**
 * web_server_open - begin to answer
 * @out: receives the server, closed with web_server_close()
 * @iov: context, which logs what was refused; outlives the server
 * @access: who may look; outlives the server
 * @fd: a listening socket, which the server closes; -1: connections come by web_server_add()
 *
 * Return: 0, or -errno with a message.
 */
int web_server_open(struct web_server **out, struct iov *iov, const struct web_access *access, int fd);

/**
 * web_server_put - what is handed out from now on
 * @server: server
 * @document: which of them
 * @text: its text, taken over (free()); NULL: there is none any more
 * @size: in bytes
 *
 * Answers that are under way end with the text that they began with.
 *
 * Return: 0 or -ENOMEM.
 */
int web_server_put(struct web_server *server, enum web_document document, char *text, size_t size);

/**
 * web_server_wants - whether somebody asked for a document since the last call
 * @server: server
 * @document: which of them
 */
bool web_server_wants(struct web_server *server, enum web_document document);

/**
 * web_server_add - a connection from elsewhere
 * @server: server without a listening socket
 * @fd: connected Unix socket, which the server closes
 *
 * Return: 0 or -EIO.
 */
int web_server_add(struct web_server *server, int fd);

/**
 * web_server_turn - answer what has come, and wait for more
 * @server: server
 * @also: ends the wait as well; NULL for nothing
 * @timeout: milliseconds to wait at most
 */
void web_server_turn(struct web_server *server, struct pollfd *also, int timeout);

/**
 * web_server_clients - how many are connected
 * @server: server
 */
size_t web_server_clients(const struct web_server *server);

/**
 * web_server_close - end all connections, and the server
 * @server: NULL is allowed
 */
void web_server_close(struct web_server *server);

#endif
