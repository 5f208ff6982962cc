// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/port/front_end.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vhost-user/port/registry.h"
#include "vhost-user/ring/ring_features.h"

int front_end_check(struct iov *iov, const struct port_options *options)
{
	if ((options->mode || options->owner) && !options->server)
		return iov_fail(iov, -EINVAL, "%s: only a server's socket has a mode and an owner of "
				"iovd's; make it a server, or leave them out", options->name);
	return 0;
}

static int take_options(struct front_end *front, struct iov *iov,
			const struct port_options *options)
{
	int error;

	front->access = (struct socket_access)SOCKET_ACCESS(0660);
	error = socket_access_parse(&front->access, iov, options->mode, options->owner);
	if (error)
		return error;
	front->server = options->server;
	front->any_memory = options->any_memory;
	front->fd = options->fd;
	if (options->socket)
		front->socket = strdup(options->socket);
	else if (asprintf(&front->socket, "fd %d", options->fd) < 0)
		front->socket = NULL;
	return front->socket ? 0 : -ENOMEM;
}

int front_end_rehearse(struct port *port, const struct port_options *options)
{
	struct iov *iov = port->registry->iov;
	struct listener listener;
	char whose[PORT_NAME_MAX + sizeof("port ")];
	int error = take_options(&port->front_end, iov, options);

	if (!error && !options->fd)
		error = listener_address(&listener, iov, options->socket);
	if (error || options->fd || !options->server)
		return error;
	snprintf(whose, sizeof(whose), "port %s", port->name);
	return listener_rehearse(&listener, iov, whose);
}

static int open_endpoint(struct port *port, const struct vu_device *device)
{
	struct front_end *front = &port->front_end;
	struct iov *iov = port->registry->iov, *log = port_log_context(front->log);
	int error;

	if (front->fd)
		error = vu_endpoint_adopt(&front->endpoint, log, port->registry->event, front->fd,
					  device);
	else
		error = vu_endpoint_open(&front->endpoint, log, port->registry->event, front->socket,
					 front->server ? VU_SERVER : VU_CLIENT, device,
					 &front->access);
	if (error)
		iov_fail_as(iov, iov_failure(log, error), error, "%s", iov_error_message(log));
	return error;
}

int front_end_open(struct port *port, const struct port_options *options,
		   const struct vu_device *device)
{
	struct vu_device complete = *device;
	struct iov *iov = port->registry->iov;
	int error = take_options(&port->front_end, iov, options);

	static_assert(PORT_RINGS_MAX <= POSITIONS_RINGS, "a port's rings have room there");
	complete.name = port->name;
	complete.any_memory = options->any_memory;
	complete.positions = positions_of(port->registry->positions, port->name);
	if (!error)
		error = port_log_open(&port->front_end.log, iov, port->name);
	if (!error)
		error = vu_trace_open(&port->front_end.trace);
	complete.trace = port->front_end.trace;
	return error ? error : open_endpoint(port, &complete);
}

bool front_end_end(struct port *port)
{
	return !port->front_end.endpoint || vu_endpoint_end(port->front_end.endpoint);
}

void front_end_close(struct port *port)
{
	struct front_end *front = &port->front_end;

	vu_endpoint_close(front->endpoint);
	front->endpoint = NULL;
	vu_trace_close(front->trace);
	front->trace = NULL;
	port_log_close(front->log);
	front->log = NULL;
	free(front->socket);
	front->socket = NULL;
}

struct vu_session *front_end_session(const struct port *port)
{
	return port->front_end.endpoint ? vu_endpoint_session(port->front_end.endpoint) : NULL;
}

void front_end_attend(struct port *port)
{
	struct vu_session *session = front_end_session(port);

	if (session)
		vu_session_attend(session);
}

const char *front_end_feature_name(const struct port_type *type, unsigned int bit)
{
	const char *name = type->feature_name(bit);

	return name ? name : ring_feature_name(bit);
}

static struct json_object *features_json(const struct port *port, uint64_t features)
{
	struct json_object *names = json_object_new_array();

