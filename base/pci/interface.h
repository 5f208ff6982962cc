/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The network interface of a function. */
#ifndef IOV_BASE_PCI_INTERFACE_H
#define IOV_BASE_PCI_INTERFACE_H

#include "base/iov.h"
#include "base/pci/pci.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Longest name with its NUL, IFNAMSIZ of the kernel. */
#define IOV_INTERFACE_SIZE 16

/**
 * iov_interface_of - the network interface of a function
 * @iov: context
 * @bdf: function
 * @name: receives its name, at least IOV_INTERFACE_SIZE bytes
 *
 * Representors of VFs, which sit beside it in switchdev mode, do not count.
 *
 * Return: 0, or -ENODEV; the message is not touched.
 */
int iov_interface_of(struct iov *iov, struct iov_bdf bdf, char *name);

#ifdef __cplusplus
}
#endif

#endif
