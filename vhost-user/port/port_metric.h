/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers that are exported of ports. */
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

/* Bounds of times that are exported. */
#define PORT_TIMES 23

/**
 * struct port_time_bound - one of them
 * @ns: nanoseconds
 * @text: the same in seconds, in the canonical form of OpenMetrics 1.0
 */
struct port_time_bound {
	uint64_t ns;
	const char *text;
};

/* In their order: from half a microsecond to ten seconds. */
extern const struct port_time_bound port_time_bounds[PORT_TIMES];

/**
 * struct port_times - how long something took
 * @count: how often it happened
 * @counts: how often it took no longer than each bound
 * @seconds: in all
 */
struct port_times {
	uint64_t count;
	uint64_t counts[PORT_TIMES];
	double seconds;
};

/**
 * struct port_histogram - how long what every port of a type does takes, by its kind
 * @name: metric without its prefix
 * @help: what it is
 * @label: what a kind is called
 * @count: how many kinds there are
 * @label_of: name of a kind
 * @times_of: those of a kind; false when it is not exported
 */
struct port_histogram {
	const char *name;
	const char *help;
	const char *label;
	unsigned int count;
	const char *(*label_of)(unsigned int kind);
	bool (*times_of)(const struct port *port, unsigned int kind, struct port_times *times);
};

#endif
