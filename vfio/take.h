/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes along when a function is taken from the host. */
#ifndef IOV_VFIO_TAKE_H
#define IOV_VFIO_TAKE_H

#include <stdbool.h>

#include "base/pci.h"
#include "base/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * iov_take - note that a plan takes a function with all that goes along
 * @plan: plan
 * @bdf: the function
 * @why: why it is taken, as for iov_plan_take()
 * @guest: whether a guest may get it, rather than the host another driver for it
 *
 * Its VFs go when the driver of a PF goes.  The members of its IOMMU group that are
 * with VFIO or idle are usable only together with it.  A function without a reset of
 * its own is reset with the whole slot, so a guest that has it resets all functions
 * below the same port.  Bridges stay with the host.
 */
void iov_take(struct iov_plan *plan, struct iov_bdf bdf, const char *why, bool guest);

#ifdef __cplusplus
}
#endif

#endif
