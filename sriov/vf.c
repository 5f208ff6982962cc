// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Creating and removing VFs.
 *
 * The kernel takes a number of VFs in sriov_numvfs when none exist, and 0 when
 * some do; so from n to m the way leads through 0.  From before they exist until
 * they have the driver that was asked for, sriov_drivers_autoprobe is 0: udev
 * loads the native driver as soon as it hears of a VF, and a driver that is
 * loaded claims every device that it may.
 *
 *	[remove n VFs]		when there are others than asked for
 *	[prepare]		of the device class: resources for the VFs
 *	autoprobe 0
 *	create m VFs		proved by virtfnN leading to the predicted addresses
 *	[finish]		of the device class: VFs that are ready for a driver
 *	[attributes]		of VFs that were there before, as they were
 *	(they are bound)	by whoever asked for them
 *	autoprobe restored	iov_vf_settle_plan()
 *
 * How many VFs exist is told by the links virtfnN (iov_pci_vf_count()): a removal
 * that waits for whoever holds a VF keeps every reader of sriov_numvfs waiting.
 *
 * What undoing a removal restores: number, attributes by the device class, and
 * the driver and override of each VF.  A VF is probed with an override to its
 * former driver, because the kernel never probes a VF without one while
 * autoprobe is 0 (pci_device_can_probe()).
 */
#include "sriov/vf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/pci/interface.h"
#include "base/sysroot/call.h"
#include "base/sysroot/paths.h"
#include "sriov/internal.h"

/* What sysfs shows, and what clears it. */
#define NO_OVERRIDE "(null)"
#define CLEAR_OVERRIDE "\n"

struct number_text {
	char text[12];
};

/* Of the functions of these steps VFs alone are taken. */
static const char beside_pf[] = "VFs come and go beside the PF, which goes on";

static struct number_text number(unsigned int value)
{
	struct number_text text;

	snprintf(text.text, sizeof(text.text), "%u", value);
	return text;
}

/* ENOENT: the PF's driver has no sriov_configure(), whichever it is. */
static struct iov_path no_configure(const char *driver)
{
	if (!strcmp(driver, "vfio-pci"))
		return iov_path("vfio-pci creates no VFs unless it is loaded with enable_sriov=1; or "
				"bind the PF to its native driver");
	if (!strcmp(driver, "mlx4_core"))
		return iov_path("mlx4_core creates VFs only when it is loaded: set its module "
				"parameters num_vfs and probe_vf, and load it again");
	if (!*driver || !strcmp(driver, "pci-stub") || strstr(driver, "uio"))
		return iov_path("the PF's driver does not create VFs; bind the PF to its native "
				"driver");
	return iov_path("the PF's driver %s does not create VFs while it runs; 'modinfo -p %s' tells "
			"whether a module parameter has their number", driver, driver);
}

/* The kernel's errors, from drivers/pci/iov.c and the drivers' sriov_configure(). */
static struct iov_op *explain_numvfs(struct iov_op *op, const char *driver)
{
	static const struct {
		int error;
		const char *text;
	} meanings[] = {
		{ EBUSY, "another number of VFs exists or a VF is held; 'iov vf list' shows who "
			 "holds one" },
		{ EPERM, "the PF's driver refused, as it does while a guest has one of the VFs; "
			 "'iov vf list' shows who holds one" },
		{ ERANGE, "more VFs than the PF's driver allows; sriov_totalvfs has its limit" },
		{ ENOMEM, "no room for the VFs: the ports above the PF have too few bus numbers or "
			  "too little MMIO space; ask for fewer, enable SR-IOV and 64-bit BARs in "
			  "the firmware, or boot with pci=realloc" },
		{ ETIMEDOUT, "the kernel did not answer in time, as when a process holds a VF; "
			     "'iov vf list' shows who, --timeout waits longer" },
		{ EOPNOTSUPP, "the PF's driver creates no VFs in its present mode" },
	};

	op = iov_op_explain(op, ENOENT, no_configure(driver).name);
	for (size_t i = 0; i < sizeof(meanings) / sizeof(*meanings); i++)
		op = iov_op_explain(op, meanings[i].error, meanings[i].text);
	return op;
}

static struct iov_path virtfn(const struct iov_pf *pf, unsigned int index)
{
	return iov_pci_path(pf->bdf, iov_path("virtfn%u", index).name);
}

static struct iov_condition *if_vf(const struct iov_pf *pf, unsigned int index, bool exists)
{
	return iov_if_exists(virtfn(pf, index).name, exists);
}

