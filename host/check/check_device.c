// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A function among others: "group", "assignable", "reserved-memory", "acs",
 * "legacy-pci".
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/pci/topology.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "host/check/check_internal.h"
#include "iommu/group.h"
#include "iommu/hypervisor.h"
#include "vfio/bind/assign.h"

/* Why the kernel put them together. */
static void add_reasons(struct checks *checks, const struct iov_group *group)
{
	struct json_object *reasons;

	if (iov_group_reasons(checks->iov, group, &reasons))
		return;
	for (size_t i = 0; i < json_object_array_length(reasons); i++)
		check_evidence(checks, IOV_PATH_PCI_DEVICES "/*/config", "%s",
			       json_text_or_null(json_object_array_get_idx(reasons, i), "text"));
	json_object_put(reasons);
}

static void judge_group(struct checks *checks, const struct check_function *function,
			const struct iov_group *group)
{
	bool moves = check_reason(checks, function, "group", "group");

	if (!moves && group->noiommu) {
		check_line(checks, "group", CHECK_WARN, "group %u, made by VFIO without an IOMMU: "
			   "the device can write to all of memory", group->number);
		check_remedy(checks, "turn the IOMMU on: 'iov check' says how");
	} else if (!moves && !check_reason(checks, function, "controller", "group")) {
		check_line(checks, "group", CHECK_OK, "group %u, nothing else moves along",
			   group->number);
	}
	check_evidence(checks, iov_path(IOV_PATH_IOMMU_GROUPS "/%u/devices", group->number).name,
		       "%zu functions", group->count);
	if (moves)
		add_reasons(checks, group);
}

static void judge_reserved(struct checks *checks, const struct check_function *function,
			   const struct iov_group *group)
{
	struct iov_path path = iov_path(IOV_PATH_IOMMU_GROUPS "/%u/reserved_regions",
					group->number);
	bool locked = check_reason(checks, function, "reserved-memory", "reserved-memory");
	bool readable = iov_sys_exists(checks->iov, path.name);
	const struct acpi *acpi = &checks->acpi;

	if (!locked && readable)
		check_line(checks, "reserved-memory", CHECK_OK, "firmware keeps none that forbids "
			   "to assign it");
	else if (!locked)
		check_line(checks, "reserved-memory", CHECK_SKIP, "the kernel does not tell");
	check_evidence(checks, path.name, !readable ? "absent" : locked ? "direct" :
		       "no region of type direct");
	for (size_t i = 0; i < acpi->reserved_count; i++) {
		if (!iov_bdf_compare(acpi->reserved[i], function->bdf))
			check_evidence(checks, IOV_PATH_ACPI_TABLES "/DMAR", "an RMRR names it");
	}
}

/* The part before "; " is what is so, the rest what to do. */
static void split_advice(const char *advice, char *found, size_t size, const char **remedy)
{
	const char *rest = strstr(advice, "; ");

	snprintf(found, size, "%.*s", (int)(rest ? rest - advice : (long)strlen(advice)), advice);
	*remedy = rest ? rest + 2 : "'iov show' tells more";
}

static void check_assignable(struct checks *checks, const struct check_function *function)
{
	struct json_object *answer, *held_by;
	char found[1024], driver[IOV_DRIVER_SIZE] = "";
	const char *remedy;

	if (iov_assign_check(checks->iov, function->bdf, &answer)) {
		check_line(checks, "assignable", CHECK_FAIL, "%s", iov_error_message(checks->iov));
		check_remedy(checks, "'iov show %s' tells more", function->name.text);
		return;
	}
	held_by = json_object_object_get(answer, "held_by");
	if (json_object_get_boolean(json_object_object_get(answer, "assignable"))) {
		check_line(checks, "assignable", CHECK_OK, "%s", json_text_or_null(answer, "advice"));
	} else {
		split_advice(json_text_or_null(answer, "advice"), found, sizeof(found), &remedy);
		check_line(checks, "assignable", CHECK_FAIL, "%s", found);
		check_remedy(checks, "%s", remedy);
	}
	for (size_t i = 0; i < json_object_array_length(held_by); i++) {
		struct json_object *finding = json_object_array_get_idx(held_by, i);

		check_evidence(checks, json_text_or_null(finding, "device"), "%s: %s",
			       json_text_or_null(finding, "guard"), json_text_or_null(finding, "holder"));
	}
	iov_pci_driver(checks->iov, function->bdf, driver, sizeof(driver));
	check_evidence(checks, iov_pci_path(function->bdf, "driver").name, "%s",
		       iov_driver_is_vfio(driver) ? "bound to VFIO" : "not bound to VFIO");
	json_object_put(answer);
}

