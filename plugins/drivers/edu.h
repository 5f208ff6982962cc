/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A driver for QEMU's device "edu": it copies between memory and a buffer of its own, and
 * interrupts.  For tutorials and tests; QEMU's docs/specs/edu.rst is its specification.
 */
#ifndef IOV_PLUGINS_DRIVERS_EDU_H
#define IOV_PLUGINS_DRIVERS_EDU_H

#include "vfio/device/device.h"

#ifdef __cplusplus
extern "C" {
#endif

struct iov_edu;

/* Bytes of its buffer, and the addresses that it reaches unless QEMU was told otherwise. */
#define IOV_EDU_BUFFER 4096
#define IOV_EDU_IOVA_MAX ((UINT64_C(1) << 28) - 1)

/* What iov_edu_interrupts() tells of the end of a copy. */
#define IOV_EDU_COPIED 0x100

/**
 * iov_edu_is - whether a function is one
 * @iov: context
 * @bdf: function
 */
bool iov_edu_is(struct iov *iov, struct iov_bdf bdf);

/**
 * iov_edu_open - drive it
 * @out: receives the driver; the caller closes it with iov_edu_close() before the device
 * @iov: context of the device
 * @device: an edu; its bus mastering is turned on
 *
 * Return: 0; -ENODEV when it is none, or does not answer; -errno; with a message.
 */
int iov_edu_open(struct iov_edu **out, struct iov *iov, struct iov_device *device);

/**
 * iov_edu_close - end that
 * @edu: NULL is allowed
 */
void iov_edu_close(struct iov_edu *edu);

/**
 * iov_edu_read - copy from memory to its buffer
 * @edu: edu
 * @iova: address in memory, at most IOV_EDU_IOVA_MAX
 * @offset: in its buffer
 * @size: bytes, less than to the end of the buffer
 *
 * Waits for the end, which takes a tenth of a second; an interrupt is raised as well.
 *
 * Return: 0; -EINVAL outside of the buffer; -ETIMEDOUT; with a message.
 */
int iov_edu_read(struct iov_edu *edu, uint64_t iova, uint32_t offset, uint32_t size);

/**
 * iov_edu_write - copy from its buffer to memory
 * @edu: edu
 * @iova: as for iov_edu_read()
 * @offset: the same
 * @size: the same
 *
 * Return: as iov_edu_read().
 */
int iov_edu_write(struct iov_edu *edu, uint64_t iova, uint32_t offset, uint32_t size);

/**
 * iov_edu_raise - have it interrupt
 * @edu: edu
 * @reasons: bits for iov_edu_interrupts()
 */
void iov_edu_raise(struct iov_edu *edu, uint32_t reasons);

/**
 * iov_edu_interrupts - why it interrupted, which it forgets
 * @edu: edu
 *
 * Return: bits; INTx is released.
 */
uint32_t iov_edu_interrupts(struct iov_edu *edu);

#ifdef __cplusplus
}
#endif

#endif