/* Some classes have another way to the number of VFs, and then who makes them gives them drivers. */
static struct iov_op *own_number(const struct iov_pf *pf, unsigned int count)
{
	return pf->device_class && pf->device_class->number ? pf->device_class->number(pf, count) : NULL;
}

bool iov_vf_keeps_driver(const struct iov_pf *pf)
{
	struct iov_op *op = own_number(pf, 0);

	iov_op_free(op);
	return op;
}

static struct iov_op *numvfs_op(const struct iov_pf *pf, unsigned int count,
				struct iov_condition *unless)
{
	struct iov_path path = iov_pci_path(pf->bdf, "sriov_numvfs");
	struct iov_op *own = own_number(pf, count);

	if (own)
		return iov_op_unless(own, unless);
	return iov_op_unless(explain_numvfs(iov_op_write(path.name, number(count).text),
					    pf->driver), unless);
}

typedef void step_condition_fn(struct iov_step *step, struct iov_condition *condition);

/* That the first @count VFs are there, or that they are not. */
static void expect_vfs(struct iov_step *step, step_condition_fn *append, const struct iov_pf *pf,
		       unsigned int count, bool exist)
{
	for (unsigned int i = 0; i < count; i++)
		append(step, if_vf(pf, i, exist));
}

void iov_vf_touches(struct iov_step *step, const struct iov_pf *pf, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		iov_step_touches(step, IOV_BDF(iov_vf_bdf(pf, i)));
}

static void change_number(struct iov_step *step, const char *what, unsigned int from,
			  unsigned int to)
{
	iov_step_change(step, what, number(from).text, number(to).text);
}

static struct iov_op *autoprobe_op(const struct iov_pf *pf, unsigned int value)
{
	return iov_op_write(iov_pci_path(pf->bdf, "sriov_drivers_autoprobe").name,
			    number(value).text);
}

static struct iov_condition *if_autoprobe(const struct iov_pf *pf, unsigned int value)
{
	return iov_if_value(iov_pci_path(pf->bdf, "sriov_drivers_autoprobe").name,
			    number(value).text);
}

/* Steps around the creation are only needed where drivers would be probed. */
static bool probes(const struct iov_pf *pf)
{
	return pf->autoprobe == 1 && !iov_vf_keeps_driver(pf);
}

static void undo_driver(struct iov_step *step, struct iov_bdf vf, const char *driver,
			const char *override)
{
	struct iov_path override_path = iov_pci_path(vf, "driver_override");
	struct iov_path driver_path = iov_pci_path(vf, "driver");
	bool none = !*override;

	if (*driver) {
		iov_step_undo(step, iov_op_unless(iov_op_write(override_path.name, driver),
						  iov_if_link(driver_path.name, driver)));
		iov_step_undo(step, iov_op_until(iov_op_write(IOV_PATH_PCI_PROBE, IOV_BDF(vf)),
						 iov_if_link(driver_path.name, driver)));
		iov_step_undone(step, iov_if_link(driver_path.name, driver));
	}
	if (*driver || !none)
		iov_step_undo(step, iov_op_unless(iov_op_write(override_path.name,
							       none ? CLEAR_OVERRIDE : override),
						  iov_if_value(override_path.name,
							       none ? NO_OVERRIDE : override)));
}

static int undo_drivers(struct iov *iov, struct iov_step *step, const struct iov_pf *pf)
{
	int error = 0;

	for (unsigned int i = 0; !error && i < pf->count; i++) {
		char driver[64], override[64];
		struct iov_bdf vf;

		if (iov_pci_link(iov, pf->bdf, iov_path("virtfn%u", i).name, &vf))
			continue;
		iov_pci_driver(iov, vf, driver, sizeof(driver));
		if (iov_pci_override(iov, vf, override, sizeof(override)) == -ETIMEDOUT)
			error = -ETIMEDOUT;
		undo_driver(step, vf, driver, override);
	}
	return error;
}

/*
 * What VFs that go have, for when they come back; NULL where there is no way to read it, as nobody
 * has set any either.  An interface in another network namespace is such a way, though not for us.
 */
static int read_attributes(struct iov *iov, const struct iov_pf *pf, struct json_object **vfs)
{
	int error = vf_attributes(iov, pf, vfs);

	if (error) {
		json_object_put(*vfs);
		*vfs = NULL;
	}
	if (error == -EOPNOTSUPP ||
	    (error == -ENODEV && !iov_sys_exists(iov, iov_pci_path(pf->bdf, "net").name)))
		return 0;
	return error;
}

