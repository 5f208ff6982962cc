// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Interrupts on their way to a guest: "interrupt-remapping", "posted-interrupts",
 * "x2apic", "unsafe-interrupts".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "host/check/check_internal.h"

/* Intel VT-d 4.1, section 11.4.2, PI of the capability register */
#define VTD_CAP_PI (1ull << 59)
/* AMD I/O Virtualization 3.08, section 3.4.9, GASup of the extended feature register */
#define AMD_EFR_GA (1ull << 7)

#define UNSAFE "allow_unsafe_interrupts"

static bool is_x86(const struct checks *checks)
{
	return checks->arch == ARCH_INTEL || checks->arch == ARCH_AMD;
}

static bool unsafe_allowed(struct checks *checks)
{
	return check_parameter(checks, "vfio_iommu_type1", UNSAFE) == 1 ||
	       check_parameter(checks, "iommufd", UNSAFE) == 1;
}

static void remedy_remapping(struct checks *checks)
{
	static const char *const off[][2] = {
		{ "intremap", "off" }, { "noapic", NULL }, { "nolapic", NULL },
	};
	const struct acpi *acpi = &checks->acpi;

	for (size_t i = 0; i < sizeof(off) / sizeof(*off); i++) {
		if (!check_cmdline_has(checks, off[i][0], off[i][1]))
			continue;
		check_evidence(checks, IOV_PATH_CMDLINE, "%s%s%s", off[i][0],
			       off[i][1] ? "=" : "", off[i][1] ? off[i][1] : "");
		check_remedy(checks, "remove %s%s%s from the kernel command line and reboot",
			     off[i][0], off[i][1] ? "=" : "", off[i][1] ? off[i][1] : "");
		return;
	}
	if (acpi->read[ACPI_DMAR]) {
		bool offered = acpi->dmar_flags & ACPI_DMAR_INTR_REMAP;

		check_evidence(checks, IOV_PATH_ACPI_TABLES "/DMAR", "flags 0x%x: %s",
			       acpi->dmar_flags, offered ? "INTR_REMAP" : "no INTR_REMAP");
		if (offered)
			check_remedy(checks, "the kernel's log says why not: 'dmesg | grep -e DMAR "
				     "-e remapping'; firmware updates often cure it");
		else
			check_remedy(checks, "turn 'Interrupt Remapping' or 'x2APIC' on in the "
				     "firmware, or update it; on a host whose guests are all "
				     "trusted boot with vfio_iommu_type1." UNSAFE "=1");
		return;
	}
	check_remedy(checks, "turn the IOMMU's interrupt remapping on in the firmware; in a virtual "
		     "machine give its virtual IOMMU intremap=on; on a host whose guests are all "
		     "trusted boot with vfio_iommu_type1." UNSAFE "=1");
}

static void check_remapping(struct checks *checks)
{
	if (!is_x86(checks)) {
		check_line(checks, "interrupt-remapping", CHECK_SKIP,
			   "of x86 alone; see gic-its on Arm");
	} else if (!iov_sys_exists(checks->iov, IOV_PATH_IRQS)) {
		check_line(checks, "interrupt-remapping", CHECK_SKIP,
			   "unknown: the names of the interrupt controllers cannot be read");
	} else if (checks->remapped) {
		check_line(checks, "interrupt-remapping", CHECK_OK,
			   "on: a device can raise its own interrupts only");
		check_evidence(checks, IOV_PATH_IRQS "/*/chip_name", "IR-...");
	} else if (!checks->groups) {
		check_line(checks, "interrupt-remapping", CHECK_FAIL, "off, as is the IOMMU");
		check_evidence(checks, IOV_PATH_IRQS "/*/chip_name", "no name begins with IR-");
		check_remedy(checks, "turn the IOMMU on, see the check iommu");
	} else {
		check_line(checks, "interrupt-remapping",
			   unsafe_allowed(checks) ? CHECK_WARN : CHECK_FAIL, "off: %s",
			   unsafe_allowed(checks) ?
			   "a guest's device can raise any interrupt of the host" :
			   "VFIO refuses every device");
		check_evidence(checks, IOV_PATH_IRQS "/*/chip_name", "no name begins with IR-");
		remedy_remapping(checks);
	}
}

/* Whether each IOMMU has a bit in a register that sysfs shows in hexadecimal. */
static bool all_units_have(struct checks *checks, const char *attribute, uint64_t bit)
{
	size_t count, units = 0, with = 0;
	char text[64], **names;

	if (iov_sys_list(checks->iov, IOV_PATH_CLASS_IOMMU, &names, &count))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct iov_path path = iov_path(IOV_PATH_CLASS_IOMMU "/%s/%s", names[i], attribute);

		if (iov_sys_read(checks->iov, path.name, text, sizeof(text)))
			continue;
		units++;
		with += (strtoull(text, NULL, 16) & bit) != 0;
		check_evidence(checks, path.name, "%s", text);
	}
	iov_names_free(names, count);
	return units && with == units;
}

