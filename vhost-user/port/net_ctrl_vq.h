/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control queue of a port, on the control thread: kicks wake the event loop,
 * commands change struct net_port's @device, and the worker has its new view before the
 * driver learns that a command is done.
 */
#ifndef VHOST_USER_PORT_NET_CTRL_VQ_H
#define VHOST_USER_PORT_NET_CTRL_VQ_H

#include "vhost-user/port/net_port.h"

/**
 * net_ctrl_vq_start - serve the control queue of a port
 * @net: it has none at present
 * @queue: the ring, started
 *
 * A failure is logged, and the queue stays unserved.
 */
void net_ctrl_vq_start(struct net_port *net, struct vu_queue *queue);

/**
 * net_ctrl_vq_stop - end that
 * @net: with or without a control queue
 */
void net_ctrl_vq_stop(struct net_port *net);

#endif
