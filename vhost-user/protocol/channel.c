// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/protocol/channel.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

/* A request without its answer. */
struct open_request {
	uint32_t request;
	uint64_t tag;
	uint64_t deadline;
};

/**
 * struct channel - a channel
 * @fd: its socket
 * @first: oldest of @open
 * @count: used part of @open, from @first on and round
 * @open: requests without their answer
 * @reply: reply that is being received
 * @trace: who looks at its messages; NULL for nobody
 */
struct channel {
	int fd;
	unsigned int first;
	unsigned int count;
	struct open_request open[CHANNEL_OPEN_MAX];
	struct vu_message reply;
	struct vu_trace *trace;
};

int channel_open(struct channel **out, int fd, struct closer *closer, struct vu_trace *trace)
{
	*out = calloc(1, sizeof(**out));
	if (!*out) {
		closer_close(closer, fd);
		return -ENOMEM;
	}
	(*out)->fd = fd;
	(*out)->reply.closer = closer;
	(*out)->trace = trace;
	return 0;
}

void channel_close(struct channel *channel)
{
	if (!channel)
		return;
	vu_message_reset(&channel->reply);
	shutdown(channel->fd, SHUT_RDWR);
	closer_close(channel->reply.closer, channel->fd);
	free(channel);
}

int channel_fd(const struct channel *channel)
{
	return channel->fd;
}

static int send_request(struct channel *channel, uint32_t request, uint32_t flags,
			const void *payload, uint32_t size)
{
	const struct vu_traced traced = {
		.header = { request, VU_FLAG_VERSION | flags, size },
		.payload = payload,
		.is_channel = true,
	};
	int error = vu_wire_request(channel->fd, request, flags, payload, size);

	if (!error)
		vu_trace_message(channel->trace, &traced);
	return error;
}

int channel_tell(struct channel *channel, uint32_t request, const void *payload, uint32_t size)
{
	return send_request(channel, request, 0, payload, size);
}

int channel_ask(struct channel *channel, uint32_t request, const void *payload, uint32_t size,
		uint64_t tag, uint64_t deadline)
{
	int error;

	if (channel->count == CHANNEL_OPEN_MAX)
		return -EAGAIN;
	error = send_request(channel, request, VU_FLAG_NEED_REPLY, payload, size);
	if (error)
		return error;
	channel->open[(channel->first + channel->count++) % CHANNEL_OPEN_MAX] =
		(struct open_request){ request, tag, deadline };
	return 0;
}

uint64_t channel_deadline(const struct channel *channel)
{
	return channel->count ? channel->open[channel->first].deadline : UINT64_MAX;
}

/* A reply to what was asked, of 64 bits and nothing else. */
static bool is_expected(const struct channel *channel)
{
	const struct vu_message *reply = &channel->reply;

	return channel->count && !reply->fd_count &&
	       reply->header.request == channel->open[channel->first].request &&
	       reply->header.size == sizeof(reply->payload.u64);
}

static void trace_reply(const struct channel *channel)
{
	const struct vu_message *reply = &channel->reply;
	const struct vu_traced traced = {
		.header = reply->header,
		.payload = reply->payload.bytes,
		.fds = reply->fd_count,
		.is_reply = true,
		.by_front_end = true,
		.is_channel = true,
	};

	vu_trace_message(channel->trace, &traced);
}

int channel_receive(struct channel *channel, struct channel_answer *answer)
{
	enum vu_refusal refusal;
	int result = vu_wire_receive_reply(channel->fd, &channel->reply, &refusal);

	if (result <= 0)
		return result;
	trace_reply(channel);
	if (!is_expected(channel))
		return -EPROTO;
	*answer = (struct channel_answer){
		.request = channel->reply.header.request,
		.tag = channel->open[channel->first].tag,
		.refused = channel->reply.payload.u64,
	};
	channel->first = (channel->first + 1) % CHANNEL_OPEN_MAX;
	channel->count--;
	vu_message_reset(&channel->reply);
	return 1;
}
