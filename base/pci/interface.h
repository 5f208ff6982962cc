/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network interfaces and the functions that they are of. */
#ifndef IOV_BASE_PCI_INTERFACE_H
#define IOV_BASE_PCI_INTERFACE_H

#include <stdbool.h>

#include "base/iov.h"
#include "base/pci/pci.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Longest name of an interface with its NUL, IFNAMSIZ of the kernel; alternative ones are longer. */
#define IOV_INTERFACE_SIZE 16

/**
 * iov_interface_find - the interface of a name
 * @iov: context
 * @name: its name, or an alternative one
 * @found: receives its name, IOV_INTERFACE_SIZE bytes
 *
 * Return: false when there is none.
 */
bool iov_interface_find(struct iov *iov, const char *name, char *found);

/**
 * iov_interface_function - the function that an interface is the own one of
 * @iov: context
 * @name: interface, as from iov_interface_find()
 * @bdf: receives the function; with -EXDEV the one that it hangs below
 *
 * Its device is the function itself or the virtio device that the function is.  What hangs
 * below a function in other ways has it as a controller: a NIC on USB, a subfunction.  A
 * representor stands for a port of another.
 *
 * Return: 0; -EXDEV for one of a device behind a function; -ENODEV for one of no function.
 */
int iov_interface_function(struct iov *iov, const char *name, struct iov_bdf *bdf);

/**
 * iov_interface_port - the number of an interface among those of its function
 * @iov: context
 * @name: interface
 *
 * Return: dev_port of the kernel, 0 where there is one port only.
 */
int iov_interface_port(struct iov *iov, const char *name);

/**
 * iov_interface_named_port - the port of a function that a name tells
 * @iov: context
 * @text: any name of the function, as iov_device_parse() takes it
 *
 * Return: its number; -1 where the name is of the function as a whole.
 */
int iov_interface_named_port(struct iov *iov, const char *text);

/**
 * iov_interface_of - the network interface of a function
 * @iov: context
 * @bdf: function
 * @port: number of the port; -1 for the first
 * @name: receives its name, at least IOV_INTERFACE_SIZE bytes
 *
 * Representors of VFs, which sit beside it in switchdev mode, do not count.
 *
 * Return: 0, or -ENODEV; the message is not touched.
 */
int iov_interface_of(struct iov *iov, struct iov_bdf bdf, int port, char *name);

#ifdef __cplusplus
}
#endif

#endif
