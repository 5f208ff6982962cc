// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How rings stop.
 *
 * Theory of operation.  A device that has something in flight cannot give a ring back at once:
 * the ring drains, and vu_queue_stopped() says when it has.  While one drains no request of
 * the connection is handled, so every handler finds rings that run and rings that have stopped,
 * and none between.  A handler that stops a ring which has to drain hands back VU_LATER;
 * its message is kept, and handled from the beginning when no ring drains any more, which is
 * why all else that it does comes after.
 *
 * Several rings drain at the same time.  A device that does not come to an end costs the
 * front end its connection, and what was in flight is the device's to abandon: by then the
 * memory behind it goes.
 */
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>

#include "base/clock.h"
#include "vhost-user/protocol/backend_requests.h"
#include "vhost-user/protocol/notify.h"
#include "vhost-user/protocol/session_internal.h"

/* Hosts give their disks half of that. */
#define DRAIN_MS 60000

/* Longest sentence about a ring. */
#define VU_SENTENCE_MAX 1024

static unsigned int limit_ms(const struct vu_session *session)
{
	return session->device.drain_ms ? session->device.drain_ms : DRAIN_MS;
}

static void report_broken(struct vu_session *session, struct vu_vring *ring)
{
	vu_log_ring(session, ring, LOG_ERR, "broken", vu_broken_name(ring->why_broken),
		    " stopped: its driver broke it (%s at entry %u); reset it in the guest",
		    vu_broken_name(ring->why_broken), ring->base);
	if (ring->err_fd >= 0)
		notify_eventfd(ring->err_fd);
	else if (vu_is_inband(session))
		vu_backend_send_error(session, ring);
}

/* The ring is ours again. */
static void finish(struct vu_session *session, struct vu_vring *ring)
{
	ring->running = false;
	virtq_inflight_close(ring->queue.inflight);
	ring->queue.inflight = NULL;
	ring->asked = 0;
	if (!ring->queue.unsettled) {
		ring->base = virtq_base(&ring->queue.ring);
		ring->ran = true;
	}
	if (ring->broken)
		report_broken(session, ring);
}

static void begin_draining(struct vu_session *session, struct vu_vring *ring)
{
	ring->drains = true;
	session->draining++;
	ring->drain_deadline = monotonic_ms() + limit_ms(session);
	vu_wait_for_drained(session);
}

static void end_draining(struct vu_session *session, struct vu_vring *ring)
{
	ring->drains = false;
	session->draining--;
	finish(session, ring);
}

bool vu_vring_stop(struct vu_session *session, struct vu_vring *ring)
{
	if (!ring->running)
		return true;
	if (ring->drains)
		return false;
	if (session->device.ops->queue_stop(session->device.arg, &ring->queue))
		finish(session, ring);
	else
		begin_draining(session, ring);
	return !ring->running;
}

void vu_queue_stopped(struct vu_queue *queue)
{
	struct vu_vring *ring = (struct vu_vring *)((char *)queue - offsetof(struct vu_vring, queue));

	end_draining(ring->session, ring);
	vu_wait_for_drained(ring->session);
}

bool vu_session_stop_rings(struct vu_session *session)
{
	bool stopped = true;

	for (unsigned int i = 0; i < session->device.queues; i++)
		stopped &= vu_vring_stop(session, &session->rings[i]);
	if (stopped)
		guest_memory_settle(session->memory);
	return stopped;
}

/* Nobody takes an answer from a front end that is gone, and the next one waits for the device. */
static bool is_hung_up(const struct vu_session *session)
{
	struct pollfd end = { .fd = session->fd };

	return poll(&end, 1, 0) > 0;
}

int vu_session_check_draining(struct vu_session *session)
{
	if (session->channel_missing)
		return 0;
	if (is_hung_up(session))
		return iov_fail(session->iov, -ECONNRESET, "%s: front end closed the connection",
				session->device.name);
	if (monotonic_ms() < vu_session_drain_deadline(session))
		return 0;
	return iov_fail(session->iov, -EPROTO, "%s: the device did not give back within %u ms what "
			"is in flight, connection ended", session->device.name, limit_ms(session));
}

uint64_t vu_session_drain_deadline(const struct vu_session *session)
{
	uint64_t first = UINT64_MAX;

	for (unsigned int i = 0; session->draining && i < session->device.queues; i++) {
		const struct vu_vring *ring = &session->rings[i];

		if (ring->drains && ring->drain_deadline < first)
			first = ring->drain_deadline;
	}
	return first;
}

void vu_session_abandon_rings(struct vu_session *session, uint64_t until)
{
	for (unsigned int i = 0; i < session->device.queues; i++) {
		struct vu_vring *ring = &session->rings[i];
		bool drained;

		if (!ring->drains || ring->drain_deadline > until)
			continue;
		drained = session->device.ops->queue_abandon(session->device.arg, &ring->queue);
		end_draining(session, ring);
		if (drained)
			continue;
		session->stats.refused[VU_REFUSED_NOT_DRAINED]++;
		vu_log_ring(session, ring, LOG_ERR, "abandoned",
			    vu_refusal_name(VU_REFUSED_NOT_DRAINED),
			    ": what was in flight is abandoned");
	}
}

void vu_vring_break(struct vu_session *session, struct vu_vring *ring, unsigned int reason)
{
	ring->broken = true;
	ring->why_broken = reason;
	session->stats.broken[reason]++;
	vu_vring_stop(session, ring);
}

void vu_log_ring(struct vu_session *session, const struct vu_vring *ring, int level,
		 const char *event, const char *reason, const char *format, ...)
{
	char index[12], sentence[VU_SENTENCE_MAX];
	const struct iov_field fields[] = {
		{ "IOV_EVENT", event }, { "IOV_REASON", reason }, { "IOV_VRING", index }, { 0 },
	};
	va_list args;

	snprintf(index, sizeof(index), "%u", ring->queue.index);
	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	iov_log_with(session->iov, level, fields, "%s: vring %s%s", session->device.name, index,
		     sentence);
}
