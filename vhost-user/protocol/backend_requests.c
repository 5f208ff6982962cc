// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the back end asks of the front end.
 *
 * A front end that does not read, answers late or answers something else loses
 * the channel; and the connection with it when its rings cannot do without.
 *
 * The front end may keep a copy of the very socket that it gave, so closing ours does
 * not end what epoll watches: that is told first.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/clock.h"
#include "vhost-user/protocol/backend_requests.h"
#include "vhost-user/protocol/handlers.h"
#include "vhost-user/protocol/trace.h"

/* A VMM under a debugger or on a host out of memory is late, too. */
#define ANSWER_MS 60000

void vu_backend_close(struct vu_session *session)
{
	if (!session->channel)
		return;
	epoll_ctl(session->wait_fd, EPOLL_CTL_DEL, channel_fd(session->channel), NULL);
	channel_close(session->channel);
	session->channel = NULL;
	session->config_asked = session->config_again = false;
	for (unsigned int i = 0; i < session->device.queues; i++)
		session->rings[i].call_asked = session->rings[i].call_again = false;
	vu_wait_for_time(session);
}

static bool needs_channel(const struct vu_session *session)
{
	return vu_is_translated(session) || vu_is_inband(session);
}

static void lose_channel(struct vu_session *session, enum vu_refusal refusal, const char *why)
{
	vu_backend_close(session);
	if (refusal)
		session->stats.refused[refusal]++;
	if (refusal)
		vu_trace_event(session->device.trace, VU_TRACE_REFUSED, refusal, why);
	iov_log_with(session->iov, LOG_WARNING, (const struct iov_field[]){
			     { "IOV_EVENT", "channel-lost" },
			     { "IOV_REASON", refusal ? vu_refusal_name(refusal) : NULL },
			     { 0 },
		     }, "%s: no more requests to the front end: %s", session->device.name, why);
	if (!needs_channel(session))
		return;
	session->ended_by = refusal;
	session->channel_missing = true;
	/* Whoever waits for messages learns of it. */
	shutdown(session->fd, SHUT_RDWR);
}

static void fail_send(struct vu_session *session, int error)
{
	if (error == -EAGAIN)
		lose_channel(session, VU_REFUSED_CHANNEL_STALLED, "it does not read them");
	else
		lose_channel(session, VU_ACCEPTED, strerror(-error));
}

/* Whether an answer is to come. */
static bool ask(struct vu_session *session, uint32_t request, const void *payload, uint32_t size,
		uint64_t tag)
{
	unsigned int limit = session->device.answer_ms ? session->device.answer_ms : ANSWER_MS;
	bool acknowledged = session->protocol_features & VU_BIT(VU_PROTOCOL_REPLY_ACK);
	int error;

	if (!session->channel)
		return false;
	if (acknowledged)
		error = channel_ask(session->channel, request, payload, size, tag,
				    monotonic_ms() + limit);
	else
		error = channel_tell(session->channel, request, payload, size);
	if (error) {
		fail_send(session, error);
		return false;
	}
	if (acknowledged)
		vu_wait_for_time(session);
	return acknowledged;
}

void vu_session_config_changed(struct vu_session *session)
{
	if (!(session->protocol_features & VU_BIT(VU_PROTOCOL_CONFIG)))
		return;
	/* One that is on its way may have been answered before this change. */
	session->config_again = session->config_asked;
	if (!session->config_asked)
		session->config_asked = ask(session, VU_BACKEND_CONFIG_CHANGE_MSG, NULL, 0, 0);
}

/* What was asked: a page, what for, and the vring that asked, which have room in its low bits. */
#define ASKED_ACCESS 3u
#define ASKED_RING_SHIFT 2
static_assert(IOTLB_PAGE >> ASKED_RING_SHIFT > 256, "a vring's index fits into a page's address");

static uint64_t asked_page(uint64_t asked)
{
	return asked & ~(uint64_t)(IOTLB_PAGE - 1);
}

void vu_backend_ask_miss(struct vu_session *session, struct vu_vring *ring, uint64_t iova,
			 enum iotlb_access access)
{
	struct vu_iotlb miss = { .iova = asked_page(iova), .perm = access, .type = VU_IOTLB_MISS };
	uint64_t asked = miss.iova | ring->queue.index << ASKED_RING_SHIFT | access;

	if (!session->channel || asked == ring->asked)
		return;
	ring->asked = asked;
	ask(session, VU_BACKEND_IOTLB_MSG, &miss, sizeof(miss), asked);
}

void vu_backend_ask_missing(struct vu_session *session, struct vu_vring *ring)
{
	enum iotlb_access access;
	uint64_t iova, missing;
	void *host;

	iova = virtq_missing(&ring->queue.ring, &access);
	/* It may have been given since the ring looked. */
	if (iova != UINT64_MAX && iotlb_find(session->iotlb, iova, 1, access, &host, &missing))
		vu_backend_ask_miss(session, ring, iova, access);
}

