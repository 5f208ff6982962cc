// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guard "address".  An address counts when someone gave it to the interface: not what every
 * interface has that is up (link-local, also 169.254.0.0/16), and not what a
 * router announced, which the kernel keeps for a limited time.
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "base/guard/network.h"
#include "base/guard/scans.h"
#include "base/guard/walk_interface.h"

static const struct guard address = {
	"address", "its interface has an IP address that someone configured",
};

static void scan(struct guard_scan *scan)
{
	const struct guard_addresses *addresses = &guard_network(scan)->addresses;

	for (size_t i = 0; i < addresses->count; i++) {
		const struct guard_address *entry = &addresses->list[i];
		bool ipv4 = guard_is_ipv4(entry->bytes);
		char text[INET6_ADDRSTRLEN], holder[128];

		if (!entry->configured)
			continue;
		inet_ntop(ipv4 ? AF_INET : AF_INET6, entry->bytes + (ipv4 ? 12 : 0), text,
			  sizeof(text));
		snprintf(holder, sizeof(holder), "address %s of %s", text, entry->interface);
		guard_hold_interface(scan, &address, holder, entry->interface);
	}
}

const struct guard_kind scan_address = {
	.guards = (const struct guard *const[]){ &address, NULL },
	.network = true,
	.scan = scan,
};
