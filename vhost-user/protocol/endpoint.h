/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The socket of a vhost-user port, and its connection while there is one.
 *
 * As a server it listens, and serves one front end at a time; as a client it
 * connects, and tries again for as long as nobody listens.  Either way the
 * device sees rings come and go, and connections only in its state.
 *
 * A front end that connects all the time, or whose messages keep the thread busy,
 * waits: there is credit for both, see endpoint.c.
 *
 * Threads: the thread that runs the event loop.
 */
#ifndef VHOST_USER_PROTOCOL_ENDPOINT_H
#define VHOST_USER_PROTOCOL_ENDPOINT_H

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "base/iov.h"
#include "vhost-user/protocol/session.h"
#include "vhost-user/socket/listener.h"

struct vu_endpoint;

/**
 * enum vu_endpoint_mode - who listens
 * @VU_SERVER: iovd does, and the VMM connects
 * @VU_CLIENT: the VMM does, and iovd connects
 * @VU_CONNECTED: nobody; there is the one connection that was inherited
 */
enum vu_endpoint_mode {
	VU_SERVER,
	VU_CLIENT,
	VU_CONNECTED,
};

/**
 * enum vu_event - what becomes of connections; each is counted
 */
enum vu_event {
	VU_EVENT_CONNECTED,	/* a front end connected */
	VU_EVENT_CLOSED,	/* it closed the connection */
	VU_EVENT_ENDED,		/* we did, as it broke the protocol or takes no replies */
	VU_EVENT_LOST,		/* the socket failed */
	VU_EVENT_TURNED_AWAY,	/* it came while another was connected */
	VU_EVENT_HELD_OFF,	/* connecting had to wait, as there were too many before */
	VU_EVENT_SLOWED,	/* messages had to wait, as those before took too long */
	VU_EVENT_FAILED,	/* we had no descriptor or memory for it */
	VU_EVENTS
};

/**
 * vu_event_name - name of an event for counters
 * @event: below VU_EVENTS
 */
const char *vu_event_name(enum vu_event event);

/**
 * vu_endpoint_open - serve front ends at a socket
 * @out: receives the endpoint; closed with vu_endpoint_close()
 * @iov: context for log and messages, outlives the endpoint
 * @event: event loop that it runs in
 * @path: path of the Unix socket
 * @mode: who listens
 * @device: copied; what it points to outlives the endpoint
 * @access: who may connect to a server; NULL for mode 0660
 *
 * A server replaces a socket that nobody listens at.  A client that finds nobody keeps
 * trying, and that is no failure.
 *
 * Return: 0; -EADDRINUSE with a message when another program listens there;
 * -ENAMETOOLONG, -EEXIST when something that is no socket is in the way, or
 * -errno with a message.
 */
int vu_endpoint_open(struct vu_endpoint **out, struct iov *iov, sd_event *event,
		     const char *path, enum vu_endpoint_mode mode,
		     const struct vu_device *device, const struct socket_access *access);

/**
 * vu_endpoint_adopt - serve front ends at a socket that was inherited
 * @out: receives the endpoint; closed with vu_endpoint_close()
 * @iov: as of vu_endpoint_open()
 * @event: event loop that it runs in
 * @fd: Unix stream socket, which listens or is connected; taken over also on failure
 * @device: copied; what it points to outlives the endpoint
 *
 * A socket that listens is one of a server, which does not remove it.  When the front
 * end of a connected one closes it there can be no other, and the event loop ends.
 *
 * Return: 0, -ENOTSOCK with a message for something else, or -errno with a message.
 */
int vu_endpoint_adopt(struct vu_endpoint **out, struct iov *iov, sd_event *event, int fd,
		      const struct vu_device *device);

/**
 * vu_endpoint_end - serve nobody any more
 * @endpoint: endpoint, which is closed next
 *
 * May be called again and again, for rings that drain.
 *
 * Return: whether all rings have stopped, so that vu_endpoint_close() waits for nothing.
 */
bool vu_endpoint_end(struct vu_endpoint *endpoint);

/**
 * vu_endpoint_close - end the connection and remove the server's socket
 * @endpoint: NULL is allowed
 */
void vu_endpoint_close(struct vu_endpoint *endpoint);

/**
 * vu_endpoint_session - the connection
 * @endpoint: endpoint
 *
 * Return: the session, or NULL while no front end is connected.
 */
struct vu_session *vu_endpoint_session(const struct vu_endpoint *endpoint);

/**
 * vu_endpoint_events - counters of connections
 * @endpoint: endpoint
 *
 * Return: VU_EVENTS counters that live as long as the endpoint.
 */
const uint64_t *vu_endpoint_events(const struct vu_endpoint *endpoint);

/**
 * vu_endpoint_stats - counters over all connections
 * @endpoint: endpoint
 * @stats: receives the sums
 */
void vu_endpoint_stats(const struct vu_endpoint *endpoint, struct vu_stats *stats);

#endif
