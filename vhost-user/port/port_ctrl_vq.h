/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control queue of a port, on the control thread: kicks wake the event loop,
 * commands change struct port's @net, and the worker has its new view before the
 * driver learns that a command is done.
 */
#ifndef VHOST_USER_PORT_PORT_CTRL_VQ_H
#define VHOST_USER_PORT_PORT_CTRL_VQ_H

#include "vhost-user/port/registry.h"

/**
 * port_control_start - serve the control queue of a port
 * @port: it has none at present
 * @queue: the ring, started
 *
 * A failure is logged, and the queue stays unserved.
 */
void port_control_start(struct port *port, struct vu_queue *queue);

/**
 * port_control_stop - end that
 * @port: with or without a control queue
 */
void port_control_stop(struct port *port);

#endif
