// SPDX-License-Identifier: GPL-2.0-or-later
/* The guard "default-route". */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/guard/network.h"
#include "base/guard/scans.h"
#include "base/guard/walk_interface.h"

static const struct guard default_route = {
	"default-route", "a default route leaves through its interface",
};

static void scan(struct guard_scan *scan)
{
	const struct guard_routes *routes = &guard_network(scan)->routes;
	static const unsigned char none[16];

	for (size_t i = 0; i < routes->count; i++) {
		const struct guard_route *route = &routes->list[i];
		const unsigned char *gateway = route->gateway + (route->ipv4 ? 12 : 0);
		size_t length = route->ipv4 ? 4 : 16;
		char text[INET6_ADDRSTRLEN], holder[128];

		if (route->prefix != (route->ipv4 ? 96 : 0))
			continue;
		inet_ntop(route->ipv4 ? AF_INET : AF_INET6, gateway, text, sizeof(text));
		if (memcmp(gateway, none, length))
			snprintf(holder, sizeof(holder), "default route via %s", text);
		else
			snprintf(holder, sizeof(holder), "default route of %s", route->interface);
		guard_hold_interface(scan, &default_route, holder, route->interface);
	}
}

const struct guard_kind scan_route = {
	.guards = (const struct guard *const[]){ &default_route, NULL },
	.network = true,
	.scan = scan,
};
