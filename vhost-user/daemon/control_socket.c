// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation.  Everything runs in the event loop's thread.  A peer has
 * an input buffer of one request at most and an output buffer; all descriptors
 * are non-blocking, so no peer can stop the daemon.  A peer that is being hung
 * up on first gets what is in its output buffer.
 *
 * A peer may follow something: it is told of that in messages without an id, as far as it reads.
 *
 * One descriptor is kept in reserve: when there is no other for a peer it is told so by that one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "vhost-user/daemon/control_socket.h"

/* Without a descriptor for one more peer it waits in the socket, in microseconds. */
#define ACCEPT_AGAIN (UINT64_C(200) * 1000)

struct control_peer {
	LIST_ENTRY(control_peer) link;
	struct control_socket *control;
	sd_event_source *source;
	int fd;
	bool closing;
	struct control_follower follower;	/* nothing in it while it follows nothing */
	size_t in_length;
	char *out;
	size_t out_length;
	char in[CONTROL_REQUEST_MAX];
};

struct control_socket {
	struct iov *iov;
	sd_event *event;
	sd_event_source *source;
	sd_event_source *retry;
	const struct jsonrpc_method *methods;
	void *arg;
	struct listener listener;
	int reserve;
	bool is_exhausted;	/* which was said in the log */
	bool by_permissions;
	unsigned int peer_count;
	LIST_HEAD(, control_peer) peers;
	struct control_peer *asking;	/* whose request is being answered */
};

static void peer_close(struct control_peer *peer)
{
	if (peer->follower.gone)
		peer->follower.gone(peer->follower.arg);
	LIST_REMOVE(peer, link);
	peer->control->peer_count--;
	sd_event_source_disable_unref(peer->source);
	close(peer->fd);
	free(peer->out);
	free(peer);
}

