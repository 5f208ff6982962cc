// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The words that rebinding is written in.
 *
 * driver_override is written before anything else: from then on only the wanted
 * driver matches, so nobody who probes meanwhile (udev, another tool, a module
 * that is being loaded) can claim the function while it has no driver.
 */
#include "vfio/binding.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/function.h"
#include "base/paths.h"
#include "iommu/group.h"
#include "vfio/bind.h"
#include "vfio/take.h"

struct json_object *op_override(struct iov_bdf bdf, const char *value)
{
	/* An empty line clears it. */
	return iov_op_write(iov_pci_path(bdf, "driver_override").name, *value ? value : "\n");
}

struct json_object *op_unbind(struct iov_bdf bdf)
{
	return iov_op_absent_ok(iov_op_write(iov_pci_path(bdf, "driver/unbind").name,
					     IOV_BDF(bdf)));
}

struct json_object *op_probe(struct iov_bdf bdf)
{
	return iov_op_write(IOV_PATH_PCI_PROBE, IOV_BDF(bdf));
}

struct json_object *if_driver(struct iov_bdf bdf, const char *driver)
{
	return iov_if_link(iov_pci_path(bdf, "driver").name, *driver ? driver : NULL);
}

struct json_object *if_bound(struct iov_bdf bdf, const char *driver)
{
	return iov_if_within(if_driver(bdf, driver), PROBED_MS);
}

void binding_check(struct iov_step *step, const struct binding *binding)
{
	if (binding->exists)
		iov_step_check(step, if_driver(binding->bdf, binding->driver));
}

/*
 * Right from any point: the override names the previous driver while it is
 * being bound again, and becomes what it was at the very end.
 */
void binding_undo(struct iov_step *step, const struct binding *binding)
{
	struct iov_bdf bdf = binding->bdf;

	if (binding->driver[0]) {
		iov_step_undo(step, op_override(bdf, binding->driver));
		iov_step_undo(step, iov_op_unless(op_unbind(bdf), if_driver(bdf, binding->driver)));
		iov_step_undo(step, iov_op_unless(op_probe(bdf), if_driver(bdf, binding->driver)));
		iov_step_undo(step, op_override(bdf, binding->override));
	} else {
		iov_step_undo(step, iov_op_absent_ok(op_override(bdf, binding->override)));
		iov_step_undo(step, op_unbind(bdf));
	}
	iov_step_undone(step, if_bound(bdf, binding->driver));
}

static const char *text_or_null(const char *text)
{
	return *text ? text : NULL;
}

void binding_change(struct iov_step *step, const struct binding *binding, const char *driver,
		    const char *override)
{
	if (strcmp(binding->driver, driver))
		iov_step_change(step, "driver", text_or_null(binding->driver),
				text_or_null(driver));
	if (strcmp(binding->override, override))
		iov_step_change(step, "driver_override", text_or_null(binding->override),
				text_or_null(override));
	/* Undoing takes it from a virtual machine that was quick. */
	if (iov_driver_is_vfio(driver) && !iov_driver_is_vfio(binding->driver))
		iov_step_unheld(step, binding->bdf);
}

bool is_host_bridge(struct iov *iov, struct iov_bdf bdf)
{
	int64_t class_code;

	return !iov_pci_number(iov, bdf, "class", &class_code) &&
	       !iov_class_is_assignable((unsigned int)class_code);
}

static int read_binding(struct iov *iov, struct binding *binding)
{
	int error = iov_pci_driver(iov, binding->bdf, binding->driver, sizeof(binding->driver));

	if (error)
		return iov_fail(iov, error, "%s: cannot read its driver: %s", IOV_BDF(binding->bdf),
				strerror(-error));
	if (iov_sys_read(iov, iov_pci_path(binding->bdf, "driver_override").name,
			 binding->override, sizeof(binding->override)) ||
	    !strcmp(binding->override, "(null)"))
		binding->override[0] = '\0';
	return 0;
}

bool bindings_have(const struct bindings *bindings, struct iov_bdf bdf)
{
	for (size_t i = 0; i < bindings->count; i++) {
		if (!iov_bdf_compare(bindings->list[i].bdf, bdf))
			return true;
	}
	return false;
}

int bindings_add(struct bindings *bindings, struct iov_bdf bdf, bool planned, const char *why)
{
	struct binding *larger, *binding;
	int error = planned ? 0 : iov_pci_require(bindings->iov, bdf);

	if (error)
		return error;
	larger = realloc(bindings->list, (bindings->count + 1) * sizeof(*larger));
	if (!larger)
		return iov_fail(bindings->iov, -ENOMEM, "out of memory");
	bindings->list = larger;
	binding = &larger[bindings->count++];
	*binding = (struct binding){ .bdf = bdf };
	snprintf(binding->why, sizeof(binding->why), "%s", why);
	/* A function that is there now and planned goes and comes back without a driver. */
	binding->exists = !planned;
	return binding->exists ? read_binding(bindings->iov, binding) : 0;
}

int bindings_open(struct bindings *bindings, struct iov_plan *plan, const struct iov_bdf *bdfs,
		  size_t count, unsigned int flags)
{
	int error = 0;

	*bindings = (struct bindings){ .plan = plan, .iov = iov_plan_context(plan) };
	for (size_t i = 0; !error && i < count; i++) {
		if (bindings_have(bindings, bdfs[i]))
			error = iov_fail(bindings->iov, -EINVAL,
					 "%s: named twice; name each function once",
					 IOV_BDF(bdfs[i]));
		else if (is_host_bridge(bindings->iov, bdfs[i]))
			error = iov_fail(bindings->iov, -EINVAL, "%s: is a bridge, which the host "
					 "needs; name the functions behind it", IOV_BDF(bdfs[i]));
		else
			error = bindings_add(bindings, bdfs[i], flags & IOV_BIND_PLANNED, "named");
	}
	return error;
}

void bindings_close(struct bindings *bindings)
{
	free(bindings->list);
}

static int keep_vfs(struct iov *iov, const struct binding *binding)
{
	struct iov_bdf_text bdf = iov_bdf_format(binding->bdf);
	unsigned int vfs = binding->driver[0] ? iov_pci_vf_count(iov, binding->bdf) : 0;

	if (!vfs)
		return 0;
	return iov_fail(iov, -EBUSY,
			"%s: has %u VFs, which go when its driver %s does; remove them first "
			"with 'iov vf remove %s'",
			bdf.text, vfs, binding->driver, bdf.text);
}

int binding_take(struct bindings *bindings, const struct binding *binding, bool guest)
{
	if (binding->exists)
		iov_take(bindings->plan, binding->bdf, binding->why, guest);
	else
		iov_plan_take(bindings->plan, binding->bdf, binding->why);
	return keep_vfs(bindings->iov, binding);
}
