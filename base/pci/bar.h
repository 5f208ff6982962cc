/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The BARs of a function: how large they are, and how large they can be made. */
#ifndef IOV_BASE_PCI_BAR_H
#define IOV_BASE_PCI_BAR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/iov.h"
#include "base/pci/pci.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Standard BARs, and the resource that is the expansion ROM. */
#define IOV_BARS 6
#define IOV_BAR_ROM 6

/* The ROM is a copy in memory that firmware left (IORESOURCE_ROM_SHADOW of the kernel). */
#define IOV_BAR_SHADOW 2u

/**
 * struct iov_bar - a BAR
 * @start: address on the bus; 0 where the kernel does not tell, as to whom is not root
 * @size: bytes; 0: there is none
 * @flags: as the kernel has them (include/linux/ioport.h)
 * @sizes: of a resizable one (PCIe Base 6.0 section 7.8.6): bit n, it can be 2^n MiB; 0: it cannot be
 *	resized, or the kernel, before 6.2, does not do it
 */
struct iov_bar {
	uint64_t start;
	uint64_t size;
	uint64_t flags;
	uint64_t sizes;
};

/**
 * iov_bars_read - read all BARs of a function
 * @iov: context
 * @bdf: function
 * @bars: receives them, and behind them the ROM
 *
 * Return: 0 or -errno; the message is not touched.
 */
int iov_bars_read(struct iov *iov, struct iov_bdf bdf, struct iov_bar bars[IOV_BARS + 1]);

/**
 * iov_bar_bit - the bit of a mask of sizes that stands for a size
 * @bytes: size
 *
 * Return: the bit; -1 when no BAR can have that size (PCIe 6.0, 7.8.6.2).
 */
int iov_bar_bit(uint64_t bytes);

#ifdef __cplusplus
}
#endif

#endif
