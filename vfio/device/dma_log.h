/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a device wrote to memory, logged by the device itself: for functions whose driver can,
 * where the IOMMU cannot (iov_domain_track()).
 */
#ifndef IOV_VFIO_DEVICE_DMA_LOG_H
#define IOV_VFIO_DEVICE_DMA_LOG_H

#include "vfio/device/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * iov_dma_log_start - begin to log
 * @device: device
 * @ranges: IOVAs that are logged
 * @count: length of @ranges
 * @page_size: bytes for a bit, a power of two; the device may know it in larger steps
 *
 * Return: 0; -ENOTSUP when the function cannot; -EINVAL for ranges that it cannot take; -errno;
 * with a message.
 */
int iov_dma_log_start(struct iov_device *device, const struct iov_iova_range *ranges, size_t count,
		      uint64_t page_size);

/**
 * iov_dma_log_report - what was written since the last call
 * @device: device that logs
 * @iova: start
 * @size: bytes
 * @page_size: bytes for a bit
 * @bitmap: a bit for each page, as uint64_t in groups of 64; bits are added
 *
 * After an error all memory is to be taken for written.
 *
 * Return: 0 or -errno with a message.
 */
int iov_dma_log_report(struct iov_device *device, uint64_t iova, uint64_t size, uint64_t page_size,
		       uint64_t *bitmap);

/**
 * iov_dma_log_stop - end it
 * @device: device that logs
 *
 * Return: 0 or -errno with a message.
 */
int iov_dma_log_stop(struct iov_device *device);

#ifdef __cplusplus
}
#endif

#endif
