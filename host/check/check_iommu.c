// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The IOMMU: "iommu-firmware", "iommu", "iommu-domains", "reserved-memory", "acs".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/pci/topology.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "host/check/check_internal.h"
#include "iommu/hypervisor.h"

#define CLASS_IOMMU 0x0806

static const char *firmware_setting(enum check_arch arch)
{
	switch (arch) {
	case ARCH_INTEL:
		return "'VT-d' ('Intel Virtualization Technology for Directed I/O')";
	case ARCH_AMD:
		return "'IOMMU' ('AMD-Vi', under 'NBIO' or 'AMD CBS')";
	case ARCH_ARM64:
		return "'SMMU' ('System MMU')";
	default:
		return "the IOMMU";
	}
}

/* "DMAR, 1 unit, interrupt remapping, DMA protection from boot on" */
static void describe_table(const struct acpi *acpi, enum acpi_table table, char *text, size_t size)
{
	char units[32];

	snprintf(units, sizeof(units), ", %u unit%s", acpi->units[table],
		 acpi->units[table] == 1 ? "" : "s");
	snprintf(text, size, "%s%s%s%s%s", acpi_names[table],
		 acpi->read[table] ? units : " (its content is for root only)",
		 table == ACPI_DMAR && acpi->dmar_flags & ACPI_DMAR_INTR_REMAP ?
			 ", interrupt remapping" : "",
		 table == ACPI_DMAR && acpi->dmar_flags & ACPI_DMAR_X2APIC_OPT_OUT ?
			 ", x2APIC opt-out" : "",
		 (table == ACPI_DMAR && acpi->dmar_flags & ACPI_DMAR_DMA_OPT_IN) ||
				 (table == ACPI_IVRS && acpi->ivrs_info & ACPI_IVRS_DMA_REMAP) ?
			 ", DMA protection from boot on" : "");
}

static void remedy_firmware(struct checks *checks)
{
	const char *by_hypervisor = iov_hypervisor_iommu(iov_hypervisor(checks->iov));

	if (by_hypervisor)
		check_remedy(checks, "%s", by_hypervisor);
	else if (checks->arch == ARCH_OTHER)
		check_remedy(checks, "'dmesg | grep -i iommu' tells what the kernel found of one");
	else
		check_remedy(checks, "turn %s on in the firmware%s", firmware_setting(checks->arch),
			     checks->arch == ARCH_INTEL ?
			     ", and boot the kernel with intel_iommu=on" : "");
}

/* A record may lack what firmware says; a host that has ACPI has tables. */
static bool is_told(const struct checks *checks)
{
	return iov_sys_is_host(checks->iov) || iov_sys_exists(checks->iov, IOV_PATH_ACPI_TABLES);
}

static void check_firmware(struct checks *checks)
{
	const struct acpi *acpi = &checks->acpi;
	char tables[ACPI_TABLES * 128] = "", table[128];
	bool tree = iov_sys_exists(checks->iov, IOV_PATH_DEVICE_TREE);

	for (size_t i = 0; i < ACPI_TABLES; i++) {
		if (!acpi->present[i])
			continue;
		describe_table(acpi, i, table, sizeof(table));
		snprintf(tables + strlen(tables), sizeof(tables) - strlen(tables), "%s%s",
			 *tables ? "; " : "", table);
	}
	if (*tables) {
		check_line(checks, "iommu-firmware", CHECK_OK, "ACPI describes it: %s", tables);
	} else if (tree) {
		check_line(checks, "iommu-firmware", CHECK_SKIP,
			   "no ACPI: a device tree describes this host");
		check_evidence(checks, IOV_PATH_DEVICE_TREE, "present");
		return;
	} else if (checks->arch == ARCH_OTHER) {
		check_line(checks, "iommu-firmware", CHECK_SKIP,
			   "nothing that is known describes one on this architecture");
	} else if (!is_told(checks)) {
		check_line(checks, "iommu-firmware", CHECK_SKIP, "the recorded host does not tell: it has no /"
			   IOV_PATH_ACPI_TABLES);
	} else {
		check_line(checks, "iommu-firmware", checks->groups ? CHECK_WARN : CHECK_FAIL,
			   "no ACPI table describes one%s",
			   checks->groups ? ", though the kernel has one" : "");
		remedy_firmware(checks);
	}
	for (size_t i = 0; i < ACPI_TABLES; i++)
		check_evidence(checks, iov_path(IOV_PATH_ACPI_TABLES "/%s", acpi_names[i]).name,
			       acpi->present[i] ? "present" : "absent");
}

