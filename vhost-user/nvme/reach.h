/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of guests' memory a controller reaches, and at which address.
 *
 * Threads: the control thread changes it; nothing is taken away while rings run.  Workers find
 * addresses at any time.
 */
#ifndef VHOST_USER_NVME_REACH_H
#define VHOST_USER_NVME_REACH_H

#include <stddef.h>
#include <stdint.h>

#include "plugins/drivers/nvme_driver.h"

/* As many as a front end can have regions of memory. */
#define NVME_REACH_MAX 512

/* The address of what a controller does not reach. */
#define NVME_UNREACHED UINT64_MAX

/**
 * struct nvme_reach - pieces of memory
 * @bus: of the controller
 * @count: length of @pieces; atomic
 * @pieces: where each is for us, its bytes, and where it is for the controller
 */
struct nvme_reach {
	struct iov_nvme_bus *bus;
	unsigned int count;
	struct {
		uintptr_t at;
		uint64_t bytes;
		uint64_t iova;
	} pieces[NVME_REACH_MAX];
};

/**
 * nvme_reach_add - let the controller reach memory, which pins it
 * @reach: reach
 * @memory: start of a page
 * @bytes: whole pages
 *
 * Return: 0, or -errno: it is done without, as what is not reached is copied.
 */
int nvme_reach_add(struct nvme_reach *reach, void *memory, size_t bytes);

/**
 * nvme_reach_remove - take it away
 * @reach: reach; no ring runs
 * @memory: as it was added, or not
 */
void nvme_reach_remove(struct nvme_reach *reach, const void *memory);

/**
 * nvme_reach_find - where memory is for the controller
 * @reach: reach
 * @hint: number of the last piece, any at first; updated
 * @memory: first byte
 * @bytes: how many
 *
 * Return: address, or NVME_UNREACHED.
 */
static inline uint64_t nvme_reach_find(const struct nvme_reach *reach, unsigned int *hint,
				       const void *memory, size_t bytes)
{
	/* Pairs with the store in nvme_reach_add(): what is counted is whole. */
	const unsigned int count = __atomic_load_n(&reach->count, __ATOMIC_ACQUIRE);

	for (unsigned int tries = 0; tries < count; tries++) {
		const unsigned int i = *hint < count ? *hint : 0;
		const uint64_t offset = (uintptr_t)memory - reach->pieces[i].at;

		if (offset < reach->pieces[i].bytes && bytes <= reach->pieces[i].bytes - offset)
			return reach->pieces[i].iova + offset;
		*hint = i + 1;
	}
	return NVME_UNREACHED;
}

#endif
