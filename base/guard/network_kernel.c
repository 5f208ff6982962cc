// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Routes and addresses as rtnetlink has them: of all tables and families, with every next hop.
 * Procfs has the main table of IPv4 alone, and of several next hops the first.
 */
#include <errno.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/guard/links.h"
#include "base/guard/network.h"

/* A next hop that routes name by a number; of a group a record for each member. */
struct hop {
	unsigned int id;
	unsigned int member;
	int interface;
	unsigned char gateway[16];
};

struct reader {
	struct guard_routes routes;
	struct guard_addresses addresses;
	struct hop *hops;
	size_t hop_count;
};

static void start_again(void *arg)
{
	struct reader *reader = arg;

	reader->routes.count = reader->addresses.count = 0;
}

static void forget_hops(void *arg)
{
	((struct reader *)arg)->hop_count = 0;
}

/* An address in the form of network.h; RTA_VIA has its family in front. */
static void read_gateway(const struct nlattr *gateway, const struct nlattr *via,
			 unsigned char *bytes)
{
	const char *data = gateway ? nla_data(gateway) : via ? nla_data(via) : NULL;
	int length = gateway ? nla_len(gateway) : via ? nla_len(via) : 0;
	unsigned int ipv4;

	memset(bytes, 0, 16);
	if (!gateway && via) {
		data += sizeof(((struct rtvia *)0)->rtvia_family);
		length -= (int)sizeof(((struct rtvia *)0)->rtvia_family);
	}
	if (length == 4) {
		memcpy(&ipv4, data, sizeof(ipv4));
		guard_map_ipv4(bytes, ipv4);
	} else if (length == 16) {
		memcpy(bytes, data, 16);
	}
}

static int add_hop(struct reader *reader, const struct hop *hop)
{
	struct hop *larger = array_grow(reader->hops, reader->hop_count, sizeof(*hop));

	if (!larger)
		return -NLE_NOMEM;
	reader->hops = larger;
	larger[reader->hop_count++] = *hop;
	return NL_OK;
}

static int note_hop(struct nl_msg *message, void *arg)
{
	struct nlattr *attributes[NHA_MAX + 1];
	const struct nexthop_grp *members;
	struct hop hop = { 0 };
	int error = NL_OK;

	if (nlmsg_parse(nlmsg_hdr(message), sizeof(struct nhmsg), attributes, NHA_MAX, NULL) ||
	    !attributes[NHA_ID])
		return -NLE_MSG_TRUNC;
	hop.id = nla_get_u32(attributes[NHA_ID]);
	if (!attributes[NHA_GROUP]) {
		hop.interface = attributes[NHA_OIF] ? (int)nla_get_u32(attributes[NHA_OIF]) : 0;
		read_gateway(attributes[NHA_GATEWAY], NULL, hop.gateway);
		return add_hop(arg, &hop);
	}
	members = nla_data(attributes[NHA_GROUP]);
	for (int i = 0; error == NL_OK &&
	     i < nla_len(attributes[NHA_GROUP]) / (int)sizeof(*members); i++) {
		hop.member = members[i].id;
		error = add_hop(arg, &hop);
	}
	return error;
}

static int add_way(struct reader *reader, struct guard_route *route, int interface,
		   const unsigned char *gateway)
{
	memcpy(route->gateway, gateway, sizeof(route->gateway));
	/* One that is gone meanwhile leads nowhere. */
	if (interface <= 0 || !if_indextoname((unsigned int)interface, route->interface))
		return NL_OK;
	return guard_add_route(&reader->routes, route) ? -NLE_NOMEM : NL_OK;
}

/* Each way of a route that has several. */
static int add_ways(struct reader *reader, struct guard_route *route, const struct nlattr *ways)
{
	const struct rtnexthop *way = nla_data(ways);
	int left = nla_len(ways), error = NL_OK;
	unsigned char gateway[16];

	for (; error == NL_OK && RTNH_OK(way, left); way = RTNH_NEXT(way)) {
		const struct nlattr *first = (const struct nlattr *)RTNH_DATA(way);
		int length = way->rtnh_len - (int)sizeof(*way);

		read_gateway(nla_find(first, length, RTA_GATEWAY), nla_find(first, length, RTA_VIA),
			     gateway);
		error = add_way(reader, route, way->rtnh_ifindex, gateway);
		left -= (int)NLA_ALIGN(way->rtnh_len);
	}
	return error;
}

/* A next hop by its number, and the members of a group. */
static int add_named(struct reader *reader, struct guard_route *route, unsigned int id, bool deep)
{
	int error = NL_OK;

	for (size_t i = 0; error == NL_OK && i < reader->hop_count; i++) {
		const struct hop *hop = &reader->hops[i];

		if (hop->id == id && !hop->member)
			error = add_way(reader, route, hop->interface, hop->gateway);
		else if (hop->id == id && deep)
			error = add_named(reader, route, hop->member, false);
	}
	return error;
}

