// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The connection: receive a message, check it against its rule, let its
 * handler carry it out, answer.
 *
 * A front end learns of a refusal by a reply when it asked for one; otherwise
 * the connection ends, which is all that the protocol leaves.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "base/clock.h"
#include "vhost-user/protocol/backend_requests.h"
#include "vhost-user/protocol/trace.h"

/* Messages handled before other connections get their turn. */
#define MESSAGES_AT_ONCE 32

/* Refusals that a front end may be told of before it is taken for broken. */
#define REFUSALS_MAX 64

/* Longest explanation of a refusal that is repeated. */
#define WHAT_MAX 256

uint64_t vu_session_offered(const struct vu_session *session)
{
	const struct vu_ops *ops = session->device.ops;

	return VU_BIT(VU_PROTOCOL_MQ) | VU_BIT(VU_PROTOCOL_LOG_SHMFD) |
	       VU_BIT(VU_PROTOCOL_REPLY_ACK) | VU_BIT(VU_PROTOCOL_BACKEND_REQ) |
	       VU_BIT(VU_PROTOCOL_BACKEND_SEND_FD) | VU_BIT(VU_PROTOCOL_RESET_DEVICE) |
	       VU_BIT(VU_PROTOCOL_CONFIGURE_MEM_SLOTS) | VU_BIT(VU_PROTOCOL_STATUS) |
	       VU_BIT(VU_PROTOCOL_INBAND_NOTIFICATIONS) |
	       (session->device.postcopy ? VU_BIT(VU_PROTOCOL_PAGEFAULT) : 0) |
	       (ops->save && ops->load ? VU_BIT(VU_PROTOCOL_DEVICE_STATE) : 0) |
	       (ops->set_mtu ? VU_BIT(VU_PROTOCOL_MTU) : 0) |
	       (ops->send_rarp ? VU_BIT(VU_PROTOCOL_RARP) : 0) |
	       (ops->get_config ? VU_BIT(VU_PROTOCOL_CONFIG) : 0) |
	       (session->device.tracks_inflight ? VU_BIT(VU_PROTOCOL_INFLIGHT_SHMFD) : 0) |
	       (session->device.leaves_inflight ? VU_BIT(VU_PROTOCOL_GET_VRING_BASE_INFLIGHT) : 0);
}

/* "GET_VRING_BASE", or "request 99". */
static const char *request_name(uint32_t request, char *text, size_t size)
{
	const struct vu_rule *rule = vu_rule(request);

	if (rule)
		return rule->name;
	snprintf(text, size, "request %" PRIu32, request);
	return text;
}

/* The connection ends: the last thing that it can be told. */
static int end_at_refusal(struct vu_session *session, enum vu_refusal refusal, const char *what)
{
	char text[32];

	session->ended_by = refusal;
	return iov_fail(session->iov, -EPROTO,
			"%s: front end's %s refused (%s), connection ended: %s",
			session->device.name,
			request_name(session->message.header.request, text, sizeof(text)),
			vu_refusal_name(refusal), what);
}

static void trace_reply(const struct vu_session *session, const void *payload, uint32_t size)
{
	const struct vu_message *message = &session->message;
	const struct vu_traced traced = {
		.header = { message->header.request, VU_FLAG_VERSION | VU_FLAG_REPLY, size },
		.payload = payload,
		.fds = message->reply_fd >= 0,
		.is_reply = true,
	};

	vu_trace_message(session->device.trace, &traced);
}

/* @is_whole: all of its payload came */
static void trace_request(const struct vu_session *session, bool is_whole)
{
	const struct vu_message *message = &session->message;
	const struct vu_traced traced = {
		.header = message->header,
		.payload = is_whole ? message->payload.bytes : NULL,
		.fds = message->fd_count,
		.by_front_end = true,
	};

	vu_trace_message(session->device.trace, &traced);
}

static int send_reply(struct vu_session *session, const void *payload, uint32_t size)
{
	const struct vu_message *message = &session->message;
	int error = vu_wire_reply(session->fd, &message->header, payload, size, message->reply_fd);

	if (error == -EAGAIN) {
		session->stats.refused[VU_REFUSED_STALLED]++;
		session->ended_by = VU_REFUSED_STALLED;
		return iov_fail(session->iov, -EPROTO,
				"%s: front end does not read its replies, connection ended",
				session->device.name);
	}
	if (error)
		return iov_told(session->iov, error, "%s: cannot answer the front end: %s",
				session->device.name, strerror(-error));
	trace_reply(session, payload, size);
	return 0;
}

static bool wants_ack(const struct vu_session *session, const struct vu_rule *rule)
{
	return (session->message.header.flags & VU_FLAG_NEED_REPLY) &&
	       (session->protocol_features & VU_BIT(VU_PROTOCOL_REPLY_ACK)) &&
	       !(rule && rule->replies);
}

