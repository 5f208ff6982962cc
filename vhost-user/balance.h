/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which worker takes from which ring.
 *
 * Theory of operation.  A ring that a guest sends by, or an uplink, belongs to one worker.
 * A new one goes to the worker with the fewest.  Once a second the loads of the workers are
 * looked at: when one has much more to do than another, it gives away that ring of those it
 * has whose share of the work comes closest to half of the difference, if that makes the
 * two more equal.  A ring that moves belongs to nobody for the moment between two views, in
 * which what the guest sends waits in it; no frame is lost or overtaken.
 *
 * Threads: the control thread.
 */
#ifndef VHOST_USER_BALANCE_H
#define VHOST_USER_BALANCE_H

#include "vhost-user/registry.h"

struct balance;

/**
 * balance_open - look after the loads
 * @out: receives NULL where there is one worker; the caller closes it with balance_close()
 * @registry: registry, with its workers
 *
 * Return: 0, -ENOMEM or -errno.
 */
int balance_open(struct balance **out, struct registry *registry);

/**
 * balance_close - end that
 * @balance: NULL is allowed
 */
void balance_close(struct balance *balance);

/**
 * balance_choose - the worker for one ring or uplink more
 * @registry: registry
 *
 * Return: its number.
 */
unsigned int balance_choose(const struct registry *registry);

/**
 * balance_attach - give a ring that a guest sends by to a worker
 * @port: its port; the caller publishes
 * @queue: the ring, whose kicks wake that worker from now on
 * @worker: number of the worker
 */
void balance_attach(struct port *port, const struct vu_queue *queue, unsigned int worker);

/**
 * balance_detach - take it away
 * @port: its port
 * @queue: the ring, which is in no view any more
 */
void balance_detach(struct port *port, const struct vu_queue *queue);

#endif
