// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/vfio_info.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

void *vfio_info_get(int fd, unsigned long request, const void *wanted, size_t size)
{
	__u32 room = (__u32)size, needed;
	void *info = NULL, *more;

	for (;;) {
		more = realloc(info, room);
		if (!more)
			break;
		info = more;
		memset(info, 0, room);
		memcpy(info, wanted, size);
		memcpy(info, &room, sizeof(room));
		if (ioctl(fd, request, info))
			break;
		memcpy(&needed, info, sizeof(needed));
		if (needed <= room)
			return info;
		room = needed;
	}
	free(info);
	return NULL;
}

const void *vfio_info_find(const void *info, uint32_t bytes, uint32_t first, uint16_t id)
{
	uint32_t at = first;

	while (at && at + sizeof(struct vfio_info_cap_header) <= bytes) {
		const struct vfio_info_cap_header *header = (const void *)((const char *)info + at);

		if (header->id == id)
			return header;
		at = header->next;
	}
	return NULL;
}
