// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/group.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/pci/topology.h"
#include "base/sysroot/paths.h"
#include "iommu/hypervisor.h"

static bool cmdline_has(const char *cmdline, const char *key, const char *value)
{
	size_t length = strlen(value);

	for (const char *at = cmdline; (at = strstr(at, key)); at++) {
		const char *list = at + strlen(key);
		size_t end = strcspn(list, " \n");

		for (size_t i = 0; (at == cmdline || at[-1] == ' ') && i < end; i++) {
			size_t item = strcspn(list + i, ", \n");

			if (item == length && !strncmp(list + i, value, length))
				return true;
			i += item;
		}
	}
	return false;
}

/* Of a host whose firmware describes one: what the command line of the kernel has to do with it. */
static const char *how_to_boot(struct iov *iov, bool intel)
{
	_cleanup_free_ char *cmdline = NULL;
	bool off;

	if (iov_sys_read_all(iov, IOV_PATH_CMDLINE, &cmdline, NULL))
		return intel ? "boot the kernel with intel_iommu=on" :
			       "boot the kernel without amd_iommu=off and iommu=off";
	off = cmdline_has(cmdline, intel ? "intel_iommu=" : "amd_iommu=", "off") ||
	      cmdline_has(cmdline, "iommu=", "off");
	if (off)
		return intel ? "boot the kernel without intel_iommu=off and iommu=off, and with "
			       "intel_iommu=on" :
			       "boot the kernel without amd_iommu=off and iommu=off";
	if (!intel)
		return "'dmesg | grep AMD-Vi' tells why the kernel does not use what the firmware "
		       "describes";
	return cmdline_has(cmdline, "intel_iommu=", "on") ?
		       "'dmesg | grep DMAR' tells why the kernel does not use what the firmware "
		       "describes, though intel_iommu=on is there" :
		       "boot the kernel with intel_iommu=on";
}

/* What turns the IOMMU on, as far as firmware and processor tell. */
static const char *how_to_turn_on(struct iov *iov)
{
	enum iov_hypervisor below = iov_hypervisor(iov);
	_cleanup_free_ char *cpuinfo = NULL;

	if (iov_sys_exists(iov, IOV_PATH_ACPI_TABLES "/DMAR"))
		return how_to_boot(iov, true);
	if (iov_sys_exists(iov, IOV_PATH_ACPI_TABLES "/IVRS"))
		return how_to_boot(iov, false);
	if (below != IOV_HYPERVISOR_NONE)
		return iov_hypervisor_iommu(below);
	if (iov_sys_read_all(iov, IOV_PATH_CPUINFO, &cpuinfo, NULL))
		return "turn it on in the firmware";
	if (strstr(cpuinfo, "GenuineIntel"))
		return "turn VT-d on in the firmware and boot the kernel with intel_iommu=on";
	if (strstr(cpuinfo, "AuthenticAMD") || strstr(cpuinfo, "HygonGenuine"))
		return "turn the IOMMU (AMD-Vi) on in the firmware: the kernel uses it unless its "
		       "command line has amd_iommu=off";
	return strstr(cpuinfo, "CPU implementer") ?
		       "turn the IOMMU (SMMU) on in the firmware" :
		       "'dmesg | grep -i iommu' tells what the kernel found of one";
}

int iov_iommu_require(struct iov *iov)
{
	char **names;
	size_t count;
	int error = iov_sys_list(iov, IOV_PATH_IOMMU_GROUPS, &names, &count);

	if (!error)
		iov_names_free(names, count);
	if (!error && count)
		return 0;
	if (iov_hypervisor(iov) == IOV_HYPERVISOR_XEN_HOST)
		return iov_fail(iov, -ENOTSUP, "%s", iov_hypervisor_iommu(IOV_HYPERVISOR_XEN_HOST));
	return iov_fail(iov, -ENOTSUP, "the IOMMU is off: no function of this host is in an IOMMU "
			"group; %s", how_to_turn_on(iov));
}

bool iov_noiommu_enabled(struct iov *iov)
{
	char text[8];

	return !iov_sys_read(iov, IOV_PATH_MODULES "/vfio/parameters/enable_unsafe_noiommu_mode",
			     text, sizeof(text)) && text[0] == 'Y';
}

bool iov_driver_is_vfio(const char *driver)
{
	return strstr(driver, "vfio") != NULL;
}

bool iov_driver_gives(const char *driver)
{
	return iov_driver_is_vfio(driver) || !strcmp(driver, IOV_DRIVER_PCIBACK);
}

static void read_member(struct iov *iov, struct iov_bdf bdf, struct iov_group_member *member)
{
	member->bdf = bdf;
	if (iov_pci_driver(iov, bdf, member->driver, sizeof(member->driver)))
		member->driver[0] = '\0';
	member->bridge = iov_pci_is_bridge(iov, bdf);
	member->blocks = !member->bridge && member->driver[0] &&
			 !iov_driver_is_vfio(member->driver) &&
			 strcmp(member->driver, "pci-stub") != 0;
}

