/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers and memory of a function for others than this process.
 *
 * In a type1 domain another function reaches a BAR when what iov_device_map() gave of it is
 * mapped with iov_domain_map().  An IOAS takes memory only.  A dma-buf is for drivers of the
 * kernel, such as those of RDMA and GPUs.
 */
#ifndef IOV_VFIO_DEVICE_DMA_BUF_H
#define IOV_VFIO_DEVICE_DMA_BUF_H

#include "vfio/device/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * iov_dma_buf_export - a descriptor for a part of a BAR
 * @device: device
 * @index: BAR
 * @areas: parts of it, whole pages, which follow each other in the buffer
 * @count: length of @areas, not 0
 *
 * The kernel takes it back when the function is reset or closed.
 *
 * Return: a descriptor that the caller closes; -ENOTSUP when the kernel has no such thing (it
 * came with Linux 6.19) or the function cannot; -EINVAL for parts that it does not have; -errno;
 * with a message.
 */
int iov_dma_buf_export(struct iov_device *device, unsigned int index, const struct iov_area *areas,
		       size_t count);

#ifdef __cplusplus
}
#endif

#endif
