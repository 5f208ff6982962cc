/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages to and from a stream socket, without ever waiting for the peer.
 *
 * Nothing beyond the end of a message is read with it, so the descriptors that
 * arrive belong to that message.
 */
#ifndef VHOST_USER_PROTOCOL_WIRE_H
#define VHOST_USER_PROTOCOL_WIRE_H

#include <stddef.h>

#include "vhost-user/protocol/closer.h"
#include "vhost-user/protocol/message.h"

/* Most descriptors of any request. */
#define VU_FDS_MAX VU_MEM_TABLE_REGIONS

/**
 * struct vu_message - a message, whole or in part
 * @header: request, flags, payload size
 * @payload: payload
 * @received: bytes that arrived of header and payload
 * @fds: descriptors that came with it; a handler that keeps one puts -1 there
 * @fd_count: number of descriptors that came
 * @reply_fd: descriptor for the reply to it, which a handler leaves there; closed when
 *	it was sent; -1 for none
 * @has_reply: a handler left a reply of its own, to a request that mostly has none
 * @closer: closes @fds; NULL for whoever trusts the peer
 */
struct vu_message {
	struct vu_header header;
	union vu_payload payload;
	size_t received;
	int fds[VU_FDS_MAX];
	unsigned int fd_count;
	int reply_fd;
	bool has_reply;
	struct closer *closer;
};

/**
 * vu_wire_receive - go on receiving a message
 * @fd: non-blocking socket
 * @message: zeroed before its first byte, but for its closer
 * @refusal: receives why the message cannot be taken
 *
 * The header is checked as soon as it is complete.
 *
 * Return: 1 when the message is complete; 0 when there is nothing more to read
 * now; -ECONNRESET when the connection ended between messages; -EPROTO with
 * @refusal set; or -errno.
 */
int vu_wire_receive(int fd, struct vu_message *message, enum vu_refusal *refusal);

/**
 * vu_wire_receive_reply - the same for a reply to a request of ours
 * @fd: socket
 * @message: zeroed before its first byte, but for its closer
 * @refusal: receives why the message cannot be taken
 *
 * Return: as vu_wire_receive().
 */
int vu_wire_receive_reply(int fd, struct vu_message *message, enum vu_refusal *refusal);

/**
 * vu_wire_request - send a request of our own
 * @fd: socket
 * @request: what is asked
 * @flags: VU_FLAG_NEED_REPLY or none
 * @payload: payload
 * @size: bytes at @payload
 *
 * Return: 0; -EAGAIN when the peer does not read; or -errno.
 */
int vu_wire_request(int fd, uint32_t request, uint32_t flags, const void *payload, uint32_t size);

/**
 * vu_wire_reply - send the reply to a message
 * @fd: non-blocking socket
 * @request: what is answered
 * @payload: payload of the reply
 * @size: bytes at @payload
 * @passed: descriptor to go with it, which stays the caller's; -1 for none
 *
 * Return: 0; -EAGAIN when the peer does not read its replies; or -errno.
 */
int vu_wire_reply(int fd, const struct vu_header *request, const void *payload, uint32_t size,
		  int passed);

/**
 * vu_message_reset - close the descriptors that nobody took, and start over
 * @message: message
 */
void vu_message_reset(struct vu_message *message);

/**
 * vu_message_take_fd - keep the descriptor of a message
 * @message: message with at most one descriptor
 *
 * Return: the descriptor, now the caller's; -1 when none came.
 */
int vu_message_take_fd(struct vu_message *message);

#endif
