/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What iovd does for its clients. */
#ifndef VHOST_USER_DAEMON_METHODS_H
#define VHOST_USER_DAEMON_METHODS_H

#include "vhost-user/daemon/jsonrpc.h"

#include "vhost-user/daemon/saved_ports.h"
#include "vhost-user/port/registry.h"

struct control_socket;

/**
 * struct methods - what the methods work on
 * @registry: ports and bridges
 * @saved: written after each change; NULL when nothing is kept
 * @control: where clients ask; NULL for nowhere
 * @tracers: clients that look at messages of ports
 */
struct methods {
	struct registry *registry;
	struct saved_ports *saved;
	struct control_socket *control;
	unsigned int tracers;
};

/* Methods for control_socket_open(), whose argument is a struct methods. */
extern const struct jsonrpc_method iovd_methods[];

#endif
