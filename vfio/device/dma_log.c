// SPDX-License-Identifier: GPL-2.0-or-later
#include "vfio/device/dma_log.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "vfio/device/device_internal.h"

struct feature {
	struct vfio_device_feature head;
	union {
		struct vfio_device_feature_dma_logging_control control;
		struct vfio_device_feature_dma_logging_report report;
	};
};

static int request(struct iov_device *device, struct feature *feature, unsigned int flags, size_t size)
{
	int error = device_feature(device, &feature->head, flags, size);

	if (error == -ENOTTY)
		return iov_fail(device->iov, -ENOTSUP, "%s: does not log what it writes; have the IOMMU "
				"track it, or take all memory for written", device->name);
	return error ? iov_told(device->iov, error, "%s: log of what it writes: %s", device->name,
				strerror(-error)) : 0;
}

int iov_dma_log_start(struct iov_device *device, const struct iov_iova_range *ranges, size_t count,
		      uint64_t page_size)
{
	_cleanup_free_ struct vfio_device_feature_dma_logging_range *list =
		calloc(count + 1, sizeof(*list));
	struct feature feature = { .control = { .page_size = page_size, .num_ranges = (__u32)count } };

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		list[i].iova = ranges[i].first;
		list[i].length = ranges[i].last - ranges[i].first + 1;
	}
	feature.control.ranges = (uintptr_t)list;
	return request(device, &feature,
		       VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_DMA_LOGGING_START,
		       sizeof(feature.control));
}

int iov_dma_log_report(struct iov_device *device, uint64_t iova, uint64_t size, uint64_t page_size,
		       uint64_t *bitmap)
{
	struct feature feature = {
		.report = { .iova = iova, .length = size, .page_size = page_size,
			    .bitmap = (uintptr_t)bitmap },
	};

	return request(device, &feature,
		       VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT,
		       sizeof(feature.report));
}

int iov_dma_log_stop(struct iov_device *device)
{
	struct feature feature = { 0 };

	return request(device, &feature,
		       VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP, 0);
}
