/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clients that look at the messages of a port, by the connection that they asked on.
 *
 * Records are made into JSON when nothing else is to be done, so that no front end waits for that.
 */
#ifndef VHOST_USER_DAEMON_TRACING_H
#define VHOST_USER_DAEMON_TRACING_H

#include "vhost-user/daemon/methods.h"

/* Clients that look, at all ports together. */
#define TRACING_MAX 16

/**
 * tracing_start - whoever asks is told of each message of a port from now on
 * @methods: what the methods work on
 * @port: port with a front end
 *
 * The messages are called "trace" and have as parameters what trace_json() gives.  It ends with
 * the connection, or with the port.
 *
 * Return: 0; -EINVAL for a port without a front end; -EBUSY when there are too many, or the peer
 * looks at one already; or -errno; with a message.
 */
int tracing_start(struct methods *methods, struct port *port);

#endif
