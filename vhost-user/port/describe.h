/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports as JSON.
 *
 * Threads: the control thread.
 */
#ifndef VHOST_USER_PORT_DESCRIBE_H
#define VHOST_USER_PORT_DESCRIBE_H

#include "vhost-user/port/port.h"

/**
 * port_describe - what is known about a port
 * @port: port
 *
 * Return: an object; the caller puts it.
 */
struct json_object *port_describe(const struct port *port);

/**
 * port_stats - counters of a port
 * @port: port
 *
 * Return: an object with "port", "rx_packets", "rx_bytes", "tx_packets", "tx_bytes"
 * "drops" and "rings"; of a guest also "messages", "refused", "broken", "connections" and
 * "log_lines_left_out"; the caller puts it.  Objects have the reasons that
 * occurred.
 */
struct json_object *port_stats(const struct port *port);

/**
 * port_show - all of that
 * @port: port
 *
 * Return: that of port_describe() with "counters" and "rings"; the caller puts it.
 */
struct json_object *port_show(const struct port *port);

/**
 * port_ring_json - what is known about any ring
 * @port: its port
 * @index: its number
 * @direction: what it is for; NULL to leave that out
 *
 * Return: an object with "ring", "direction", and "kind", "entries" and "state" of one that a
 * guest has; the caller puts it.
 */
struct json_object *port_ring_json(const struct port *port, unsigned int index,
				   const char *direction);

/**
 * port_ring_add_cpu - add where the worker is that takes from a ring, if one does
 * @ring: gets "cpu"
 * @port: its port
 * @index: its number
 */
void port_ring_add_cpu(struct json_object *ring, const struct port *port, unsigned int index);

#endif
