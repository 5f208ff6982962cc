/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a host knows about one PCI function, as JSON. */
#ifndef IOV_BASE_PCI_FUNCTION_H
#define IOV_BASE_PCI_FUNCTION_H

#include <json-c/json.h>
#include <stdbool.h>

#include "base/iov.h"
#include "base/pci/pci.h"
#include "base/pci/ids.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * iov_function_summary - what a list shows of a function
 * @iov: context
 * @ids: names
 * @bdf: a function that exists
 *
 * Members, null where they do not apply: "device", "class_code" ("0x020000"),
 * "class", "vendor_id", "device_id" ("8086"), "name", "driver", "iommu_group",
 * "numa_node", "pf" and "vf_index" of a VF, "vfs" and "vfs_total" of a PF,
 * "msix" (vectors; null without privilege), "reset_methods" (array).
 *
 * Return: a new object; the caller puts it.
 */
struct json_object *iov_function_summary(struct iov *iov, struct iov_ids *ids,
					 struct iov_bdf bdf);

/**
 * enum iov_function_flags - what a list of functions has
 * @IOV_FUNCTION_BRIDGES: those of bridges, too
 * @IOV_FUNCTION_BRIEF: not the members "msix" and "reset_methods", which take as much reading as all others
 */
enum iov_function_flags {
	IOV_FUNCTION_BRIDGES = 1 << 0,
	IOV_FUNCTION_BRIEF = 1 << 1,
};

/**
 * iov_function_list - summaries of all functions, in order of address
 * @iov: context
 * @ids: names
 * @flags: of enum iov_function_flags
 * @rows: receives an array of summaries, each with the member "identity" of
 *	iov_device_identity(); the caller puts it
 *
 * Return: 0 or -errno with a message.
 */
int iov_function_list(struct iov *iov, struct iov_ids *ids, unsigned int flags,
		      struct json_object **rows);

/**
 * iov_function_detail - everything about a function
 * @iov: context
 * @ids: names
 * @bdf: a function that exists
 *
 * Members of the summary, "identity" and "identities" (an array of all), and, where they
 * apply: "subsystem", "revision",
 * "driver_override", "module", "modalias", "link", "link_max", "bars" (each
 * "bar", "start", "size" in bytes, "type"), "msi" (vectors), "sriov" ("total",
 * "current", "offset", "stride", "vf_device", "autoprobe"), "capabilities" (null
 * of one that sleeps or does not answer), "features" (an array of "feature", "supported", "enabled",
 * "value" and "guest", what it means for a guest; null as well without privilege), "power_state", "d3cold_allowed", "net", "block", "nvme", "vfio" (names).
 *
 * Return: a new object; the caller puts it.
 */
struct json_object *iov_function_detail(struct iov *iov, struct iov_ids *ids, struct iov_bdf bdf);

#ifdef __cplusplus
}
#endif

#endif