void check_assignment(struct checks *checks, const struct check_function *function)
{
	struct iov_group *group;
	const char *remedy;
	char found[1024];

	check_assignable(checks, function);
	if (iov_hypervisor(checks->iov) == IOV_HYPERVISOR_XEN_HOST) {
		check_line(checks, "group", CHECK_OK, "none in dom0: Xen has the IOMMU, and assigns "
			   "each function by itself");
		return;
	}
	if (iov_group_of(&group, checks->iov, function->bdf)) {
		split_advice(iov_error_message(checks->iov), found, sizeof(found), &remedy);
		check_line(checks, "group", CHECK_FAIL, "%s", found);
		check_evidence(checks, iov_pci_path(function->bdf, "iommu_group").name, "absent");
		check_remedy(checks, "%s", remedy);
		return;
	}
	judge_group(checks, function, group);
	judge_reserved(checks, function, group);
	iov_group_close(group);
}

static void check_path_acs(struct checks *checks, const struct iov_node *nodes, size_t count)
{
	_cleanup_json_ struct json_object *open = json_object_new_array();
	size_t relevant = 0, unknown = 0;
	int error = 0;

	for (size_t i = 0; i < count; i++) {
		bool matters = nodes[i].port || nodes[i].multifunction;

		unknown += nodes[i].acs == IOV_ACS_UNKNOWN;
		error = nodes[i].error ? nodes[i].error : error;
		relevant += matters;
		if (matters && (nodes[i].acs == IOV_ACS_OFF || nodes[i].acs == IOV_ACS_ABSENT))
			json_object_array_add(open, json_object_new_string(IOV_BDF(nodes[i].bdf)));
	}
	if (unknown) {
		check_line(checks, "acs", CHECK_SKIP, "of a function on the way: %s",
			   check_unread(error));
		return;
	}
	if (json_object_array_length(open)) {
		check_line(checks, "acs", CHECK_WARN, "not on at %s: devices there can reach each "
			   "other without passing the IOMMU", check_names(open).text);
		check_remedy(checks, checks->groups ?
			     "for a port: use another slot, or turn 'ACS' ('ACS Control') on in the "
			     "firmware; for functions of one device: give it to one guest" :
			     "turn the IOMMU on first: the kernel enables ACS only with it");
	} else {
		check_line(checks, "acs", CHECK_OK, "on at all %zu functions between it and the root "
			   "complex that need it", relevant);
	}
	for (size_t i = 0; i < count; i++) {
		static const char *const names[] = { "on", "off", "absent", "unknown" };

		check_evidence(checks, iov_pci_path(nodes[i].bdf, "config").name, "ACS %s%s",
			       names[nodes[i].acs],
			       nodes[i].port || nodes[i].multifunction ? "" : " (not needed)");
	}
}

static void check_legacy(struct checks *checks, const struct check_function *function,
			 const struct iov_node *nodes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!nodes[i].legacy || !iov_bdf_compare(nodes[i].bdf, function->bdf))
			continue;
		check_line(checks, "legacy-pci", CHECK_WARN, "behind %s, a bridge to conventional "
			   "PCI: its DMA carries the bridge's ID, so all behind it are one device "
			   "to the IOMMU", IOV_BDF(nodes[i].bdf));
		check_evidence(checks, iov_pci_path(nodes[i].bdf, "config").name,
			       "PCIe-to-PCI bridge");
		check_remedy(checks, "assign all that is behind the bridge to one guest, or use a "
			     "PCI Express device");
		return;
	}
	check_line(checks, "legacy-pci", CHECK_OK, "not behind a bridge to conventional PCI");
	check_evidence(checks, iov_pci_path(function->bdf, "").name, "%zu bridges above",
		       count - 1);
}

void check_path(struct checks *checks, const struct check_function *function)
{
	struct iov_bdf ancestors[IOV_ANCESTORS_MAX];
	struct iov_node nodes[IOV_ANCESTORS_MAX + 1];
	size_t count = iov_pci_ancestors(checks->iov, function->bdf, ancestors);

	for (size_t i = 0; i < count; i++)
		iov_node_read(checks->iov, ancestors[i], &nodes[i]);
	iov_node_read(checks->iov, function->bdf, &nodes[count++]);
	check_path_acs(checks, nodes, count);
	check_legacy(checks, function, nodes, count);
}