/* Send what the socket takes.  Returns false when the peer is done with. */
static bool peer_flush(struct control_peer *peer)
{
	ssize_t sent = 0;

	if (peer->out_length) {
		sent = send(peer->fd, peer->out, peer->out_length, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return false;
	}
	if (sent > 0) {
		peer->out_length -= (size_t)sent;
		memmove(peer->out, peer->out + sent, peer->out_length);
	}
	if (peer->closing && !peer->out_length)
		return false;
	if (sent > 0 && !peer->out_length && peer->follower.room)
		peer->follower.room(peer->follower.arg);
	return sd_event_source_set_io_events(peer->source,
					     (peer->closing ? 0 : EPOLLIN) |
						     (peer->out_length ? EPOLLOUT : 0)) >= 0;
}

static void peer_queue(struct control_peer *peer, struct json_object *message)
{
	const char *text = json_object_to_json_string_ext(message, JSON_C_TO_STRING_PLAIN);
	size_t length = strlen(text);
	char *grown;

	if (peer->out_length + length >= CONTROL_BACKLOG_MAX) {
		peer->closing = true;
		return;
	}
	grown = realloc(peer->out, peer->out_length + length + 1);
	if (!grown) {
		peer->closing = true;
		return;
	}
	peer->out = grown;
	memcpy(peer->out + peer->out_length, text, length);
	peer->out[peer->out_length + length] = '\n';
	peer->out_length += length + 1;
}

static void peer_refuse(struct control_peer *peer, int code, const char *why)
{
	_cleanup_json_ struct json_object *message = jsonrpc_failure(NULL, code, "%s", why);

	peer_queue(peer, message);
	peer->closing = true;
}

static void peer_line(struct control_peer *peer, const char *line, size_t length)
{
	struct control_socket *control = peer->control;
	bool garbage;
	_cleanup_json_ struct json_object *reply = NULL;

	control->asking = peer;
	reply = jsonrpc_answer(control->iov, control->methods, control->arg, line, length, &garbage);
	control->asking = NULL;
	if (reply)
		peer_queue(peer, reply);
	peer->closing |= garbage;
}

static void peer_lines(struct control_peer *peer)
{
	char *line = peer->in, *end = peer->in + peer->in_length, *newline;

	while (!peer->closing && (newline = memchr(line, '\n', (size_t)(end - line)))) {
		if (newline > line)
			peer_line(peer, line, (size_t)(newline - line));
		line = newline + 1;
	}
	peer->in_length = (size_t)(end - line);
	memmove(peer->in, line, peer->in_length);
	if (peer->in_length == sizeof(peer->in))
		peer_refuse(peer, JSONRPC_INVALID_REQUEST, "request longer than 64 KiB");
}

static int on_peer(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct control_peer *peer = data;
	ssize_t got;

	(void)source;
	if (events & EPOLLIN) {
		got = recv(fd, peer->in + peer->in_length, sizeof(peer->in) - peer->in_length,
			   MSG_DONTWAIT);
		if (!got || (got < 0 && errno != EAGAIN && errno != EINTR)) {
			peer_close(peer);
			return 0;
		}
		if (got > 0)
			peer->in_length += (size_t)got;
		peer_lines(peer);
	} else if (events & (EPOLLHUP | EPOLLERR)) {
		peer_close(peer);
		return 0;
	}
	if (!peer_flush(peer))
		peer_close(peer);
	return 0;
}

static bool peer_allowed(const struct control_socket *control, int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (control->by_permissions)
		return true;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		return false;
	return !peer.uid || peer.uid == geteuid();
}

static void peer_open(struct control_socket *control, int fd)
{
	struct control_peer *peer = calloc(1, sizeof(*peer));

	if (!peer || sd_event_add_io(control->event, &peer->source, fd, EPOLLIN, on_peer, peer) < 0) {
		free(peer);
		close(fd);
		return;
	}
	peer->control = control;
	peer->fd = fd;
	LIST_INSERT_HEAD(&control->peers, peer, link);
	control->peer_count++;
	if (control->peer_count > CONTROL_PEERS_MAX)
		peer_refuse(peer, JSONRPC_INVALID_REQUEST, "too many control connections");
	else if (!peer_allowed(control, fd))
		peer_refuse(peer, JSONRPC_INVALID_REQUEST,
			    "only root and the user that runs iovd may use this socket");
	if (!peer_flush(peer))
		peer_close(peer);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *data)
{
	struct control_socket *control = data;

	(void)source;
	(void)usec;
	sd_event_source_set_enabled(control->source, SD_EVENT_ON);
	return 0;
}

/* Whatever this duplicates, it takes a place in the table of descriptors. */
static void keep_reserve(struct control_socket *control)
{
	if (control->reserve < 0)
		control->reserve = fcntl(control->listener.fd, F_DUPFD_CLOEXEC, 0);
}

/* Tell a peer, for whom there is no descriptor, that there is none. */
static void turn_away(struct control_socket *control)
{
	_cleanup_json_ struct json_object *message = jsonrpc_failure(NULL, JSONRPC_FAILED,
		"iovd has no file descriptor left; remove ports, or raise its limit (LimitNOFILE=)");
	const char *text = json_object_to_json_string_ext(message, JSON_C_TO_STRING_PLAIN);
	int fd;

	if (control->reserve < 0)
		return;
	close(control->reserve);
	control->reserve = -1;
	fd = accept4(control->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	if (send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT | MSG_MORE) > 0)
		send(fd, "\n", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

/* A socket that is always readable must not be looked at all the time. */
static void accept_later(struct control_socket *control, int error)
{
	if (!control->is_exhausted)
		iov_log(control->iov, LOG_ERR, "%s: cannot accept a peer: %s",
			control->listener.address.sun_path, strerror(error));
	control->is_exhausted = true;
	if (error == EMFILE)
		turn_away(control);
	keep_reserve(control);
	sd_event_source_set_enabled(control->source, SD_EVENT_OFF);
	sd_event_source_set_time_relative(control->retry, ACCEPT_AGAIN);
	sd_event_source_set_enabled(control->retry, SD_EVENT_ONESHOT);
}

static int on_connect(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct control_socket *control = data;
	int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)source;
	(void)events;
	if (peer >= 0) {
		control->is_exhausted = false;
		peer_open(control, peer);
	} else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		accept_later(control, errno);
	}
	return 0;
}

int control_socket_open(struct control_socket **out, struct iov *iov, sd_event *event, const char *path,
		 const struct socket_access *access, const struct jsonrpc_method *methods, void *arg)
{
	struct control_socket *control = calloc(1, sizeof(*control));
	static const struct socket_access narrow = SOCKET_ACCESS(0600);
	int error;

	if (!control)
		return -ENOMEM;
	*control = (struct control_socket){
		.iov = iov, .event = event, .methods = methods, .arg = arg,
		.by_permissions = access, .reserve = -1,
	};
	error = listener_address(&control->listener, iov, path);
	if (!error)
		error = listener_open(&control->listener, iov, access ? access : &narrow,
				      "--control");
	if (error)
		goto close;
	error = sd_event_add_io(event, &control->source, control->listener.fd, EPOLLIN, on_connect,
				control);
	if (error >= 0)
		error = sd_event_add_time_relative(event, &control->retry, CLOCK_MONOTONIC, 0, 0,
						   on_retry, control);
	if (error >= 0)
		error = sd_event_source_set_enabled(control->retry, SD_EVENT_OFF);
	if (error < 0)
		goto close;
	keep_reserve(control);
	*out = control;
	return 0;
close:
	control_socket_close(control);
	return error;
}

int control_socket_follow(struct control_socket *control, const struct control_follower *follower,
			  struct control_peer **out)
{
	struct control_peer *peer = control ? control->asking : NULL;

	if (!peer)
		return -EOPNOTSUPP;
	if (peer->follower.gone)
		return -EALREADY;
	peer->follower = *follower;
	*out = peer;
	return 0;
}

bool control_peer_has_room(const struct control_peer *peer)
{
	return !peer->closing && peer->out_length < CONTROL_TOLD_MAX;
}

void control_peer_tell(struct control_peer *peer, const char *method, struct json_object *params)
{
	_cleanup_json_ struct json_object *message = json_object_new_object();

	json_object_object_add(message, "jsonrpc", json_object_new_string("2.0"));
	json_object_object_add(message, "method", json_object_new_string(method));
	json_object_object_add(message, "params", params);
	peer_queue(peer, message);
	/* It is sent, or hung up on, when the event loop comes to it. */
	sd_event_source_set_io_events(peer->source, (peer->closing ? 0 : EPOLLIN) | EPOLLOUT);
}

void control_peer_unfollow(struct control_peer *peer)
{
	peer->follower = (struct control_follower){ 0 };
}

void control_socket_close(struct control_socket *control)
{
	struct control_peer *peer;

	if (!control)
		return;
	while ((peer = LIST_FIRST(&control->peers)))
		peer_close(peer);
	sd_event_source_disable_unref(control->source);
	sd_event_source_disable_unref(control->retry);
	listener_close(&control->listener);
	if (control->reserve >= 0)
		close(control->reserve);
	free(control);
}
