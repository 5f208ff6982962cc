/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interrupt line of a function that has no MSI, or whose driver does not use it. */
#ifndef IOV_VFIO_BIND_INTX_H
#define IOV_VFIO_BIND_INTX_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/iov.h"
#include "base/pci/pci_config.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * iov_intx_pin - the interrupt pin of a function
 * @config: its configuration space
 *
 * Return: 1 for INTA to 4 for INTD, 0 for none.
 */
unsigned int iov_intx_pin(const struct iov_config *config);

/**
 * iov_intx_replaced - whether its driver turned MSI or MSI-X on, so that it raises no INTx
 * @config: its configuration space
 */
bool iov_intx_replaced(const struct iov_config *config);

/**
 * iov_intx_sharers - other functions that raise INTx on the same line
 * @iov: context
 * @bdf: function
 * @irq: its line
 *
 * Return: an array of addresses, which the caller puts.
 */
struct json_object *iov_intx_sharers(struct iov *iov, struct iov_bdf bdf, int64_t irq);

#ifdef __cplusplus
}
#endif

#endif
