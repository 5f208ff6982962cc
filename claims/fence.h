/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Taking a device from whoever uses it, before somebody else may have it. */
#ifndef IOV_CLAIMS_FENCE_H
#define IOV_CLAIMS_FENCE_H

#include "base/pci/pci.h"
#include "base/plan/plan.h"
#include "claims/config.h"

/*
 * Have the VMM stop by its hook, then do to the device what the settings say.  Waits for no lock and asks
 * no guard.  What fails is logged and the next is done.
 *
 * 0 when all that the settings say and the device can do has been done, or it is gone; -errno with a message
 * otherwise.
 */
int claims_fence(struct iov *iov, const struct claims_config *config, struct iov_bdf bdf, const char *holder);

/*
 * Note in a plan what the settings say and the device, as it is now, cannot do; nothing where it can do all.
 */
void claims_fence_note(struct iov_plan *plan, const struct claims_config *config, struct iov_bdf bdf);

#endif