/* What keeps an IOMMU that firmware describes from being used. */
static void remedy_off(struct checks *checks)
{
	static const struct {
		const char *key, *value;
	} off[] = {
		{ "intel_iommu", "off" }, { "amd_iommu", "off" },
		{ "iommu", "off" }, { "iommu", "soft" }, { "acpi", "off" },
	};

	for (size_t i = 0; i < sizeof(off) / sizeof(*off); i++) {
		if (!check_cmdline_has(checks, off[i].key, off[i].value))
			continue;
		check_evidence(checks, IOV_PATH_CMDLINE, "%s=%s", off[i].key, off[i].value);
		check_remedy(checks, "remove %s=%s from the kernel command line%s and reboot",
			     off[i].key, off[i].value,
			     checks->acpi.present[ACPI_DMAR] ? ", put intel_iommu=on there" : "");
		return;
	}
	if (checks->acpi.present[ACPI_DMAR] && !check_cmdline_has(checks, "intel_iommu", "on")) {
		check_evidence(checks, IOV_PATH_CMDLINE, "no intel_iommu=on");
		check_remedy(checks, "add intel_iommu=on to the kernel command line "
			     "(GRUB_CMDLINE_LINUX in /etc/default/grub, then update-grub or "
			     "grub2-mkconfig) and reboot");
	} else if (checks->acpi.present[ACPI_VIOT]) {
		check_remedy(checks, "load the module virtio_iommu before the drivers of the "
			     "devices: put it into the initramfs");
	} else if (checks->acpi.present[ACPI_DMAR] || checks->acpi.present[ACPI_IVRS] ||
		   checks->acpi.present[ACPI_IORT]) {
		check_remedy(checks, "the kernel's log says why ('dmesg | grep -e DMAR -e AMD-Vi "
			     "-e iommu'): a kernel without the driver, or a firmware bug");
	} else {
		remedy_firmware(checks);
	}
}

/* An IOMMU translates for others, and is in no group itself. */
static bool lacks_group(struct iov *iov, struct iov_bdf bdf)
{
	int64_t class_code;

	return !iov_sys_exists(iov, iov_pci_path(bdf, "iommu_group").name) &&
	       (iov_pci_number(iov, bdf, "class", &class_code) || class_code >> 8 != CLASS_IOMMU);
}

static void check_enabled(struct checks *checks)
{
	size_t count = 0, outside = 0, functions = 0;
	struct iov_bdf *list = NULL;
	char **names = NULL;

	if (!iov_sys_list(checks->iov, IOV_PATH_CLASS_IOMMU, &names, &count))
		iov_names_free(names, count);
	if (!iov_pci_list(checks->iov, &list, &functions)) {
		for (size_t i = 0; i < functions; i++)
			outside += lacks_group(checks->iov, list[i]);
		free(list);
	}
	if (!checks->groups) {
		check_line(checks, "iommu", CHECK_FAIL,
			   "off: no function of this host is in an IOMMU group");
		remedy_off(checks);
	} else if (outside) {
		check_line(checks, "iommu", CHECK_WARN, "on, %zu groups, but %zu of %zu PCI "
			   "functions are in none", checks->groups, outside, functions);
		check_remedy(checks, "'iov list --all' shows which: those cannot be assigned");
	} else {
		check_line(checks, "iommu", CHECK_OK, "on: %zu groups", checks->groups);
	}
	check_evidence(checks, IOV_PATH_IOMMU_GROUPS, "%zu groups", checks->groups);
	check_evidence(checks, IOV_PATH_CLASS_IOMMU, "%zu units", count);
}

