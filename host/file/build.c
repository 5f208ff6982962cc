// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * iov_host_plan(): what changes the whole host comes first, as everything else waits for
 * it; then each device by itself, and what is made of devices; then iovd, which uses them.
 *
 * Builders of parts look at the host as it is.  Where an earlier part changes what they
 * look at, they are told so by flags.
 */
#include "host/file/build.h"

#include <errno.h>
#include <stdlib.h>

int host_fail_at(const struct host_build *build, int error, const char *where)
{
	return iov_host_repeat(build->file, error, where);
}

static int build_devices(struct host_build *build)
{
	int error = host_build_drivers(build);

	for (unsigned int i = 0; !error && i < build->host->device_count; i++) {
		if (build->targets[i].present)
			error = host_build_device(build, i);
	}
	return error;
}

static int build_all(struct host_build *build)
{
	bool whole = !build->options.only_device;
	int error = host_build_targets(build);

	if (!error && !build->options.only_iovd) {
		error = host_build_modules(build);
		if (!error && whole)
			error = host_build_memory(build);
		if (!error)
			error = build_devices(build);
		if (!error)
			error = host_build_mdevs(build);
		if (!error && whole)
			error = host_build_vdpas(build);
		if (!error && whole)
			error = host_build_cdi(build);
	}
	if (!error && whole && !build->options.skip_iovd)
		error = host_build_iovd(build);
	return error;
}

int iov_host_plan(struct iov_plan *plan, const struct iov_host_file *file,
		  const struct iov_host_options *options)
{
	struct host_build build = {
		.plan = plan,
		.iov = iov_plan_context(plan),
		.file = file,
		.host = iov_host_of(file),
	};
	int error;

	if (options)
		build.options = *options;
	build.targets = calloc(build.host->device_count + 1, sizeof(*build.targets));
	if (!build.targets)
		return iov_plan_built(plan, -ENOMEM);
	error = build_all(&build);
	free(build.targets);
	return iov_plan_built(plan, error);
}
