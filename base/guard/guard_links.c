// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/guard/guard_links.h"

#include <errno.h>
#include <netlink/netlink.h>
#include <netlink/msg.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>

/* Requests without an extension mask: the answers leave out VFs and statistics fit. */
static int add_link(struct nl_msg *message, void *arg)
{
	struct guard_links *links = arg;
	struct nlattr *attributes[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1] = { 0 };
	struct ifinfomsg *header = nlmsg_data(nlmsg_hdr(message));
	struct guard_link *larger, *link;

	if (nlmsg_parse(nlmsg_hdr(message), sizeof(*header), attributes, IFLA_MAX, NULL) ||
	    !attributes[IFLA_IFNAME])
		return NL_SKIP;
	larger = realloc(links->list, (links->count + 1) * sizeof(*larger));
	if (!larger)
		return -NLE_NOMEM;
	links->list = larger;
	link = &larger[links->count++];
	*link = (struct guard_link){ .index = (unsigned int)header->ifi_index, .lower_nsid = -1 };
	nla_strlcpy(link->name, attributes[IFLA_IFNAME], sizeof(link->name));
	if (attributes[IFLA_LINK])
		link->lower = nla_get_u32(attributes[IFLA_LINK]);
	if (attributes[IFLA_LINK_NETNSID])
		link->lower_nsid = nla_get_s32(attributes[IFLA_LINK_NETNSID]);
	if (attributes[IFLA_LINKINFO] &&
	    !nla_parse_nested(info, IFLA_INFO_MAX, attributes[IFLA_LINKINFO], NULL) &&
	    info[IFLA_INFO_KIND])
		nla_strlcpy(link->kind, info[IFLA_INFO_KIND], sizeof(link->kind));
	return NL_OK;
}

int guard_read_links(struct nl_sock *socket, struct guard_links *links)
{
	struct ifinfomsg request = { .ifi_family = AF_UNSPEC };
	int error;

	nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, add_link, links);
	error = nl_send_simple(socket, RTM_GETLINK, NLM_F_DUMP, &request, sizeof(request));
	if (error >= 0)
		error = nl_recvmsgs_default(socket);
	return error < 0 ? -EIO : 0;
}

void guard_own_links(struct iov *iov, struct guard_links *links)
{
	struct nl_sock *socket = iov_sys_is_host(iov) ? nl_socket_alloc() : NULL;

	*links = (struct guard_links){ 0 };
	if (!socket)
		return;
	if (!nl_connect(socket, NETLINK_ROUTE))
		guard_read_links(socket, links);
	nl_socket_free(socket);
}
