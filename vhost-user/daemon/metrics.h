/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters for who watches many hosts: OpenMetrics text, by the method "metrics" and
 * over HTTP.
 */
#ifndef VHOST_USER_DAEMON_METRICS_H
#define VHOST_USER_DAEMON_METRICS_H

#include "vhost-user/port/registry.h"

/**
 * metrics_text - all counters as OpenMetrics text
 * @registry: ports
 *
 * Every reason is there, also those that did not occur, so that a rate is right from
 * the first time on.
 *
 * Return: text that the caller frees; NULL without memory.
 */
char *metrics_text(const struct registry *registry);

struct metrics_server;

/**
 * metrics_listen - open the socket of the HTTP server
 * @out: receives the server, which answers after metrics_serve(); closed with
 *	metrics_close()
 * @iov: context, outlives the server
 * @where: path of a Unix socket, made with mode 0660; or [HOST:]PORT on loopback
 *
 * While sockets can be had: the sandbox leaves none of TCP.
 *
 * Return: 0; -EINVAL for an address that is not on loopback; or -errno; with a message.
 */
int metrics_listen(struct metrics_server **out, struct iov *iov, const char *where);

/**
 * metrics_serve - answer
 * @server: server
 * @event: event loop
 * @registry: ports
 *
 * Return: 0 or -errno with a message.
 */
int metrics_serve(struct metrics_server *server, sd_event *event, const struct registry *registry);

/**
 * metrics_close - end the server
 * @server: NULL is allowed
 */
void metrics_close(struct metrics_server *server);

#endif
