// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Kernel parameters that decide about assignment: "kernel-command-line", and
 * "acs-override".
 */
#include <stdio.h>
#include <string.h>

#include "base/sysroot/paths.h"
#include "host/check/check_internal.h"

/*
 * A parameter that is worth a word; without @harm it is only named. What
 * Documentation/admin-guide/kernel-parameters.txt says of each.
 */
static const struct parameter {
	const char *key;
	const char *value;
	const char *harm;
} parameters[] = {
	{ "intel_iommu", "on", NULL },
	{ "intel_iommu", "sm_on", NULL },
	{ "amd_iommu", "on", NULL },
	{ "iommu", "pt", NULL },
	{ "iommu.passthrough", "1", NULL },
	{ "iommu.strict", "0", NULL },
	{ "iommu.strict", "1", NULL },
	{ "pci", "realloc", NULL },
	{ "pci", "assign-busses", NULL },
	{ "intel_iommu", "off", "turns the IOMMU off" },
	{ "amd_iommu", "off", "turns the IOMMU off" },
	{ "iommu", "off", "turns the IOMMU off" },
	{ "iommu", "soft", "replaces the IOMMU by bounce buffers" },
	{ "intel_iommu", "igfx_off", "leaves the Intel graphics out of the IOMMU" },
	{ "intremap", "off", "turns interrupt remapping off, without which VFIO refuses devices" },
	{ "intremap", "nosid", "lets devices raise each other's interrupts" },
	{ "intremap", "no_x2apic_optout", NULL },
	{ "intremap", "nopost", "turns posted interrupts off" },
	{ "noapic", NULL, "turns the I/O APIC off and interrupt remapping with it" },
	{ "nolapic", NULL, "turns the local APIC off and interrupt remapping with it" },
	{ "nox2apic", NULL, "turns x2APIC off" },
	{ "pci", "nomsi", "turns MSI and MSI-X off, without which VFs have no interrupts" },
	{ "pci", "noari", "turns ARI off, so a PF gets fewer VFs or needs more bus numbers" },
	{ "pci", "noats", "turns ATS off" },
	{ "pci", "off", "turns PCI off" },
	{ "vfio_iommu_type1.allow_unsafe_interrupts", "1",
	  "lets a guest's device raise any interrupt of the host" },
	{ "vfio.enable_unsafe_noiommu_mode", "1", "lets a device write to all of memory" },
};

#define PARAMETER_COUNT (sizeof(parameters) / sizeof(*parameters))

static void append(char *text, size_t size, const char *separator, const struct parameter *parameter)
{
	size_t length = strlen(text);

	snprintf(text + length, size - length, "%s%s%s%s", length ? separator : "", parameter->key,
		 parameter->value ? "=" : "", parameter->value ? parameter->value : "");
}

static void check_parameters(struct checks *checks)
{
	char found[512] = "", harmful[512] = "", remedy[768] = "";

	for (size_t i = 0; i < PARAMETER_COUNT; i++) {
		const struct parameter *parameter = &parameters[i];

		if (!check_cmdline_has(checks, parameter->key, parameter->value))
			continue;
		append(found, sizeof(found), " ", parameter);
		if (!parameter->harm)
			continue;
		append(harmful, sizeof(harmful), " ", parameter);
		append(remedy, sizeof(remedy), "; ", parameter);
		snprintf(remedy + strlen(remedy), sizeof(remedy) - strlen(remedy), " %s",
			 parameter->harm);
	}
	if (*harmful) {
		check_line(checks, "kernel-command-line", CHECK_WARN, "%s stands in the way",
			   harmful);
		check_remedy(checks, "remove it from the kernel command line and reboot: %s",
			     remedy);
	} else {
		check_line(checks, "kernel-command-line", CHECK_OK, "nothing stands in the way");
	}
	check_evidence(checks, IOV_PATH_CMDLINE, "%s", *found ? found : "none of the parameters "
		       "that matter");
}

/* A patch of some distributions' kernels; others ignore the parameter. */
static void check_acs_override(struct checks *checks)
{
	char value[128];

	if (check_cmdline_value(checks, "pcie_acs_override", value, sizeof(value)) ||
	    check_cmdline_value(checks, "pci.pcie_acs_override", value, sizeof(value))) {
		check_line(checks, "acs-override", CHECK_WARN,
			   "IOMMU groups are said to be smaller than the hardware makes them");
		check_evidence(checks, IOV_PATH_CMDLINE, "pcie_acs_override=%s", value);
		check_remedy(checks, "remove pcie_acs_override from the kernel command line: "
			     "devices of different guests can reach each other's memory; where the "
			     "hardware has ACS that is off, pci=config_acs= turns it on");
		return;
	}
	check_line(checks, "acs-override", CHECK_OK, "not in use");
	check_evidence(checks, IOV_PATH_CMDLINE, "no pcie_acs_override");
}

void check_cmdline(struct checks *checks)
{
	check_parameters(checks);
	check_acs_override(checks);
}
