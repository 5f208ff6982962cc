/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a function is to the host that has it: a device, or a part of the host itself. */
#ifndef IOV_BASE_PCI_KIND_H
#define IOV_BASE_PCI_KIND_H

#include <stdbool.h>

#include "base/iov.h"
#include "base/pci/pci.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * enum iov_pci_kind - what a function is
 * @IOV_PCI_ENDPOINT: a device, which can be given away; its class may say "bridge", as
 *	that of an NVSwitch does
 * @IOV_PCI_BRIDGE: a bridge to other buses by its header (PCI, PCI Express, CardBus)
 * @IOV_PCI_CHIPSET: a host, ISA, EISA or MicroChannel bridge on a root bus, or an IOMMU:
 *	it has the header of a device and no use away from its host
 */
enum iov_pci_kind { IOV_PCI_ENDPOINT, IOV_PCI_BRIDGE, IOV_PCI_CHIPSET };

/**
 * iov_pci_is_called_bridge - whether a function is a bridge without a look at its header
 * @dir: its directory
 * @code: its class of 24 bits
 *
 * Return: true when its class or an attribute that the kernel gives to bridges says so.
 */
bool iov_pci_is_called_bridge(int dir, unsigned int code);

/**
 * iov_pci_kind_of - what a function is
 * @iov: context
 * @bdf: function
 * @dir: its directory
 * @code: its class of 24 bits
 *
 * Class and the attributes that the kernel gives to bridges tell; configuration space is
 * asked only of a bridge by class that has none of these.
 */
enum iov_pci_kind iov_pci_kind_of(struct iov *iov, struct iov_bdf bdf, int dir,
				  unsigned int code);

/**
 * iov_pci_kind_at - as iov_pci_kind_of(), of who does not know the class
 * @iov: context
 * @bdf: function
 * @dir: its directory
 */
enum iov_pci_kind iov_pci_kind_at(struct iov *iov, struct iov_bdf bdf, int dir);

/**
 * iov_pci_kind - as iov_pci_kind_at()
 * @iov: context
 * @bdf: a function; one that does not exist is an endpoint
 */
enum iov_pci_kind iov_pci_kind(struct iov *iov, struct iov_bdf bdf);

#ifdef __cplusplus
}
#endif

#endif
