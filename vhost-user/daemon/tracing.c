// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/daemon/tracing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vhost-user/daemon/control_socket.h"
#include "vhost-user/port/trace_json.h"

/* Records that are told before somebody else has a turn. */
#define RECORDS_AT_ONCE 16

/**
 * struct tracing - a client and what it looks at
 * @methods: whose @tracers it is among
 * @name: of the port, which may be gone
 * @type: its type
 * @tracer: where its records come from
 * @peer: whom they are for
 * @source: runs while there are records and room
 */
struct tracing {
	struct methods *methods;
	char name[PORT_NAME_MAX + 1];
	const struct port_type *type;
	struct vu_tracer *tracer;
	struct control_peer *peer;
	sd_event_source *source;
};

static void end(void *arg)
{
	struct tracing *tracing = arg;

	sd_event_source_disable_unref(tracing->source);
	vu_tracer_close(tracing->tracer);
	tracing->methods->tracers--;
	free(tracing);
}

static void go_on(void *arg)
{
	struct tracing *tracing = arg;

	sd_event_source_set_enabled(tracing->source, SD_EVENT_ONESHOT);
}

static bool tell(struct tracing *tracing, const struct vu_trace_record *record)
{
	control_peer_tell(tracing->peer, "trace",
			  trace_json(tracing->name, tracing->type, record));
	return record->kind != VU_TRACE_EVENT || record->event != VU_TRACE_REMOVED;
}

static int on_turn(sd_event_source *source, void *arg)
{
	struct tracing *tracing = arg;
	struct vu_trace_record record;

	(void)source;
	for (unsigned int i = 0; i < RECORDS_AT_ONCE; i++) {
		/* Without room it goes on when the peer has read. */
		if (!control_peer_has_room(tracing->peer) ||
		    !vu_tracer_next(tracing->tracer, &record))
			return 0;
		if (!tell(tracing, &record)) {
			control_peer_unfollow(tracing->peer);
			end(tracing);
			return 0;
		}
	}
	go_on(tracing);
	return 0;
}

static int attach(struct tracing *tracing, struct port *port)
{
	const struct control_follower follower = { go_on, end, tracing };
	struct methods *methods = tracing->methods;
	int error = vu_tracer_open(&tracing->tracer, port->front_end.trace, go_on, tracing);

	if (!error)
		error = sd_event_add_defer(methods->registry->event, &tracing->source, on_turn, tracing);
	if (error >= 0)
		error = sd_event_source_set_priority(tracing->source, SD_EVENT_PRIORITY_IDLE);
	return error < 0 ? error
			 : control_socket_follow(methods->control, &follower, &tracing->peer);
}

static int fail(struct iov *iov, const struct port *port, int error)
{
	switch (error) {
	case -EBUSY:
		return iov_fail_as(iov, IOV_FAILURE_OTHER, error, "%s: %d clients trace it already; end "
				   "one of them", port->name, VU_TRACERS_MAX);
	case -EALREADY:
		return iov_fail(iov, -EBUSY, "this connection traces a port already; use another one");
	case -EOPNOTSUPP:
		return iov_fail(iov, -EOPNOTSUPP, "there is no connection to trace by");
	default:
		return iov_told(iov, error, "%s: cannot be traced: %s", port->name, strerror(-error));
	}
}

int tracing_start(struct methods *methods, struct port *port)
{
	struct iov *iov = methods->registry->iov;
	struct tracing *tracing;
	int error;

	if (!port->front_end.trace)
		return iov_fail(iov, -EINVAL, "%s: is of type %s and has no front end whose messages "
				"could be traced", port->name, port->type->name);
	if (methods->tracers == TRACING_MAX)
		return iov_fail_as(iov, IOV_FAILURE_OTHER, -EBUSY, "%d clients trace ports already; end "
				   "one of them", TRACING_MAX);
	tracing = calloc(1, sizeof(*tracing));
	if (!tracing)
		return iov_fail(iov, -ENOMEM, "out of memory");
	methods->tracers++;
	tracing->methods = methods;
	tracing->type = port->type;
	memcpy(tracing->name, port->name, sizeof(tracing->name));
	error = attach(tracing, port);
	if (!error)
		return 0;
	end(tracing);
	return fail(iov, port, error);
}
