// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a session waits for: messages, the front end's answers, and the moment when one of
 * them or a ring that drains is late.  While rings drain requests stay in the socket, of
 * which only the end is looked for.  When they have, whatever waited for it goes on at once.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>

#include "vhost-user/protocol/session_internal.h"

int vu_wait_open(struct vu_session *session)
{
	struct epoll_event event = { .events = EPOLLIN };

	session->wait_fd = epoll_create1(EPOLL_CLOEXEC);
	session->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (session->wait_fd < 0 || session->timer_fd < 0 ||
	    epoll_ctl(session->wait_fd, EPOLL_CTL_ADD, session->fd, &event) ||
	    epoll_ctl(session->wait_fd, EPOLL_CTL_ADD, session->timer_fd, &event))
		return -errno;
	return 0;
}

/* A message, or the end of the connection, waited for rings that have stopped. */
static bool goes_on(const struct vu_session *session)
{
	return !session->draining && (session->is_deferred || session->fd < 0);
}

static uint64_t next_deadline(const struct vu_session *session)
{
	uint64_t answer = session->channel ? channel_deadline(session->channel) : UINT64_MAX;
	uint64_t drained = vu_session_drain_deadline(session);

	/* Long ago; zero would be never. */
	if (goes_on(session))
		return 1;
	return answer < drained ? answer : drained;
}

void vu_wait_for_time(const struct vu_session *session)
{
	uint64_t deadline = next_deadline(session);
	struct itimerspec time = { 0 };

	if (deadline != UINT64_MAX)
		time.it_value = (struct timespec){ .tv_sec = (time_t)(deadline / 1000),
						   .tv_nsec = (long)(deadline % 1000) * 1000000 };
	timerfd_settime(session->timer_fd, TFD_TIMER_ABSTIME, &time, NULL);
}

void vu_wait_for_drained(const struct vu_session *session)
{
	struct epoll_event event = { .events = session->draining ? 0 : EPOLLIN };

	if (session->fd >= 0)
		epoll_ctl(session->wait_fd, EPOLL_CTL_MOD, session->fd, &event);
	vu_wait_for_time(session);
}
