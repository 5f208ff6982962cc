// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/memory/guest_memory.h"

#include <errno.h>
#include <inttypes.h>
#include <numaif.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int guest_memory_open(struct guest_memory **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

static void free_table(struct guest_memory *memory)
{
	free(memory->regions);
	free(memory);
}

static void tell_came(const struct guest_memory *memory, const struct guest_region *region)
{
	const struct guest_memory_watcher *watcher = memory->watcher;

	if (watcher)
		watcher->came(watcher->arg, region->part.mapping, region->part.mapping_size);
}

static void unmap_region(const struct guest_memory *memory, const struct guest_region *region)
{
	const struct guest_memory_watcher *watcher = memory->watcher;

	if (watcher)
		watcher->goes(watcher->arg, region->part.mapping);
	file_part_unmap(&region->part);
}

void guest_memory_watch(struct guest_memory *memory, const struct guest_memory_watcher *watcher)
{
	memory->watcher = watcher;
	for (size_t i = 0; i < memory->count; i++)
		tell_came(memory, &memory->regions[i]);
}

void guest_memory_close(struct guest_memory *memory)
{
	if (!memory)
		return;
	guest_memory_settle(memory);
	for (size_t i = 0; i < memory->count; i++)
		unmap_region(memory, &memory->regions[i]);
	free_table(memory);
}

/* Whether a range of addresses goes beyond the last one. */
static bool wraps(uint64_t start, uint64_t size)
{
	uint64_t end;

	return __builtin_add_overflow(start, size, &end);
}

static int check_request(struct iov *iov, const struct guest_region_request *request)
{
	if (!request->size)
		return iov_fail(iov, -EINVAL, "region at GPA 0x%" PRIx64 " has size 0",
				request->gpa);
	if (wraps(request->gpa, request->size) || wraps(request->uva, request->size) ||
	    wraps(request->offset, request->size))
		return iov_fail(iov, -EINVAL,
				"region at GPA 0x%" PRIx64 " with size 0x%" PRIx64
				" does not end within 64 bits",
				request->gpa, request->size);
	return 0;
}

static int check_overlap(const struct guest_memory *memory, struct iov *iov,
			 const struct guest_region_request *request)
{
	for (size_t i = 0; i < memory->count; i++) {
		const struct guest_region *region = &memory->regions[i];

		if (request->gpa < region->gpa + region->size &&
		    region->gpa < request->gpa + request->size)
			return iov_fail(iov, -EINVAL,
					"region at GPA 0x%" PRIx64
					" overlaps the one at GPA 0x%" PRIx64,
					request->gpa, region->gpa);
	}
	return 0;
}

static int map_region(struct iov *iov, const struct guest_region_request *request,
		      struct guest_region *region)
{
	const struct file_part_request part = {request->fd, request->size, request->offset,
					       request->any_memory};
	char what[64];
	int error;

	*region = (struct guest_region){
		.gpa = request->gpa,
		.size = request->size,
		.uva = request->uva,
	};
	snprintf(what, sizeof(what), "region at GPA 0x%" PRIx64, request->gpa);
	error = file_part_map(&region->part, &region->host, iov, what, &part);
	region->place = (struct guest_place){region->part.device, region->part.inode, request->offset};
	return error;
}

static void insert_region(struct guest_memory *memory, const struct guest_region *region)
{
	size_t at = memory->count++;

	for (; at && memory->regions[at - 1].gpa > region->gpa; at--)
		memory->regions[at] = memory->regions[at - 1];
	memory->regions[at] = *region;
}

int guest_memory_add(struct guest_memory *memory, struct iov *iov,
		     const struct guest_region_request *request)
{
	struct guest_region region, *regions;
	int error;

	error = check_request(iov, request);
	if (!error)
		error = check_overlap(memory, iov, request);
	if (error)
		return error;
	regions = reallocarray(memory->regions, memory->count + 1, sizeof(*regions));
	if (!regions)
		return iov_fail(iov, -ENOMEM, "out of memory for a guest memory table");
	memory->regions = regions;
	error = map_region(iov, request, &region);
	if (error)
		return error;
	insert_region(memory, &region);
	tell_came(memory, &region);
	return 0;
}

