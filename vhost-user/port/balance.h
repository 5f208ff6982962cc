/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which worker takes from which ring.
 *
 * Theory of operation.  A ring that something comes by (a guest sends by it, or it is a queue
 * of an uplink) belongs to one worker.  A new one goes to the worker with the fewest, of those
 * on the NUMA node of the guest's memory when there are such.  Once a second the loads of the
 * workers are looked at: when one has much more to do than another, it gives away that ring
 * of those it has whose share of that work comes closest to half of the difference, if that
 * makes the two more equal.  Work is time, whatever it was spent on: a few large frames may
 * be more than many small ones.  A port's rules may name the CPUs of its workers, whatever the
 * node; what it has stays there.
 * A ring that moves belongs to nobody for the moment between two views, in which what the
 * guest sends waits in it; no frame is lost or overtaken.
 *
 * Threads: the control thread.
 */
#ifndef VHOST_USER_PORT_BALANCE_H
#define VHOST_USER_PORT_BALANCE_H

#include "vhost-user/port/port.h"

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
 * balance_choose - the worker for one ring or uplink queue more
 * @port: its port
 *
 * Return: its number.
 */
unsigned int balance_choose(const struct port *port);

/**
 * balance_check_cpus - judge the CPUs that rules name
 * @registry: registry
 * @port: name of the port, for the message
 * @cpus: CPU list; NULL for any
 *
 * Return: 0, or -EINVAL with a message when no worker runs there.
 */
int balance_check_cpus(const struct registry *registry, const char *port, const char *cpus);

/**
 * balance_apply - move what a port has to where its rules want it
 * @port: port; views are published for what moves
 */
void balance_apply(struct port *port);

/**
 * struct balance_share - what is taken from, and what that cost lately
 * @worker: who takes from it
 * @allowed: a bit for each worker that may
 * @cycles: of the time stamp counter
 */
struct balance_share {
	unsigned int worker;
	uint64_t allowed;
	uint64_t cycles;
};

/**
 * balance_decide - what should move, and where to
 * @loads: of each worker, as a share of the time
 * @workers: how many there are
 * @shares: all of them
 * @count: length of @shares
 * @to: receives the worker that the share should move to
 *
 * Return: index of the share, or -1 for none.
 */
int balance_decide(const double *loads, unsigned int workers, const struct balance_share *shares,
		   unsigned int count, unsigned int *to);

/**
 * balance_attach_all - give rings that no guest kicks to workers
 * @port: their port; the caller publishes
 * @count: the first ones, all of which are sources
 */
void balance_attach_all(struct port *port, unsigned int count);

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
