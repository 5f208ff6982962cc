// SPDX-License-Identifier: GPL-2.0-or-later
/* vDPA devices, each of a management device that is there before. */
#include <errno.h>

#include "base/cleanup.h"
#include "host/file/build.h"
#include "host/file/vdpa_values.h"
#include "plugins/vdpa/vdpa.h"

static int build_vdpa(struct host_build *build, unsigned int index)
{
	_cleanup_json_ struct json_object *values = json_object_new_object();
	const struct iov_host_vdpa *said = &build->host->vdpas[index];
	const struct iov_vdpa vdpa = { said->name, said->mgmtdev, said->driver, values };
	int error = 0;

	for (size_t i = 0; !error && i < HOST_VDPA_VALUES; i++) {
		const char *name, *text = host_vdpa_value(said, i, &name);

		error = text ? iov_vdpa_value_parse(build->iov, name, text, values) : 0;
	}
	if (!error)
		error = iov_vdpa_create_plan(build->plan, &vdpa);
	return error ? host_fail_at(build, error, host_place("vdpas[%u]", index)) : 0;
}

/* Whether it is skipped, as who makes it is not there. */
static int is_absent(struct host_build *build, unsigned int index, bool *absent)
{
	const struct iov_host_vdpa *said = &build->host->vdpas[index];
	int error;

	*absent = false;
	if (said->absent != IOV_HOST_ABSENT_SKIP && !build->options.skip_absent)
		return 0;
	error = iov_vdpa_mgmt_find(build->iov, said->mgmtdev);
	*absent = error == -ENODEV || error == -EOPNOTSUPP;
	if (*absent)
		iov_plan_note(build->plan, "vdpas[%u] (%s): %s is absent, skipped", index, said->name,
			      said->mgmtdev);
	return *absent ? 0 : error;
}

int host_build_vdpas(struct host_build *build)
{
	int error = 0;

	for (unsigned int i = 0; !error && i < build->host->vdpa_count; i++) {
		bool absent;

		error = is_absent(build, i, &absent);
		if (!error && !absent)
			error = build_vdpa(build, i);
	}
	return error;
}
