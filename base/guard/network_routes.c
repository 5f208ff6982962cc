// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Routes of both families are kept in one form, IPv4 as IPv4-mapped IPv6, so
 * that one longest-prefix match serves both.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/guard/links.h"
#include "base/guard/network.h"
#include "base/sysroot/call.h"
#include "base/sysroot/paths.h"

#define ROUTE_UP 0x1
#define ROUTE_REJECT 0x200
#define IPV4_PREFIX 96

static bool parse_route4(const char *line, struct guard_route *route)
{
	unsigned int destination, gateway, flags, mask;

	if (sscanf(line, "%15s %x %x %x %*s %*s %*s %x", route->interface, &destination, &gateway,
		   &flags, &mask) != 5)
		return false;
	guard_map_ipv4(route->destination, destination);
	guard_map_ipv4(route->gateway, gateway);
	route->prefix = IPV4_PREFIX + (unsigned int)__builtin_popcount(mask);
	route->ipv4 = true;
	return (flags & ROUTE_UP) && !(flags & ROUTE_REJECT);
}

static bool parse_route6(const char *line, struct guard_route *route)
{
	char destination[33], gateway[33];
	unsigned int flags;

	if (sscanf(line, "%32s %x %*s %*s %32s %*s %*s %*s %x %15s", destination, &route->prefix,
		   gateway, &flags, route->interface) != 5)
		return false;
	route->ipv4 = false;
	return guard_parse_hex(destination, route->destination) &&
	       guard_parse_hex(gateway, route->gateway) &&
	       (flags & ROUTE_UP) && !(flags & ROUTE_REJECT) && strcmp(route->interface, "lo");
}

static int append_route(struct guard_routes *routes, const struct guard_route *route)
{
	struct guard_route *larger = array_grow(routes->list, routes->count, sizeof(*route));

	if (!larger)
		return -ENOMEM;
	routes->list = larger;
	larger[routes->count++] = *route;
	return 0;
}

/* A host without the file has no routes of that family. */
static int read_routes(struct iov *iov, const char *path,
		       bool (*parse)(const char *line, struct guard_route *route),
		       struct guard_routes *routes)
{
	_cleanup_free_ char *text = NULL;
	struct guard_route route;
	char *line, *rest;
	int error;

	error = iov_sys_read_all(iov, path, &text, NULL);
	if (error)
		return error == -ENOENT ? 0 : error;
	for (rest = text; !error && (line = strsep(&rest, "\n"));) {
		if (parse(line, &route))
			error = append_route(routes, &route);
	}
	return error;
}

/* Default routes of other tables than the main one. */
struct others {
	struct guard_routes routes;
	int error;
};

static void add_default(struct others *others, int interface, const struct nlattr *gateway)
{
	struct guard_route route = { .prefix = IPV4_PREFIX, .ipv4 = true };

	guard_map_ipv4(route.destination, 0);
	guard_map_ipv4(route.gateway, gateway ? nla_get_u32(gateway) : 0);
	if (!others->error && if_indextoname((unsigned int)interface, route.interface))
		others->error = append_route(&others->routes, &route);
}

/* Each way of a route that has several. */
static void add_ways(struct others *others, const struct nlattr *ways)
{
	const struct rtnexthop *way = nla_data(ways);
	int left = nla_len(ways);

	for (; RTNH_OK(way, left); way = RTNH_NEXT(way)) {
		add_default(others, way->rtnh_ifindex,
			    nla_find((const struct nlattr *)RTNH_DATA(way),
				     way->rtnh_len - (int)sizeof(*way), RTA_GATEWAY));
		left -= (int)NLA_ALIGN(way->rtnh_len);
	}
}

static int note_route(struct nl_msg *message, void *arg)
{
	struct nlattr *attributes[RTA_MAX + 1];
	struct rtmsg *header = nlmsg_data(nlmsg_hdr(message));

	if (nlmsg_parse(nlmsg_hdr(message), sizeof(*header), attributes, RTA_MAX, NULL) ||
	    header->rtm_dst_len || header->rtm_type != RTN_UNICAST ||
	    header->rtm_table == RT_TABLE_MAIN)
		return NL_OK;
	if (attributes[RTA_MULTIPATH])
		add_ways(arg, attributes[RTA_MULTIPATH]);
	else if (attributes[RTA_OIF])
		add_default(arg, (int)nla_get_u32(attributes[RTA_OIF]), attributes[RTA_GATEWAY]);
	return NL_OK;
}

static void forget_others(void *arg)
{
	struct others *others = arg;

	free(others->routes.list);
	*others = (struct others){ 0 };
}

/*
 * For IPv4 procfs has the main table alone, but rules and VRFs lead to the default routes of
 * others.  They come last, so that the main table's count first for who asks for an address.
 */
static int read_other_tables(struct iov *iov, struct guard_routes *routes)
{
	struct rtmsg request = { .rtm_family = AF_INET };
	struct others others = { 0 };
	struct nl_sock *socket;
	int error = 0;

	if (!iov_sys_is_host(iov))
		return 0;
	iov_sys_asking(iov, "the routes of this host, by rtnetlink");
	socket = guard_rtnetlink(&error);
	if (socket)
		error = guard_dump(socket, RTM_GETROUTE, &request, sizeof(request), note_route,
				   forget_others, &others);
	nl_socket_free(socket);
	error = error ? error : others.error;
	for (size_t i = 0; !error && i < others.routes.count; i++)
		error = append_route(routes, &others.routes.list[i]);
	free(others.routes.list);
	return error;
}

int guard_read_routes(struct iov *iov, struct guard_routes *routes)
{
	int error = read_routes(iov, IOV_PATH_ROUTE4, parse_route4, routes);

	if (!error)
		error = read_routes(iov, IOV_PATH_ROUTE6, parse_route6, routes);
	return error ? error : read_other_tables(iov, routes);
}

static bool in_prefix(const unsigned char *address, const struct guard_route *route)
{
	unsigned int bytes = route->prefix / 8, bits = route->prefix % 8;

	if (route->ipv4 != guard_is_ipv4(address) || route->prefix > 128 ||
	    memcmp(address, route->destination, bytes))
		return false;
	return !bits || !((address[bytes] ^ route->destination[bytes]) >> (8 - bits));
}

const char *guard_route_to(const struct guard_routes *routes, const unsigned char *address)
{
	const struct guard_route *best = NULL;

	for (size_t i = 0; i < routes->count; i++) {
		const struct guard_route *route = &routes->list[i];

		if (in_prefix(address, route) && (!best || route->prefix > best->prefix))
			best = route;
	}
	return best ? best->interface : NULL;
}
