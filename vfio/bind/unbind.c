// SPDX-License-Identifier: GPL-2.0-or-later
/* Giving functions back to the drivers that the kernel would choose for them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/plan/module.h"
#include "base/sysroot/paths.h"
#include "iommu/group.h"
#include "vfio/bind/bind.h"
#include "vfio/bind/binding.h"

/**
 * struct native - what the kernel has for a function
 * @known: false on a recorded tree, whose modules are not at hand
 * @modules: modules that match its modalias
 * @count: length of @modules
 * @driver: name of the driver, as far as it is known before it is loaded
 */
struct native {
	bool known;
	char **modules;
	size_t count;
	char driver[DRIVER_SIZE];
};

/* The PCI driver that a loaded module registered: sys/module/M/drivers/pci:NAME. */
static void driver_of_module(struct iov *iov, const char *module, char *driver)
{
	char **names;
	size_t count;

	driver[0] = '\0';
	if (iov_sys_list(iov, iov_path(IOV_PATH_MODULES "/%s/drivers", module).name, &names,
			 &count))
		return;
	if (count == 1 && !strncmp(names[0], "pci:", 4))
		snprintf(driver, DRIVER_SIZE, "%.*s", DRIVER_SIZE - 1, names[0] + 4);
	iov_names_free(names, count);
}

static int native_read(struct iov *iov, struct iov_bdf bdf, struct native *native)
{
	char modalias[256];
	int error;

	*native = (struct native){ 0 };
	if (iov_sys_read(iov, iov_pci_path(bdf, "modalias").name, modalias, sizeof(modalias)))
		return 0;
	error = iov_module_find(iov, modalias, &native->modules, &native->count);
	if (error == -EOPNOTSUPP)
		return 0;
	if (error)
		return iov_told(iov, error,
				"%s: cannot look up its modules: %s; is /lib/modules of the "
				"running kernel complete?",
				IOV_BDF(bdf), strerror(-error));
	native->known = true;
	if (native->count == 1)
		driver_of_module(iov, native->modules[0], native->driver);
	return 0;
}

static void native_free(struct native *native)
{
	iov_names_free(native->modules, native->count);
}

/* Drivers that do not drive: whoever has them wants the native one back. */
static bool is_placeholder(const char *driver)
{
	return !driver[0] || iov_driver_gives(driver) || !strcmp(driver, "pci-stub") ||
	       strstr(driver, "uio");
}

static void load_modules(struct iov *iov, struct iov_step *step, const struct native *native)
{
	for (size_t i = 0; i < native->count; i++) {
		if (!iov_sys_exists(iov, iov_path(IOV_PATH_MODULES "/%s",
						  native->modules[i]).name))
			iov_step_do(step, iov_op_module(native->modules[i]));
	}
}

/*
 * The native driver by its name where that is known; else the driver that one of the
 * modules brings, and on a recorded tree any.
 */
static struct iov_condition *if_native(const struct binding *binding, const struct native *native)
{
	struct iov_bdf bdf = binding->bdf;

	if (native->driver[0])
		return if_driver(bdf, native->driver);
	if (native->count)
		return iov_if_link_among(iov_pci_path(bdf, "driver/module").name, native->modules,
					 native->count);
	return iov_if_exists(iov_pci_path(bdf, "driver").name, !native->known);
}

static void add_rebind_step(struct bindings *bindings, const struct binding *binding,
			    const struct native *native)
{
	bool has_native = !native->known || native->count;
	struct iov_step *step;

	step = iov_plan_step(bindings->plan, IOV_BDF(binding->bdf), "give %s back to %s (now %s)",
			     IOV_BDF(binding->bdf),
			     native->driver[0] ? native->driver :
			     has_native ? "its native driver" : "no driver, as it has none",
			     binding->driver[0] ? binding->driver : "no driver");
	binding_check(step, binding);
	binding_change(step, binding, native->driver[0] ? native->driver :
		       has_native ? "native" : "", "");
	load_modules(bindings->iov, step, native);
	if (binding->override[0])
		iov_step_do(step, bind_op_override(binding->bdf, ""));
	if (binding->driver[0] && native->count)
		iov_step_do(step, iov_op_unless(bind_op_unbind(binding->bdf),
						if_native(binding, native)));
	else if (binding->driver[0])
		iov_step_do(step, bind_op_unbind(binding->bdf));
	if (!strcmp(binding->driver, IOV_DRIVER_PCIBACK))
		iov_step_do(step, bind_op_forget(binding->bdf));
	if (has_native)
		iov_step_do(step, bind_op_probe(binding->bdf, if_native(binding, native)));
	iov_step_verify(step, iov_if_within(if_native(binding, native), PROBED_MS));
	binding_undo(step, binding);
}

/* Its driver is the native one already; only the override would outlive that. */
static void add_clear_step(struct bindings *bindings, const struct binding *binding)
{
	struct iov_step *step = iov_plan_step(bindings->plan, IOV_BDF(binding->bdf),
					      "clear driver_override of %s (now %s)",
					      IOV_BDF(binding->bdf), binding->override);

	iov_step_spares(step, "its driver stays");
	binding_check(step, binding);
	binding_change(step, binding, binding->driver, "");
	iov_step_do(step, bind_op_override(binding->bdf, ""));
	iov_step_verify(step, iov_if_value(iov_pci_path(binding->bdf, "driver_override").name,
					   "(null)"));
	binding_undo(step, binding);
}

static int add_unbind_step(struct bindings *bindings, const struct binding *binding)
{
	struct native native;
	int error;

	if (!is_placeholder(binding->driver)) {
		if (binding->override[0])
			add_clear_step(bindings, binding);
		return 0;
	}
	error = binding_take(bindings, binding, false);
	if (!error)
		error = native_read(bindings->iov, binding->bdf, &native);
	if (error)
		return error;
	if (binding->driver[0] || binding->override[0] || !native.known || native.count)
		add_rebind_step(bindings, binding, &native);
	native_free(&native);
	return 0;
}

/* The guards see the rest of a group that loses one member to the host in any case. */
static int add_members(struct bindings *bindings, struct iov_bdf bdf)
{
	struct iov_group *group;
	char why[WHY_SIZE];
	int error = 0;

	if (iov_group_of(&group, bindings->iov, bdf))
		return 0;
	snprintf(why, sizeof(why), "member of IOMMU group %u", group->number);
	for (size_t i = 0; !error && i < group->count; i++) {
		const struct iov_group_member *member = &group->members[i];

		if (iov_driver_is_vfio(member->driver) && !bindings_have(bindings, member->bdf))
			error = bindings_add(bindings, member->bdf, false, why);
	}
	iov_group_close(group);
	return error;
}

int iov_unbind_plan(struct iov_plan *plan, const struct iov_bdf *bdfs, size_t count,
		    unsigned int flags)
{
	struct bindings bindings;
	int error = bindings_open(&bindings, plan, bdfs, count, flags);

	if (!error && flags & IOV_BIND_SLOT)
		error = bindings_add_slots(&bindings);
	for (size_t i = 0; !error && flags & IOV_BIND_GROUP && i < count; i++)
		error = add_members(&bindings, bdfs[i]);
	for (size_t i = 0; !error && i < bindings.count; i++)
		error = add_unbind_step(&bindings, &bindings.list[i]);
	bindings_close(&bindings);
	return iov_plan_built(plan, error);
}
