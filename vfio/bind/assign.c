// SPDX-License-Identifier: GPL-2.0-or-later
#include "vfio/bind/assign.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/plan/plan.h"
#include "base/sysroot/paths.h"
#include "iommu/group.h"
#include "iommu/hypervisor.h"
#include "vfio/bind/bind.h"
#include "vfio/bind/verdict.h"

/* The driver by which guests of this host get functions. */
static const char *way_of(struct iov *iov)
{
	return iov_hypervisor(iov) == IOV_HYPERVISOR_XEN_HOST ? IOV_DRIVER_PCIBACK : IOV_DRIVER_VFIO;
}

bool iov_vfio_by_vendor(struct iov *iov, struct iov_bdf bdf)
{
	char driver[IOV_DRIVER_SIZE];

	if (iov_sys_exists(iov, iov_pci_path(bdf, "nvidia/current_vgpu_type").name))
		return true;
	return !iov_pci_driver(iov, bdf, driver, sizeof(driver)) && *driver && !iov_driver_is_vfio(driver) &&
	       iov_sys_exists(iov, iov_pci_path(bdf, "vfio-dev").name);
}

/* Whether a function with a driver can be taken that way, be it by a variant for its vendor. */
static bool is_bound(struct iov *iov, struct iov_bdf bdf, const char *driver, const char *way)
{
	if (strcmp(way, IOV_DRIVER_VFIO))
		return !strcmp(driver, way);
	return iov_driver_is_vfio(driver) || iov_vfio_by_vendor(iov, bdf);
}

/* A function that has a driver for it already keeps that. */
static void wanted_driver(struct iov *iov, struct iov_bdf bdf, char *driver)
{
	const char *way = way_of(iov);

	if (iov_pci_driver(iov, bdf, driver, IOV_DRIVER_SIZE) || !is_bound(iov, bdf, driver, way))
		strcpy(driver, way);
}

/* What a plan takes: "0000:05:01.0, 0000:05:02.0" */
static void list_takes(struct iov_plan *plan, char *text, size_t size)
{
	size_t count, length = 0;
	const struct iov_take *takes = iov_plan_takes(plan, &count);

	text[0] = '\0';
	for (size_t i = 0; i < count && length < size; i++)
		length += (size_t)snprintf(text + length, size - length, "%s%s", i ? ", " : "",
					   takes[i].device);
}

static void set_answer(struct json_object *check, bool assignable, bool ready, const char *advice)
{
	json_object_object_add(check, "assignable", json_object_new_boolean(assignable));
	json_object_object_add(check, "ready", json_object_new_boolean(ready));
	json_object_object_add(check, "advice", json_object_new_string(advice));
}

/* @taken: what binding it would take from the host, "" when it is bound already. */
static void advise(struct json_object *check, struct iov_bdf bdf, const char *way,
		   const char *taken, const char *option, struct json_object *findings)
{
	bool xen = !strcmp(way, IOV_DRIVER_PCIBACK);
	struct json_object *finding = json_object_array_get_idx(findings, 0);
	char advice[1024];

	if (finding)
		snprintf(advice, sizeof(advice), "no: %s is in use by %s; release it first",
			 json_text_or_null(finding, "device"), json_text_or_null(finding, "holder"));
	else if (!*taken)
		snprintf(advice, sizeof(advice), "yes: 'iov attach %s --vmm %s' prints %s",
			 IOV_BDF(bdf), xen ? "xen" : "qemu",
			 xen ? "what its configuration for xl needs" : "QEMU's arguments");
	else
		snprintf(advice, sizeof(advice), "yes, after 'iov bind %s --driver %s%s', which "
			 "takes %s from the host", IOV_BDF(bdf), way, option, taken);
	set_answer(check, !finding, !finding && !*taken, advice);
}

/* The plan that takes as little as possible; @option receives what it needs. */
static int smallest_plan(struct iov_plan **plan, struct iov *iov, struct iov_bdf bdf,
			 const char **option)
{
	char driver[IOV_DRIVER_SIZE];
	int error;

	*option = "";
	if (iov_vfio_by_vendor(iov, bdf))
		return iov_plan_new(plan, iov, "leave %s", IOV_BDF(bdf));
	wanted_driver(iov, bdf, driver);
	for (unsigned int flags = 0; flags <= IOV_BIND_GROUP; flags += IOV_BIND_GROUP) {
		*option = flags ? " --group" : "";
		error = iov_plan_new(plan, iov, "bind %s", IOV_BDF(bdf));
		if (error)
			return error;
		error = iov_bind_plan(*plan, &bdf, 1, driver, flags);
		if (error != -EBUSY)
			break;
		if (!flags)
			iov_plan_free(*plan);
	}
	return error;
}

static int check_plan(struct iov_plan *plan, struct iov_bdf bdf, const char *way,
		      const char *option, struct json_object *check)
{
	struct json_object *findings;
	char taken[512];
	int error;

	list_takes(plan, taken, sizeof(taken));
	iov_plan_take(plan, bdf, "named");
	error = iov_plan_guard(plan, NULL, &findings);
	json_object_object_add(check, "held_by", findings);
	if (error && error != -ECANCELED)
		return error;
	advise(check, bdf, way, taken, option, findings);
	return 0;
}

