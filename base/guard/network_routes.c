// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Routes of both families are kept in one form, IPv4 as IPv4-mapped IPv6, so
 * that one longest-prefix match serves both.  A recorded tree has those of procfs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/guard/network.h"
#include "base/sysroot/call.h"
#include "base/sysroot/paths.h"

#define ROUTE_UP 0x1
#define ROUTE_GATEWAY 0x2
#define ROUTE_REJECT 0x200
/* By a router (RTF_ADDRCONF), by a redirect (RTF_DYNAMIC), or a copy (RTF_CACHE) */
#define ROUTE_ANNOUNCED (0x40000 | 0x10 | 0x1000000)
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
	route->main = true;
	route->configured = flags & ROUTE_GATEWAY;
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
	route->main = true;
	route->configured = (flags & ROUTE_GATEWAY) && !(flags & ROUTE_ANNOUNCED);
	return guard_parse_hex(destination, route->destination) &&
	       guard_parse_hex(gateway, route->gateway) &&
	       (flags & ROUTE_UP) && !(flags & ROUTE_REJECT) && strcmp(route->interface, "lo");
}

int guard_add_route(struct guard_routes *routes, const struct guard_route *route)
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
			error = guard_add_route(routes, &route);
	}
	return error;
}

int guard_read_routes(struct iov *iov, struct guard_routes *routes)
{
	int error;

	if (iov_sys_is_host(iov)) {
		iov_sys_asking(iov, "the routes of this host, by rtnetlink");
		return guard_dump_routes(routes);
	}
	error = read_routes(iov, IOV_PATH_ROUTE4, parse_route4, routes);
	return error ? error : read_routes(iov, IOV_PATH_ROUTE6, parse_route6, routes);
}

bool guard_is_default(const struct guard_route *route)
{
	return route->prefix == (route->ipv4 ? IPV4_PREFIX : 0);
}

static bool in_prefix(const unsigned char *address, const struct guard_route *route)
{
	unsigned int bytes = route->prefix / 8, bits = route->prefix % 8;

	if (route->ipv4 != guard_is_ipv4(address) || route->prefix > 128 ||
	    memcmp(address, route->destination, bytes))
		return false;
	return !bits || !((address[bytes] ^ route->destination[bytes]) >> (8 - bits));
}

/* The longest prefix in the main table, or among the defaults of others. */
static const struct guard_route *find_route(const struct guard_routes *routes, bool main,
					    const unsigned char *address)
{
	const struct guard_route *best = NULL;

	for (size_t i = 0; i < routes->count; i++) {
		const struct guard_route *route = &routes->list[i];

		if (route->main == main && (main || guard_is_default(route)) &&
		    in_prefix(address, route) && (!best || route->prefix > best->prefix))
			best = route;
	}
	return best;
}

const char *guard_route_to(const struct guard_routes *routes, const unsigned char *address)
{
	const struct guard_route *best = find_route(routes, true, address);

	if (!best)
		best = find_route(routes, false, address);
	return best ? best->interface : NULL;
}
