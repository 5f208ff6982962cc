/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Giving a function to a virtual machine: whether it can be, and how. */
#ifndef IOV_VFIO_BIND_ASSIGN_H
#define IOV_VFIO_BIND_ASSIGN_H

#include <json-c/json.h>

#include "base/iov.h"
#include "base/pci/pci.h"

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
 * iov_attach_qemu - QEMU's arguments for a function
 * @iov: context
 * @bdf: a function that is bound to a VFIO driver
 * @arguments: receives an array of strings, which the caller puts
 *
 * By the function's group through the VFIO container; by its device node
 * through iommufd on a kernel that has no groups for user space.
 *
 * Return: 0; -ENODEV without that function; -EBUSY when it is not bound to VFIO
 * or its group is not viable; -ENOTSUP without an IOMMU.  Each with a message
 * that says what to do.
 */
int iov_attach_qemu(struct iov *iov, struct iov_bdf bdf, struct json_object **arguments);

#ifdef __cplusplus
}
#endif

#endif