	for (unsigned int bit = 0; bit < 64; bit++) {
		const char *name = front_end_feature_name(port->type, bit);

		if (name && features & VIRTIO_BIT(bit))
			json_object_array_add(names, json_object_new_string(name));
	}
	return names;
}

static void describe_access(const struct front_end *front, struct json_object *object)
{
	char mode[IOV_SOCKET_MODE_SIZE], owner[IOV_SOCKET_OWNER_SIZE];

	if (!front->server)
		return;
	snprintf(mode, sizeof(mode), "%04o", front->access.mode & 0777);
	json_object_object_add(object, "socket_mode", json_object_new_string(mode));
	if (socket_access_owner(&front->access, owner))
		json_object_object_add(object, "socket_owner", json_object_new_string(owner));
}

static void describe_memory(const struct front_end *front, struct json_object *object)
{
	if (front->any_memory)
		json_object_object_add(object, "any_memory", json_object_new_boolean(true));
}

static void describe_tracers(const struct front_end *front, struct json_object *object)
{
	unsigned int count = front->trace ? vu_trace_count(front->trace) : 0;

	if (count)
		json_object_object_add(object, "tracers", json_object_new_int((int)count));
}

static uint64_t running_rings(const struct port *port)
{
	uint64_t count = 0;

	for (unsigned int i = 0; i < port->queue_end; i++)
		count += port->queues[i] && port->queues[i]->enabled;
	return count;
}

void front_end_describe(const struct port *port, struct json_object *object)
{
	const struct front_end *front = &port->front_end;
	const struct vu_session *session = front_end_session(port);
	const char *state = session ? "connected" : front->server ? "listening" : "connecting";

	json_object_object_add(object, "socket", json_object_new_string(front->socket));
	json_object_object_add(object, "mode",
			       json_object_new_string(front->server ? "server" : "client"));
	describe_access(front, object);
	describe_memory(front, object);
	describe_tracers(front, object);
	json_object_object_add(object, "state", json_object_new_string(state));
	json_object_object_add(object, "queues", json_object_new_int((int)running_rings(port)));
	if (session)
		json_object_object_add(object, "features",
				       features_json(port, vu_session_features(session)));
}

void front_end_save(const struct port *port, struct json_object *entry)
{
	const struct front_end *front = &port->front_end;

	json_object_object_add(entry, "socket", json_object_new_string(front->socket));
	json_object_object_add(entry, "server", json_object_new_boolean(front->server));
	describe_access(front, entry);
	describe_memory(front, entry);
}

static uint64_t messages(const struct port *port)
{
	struct vu_stats stats;

	vu_endpoint_stats(port->front_end.endpoint, &stats);
	return stats.messages;
}

static uint64_t suppressed(const struct port *port)
{
	return port_log_suppressed(port->front_end.log);
}

void front_end_count(const struct port *port, struct json_object *object)
{
	json_object_object_add(object, "messages", json_object_new_uint64(messages(port)));
	json_object_object_add(object, "log_lines_left_out",
			       json_object_new_uint64(suppressed(port)));
}

void front_end_reasons(const struct port *port, enum reason_kind kind,
		       uint64_t counters[REASONS_MAX])
{
	struct vu_stats stats;

	vu_endpoint_stats(port->front_end.endpoint, &stats);
	if (kind == REASON_REFUSED)
		memcpy(counters, stats.refused, sizeof(stats.refused));
	else if (kind == REASON_BROKEN)
		memcpy(counters, stats.broken, sizeof(stats.broken));
	else
		memcpy(counters, vu_endpoint_events(port->front_end.endpoint),
		       VU_EVENTS * sizeof(*counters));
}

const struct port_metric front_end_metrics[] = {
	{ "port_queues", true, NULL, "Rings of a guest that run", running_rings },
	{ "port_messages", false, NULL, "Messages of a front end that were accepted", messages },
	{ "port_suppressed_log_lines", false, NULL,
	  "Lines about a front end that were left out of the log", suppressed },
	{ NULL },
};
