// SPDX-License-Identifier: GPL-2.0-or-later
#include "vfio/bind/assign.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/plan/plan.h"
#include "base/sysroot/paths.h"
#include "iommu/group.h"
#include "vfio/bind/bind.h"
#include "vfio/bind/verdict.h"

#define DRIVER "vfio-pci"

/* A function that has a VFIO driver already keeps it, be it a variant for its vendor. */
static void wanted_driver(struct iov *iov, struct iov_bdf bdf, char *driver)
{
	if (iov_pci_driver(iov, bdf, driver, IOV_DRIVER_SIZE) || !iov_driver_is_vfio(driver))
		strcpy(driver, DRIVER);
}

/* What a plan takes: "0000:05:01.0, 0000:05:02.0" */
static void list_takes(struct iov_plan *plan, char *text, size_t size)
{
	size_t count, length = 0;
	const struct iov_take *takes = iov_plan_takes(plan, &count);

	text[0] = '\0';
	for (size_t i = 0; i < count && length < size; i++)
		length += (size_t)snprintf(text + length, size - length, "%s%s", i ? ", " : "",
					   IOV_BDF(takes[i].bdf));
}

static void set_answer(struct json_object *check, bool assignable, bool ready, const char *advice)
{
	json_object_object_add(check, "assignable", json_object_new_boolean(assignable));
	json_object_object_add(check, "ready", json_object_new_boolean(ready));
	json_object_object_add(check, "advice", json_object_new_string(advice));
}

/* @taken: what binding it would take from the host, "" when it is bound already. */
static void advise(struct json_object *check, struct iov_bdf bdf, const char *taken,
		   const char *option, struct json_object *findings)
{
	struct json_object *finding = json_object_array_get_idx(findings, 0);
	char advice[1024];

	if (finding)
		snprintf(advice, sizeof(advice), "no: %s is in use by %s; release it first",
			 json_text_or_null(finding, "device"), json_text_or_null(finding, "holder"));
	else if (!*taken)
		snprintf(advice, sizeof(advice), "yes: 'iov attach %s --vmm qemu' prints QEMU's "
			 "arguments", IOV_BDF(bdf));
	else
		snprintf(advice, sizeof(advice), "yes, after 'iov bind %s --driver " DRIVER "%s', "
			 "which takes %s from the host", IOV_BDF(bdf), option, taken);
	set_answer(check, !finding, !finding && !*taken, advice);
}

/* The plan that takes as little as possible; @option receives what it needs. */
static int smallest_plan(struct iov_plan **plan, struct iov *iov, struct iov_bdf bdf,
			 const char **option)
{
	char driver[IOV_DRIVER_SIZE];
	int error;

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

static int check_plan(struct iov_plan *plan, struct iov_bdf bdf, const char *option,
		      struct json_object *check)
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
	advise(check, bdf, taken, option, findings);
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
		error = check_plan(plan, bdf, option, *out);
	}
	json_object_object_add(*out, "reasons", iov_verdict_json(&verdict));
	iov_plan_free(plan);
	if (error)
		json_object_put(*out);
	return error;
}

static int check_bound(struct iov *iov, struct iov_bdf bdf)
{
	struct iov_bdf_text text = iov_bdf_format(bdf);
	char driver[IOV_DRIVER_SIZE];
	int error = iov_pci_driver(iov, bdf, driver, sizeof(driver));

	if (error)
		return iov_told(iov, error, "%s: cannot read its driver: %s", text.text,
				strerror(-error));
	if (iov_driver_is_vfio(driver))
		return 0;
	return iov_fail(iov, -EBUSY,
			"%s: is bound to %s, not to vfio-pci; bind it first with 'iov bind %s "
			"--driver vfio-pci'",
			text.text, driver[0] ? driver : "no driver", text.text);
}

static int check_group(struct iov *iov, struct iov_bdf bdf)
{
	struct iov_group *group;
	int error = iov_group_of(&group, iov, bdf);

	if (error)
		return error;
	for (size_t i = 0; !error && i < group->count; i++) {
		if (group->members[i].blocks)
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
				 "%s: VFIO has it without an IOMMU, and QEMU takes no such device; "
				 "turn the IOMMU on",
				 IOV_BDF(bdf));
	iov_group_close(group);
	return error;
}

static int check_attachable(struct iov *iov, struct iov_bdf bdf)
{
	int error = iov_pci_require(iov, bdf);

	if (!error)
		error = iov_verdict_require(iov, bdf);
	if (!error)
		error = check_bound(iov, bdf);
	return error ? error : check_group(iov, bdf);
}

static void add(struct json_object *arguments, const char *text)
{
	json_object_array_add(arguments, json_object_new_string(text));
}

int iov_attach_qemu(struct iov *iov, struct iov_bdf bdf, struct json_object **arguments)
{
	bool groups = iov_sys_exists(iov, IOV_PATH_DEV_VFIO "/vfio");
	bool iommufd = !groups && iov_sys_exists(iov, IOV_PATH_DEV_IOMMU);
	char device[IOV_PATH_MAX + 64];
	int error = check_attachable(iov, bdf);

	if (error)
		return error;
	/* What QEMU reads as "host=" has a domain of 16 bits; any function is at its directory. */
	if (bdf.domain > UINT16_MAX)
		snprintf(device, sizeof(device), "vfio-pci,sysfsdev=/%s",
			 iov_pci_path(bdf, "").name);
	else
		snprintf(device, sizeof(device), "vfio-pci,host=%s", IOV_BDF(bdf));
	if (iommufd)
		strcat(device, ",iommufd=iommufd0");
	*arguments = json_object_new_array();
	if (iommufd) {
		add(*arguments, "-object");
		add(*arguments, "iommufd,id=iommufd0");
	}
	add(*arguments, "-device");
	add(*arguments, device);
	return 0;
}
