/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory: the regions that a front end shares, mapped into this process.
 *
 * A region is known by three addresses: the guest's physical one (in
 * descriptors), the front end's own (in SET_VRING_ADDR) and ours.  Regions
 * never overlap in the first and are sorted by it.
 *
 * guest_memory_at() is the only way from a guest address to a pointer.
 *
 * Threads: a table is changed and closed by the control thread only, and only
 * while no worker has a ring of it.  Workers read it without locks.  So a region
 * that comes while rings run makes another table, see guest_memory_extend().
 */
#ifndef VHOST_USER_MEMORY_GUEST_MEMORY_H
#define VHOST_USER_MEMORY_GUEST_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/iov.h"
#include "vhost-user/compiler.h"
#include "vhost-user/memory/file_part.h"

/**
 * struct guest_place - what names a byte of guest memory over the life of processes
 * @device: of the file
 * @inode: of the file; one that is gone gives its number to no other for as long as it matters
 * @offset: in the file
 */
struct guest_place {
	uint64_t device;
	uint64_t inode;
	uint64_t offset;
};

/**
 * struct guest_region - a mapped range of guest memory
 * @gpa: guest physical address of its first byte
 * @size: bytes, never 0
 * @uva: address of its first byte in the front end
 * @host: address of its first byte in this process
 * @place: where its first byte is, whoever maps it
 * @part: what was mapped; starts at or before @host
 */
struct guest_region {
	uint64_t gpa;
	uint64_t size;
	uint64_t uva;
	uint8_t *host;
	struct guest_place place;
	struct file_part part;
};

/**
 * struct guest_memory_watcher - who has to know which memory a guest has
 * @came: whole pages are mapped from @memory on
 * @goes: they are unmapped when this returns; no ring runs
 * @arg: passed to both
 */
struct guest_memory_watcher {
	void (*came)(void *arg, void *memory, size_t bytes);
	void (*goes)(void *arg, const void *memory);
	void *arg;
};

/**
 * struct guest_memory - regions in order of guest physical address
 * @count: number of regions
 * @regions: the regions
 * @before: tables that this one took the place of, which workers may still read; their
 *	mappings are those of this one
 * @watcher: of this one; NULL for nobody
 */
struct guest_memory {
	size_t count;
	struct guest_region *regions;
	struct guest_memory *before;
	const struct guest_memory_watcher *watcher;
};

/**
 * struct guest_region_request - a region as the front end describes it
 * @gpa: guest physical address
 * @size: bytes
 * @uva: address in the front end
 * @offset: where it starts in @fd
 * @fd: file to map; stays the caller's
 * @any_memory: whatever file system that is on, see file_part.h
 */
struct guest_region_request {
	uint64_t gpa;
	uint64_t size;
	uint64_t uva;
	uint64_t offset;
	int fd;
	bool any_memory;
};

/**
 * guest_memory_open - an empty table
 * @out: receives the table; the caller closes it with guest_memory_close()
 *
 * Return: 0 or -ENOMEM.
 */
int guest_memory_open(struct guest_memory **out);

/**
 * guest_memory_close - unmap everything
 * @memory: NULL is allowed
 */
void guest_memory_close(struct guest_memory *memory);

/**
 * guest_memory_add - map one region
 * @memory: table
 * @iov: context for the message
 * @request: what to map
 *
 * Return: 0; -EINVAL with a message when the size is 0, an address or the
 * offset wraps or the region overlaps another one; -ENOMEM; or as file_part_map().
 */
int guest_memory_add(struct guest_memory *memory, struct iov *iov,
		     const struct guest_region_request *request);

/**
 * guest_memory_extend - map one region more while workers read the table
 * @memory: in: table; out: one with all of its regions and the new one, which takes its
 *	place, see virtq_set_memory(); as it was after a failure
 * @iov: context for the message
 * @request: what to map
 *
 * The former table stays until guest_memory_settle() or guest_memory_close() of the new one.
 *
 * Return: as guest_memory_add().
 */
