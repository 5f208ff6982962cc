// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guard "memory": memory of a device that the host uses as its own (driver "kmem").  What
 * CXL has is in a region, over memory devices that are behind endpoints.
 */
#include <stdio.h>
#include <string.h>

#include "base/guard/scans.h"
#include "base/guard/walk_device.h"
#include "base/sysroot/paths.h"

static const struct guard memory = { "memory", "its memory is memory of the host" };

/*
 * "target0" of a region is a decoder, "decoder3.0" in ".../port1/endpoint3/decoder3.0", and
 * the port of the endpoint is the memory device.
 */
static void visit_target(struct guard_scan *scan, struct guard_chain *chain,
			 const char *directory, const char *name)
{
	char decoder[64], target[IOV_PATH_MAX], *last;

	if (strncmp(name, "target", 6) ||
	    iov_sys_read(scan->iov, iov_path("%s/%s", directory, name).name, decoder,
			 sizeof(decoder)) ||
	    iov_sys_link(scan->iov, iov_path(IOV_PATH_CXL "/%s", decoder).name, target,
			 sizeof(target)))
		return;
	last = strrchr(target, '/');
	if (!last)
		return;
	*last = '\0';
	last = strrchr(target, '/');
	if (last)
		guard_walk_link(scan, chain, iov_path(IOV_PATH_CXL "/%s/uport", last + 1).name);
}

/* The component "region0" of a path, if it has one. */
static bool find_region(const char *target, struct iov_path *region)
{
	unsigned int number;

	for (const char *at = target; (at = strstr(at, "/region")); at++) {
		if (sscanf(at, "/region%u/", &number) == 1) {
			*region = iov_path(IOV_PATH_CXL "/region%u", number);
			return true;
		}
	}
	return false;
}

static void visit_memory(struct guard_scan *scan, struct guard_chain *chain,
			 const char *directory, const char *name)
{
	struct iov_path device = iov_path("%s/%s", directory, name), region;
	char driver[32], target[IOV_PATH_MAX], holder[64];

	if (iov_sys_link_name(scan->iov, iov_path("%s/driver", device.name).name, driver,
			      sizeof(driver)) || strcmp(driver, "kmem") ||
	    iov_sys_link(scan->iov, device.name, target, sizeof(target)))
		return;
	snprintf(holder, sizeof(holder), "the memory of the host, by %s", name);
	chain->holder = holder;
	chain->names[0] = name;
	chain->count = 1;
	if (find_region(target, &region))
		guard_for_each_name(scan, chain, region.name, visit_target);
	else
		guard_walk_device(scan, chain, target);
}

static void scan(struct guard_scan *scan)
{
	struct guard_chain chain = { .guard = &memory };

	guard_for_each_name(scan, &chain, IOV_PATH_DAX, visit_memory);
}

const struct guard_kind scan_memory = {
	.guards = (const struct guard *const[]){ &memory, NULL },
	.scan = scan,
};
