// SPDX-License-Identifier: GPL-2.0-or-later
#include "vfio/bind/bind.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/near.h"
#include "base/pci/kind.h"
#include "base/pci/topology.h"
#include "base/plan/module.h"
#include "base/sysroot/paths.h"
#include "iommu/group.h"
#include "vfio/bind/assign.h"
#include "vfio/bind/binding.h"
#include "vfio/bind/verdict.h"

/* What sysfs takes as a name of a driver. */
static int check_driver_name(struct iov *iov, const char *driver)
{
	size_t length = strlen(driver);

	if (length && length < DRIVER_SIZE && strspn(driver, "abcdefghijklmnopqrstuvwxyz"
			"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == length)
		return 0;
	return iov_fail(iov, -EINVAL, "%s: not a driver's name; expected letters, digits, '-' and "
			"'_', as in vfio-pci", driver);
}

/* A host file has native and none; lsmod, and a host file, call the module of vfio-pci vfio_pci. */
static int check_meant(struct iov *iov, const char *driver)
{
	char name[DRIVER_SIZE];

	if (!strcmp(driver, "native") || !strcmp(driver, "none"))
		return iov_fail(iov, -ENOENT, "%s: no such driver; 'iov unbind' gives a function to its "
				"native driver, and 'iov bind --driver none' leaves it without one",
				driver);
	snprintf(name, sizeof(name), "%s", driver);
	for (char *at = name; (at = strchr(at, '_')); at++)
		*at = '-';
	if (strcmp(name, driver) && (!strcmp(name, "vfio-pci") ||
	    iov_sys_exists(iov, iov_path(IOV_PATH_PCI_DRIVERS "/%s", name).name)))
		return iov_fail(iov, -ENOENT, "%s: no such driver; did you mean %s?", driver, name);
	return 0;
}

/*
 * "did you mean vfio-pci? ", of the drivers that are there, those that modules have and the one that
 * is for guests, or "".
 */
static void add_near(struct iov *iov, const char *driver, char *text, size_t size)
{
	struct iov_near near = { .text = driver };
	char **names = NULL, module[DRIVER_SIZE];
	size_t count;

	if (iov_sys_list(iov, IOV_PATH_PCI_DRIVERS, &names, &count))
		count = 0;
	iov_near_look(&near, "vfio-pci");
	for (size_t i = 0; i < count; i++)
		iov_near_look(&near, names[i]);
	if (iov_module_near(iov, driver, module, sizeof(module)))
		iov_near_look(&near, module);
	*text = '\0';
	if (near.word)
		snprintf(text, size, "did you mean %s? ", near.word);
	iov_names_free(names, count);
}

/* Those of VFIO are part of every kernel that gives functions away: vfio-pci, mlx5_vfio_pci. */
static bool may_be_loaded(struct iov *iov, const char *driver)
{
	const size_t length = strlen(driver), end = strlen("vfio-pci");
	const char *last = driver + (length > end ? length - end : 0);

	return iov_module_can_load(iov) || !strcmp(last, "vfio-pci") || !strcmp(last, "vfio_pci") ||
	       !strcmp(driver, IOV_DRIVER_PCIBACK);
}

/* Most modules have the name of their driver. */
static const char *module_of(const char *driver)
{
	return strcmp(driver, IOV_DRIVER_PCIBACK) ? driver : "xen-pciback";
}

/* "; did you mean i801_smbus?": a driver that a module of the name has registered. */
static void add_meant(struct iov *iov, const char *module, char *text, size_t size)
{
	struct iov_path drivers = iov_path(IOV_PATH_MODULES "/%s/drivers",
					   iov_module_name(module).name);
	char **names;
	size_t count;

	*text = '\0';
	if (iov_sys_list(iov, drivers.name, &names, &count))
		return;
	for (size_t i = 0; !*text && i < count; i++) {
		if (!strncmp(names[i], "pci:", 4))
			snprintf(text, size, "; did you mean %s?", names[i] + 4);
	}
	iov_names_free(names, count);
}

/* That a module is there which brings it, as far as anybody can tell before it is loaded. */
static int check_module(struct iov *iov, const char *driver, const char *module)
{
	char **names, meant[DRIVER_SIZE + 32];
	size_t count;

	add_near(iov, driver, meant, sizeof(meant));
	if (!may_be_loaded(iov, driver))
		return iov_fail(iov, -ENOENT, "%s: no such driver on the recorded host, which tells "
				"of no modules that could be loaded; %sexpected one in /"
				IOV_PATH_PCI_DRIVERS ", or one of VFIO", driver, meant);
	if (iov_module_find(iov, module, &names, &count))
		return 0;
	iov_names_free(names, count);
	if (!count)
		return iov_fail(iov, -ENOENT, "%s: no such driver, and no module of that name for the "
				"running kernel; %scheck the name, or install the package with the "
				"kernel's modules", driver, meant);
	if (iov_module_may_drive(iov, module))
		return 0;
	add_meant(iov, module, meant, sizeof(meant));
	return iov_fail(iov, -ENOENT, "%s: no such driver: the module of that name drives no PCI "
			"functions under it%s", driver,
			*meant ? meant : "; check the name, 'vfio-pci' is the driver for guests");
}

int iov_driver_plan(struct iov_plan *plan, const char *driver)
{
	const char *module = module_of(driver);
	struct iov_path path = iov_path(IOV_PATH_PCI_DRIVERS "/%s", driver);
	struct iov *iov = iov_plan_context(plan);
	int error = check_driver_name(iov, driver);

	if (error || iov_sys_exists(iov, path.name))
		return iov_plan_built(plan, error);
	error = check_meant(iov, driver);
	if (!error)
		error = check_module(iov, driver, module);
	if (!error)
		iov_module_plan(plan, module, path.name, "a driver of PCI functions");
	return iov_plan_built(plan, error);
}

static bool is_chipset(const struct bindings *bindings, struct iov_bdf bdf)
{
	return iov_pci_kind(bindings->iov, bdf) == IOV_PCI_CHIPSET;
}

/* What is behind a controller goes when its driver does, which the plan takes away. */
static bool vanishes(const struct bindings *bindings, struct iov_bdf bdf)
{
	for (size_t i = 0; i < bindings->count; i++) {
		if (iov_pci_is_below(bindings->iov, bdf, bindings->list[i].bdf))
			return true;
	}
	return false;
}

/* Members that are still to be moved: those that block, and with @all the idle ones. */
static bool must_move(const struct bindings *bindings, const struct iov_group_member *member,
		      bool all)
{
	if (member->bridge || bindings_have(bindings, member->bdf) || vanishes(bindings, member->bdf))
		return false;
	return member->blocks || (all && !member->driver[0] &&
				  !is_chipset(bindings, member->bdf));
}

/* The chipset's bridges cannot move, whatever the user wants. */
static int check_movable(const struct bindings *bindings, const struct iov_group *group)
{
	for (size_t i = 0; i < group->count; i++) {
		const struct iov_group_member *member = &group->members[i];

		if (must_move(bindings, member, false) &&
		    is_chipset(bindings, member->bdf))
			return iov_fail(bindings->iov, -EBUSY,
					"IOMMU group %u cannot be assigned: it holds %s (%s), a "
					"bridge that the host needs; 'iov group show %u' says why "
					"they are together",
					group->number, IOV_BDF(member->bdf), member->driver,
					group->number);
	}
	return 0;
}

static int add_members(struct bindings *bindings, const struct iov_group *group)
{
	char why[WHY_SIZE];
	int error = 0;

	snprintf(why, sizeof(why), "member of IOMMU group %u", group->number);
	for (size_t i = 0; !error && i < group->count; i++) {
		if (must_move(bindings, &group->members[i], true))
			error = bindings_add(bindings, group->members[i].bdf, false, why);
	}
	return error;
}

/* Without --group the user has to name every one: "0000:05:02.0 (e1000), ..." */
static int refuse_members(struct bindings *bindings, const struct iov_group *group,
			  struct iov_bdf bdf)
{
	char text[512] = "";
	size_t length = 0;

	for (size_t i = 0; i < group->count; i++) {
		const struct iov_group_member *member = &group->members[i];

		if (must_move(bindings, member, false) && length < sizeof(text))
			length += (size_t)snprintf(text + length, sizeof(text) - length,
						   "%s%s (%s)", length ? ", " : "",
						   IOV_BDF(member->bdf), member->driver);
	}
	if (!length)
		return 0;
	return iov_fail(bindings->iov, -EBUSY, "%s: its IOMMU group %u moves together; name %s as "
			"well, or take the whole group with --group ('iov group show %u' says why)",
			IOV_BDF(bdf), group->number, text, group->number);
}

static int consider_group(struct bindings *bindings, const struct binding *binding,
			  unsigned int flags)
{
	struct iov_bdf bdf = binding->bdf;
	struct iov_group *group;
	int error;

	if (!binding->exists || binding->group_size < 2)
		return 0;
	error = iov_group_of(&group, bindings->iov, bdf);
	if (error)
		return error;
	error = check_movable(bindings, group);
	if (!error)
		error = flags & IOV_BIND_GROUP ? add_members(bindings, group) :
						 refuse_members(bindings, group, bdf);
	iov_group_close(group);
	return error;
}

/* Members are appended while the named ones are walked. */
static int consider_groups(struct bindings *bindings, unsigned int flags)
{
	size_t named = bindings->count;
	int error = iov_iommu_require(bindings->iov);

	if (error && iov_noiommu_enabled(bindings->iov))
		return 0;
	for (size_t i = 0; !error && i < named; i++)
		error = consider_group(bindings, &bindings->list[i], flags);
	return error;
}

static int add_bind_step(struct bindings *bindings, const struct binding *binding,
			 const char *driver)
{
	bool resized, bound = !strcmp(binding->driver, driver);
	struct iov_bdf bdf = binding->bdf;
	struct iov_step *step;
	int error = bars_check(bindings, binding, &resized);

	if (error || (bound && !resized && !strcmp(binding->override, driver)))
		return error;
	bound = bound && !resized;
	error = bound ? 0 : binding_take(bindings, binding, iov_driver_gives(driver));
	if (error)
		return error;
	step = iov_plan_step(bindings->plan, IOV_BDF(bdf), "bind %s to %s (now %s)", IOV_BDF(bdf),
			     driver, binding->driver[0] ? binding->driver : "no driver");
	if (bound)
		iov_step_spares(step, "its driver stays");
	/* To load a driver binds it to what has none. */
	if (binding->driver[0] ||
	    iov_sys_exists(bindings->iov, iov_path(IOV_PATH_PCI_DRIVERS "/%s", driver).name))
		binding_check(step, binding);
	binding_change(step, binding, driver, driver);
	if (strcmp(binding->override, driver))
		iov_step_do(step, bind_op_override(bdf, driver));
	if (resized && binding->driver[0])
		iov_step_do(step, bind_op_unbind(bdf));
	else if (!bound && binding->driver[0])
		iov_step_do(step, iov_op_unless(bind_op_unbind(bdf), if_driver(bdf, driver)));
	if (!bound && !strcmp(binding->driver, IOV_DRIVER_PCIBACK))
		iov_step_do(step, bind_op_forget(bdf));
	if (resized)
		bars_resize(bindings, binding, step);
	if (!bound)
		iov_step_do(step, bind_op_probe(bdf, if_driver(bdf, driver)));
	iov_step_verify(step, if_bound(bdf, driver));
	if (resized)
		bars_undo(bindings, binding, step);
	else
		binding_undo(step, binding);
	if (!bound && !strcmp(driver, IOV_DRIVER_PCIBACK))
		iov_step_undo(step, bind_op_forget(bdf));
	return 0;
}

/* What moves is taken for that reason, before what merely goes along. */
static void take_moved(struct bindings *bindings, const char *driver)
{
	for (size_t i = 0; i < bindings->count; i++) {
		const struct binding *binding = &bindings->list[i];

		if (!strcmp(binding->driver, driver))
			continue;
		iov_plan_take(bindings->plan, binding->bdf, binding->why);
		if (binding->pf)
			iov_plan_take_vfs(bindings->plan, binding->bdf);
	}
}

/*
 * A driver that does not know a function may be told to take it, and then does harm.  A recorded
 * host may lack the tables.
 */
static int check_known(struct bindings *bindings, struct iov_bdf bdf, const char *driver,
		       const char *module)
{
	struct iov *iov = bindings->iov;
	char modalias[256];
	int knows;

	if (iov_sys_read(iov, iov_pci_path(bdf, "modalias").name, modalias, sizeof(modalias)))
		return 0;
	knows = iov_module_knows(iov, module, modalias);
	if (knows < 0 && !iov_sys_is_host(iov) && !iov_driver_gives(driver))
		iov_plan_note(bindings->plan, "the recorded host does not tell whether the driver %s "
			      "knows %s, which decides on the host itself", driver, IOV_BDF(bdf));
	if (knows)
		return 0;
	return iov_fail(iov, -EINVAL, "%s: the driver %s does not know this device; 'iov "
			"unbind %s' gives it its native driver, --force=driver binds it to "
			"%s nevertheless", IOV_BDF(bdf), driver, IOV_BDF(bdf), driver);
}

static int check_table(struct bindings *bindings, const char *driver)
{
	char module[IOV_DRIVER_SIZE];
	int error = 0;

	if (iov_sys_link_name(bindings->iov, iov_path(IOV_PATH_PCI_DRIVERS "/%s/module", driver).name,
			      module, sizeof(module)))
		snprintf(module, sizeof(module), "%s", driver);
	for (size_t i = 0; !error && i < bindings->count; i++) {
		if (strcmp(bindings->list[i].driver, driver))
			error = check_known(bindings, bindings->list[i].bdf, driver, module);
	}
	return error;
}

/* What its own driver gives to guests is of no use with another: vfio-pci fails on a vGPU. */
static int refuse_vendor(struct iov *iov, const struct binding *binding)
{
	if (!iov_vfio_by_vendor(iov, binding->bdf))
		return 0;
	return iov_fail(iov, -EINVAL, "%s: its driver %s gives it to guests by itself, and no other driver of VFIO works "
			"with it; leave it there, and 'iov attach %s'", IOV_BDF(binding->bdf),
			binding->driver[0] ? binding->driver : "(none now)", IOV_BDF(binding->bdf));
}

/* With IOV_BIND_LEAVE a function that a guest has already is left to it; the plan says what is wrong. */
static int judge(struct bindings *bindings, const char *driver, unsigned int flags)
{
	struct iov_reason reason;
	int error = 0;

	for (size_t i = 0; !error && i < bindings->count; i++) {
		const struct binding *binding = &bindings->list[i];

		if (!binding->exists)
			continue;
		if (strcmp(binding->driver, driver))
			error = refuse_vendor(bindings->iov, binding);
		if (error)
			return error;
		if (strcmp(binding->driver, driver) || !(flags & IOV_BIND_LEAVE))
			error = iov_verdict_require(bindings->iov, binding->bdf);
		else if (iov_verdict_blocks(bindings->iov, binding->bdf, &reason))
			iov_plan_note(bindings->plan, "%s cannot be assigned: it %s",
				      IOV_BDF(binding->bdf), reason.sentence);
	}
	return error;
}

static int plan_bindings(struct bindings *bindings, const char *driver, unsigned int flags)
{
	const bool gives = iov_driver_gives(driver);
	/* A name that is none comes before who would be taken for it. */
	int error = gives ? 0 : iov_driver_plan(bindings->plan, driver);

	if (error)
		return error;
	if (flags & IOV_BIND_SLOT)
		error = bindings_add_slots(bindings);
	if (!error && gives)
		error = judge(bindings, driver, flags);
	if (!error && iov_driver_is_vfio(driver))
		error = consider_groups(bindings, flags);
	if (!error && gives)
		error = iov_driver_plan(bindings->plan, driver);
	if (!error && !(flags & IOV_BIND_ANY_DRIVER))
		error = check_table(bindings, driver);
	/* Also after an error: who uses it comes before whether it can be assigned. */
	take_moved(bindings, driver);
	for (size_t i = 0; !error && i < bindings->count; i++)
		error = add_bind_step(bindings, &bindings->list[i], driver);
	if (!error && flags & IOV_BIND_SLOT)
		bindings_prove_reset(bindings, driver);
	return error;
}

int iov_bind_plan(struct iov_plan *plan, const struct iov_bdf *bdfs, size_t count,
		  const char *driver, unsigned int flags)
{
	return iov_bind_sized_plan(plan, bdfs, count, driver, flags, NULL, 0);
}

int iov_bind_sized_plan(struct iov_plan *plan, const struct iov_bdf *bdfs, size_t count, const char *driver,
			unsigned int flags, const struct iov_bar_size *sizes, size_t size_count)
{
	struct bindings bindings;
	int error = check_driver_name(iov_plan_context(plan), driver);

	if (error)
		return iov_plan_built(plan, error);
	error = bindings_open(&bindings, plan, bdfs, count, flags);
	bindings.sizes = sizes;
	bindings.size_count = size_count;
	if (!error)
		error = plan_bindings(&bindings, driver, flags);
	bindings_close(&bindings);
	return iov_plan_built(plan, error);
}