static void check_posted(struct checks *checks)
{
	bool intel = checks->acpi.present[ACPI_DMAR];
	const char *module = checks->arch == ARCH_INTEL ? "kvm_intel" : "kvm_amd";
	const char *name = checks->arch == ARCH_INTEL ? "enable_apicv" : "avic";
	int parameter = check_parameter(checks, module, name);

	if (!is_x86(checks) || !checks->remapped) {
		check_line(checks, "posted-interrupts", CHECK_SKIP, is_x86(checks) ?
			   "need interrupt remapping first" : "of x86 alone");
		return;
	}
	check_line(checks, "posted-interrupts", CHECK_OK, "there: a device's interrupt reaches a "
		   "running guest without the host");
	if (!(intel ? all_units_have(checks, "intel-iommu/cap", VTD_CAP_PI) :
		      all_units_have(checks, "amd-iommu/features", AMD_EFR_GA))) {
		json_object_object_add(checks->line, "status", json_object_new_string("skip"));
		json_object_object_add(checks->line, "found", json_object_new_string(
			"this IOMMU has none: each interrupt of a guest's device goes through the "
			"host"));
	} else if (check_cmdline_has(checks, "intremap", "nopost") || !parameter) {
		json_object_object_add(checks->line, "status", json_object_new_string("warn"));
		json_object_object_add(checks->line, "found", json_object_new_string(
			"the IOMMU has them, the kernel does not use them"));
		check_remedy(checks, parameter ? "remove intremap=nopost from the kernel command "
			     "line and reboot" : "'modprobe -r %s && modprobe %s %s=1', and the "
			     "same in /etc/modprobe.d", module, module, name);
	}
	if (parameter >= 0)
		check_evidence(checks, iov_path(IOV_PATH_MODULES "/%s/parameters/%s", module,
						name).name, "%s", parameter ? "on" : "off");
}

static void check_x2apic(struct checks *checks)
{
	const struct acpi *acpi = &checks->acpi;
	bool opt_out = acpi->dmar_flags & ACPI_DMAR_X2APIC_OPT_OUT &&
		       !check_cmdline_has(checks, "intremap", "no_x2apic_optout");

	if (!is_x86(checks)) {
		check_line(checks, "x2apic", CHECK_SKIP, "of x86 alone");
	} else if (check_cmdline_has(checks, "nox2apic", NULL)) {
		check_line(checks, "x2apic", CHECK_WARN, "turned off");
		check_evidence(checks, IOV_PATH_CMDLINE, "nox2apic");
		check_remedy(checks, "remove nox2apic from the kernel command line and reboot");
	} else if (opt_out) {
		check_line(checks, "x2apic", CHECK_WARN, "firmware asks the kernel not to use it");
		check_evidence(checks, IOV_PATH_ACPI_TABLES "/DMAR", "flags 0x%x: X2APIC_OPT_OUT",
			       acpi->dmar_flags);
		check_remedy(checks, "turn 'x2APIC' on and 'x2APIC opt out' off in the firmware, or "
			     "boot with intremap=no_x2apic_optout");
	} else if (!check_has_word(checks->flags, "x2apic")) {
		check_line(checks, "x2apic", CHECK_SKIP,
			   "the processor has none, or firmware hides it");
		check_evidence(checks, IOV_PATH_CPUINFO, "flags: no x2apic");
	} else {
		check_line(checks, "x2apic", CHECK_OK, "there, and nothing turns it off");
		check_evidence(checks, IOV_PATH_CPUINFO, "flags: x2apic");
	}
}

static void check_unsafe(struct checks *checks)
{
	static const char *const modules[] = { "vfio_iommu_type1", "iommufd" };
	bool allowed = unsafe_allowed(checks), known = false;

	if (allowed)
		check_line(checks, "unsafe-interrupts", CHECK_WARN, "allowed: %s",
			   checks->remapped ? "needlessly, as interrupts are remapped" :
			   "a guest's device can raise any interrupt of the host");
	else
		check_line(checks, "unsafe-interrupts", CHECK_OK, "not allowed");
	for (size_t i = 0; i < 2; i++) {
		int value = check_parameter(checks, modules[i], UNSAFE);

		known |= value >= 0;
		if (value >= 0)
			check_evidence(checks, iov_path(IOV_PATH_MODULES "/%s/parameters/" UNSAFE,
							modules[i]).name,
				       "%s", value ? "Y" : "N");
	}
	if (!known)
		check_evidence(checks, IOV_PATH_MODULES, "neither vfio_iommu_type1 nor iommufd is "
			       "loaded");
	if (allowed)
		check_remedy(checks, "remove " UNSAFE "=1 from the kernel command line and "
			     "/etc/modprobe.d%s", checks->remapped ? "" :
			     ", once the check interrupt-remapping is ok");
}

void check_interrupts(struct checks *checks)
{
	check_remapping(checks);
	check_posted(checks);
	check_x2apic(checks);
	check_unsafe(checks);
}
