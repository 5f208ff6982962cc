// SPDX-License-Identifier: GPL-2.0-or-later
/* The guards "default-route" and "route". */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/guard/network.h"
#include "base/guard/scans.h"
#include "base/guard/walk_interface.h"

static const struct guard default_route = {
	"default-route", "a default route leaves through its interface",
};

static const struct guard route_guard = {
	"route", "a route that someone configured leaves through its interface",
};

static void format_address(const unsigned char *bytes, char *text)
{
	bool ipv4 = guard_is_ipv4(bytes);

	inet_ntop(ipv4 ? AF_INET : AF_INET6, bytes + (ipv4 ? 12 : 0), text, INET6_ADDRSTRLEN);
}

/* " via 192.0.2.1", " of eth0" where there is no gateway */
static void format_way(const struct guard_route *route, char *text, size_t size)
{
	static const unsigned char none[16], none4[16] = { [10] = 0xff, 0xff };
	char gateway[INET6_ADDRSTRLEN];

	format_address(route->gateway, gateway);
	if (memcmp(route->gateway, none, 16) && memcmp(route->gateway, none4, 16))
		snprintf(text, size, " via %s", gateway);
	else
		snprintf(text, size, " of %s", route->interface);
}

static void hold_default(struct guard_scan *scan, const struct guard_route *route)
{
	char way[64], holder[128];

	format_way(route, way, sizeof(way));
	snprintf(holder, sizeof(holder), "default route%s", way);
	guard_hold_interface(scan, &default_route, holder, route->interface);
}

/* There may be a million of them; the first speaks for its interface. */
static void hold_configured(struct guard_scan *scan, const struct guard_route *route)
{
	char destination[INET6_ADDRSTRLEN], way[64], holder[192];

	if (!guard_is_new(scan, iov_path("routes of %s", route->interface).name))
		return;
	format_way(route, way, sizeof(way));
	format_address(route->destination, destination);
	if (route->prefix == GUARD_NO_PREFIX)
		snprintf(holder, sizeof(holder), "route%s", way);
	else
		snprintf(holder, sizeof(holder), "route to %s/%u%s", destination,
			 route->prefix - (route->ipv4 ? 96 : 0), way);
	guard_hold_interface(scan, &route_guard, holder, route->interface);
}

static void scan(struct guard_scan *scan)
{
	const struct guard_routes *routes = &guard_network(scan)->routes;

	for (size_t i = 0; i < routes->count; i++) {
		const struct guard_route *route = &routes->list[i];

		if (guard_is_default(route))
			hold_default(scan, route);
		else if (route->configured)
			hold_configured(scan, route);
	}
}

const struct guard_kind scan_route = {
	.guards = (const struct guard *const[]){ &default_route, &route_guard, NULL },
	.network = true,
	.scan = scan,
};
