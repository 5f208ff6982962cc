/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a function can do beside being a function, and what that means for a guest that has it. */
#ifndef IOV_BASE_PCI_FEATURES_H
#define IOV_BASE_PCI_FEATURES_H

#include <json-c/json.h>

#include "base/iov.h"
#include "base/pci/pci.h"
#include "base/pci/pci_config.h"

/*
 * An array of objects, for each of ATS, PRI, PASID, ARI, ACS, BARs of VFs, resizable BARs of VFs, TPH,
 * PTM, IDE, TEE-IO and MR-IOV:
 *	feature		its name
 *	supported	whether the function has it
 *	enabled		whether it is on; null where nothing turns it on
 *	value		sizes and limits in words; null for none
 *	guest		what that means for a guest
 * NULL where configuration space could not be read far enough to tell.
 */
struct json_object *function_features(struct iov *iov, struct iov_bdf bdf,
				      const struct iov_config *config);

#endif