/*
 * Everything that brings the removed VFs back as they are now.  What the kernel did not answer of
 * their attributes fails the plan in the end.
 */
static int undo_remove(struct iov_plan *plan, struct iov_step *step, const struct iov_pf *pf)
{
	_cleanup_json_ struct json_object *vfs = NULL;
	struct iov *iov = iov_plan_context(plan);
	int error = read_attributes(iov, pf, &vfs);

	if (probes(pf))
		iov_step_undo(step, autoprobe_op(pf, 0));
	if (vfs && pf->device_class && pf->device_class->restore_early)
		pf->device_class->restore_early(iov, step, pf, vfs);
	/* VF 0 goes first: while it is there no removal has begun. */
	iov_step_undo(step, numvfs_op(pf, pf->count, if_vf(pf, 0, true)));
	if (probes(pf))
		iov_step_undo(step, autoprobe_op(pf, 1));
	if (error)
		iov_plan_note(plan, "the %u VF%s of %s would come back without attributes if this is undone: "
			      "%s", pf->count, pf->count == 1 ? "" : "s", IOV_BDF(pf->bdf),
			      iov_error_message(iov));
	if (vfs && pf->device_class && pf->device_class->restore)
		pf->device_class->restore(iov, step, pf, vfs);
	if (vfs)
		vf_attr_restore(step, iov_step_undo, pf, vfs, pf->count);
	expect_vfs(step, iov_step_undone, pf, pf->count, true);
	return undo_drivers(iov, step, pf);
}

/* Who goes, and what goes with it: "vf 3: 0000:01:10.6, driver igbvf, interface eth3". */
static void change_vfs(struct iov *iov, struct iov_step *step, const struct iov_pf *pf)
{
	for (unsigned int i = 0; i < pf->count; i++) {
		char driver[64] = "", interface[IOV_INTERFACE_SIZE] = "";
		struct iov_bdf vf;

		if (iov_pci_link(iov, pf->bdf, iov_path("virtfn%u", i).name, &vf))
			continue;
		iov_pci_driver(iov, vf, driver, sizeof(driver));
		iov_interface_of(iov, vf, -1, interface);
		iov_step_change(step, iov_path("vf %u", i).name,
				iov_path("%s, %s%s%s%s", IOV_BDF(vf), *driver ? "driver " : "no driver",
					 driver, *interface ? ", interface " : "", interface).name, NULL);
	}
}

static int remove_vfs(struct iov_plan *plan, const struct iov_pf *pf)
{
	struct iov_step *step = iov_plan_step(plan, IOV_BDF(pf->bdf), "remove the %u VF%s of %s",
					      pf->count, pf->count == 1 ? "" : "s",
					      IOV_BDF(pf->bdf));

	iov_plan_take_vfs(plan, pf->bdf);
	iov_step_spares(step, beside_pf);
	iov_vf_touches(step, pf, pf->count);
	change_number(step, "vfs", pf->count, 0);
	change_vfs(iov_plan_context(plan), step, pf);
	expect_vfs(step, iov_step_check, pf, pf->count, true);
	iov_step_check(step, if_vf(pf, pf->count, false));
	iov_step_do(step, numvfs_op(pf, 0, if_vf(pf, 0, false)));
	expect_vfs(step, iov_step_verify, pf, pf->count, false);
	return undo_remove(plan, step, pf);
}

static void create_vfs(struct iov_plan *plan, const struct iov_pf *pf, unsigned int count)
{
	struct iov_step *step;

	if (probes(pf)) {
		step = iov_plan_step(plan, IOV_BDF(pf->bdf), "leave new VFs of %s without a driver",
				     IOV_BDF(pf->bdf));
		iov_step_spares(step, beside_pf);
		change_number(step, "autoprobe", 1, 0);
		iov_step_do(step, autoprobe_op(pf, 0));
		iov_step_verify(step, if_autoprobe(pf, 0));
		iov_step_undo(step, autoprobe_op(pf, 1));
		iov_step_undone(step, if_autoprobe(pf, 1));
	}
	step = iov_plan_step(plan, IOV_BDF(pf->bdf), "create %u VF%s on %s", count,
			     count == 1 ? "" : "s", IOV_BDF(pf->bdf));
	iov_vf_touches(step, pf, count);
	iov_step_spares(step, beside_pf);
	change_number(step, "vfs", 0, count);
	iov_step_check(step, if_vf(pf, 0, false));
	iov_step_do(step, numvfs_op(pf, count, if_vf(pf, count - 1, true)));
	for (unsigned int i = 0; i < count; i++) {
		iov_step_verify(step, iov_if_link(virtfn(pf, i).name, IOV_BDF(iov_vf_bdf(pf, i))));
		iov_step_unheld(step, iov_vf_bdf(pf, i));
	}
	iov_step_verify(step, if_vf(pf, count, false));
	iov_step_undo(step, numvfs_op(pf, 0, if_vf(pf, 0, false)));
	expect_vfs(step, iov_step_undone, pf, count, false);
}

