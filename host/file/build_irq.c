// SPDX-License-Identifier: GPL-2.0-or-later
/* CPUs that serve the interrupts of a device. */
#include "base/cleanup.h"
#include "host/file/build.h"
#include "plugins/system/irq.h"

int host_build_irq(struct host_build *build, unsigned int index, bool renewed)
{
	_cleanup_json_ struct json_object *now = NULL, *cpus = NULL;
	const struct host_target *target = &build->targets[index];
	int error;

	if (!target->said->irq)
		return 0;
	error = iov_irq_cpus(build->iov, target->bdf, target->said->irq, &cpus);
	if (error)
		return host_fail_at(build, error, host_place("devices[%u].irq", index));
	now = iov_irq_read(build->iov, target->bdf);
	if (!json_object_array_length(now) && !renewed)
		iov_plan_note(build->plan, "devices[%u] (%s): no driver has requested its interrupts "
			      "yet, as when its interface is down; their CPUs are left", index,
			      target->said->device);
	else if (renewed || !iov_irq_match(now, cpus))
		iov_irq_step(build->plan, target->bdf, now, cpus);
	return 0;
}