/* Whether a driver on some bus keeps the group; nobody but VFIO drives mediated devices. */
static bool other_blocks(const struct iov_group_other *other)
{
	return other->driver[0] && strcmp(other->bus, "mdev") != 0 &&
	       !iov_driver_is_vfio(other->driver);
}

static void read_other(struct iov *iov, const struct iov_group *group, const char *name,
		       struct iov_group_other *other)
{
	struct iov_path device = iov_path(IOV_PATH_IOMMU_GROUPS "/%u/devices/%s", group->number,
					  name);

	snprintf(other->name, sizeof(other->name), "%s", name);
	iov_sys_link_name(iov, iov_path("%s/subsystem", device.name).name, other->bus,
			  sizeof(other->bus));
	iov_sys_link_name(iov, iov_path("%s/driver", device.name).name, other->driver,
			  sizeof(other->driver));
	other->blocks = other_blocks(other);
}

static int no_group(struct iov *iov, unsigned int number)
{
	int error = iov_iommu_require(iov);

	if (error)
		return error;
	return iov_fail(iov, -ENOENT,
			"%u: no such IOMMU group; 'iov group list' shows those of this host", number);
}

static int read_members(struct iov *iov, struct iov_group *group)
{
	struct iov_path directory = iov_path(IOV_PATH_IOMMU_GROUPS "/%u/devices", group->number);
	struct iov_bdf bdf;
	char **names;
	size_t count;

	if (iov_sys_list(iov, directory.name, &names, &count))
		return no_group(iov, group->number);
	group->members = calloc(count + 1, sizeof(*group->members));
	group->others = calloc(count + 1, sizeof(*group->others));
	for (size_t i = 0; group->members && group->others && i < count; i++) {
		if (iov_bdf_scan(names[i], &bdf))
			read_member(iov, bdf, &group->members[group->count++]);
		else
			read_other(iov, group, names[i], &group->others[group->other_count++]);
	}
	iov_names_free(names, count);
	return group->members && group->others ? 0 : -ENOMEM;
}

static void read_kind(struct iov *iov, struct iov_group *group)
{
	char name[32];

	group->noiommu = !iov_sys_read(iov, iov_path(IOV_PATH_IOMMU_GROUPS "/%u/name",
						     group->number).name, name, sizeof(name)) &&
			 !strcmp(name, "vfio-noiommu");
}

int iov_group_open(struct iov_group **out, struct iov *iov, unsigned int number)
{
	struct iov_group *group = calloc(1, sizeof(*group));
	int error;

	if (!group)
		return -ENOMEM;
	group->number = number;
	error = read_members(iov, group);
	if (error) {
		iov_group_close(group);
		return error;
	}
	read_kind(iov, group);
	*out = group;
	return 0;
}

int iov_group_of(struct iov_group **out, struct iov *iov, struct iov_bdf bdf)
{
	char name[32];
	int error = iov_pci_require(iov, bdf);

	if (error)
		return error;
	if (!iov_sys_link_name(iov, iov_pci_path(bdf, "iommu_group").name, name, sizeof(name)))
		return iov_group_open(out, iov, (unsigned int)strtoul(name, NULL, 10));
	error = iov_iommu_require(iov);
	if (error)
		return error;
	return iov_fail(iov, -ENOENT, "%s: in no IOMMU group: no IOMMU of this host covers it; "
			"assign another function", IOV_BDF(bdf));
}

void iov_group_close(struct iov_group *group)
{
	if (!group)
		return;
	free(group->members);
	free(group->others);
	free(group);
}

bool iov_group_viable(const struct iov_group *group)
{
	for (size_t i = 0; i < group->count; i++) {
		if (group->members[i].blocks)
			return false;
	}
	for (size_t i = 0; i < group->other_count; i++) {
		if (group->others[i].blocks)
			return false;
	}
	return true;
}

int iov_group_numbers(struct iov *iov, unsigned int **numbers, size_t *count)
{
	char **names;
	size_t n;
	int error = iov_iommu_require(iov);

	if (!error)
		error = iov_sys_list(iov, IOV_PATH_IOMMU_GROUPS, &names, &n);
	if (error)
		return error;
	*count = 0;
	*numbers = calloc(n + 1, sizeof(**numbers));
	for (size_t i = 0; *numbers && i < n; i++)
		(*numbers)[(*count)++] = (unsigned int)strtoul(names[i], NULL, 10);
	iov_names_free(names, n);
	return *numbers ? 0 : -ENOMEM;
}

static struct json_object *member_json(const char *device, const char *driver, const char *role,
				       bool blocks)
{
	struct json_object *json = json_object_new_object();

	json_object_object_add(json, "device", json_object_new_string(device));
	json_object_object_add(json, "driver", *driver ? json_object_new_string(driver) : NULL);
	json_object_object_add(json, "role", json_object_new_string(role));
	json_object_object_add(json, "blocks", json_object_new_boolean(blocks));
	return json;
}

