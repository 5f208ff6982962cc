/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The MTU of a function; iov_op_mtu() of base/plan/op.h changes it. */
#ifndef IOV_PLUGINS_NET_MTU_H
#define IOV_PLUGINS_NET_MTU_H

#include "base/iov.h"
#include "base/pci/pci.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * iov_mtu_read - the MTU of a function's network interface
 * @iov: context
 * @bdf: function
 * @port: number of its port, as of iov_interface_named_port(); -1 for the first
 * @mtu: receives it
 *
 * Return: 0; -ENODEV without an interface, with a message.
 */
int iov_mtu_read(struct iov *iov, struct iov_bdf bdf, int port, unsigned int *mtu);

/**
 * iov_mtu_check - whether a driver takes an MTU
 * @iov: context
 * @bdf: function
 * @port: as of iov_mtu_read()
 * @mtu: the MTU
 *
 * Return: 0, also where the kernel does not tell a range, as of a recorded host; -EINVAL
 * with a message that has it.
 */
int iov_mtu_check(struct iov *iov, struct iov_bdf bdf, int port, unsigned int mtu);

#ifdef __cplusplus
}
#endif

#endif
