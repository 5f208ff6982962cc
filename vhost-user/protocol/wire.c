// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "vhost-user/protocol/wire.h"

#define HEADER sizeof(struct vu_header)

/* Room for the control message with one descriptor. */
union one_fd {
	struct cmsghdr align;
	uint8_t bytes[CMSG_SPACE(sizeof(int))];
};

/* A request may ask for a reply, and a reply has to say that it is one. */
static enum vu_refusal check_header(const struct vu_header *header, bool is_reply)
{
	const uint32_t choice = is_reply ? 0 : VU_FLAG_NEED_REPLY;
	const uint32_t fixed = VU_FLAG_VERSION | (is_reply ? VU_FLAG_REPLY : 0);

	if ((header->flags & VU_FLAG_VERSION_MASK) != VU_FLAG_VERSION)
		return VU_REFUSED_VERSION;
	if ((header->flags & ~choice) != fixed)
		return VU_REFUSED_FLAGS;
	if (header->size > VU_PAYLOAD_MAX)
		return VU_REFUSED_OVERSIZE;
	return VU_ACCEPTED;
}

/* Keep what fits; false when there were more descriptors than any request has. */
static bool collect_fds(struct vu_message *message, struct msghdr *received)
{
	bool all = !(received->msg_flags & MSG_CTRUNC);

	for (struct cmsghdr *part = CMSG_FIRSTHDR(received); part;
	     part = CMSG_NXTHDR(received, part)) {
		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(fd));
			if (message->fd_count < VU_FDS_MAX) {
				message->fds[message->fd_count++] = fd;
			} else {
				closer_close(message->closer, fd);
				all = false;
			}
		}
	}
	return all;
}

/* One recvmsg() into the part of the message that is still open. */
static ssize_t receive_part(int fd, struct vu_message *message, enum vu_refusal *refusal)
{
	bool in_header = message->received < HEADER;
	size_t done = in_header ? message->received : message->received - HEADER;
	uint8_t *start = in_header ? (uint8_t *)&message->header : message->payload.bytes;
	struct iovec part = {
		.iov_base = start + done,
		.iov_len = (in_header ? HEADER : message->header.size) - done,
	};
	union {
		struct cmsghdr align;
		uint8_t bytes[CMSG_SPACE(VU_FDS_MAX * sizeof(int))];
	} control;
	struct msghdr arguments = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t bytes;

	do {
		bytes = recvmsg(fd, &arguments, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (bytes < 0 && errno == EINTR);
	if (bytes < 0)
		return -errno;
	if (!collect_fds(message, &arguments))
		*refusal = VU_REFUSED_FDS_LOST;
	return bytes;
}

static int receive(int fd, struct vu_message *message, bool is_reply, enum vu_refusal *refusal)
{
	*refusal = VU_ACCEPTED;
	if (!message->received)
		vu_message_reset(message);
	while (message->received < HEADER || message->received < HEADER + message->header.size) {
		ssize_t bytes = receive_part(fd, message, refusal);

		if (bytes == -EAGAIN)
			return 0;
		if (bytes < 0)
			return (int)bytes;
		if (!bytes && !message->received)
			return -ECONNRESET;
		if (!bytes)
			*refusal = VU_REFUSED_TRUNCATED;
		message->received += (size_t)bytes;
		if (!*refusal && message->received == HEADER)
			*refusal = check_header(&message->header, is_reply);
		if (*refusal)
			return -EPROTO;
	}
	return 1;
}

int vu_wire_receive(int fd, struct vu_message *message, enum vu_refusal *refusal)
{
	return receive(fd, message, false, refusal);
}

int vu_wire_receive_reply(int fd, struct vu_message *message, enum vu_refusal *refusal)
{
	return receive(fd, message, true, refusal);
}

/* Let a descriptor go with what is sent. */
static void attach_fd(struct msghdr *arguments, union one_fd *control, int fd)
{
	struct cmsghdr *part;

	if (fd < 0)
		return;
	memset(control, 0, sizeof(*control));
	arguments->msg_control = control;
	arguments->msg_controllen = sizeof(*control);
	part = CMSG_FIRSTHDR(arguments);
	part->cmsg_level = SOL_SOCKET;
	part->cmsg_type = SCM_RIGHTS;
	part->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(part), &fd, sizeof(fd));
}

static int send_whole(int fd, struct vu_header *header, const void *payload, int passed)
{
	struct iovec parts[] = {
		{.iov_base = header, .iov_len = sizeof(*header)},
		{.iov_base = (void *)(uintptr_t)payload, .iov_len = header->size},
	};
	struct msghdr arguments = {.msg_iov = parts, .msg_iovlen = 2};
	union one_fd control;
	ssize_t bytes;

	attach_fd(&arguments, &control, passed);
	do {
		bytes = sendmsg(fd, &arguments, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (bytes < 0 && errno == EINTR);
	if (bytes < 0)
		return -errno;
	/* A stream socket takes so few bytes whole or not at all, unless it is full. */
	return (size_t)bytes == sizeof(*header) + header->size ? 0 : -EAGAIN;
}

int vu_wire_reply(int fd, const struct vu_header *request, const void *payload, uint32_t size,
		  int passed)
{
	struct vu_header header = {
		.request = request->request,
		.flags = VU_FLAG_VERSION | VU_FLAG_REPLY,
		.size = size,
	};

	return send_whole(fd, &header, payload, passed);
}

int vu_wire_request(int fd, uint32_t request, uint32_t flags, const void *payload, uint32_t size)
{
	struct vu_header header = {
		.request = request,
		.flags = VU_FLAG_VERSION | flags,
		.size = size,
	};

	return send_whole(fd, &header, payload, -1);
}

void vu_message_reset(struct vu_message *message)
{
	for (unsigned int i = 0; i < message->fd_count; i++)
		closer_close(message->closer, message->fds[i]);
	if (message->received && message->reply_fd >= 0)
		close(message->reply_fd);
	message->reply_fd = -1;
	message->has_reply = false;
	message->fd_count = 0;
	message->received = 0;
}

int vu_message_take_fd(struct vu_message *message)
{
	int fd = message->fd_count ? message->fds[0] : -1;

	message->fds[0] = -1;
	return fd;
}
