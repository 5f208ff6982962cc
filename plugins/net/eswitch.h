/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mode of a NIC's embedded switch; iov_op_eswitch() of base/plan/op.h changes it. */
#ifndef IOV_PLUGINS_NET_ESWITCH_H
#define IOV_PLUGINS_NET_ESWITCH_H

#include "base/iov.h"
#include "base/pci/pci.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * iov_eswitch_read - mode of a NIC's embedded switch
 * @iov: context
 * @bdf: PF
 * @mode: receives "legacy" or "switchdev"
 *
 * Return: 0; -EOPNOTSUPP with a message for a device that has no modes; or -errno with
 * a message.
 */
int iov_eswitch_read(struct iov *iov, struct iov_bdf bdf, const char **mode);


#ifdef __cplusplus
}
#endif

#endif