/* All members, functions first, and the names of those that block. */
static void add_members(const struct iov_group *group, struct json_object *members,
			struct json_object *blocked_by)
{
	for (size_t i = 0; i < group->count; i++) {
		const struct iov_group_member *member = &group->members[i];

		json_object_array_add(members, member_json(IOV_BDF(member->bdf), member->driver,
							   member->bridge ? "bridge" : "endpoint",
							   member->blocks));
		if (member->blocks)
			json_object_array_add(blocked_by,
					      json_object_new_string(IOV_BDF(member->bdf)));
	}
	for (size_t i = 0; i < group->other_count; i++) {
		const struct iov_group_other *other = &group->others[i];

		json_object_array_add(members, member_json(other->name, other->driver,
							   other->bus[0] ? other->bus : "other",
							   other->blocks));
		if (other->blocks)
			json_object_array_add(blocked_by, json_object_new_string(other->name));
	}
}

static struct iov_path type_path(unsigned int number)
{
	return iov_path(IOV_PATH_IOMMU_GROUPS "/%u/type", number);
}

static struct json_object *type_json(struct iov *iov, unsigned int number)
{
	char type[16];

	return iov_sys_read(iov, type_path(number).name, type, sizeof(type))
		       ? NULL : json_object_new_string(type);
}

const char *iov_group_type_name(size_t index)
{
	static const char *const types[] = { "DMA", "DMA-FQ", "identity", "auto" };

	return index < sizeof(types) / sizeof(*types) ? types[index] : NULL;
}

static int check_type(struct iov *iov, unsigned int number, const char *type)
{
	const char *name;

	for (size_t i = 0; (name = iov_group_type_name(i)); i++)
		if (!strcmp(type, name))
			return 0;
	return iov_fail(iov, -EINVAL, "IOMMU group %u: type '%.32s': expected DMA, DMA-FQ, identity or "
			"auto", number, type);
}

static struct iov_op *explain_type(struct iov_op *op)
{
	static const char in_use[] = "a driver or a guest uses a member; unbind all of them first, or "
				     "bind them to vfio-pci (from DMA to DMA-FQ goes always)";

	op = iov_op_explain(iov_op_explain(op, EBUSY, in_use), EPERM, in_use);
	return iov_op_explain(op, EINVAL, "this IOMMU has no such type for these functions");
}

static void add_type_step(struct iov_plan *plan, const struct iov_group *group, const char *from,
			  const char *to)
{
	struct iov_path path = type_path(group->number);
	struct iov_step *step = iov_plan_step(plan, IOV_BDF(group->members[0].bdf),
					      "give IOMMU group %u the type %s", group->number, to);

	iov_step_spares(step, "the kernel refuses it while a driver or a guest has a member");
	for (size_t i = 1; i < group->count; i++)
		iov_step_touches(step, IOV_BDF(group->members[i].bdf));
	iov_step_check(step, iov_if_value(path.name, from));
	iov_step_do(step, explain_type(iov_op_write(path.name, to)));
	if (strcmp(to, "auto"))
		iov_step_verify(step, iov_if_value(path.name, to));
	iov_step_undo(step, iov_op_unless(iov_op_write(path.name, from),
					  iov_if_value(path.name, from)));
	iov_step_change(step, "type", from, to);
}

static int plan_type(struct iov_plan *plan, struct iov *iov, const struct iov_group *group,
		     const char *type)
{
	char now[16];

	if (iov_sys_read(iov, type_path(group->number).name, now, sizeof(now)))
		return iov_fail(iov, -ENOTSUP, "IOMMU group %u: the kernel does not tell its type; that "
				"takes Linux 5.11 and an IOMMU", group->number);
	/* A group without PCI functions is not ours to change. */
	if (strcmp(now, type) && group->count)
		add_type_step(plan, group, now, type);
	return 0;
}

int iov_group_type_plan(struct iov_plan *plan, unsigned int number, const char *type)
{
	struct iov *iov = iov_plan_context(plan);
	struct iov_group *group;
	int error = check_type(iov, number, type);

	if (!error)
		error = iov_group_open(&group, iov, number);
	if (error)
		return iov_plan_built(plan, error);
	error = plan_type(plan, iov, group, type);
	iov_group_close(group);
	return iov_plan_built(plan, error);
}

int iov_group_json(struct iov *iov, const struct iov_group *group, struct json_object **out)
{
	struct json_object *json = json_object_new_object(), *members = json_object_new_array();
	struct json_object *blocked_by = json_object_new_array(), *reasons;
	int error = iov_group_reasons(iov, group, &reasons);

	json_object_object_add(json, "iommu_group", json_object_new_int64(group->number));
	json_object_object_add(json, "viable", json_object_new_boolean(iov_group_viable(group)));
	json_object_object_add(json, "noiommu", json_object_new_boolean(group->noiommu));
	json_object_object_add(json, "type", type_json(iov, group->number));
	json_object_object_add(json, "members", members);
	json_object_object_add(json, "blocked_by", blocked_by);
	add_members(group, members, blocked_by);
	if (error) {
		json_object_put(json);
		return error;
	}
	json_object_object_add(json, "reasons", reasons);
	*out = json;
	return 0;
}