static int copy_table(const struct guest_memory *memory, struct guest_memory **out)
{
	struct guest_memory *copy = calloc(1, sizeof(*copy));
	size_t bytes = memory->count * sizeof(*memory->regions);

	if (!copy)
		return -ENOMEM;
	copy->regions = malloc(bytes ? bytes : 1);
	if (!copy->regions) {
		free(copy);
		return -ENOMEM;
	}
	if (bytes)
		memcpy(copy->regions, memory->regions, bytes);
	copy->count = memory->count;
	copy->watcher = memory->watcher;
	*out = copy;
	return 0;
}

int guest_memory_extend(struct guest_memory **memory, struct iov *iov,
			const struct guest_region_request *request)
{
	struct guest_memory *longer;
	int error = copy_table(*memory, &longer);

	if (error)
		return iov_fail(iov, -ENOMEM, "out of memory for a guest memory table");
	error = guest_memory_add(longer, iov, request);
	if (error) {
		free_table(longer);
		return error;
	}
	longer->before = *memory;
	*memory = longer;
	return 0;
}

void guest_memory_settle(struct guest_memory *memory)
{
	while (memory && memory->before) {
		struct guest_memory *former = memory->before;

		memory->before = former->before;
		free_table(former);
	}
}

int guest_memory_remove(struct guest_memory *memory, uint64_t gpa, uint64_t size, uint64_t uva)
{
	for (size_t i = 0; i < memory->count; i++) {
		struct guest_region *region = &memory->regions[i];

		if (region->gpa != gpa || region->size != size || region->uva != uva)
			continue;
		unmap_region(memory, region);
		memory->count--;
		memmove(region, region + 1, (memory->count - i) * sizeof(*region));
		return 0;
	}
	return -ENOENT;
}

uint64_t guest_memory_end(const struct guest_memory *memory)
{
	const struct guest_region *last;

	if (!memory->count)
		return 0;
	last = &memory->regions[memory->count - 1];
	return last->gpa + last->size;
}

/* The region that has a pointer, and where in it; NULL when there is none. */
static const struct guest_region *region_of(const struct guest_memory *memory, const void *host,
					    uint64_t *offset)
{
	for (size_t i = 0; i < memory->count; i++) {
		*offset = (uintptr_t)host - (uintptr_t)memory->regions[i].host;
		if (*offset < memory->regions[i].size)
			return &memory->regions[i];
	}
	return NULL;
}

uint64_t guest_memory_gpa(const struct guest_memory *memory, const void *host)
{
	uint64_t offset;
	const struct guest_region *region = region_of(memory, host, &offset);

	return region ? region->gpa + offset : UINT64_MAX;
}

struct guest_place guest_memory_place(const struct guest_memory *memory, const void *host)
{
	uint64_t offset;
	const struct guest_region *region = region_of(memory, host, &offset);
	struct guest_place place = {0};

	if (!region)
		return place;
	place = region->place;
	place.offset += offset;
	return place;
}

const struct guest_region *guest_memory_find(const struct guest_memory *memory, uint64_t gpa)
{
	size_t low = 0, high = memory->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct guest_region *region = &memory->regions[middle];

		if (gpa < region->gpa)
			high = middle;
		else if (gpa - region->gpa >= region->size)
			low = middle + 1;
		else
			return region;
	}
	return NULL;
}

const struct guest_region *guest_memory_find_user(const struct guest_memory *memory, uint64_t uva)
{
	for (size_t i = 0; i < memory->count; i++)
		if (uva - memory->regions[i].uva < memory->regions[i].size)
			return &memory->regions[i];
	return NULL;
}

void *guest_memory_at_user(const struct guest_memory *memory, uint64_t uva, uint64_t length)
{
	for (size_t i = 0; i < memory->count; i++) {
		const struct guest_region *region = &memory->regions[i];
		uint64_t offset = uva - region->uva;

		if (offset < region->size && length <= region->size - offset)
			return region->host + offset;
	}
	return NULL;
}

bool guest_memory_is_lost(const struct guest_memory *memory)
{
	for (size_t i = 0; i < memory->count; i++)
		if (file_part_is_lost(&memory->regions[i].part))
			return true;
	return false;
}

int guest_memory_node(const void *at)
{
	int node;

	return get_mempolicy(&node, NULL, 0, (void *)(uintptr_t)at, MPOL_F_NODE | MPOL_F_ADDR)
		       ? -1
		       : node;
}
