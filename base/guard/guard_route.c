// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guards "default-route" and "session".
 *
 * Routes of both families are kept in one form, IPv4 as IPv4-mapped IPv6, so
 * that one longest-prefix match serves both.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/context.h"
#include "base/guard/guard_scan.h"
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
	struct guard_route *larger = realloc(routes->list, (routes->count + 1) * sizeof(*route));

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

	if (iov_sys_read_all(iov, path, &text, NULL))
		return 0;
	for (rest = text; (line = strsep(&rest, "\n"));) {
		if (!parse(line, &route))
			continue;
		if (append_route(routes, &route))
			return iov_fail(iov, -ENOMEM, "out of memory reading routes");
	}
	return 0;
}

static void add_default(struct guard_routes *routes, int interface, const struct nlattr *gateway)
{
	struct guard_route route = { .prefix = IPV4_PREFIX, .ipv4 = true };

	guard_map_ipv4(route.destination, 0);
	guard_map_ipv4(route.gateway, gateway ? nla_get_u32(gateway) : 0);
	if (if_indextoname((unsigned int)interface, route.interface))
		append_route(routes, &route);
}

/* Each way of a route that has several. */
static void add_ways(struct guard_routes *routes, const struct nlattr *ways)
{
	const struct rtnexthop *way = nla_data(ways);
	int left = nla_len(ways);

	for (; RTNH_OK(way, left); way = RTNH_NEXT(way)) {
		add_default(routes, way->rtnh_ifindex,
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

/*
 * For IPv4 procfs has the main table alone, but rules and VRFs lead to the default routes of
 * others.  They come last, so that the main table's count first for who asks for an address.
 */
static void read_other_tables(struct iov *iov, struct guard_routes *routes)
{
	struct nl_sock *socket = iov_sys_is_host(iov) ? nl_socket_alloc() : NULL;
	struct rtmsg request = { .rtm_family = AF_INET };

	if (!socket)
		return;
	nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, note_route, routes);
	if (!nl_connect(socket, NETLINK_ROUTE) &&
	    nl_send_simple(socket, RTM_GETROUTE, NLM_F_DUMP, &request, sizeof(request)) >= 0)
		nl_recvmsgs_default(socket);
	nl_socket_free(socket);
}

int guard_read_routes(struct iov *iov, struct guard_routes *routes)
{
	int error = read_routes(iov, IOV_PATH_ROUTE4, parse_route4, routes);

	if (!error)
		error = read_routes(iov, IOV_PATH_ROUTE6, parse_route6, routes);
	if (!error)
		read_other_tables(iov, routes);
	return error;
}

static void scan_default_routes(struct guard_scan *scan, const struct guard_routes *routes)
{
	static const unsigned char none[16];

	for (size_t i = 0; i < routes->count; i++) {
		const struct guard_route *route = &routes->list[i];
		const unsigned char *gateway = route->gateway + (route->ipv4 ? 12 : 0);
		size_t length = route->ipv4 ? 4 : 16;
		char text[INET6_ADDRSTRLEN], holder[128];

		if (route->prefix != (route->ipv4 ? IPV4_PREFIX : 0))
			continue;
		inet_ntop(route->ipv4 ? AF_INET : AF_INET6, gateway, text, sizeof(text));
		if (memcmp(gateway, none, length))
			snprintf(holder, sizeof(holder), "default route via %s", text);
		else
			snprintf(holder, sizeof(holder), "default route of %s", route->interface);
		guard_hold_interface(scan, GUARD_DEFAULT_ROUTE, holder, route->interface);
	}
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

/* "192.0.2.1", "2001:db8::1"; the zone of "fe80::1%eth0" is at *zone, else NULL. */
static bool parse_address(const char *text, unsigned char *address, const char **zone)
{
	char copy[INET6_ADDRSTRLEN + GUARD_INTERFACE_SIZE];
	unsigned int ipv4;
	char *percent;

	snprintf(copy, sizeof(copy), "%s", text);
	percent = strchr(copy, '%');
	*zone = percent ? strchr(text, '%') + 1 : NULL;
	if (percent)
		*percent = '\0';
	if (inet_pton(AF_INET, copy, &ipv4) == 1) {
		guard_map_ipv4(address, ipv4);
		return true;
	}
	return inet_pton(AF_INET6, copy, address) == 1;
}

/* 127.0.0.0/8 and ::1 */
static bool is_loopback(const unsigned char *address)
{
	static const unsigned char ipv4[13] = { [10] = 0xff, 0xff, 127 };
	static const unsigned char ipv6[16] = { [15] = 1 };

	return !memcmp(address, ipv4, sizeof(ipv4)) || !memcmp(address, ipv6, sizeof(ipv6));
}

/*
 * A session that this context was not told of: sudo(8) clears the variable,
 * but the shell above it still has it.
 */
static void find_session(struct iov *iov)
{
	char pid[32] = "self", status[1024];

	while (!iov->session_local[0] && strcmp(pid, "0")) {
		_cleanup_free_ char *environment = NULL;
		const char *parent;
		size_t length;

		if (iov_sys_read(iov, iov_path(IOV_PATH_PROC "/%s/status", pid).name, status,
				 sizeof(status)))
			return;
		if (!iov_sys_read_all(iov, iov_path(IOV_PATH_PROC "/%s/environ", pid).name,
				      &environment, &length)) {
			for (size_t at = 0; at < length; at += strlen(environment + at) + 1)
				sscanf(environment + at, "SSH_CONNECTION=%63s %*s %63s",
				       iov->session_client, iov->session_local);
		}
		parent = strstr(status, "\nPPid:");
		if (!parent || sscanf(parent, "\nPPid: %31s", pid) != 1)
			return;
	}
}

static const char *interface_of(const struct guard_addresses *addresses,
				const unsigned char *bytes)
{
	for (size_t i = 0; i < addresses->count; i++) {
		if (!memcmp(addresses->list[i].bytes, bytes, 16))
			return addresses->list[i].interface;
	}
	return NULL;
}

/*
 * A session arrives through the interface that has its local address, and its
 * answers leave by the route to the client: usually one and the same.
 */
static void scan_session(struct guard_scan *scan, const struct guard_routes *routes,
			 const struct guard_addresses *addresses)
{
	const char *client_text = scan->iov->session_client, *local_text = scan->iov->session_local;
	unsigned char client[16], local[16];
	const char *in, *out;
	char holder[192];

	if (!local_text[0] || !parse_address(local_text, local, &in) ||
	    !parse_address(client_text, client, &out) || is_loopback(client))
		return;
	snprintf(holder, sizeof(holder), "the session from %s to %s", client_text, local_text);
	if (!in)
		in = interface_of(addresses, local);
	if (!in)
		in = guard_route_to(routes, local);
	if (!out)
		out = guard_route_to(routes, client);
	if (in)
		guard_hold_interface(scan, GUARD_SESSION, holder, in);
	if (out && (!in || strcmp(in, out)))
		guard_hold_interface(scan, GUARD_SESSION, holder, out);
}

void guard_scan_routes(struct guard_scan *scan, const struct guard_routes *routes,
		       const struct guard_addresses *addresses)
{
	scan_default_routes(scan, routes);
	if (!scan->iov->session_local[0])
		find_session(scan->iov);
	scan_session(scan, routes, addresses);
}
