// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/daemon/standalone.h"

#include <stdio.h>

#define GUEST "guest"
#define UPLINK "uplink"
#define WIRE "wire"

/* VHostUserBackendCapabilities of QEMU's docs/interop/vhost-user.json; net has no features. */
void standalone_print(void)
{
	puts("{\n  \"type\": \"net\"\n}");
}

static int add_uplink(struct registry *registry, const char *device)
{
	const struct port_options uplink = {
		.name = UPLINK,
		.type = "ethdev",
		.device = device,
		.bridge = WIRE,
	};
	struct bridge *bridge;
	struct port *port;
	int error = bridge_add(registry, WIRE, "wire", 0, NULL, &bridge);

	return error ? error : port_add(registry, &uplink, &port);
}

int standalone_open(struct registry *registry, const struct iovd_options *options)
{
	const struct port_options guest = {
		.name = GUEST,
		.type = "vhost-user",
		.socket = options->socket_path,
		.server = true,
		.fd = options->fd,
		.bridge = options->uplink ? WIRE : NULL,
		.iommu = options->iommu,
	};
	struct port *port;
	int error = options->uplink ? add_uplink(registry, options->uplink) : 0;

	return error ? error : port_add(registry, &guest, &port);
}
