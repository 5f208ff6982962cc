// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Composes the builders of sriov/, which makes VFs, and of vfio/, which binds them.
 *
 *	[modules]		of drivers that are not there yet
 *	[remove] create		drivers are not probed from here on
 *	vectors, attributes	before a driver or a guest sees the VF
 *	bind			to drivers by name
 *	settle			drivers are probed again
 *	give back		those that the kernel chooses a driver for
 */
#include "host/file/vfs.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "host/file/vf_values.h"
#include "sriov/vf.h"
#include "vfio/bind/bind.h"

#define NATIVE "native"
#define NONE "none"

/* Longest name of a driver with its NUL. */
struct driver_name {
	char text[64];
};

/* One run of the builder. */
struct vfs_plan {
	struct iov_plan *plan;
	struct iov *iov;
	struct iov_pf pf;
	int port;			/* that attributes are of */
	const struct iov_host_vfs *vfs;
	unsigned int flags;
	bool anew;			/* the VFs are made by this plan */
	struct driver_name *drivers;	/* of each VF; "" when it is left as it is */
};

/* Who drives a VF that goes and comes again, as the file does not say who shall. */
static struct driver_name present_driver(const struct vfs_plan *vfs, unsigned int index)
{
	struct driver_name driver = { NATIVE }, override = { "" };
	struct iov_bdf vf;

	if (iov_pci_link(vfs->iov, vfs->pf.bdf, iov_path("virtfn%u", index).name, &vf) ||
	    iov_pci_driver(vfs->iov, vf, driver.text, sizeof(driver.text)))
		return driver;
	iov_pci_override(vfs->iov, vf, override.text, sizeof(override.text));
	if (!*driver.text)
		strcpy(driver.text, NONE);
	else if (strcmp(override.text, driver.text))
		strcpy(driver.text, NATIVE);
	return driver;
}

static struct driver_name wanted_driver(const struct vfs_plan *vfs, unsigned int index)
{
	const char *said = host_vf_values(vfs->vfs, index).driver;
	struct driver_name driver = { "" };

	if (iov_vf_keeps_driver(&vfs->pf))
		return driver;
	if (!said && vfs->anew)
		return present_driver(vfs, index);
	if (said)
		snprintf(driver.text, sizeof(driver.text), "%s", said);
	return driver;
}

/* Call @visit with each name of a driver that VFs shall have, once. */
static int each_driver(struct vfs_plan *vfs, int (*visit)(struct vfs_plan *vfs, const char *driver))
{
	int error = 0;

	for (unsigned int i = 0; !error && i < vfs->vfs->count; i++) {
		unsigned int first = 0;

		while (strcmp(vfs->drivers[first].text, vfs->drivers[i].text))
			first++;
		if (first == i && *vfs->drivers[i].text)
			error = visit(vfs, vfs->drivers[i].text);
	}
	return error;
}

/* The addresses of VFs that shall have @driver, which the caller frees. */
static struct iov_bdf *select_vfs(const struct vfs_plan *vfs, const char *driver, size_t *count)
{
	struct iov_bdf *bdfs = calloc(vfs->vfs->count, sizeof(*bdfs));

	*count = 0;
	for (unsigned int i = 0; bdfs && i < vfs->vfs->count; i++) {
		if (!strcmp(vfs->drivers[i].text, driver))
			bdfs[(*count)++] = iov_vf_bdf(&vfs->pf, i);
	}
	return bdfs;
}

static int plan_module(struct vfs_plan *vfs, const char *driver)
{
	if (!strcmp(driver, NONE))
		return 0;
	if (!strcmp(driver, NATIVE))
		return vfs->anew ? iov_vf_modules_plan(vfs->plan, vfs->pf.bdf) : 0;
	return iov_driver_plan(vfs->plan, driver);
}

/* By driver_override, so that it does not matter who looks for drivers meanwhile. */
static int plan_named(struct vfs_plan *vfs, const char *driver)
{
	size_t count;
	_cleanup_free_ struct iov_bdf *bdfs = select_vfs(vfs, driver, &count);

	if (!bdfs)
		return -ENOMEM;
	if (!strcmp(driver, NATIVE))
		return 0;
	if (strcmp(driver, NONE))
		return iov_bind_plan(vfs->plan, bdfs, count, driver,
				     vfs->anew ? IOV_BIND_PLANNED : IOV_BIND_LEAVE);
	return vfs->anew ? 0 : iov_release_plan(vfs->plan, bdfs, count);
}

static int plan_native(struct vfs_plan *vfs)
{
	size_t count;
	_cleanup_free_ struct iov_bdf *bdfs = select_vfs(vfs, NATIVE, &count);

	if (!bdfs)
		return -ENOMEM;
	return iov_unbind_plan(vfs->plan, bdfs, count, vfs->anew ? IOV_BIND_PLANNED : 0);
}

