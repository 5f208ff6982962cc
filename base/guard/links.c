// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/guard/links.h"

#include <errno.h>
#include <netlink/netlink.h>
#include <netlink/msg.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/sysroot/call.h"

static bool has_program(const struct nlattr *nested)
{
	struct nlattr *xdp[IFLA_XDP_MAX + 1];

	return nested && !nla_parse_nested(xdp, IFLA_XDP_MAX, (struct nlattr *)nested, NULL) &&
	       xdp[IFLA_XDP_ATTACHED] &&
	       nla_get_u8(xdp[IFLA_XDP_ATTACHED]) != XDP_ATTACHED_NONE;
}

/* Requests without an extension mask: the answers leave out VFs and statistics fit. */
static int add_link(struct nl_msg *message, void *arg)
{
	struct guard_links *links = arg;
	struct nlattr *attributes[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1] = { 0 };
	struct ifinfomsg *header = nlmsg_data(nlmsg_hdr(message));
	struct guard_link *larger, *link;

	if (nlmsg_parse(nlmsg_hdr(message), sizeof(*header), attributes, IFLA_MAX, NULL) ||
	    !attributes[IFLA_IFNAME])
		return -NLE_MSG_TRUNC;
	larger = array_grow(links->list, links->count, sizeof(*larger));
	if (!larger)
		return -NLE_NOMEM;
	links->list = larger;
	link = &larger[links->count++];
	*link = (struct guard_link){ .index = (unsigned int)header->ifi_index, .lower_nsid = -1 };
	nla_strlcpy(link->name, attributes[IFLA_IFNAME], sizeof(link->name));
	if (attributes[IFLA_PARENT_DEV_BUS_NAME])
		nla_strlcpy(link->bus, attributes[IFLA_PARENT_DEV_BUS_NAME], sizeof(link->bus));
	if (attributes[IFLA_PARENT_DEV_NAME])
		nla_strlcpy(link->device, attributes[IFLA_PARENT_DEV_NAME], sizeof(link->device));
	if (attributes[IFLA_LINK])
		link->lower = nla_get_u32(attributes[IFLA_LINK]);
	if (attributes[IFLA_LINK_NETNSID])
		link->lower_nsid = nla_get_s32(attributes[IFLA_LINK_NETNSID]);
	link->is_port = attributes[IFLA_MASTER] != NULL;
	link->promiscuous = header->ifi_flags & IFF_PROMISC;
	if (attributes[IFLA_PROMISCUITY])
		link->promiscuity = nla_get_u32(attributes[IFLA_PROMISCUITY]);
	link->has_program = has_program(attributes[IFLA_XDP]);
	if (attributes[IFLA_LINKINFO] &&
	    !nla_parse_nested(info, IFLA_INFO_MAX, attributes[IFLA_LINKINFO], NULL) &&
	    info[IFLA_INFO_KIND])
		nla_strlcpy(link->kind, info[IFLA_INFO_KIND], sizeof(link->kind));
	return NL_OK;
}

/* Dumps of a host that changes all the time are asked for so often. */
#define DUMP_TRIES 10

static int errno_of(int error)
{
	switch (-error) {
	case NLE_NOMEM: return -ENOMEM;
	case NLE_PERM: return -EPERM;
	case NLE_DUMP_INTR: return -EAGAIN;
	case NLE_OPNOTSUPP: return -EOPNOTSUPP;
	case NLE_OBJ_NOTFOUND: return -ENOENT;
	default: return -EIO;
	}
}

int guard_dump(struct nl_sock *socket, int type, const void *request, size_t size,
	       int (*parse)(struct nl_msg *message, void *arg), void (*restart)(void *arg),
	       void *arg)
{
	int error = -NLE_DUMP_INTR;

	nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, parse, arg);
	for (int tries = 0; error == -NLE_DUMP_INTR && tries < DUMP_TRIES; tries++) {
		restart(arg);
		error = nl_send_simple(socket, type, NLM_F_DUMP, (void *)request, size);
		if (error >= 0)
			error = nl_recvmsgs_default(socket);
	}
	return error < 0 ? errno_of(error) : 0;
}

struct nl_sock *guard_netlink(int protocol, int *error)
{
	struct nl_sock *socket = nl_socket_alloc();

	*error = socket ? nl_connect(socket, protocol) : -NLE_NOMEM;
	if (!*error)
		return socket;
	*error = errno_of(*error);
	nl_socket_free(socket);
	return NULL;
}

static void forget_links(void *arg)
{
	struct guard_links *links = arg;

	free(links->list);
	*links = (struct guard_links){ 0 };
}

int guard_read_links(struct nl_sock *socket, struct guard_links *links)
{
	struct ifinfomsg request = { .ifi_family = AF_UNSPEC };

	links->list = NULL;
	return guard_dump(socket, RTM_GETLINK, &request, sizeof(request), add_link, forget_links,
			  links);
}

const struct guard_links *guard_own_links(struct guard_scan *scan)
{
	static const struct guard_links none;
	struct nl_sock *socket;
	int error;

	if (scan->links || !iov_sys_is_host(scan->iov))
		return scan->links ? scan->links : &none;
	scan->links = calloc(1, sizeof(*scan->links));
	if (!scan->links) {
		guard_failed(scan, -ENOMEM, "the interfaces that rtnetlink has");
		return &none;
	}
	iov_sys_asking(scan->iov, "the interfaces of this host, by rtnetlink");
	socket = guard_netlink(NETLINK_ROUTE, &error);
	if (socket)
		error = guard_read_links(socket, scan->links);
	guard_failed(scan, error, "the interfaces that rtnetlink has");
	nl_socket_free(socket);
	return scan->links;
}

void guard_links_free(struct guard_links *links)
{
	if (!links)
		return;
	free(links->list);
	free(links);
}
