// SPDX-License-Identifier: GPL-2.0-or-later
/* Devices for containers: a file of CDI, which follows all that the plan binds. */
#include "host/cdi/cdi.h"
#include "host/file/build.h"

static int plan_cdi(struct host_build *build, const struct iov_host_cdi *cdi)
{
	struct iov_cdi_access access;
	int error = iov_cdi_access(build->iov, cdi->mode, cdi->owner, &access);

	if (error)
		return error;
	return iov_cdi_plan(build->plan, cdi->write && !*cdi->write ? NULL : &access);
}

int host_build_cdi(struct host_build *build)
{
	const struct iov_host_cdi *cdi = build->host->cdi;
	int error = cdi ? plan_cdi(build, cdi) : 0;

	return error ? host_fail_at(build, error, "cdi") : 0;
}
