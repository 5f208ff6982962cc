/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The PCI Express link of a function: as it runs, and as it could. */
#ifndef IOV_BASE_PCI_LINK_H
#define IOV_BASE_PCI_LINK_H

#include <stdbool.h>

#include "base/iov.h"
#include "base/pci/pci.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct iov_link - the link that leads to a function
 * @now: how it runs, "8.0 GT/s PCIe x4"; "" where there is none, or the function sleeps
 * @most: what the function can do, in the same form
 * @slow: it runs with fewer lanes or at a lower speed than the function can do
 */
struct iov_link {
	char now[128];
	char most[128];
	bool slow;
};

/**
 * iov_link_read - read the link of a function
 * @iov: context
 * @bdf: function
 * @link: receives it
 *
 * A function that sleeps is not asked, as that would wake it.  PCIe Base 6.0, sections 7.5.3.6
 * and 7.5.3.8.
 */
void iov_link_read(struct iov *iov, struct iov_bdf bdf, struct iov_link *link);

#ifdef __cplusplus
}
#endif

#endif