/* The number of interrupts is an attribute as well, but one of the VF's own. */
static void keep_msix(struct iov *iov, struct iov_step *step, const struct iov_pf *pf,
		      unsigned int index)
{
	unsigned int vectors = vf_msix_count(iov, pf, index);

	if (vectors && vf_has_msix_count(iov, pf))
		iov_step_do(step, vf_msix_op(pf, index, vectors));
}

/* Who was given no address is not given none again. */
static void forget_zeros(const struct iov_class *device_class, struct json_object *vf)
{
	const struct iov_attribute *attribute = device_class ? device_class->attributes : NULL;

	for (; attribute && attribute->name; attribute++) {
		if (attribute->flags & IOV_ATTRIBUTE_UNIQUE &&
		    vf_is_zero_address(json_text(vf, attribute->name)))
			json_object_object_del(vf, attribute->name);
	}
}

/* Whether there is anything that one operation for each VF gives back. */
static bool has_settable(const struct iov_class *device_class, struct json_object *vfs)
{
	bool found = false;

	for (size_t i = 0; !found && i < json_object_array_length(vfs); i++) {
		_cleanup_json_ struct json_object *values =
			vf_settable(device_class, json_object_array_get_idx(vfs, i));

		found = json_object_object_length(values);
	}
	return found;
}

/* VFs that are there before and after are the same to who set them up. */
static int keep_attributes(struct iov_plan *plan, const struct iov_pf *pf, unsigned int count)
{
	_cleanup_json_ struct json_object *vfs = NULL;
	struct iov *iov = iov_plan_context(plan);
	unsigned int kept = count < pf->count ? count : pf->count;
	struct iov_step *step;
	int error = kept ? read_attributes(iov, pf, &vfs) : 0;

	if (error)
		return iov_told(iov, error, "VFs of %s would lose their attributes, which cannot be read "
				"now: %s; 'iov vf remove %s' before, if they may", IOV_BDF(pf->bdf),
				iov_error_message(iov), IOV_BDF(pf->bdf));
	if (!vfs)
		return 0;
	for (unsigned int i = 0; i < kept; i++)
		forget_zeros(pf->device_class, json_object_array_get_idx(vfs, i));
	if (!has_settable(pf->device_class, vfs) && !vf_has_msix_count(iov, pf))
		return 0;
	step = iov_plan_step(plan, IOV_BDF(pf->bdf), "give VFs of %s their attributes back",
			     IOV_BDF(pf->bdf));
	iov_step_spares(step, beside_pf);
	iov_vf_touches(step, pf, kept);
	for (unsigned int i = 0; i < kept; i++)
		keep_msix(iov, step, pf, i);
	vf_attr_restore(step, iov_step_do, pf, vfs, kept);
	return 0;
}

static int check_count(struct iov *iov, const struct iov_pf *pf, unsigned int count)
{
	if (!pf->total)
		return iov_fail(iov, -EOPNOTSUPP, "%s gives 0 VFs at most; enable SR-IOV in its "
				"firmware settings", IOV_BDF(pf->bdf));
	if (!count)
		return iov_fail(iov, -EINVAL,
				"count 0: expected 1 to %u for %s; 'iov vf remove %s' "
				"removes all VFs",
				pf->total, IOV_BDF(pf->bdf), IOV_BDF(pf->bdf));
	if (count > pf->total)
		return iov_fail(iov, -EINVAL, "count %u: %s gives at most %u VFs; ask for 1 to %u",
				count, IOV_BDF(pf->bdf), pf->total, pf->total);
	return 0;
}

/* Only a driver of the PF can change the number of its VFs. */
static int check_driver(struct iov *iov, const struct iov_pf *pf)
{
	if (!*pf->driver)
		return iov_fail(iov, -EOPNOTSUPP,
				"%s has no driver, and only a PF's driver creates "
				"VFs; bind the native one with 'iov unbind %s'",
				IOV_BDF(pf->bdf), IOV_BDF(pf->bdf));
	if (!pf->offset || (pf->total > 1 && !pf->stride))
		return iov_fail(iov, -EIO,
				"%s reports VF offset %u and stride %u, so the addresses "
				"of its VFs are unknown; update its firmware",
				IOV_BDF(pf->bdf), pf->offset, pf->stride);
	return 0;
}

