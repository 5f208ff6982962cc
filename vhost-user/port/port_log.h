/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log of a port, whose front end decides how much there is to say: a context of
 * its own, which hands so many lines on and counts the others.
 */
#ifndef VHOST_USER_PORT_PORT_LOG_H
#define VHOST_USER_PORT_PORT_LOG_H

#include <stdint.h>

#include "base/iov.h"

/* Lines at once, and microseconds until there may be another. */
#define PORT_LOG_LINES 50
#define PORT_LOG_EACH 2000000

/* What a line is about that is of a port or disk, for iov_log_with(). */
#define PORT_FIELDS(name) ((const struct iov_field[]){ { "IOV_PORT", (name) }, { 0 } })

struct port_log;

/**
 * port_log_open - a context that logs to another
 * @out: receives it; closed with port_log_close()
 * @iov: where its lines go
 * @name: for the line that says how many were left out
 *
 * Return: 0 or -ENOMEM with a message.
 */
int port_log_open(struct port_log **out, struct iov *iov, const char *name);

/**
 * port_log_close - end it
 * @log: NULL is allowed
 */
void port_log_close(struct port_log *log);

/**
 * port_log_context - the context
 * @log: log
 */
struct iov *port_log_context(const struct port_log *log);

/**
 * port_log_suppressed - lines that were left out
 * @log: log
 */
uint64_t port_log_suppressed(const struct port_log *log);

#endif
