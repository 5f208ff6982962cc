// SPDX-License-Identifier: GPL-2.0-or-later
#include "vfio/take.h"

#include <stdio.h>
#include <string.h>

#include "iommu/group.h"
#include "iommu/topology.h"

#define WHY_MAX 96

/* What most functions are, without a look at the members. */
static bool is_alone(struct iov *iov, struct iov_bdf bdf)
{
	char **names;
	size_t count;

	if (iov_sys_list(iov, iov_pci_path(bdf, "iommu_group/devices").name, &names, &count))
		return true;
	iov_names_free(names, count);
	return count < 2;
}

/* Members with a driver of the host's are not touched; a plan that moves them says so. */
static void take_group(struct iov_plan *plan, struct iov_bdf bdf)
{
	struct iov_group *group;
	char why[WHY_MAX];

	if (is_alone(iov_plan_context(plan), bdf))
		return;
	if (iov_group_of(&group, iov_plan_context(plan), bdf))
		return;
	snprintf(why, sizeof(why), "member of IOMMU group %u", group->number);
	for (size_t i = 0; i < group->count; i++) {
		if (!group->members[i].bridge && !group->members[i].blocks)
			iov_plan_take(plan, group->members[i].bdf, why);
	}
	iov_group_close(group);
}

/* "flr pm bus": "bus" and its kin reset what is below the same port; old kernels do not say. */
static bool has_own_reset(struct iov *iov, struct iov_bdf bdf)
{
	char text[128], *rest = text, *method;

	if (iov_sys_read(iov, iov_pci_path(bdf, "reset_method").name, text, sizeof(text)))
		return iov_sys_exists(iov, iov_pci_path(bdf, "reset").name);
	while ((method = strsep(&rest, " "))) {
		if (*method && strcmp(method, "bus") && strcmp(method, "cxl_bus"))
			return true;
	}
	return false;
}

static void take_below(struct iov_plan *plan, struct iov_bdf bridge, const char *why)
{
	struct iov *iov = iov_plan_context(plan);
	struct iov_bdf bdf;
	char **names;
	size_t count;

	if (iov_sys_list(iov, iov_pci_path(bridge, "").name, &names, &count))
		return;
	for (size_t i = 0; i < count; i++) {
		if (!strchr(names[i], ':') || iov_bdf_parse(iov, names[i], &bdf))
			continue;
		if (iov_pci_is_bridge(iov, bdf))
			take_below(plan, bdf, why);
		else
			iov_plan_take(plan, bdf, why);
	}
	iov_names_free(names, count);
}

static void take_slot(struct iov_plan *plan, struct iov_bdf bdf)
{
	struct iov *iov = iov_plan_context(plan);
	struct iov_bdf ports[IOV_ANCESTORS_MAX];
	char why[WHY_MAX];
	size_t count;

	if (has_own_reset(iov, bdf))
		return;
	count = iov_pci_ancestors(iov, bdf, ports);
	if (!count)
		return;
	snprintf(why, sizeof(why), "same slot as %s, which only resets as a whole", IOV_BDF(bdf));
	take_below(plan, ports[count - 1], why);
}

void iov_take(struct iov_plan *plan, struct iov_bdf bdf, const char *why, bool guest)
{
	iov_plan_take(plan, bdf, why);
	iov_plan_take_vfs(plan, bdf);
	take_group(plan, bdf);
	if (guest)
		take_slot(plan, bdf);
}
