/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's network device behind its vhost-user session.
 *
 * Threads: the control thread.
 */
#ifndef VHOST_USER_PORT_NET_SESSION_H
#define VHOST_USER_PORT_NET_SESSION_H

#include "vhost-user/port/net_port.h"

/**
 * net_session_open - serve a guest at a port
 * @net: port, with its device set up
 * @options: with its socket; front_end_close() ends it
 *
 * Return: 0 or -errno with a message.
 */
int net_session_open(struct net_port *net, const struct port_options *options);

/**
 * net_session_pay_calls - make the calls that waited at receive queues not in use
 * @net: port, after the workers were given views without those
 */
void net_session_pay_calls(struct net_port *net);

#endif