static void check_domains(struct checks *checks)
{
	size_t count, translated = 0, identity = 0;
	char type[32], **names;

	if (!checks->groups || iov_sys_list(checks->iov, IOV_PATH_IOMMU_GROUPS, &names, &count)) {
		check_line(checks, "iommu-domains", CHECK_SKIP, "no IOMMU group");
		return;
	}
	for (size_t i = 0; i < count; i++) {
		struct iov_path path = iov_path(IOV_PATH_IOMMU_GROUPS "/%s/type", names[i]);

		if (iov_sys_read(checks->iov, path.name, type, sizeof(type)))
			continue;
		identity += !strcmp(type, "identity");
		translated += !strncmp(type, "DMA", 3);
	}
	iov_names_free(names, count);
	check_line(checks, "iommu-domains", CHECK_OK, "the host's own DMA: translated for %zu "
		   "groups, passed through for %zu; for guests this makes no difference",
		   translated, identity);
	check_evidence(checks, IOV_PATH_IOMMU_GROUPS "/*/type", "DMA %zu, identity %zu",
		       translated, identity);
}

static void check_reserved(struct checks *checks)
{
	_cleanup_json_ struct json_object *names = json_object_new_array();
	const struct acpi *acpi = &checks->acpi;

	if (!acpi->read[ACPI_DMAR]) {
		check_line(checks, "reserved-memory", CHECK_SKIP, "%s",
			   acpi->present[ACPI_DMAR] ? "the table DMAR is for root only" :
						      "no DMAR table, so no RMRR in it");
		return;
	}
	for (size_t i = 0; i < acpi->reserved_count; i++)
		json_object_array_add(names, json_object_new_string(IOV_BDF(acpi->reserved[i])));
	if (acpi->reserved_count) {
		check_line(checks, "reserved-memory", CHECK_WARN,
			   "firmware keeps memory for %s (RMRR): graphics and USB can be assigned "
			   "nevertheless, others cannot", check_names(names).text);
		check_remedy(checks, "'iov check DEVICE' tells; for a NIC or HBA turn off the "
			     "firmware's own use of it (PXE, option ROM, agentless management), or "
			     "update the firmware");
	} else {
		check_line(checks, "reserved-memory", CHECK_OK, "firmware keeps none (no RMRR)");
	}
	check_evidence(checks, IOV_PATH_ACPI_TABLES "/DMAR", "%zu functions in RMRRs",
		       acpi->reserved_count);
}

static void check_acs(struct checks *checks)
{
	_cleanup_json_ struct json_object *without = json_object_new_array();
	size_t count = 0, ports = 0, unknown = 0;
	int error = 0;
	struct iov_bdf *list = NULL;
	struct iov_node node;

	if (iov_pci_list(checks->iov, &list, &count))
		count = 0;
	for (size_t i = 0; i < count; i++) {
		if (!iov_pci_is_bridge(checks->iov, list[i]))
			continue;
		iov_node_read(checks->iov, list[i], &node);
		ports += node.port;
		unknown += node.acs == IOV_ACS_UNKNOWN;
		error = node.error ? node.error : error;
		if (node.port && (node.acs == IOV_ACS_ABSENT || node.acs == IOV_ACS_OFF))
			json_object_array_add(without, json_object_new_string(IOV_BDF(list[i])));
	}
	free(list);
	if (unknown || !ports) {
		check_line(checks, "acs", CHECK_SKIP, unknown ? "of a port: %s" : "no PCI Express port",
			   check_unread(error));
	} else if (json_object_array_length(without)) {
		check_line(checks, "acs", CHECK_WARN, "ports without ACS that is on: %s; what is "
			   "below such a port moves together", check_names(without).text);
		check_remedy(checks, "%s; 'iov group list' shows the groups", checks->groups ?
			     "put devices that go to different guests below other ports, or turn "
			     "'ACS' ('ACS Control', 'PCIe ARI/ACS') on in the firmware" :
			     "turn the IOMMU on first: the kernel enables ACS only with it");
	} else {
		check_line(checks, "acs", CHECK_OK, "on at all %zu ports", ports);
	}
	if (!unknown && ports)
		check_evidence(checks, IOV_PATH_PCI_DEVICES "/*/config",
			       "ports with ACS %zu of %zu",
			       ports - json_object_array_length(without), ports);
}

void check_iommu(struct checks *checks)
{
	check_firmware(checks);
	check_enabled(checks);
	check_domains(checks);
	check_reserved(checks);
	check_acs(checks);
}
