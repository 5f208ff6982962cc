/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plugins that come with iovkit. */
#ifndef IOV_PLUGINS_PLUGINS_H
#define IOV_PLUGINS_PLUGINS_H

#include "base/iov.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * iov_plugins_register - make the built-in plugins known to a context
 * @iov: context
 *
 * SR-IOV device classes: "net" (attributes by rtnetlink) and "nvme" (VFs are
 * given queues and interrupts and set online).  Operations: all of base/plan/op.h that are
 * not of base/ and sriov/.
 *
 * Return: 0 or -ENOMEM.
 */
int iov_plugins_register(struct iov *iov);

#ifdef __cplusplus
}
#endif

#endif