static void read_destination(const struct rtmsg *header, const struct nlattr *destination,
			     struct guard_route *route)
{
	route->ipv4 = header->rtm_family == AF_INET;
	route->prefix = header->rtm_dst_len + (route->ipv4 ? 96 : 0);
	if (route->ipv4)
		guard_map_ipv4(route->destination, 0);
	/* What is no route of IP is to no address. */
	if (!route->ipv4 && header->rtm_family != AF_INET6)
		route->prefix = GUARD_NO_PREFIX;
	else if (destination)
		memcpy(route->destination + (route->ipv4 ? 12 : 0), nla_data(destination),
		       (size_t)nla_len(destination) <= (route->ipv4 ? 4 : 16) ?
		       (size_t)nla_len(destination) : 0);
}

static int note_route(struct nl_msg *message, void *arg)
{
	struct nlattr *attributes[RTA_MAX + 1];
	struct rtmsg *header = nlmsg_data(nlmsg_hdr(message));
	struct guard_route route = { 0 };
	struct reader *reader = arg;
	unsigned char gateway[16];

	if (nlmsg_parse(nlmsg_hdr(message), sizeof(*header), attributes, RTA_MAX, NULL))
		return -NLE_MSG_TRUNC;
	if (header->rtm_type != RTN_UNICAST && header->rtm_type != RTN_MULTICAST)
		return NL_OK;
	read_destination(header, attributes[RTA_DST], &route);
	route.main = (attributes[RTA_TABLE] ? nla_get_u32(attributes[RTA_TABLE]) :
					      header->rtm_table) == RT_TABLE_MAIN;
	route.configured = header->rtm_protocol != RTPROT_KERNEL &&
			   header->rtm_protocol != RTPROT_RA &&
			   header->rtm_protocol != RTPROT_REDIRECT;
	if (attributes[RTA_MULTIPATH])
		return add_ways(reader, &route, attributes[RTA_MULTIPATH]);
	if (attributes[RTA_NH_ID])
		return add_named(reader, &route, nla_get_u32(attributes[RTA_NH_ID]), true);
	read_gateway(attributes[RTA_GATEWAY], attributes[RTA_VIA], gateway);
	return add_way(reader, &route, attributes[RTA_OIF] ?
		       (int)nla_get_u32(attributes[RTA_OIF]) : 0, gateway);
}

/* Kernels before Linux 5.3 have no next hops of their own. */
static int read_hops(struct nl_sock *socket, struct reader *reader)
{
	struct nhmsg request = { .nh_family = AF_UNSPEC };
	int error = guard_dump(socket, RTM_GETNEXTHOP, &request, sizeof(request), note_hop,
			       forget_hops, reader);

	return error == -EOPNOTSUPP ? 0 : error;
}

int guard_dump_routes(struct guard_routes *routes)
{
	struct rtmsg request = { .rtm_family = AF_UNSPEC };
	struct reader reader = { .routes = *routes };
	int error;
	struct nl_sock *socket = guard_netlink(NETLINK_ROUTE, &error);

	if (socket)
		error = read_hops(socket, &reader);
	if (!error)
		error = guard_dump(socket, RTM_GETROUTE, &request, sizeof(request), note_route,
				   start_again, &reader);
	nl_socket_free(socket);
	free(reader.hops);
	*routes = reader.routes;
	return error;
}

static int note_address(struct nl_msg *message, void *arg)
{
	struct nlattr *attributes[IFA_MAX + 1], *address;
	struct ifaddrmsg *header = nlmsg_data(nlmsg_hdr(message));
	char interface[IF_NAMESIZE];
	struct reader *reader = arg;
	unsigned int flags;
	int error;

	if (nlmsg_parse(nlmsg_hdr(message), sizeof(*header), attributes, IFA_MAX, NULL))
		return -NLE_MSG_TRUNC;
	address = attributes[IFA_LOCAL] ? attributes[IFA_LOCAL] : attributes[IFA_ADDRESS];
	if (!address || !if_indextoname(header->ifa_index, interface))
		return NL_OK;
	flags = attributes[IFA_FLAGS] ? nla_get_u32(attributes[IFA_FLAGS]) : header->ifa_flags;
	if (header->ifa_family == AF_INET && nla_len(address) == 4)
		error = guard_add_ipv4(&reader->addresses, interface, nla_get_u32(address));
	else if (header->ifa_family == AF_INET6 && nla_len(address) == 16)
		error = guard_add_ipv6(&reader->addresses, interface, nla_data(address),
				       header->ifa_scope == RT_SCOPE_UNIVERSE &&
				       flags & IFA_F_PERMANENT);
	else
		error = 0;
	return error ? -NLE_NOMEM : NL_OK;
}

int guard_dump_addresses(struct guard_addresses *addresses)
{
	struct ifaddrmsg request = { .ifa_family = AF_UNSPEC };
	struct reader reader = { .addresses = *addresses };
	int error;
	struct nl_sock *socket = guard_netlink(NETLINK_ROUTE, &error);

	if (socket)
		error = guard_dump(socket, RTM_GETADDR, &request, sizeof(request), note_address,
				   start_again, &reader);
	nl_socket_free(socket);
	*addresses = reader.addresses;
	return error;
}
