/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The network as a worker polls it: the view that it forwards by, and frames that the
 * control thread sends.
 */
#ifndef VHOST_USER_SWITCH_FORWARDER_H
#define VHOST_USER_SWITCH_FORWARDER_H

#include "vhost-user/pollable.h"
#include "vhost-user/switch/datapath.h"

struct forwarder;

/**
 * forwarder_open - the network of one worker, with an empty view
 * @out: receives it; the caller closes it with forwarder_close()
 * @attention_fd: eventfd that is written when a ring breaks; stays the caller's
 *
 * Return: 0 or -ENOMEM.
 */
int forwarder_open(struct forwarder **out, int attention_fd);

/**
 * forwarder_close - free it; its view holds no ports any more
 * @forwarder: NULL is allowed; no worker polls it any more
 */
void forwarder_close(struct forwarder *forwarder);

/**
 * forwarder_pollable - what a worker is given
 * @forwarder: forwarder
 *
 * Return: valid as long as @forwarder.
 */
struct pollable *forwarder_pollable(struct forwarder *forwarder);

/**
 * forwarder_exchange - forward by another view from now on
 * @forwarder: forwarder; on the control thread
 * @view: belongs to it
 *
 * Return: the old view, the caller's when the worker went through a quiescent state.
 */
struct dp_view *forwarder_exchange(struct forwarder *forwarder, struct dp_view *view);

/**
 * forwarder_inject - let a frame come from a port
 * @forwarder: forwarder; on the control thread, which wakes the worker then
 * @port: identity of the port
 * @bytes: the frame
 * @length: its bytes, at most FRAME_HEAD_MAX
 *
 * Return: 0, or -ENOBUFS when too many are waiting.
 */
int forwarder_inject(struct forwarder *forwarder, uint32_t port, const uint8_t *bytes,
		     uint32_t length);

/**
 * forwarder_ticks - the clock of MAC tables, MAC_TABLE_SECOND to the second
 */
uint32_t forwarder_ticks(void);

#endif