/* Whether the VFs that shall exist are those that exist. */
static bool stays(const struct iov_pf *pf, unsigned int count, unsigned int flags)
{
	return pf->count == count && !(flags & IOV_VF_ANEW);
}

static int plan_creation(struct iov_plan *plan, const struct iov_pf *pf, unsigned int count,
			 struct json_object *each, unsigned int flags)
{
	const struct iov_class *device_class = pf->device_class;
	bool same = stays(pf, count, flags);
	int error = 0;

	if (pf->count && !same && !(flags & IOV_VF_ANEW)) {
		error = remove_vfs(plan, pf);
		iov_plan_note(plan, "the %u VF%s of %s must be replaced: %u become %u by way of 0, and who uses "
			      "one loses it", pf->count, pf->count == 1 ? "" : "s", IOV_BDF(pf->bdf),
			      pf->count, count);
	}
	if (!error && device_class && device_class->prepare)
		error = device_class->prepare(plan, pf, count, each);
	if (!error && !same)
		create_vfs(plan, pf, count);
	if (!error && device_class && device_class->finish)
		error = device_class->finish(plan, pf, count);
	return error || same ? error : keep_attributes(plan, pf, count);
}

int iov_vf_create_plan(struct iov_plan *plan, struct iov_bdf bdf, unsigned int count,
		       unsigned int flags)
{
	return iov_vf_create_each_plan(plan, bdf, count, NULL, flags);
}

int iov_vf_create_each_plan(struct iov_plan *plan, struct iov_bdf bdf, unsigned int count,
			    struct json_object *each, unsigned int flags)
{
	struct iov *iov = iov_plan_context(plan);
	struct iov_pf pf;
	int error = iov_pf_read(iov, bdf, &pf);

	if (!error && count && !stays(&pf, count, flags) && pf.device_class && pf.device_class->may)
		error = pf.device_class->may(iov, &pf, count);
	if (!error)
		error = check_count(iov, &pf, count);
	if (!error && !stays(&pf, count, flags) && !(flags & IOV_VF_PF_BOUND))
		error = check_driver(iov, &pf);
	if (!error)
		error = plan_creation(plan, &pf, count, each, flags);
	return iov_plan_built(plan, error ? error : iov_sys_unanswered(iov));
}

int iov_vf_settle_plan(struct iov_plan *plan, struct iov_bdf bdf, unsigned int count,
		       unsigned int flags)
{
	struct iov_step *step;
	struct iov_pf pf;
	int error = iov_pf_read(iov_plan_context(plan), bdf, &pf);

	if (error || stays(&pf, count, flags) || !probes(&pf))
		return iov_plan_built(plan, error);
	step = iov_plan_step(plan, IOV_BDF(bdf), "let VFs of %s find drivers again", IOV_BDF(bdf));
	iov_step_spares(step, beside_pf);
	iov_vf_touches(step, &pf, count);
	change_number(step, "autoprobe", 0, 1);
	iov_step_do(step, autoprobe_op(&pf, 1));
	iov_step_verify(step, if_autoprobe(&pf, 1));
	return 0;
}

int iov_vf_remove_plan(struct iov_plan *plan, struct iov_bdf bdf)
{
	struct iov_pf pf;
	int error = iov_pf_read(iov_plan_context(plan), bdf, &pf);

	if (!error && pf.count && pf.device_class && pf.device_class->may)
		error = pf.device_class->may(iov_plan_context(plan), &pf, 0);
	if (error || !pf.count)
		return iov_plan_built(plan, error);
	error = remove_vfs(plan, &pf);
	if (!error && pf.device_class && pf.device_class->release)
		error = pf.device_class->release(plan, &pf);
	return iov_plan_built(plan, error ? error : iov_sys_unanswered(iov_plan_context(plan)));
}

int iov_vf_renew_plan(struct iov_plan *plan, struct iov_bdf bdf)
{
	_cleanup_json_ struct json_object *vfs = NULL;
	struct iov *iov = iov_plan_context(plan);
	struct iov_pf pf;
	int error;

	if (!iov_pci_vf_count(iov, bdf))
		return 0;
	error = iov_pf_read(iov, bdf, &pf);
	if (error || !pf.device_class || !pf.device_class->renew)
		return iov_plan_built(plan, error);
	error = vf_attributes(iov, &pf, &vfs);
	if (!error)
		error = pf.device_class->renew(plan, &pf, vfs);
	return iov_plan_built(plan, error);
}
