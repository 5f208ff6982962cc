// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Kernel modules.  To load one changes the whole host, so what all devices need is loaded
 * before the first of them is touched.
 */
#include <errno.h>
#include <string.h>

#include "base/plan/module.h"
#include "host/file/build.h"
#include "host/file/vfs.h"
#include "vfio/bind/bind.h"

static int build_named(struct host_build *build, unsigned int index)
{
	const char *name = build->host->modules[index];
	char **names;
	size_t count = 0;

	if (iov_module_is_loaded(build->iov, name))
		return 0;
	if (!iov_module_find(build->iov, name, &names, &count)) {
		iov_names_free(names, count);
		if (!count)
			return iov_host_fail(build->file, -ENOENT, host_place("modules[%u]", index),
					     "%s: no such module for the running kernel; install "
					     "the package that has it, or leave it out", name);
	}
	iov_module_plan(build->plan, name, NULL, "which the file names");
	return 0;
}

static int build_driver(struct host_build *build, unsigned int index)
{
	const char *driver = build->targets[index].said->driver;
	int error;

	if (!driver || !strcmp(driver, "native") || !strcmp(driver, "none"))
		return 0;
	error = iov_driver_plan(build->plan, driver);
	return error ? host_fail_at(build, error, host_place("devices[%u].driver", index)) : 0;
}

static int build_vfs(struct host_build *build, unsigned int index)
{
	const struct host_target *target = &build->targets[index];
	int error;

	if (!target->said->vfs || target->first)
		return 0;
	error = iov_host_vfs_modules_plan(build->plan, target->bdf, target->said->vfs);
	return error ? host_fail_at(build, error, host_place("devices[%u].vfs", index)) : 0;
}

int host_build_modules(struct host_build *build)
{
	int error = 0;

	for (unsigned int i = 0; !error && i < build->host->module_count; i++)
		error = build_named(build, i);
	for (unsigned int i = 0; !error && i < build->host->device_count; i++) {
		if (!build->targets[i].present)
			continue;
		error = build_driver(build, i);
		if (!error)
			error = build_vfs(build, i);
	}
	return error;
}
