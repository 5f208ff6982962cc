// SPDX-License-Identifier: GPL-2.0-or-later
/* Arm by its own names: "smmu", "gic-its". */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "host/check/check_internal.h"

/* Where SMMUs and the ITS stand in a device tree: at its root or in a bus of it */
#define TREE_DEPTH 3

/* Whether a device tree has a node that is compatible with something. */
static bool tree_has(struct iov *iov, const char *directory, const char *compatible,
		     unsigned int depth)
{
	_cleanup_free_ char *text = NULL;
	bool found = false;
	size_t count, length;
	char **names;

	/* a list of strings, each with its NUL */
	if (!iov_sys_read_all(iov, iov_path("%s/compatible", directory).name, &text, &length) &&
	    memmem(text, length, compatible, strlen(compatible)))
		return true;
	if (!depth || iov_sys_list(iov, directory, &names, &count))
		return false;
	for (size_t i = 0; !found && i < count; i++)
		found = strchr(names[i], '@') &&
			tree_has(iov, iov_path("%s/%s", directory, names[i]).name, compatible,
				 depth - 1);
	for (size_t i = 0; !found && i < count; i++)
		found = !strcmp(names[i], "soc") &&
			tree_has(iov, iov_path("%s/soc", directory).name, compatible, depth - 1);
	iov_names_free(names, count);
	return found;
}

/* How many IOMMUs have a name that begins so. */
static unsigned int count_units(struct iov *iov, const char *prefix)
{
	unsigned int units = 0;
	size_t count;
	char **names;

	if (iov_sys_list(iov, IOV_PATH_CLASS_IOMMU, &names, &count))
		return 0;
	for (size_t i = 0; i < count; i++)
		units += !strncmp(names[i], prefix, strlen(prefix));
	iov_names_free(names, count);
	return units;
}

static void check_smmu(struct checks *checks)
{
	unsigned int v3 = count_units(checks->iov, "smmu3.");
	unsigned int v2 = count_units(checks->iov, "smmu.");
	const struct acpi *acpi = &checks->acpi;
	bool tree = tree_has(checks->iov, IOV_PATH_DEVICE_TREE, "arm,smmu-v3", TREE_DEPTH) ||
		    tree_has(checks->iov, IOV_PATH_DEVICE_TREE, "arm,mmu-500", TREE_DEPTH) ||
		    tree_has(checks->iov, IOV_PATH_DEVICE_TREE, "arm,smmu-v2", TREE_DEPTH);
	bool described = acpi->smmu_v3 || acpi->smmu_v2 || tree;

	if (v3 || v2) {
		check_line(checks, "smmu", CHECK_OK, "in use: %u SMMUv3, %u SMMUv2", v3, v2);
	} else if (described) {
		check_line(checks, "smmu", CHECK_FAIL, "firmware describes it, no driver uses it");
		check_remedy(checks, "boot a kernel with CONFIG_ARM_SMMU_V3 (SMMUv3) or "
			     "CONFIG_ARM_SMMU (SMMUv2), or load arm_smmu_v3 or arm_smmu");
	} else {
		check_line(checks, "smmu", checks->groups ? CHECK_WARN : CHECK_FAIL,
			   "neither IORT nor a device tree describes one");
		check_remedy(checks, "turn 'SMMU' on in the firmware; where a device tree describes "
			     "the host, its node of the SMMU needs status = \"okay\" and the PCIe "
			     "node an iommu-map");
	}
	check_evidence(checks, IOV_PATH_CLASS_IOMMU, "smmu3.*: %u, smmu.*: %u", v3, v2);
	if (acpi->present[ACPI_IORT])
		check_evidence(checks, IOV_PATH_ACPI_TABLES "/IORT", acpi->read[ACPI_IORT] ?
			       "SMMUv3: %u, SMMUv2: %u" : "for root only", acpi->smmu_v3,
			       acpi->smmu_v2);
	if (iov_sys_exists(checks->iov, IOV_PATH_DEVICE_TREE))
		check_evidence(checks, IOV_PATH_DEVICE_TREE, "%s",
			       tree ? "a node of an SMMU" : "no node of an SMMU");
}

static void check_its(struct checks *checks)
{
	bool tree = tree_has(checks->iov, IOV_PATH_DEVICE_TREE, "arm,gic-v3-its", TREE_DEPTH + 1);
	bool used = check_interrupt_chip(checks->iov, "ITS-");

	if (used || tree || checks->acpi.its_groups) {
		check_line(checks, "gic-its", CHECK_OK, "%s: a device can raise its own interrupts "
			   "only", used ? "in use" : "described by firmware");
	} else if (check_parameter(checks, "vfio_iommu_type1", "allow_unsafe_interrupts") == 1) {
		check_line(checks, "gic-its", CHECK_WARN, "none; unsafe interrupts are allowed");
		check_remedy(checks, "a GICv2m cannot tell devices apart: give devices to trusted "
			     "guests only");
	} else {
		check_line(checks, "gic-its", CHECK_FAIL,
			   "none: without one VFIO refuses every device");
		check_remedy(checks, "on a host whose guests are all trusted boot with "
			     "vfio_iommu_type1.allow_unsafe_interrupts=1; in a virtual machine give "
			     "it gic-version=3");
	}
	check_evidence(checks, IOV_PATH_IRQS "/*/chip_name", used ? "ITS-..." :
		       "no name begins with ITS-");
	if (checks->acpi.read[ACPI_IORT])
		check_evidence(checks, IOV_PATH_ACPI_TABLES "/IORT", "ITS groups: %u",
			       checks->acpi.its_groups);
	if (tree)
		check_evidence(checks, IOV_PATH_DEVICE_TREE, "arm,gic-v3-its");
}

void check_arm(struct checks *checks)
{
	if (checks->arch == ARCH_ARM64) {
		check_smmu(checks);
		check_its(checks);
		return;
	}
	check_line(checks, "smmu", CHECK_SKIP, "of Arm alone");
	check_line(checks, "gic-its", CHECK_SKIP, "of Arm alone");
}
