// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory of CXL is in a region, over memory devices that are behind endpoints; what lasts is
 * a region of a bus of non-volatile memory once more, over modules ("nmem0") that CXL made of
 * its memory devices.  Neither region is below the functions, but below the root of CXL.
 */
#include "base/guard/walk_memory.h"

#include <stdio.h>
#include <string.h>

#include "base/sysroot/paths.h"

static void walk_link(struct guard_scan *scan, struct guard_chain *chain, const char *path)
{
	char target[IOV_PATH_MAX];

	if (guard_read_link(scan, path, target))
		guard_found(scan, chain, target);
}

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
		walk_link(scan, chain, iov_path(IOV_PATH_CXL "/%s/uport", last + 1).name);
}

void guard_walk_region(struct guard_scan *scan, struct guard_chain *chain, const char *region)
{
	guard_for_each_name(scan, chain, region, visit_target);
}

/* "mapping0" of a region is "nmem0,0,268435456,0"; CXL names the device that a module is. */
static void visit_mapping(struct guard_scan *scan, struct guard_chain *chain,
			  const char *directory, const char *name)
{
	char text[128], provider[64];
	struct iov_path module;

	if (strncmp(name, "mapping", 7) ||
	    iov_sys_read(scan->iov, iov_path("%s/%s", directory, name).name, text, sizeof(text)))
		return;
	module = iov_path(IOV_PATH_ND "/%.*s", (int)strcspn(text, ","), text);
	if (!iov_sys_read(scan->iov, iov_path("%s/cxl/provider", module.name).name, provider,
			  sizeof(provider)))
		walk_link(scan, chain, iov_path(IOV_PATH_CXL "/%s", provider).name);
}

/* The component "region0" of a path behind one of its kind: "/ndbus0/region0/", "/decoder0.0/..." */
static bool find_region(const char *target, const char *parent, unsigned int *number)
{
	for (const char *at = target; (at = strstr(at, parent)); at++) {
		const char *next = strchr(at + 1, '/');

		if (next && sscanf(next, "/region%u", number) == 1)
			return true;
	}
	return false;
}

void guard_walk_hardware(struct guard_scan *scan, struct guard_chain *chain, const char *target)
{
	unsigned int number;

	guard_found(scan, chain, target);
	if (find_region(target, "/ndbus", &number))
		guard_for_each_name(scan, chain, iov_path(IOV_PATH_ND "/region%u", number).name,
				    visit_mapping);
	else if (find_region(target, "/decoder", &number))
		guard_walk_region(scan, chain, iov_path(IOV_PATH_CXL "/region%u", number).name);
}
