/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The front end of a port: its vhost-user socket and connection, and what is said of them. */
#ifndef VHOST_USER_PORT_FRONT_END_H
#define VHOST_USER_PORT_FRONT_END_H

#include <json-c/json.h>
#include <stdbool.h>

#include "vhost-user/port/port_log.h"
#include "vhost-user/port/port_metric.h"
#include "vhost-user/port/reasons.h"
#include "vhost-user/protocol/endpoint.h"
#include "vhost-user/protocol/trace.h"

struct port;
struct port_options;
struct port_type;

/**
 * struct front_end - see above; all zero for a port without one
 * @socket: path of the vhost-user socket, or "fd 3" for an inherited one
 * @fd: the inherited one; 0 for none
 * @server: iovd listens there
 * @access: who may connect to it then
 * @any_memory: what it shares may be on any file system, see file_part.h
 * @log: what is said of the front end
 * @trace: who looks at its messages
 * @endpoint: socket and connection
 */
struct front_end {
	char *socket;
	int fd;
	bool server;
	struct socket_access access;
	bool any_memory;
	struct port_log *log;
	struct vu_trace *trace;
	struct vu_endpoint *endpoint;
};

/**
 * front_end_check - judge the options of a socket
 * @iov: context
 * @options: of a port of any type
 *
 * Return: 0 or -EINVAL with a message.
 */
int front_end_check(struct iov *iov, const struct port_options *options);

/**
 * front_end_rehearse - whether front_end_open() would succeed, without doing it
 * @port: port, with its name
 * @options: as for front_end_open()
 *
 * Return: 0 or -errno with a message; front_end_close() follows in any case.
 */
int front_end_rehearse(struct port *port, const struct port_options *options);

/**
 * front_end_open - serve a front end
 * @port: port, with its name
 * @options: with @socket or @fd
 * @device: what is served, but for what all ports' devices have
 *
 * Return: 0 or -errno with a message; front_end_close() follows in any case.
 */
int front_end_open(struct port *port, const struct port_options *options,
		   const struct vu_device *device);

/**
 * front_end_end - serve nobody any more
 * @port: port, which is closed next
 *
 * May be called again and again, for rings that drain.
 *
 * Return: whether all rings have stopped, so that front_end_close() waits for nothing.
 */
bool front_end_end(struct port *port);

/**
 * front_end_close - end that
 * @port: any port
 */
void front_end_close(struct port *port);

/**
 * front_end_session - the connection
 * @port: any port
 *
 * Return: NULL while there is none.
 */
struct vu_session *front_end_session(const struct port *port);

/**
 * front_end_attend - stop the rings that the guest broke, and send calls that are messages
 * @port: any port
 */
void front_end_attend(struct port *port);

/**
 * front_end_feature_name - as users read it
 * @type: type of a port with a front end
 * @bit: number of a feature of virtio
 *
 * Return: that of its device or of rings; NULL for one that is of neither.
 */
const char *front_end_feature_name(const struct port_type *type, unsigned int bit);

/**
 * front_end_describe - add what is known about a connection
 * @port: port with a front end
 * @object: gets "socket", "mode", "socket_mode", "socket_owner", "state", "queues" and
 *	"features"
 */
void front_end_describe(const struct port *port, struct json_object *object);

/**
 * front_end_save - add what front_end_open() needs again
 * @port: port with a front end
 * @entry: gets "socket", "server", and "socket_mode" and "socket_owner" of a server
 */
void front_end_save(const struct port *port, struct json_object *entry);

/**
 * front_end_count - add counters of a connection
 * @port: port with a front end
 * @object: gets "messages" and "log_lines_left_out"
 */
void front_end_count(const struct port *port, struct json_object *object);

/**
 * front_end_reasons - what is counted under reasons of a connection
 * @port: port with a front end
 * @kind: REASON_REFUSED, REASON_BROKEN or REASON_EVENT
 * @counters: receives them
 */
void front_end_reasons(const struct port *port, enum reason_kind kind,
		       uint64_t counters[REASONS_MAX]);

/* Of every port with a front end. */
extern const struct port_metric front_end_metrics[];

#endif
