// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/pci/kind.h"

#include <linux/pci_regs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/pci/pci_config.h"
#include "base/sysroot/sysdir.h"

/* PCI Code and ID Assignment 1.16, section 1.7 */
#define BASE_CLASS_BRIDGE 0x06
#define CLASS_HOST 0x0600
#define CLASS_MICROCHANNEL 0x0603
#define CLASS_PCI 0x0604
#define CLASS_IOMMU 0x0806
#define CLASS_PCI_SEMI_TRANSPARENT 0x0609

/* Kernels before 4.19 have no attributes of bridges. */
static bool has_bridge_header(struct iov *iov, struct iov_bdf bdf, int dir)
{
	_cleanup_fd_ int config = iov_config_open(iov, bdf, dir);
	unsigned char type;

	return config >= 0 && pread(config, &type, 1, PCI_HEADER_TYPE) == 1 &&
	       (type & PCI_HEADER_TYPE_MASK) != PCI_HEADER_TYPE_MASK &&
	       (type & PCI_HEADER_TYPE_MASK) != PCI_HEADER_TYPE_NORMAL;
}

bool iov_pci_is_called_bridge(int dir, unsigned int code)
{
	code >>= 8;
	return code == CLASS_PCI || code == CLASS_PCI_SEMI_TRANSPARENT ||
	       iov_dir_has(dir, "secondary_bus_number");
}

enum iov_pci_kind iov_pci_kind_of(struct iov *iov, struct iov_bdf bdf, int dir,
				  unsigned int code)
{
	if (iov_pci_is_called_bridge(dir, code))
		return IOV_PCI_BRIDGE;
	code >>= 8;
	if (code == CLASS_IOMMU)
		return IOV_PCI_CHIPSET;
	if (code >> 8 != BASE_CLASS_BRIDGE)
		return IOV_PCI_ENDPOINT;
	/* What is above it is a function unless it is on a root bus. */
	if (code >= CLASS_HOST && code <= CLASS_MICROCHANNEL && !iov_dir_has(dir, "../vendor"))
		return IOV_PCI_CHIPSET;
	return has_bridge_header(iov, bdf, dir) ? IOV_PCI_BRIDGE : IOV_PCI_ENDPOINT;
}

enum iov_pci_kind iov_pci_kind_at(struct iov *iov, struct iov_bdf bdf, int dir)
{
	int64_t code = 0;

	iov_dir_read_number(dir, "class", &code);
	return iov_pci_kind_of(iov, bdf, dir, (unsigned int)code);
}

enum iov_pci_kind iov_pci_kind(struct iov *iov, struct iov_bdf bdf)
{
	_cleanup_fd_ int dir = iov_dir_open(iov, iov_pci_path(bdf, "").name);

	return dir < 0 ? IOV_PCI_ENDPOINT : iov_pci_kind_at(iov, bdf, dir);
}