static int plan_msix(struct vfs_plan *vfs)
{
	int error = 0;

	for (unsigned int i = 0; !error && i < vfs->vfs->count; i++) {
		const unsigned int *vectors = host_vf_values(vfs->vfs, i).msix;

		if (vectors)
			error = iov_vf_msix_plan(vfs->plan, vfs->pf.bdf, i, *vectors,
						 vfs->anew ? IOV_VF_ANEW : 0);
	}
	return error;
}

int iov_host_vfs_attributes_plan(struct iov_plan *plan, struct iov_bdf pf, int port,
				 const struct iov_host_vfs *vfs, unsigned int flags)
{
	_cleanup_json_ struct json_object *each = NULL;
	int error = host_vf_attributes(iov_plan_context(plan), vfs, &each);

	return error ? error : iov_vf_set_each_plan(plan, pf, port, each, flags);
}

static int plan_attributes(struct vfs_plan *vfs)
{
	return iov_host_vfs_attributes_plan(vfs->plan, vfs->pf.bdf, vfs->port, vfs->vfs,
					    vfs->anew ? IOV_VF_ANEW : 0);
}

static int plan_all(struct vfs_plan *vfs)
{
	_cleanup_json_ struct json_object *each = NULL;
	unsigned int count = vfs->vfs->count;
	int error = host_vf_attributes(vfs->iov, vfs->vfs, &each);

	if (!error)
		error = each_driver(vfs, plan_module);
	if (!error)
		error = iov_vf_create_each_plan(vfs->plan, vfs->pf.bdf, count, each, vfs->flags);
	if (!error)
		error = plan_msix(vfs);
	if (!error)
		error = plan_attributes(vfs);
	if (!error)
		error = each_driver(vfs, plan_named);
	if (!error)
		error = iov_vf_settle_plan(vfs->plan, vfs->pf.bdf, count, vfs->flags);
	return error ? error : plan_native(vfs);
}

/* VFs that their own driver gives to guests stay with it. */
static int check_drivers(const struct vfs_plan *vfs)
{
	for (unsigned int i = 0; iov_vf_keeps_driver(&vfs->pf) && i < vfs->vfs->count; i++) {
		const char *said = host_vf_values(vfs->vfs, i).driver;

		if (said && strcmp(said, NATIVE) && strcmp(said, vfs->pf.driver))
			return iov_fail(vfs->iov, -EINVAL, "driver %s: VFs of %s stay with %s, which gives them to guests by "
					"itself; leave the driver out, or say native", said, IOV_BDF(vfs->pf.bdf),
					vfs->pf.driver);
	}
	return 0;
}

static int open_plan(struct vfs_plan *vfs, struct iov_plan *plan, struct iov_bdf pf,
		     const struct iov_host_vfs *wanted, unsigned int flags)
{
	int error;

	*vfs = (struct vfs_plan){
		.plan = plan, .iov = iov_plan_context(plan), .vfs = wanted, .flags = flags,
	};
	error = iov_pf_read(vfs->iov, pf, &vfs->pf);
	if (error)
		return error;
	error = check_drivers(vfs);
	if (error)
		return error;
	vfs->anew = flags & IOV_VF_ANEW || vfs->pf.count != wanted->count;
	vfs->drivers = calloc(wanted->count + 1, sizeof(*vfs->drivers));
	if (!vfs->drivers)
		return -ENOMEM;
	for (unsigned int i = 0; i < wanted->count; i++)
		vfs->drivers[i] = wanted_driver(vfs, i);
	return 0;
}

int iov_host_vfs_plan(struct iov_plan *plan, struct iov_bdf pf, int port,
		      const struct iov_host_vfs *vfs, unsigned int flags)
{
	struct vfs_plan run;
	int error;

	if (!vfs->count)
		return flags & IOV_VF_ANEW ? 0 : iov_vf_remove_plan(plan, pf);
	error = open_plan(&run, plan, pf, vfs, flags);
	if (error)
		return iov_plan_built(plan, error);
	run.port = port;
	error = plan_all(&run);
	free(run.drivers);
	return iov_plan_built(plan, error);
}

int iov_host_vfs_modules_plan(struct iov_plan *plan, struct iov_bdf pf,
			      const struct iov_host_vfs *vfs)
{
	struct vfs_plan run;
	int error = open_plan(&run, plan, pf, vfs, 0);

	if (error)
		return iov_plan_built(plan, error);
	error = each_driver(&run, plan_module);
	free(run.drivers);
	return iov_plan_built(plan, error);
}
