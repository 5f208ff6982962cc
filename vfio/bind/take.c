// SPDX-License-Identifier: GPL-2.0-or-later
/* What goes along when a function is taken from the host. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/pci/topology.h"
#include "iommu/group.h"
#include "vfio/bind/binding.h"
#include "vfio/bind/verdict_judge.h"

#define WHY_MAX 96

/* Members with a driver of the host's are not touched; a plan that moves them says so. */
static void take_group(struct iov_plan *plan, struct iov_bdf bdf)
{
	struct iov_group *group;
	char why[WHY_MAX];

	if (iov_group_of(&group, iov_plan_context(plan), bdf))
		return;
	snprintf(why, sizeof(why), "member of IOMMU group %u", group->number);
	for (size_t i = 0; i < group->count; i++) {
		if (!group->members[i].bridge && !group->members[i].blocks)
			iov_plan_take(plan, group->members[i].bdf, why);
	}
	iov_group_close(group);
}

/* The functions in a directory of a bridge or bus, and below them. */
static void take_in(struct iov_plan *plan, const char *directory, const char *why)
{
	struct iov *iov = iov_plan_context(plan);
	struct iov_bdf bdf;
	char **names;
	size_t count;

	if (iov_sys_list(iov, directory, &names, &count))
		return;
	for (size_t i = 0; i < count; i++) {
		if (!strchr(names[i], ':') || !iov_bdf_scan(names[i], &bdf))
			continue;
		if (iov_pci_is_bridge(iov, bdf))
			take_in(plan, iov_pci_path(bdf, "").name, why);
		else
			iov_plan_take(plan, bdf, why);
	}
	iov_names_free(names, count);
}

/* All on the buses that the driver of a controller makes: "pci10000:80" in its directory. */
static void take_behind(struct iov_plan *plan, struct iov_bdf controller)
{
	char why[WHY_MAX];
	char **names;
	size_t count;

	if (iov_sys_list(iov_plan_context(plan), iov_pci_path(controller, "").name, &names, &count))
		return;
	snprintf(why, sizeof(why), "behind %s, which goes as a whole", IOV_BDF(controller));
	for (size_t i = 0; i < count; i++) {
		if (!strncmp(names[i], "pci", 3) && strchr(names[i], ':'))
			take_in(plan, iov_pci_path(controller, names[i]).name, why);
	}
	iov_names_free(names, count);
}

static void take_slot(struct iov_plan *plan, struct iov_bdf bdf)
{
	struct iov_bdf ports[IOV_ANCESTORS_MAX];
	size_t count = iov_pci_ancestors(iov_plan_context(plan), bdf, ports);
	char why[WHY_MAX];

	if (!count)
		return;
	snprintf(why, sizeof(why), "same slot as %s, which only resets as a whole", IOV_BDF(bdf));
	take_in(plan, iov_pci_path(ports[count - 1], "").name, why);
}

static int keep_vfs(struct iov *iov, const struct binding *binding)
{
	unsigned int vfs = binding->driver[0] ? iov_pci_vf_count(iov, binding->bdf) : 0;
	struct iov_bdf_text bdf = iov_bdf_format(binding->bdf);

	if (!vfs)
		return 0;
	return iov_fail(iov, -EBUSY, "%s: " VFS_GO "; " VFS_REMEDY, bdf.text, vfs, binding->driver,
			bdf.text);
}

int binding_take(struct bindings *bindings, const struct binding *binding, bool guest)
{
	iov_plan_take(bindings->plan, binding->bdf, binding->why);
	if (!binding->exists)
		return 0;
	if (binding->pf)
		iov_plan_take_vfs(bindings->plan, binding->bdf);
	take_behind(bindings->plan, binding->bdf);
	if (binding->group_size > 1)
		take_group(bindings->plan, binding->bdf);
	if (guest && !binding->own_reset)
		take_slot(bindings->plan, binding->bdf);
	return binding->pf ? keep_vfs(bindings->iov, binding) : 0;
}
