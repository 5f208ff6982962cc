/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests by netlink and what the kernel says to them; for the files of plugins/ alone. */
#ifndef IOV_PLUGINS_NET_NETLINK_H
#define IOV_PLUGINS_NET_NETLINK_H

#include <netlink/netlink.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/iov.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct netlink - a socket and the request at hand
 * @socket: NULL when closed
 * @on_message: gets each message of an answer; may be NULL
 * @arg: passed to @on_message
 * @answer: receives what the kernel says in words to a refusal; may be NULL
 * @answer_size: bytes at @answer
 * @done: the request is settled
 * @error: what the kernel answered, 0 or -errno
 */
struct netlink {
	struct nl_sock *socket;
	void (*on_message)(struct nlmsghdr *header, void *arg);
	void *arg;
	char *answer;
	size_t answer_size;
	bool done;
	int error;
};

/* Open the socket of a struct that is filled in; 0 or -errno. */
int netlink_open(struct netlink *netlink, int protocol);
void netlink_close(struct netlink *netlink);

/* Send and take in answers until the request is settled; frees @message. */
int netlink_transact(struct netlink *netlink, struct nl_msg *message);

/* A message of rtnetlink with what its type begins with; NULL without memory. */
struct nl_msg *netlink_route_new(int type, int flags, const void *payload, size_t size);

/*
 * Have one answered by a socket of its own, and free it; NULL is one that there was no memory for. A
 * change has no @on_message, and its end is told by an error or none.
 */
int netlink_route(struct nl_msg *message, void (*on_message)(struct nlmsghdr *header, void *arg), void *arg,
		  char *answer, size_t size);

/* The kernel answers for the running host alone: -EOPNOTSUPP with a message. */
int netlink_require_host(struct iov *iov);

#ifdef __cplusplus
}
#endif

#endif