void vu_backend_forget_misses(struct vu_session *session, uint64_t iova, uint64_t end)
{
	for (unsigned int i = 0; i < session->device.queues; i++) {
		struct vu_vring *ring = &session->rings[i];
		uint64_t page = asked_page(ring->asked);

		if (page < end && page + IOTLB_PAGE - 1 >= iova)
			ring->asked = 0;
	}
}

/* The front end has no translation: the driver named an address that is not the device's. */
static void take_refused_miss(struct vu_session *session, uint64_t asked)
{
	unsigned int index = (asked & (IOTLB_PAGE - 1)) >> ASKED_RING_SHIFT;
	struct vu_vring *ring = &session->rings[index];

	/* There may have been another answer, or the ring another start. */
	if (ring->asked != asked)
		return;
	iov_log(session->iov, LOG_WARNING,
		"%s: vring %u: no translation of 0x%" PRIx64 " for %s",
		session->device.name, index, asked_page(asked),
		asked & IOTLB_WRITE ? "writing" : "reading");
	if (ring->running && !ring->drains)
		vu_vring_break(session, ring, VIRTQ_ERROR_TRANSLATION);
}

static void send_call(struct vu_session *session, struct vu_vring *ring)
{
	struct vu_vring_state state = { .index = ring->queue.index };

	ring->call_again = ring->call_asked;
	if (!ring->call_asked)
		ring->call_asked = ask(session, VU_BACKEND_VRING_CALL, &state, sizeof(state),
				       state.index);
}

void vu_backend_send_call(struct vu_session *session, struct vu_vring *ring)
{
	/* Without a channel the call waits for it. */
	if (session->channel &&
	    __atomic_exchange_n(&ring->queue.is_calling, false, __ATOMIC_ACQ_REL))
		send_call(session, ring);
}

void vu_backend_send_error(struct vu_session *session, struct vu_vring *ring)
{
	struct vu_vring_state state = { .index = ring->queue.index };

	ask(session, VU_BACKEND_VRING_ERR, &state, sizeof(state), state.index);
}

static void take_called(struct vu_session *session, uint64_t index)
{
	struct vu_vring *ring = &session->rings[index];

	ring->call_asked = false;
	if (ring->call_again)
		send_call(session, ring);
}

static void take_answer(struct vu_session *session, const struct channel_answer *answer)
{
	if (answer->request == VU_BACKEND_IOTLB_MSG && answer->refused)
		take_refused_miss(session, answer->tag);
	if (answer->request == VU_BACKEND_VRING_CALL)
		take_called(session, answer->tag);
	if (answer->request != VU_BACKEND_CONFIG_CHANGE_MSG)
		return;
	session->config_asked = false;
	if (session->config_again)
		vu_session_config_changed(session);
}

static void take_answers(struct vu_session *session)
{
	struct channel_answer answer;
	int result = 0;

	while (session->channel && (result = channel_receive(session->channel, &answer)) > 0)
		take_answer(session, &answer);
	if (!session->channel)
		return;
	if (result == -EPROTO)
		lose_channel(session, VU_REFUSED_CHANNEL_REPLY,
			     "it answers what it was not asked");
	else if (result == -ECONNRESET)
		lose_channel(session, VU_ACCEPTED, "it closed the socket for them");
	else if (result < 0)
		lose_channel(session, VU_ACCEPTED, strerror(-result));
	else if (channel_deadline(session->channel) <= monotonic_ms())
		lose_channel(session, VU_REFUSED_CHANNEL_LATE, "it does not answer them");
	else
		vu_wait_for_time(session);
}

int vu_backend_readable(struct vu_session *session)
{
	if (session->channel)
		take_answers(session);
	if (!session->channel_missing)
		return 0;
	return iov_fail(session->iov, -EPROTO,
			"%s: front end takes no requests, which its rings cannot do without; "
			"connection ended", session->device.name);
}

/* What is sent there goes to a peer on this host, or nowhere. */
static bool is_unix_stream(int fd)
{
	socklen_t size = sizeof(int);
	int domain, type;

	return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) && domain == AF_UNIX &&
	       !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) && type == SOCK_STREAM;
}

enum vu_refusal vu_handle_set_backend_req_fd(struct vu_session *session,
					     struct vu_message *message)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct channel *channel;

	if (message->fd_count != 1 || !is_unix_stream(message->fds[0]))
		return vu_refuse(session, VU_REFUSED_FDS,
				 "expected one file descriptor, a Unix stream socket");
	vu_backend_close(session);
	if (channel_open(&channel, vu_message_take_fd(message), session->device.closer,
			 session->device.trace))
		return vu_refuse(session, VU_REFUSED_MEMORY, "out of memory");
	if (epoll_ctl(session->wait_fd, EPOLL_CTL_ADD, channel_fd(channel), &event)) {
		channel_close(channel);
		return vu_refuse(session, VU_REFUSED_FDS, "its socket cannot be waited for");
	}
	session->channel = channel;
	/* What was asked by another one, or could not be. */
	vu_backend_forget_misses(session, 0, UINT64_MAX);
	vu_session_start_rings(session);
	vu_session_attend(session);
	return VU_ACCEPTED;
}
