/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this host runs on, as far as it has a word in what devices can do. */
#ifndef IOV_IOMMU_HYPERVISOR_H
#define IOV_IOMMU_HYPERVISOR_H

#include "base/iov.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * enum iov_hypervisor - what is below the kernel
 * @IOV_HYPERVISOR_NONE: nothing, or what does not tell
 * @IOV_HYPERVISOR_XEN_HOST: Xen, and this is the domain that drives its devices (dom0)
 * @IOV_HYPERVISOR_XEN: Xen, and this is a guest
 * @IOV_HYPERVISOR_HYPERV: Hyper-V
 * @IOV_HYPERVISOR_VMWARE: VMware
 * @IOV_HYPERVISOR_OTHER: another one, QEMU or that of a cloud
 */
enum iov_hypervisor {
	IOV_HYPERVISOR_NONE,
	IOV_HYPERVISOR_XEN_HOST,
	IOV_HYPERVISOR_XEN,
	IOV_HYPERVISOR_HYPERV,
	IOV_HYPERVISOR_VMWARE,
	IOV_HYPERVISOR_OTHER,
};

/**
 * iov_hypervisor - what is below the kernel
 * @iov: context
 */
enum iov_hypervisor iov_hypervisor(struct iov *iov);

/**
 * iov_hypervisor_iommu - how a guest gets an IOMMU
 * @hypervisor: what it runs on
 *
 * Return: a sentence; NULL on bare metal, where firmware is asked.
 */
const char *iov_hypervisor_iommu(enum iov_hypervisor hypervisor);

/**
 * iov_hypervisor_nested - how a guest gets guests of its own
 * @hypervisor: what it runs on
 *
 * Return: a sentence; NULL on bare metal.
 */
const char *iov_hypervisor_nested(enum iov_hypervisor hypervisor);

#ifdef __cplusplus
}
#endif

#endif
