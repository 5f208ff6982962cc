// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/guard/network.h"

#include <errno.h>
#include <stdlib.h>

const struct guard_network *guard_network(struct guard_scan *scan)
{
	static const struct guard_network none;
	struct guard_network *network = scan->network;
	int error;

	if (network)
		return network;
	network = calloc(1, sizeof(*network));
	if (!network) {
		guard_failed(scan, -ENOMEM, "routes and addresses");
		return &none;
	}
	scan->network = network;
	error = guard_read_routes(scan->iov, &network->routes);
	guard_failed(scan, error, "the routes");
	error = guard_read_addresses(scan->iov, &network->routes, &network->addresses);
	guard_failed(scan, error, "the addresses of interfaces");
	return network;
}

void guard_network_free(struct guard_network *network)
{
	if (!network)
		return;
	free(network->routes.list);
	free(network->addresses.list);
	free(network);
}
