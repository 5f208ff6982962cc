/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a function sits in the tree of buses, and whether ACS isolates it there. */
#ifndef IOV_BASE_PCI_TOPOLOGY_H
#define IOV_BASE_PCI_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/iov.h"
#include "base/pci/pci.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Deepest nesting of bridges that is followed. */
#define IOV_ANCESTORS_MAX 32

/**
 * enum iov_acs - Access Control Services of a function
 * @IOV_ACS_ON: it sends every request through the IOMMU
 * @IOV_ACS_OFF: the capability is there, but not all that is needed is enabled
 * @IOV_ACS_ABSENT: no capability
 * @IOV_ACS_UNKNOWN: configuration space could not be read that far
 */
enum iov_acs { IOV_ACS_ON, IOV_ACS_OFF, IOV_ACS_ABSENT, IOV_ACS_UNKNOWN };

/**
 * struct iov_node - a function as a part of the tree
 * @bdf: its address
 * @legacy: a bridge to conventional PCI: DMA from behind it carries its ID
 * @port: a root port or downstream port
 * @multifunction: its device has more than one function
 * @acs: its Access Control Services
 * @error: why they are unknown, as iov_config_read() returned it, or 0
 */
struct iov_node {
	struct iov_bdf bdf;
	bool legacy;
	bool port;
	bool multifunction;
	enum iov_acs acs;
	int error;
};

/**
 * iov_pci_ancestors - the bridges between a root bus and a function
 * @iov: context
 * @bdf: function
 * @ancestors: receives them, the outermost first; IOV_ANCESTORS_MAX long
 *
 * Return: how many.
 */
size_t iov_pci_ancestors(struct iov *iov, struct iov_bdf bdf, struct iov_bdf *ancestors);

/**
 * iov_pci_slot - the functions of a device, which sits in one slot
 * @iov: context
 * @bdf: one of them
 * @list: receives an array that the caller frees with free(): those with the same bus and device
 *	number, in order; no VFs, which have such numbers without being of the device
 * @count: receives its length
 *
 * Return: 0, -ENOMEM, or -errno with a message.
 */
int iov_pci_slot(struct iov *iov, struct iov_bdf bdf, struct iov_bdf **list, size_t *count);

/**
 * iov_pci_is_below - whether a function is on the way to another
 * @iov: context
 * @bdf: function
 * @above: a bridge, or a controller whose driver makes buses of its own
 */
bool iov_pci_is_below(struct iov *iov, struct iov_bdf bdf, struct iov_bdf above);

/**
 * iov_pci_controller - the function whose driver makes the bus of another
 * @iov: context
 * @bdf: function
 * @controller: receives it, a VMD controller say; its domain is another one, and what is
 *	behind it is there only as long as that driver has it
 *
 * Return: false for a function that is there by itself.
 */
bool iov_pci_controller(struct iov *iov, struct iov_bdf bdf, struct iov_bdf *controller);

/**
 * iov_node_read - what a function is in the tree
 * @iov: context
 * @bdf: function
 * @node: receives it
 *
 * The kernel's rules on PCIe Base 6.0 section 6.12: source validation, request
 * and completion redirection and upstream forwarding, as far as the function
 * implements them.
 */
void iov_node_read(struct iov *iov, struct iov_bdf bdf, struct iov_node *node);

#ifdef __cplusplus
}
#endif

#endif
