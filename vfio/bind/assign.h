/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Giving a function to a virtual machine: whether it can be, and how. */
#ifndef IOV_VFIO_BIND_ASSIGN_H
#define IOV_VFIO_BIND_ASSIGN_H

#include <json-c/json.h>
#include <stdbool.h>

#include "base/iov.h"
#include "base/pci/pci.h"
#include "iommu/group.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * iov_assign_check - whether a function can be given to a guest
 * @iov: context
 * @bdf: a function that exists
 * @out: receives an object, which the caller puts: "assignable" (boolean),
 *	"ready" (true: bound and its group viable), "held_by" (findings of the
 *	guards, see guard.h), "advice", a sentence that says why not or what
 *	to do, and "reasons" of the verdict (verdict.h)
 *
 * Builds the plan that would bind it and asks the guards, so the answer is what
 * binding would say.
 *
 * Return: 0, or -errno with a message when it could not look.
 */
int iov_assign_check(struct iov *iov, struct iov_bdf bdf, struct json_object **out);

/**
 * struct iov_attachable - how a guest reaches a function that it can have
 * @driver: driver that it is bound to
 * @group: its IOMMU group; 0 by Xen, which has none
 * @node: its node in /dev/vfio/devices, "" where the kernel has none
 * @by_iommufd: by that node and iommufd alone, as the kernel has no groups for user space
 */
struct iov_attachable {
	char driver[IOV_DRIVER_SIZE];
	unsigned int group;
	char node[32];
	bool by_iommufd;
};

/**
 * iov_vfio_by_vendor - whether the driver that a function comes with gives it to guests
 * @iov: context
 * @bdf: function
 *
 * Such a driver is no part of vfio-pci, but registers its functions with VFIO all the same, as
 * NVIDIA's does with its vGPUs.
 */
bool iov_vfio_by_vendor(struct iov *iov, struct iov_bdf bdf);

/**
 * iov_attach_check - whether a guest can have a function as it is now
 * @iov: context
 * @bdf: a function
 * @way: IOV_DRIVER_VFIO, whose variants for vendors count as it; or IOV_DRIVER_PCIBACK
 * @attachable: receives how
 *
 * Return: 0; -ENODEV without that function; -EBUSY when it is not bound to such a driver
 * or its group is not viable; -ENOTSUP without an IOMMU.  Each with a message
 * that says what to do.
 */
int iov_attach_check(struct iov *iov, struct iov_bdf bdf, const char *way,
		     struct iov_attachable *attachable);

/**
 * iov_attach_by_iommufd - whether VFIO has iommufd alone
 * @iov: context
 *
 * A kernel that has groups for user space as well is used by these, as every VMM knows them.
 */
bool iov_attach_by_iommufd(struct iov *iov);

#ifdef __cplusplus
}
#endif

#endif