static uint64_t count_refusals(const struct vu_session *session)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < VU_REFUSALS; i++)
		sum += session->stats.refused[i];
	return sum;
}

/* The message in the context says what was wrong. */
static int answer_refusal(struct vu_session *session, const struct vu_rule *rule,
			  enum vu_refusal refusal)
{
	bool ack = wants_ack(session, rule);
	const uint64_t failed = 1, no_state = VU_STATE_FAILED;
	char text[32], what[WHAT_MAX];
	const char *request;

	snprintf(what, sizeof(what), "%s", iov_error_message(session->iov));
	session->stats.refused[refusal]++;
	vu_trace_event(session->device.trace, VU_TRACE_REFUSED, refusal, what);
	if (count_refusals(session) > REFUSALS_MAX ||
	    (!ack && (!rule || rule->if_refused == VU_IF_REFUSED_END)))
		return end_at_refusal(session, refusal, what);
	request = request_name(session->message.header.request, text, sizeof(text));
	iov_log_with(session->iov, LOG_WARNING, (const struct iov_field[]){
			     { "IOV_EVENT", "refused" },
			     { "IOV_REASON", vu_refusal_name(refusal) },
			     { "IOV_REQUEST", request },
			     { 0 },
		     }, "%s: front end's %s refused (%s): %s", session->device.name, request,
		     vu_refusal_name(refusal), what);
	if (ack)
		return send_reply(session, &failed, sizeof(failed));
	if (rule->if_refused == VU_IF_REFUSED_STATE_REPLY)
		return send_reply(session, &no_state, sizeof(no_state));
	if (rule->if_refused == VU_IF_REFUSED_EMPTY_REPLY)
		return send_reply(session, NULL, 0);
	if (rule->if_refused == VU_IF_REFUSED_U64)
		return send_reply(session, &failed, sizeof(failed));
	return 0;
}

static int answer(struct vu_session *session, const struct vu_rule *rule)
{
	const struct vu_message *message = &session->message;
	const uint64_t done = 0;

	session->stats.messages++;
	if (rule->replies || message->has_reply)
		return send_reply(session, message->payload.bytes, message->header.size);
	return wants_ack(session, rule) ? send_reply(session, &done, sizeof(done)) : 0;
}

/* A message that was deferred, too: then rings have stopped that its handler would have started. */
static int handle_message(struct vu_session *session)
{
	struct vu_message *message = &session->message;
	const struct vu_rule *rule = vu_rule(message->header.request);
	enum vu_refusal refusal = vu_rule_check(session, rule, message);
	bool was_deferred = session->is_deferred;
	int error;

	if (!refusal)
		refusal = rule->handle(session, message);
	session->is_deferred = refusal == VU_LATER;
	if (session->is_deferred) {
		/* The rings may have drained while the last of them was told to stop. */
		vu_wait_for_time(session);
		return 0;
	}
	error = refusal ? answer_refusal(session, rule, refusal) : answer(session, rule);
	if (refusal && was_deferred && !error)
		vu_session_start_rings(session);
	if (was_deferred)
		vu_wait_for_time(session);
	return error;
}

/* What is wrong with a message that is not even complete. */
static const char *framing_error(enum vu_refusal refusal)
{
	switch (refusal) {
	case VU_REFUSED_VERSION:
		return "expected version 1 of the protocol; is it a vhost-user front end?";
	case VU_REFUSED_FLAGS:
		return "its header has the reply flag or unknown ones";
	case VU_REFUSED_OVERSIZE:
		return "its payload is longer than any request has";
	case VU_REFUSED_FDS_LOST:
		return "more file descriptors came with it than any request has, or than iovd has "
		       "left";
	default:
		return "the front end closed the connection in the middle of it";
	}
}

static int fail_receive(struct vu_session *session, int error, enum vu_refusal refusal)
{
	if (error == -EPROTO) {
		session->stats.refused[refusal]++;
		if (session->message.received >= sizeof(session->message.header))
			trace_request(session, false);
		vu_trace_event(session->device.trace, VU_TRACE_REFUSED, refusal,
			       framing_error(refusal));
		return end_at_refusal(session, refusal, framing_error(refusal));
	}
	if (error == -ECONNRESET)
		return iov_told(session->iov, error, "%s: front end closed the connection",
				session->device.name);
	return iov_told(session->iov, error, "%s: cannot read from the front end: %s",
			session->device.name, strerror(-error));
}

/* The descriptors that it sent before do not close: then no more of them are taken. */
static int end_at_unclosed(struct vu_session *session)
{
	session->stats.refused[VU_REFUSED_FDS]++;
	session->ended_by = VU_REFUSED_FDS;
	return iov_fail(session->iov, -EPROTO,
			"%s: %d file descriptors of the front end do not close, connection ended; "
			"whoever serves these files or sockets does not answer",
			session->device.name, CLOSER_MAX);
}

