// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The driver of what virtio_vdpa makes: a device of the virtio bus, which is a NIC or a disk of this host
 * as soon as a driver there has it, and nothing before.  Where udev runs it loads that; here it is part of
 * the plan, so that what is done is done.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/plan/module.h"
#include "base/sysroot/paths.h"
#include "plugins/vdpa/vdpa_internal.h"

/* As the kernel names a device of the virtio bus; vendors of drivers there take any. */
#define VIRTIO_ALIAS "virtio:d%08lXv00001AF4"

static const struct {
	const char *name;
	unsigned long number;
	const char *driver;
} classes[] = {
	{ "net", VDPA_CLASS_NET, "virtio_net" },
	{ "block", VDPA_CLASS_BLOCK, "virtio_blk" },
};

/* A class is a number where it has no name here. */
static unsigned long number_of(const char *device_class)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
		if (!strcmp(classes[i].name, device_class))
			return classes[i].number;
	}
	return strtoul(device_class, NULL, 10);
}

/* What is built in may have no line in any table of modules. */
static bool is_registered(struct iov *iov, unsigned long number)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
		if (classes[i].number == number)
			return iov_sys_exists(iov, iov_path(IOV_PATH_VIRTIO_DRIVERS "/%s",
							    classes[i].driver).name);
	}
	return false;
}

int vdpa_host_driver_plan(struct iov_plan *plan, const char *device_class)
{
	const unsigned long number = number_of(device_class);
	struct iov *iov = iov_plan_context(plan);
	char **names;
	size_t count;

	if (is_registered(iov, number) || iov_module_find(iov, iov_path(VIRTIO_ALIAS, number).name, &names, &count))
		return 0;
	for (size_t i = 0; i < count; i++) {
		if (!iov_module_is_loaded(iov, names[i]))
			iov_module_plan(plan, names[i], NULL, "the driver of what " IOV_DRIVER_VIRTIO_VDPA
					" makes for this host");
	}
	iov_names_free(names, count);
	return count ? 0 :
	       iov_fail(iov, -ENOENT, IOV_DRIVER_VIRTIO_VDPA " would make a virtio device of class %s that no module "
			"of the running kernel drives, so this host would have nothing of it; install the "
			"package with the kernel's modules, or give it to guests, by "
			IOV_DRIVER_VHOST_VDPA, device_class);
}