/* Whoever holds it, also when it could not be bound for another reason. */
static int list_holders(struct iov_plan *plan, struct iov_bdf bdf, struct json_object *check)
{
	struct json_object *findings = json_object_new_array();
	int error = 0;

	if (plan) {
		json_object_put(findings);
		iov_plan_take(plan, bdf, "named");
		error = iov_plan_guard(plan, NULL, &findings);
	}
	json_object_object_add(check, "held_by", findings);
	return error == -ECANCELED ? 0 : error;
}

int iov_assign_check(struct iov *iov, struct iov_bdf bdf, struct json_object **out)
{
	struct iov_plan *plan = NULL;
	struct iov_verdict verdict;
	const char *option;
	char advice[IOV_MESSAGE_SIZE];
	int error = iov_pci_require(iov, bdf);

	if (error)
		return error;
	*out = json_object_new_object();
	iov_verdict(iov, bdf, &verdict);
	error = smallest_plan(&plan, iov, bdf, &option);
	/* What has its driver already needs no plan, and may be unfit all the same. */
	if (!error)
		error = iov_verdict_require(iov, bdf);
	if (error) {
		snprintf(advice, sizeof(advice), "no: %s", iov_error_message(iov));
		error = list_holders(plan, bdf, *out);
		set_answer(*out, false, false, advice);
	} else {
		error = check_plan(plan, bdf, way_of(iov), option, *out);
	}
	json_object_object_add(*out, "reasons", iov_verdict_json(&verdict));
	iov_plan_free(plan);
	if (error)
		json_object_put(*out);
	return error;
}

/* Xen's dom0 gives by pciback alone, any other host by VFIO alone. */
static int check_way(struct iov *iov, struct iov_bdf bdf, const char *way)
{
	bool is_xen = !strcmp(way_of(iov), IOV_DRIVER_PCIBACK);

	if (!strcmp(way, way_of(iov)))
		return 0;
	return iov_fail(iov, -ENOTSUP, "%s: %s", IOV_BDF(bdf), is_xen ?
			iov_hypervisor_iommu(IOV_HYPERVISOR_XEN_HOST) :
			"this host is no dom0 of Xen; boot Xen with this kernel as its dom0, or name "
			"another VMM");
}

static int check_bound(struct iov *iov, struct iov_bdf bdf, const char *way,
		       struct iov_attachable *attachable)
{
	char *driver = attachable->driver;
	int error = iov_pci_driver(iov, bdf, driver, sizeof(attachable->driver));

	if (error)
		return iov_told(iov, error, "%s: cannot read its driver: %s", IOV_BDF(bdf),
				strerror(-error));
	if (is_bound(iov, bdf, driver, way))
		return 0;
	return iov_fail(iov, -EBUSY, "%s: is bound to %s, not to %s; bind it first with 'iov bind %s "
			"--driver %s'", IOV_BDF(bdf), driver[0] ? driver : "no driver", way,
			IOV_BDF(bdf), way);
}

static int check_group(struct iov *iov, struct iov_bdf bdf, struct iov_attachable *attachable)
{
	struct iov_group *group;
	int error = iov_group_of(&group, iov, bdf);

	if (error)
		return error;
	attachable->group = group->number;
	for (size_t i = 0; !error && i < group->count; i++) {
		if (group->members[i].blocks && !iov_vfio_by_vendor(iov, group->members[i].bdf))
			error = iov_fail(iov, -EBUSY,
					 "%s: its IOMMU group %u is not viable: %s is bound to %s; "
					 "move the whole group with 'iov bind %s --driver vfio-pci "
					 "--group'",
					 IOV_BDF(bdf), group->number,
					 IOV_BDF(group->members[i].bdf), group->members[i].driver,
					 IOV_BDF(bdf));
	}
	if (!error && group->noiommu)
		error = iov_fail(iov, -ENOTSUP,
				 "%s: VFIO has it without an IOMMU, and no VMM takes such a device; "
				 "turn the IOMMU on",
				 IOV_BDF(bdf));
	iov_group_close(group);
	return error;
}

bool iov_attach_by_iommufd(struct iov *iov)
{
	return !iov_sys_exists(iov, IOV_PATH_DEV_VFIO "/vfio") &&
	       iov_sys_exists(iov, IOV_PATH_DEV_IOMMU);
}

/* "vfio3", its node in /dev/vfio/devices; a kernel without such nodes has none. */
static void read_node(struct iov *iov, struct iov_bdf bdf, struct iov_attachable *attachable)
{
	char **names;
	size_t count;

	if (iov_sys_list(iov, iov_pci_path(bdf, "vfio-dev").name, &names, &count))
		return;
	if (count)
		snprintf(attachable->node, sizeof(attachable->node), "%s", names[0]);
	iov_names_free(names, count);
}

int iov_attach_check(struct iov *iov, struct iov_bdf bdf, const char *way,
		     struct iov_attachable *attachable)
{
	int error = iov_pci_require(iov, bdf);

	*attachable = (struct iov_attachable){ .by_iommufd = iov_attach_by_iommufd(iov) };
	if (!error)
		error = check_way(iov, bdf, way);
	if (!error)
		error = iov_verdict_require(iov, bdf);
	if (!error)
		error = check_bound(iov, bdf, way, attachable);
	if (error || !strcmp(way, IOV_DRIVER_PCIBACK))
		return error;
	read_node(iov, bdf, attachable);
	return check_group(iov, bdf, attachable);
}
