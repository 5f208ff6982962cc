// SPDX-License-Identifier: GPL-2.0-or-later
#include "plugins/net/netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/sysroot/sysroot.h"

static int on_valid(struct nl_msg *message, void *arg)
{
	struct nlmsghdr *header = nlmsg_hdr(message);
	struct netlink *netlink = arg;

	if (netlink->on_message)
		netlink->on_message(header, netlink->arg);
	if (!(header->nlmsg_flags & NLM_F_MULTI))
		netlink->done = true;
	return NL_OK;
}

static int on_done(struct nl_msg *message, void *arg)
{
	struct netlink *netlink = arg;

	(void)message;
	netlink->done = true;
	return NL_STOP;
}

/* What the kernel says in words stands behind the error (NETLINK_EXT_ACK). */
static int on_error(struct sockaddr_nl *from, struct nlmsgerr *error, void *arg)
{
	struct nlmsghdr *header = (struct nlmsghdr *)((char *)error - NLMSG_HDRLEN);
	struct netlink *netlink = arg;
	size_t skip = sizeof(*error);
	struct nlattr *text;

	(void)from;
	netlink->error = error->error;
	if (!(header->nlmsg_flags & NLM_F_CAPPED))
		skip += error->msg.nlmsg_len - NLMSG_HDRLEN;
	if (header->nlmsg_flags & NLM_F_ACK_TLVS && netlink->answer) {
		text = nlmsg_find_attr(header, (int)skip, NLMSGERR_ATTR_MSG);
		if (text)
			snprintf(netlink->answer, netlink->answer_size, "%.*s", nla_len(text),
				 (char *)nla_data(text));
	}
	netlink->done = true;
	return NL_STOP;
}

int netlink_open(struct netlink *netlink, int protocol)
{
	const int on = 1;
	int fd;

	netlink->socket = nl_socket_alloc();
	if (!netlink->socket)
		return -ENOMEM;
	if (nl_connect(netlink->socket, protocol) < 0)
		return errno ? -errno : -EIO;
	nl_socket_enable_msg_peek(netlink->socket);
	nl_socket_modify_cb(netlink->socket, NL_CB_VALID, NL_CB_CUSTOM, on_valid, netlink);
	nl_socket_modify_cb(netlink->socket, NL_CB_FINISH, NL_CB_CUSTOM, on_done, netlink);
	nl_socket_modify_cb(netlink->socket, NL_CB_ACK, NL_CB_CUSTOM, on_done, netlink);
	nl_socket_modify_err_cb(netlink->socket, NL_CB_CUSTOM, on_error, netlink);
	fd = nl_socket_get_fd(netlink->socket);
	/* Kernels before 4.12 do not have these; errors stay without words there. */
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	return 0;
}

void netlink_close(struct netlink *netlink)
{
	nl_socket_free(netlink->socket);
	netlink->socket = NULL;
}

int netlink_transact(struct netlink *netlink, struct nl_msg *message)
{
	int result = nl_send_auto(netlink->socket, message);

	nlmsg_free(message);
	netlink->done = false;
	netlink->error = 0;
	while (result >= 0 && !netlink->done)
		result = nl_recvmsgs_default(netlink->socket);
	if (netlink->error)
		return netlink->error;
	return result >= 0 || netlink->done ? 0 : -EIO;
}

struct nl_msg *netlink_route_new(int type, int flags, const void *payload, size_t size)
{
	struct nl_msg *message = nlmsg_alloc_simple(type, flags);

	if (message && !nlmsg_append(message, (void *)(uintptr_t)payload, size, NLMSG_ALIGNTO))
		return message;
	nlmsg_free(message);
	return NULL;
}

int netlink_route(struct nl_msg *message, void (*on_message)(struct nlmsghdr *header, void *arg), void *arg,
		  char *answer, size_t size)
{
	struct netlink netlink = {
		.on_message = on_message, .arg = arg, .answer = answer, .answer_size = size,
	};
	int error = message ? netlink_open(&netlink, NETLINK_ROUTE) : -ENOMEM;

	if (error) {
		nlmsg_free(message);
	} else {
		if (on_message)
			nl_socket_disable_auto_ack(netlink.socket);
		error = netlink_transact(&netlink, message);
	}
	netlink_close(&netlink);
	return error;
}

int netlink_require_host(struct iov *iov)
{
	if (iov_sys_is_host(iov))
		return 0;
	return iov_fail(iov, -EOPNOTSUPP, "a recorded host answers no netlink requests; "
			"ask on the host itself, without --root");
}
