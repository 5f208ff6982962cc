/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports and bridges as the control thread knows them.
 *
 * Every change here draws a new view for the worker and publishes it; what a
 * change takes away is freed after that.
 */
#ifndef VHOST_USER_PORT_REGISTRY_H
#define VHOST_USER_PORT_REGISTRY_H

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "base/iov.h"
#include "vhost-user/port/bridge.h"
#include "vhost-user/port/port.h"
#include "vhost-user/port/qos_groups.h"
#include "vhost-user/port/worker.h"
#include "vhost-user/switch/datapath.h"
#include "vhost-user/token_bucket.h"

struct balance;
struct disks;
struct dp_view;
struct forwarder;
struct positions;

/**
 * struct registry - all of them
 * @iov: context of the control thread
 * @event: its event loop
 * @workers: who forward
 * @worker_count: how many
 * @forwarders: the network of each of them
 * @disks: what they poll of disks; NULL when there are none
 * @balance: who takes from what, changed as the load does; NULL for one worker
 * @postcopy: ports offer that guest memory arrives while the guest runs
 * @positions: where rings stand, for the next iovd; NULL when nobody keeps that
 * @lending_pause: ends when devices may have guest memory again; NULL mostly
 * @ports: ports in the order in which they were added
 * @bridges: bridges in the order in which they were added
 * @qos: groups in the order in which they were added
 * @keep: called when a guest changed something that the next iovd has to know; NULL when
 *	nobody keeps that
 * @keep_arg: its argument
 * @leave: called when the process ends and a medium does not give back what it was given, instead of
 *	waiting for that; does not return; NULL to wait
 * @removed: what was counted of ports that are not there any more
 */
struct registry {
	struct iov *iov;
	sd_event *event;
	struct workers *workers;
	unsigned int worker_count;
	struct forwarder *forwarders[WORKERS_MAX];
	struct disks *disks;
	struct balance *balance;
	bool postcopy;
	struct positions *positions;
	sd_event_source *attention;
	sd_event_source *attention_again;
	struct token_bucket attention_work;
	sd_event_source *lending_pause;
	struct dp_view *spares[WORKERS_MAX];
	uint32_t generation;
	struct port_list ports;
	struct bridge_list bridges;
	struct qos_list qos;
	void (*keep)(void *arg);
	void *keep_arg;
	void (*leave)(void);
	struct dp_counters removed;
};

/**
 * registry_open - an empty registry
 * @out: receives it; the caller closes it with registry_close()
 * @iov: context of the control thread
 * @event: its event loop
 * @workers: who forward; stay the caller's
 * @positions: where rings stand, outlives the registry; NULL when nobody keeps that
 *
 * Return: 0 or -errno with a message.
 */
int registry_open(struct registry **out, struct iov *iov, sd_event *event, struct workers *workers,
		  struct positions *positions);

/**
 * registry_close - remove all ports and bridges
 * @registry: NULL is allowed
 */
void registry_close(struct registry *registry);

/**
 * registry_publish - let the workers forward by what is in the registry now
 * @registry: registry
 */
void registry_publish(struct registry *registry);

/**
 * registry_inject - let a frame come from a port
 * @registry: registry
 * @port: identity of the port
 * @bytes: the frame
 * @length: its bytes, at most FRAME_HEAD_MAX
 *
 * Return: 0, or -ENOBUFS when too many are waiting.
 */
int registry_inject(struct registry *registry, uint32_t port, const uint8_t *bytes,
		    uint32_t length);

/**
 * port_add - add a port
 * @registry: registry
 * @options: what it is
 * @out: receives the port, which stays the registry's
 *
 * Return: 0; -EEXIST when the name or socket is taken; -ENOENT without that
 * bridge; -ENOSPC; or what opening it gave; with a message.
 */
int port_add(struct registry *registry, const struct port_options *options, struct port **out);

/**
 * port_rehearse - whether port_add() would succeed
 * @registry: registry, which does not change
 * @options: what the port would be
 *
 * Return: 0, or what port_add() would fail with, as far as that can be told without making a
 * socket or starting a device; with a message.
 */
int port_rehearse(struct registry *registry, const struct port_options *options);

/**
 * port_remove - remove a port
 * @registry: registry
 * @port: port, of any type
 */
void port_remove(struct registry *registry, struct port *port);

/**
 * port_find - a port that carries frames by its name
 * @registry: registry
 * @name: its name
 * @out: receives the port
 *
 * Return: 0 or -ENOENT with a message.
 */
int port_find(struct registry *registry, const char *name, struct port **out);

/**
 * registry_check_name - judge a name
 * @iov: context
 * @what: "port" or "bridge", for the message
 * @name: the name
 *
 * Return: 0 or -EINVAL with a message.
 */
int registry_check_name(struct iov *iov, const char *what, const char *name);

#endif
