// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/daemon/standalone.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUEST "guest"
#define UPLINK "uplink"
#define WIRE "wire"
#define DISK "disk"

/* VHostUserBackendCapabilities of QEMU's docs/interop/vhost-user.json; net has no features. */
void standalone_print(const struct iovd_options *options)
{
	if (options->disk)
		puts("{\n  \"type\": \"block\",\n  \"features\": [\n    \"read-only\",\n    "
		     "\"blk-file\"\n  ]\n}");
	else
		puts("{\n  \"type\": \"net\"\n}");
}

static int add_disk(struct registry *registry, const struct iovd_options *options)
{
	char path[PATH_MAX];
	const struct port_options disk = {
		.name = DISK,
		.type = "disk",
		.socket = options->socket_path,
		.server = true,
		.fd = options->fd,
		.disk = { .backend = "file", .path = realpath(options->disk, path),
			  .read_only = options->read_only },
	};
	struct port *port;

	if (!disk.disk.path)
		return iov_told(registry->iov, -errno, "--blk-file %s: %s", options->disk,
				strerror(errno));
	return port_add(registry, &disk, &port);
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
	int error;

	if (options->disk)
		return add_disk(registry, options);
	error = options->uplink ? add_uplink(registry, options->uplink) : 0;

	return error ? error : port_add(registry, &guest, &port);
}
