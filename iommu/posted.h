/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether interrupts of a function go straight to the virtual processor of a guest. */
#ifndef IOV_IOMMU_POSTED_H
#define IOV_IOMMU_POSTED_H

#include "base/pci/pci.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * enum iov_posted - what is known of posting
 * @IOV_POSTED_UNKNOWN: the IOMMU could, and the kernel does not tell here
 * @IOV_POSTED_NONE: no interrupt of the function is posted
 * @IOV_POSTED_SOME: some are, others go to the host
 * @IOV_POSTED_ALL: all of those that it has are
 */
enum iov_posted {
	IOV_POSTED_UNKNOWN,
	IOV_POSTED_NONE,
	IOV_POSTED_SOME,
	IOV_POSTED_ALL,
};

/**
 * iov_posted - whether its interrupts are posted
 * @iov: context
 * @bdf: function
 *
 * VT-d tells by its capability register (bit 59) whether it can, and in debugfs, which takes root
 * and CONFIG_INTEL_IOMMU_DEBUGFS, what is.  Of AMD-Vi only whether it can is known: the feature
 * GASup, bit 7.
 *
 * Return: what is known.
 */
enum iov_posted iov_posted(struct iov *iov, struct iov_bdf bdf);

#ifdef __cplusplus
}
#endif

#endif
