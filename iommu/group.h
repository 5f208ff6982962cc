/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IOMMU groups: the smallest sets of functions that the IOMMU can tell apart,
 * and therefore the smallest that VFIO can give away.
 */
#ifndef IOV_IOMMU_GROUP_H
#define IOV_IOMMU_GROUP_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/iov.h"
#include "base/pci/pci.h"
#include "base/plan/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Longest name of a kernel driver that is kept, with its NUL. */
#define IOV_DRIVER_SIZE 64

/**
 * struct iov_group_member - a function in a group
 * @bdf: its address
 * @driver: driver that it is bound to, "" for none
 * @bridge: a PCI bridge: it stays with the host, the kernel accepts that
 * @blocks: its driver uses DMA through the kernel, so the group is not viable
 */
struct iov_group_member {
	struct iov_bdf bdf;
	char driver[IOV_DRIVER_SIZE];
	bool bridge;
	bool blocks;
};

/**
 * struct iov_group_other - a member that is no PCI function
 * @name: as the kernel calls it: the UUID of a mediated device, "fd4a0000.ethernet"
 * @bus: "mdev", "platform", "" when the kernel does not tell
 * @driver: driver that it is bound to, "" for none
 * @blocks: its driver uses DMA through the kernel, so the group is not viable
 */
struct iov_group_other {
	char name[64];
	char bus[32];
	char driver[IOV_DRIVER_SIZE];
	bool blocks;
};

/**
 * struct iov_group - a group at one moment
 * @number: its number, which the kernel hands out anew at each boot
 * @noiommu: made by VFIO without an IOMMU: no isolation at all
 * @count: length of @members
 * @members: functions, in order of address
 * @other_count: length of @others
 * @others: members on other buses, in order of name
 */
struct iov_group {
	unsigned int number;
	bool noiommu;
	size_t count;
	struct iov_group_member *members;
	size_t other_count;
	struct iov_group_other *others;
};

/**
 * iov_iommu_require - check that the host has an IOMMU that is on
 * @iov: context
 *
 * Return: 0, or -ENOTSUP with a message that says how to turn it on.
 */
int iov_iommu_require(struct iov *iov);

/**
 * iov_group_open - read a group by its number
 * @out: receives it; the caller frees it with iov_group_close()
 * @iov: context
 * @number: group number
 *
 * Return: 0, -ENOENT without that group, -ENOTSUP when the IOMMU is off, each
 * with a message; or -ENOMEM.
 */
int iov_group_open(struct iov_group **out, struct iov *iov, unsigned int number);

/**
 * iov_group_of - read the group of a function
 * @out: receives it; the caller frees it with iov_group_close()
 * @iov: context
 * @bdf: a function that exists
 *
 * Return: 0, -ENODEV without that function, -ENOENT when it is in no group,
 * -ENOTSUP when the IOMMU is off, each with a message; or -ENOMEM.
 */
int iov_group_of(struct iov_group **out, struct iov *iov, struct iov_bdf bdf);

/**
 * iov_group_close - free a group
 * @group: NULL is allowed
 */
void iov_group_close(struct iov_group *group);

/**
 * iov_group_viable - whether VFIO would give the group away now
 * @group: group
 *
 * The kernel's rule: each member is bound to a VFIO driver or pci-stub, to no
 * driver, or is a bridge.
 */
bool iov_group_viable(const struct iov_group *group);

/**
 * iov_group_numbers - the groups of the host
 * @iov: context
 * @numbers: receives an ascending array that the caller frees with free()
 * @count: receives its length
 *
 * Return: 0, -ENOTSUP with a message when the IOMMU is off, or -errno.
 */
int iov_group_numbers(struct iov *iov, unsigned int **numbers, size_t *count);

/**
 * iov_group_reasons - why the members of a group are together
 * @iov: context
 * @group: group
 * @reasons: receives an array, which the caller puts: for each bridge or device
 *	that joins members an object with "kind" ("pci-bridge", "no-acs",
 *	"multifunction"; "hidden" when only root may see, "kernel" for a quirk),
 *	"at" (its address, "" for none), "members" and "text", a sentence.
 *	Empty for a group of one.
 *
 * Repeats the kernel's grouping on configuration space: DMA aliases of
 * PCIe-to-PCI bridges (PCIe to PCI/PCI-X Bridge 1.0, section 2.3), ports and
 * multifunction devices without Access Control Services (PCIe Base 6.0,
 * section 6.12).  Capabilities are visible to root only.
 *
 * Return: 0 or -ENOMEM.
 */
int iov_group_reasons(struct iov *iov, const struct iov_group *group,
		      struct json_object **reasons);

/**
 * iov_group_json - a group as JSON
 * @iov: context
 * @group: group
 * @out: receives an object, which the caller puts: "iommu_group", "viable", "noiommu", "type" (of its
 *	default domain: "DMA", "DMA-FQ", "identity"; null when the kernel does not tell),
 *	"members" (each with "device", "driver" or null, "role": "endpoint", "bridge", or for
 *	what is no PCI function "mdev", "platform" or "other", "blocks"), "blocked_by" (array
 *	of their "device"), "reasons" as above
 *
 * Return: 0 or -ENOMEM.
 */
int iov_group_json(struct iov *iov, const struct iov_group *group, struct json_object **out);

/**
 * iov_group_type_name - the types that a group can be given
 * @index: from 0
 *
 * Return: a name that iov_group_type_plan() takes; NULL behind the last.
 */
const char *iov_group_type_name(size_t index);

/**
 * iov_group_type_plan - plan that a group has another default domain
 * @plan: plan that a step is appended to, none when it has it already
 * @number: group number
 * @type: "DMA": IOMMU mappings, taken away at once; "DMA-FQ": taken away a little later, which
 *	is faster; "identity": none, its devices reach all memory; "auto": the kernel's choice
 *
 * Documentation/ABI/testing/sysfs-kernel-iommu_groups.  It lasts until the next boot.
 *
 * Return: 0; -EINVAL for another type; -ENOENT without that group; -ENOTSUP when the kernel
 * does not tell; with a message.
 */
int iov_group_type_plan(struct iov_plan *plan, unsigned int number, const char *type);

/**
 * iov_noiommu_enabled - whether VFIO takes functions without an IOMMU
 * @iov: context
 *
 * A choice that the host's owner made by a parameter of the module vfio.
 */
bool iov_noiommu_enabled(struct iov *iov);

/**
 * iov_driver_is_vfio - whether a driver gives its function to user space by VFIO
 * @driver: name, "vfio-pci" or one of its variants for a vendor
 */
bool iov_driver_is_vfio(const char *driver);

/* The drivers by which guests get functions: that of VFIO, and that of Xen's dom0. */
#define IOV_DRIVER_VFIO "vfio-pci"
#define IOV_DRIVER_PCIBACK "pciback"

/**
 * iov_driver_gives - whether a driver gives its function to guests
 * @driver: name, "vfio-pci", one of its variants, or "pciback"
 */
bool iov_driver_gives(const char *driver);

#ifdef __cplusplus
}
#endif

#endif
