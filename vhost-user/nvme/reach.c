// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/nvme/reach.h"

#include <errno.h>

int nvme_reach_add(struct nvme_reach *reach, void *memory, size_t bytes)
{
	const unsigned int at = reach->count;
	int error;

	if (at == NVME_REACH_MAX)
		return -ENOSPC;
	error = reach->bus->ops->map(reach->bus, memory, bytes, &reach->pieces[at].iova);
	if (error)
		return error;
	reach->pieces[at].at = (uintptr_t)memory;
	reach->pieces[at].bytes = bytes;
	__atomic_store_n(&reach->count, at + 1, __ATOMIC_RELEASE);
	return 0;
}

void nvme_reach_remove(struct nvme_reach *reach, const void *memory)
{
	for (unsigned int i = 0; i < reach->count; i++) {
		if (reach->pieces[i].at != (uintptr_t)memory)
			continue;
		reach->bus->ops->unmap(reach->bus, reach->pieces[i].iova, reach->pieces[i].bytes);
		reach->pieces[i] = reach->pieces[reach->count - 1];
		__atomic_store_n(&reach->count, reach->count - 1, __ATOMIC_RELEASE);
		return;
	}
}
