/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets of TCP that this host alone reaches. */
#ifndef VHOST_USER_SOCKET_LOOPBACK_H
#define VHOST_USER_SOCKET_LOOPBACK_H

#include <stdbool.h>

#include "base/iov.h"

/* Whether loopback_listen() takes @where. */
bool loopback_is_place(const char *where);

/**
 * loopback_listen - listen at a port on loopback
 * @iov: context
 * @option: for messages, "--metrics"
 * @where: "9105", "127.0.0.1:9105" or "[::1]:9105"
 * @backlog: connections that may wait
 * @fd: receives the socket, non-blocking, the caller's
 *
 * Return: 0; -EINVAL for an address that is not on loopback; -EADDRINUSE when somebody listens
 * there; or -errno; with a message.
 */
int loopback_listen(struct iov *iov, const char *option, const char *where, int backlog, int *fd);

#endif