/* 1 when there is a message, or one that was deferred; 0 for none, or -errno with a message. */
static int next_message(struct vu_session *session)
{
	enum vu_refusal refusal;
	int result;

	if (session->is_deferred)
		return 1;
	if (closer_is_full(session->device.closer))
		return end_at_unclosed(session);
	result = vu_wire_receive(session->fd, &session->message, &refusal);
	if (result < 0)
		return fail_receive(session, result, refusal);
	if (result)
		trace_request(session, true);
	return result;
}

static int read_messages(struct vu_session *session)
{
	for (unsigned int i = 0; i < MESSAGES_AT_ONCE && !session->draining; i++) {
		int result = next_message(session);

		if (result <= 0)
			return result;
		result = handle_message(session);
		if (!session->is_deferred)
			vu_message_reset(&session->message);
		if (result)
			return result;
	}
	return 0;
}

int vu_session_readable(struct vu_session *session)
{
	/* Requests first: the front end answers ours when what we asked for was done. */
	int error = session->draining ? vu_session_check_draining(session) : 0;

	if (!error && !session->channel_missing)
		error = read_messages(session);
	if (!error)
		error = vu_backend_readable(session);
	if (error)
		vu_trace_event(session->device.trace, VU_TRACE_ENDED, VU_ACCEPTED,
			       iov_error_message(session->iov));
	return error;
}

static int allocate_rings(struct vu_session *session)
{
	size_t bytes = session->device.queues * sizeof(*session->rings);

	session->rings = aligned_alloc(_Alignof(struct vu_vring), bytes);
	if (!session->rings)
		return -ENOMEM;
	memset(session->rings, 0, bytes);
	for (unsigned int i = 0; i < session->device.queues; i++) {
		struct vu_vring *ring = &session->rings[i];

		ring->session = session;
		ring->queue.index = i;
		ring->queue.kick_fd = ring->queue.call_fd = ring->call_fd = ring->err_fd = -1;
	}
	return 0;
}

int vu_session_open(struct vu_session **out, struct iov *iov, int fd,
		    const struct vu_device *device)
{
	struct vu_session *session = calloc(1, sizeof(*session));
	int error;

	if (!session) {
		closer_close(device->closer, fd);
		return iov_fail(iov, -ENOMEM, "%s: out of memory", device->name);
	}
	session->iov = iov;
	session->fd = fd;
	session->wait_fd = session->timer_fd = session->userfault_fd =
		session->state_fd = -1;
	session->device = *device;
	session->message.closer = device->closer;
	error = vu_wait_open(session);
	if (!error)
		error = allocate_rings(session);
	if (error) {
		vu_session_close(session);
		return iov_told(iov, error, "%s: cannot serve a front end: %s", device->name,
				strerror(-error));
	}
	vu_trace_event(device->trace, VU_TRACE_CONNECTED, VU_ACCEPTED, "a front end connected");
	*out = session;
	return 0;
}

static void hang_up(struct vu_session *session)
{
	vu_backend_close(session);
	if (session->fd < 0)
		return;
	epoll_ctl(session->wait_fd, EPOLL_CTL_DEL, session->fd, NULL);
	/* The front end sees it now, whenever the socket goes. */
	shutdown(session->fd, SHUT_RDWR);
	closer_close(session->device.closer, session->fd);
	session->fd = -1;
}

bool vu_session_end(struct vu_session *session)
{
	vu_session_stop_rings(session);
	hang_up(session);
	vu_session_abandon_rings(session, monotonic_ms());
	vu_wait_for_time(session);
	return !session->draining;
}

static void free_rings(struct vu_session *session)
{
	for (unsigned int i = 0; i < session->device.queues; i++)
		vu_vring_close(&session->rings[i]);
	free(session->rings);
	if (session->device.ops->features)
		session->device.ops->features(session->device.arg, 0);
}

void vu_session_close(struct vu_session *session)
{
	if (!session)
		return;
	if (session->rings) {
		vu_session_stop_rings(session);
		vu_session_abandon_rings(session, UINT64_MAX);
	}
	hang_up(session);
	if (session->rings)
		free_rings(session);
	iotlb_close(session->iotlb);
	guest_memory_close(session->memory);
	if (session->userfault_fd >= 0)
		close(session->userfault_fd);
	if (session->state_fd >= 0)
		close(session->state_fd);
	dirty_log_close(session->log);
	vu_inflight_close(session->inflight);
	vu_message_reset(&session->message);
	if (session->timer_fd >= 0)
		close(session->timer_fd);
	if (session->wait_fd >= 0)
		close(session->wait_fd);
	free(session);
}

int vu_session_fd(const struct vu_session *session)
{
	return session->wait_fd;
}

uint64_t vu_session_features(const struct vu_session *session)
{
	return session->features;
}

const struct vu_stats *vu_session_stats(const struct vu_session *session)
{
	return &session->stats;
}

enum vu_refusal vu_session_ended_by(const struct vu_session *session)
{
	return session->ended_by;
}
