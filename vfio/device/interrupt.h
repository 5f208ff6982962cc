/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interrupts of a function as eventfds. */
#ifndef IOV_VFIO_DEVICE_INTERRUPT_H
#define IOV_VFIO_DEVICE_INTERRUPT_H

#include "vfio/device/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * enum iov_interrupt - kinds, as linux/vfio.h numbers them
 * @IOV_INTX: the pin
 * @IOV_MSI: messages
 * @IOV_MSIX: messages with a table
 * @IOV_ERROR: the function reported an error that could not be recovered
 * @IOV_REQUEST: the host wants the function back: close it soon
 */
enum iov_interrupt {
	IOV_INTX,
	IOV_MSI,
	IOV_MSIX,
	IOV_ERROR,
	IOV_REQUEST,
};

/**
 * struct iov_interrupt_info - what a function has of a kind
 * @count: vectors; 0 for none
 * @maskable: iov_interrupt_mask() works
 * @automasked: it is masked when it comes, until iov_interrupt_unmask()
 * @resizable: vectors can be added while others are in use
 */
struct iov_interrupt_info {
	unsigned int count;
	bool maskable;
	bool automasked;
	bool resizable;
};

/**
 * iov_interrupt_info - what a function has of a kind
 * @device: device
 * @kind: kind
 * @info: receives it
 *
 * Return: 0 or -errno with a message.
 */
int iov_interrupt_info(struct iov_device *device, enum iov_interrupt kind,
		       struct iov_interrupt_info *info);

/**
 * iov_interrupt_enable - have vectors write to eventfds
 * @device: device
 * @kind: kind; INTx, MSI and MSI-X exclude each other
 * @first: first vector
 * @count: vectors
 * @fds: an eventfd for each, which stays the caller's as long as it is enabled; -1 for a
 *	vector that is not wanted now
 *
 * May be called again for other vectors, and for other eventfds of the same ones.  Where the
 * kernel cannot add vectors it takes all away and back, and every eventfd that was there is
 * written once then, so that no interrupt of that moment is lost: a handler looks for what
 * there is to do, and does not count.
 *
 * Return: 0; -EINVAL for a vector that the function does not have; -EBUSY while another kind
 * is enabled; -ENOSPC when the host has no vectors left; -errno; with a message.
 */
int iov_interrupt_enable(struct iov_device *device, enum iov_interrupt kind, unsigned int first,
			 unsigned int count, const int *fds);

/**
 * iov_interrupt_disable - end that for all vectors
 * @device: device
 * @kind: kind
 *
 * Return: 0 or -errno with a message.
 */
int iov_interrupt_disable(struct iov_device *device, enum iov_interrupt kind);

/**
 * iov_interrupt_mask - hold a vector back
 * @device: device
 * @kind: kind
 * @vector: vector
 *
 * Return: 0; -ENOTSUP when it is not maskable; -errno; with a message.
 */
int iov_interrupt_mask(struct iov_device *device, enum iov_interrupt kind, unsigned int vector);

/**
 * iov_interrupt_unmask - let it through again
 * @device: device
 * @kind: kind
 * @vector: vector
 *
 * Return: as iov_interrupt_mask().
 */
int iov_interrupt_unmask(struct iov_device *device, enum iov_interrupt kind, unsigned int vector);

/**
 * iov_interrupt_resample - unmask INTx by an eventfd
 * @device: device with INTx enabled
 * @fd: eventfd that stays the caller's, KVM's resamplefd for instance; -1 ends it
 *
 * Return: 0 or -errno with a message.
 */
int iov_interrupt_resample(struct iov_device *device, int fd);

/**
 * iov_interrupt_trigger - do as if vectors came
 * @device: device
 * @kind: kind that is enabled
 * @first: first vector
 * @count: vectors
 *
 * Return: 0 or -errno with a message.
 */
int iov_interrupt_trigger(struct iov_device *device, enum iov_interrupt kind, unsigned int first,
			  unsigned int count);

#ifdef __cplusplus
}
#endif

#endif
