/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The socket for requests of the back end, "Back-end communication".
 *
 * Requests go out at once or not at all; nothing here waits.  Replies come in the
 * order of the requests that asked for one, so the oldest of those is what a reply
 * must be to.  How many may be open is bounded, and so is the time that
 * each may take.
 *
 * Threads: the control thread only.
 */
#ifndef VHOST_USER_PROTOCOL_CHANNEL_H
#define VHOST_USER_PROTOCOL_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "vhost-user/protocol/trace.h"
#include "vhost-user/protocol/wire.h"

/* Requests that wait for a reply: a few for each of 256 vrings. */
#define CHANNEL_OPEN_MAX 1024

struct channel;

/**
 * struct channel_answer - a reply to a request
 * @request: what was asked
 * @tag: as given to channel_ask()
 * @refused: the front end could not do it
 */
struct channel_answer {
	uint32_t request;
	uint64_t tag;
	bool refused;
};

/**
 * channel_open - take a socket over
 * @out: receives the channel; the caller closes it with channel_close()
 * @fd: stream socket, taken over also on failure
 * @closer: closes it and what comes by it
 * @trace: who looks at its messages, see trace.h; NULL for nobody
 *
 * Return: 0 or -ENOMEM.
 */
int channel_open(struct channel **out, int fd, struct closer *closer, struct vu_trace *trace);

/**
 * channel_close - close the socket; what is open is not answered any more
 * @channel: NULL is allowed
 */
void channel_close(struct channel *channel);

/**
 * channel_fd - the socket
 * @channel: channel
 *
 * Return: the socket, which stays the channel's.
 */
int channel_fd(const struct channel *channel);

/**
 * channel_tell - send a request that needs no reply
 * @channel: channel
 * @request: VU_BACKEND_*
 * @payload: payload
 * @size: its bytes
 *
 * Return: 0; -EAGAIN when the front end does not read; or -errno.
 */
int channel_tell(struct channel *channel, uint32_t request, const void *payload, uint32_t size);

/**
 * channel_ask - send a request that the front end answers
 * @channel: channel
 * @request: VU_BACKEND_*
 * @payload: payload
 * @size: its bytes
 * @tag: for the caller to know the answer by
 * @deadline: when it is late, in the caller's clock
 *
 * Return: 0; -EAGAIN when the front end does not read or leaves too many unanswered;
 * or -errno.
 */
int channel_ask(struct channel *channel, uint32_t request, const void *payload, uint32_t size,
		uint64_t tag, uint64_t deadline);

/**
 * channel_deadline - when the oldest open request is late
 * @channel: channel
 *
 * Return: the time, UINT64_MAX when nothing is open.
 */
uint64_t channel_deadline(const struct channel *channel);

/**
 * channel_receive - take a reply
 * @channel: channel
 * @answer: receives it
 *
 * Return: 1 with @answer; 0 when there is none now; -ECONNRESET when the front end
 * closed the channel; -EPROTO for what is no reply to the oldest open request; or
 * -errno.
 */
int channel_receive(struct channel *channel, struct channel_answer *answer);

#endif
