// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guard "memory": memory of a device that the host uses as its own, because of the driver
 * "kmem" or of virtio-mem, or because firmware gave it to the host before there were drivers.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/guard/scans.h"
#include "base/guard/walk_device.h"
#include "base/guard/walk_memory.h"
#include "base/sysroot/paths.h"

static const struct guard memory = { "memory", "its memory is memory of the host" };

static void visit_memory(struct guard_scan *scan, struct guard_chain *chain,
			 const char *directory, const char *name)
{
	struct iov_path device = iov_path("%s/%s", directory, name);
	char driver[32], holder[64];

	if (iov_sys_link_name(scan->iov, iov_path("%s/driver", device.name).name, driver,
			      sizeof(driver)) || strcmp(driver, "kmem"))
		return;
	snprintf(holder, sizeof(holder), "the memory of the host, by %s", name);
	chain->holder = holder;
	chain->names[0] = name;
	chain->count = 1;
	guard_walk_link(scan, chain, device.name);
}

/* Addresses, and whether firmware made one of them memory of the host. */
struct range {
	uint64_t first;
	uint64_t last;
	bool is_memory;
};

/* "  1050000000-204fffffff : System RAM" */
static void read_addresses(struct guard_scan *scan, const char *line, const void *argument)
{
	struct range *range = *(struct range *const *)argument;
	uint64_t first, last;
	int name = 0;

	(void)scan;
	if (sscanf(line, " %" SCNx64 "-%" SCNx64 " : %n", &first, &last, &name) == 2 && name &&
	    !strcmp(line + name, "System RAM"))
		range->is_memory |= first <= range->last && last >= range->first;
}

/* Where a region is, unless it is nowhere yet. */
static bool read_region(struct guard_scan *scan, const char *region, struct range *range)
{
	int64_t committed, first, size;

	if (iov_sys_read_number(scan->iov, iov_path("%s/commit", region).name, &committed) ||
	    !committed ||
	    iov_sys_read_number(scan->iov, iov_path("%s/resource", region).name, &first) ||
	    iov_sys_read_number(scan->iov, iov_path("%s/size", region).name, &size) || size <= 0)
		return false;
	*range = (struct range){ (uint64_t)first, (uint64_t)(first + size - 1), false };
	return true;
}

/* A region that firmware made and gave to the host has no device of dax. */
static void visit_region(struct guard_scan *scan, struct guard_chain *chain,
			 const char *directory, const char *name)
{
	struct iov_path region = iov_path("%s/%s", directory, name);
	struct range range, *which = &range;
	char holder[64];

	if (strncmp(name, "region", 6) || !read_region(scan, region.name, &range))
		return;
	guard_for_each_line(scan, IOV_PATH_IOMEM, &which, read_addresses);
	if (!range.is_memory)
		return;
	snprintf(holder, sizeof(holder), "the memory of the host, by %s", name);
	chain->holder = holder;
	chain->names[0] = name;
	chain->count = 1;
	guard_walk_region(scan, chain, region.name);
}

/* The device whose memory the lines below it are in. */
struct plugged {
	unsigned int device;
	bool is_device;
};

/* "140000000-23fffffff : virtio0", and in it "  140000000-147ffffff : System RAM (virtio_mem)" */
static void read_plugged(struct guard_scan *scan, const char *line, const void *argument)
{
	struct plugged *plugged = *(struct plugged *const *)argument;
	const char *name = strstr(line, " : ");
	char holder[64], device[24];
	struct guard_chain chain = {
		.guard = &memory, .holder = holder, .names = { device }, .count = 1,
	};

	if (!name)
		return;
	name += strlen(" : ");
	if (!strncmp(name, "virtio", strlen("virtio")) || *line != ' ')
		plugged->is_device = sscanf(name, "virtio%u", &plugged->device) == 1;
	if (!plugged->is_device || strcmp(name, "System RAM (virtio_mem)"))
		return;
	snprintf(device, sizeof(device), "virtio%u", plugged->device);
	snprintf(holder, sizeof(holder), "the memory of the host, by %s", device);
	guard_walk_link(scan, &chain, iov_path(IOV_PATH_VIRTIO "/%s", device).name);
}

static void scan(struct guard_scan *scan)
{
	struct guard_chain chain = { .guard = &memory };
	struct plugged plugged = { 0 }, *which = &plugged;

	guard_for_each_name(scan, &chain, IOV_PATH_DAX, visit_memory);
	guard_for_each_name(scan, &chain, IOV_PATH_CXL, visit_region);
	guard_for_each_line(scan, IOV_PATH_IOMEM, &which, read_plugged);
}

const struct guard_kind scan_memory = {
	.guards = (const struct guard *const[]){ &memory, NULL },
	.scan = scan,
};
