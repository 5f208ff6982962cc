// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The words that rebinding is written in.
 *
 * driver_override is written before anything else: from then on only the wanted
 * driver matches, so nobody who probes meanwhile (udev, another tool, a module
 * that is being loaded) can claim the function while it has no driver.
 */
#include "vfio/bind/binding.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/pci/kind.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysdir.h"
#include "iommu/group.h"
#include "vfio/bind/bind.h"
#include "vfio/bind/verdict.h"

struct iov_op *bind_op_override(struct iov_bdf bdf, const char *value)
{
	/* An empty line clears it. */
	return iov_op_write(iov_pci_path(bdf, "driver_override").name, *value ? value : "\n");
}

struct iov_op *bind_op_forget(struct iov_bdf bdf)
{
	return iov_op_absent_ok(iov_op_write(IOV_PATH_PCI_DRIVERS "/" IOV_DRIVER_PCIBACK "/remove_slot",
					     IOV_BDF(bdf)));
}

struct iov_op *bind_op_unbind(struct iov_bdf bdf)
{
	return iov_op_absent_ok(iov_op_write(iov_pci_path(bdf, "driver/unbind").name,
					     IOV_BDF(bdf)));
}

/*
 * drivers_probe passes over a function that another driver is being tried on, as that of a module which
 * udev loads is when the function has just come into the world, and says nothing.
 */
struct iov_op *bind_op_probe(struct iov_bdf bdf, struct iov_condition *bound)
{
	return iov_op_until(iov_op_write(IOV_PATH_PCI_PROBE, IOV_BDF(bdf)), bound);
}

struct iov_condition *if_driver(struct iov_bdf bdf, const char *driver)
{
	return iov_if_link(iov_pci_path(bdf, "driver").name, *driver ? driver : NULL);
}

struct iov_condition *if_bound(struct iov_bdf bdf, const char *driver)
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
		iov_step_undo(step, bind_op_override(bdf, binding->driver));
		iov_step_undo(step, iov_op_unless(bind_op_unbind(bdf), if_driver(bdf, binding->driver)));
		iov_step_undo(step, bind_op_probe(bdf, if_driver(bdf, binding->driver)));
		iov_step_undo(step, bind_op_override(bdf, binding->override));
	} else {
		iov_step_undo(step, iov_op_absent_ok(bind_op_override(bdf, binding->override)));
		iov_step_undo(step, bind_op_unbind(bdf));
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
	if (iov_driver_gives(driver) && !iov_driver_gives(binding->driver))
		iov_step_gives(step, binding->bdf);
	/* Undoing takes it from a virtual machine that was quick. */
	if (iov_driver_is_vfio(driver) && !iov_driver_is_vfio(binding->driver))
		iov_step_unheld(step, binding->bdf);
}

static int read_driver(struct iov *iov, int dir, struct binding *binding)
{
	int error = iov_dir_link_name(dir, "driver", binding->driver, sizeof(binding->driver));

	if (error == -ENOENT)
		binding->driver[0] = '\0';
	else if (error)
		return iov_told(iov, error, "%s: cannot read its driver: %s", IOV_BDF(binding->bdf),
				strerror(-error));
	error = iov_pci_override(iov, binding->bdf, binding->override, sizeof(binding->override));
	return error == -ETIMEDOUT ? error : 0;
}

/* Most functions are alone in their group, which needs no look at the members. */
static size_t count_group(struct iov *iov, int dir)
{
	char **names, group[32];
	size_t count;

	if (iov_dir_link_name(dir, "iommu_group", group, sizeof(group)) ||
	    iov_sys_list(iov, iov_path(IOV_PATH_IOMMU_GROUPS "/%s/devices", group).name, &names,
			 &count))
		return 0;
	iov_names_free(names, count);
	return count;
}

/* "flr pm bus": "bus" and its kin reset what is below the same port; old kernels do not say. */
static bool has_own_reset(int dir)
{
	char text[128], *rest = text, *method;

	if (iov_dir_read(dir, "reset_method", text, sizeof(text)))
		return iov_dir_has(dir, "reset");
	while ((method = strsep(&rest, " "))) {
		if (*method && strcmp(method, "bus") && strcmp(method, "cxl_bus"))
			return true;
	}
	return false;
}

/* All that is asked of a function, once, through its directory. */
static int read_binding(struct iov *iov, struct binding *binding)
{
	_cleanup_fd_ int dir = iov_dir_open(iov, iov_pci_path(binding->bdf, "").name);

	if (dir < 0)
		return iov_pci_missing(iov, binding->bdf);
	binding->bridge = iov_pci_kind_at(iov, binding->bdf, dir) != IOV_PCI_ENDPOINT;
	binding->pf = iov_dir_has(dir, "sriov_totalvfs");
	binding->own_reset = has_own_reset(dir);
	binding->group_size = count_group(iov, dir);
	return read_driver(iov, dir, binding);
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

static int add_named(struct bindings *bindings, struct iov_bdf bdf, bool planned)
{
	int error;

	if (bindings_have(bindings, bdf))
		return iov_fail(bindings->iov, -EINVAL, "%s: named twice; name each function once",
				IOV_BDF(bdf));
	error = bindings_add(bindings, bdf, planned, "named");
	if (!error && bindings->list[bindings->count - 1].bridge)
		error = iov_verdict_require(bindings->iov, bdf);
	return error;
}

int bindings_open(struct bindings *bindings, struct iov_plan *plan, const struct iov_bdf *bdfs,
		  size_t count, unsigned int flags)
{
	int error = 0;

	*bindings = (struct bindings){ .plan = plan, .iov = iov_plan_context(plan) };
	for (size_t i = 0; !error && i < count; i++)
		error = add_named(bindings, bdfs[i], flags & IOV_BIND_PLANNED);
	return error;
}

void bindings_close(struct bindings *bindings)
{
	free(bindings->list);
}