int guest_memory_extend(struct guest_memory **memory, struct iov *iov,
			const struct guest_region_request *request);

/**
 * guest_memory_settle - free former tables
 * @memory: table, of which no worker has a ring; NULL is allowed
 */
void guest_memory_settle(struct guest_memory *memory);

/**
 * guest_memory_remove - unmap one region
 * @memory: table
 * @gpa: guest physical address
 * @size: bytes
 * @uva: address in the front end
 *
 * Return: 0, or -ENOENT when no region is exactly that.
 */
int guest_memory_remove(struct guest_memory *memory, uint64_t gpa, uint64_t size, uint64_t uva);

/**
 * guest_memory_watch - tell somebody of all regions, and from now on of what comes and goes
 * @memory: table that nobody watches
 * @watcher: who, as long as the table is there; NULL for nobody
 */
void guest_memory_watch(struct guest_memory *memory, const struct guest_memory_watcher *watcher);

/**
 * guest_memory_end - end of the guest's address space
 * @memory: table
 *
 * Return: guest physical address behind the last region, 0 without one.
 */
uint64_t guest_memory_end(const struct guest_memory *memory);

/**
 * guest_memory_gpa - guest physical address of a pointer
 * @memory: table
 * @host: pointer into one of its regions
 *
 * Return: the address, or UINT64_MAX for a pointer into none of them.
 */
uint64_t guest_memory_gpa(const struct guest_memory *memory, const void *host);

/**
 * guest_memory_place - what names a byte, whoever maps it
 * @memory: table
 * @host: pointer into one of its regions
 *
 * Return: the place; all zero for a pointer into none of them.
 */
struct guest_place guest_memory_place(const struct guest_memory *memory, const void *host);

/**
 * guest_memory_find - the region that holds a guest physical address
 * @memory: table
 * @gpa: guest physical address
 *
 * Return: the region or NULL.
 */
const struct guest_region *guest_memory_find(const struct guest_memory *memory, uint64_t gpa);

/**
 * guest_memory_find_user - the region that holds an address of the front end
 * @memory: table
 * @uva: address in the front end
 *
 * Return: the region or NULL.
 */
const struct guest_region *guest_memory_find_user(const struct guest_memory *memory,
						  uint64_t uva);

/**
 * guest_memory_at_user - pointer to a range named by front end addresses
 * @memory: table
 * @uva: address in the front end
 * @length: bytes that must lie in one region
 *
 * Return: the pointer, or NULL when the range is not inside one region.
 */
void *guest_memory_at_user(const struct guest_memory *memory, uint64_t uva, uint64_t length);

/**
 * guest_memory_is_lost - whether some of it is not the guest's any more
 * @memory: table
 *
 * Return: true when an access found no file or no memory any more, see memory_fault.h.
 */
bool guest_memory_is_lost(const struct guest_memory *memory);

/**
 * guest_memory_node - where a page of guest memory is
 * @at: address in a region whose memory has arrived
 *
 * Return: NUMA node; -1 when it is not known.
 */
int guest_memory_node(const void *at);

/**
 * guest_memory_at - pointer to guest memory
 * @memory: table with at least one region
 * @hint: region of the last access, any region at first; updated
 * @gpa: guest physical address
 * @length: in: bytes wanted, not 0; out: bytes that are contiguous from there,
 *	cut at the end of the region
 *
 * Return: the pointer, or NULL when @gpa is in no region.
 */
static inline uint8_t *guest_memory_at(const struct guest_memory *memory,
				       const struct guest_region **hint, uint64_t gpa,
				       uint32_t *length)
{
	const struct guest_region *region = *hint;
	uint64_t offset = gpa - region->gpa;

	if (unlikely(offset >= region->size)) {
		region = guest_memory_find(memory, gpa);
		if (!region)
			return NULL;
		*hint = region;
		offset = gpa - region->gpa;
	}
	if (unlikely(*length > region->size - offset))
		*length = (uint32_t)(region->size - offset);
	return region->host + offset;
}

#endif
