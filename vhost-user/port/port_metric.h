/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A number that is exported of ports. */
#ifndef VHOST_USER_PORT_PORT_METRIC_H
#define VHOST_USER_PORT_PORT_METRIC_H

#include <stdbool.h>
#include <stdint.h>

struct port;

/**
 * struct port_metric - a number that every port of a type has
 * @name: metric without its prefix; NULL ends a list
 * @is_gauge: it goes up and down, others only up
 * @unit: NULL for a count
 * @help: what it is
 * @value: of a port
 */
struct port_metric {
	const char *name;
	bool is_gauge;
	const char *unit;
	const char *help;
	uint64_t (*value)(const struct port *port);
};

#endif
