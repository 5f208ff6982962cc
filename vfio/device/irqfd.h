/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vector of a function straight into a virtual machine of KVM: no thread of the VMM has a part
 * in it, and where processor and IOMMU can, none of the host either (posted interrupts), which
 * the kernel arranges when it finds the same eventfd at both ends.
 */
#ifndef IOV_VFIO_DEVICE_IRQFD_H
#define IOV_VFIO_DEVICE_IRQFD_H

#include "vfio/device/interrupt.h"

#ifdef __cplusplus
extern "C" {
#endif

struct iov_irqfd;

/**
 * iov_irqfd_open - hand a vector to KVM
 * @out: receives it; the caller closes it with iov_irqfd_close() before the device
 * @device: device
 * @kind: IOV_INTX, IOV_MSI or IOV_MSIX
 * @vector: vector, which is enabled as iov_interrupt_enable() does it
 * @vm: KVM's descriptor of the machine, which has an interrupt controller in the kernel
 * @gsi: what it is in the machine: a pin, or a route that KVM_SET_GSI_ROUTING made
 *
 * The pin, which is level triggered, is unmasked when the guest has acknowledged it.
 *
 * Return: 0; -EINVAL when the machine has no such interrupt or no controller; otherwise as
 * iov_interrupt_enable(); with a message.
 */
int iov_irqfd_open(struct iov_irqfd **out, struct iov_device *device, enum iov_interrupt kind,
		   unsigned int vector, int vm, unsigned int gsi);

/**
 * iov_irqfd_close - take it back
 * @irqfd: NULL is allowed
 *
 * The vector writes to nothing then, and can be enabled otherwise.
 */
void iov_irqfd_close(struct iov_irqfd *irqfd);

#ifdef __cplusplus
}
#endif

#endif
