// SPDX-License-Identifier: GPL-2.0-or-later
#include "vfio/device/dma_buf.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "vfio/device/device_internal.h"

/* As linux/vfio.h has it since Linux 6.19. */
#define FEATURE_DMA_BUF 11

struct dma_buf_request {
	__u32 region_index;
	__u32 open_flags;
	__u32 flags;
	__u32 nr_ranges;
	struct {
		__u64 offset;
		__u64 length;
	} ranges[];
};

static_assert(sizeof(struct dma_buf_request) == 16, "as the kernel has it");

int iov_dma_buf_export(struct iov_device *device, unsigned int index, const struct iov_area *areas,
		       size_t count)
{
	struct dma_buf_request *request;
	size_t size = sizeof(*request) + count * sizeof(request->ranges[0]);
	_cleanup_free_ struct vfio_device_feature *feature = calloc(1, sizeof(*feature) + size);
	int fd;

	if (!feature)
		return -ENOMEM;
	request = (struct dma_buf_request *)feature->data;
	request->region_index = index;
	request->open_flags = O_RDWR | O_CLOEXEC;
	request->nr_ranges = (__u32)count;
	for (size_t i = 0; i < count; i++) {
		request->ranges[i].offset = areas[i].offset;
		request->ranges[i].length = areas[i].size;
	}
	fd = device_feature(device, feature, VFIO_DEVICE_FEATURE_GET | FEATURE_DMA_BUF, size);
	if (fd >= 0)
		return fd;
	if (fd == -ENOTTY)
		return iov_fail(device->iov, -ENOTSUP, "%s: region %u: this kernel exports no dma-buf of "
				"it (it takes Linux 6.19, and a function that allows P2P)", device->name,
				index);
	return iov_told(device->iov, fd, "%s: region %u: no dma-buf of it: %s", device->name, index,
			strerror(-fd));
}
