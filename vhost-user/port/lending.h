/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which rings lend what they carry to network devices, see loan.h, and that none ends before
 * all of it is back.
 *
 * A device that reads by DMA reaches all memory of a guest from when its first ring starts
 * until its last one stops.  Memory that is plugged meanwhile, that is translated or still arrives
 * is copied.  A device that keeps a chain for too long, as its link is down, is stopped and
 * started, and gets copies for a while.
 *
 * Threads: the control thread.
 */
#ifndef VHOST_USER_PORT_LENDING_H
#define VHOST_USER_PORT_LENDING_H

#include "vhost-user/port/net_port.h"
#include "vhost-user/port/uplink_port.h"

/**
 * lending_start - a ring that a guest sends by may lend
 * @net: its port
 * @queue: not yet in a view
 *
 * What cannot be lent is copied; why is logged.
 */
void lending_start(struct net_port *net, struct vu_queue *queue);

/**
 * lending_stop - have all of it back
 * @net: its port
 * @queue: in no view any more; all of its chains are given back
 */
void lending_stop(struct net_port *net, struct vu_queue *queue);

/**
 * lending_uplink_comes - rings that run may lend to a device
 * @up: its port, not yet in a view
 */
void lending_uplink_comes(struct uplink_port *up);

/**
 * lending_uplink_goes - a device gives everything back
 * @up: its port, in no view and not in the registry any more
 */
void lending_uplink_goes(struct uplink_port *up);

/**
 * lending_check - free rings from a device that is stuck
 * @registry: registry
 */
void lending_check(struct registry *registry);

/**
 * lending_close - forget timers
 * @registry: registry without ports
 */
void lending_close(struct registry *registry);

#endif
