// SPDX-License-Identifier: GPL-2.0-or-later
/* Sockets as sock_diag has them. */
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netlink/netlink.h>

#include "base/guard/links.h"

/* What is noted twice is noted once. */
static void keep_sockets(void *arg)
{
	(void)arg;
}

void guard_dump_sockets(struct guard_scan *scan, const void *request, size_t size,
			int (*parse)(struct nl_msg *message, void *arg), const char *what)
{
	int error;
	struct nl_sock *socket = guard_netlink(NETLINK_SOCK_DIAG, &error);

	if (socket)
		error = guard_dump(socket, SOCK_DIAG_BY_FAMILY, request, size, parse, keep_sockets, scan);
	nl_socket_free(socket);
	guard_failed(scan, error, what);
}
