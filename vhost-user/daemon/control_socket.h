/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: JSON-RPC 2.0 over a Unix stream socket, one message per
 * line.
 *
 * Peers are judged by SO_PEERCRED: root and the daemon's own user may speak,
 * others are told why not.  A socket that was given an owner or a mode lets in whom
 * these let in.  A peer that sends garbage, a line that is too long,
 * or does not take its answers is hung up on.
 */
#ifndef VHOST_USER_DAEMON_CONTROL_SOCKET_H
#define VHOST_USER_DAEMON_CONTROL_SOCKET_H

#include <systemd/sd-event.h>

#include "base/iov.h"
#include "vhost-user/daemon/jsonrpc.h"
#include "vhost-user/socket/listener.h"

/* Longest request, most unread answers of one peer, and most peers. */
#define CONTROL_REQUEST_MAX 65536
#define CONTROL_BACKLOG_MAX (4 << 20)
#define CONTROL_PEERS_MAX 64

/* What a peer that follows something is told of it while it does not read. */
#define CONTROL_TOLD_MAX 65536

struct control_socket;
struct control_peer;

/**
 * struct control_follower - what somebody follows by its connection
 * @room: the peer has taken all that it was told
 * @gone: the connection is closed; the peer is not to be touched any more
 * @arg: passed to both
 */
struct control_follower {
	void (*room)(void *arg);
	void (*gone)(void *arg);
	void *arg;
};

/**
 * control_socket_open - listen on a control socket
 * @out: receives the server; the caller closes it with control_socket_close()
 * @iov: context of the event loop's thread
 * @event: event loop
 * @path: where the socket is made; a stale one is replaced
 * @access: who may connect to it and speak; NULL: root and the own user
 * @methods: table of methods that ends with a NULL name and outlives the server
 * @arg: passed to the methods
 *
 * Return: 0, -EADDRINUSE when a daemon answers there, or -errno; with a message.
 */
int control_socket_open(struct control_socket **out, struct iov *iov, sd_event *event, const char *path,
		 const struct socket_access *access, const struct jsonrpc_method *methods, void *arg);

/**
 * control_socket_follow - whoever asks at present wants to be told of something
 * @control: control socket; NULL is allowed
 * @follower: copied
 * @out: receives the peer, for as long as @gone was not called
 *
 * To be called by a method; the peer has its answer first.
 *
 * Return: 0; -EOPNOTSUPP when nobody asks; -EALREADY when the peer follows something.
 */
int control_socket_follow(struct control_socket *control, const struct control_follower *follower,
			  struct control_peer **out);

/**
 * control_peer_has_room - whether a peer may be told of something more
 * @peer: peer that follows something
 */
bool control_peer_has_room(const struct control_peer *peer);

/**
 * control_peer_tell - send a message without an id
 * @peer: peer that follows something and has room
 * @method: what it is
 * @params: taken over
 */
void control_peer_tell(struct control_peer *peer, const char *method, struct json_object *params);

/**
 * control_peer_unfollow - there is nothing more to be told
 * @peer: peer; its @room and @gone are not called any more
 */
void control_peer_unfollow(struct control_peer *peer);

/**
 * control_socket_close - hang up and remove the socket
 * @control: NULL is allowed
 */
void control_socket_close(struct control_socket *control);

#endif
