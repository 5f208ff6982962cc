// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guards "xdp" and "tc": programs and filters that carry frames to or from an interface
 * before the network stack has them.  Only rtnetlink knows of them.
 */
#include <errno.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/guard/links.h"
#include "base/guard/scans.h"
#include "base/guard/walk_interface.h"

static const struct guard xdp = { "xdp", "an XDP program is attached to its interface" };
static const struct guard tc = {
	"tc", "a tc filter redirects or mirrors frames to or from its interface, or is a BPF program",
};

/* A queueing discipline that filters can be attached to. */
struct discipline {
	int interface;
	unsigned int handle;
	bool has_two; /* "clsact": filters of both directions, with numbers of their own */
};

/* Interfaces that filters join; @from is the one whose filters are read. */
struct filters {
	int from;
	const struct guard_links *links;
	struct discipline *list;
	size_t count;
	struct guard_scan *scan;
};

static void forget_disciplines(void *arg)
{
	((struct filters *)arg)->count = 0;
}

static int note_discipline(struct nl_msg *message, void *arg)
{
	struct nlattr *attributes[TCA_MAX + 1];
	struct tcmsg *header = nlmsg_data(nlmsg_hdr(message));
	struct filters *filters = arg;
	struct discipline *larger;

	if (nlmsg_parse(nlmsg_hdr(message), sizeof(*header), attributes, TCA_MAX, NULL))
		return -NLE_MSG_TRUNC;
	/* What the kernel put there by default has no handle. */
	if (!header->tcm_handle)
		return NL_OK;
	larger = array_grow(filters->list, filters->count, sizeof(*larger));
	if (!larger)
		return -NLE_NOMEM;
	filters->list = larger;
	larger[filters->count++] = (struct discipline){
		.interface = header->tcm_ifindex,
		.handle = header->tcm_handle,
		.has_two = attributes[TCA_KIND] &&
			   !nla_strcmp(attributes[TCA_KIND], "clsact"),
	};
	return NL_OK;
}

static const char *name_of(const struct filters *filters, int index)
{
	for (size_t i = 0; i < filters->links->count; i++) {
		if ((int)filters->links->list[i].index == index)
			return filters->links->list[i].name;
	}
	return "";
}

/* A redirection holds both of its ends. */
static void hold_ends(struct filters *filters, int from, int to)
{
	const char *source = name_of(filters, from), *sink = name_of(filters, to);
	char holder[80];

	snprintf(holder, sizeof(holder), "the tc filter from %s to %s", source, sink);
	if (*source)
		guard_hold_interface(filters->scan, &tc, holder, source);
	if (*sink)
		guard_hold_interface(filters->scan, &tc, holder, sink);
}

/* One action of a filter. */
static void read_action(struct filters *filters, int from, struct nlattr *action)
{
	struct nlattr *attributes[TCA_ACT_MAX + 1], *options[TCA_MIRRED_MAX + 1];

	if (nla_parse_nested(attributes, TCA_ACT_MAX, action, NULL) ||
	    !attributes[TCA_ACT_KIND] || !attributes[TCA_ACT_OPTIONS] ||
	    nla_strcmp(attributes[TCA_ACT_KIND], "mirred") ||
	    nla_parse_nested(options, TCA_MIRRED_MAX, attributes[TCA_ACT_OPTIONS], NULL) ||
	    !options[TCA_MIRRED_PARMS])
		return;
	hold_ends(filters, from,
		  (int)((struct tc_mirred *)nla_data(options[TCA_MIRRED_PARMS]))->ifindex);
}

/*
 * Each kind of filter has its actions in an option of another number, always as a list of
 * them: what has no action's members is none.  A filter of a block that interfaces share does not
 * say whose it is.
 */
static int read_filter(struct nl_msg *message, void *arg)
{
	struct nlattr *attributes[TCA_MAX + 1], *option, *action;
	struct filters *filters = arg;
	int left, rest;

	if (nlmsg_parse(nlmsg_hdr(message), sizeof(struct tcmsg), attributes, TCA_MAX, NULL))
		return -NLE_MSG_TRUNC;
	if (!attributes[TCA_OPTIONS])
		return NL_OK;
	if (attributes[TCA_KIND] && !nla_strcmp(attributes[TCA_KIND], "bpf"))
		guard_hold_interface(filters->scan, &tc, "the BPF program of a tc filter",
				     name_of(filters, filters->from));
	nla_for_each_nested(option, attributes[TCA_OPTIONS], left)
		nla_for_each_nested(action, option, rest)
			read_action(filters, filters->from, action);
	return NL_OK;
}

static void keep_filters(void *arg)
{
	(void)arg;
}

/* What went meanwhile, or takes no filters, has none. */
static int read_filters(struct filters *filters, struct nl_sock *socket, int interface,
			unsigned int parent)
{
	struct tcmsg request = {
		.tcm_family = AF_UNSPEC, .tcm_ifindex = interface, .tcm_parent = parent,
	};

	filters->from = interface;
	return guard_dump(socket, RTM_GETTFILTER, &request, sizeof(request), read_filter,
			  keep_filters, filters);
}

static int read_discipline(struct filters *filters, struct nl_sock *socket,
			   const struct discipline *discipline)
{
	int error;

	if (!discipline->has_two)
		return read_filters(filters, socket, discipline->interface, discipline->handle);
	error = read_filters(filters, socket, discipline->interface,
			     TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS));
	return error ? error : read_filters(filters, socket, discipline->interface,
					    TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS));
}

static int read_disciplines(struct filters *filters, struct nl_sock *socket)
{
	struct tcmsg request = { .tcm_family = AF_UNSPEC };
	int error = guard_dump(socket, RTM_GETQDISC, &request, sizeof(request), note_discipline,
			       forget_disciplines, filters);

	for (size_t i = 0; !error && i < filters->count; i++)
		error = read_discipline(filters, socket, &filters->list[i]);
	return error;
}

static void scan_filters(struct filters *filters)
{
	int error;
	struct nl_sock *socket = guard_netlink(NETLINK_ROUTE, &error);

	if (socket)
		error = read_disciplines(filters, socket);
	guard_failed(filters->scan, error, "the filters of tc");
	nl_socket_free(socket);
	free(filters->list);
}

static void scan(struct guard_scan *scan)
{
	struct filters filters = { .scan = scan };

	if (!iov_sys_is_host(scan->iov))
		return;
	filters.links = guard_own_links(scan);
	for (size_t i = 0; i < filters.links->count; i++) {
		if (filters.links->list[i].has_program)
			guard_hold_interface(scan, &xdp, "an XDP program",
					     filters.links->list[i].name);
	}
	scan_filters(&filters);
}

const struct guard_kind scan_program = {
	.guards = (const struct guard *const[]){ &xdp, &tc, NULL },
	.scan = scan,
};
