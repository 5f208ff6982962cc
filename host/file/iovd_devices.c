// SPDX-License-Identifier: GPL-2.0-or-later
/* What of the host iovd is given with a port or a disk. */
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/sysroot/call.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "host/file/host.h"

static void add(struct json_object *devices, struct iov_path device)
{
	json_array_add_new(devices, device.name);
}

/* Of a name of an interface answers the one that sysfs has; nothing where there is none. */
static int tell_name(struct iov *iov, const char *name, size_t length, FILE *answer)
{
	char own[IF_NAMESIZE];
	unsigned int index = iov_sys_is_host(iov) ? if_nametoindex(name) : 0;

	(void)length;
	if (index && if_indextoname(index, own))
		fputs(own, answer);
	return 0;
}

/* The kernel finds an interface by each of its names. */
static void find_name(struct iov *iov, struct iov_path *name)
{
	_cleanup_free_ char *own = NULL;

	if (!iov_sys_call(iov, tell_name, name->name, strlen(name->name), &own) && *own)
		*name = iov_path("%s", own);
}

/* Drivers of DPDK call it iface, rx_iface or remote; one that is made has no device yet. */
static void add_interfaces(struct iov *iov, const char *device, struct json_object *devices)
{
	for (const char *at = device; (at = strchr(at, '=')); at++) {
		struct iov_path name = iov_path("%.*s", (int)strcspn(at + 1, ","), at + 1);

		find_name(iov, &name);
		if (*name.name && !strchr(name.name, '/') &&
		    iov_sys_exists(iov, iov_path(IOV_PATH_CLASS_NET "/%s", name.name).name))
			add(devices, iov_path("net/%s", name.name));
	}
}

struct json_object *iov_host_iovd_devices(struct iov *iov, struct json_object *params)
{
	const char *device = json_text(params, "device"), *path = json_text(params, "path");
	const char *place = *device ? device : path;
	struct json_object *devices = json_object_new_array();
	char name[256];
	struct iov_bdf bdf;

	/* "0000:02:00.0/1" is a namespace of a controller. */
	if (iov_bdf_scan(iov_path("%.*s", (int)strcspn(place, "/"), place).name, &bdf)) {
		add(devices, iov_path("%s", IOV_BDF(bdf)));
	} else if (*path && iov_sys_block(iov, path, name, sizeof(name))) {
		add(devices, iov_path("block/%s", name));
	} else {
		add_interfaces(iov, device, devices);
	}
	return devices;
}
