// SPDX-License-Identifier: GPL-2.0-or-later
/* CPUs that serve the interrupts of a device. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "host/build.h"
#include "plugins/ops.h"

/* "0", or "0; 1; 0; 1" when they differ. */
static void describe(struct json_object *cpus, char *text, size_t size)
{
	size_t count = json_object_array_length(cpus), length = 0;
	bool same = true;

	*text = '\0';
	for (size_t i = 1; i < count; i++)
		same &= json_object_equal(json_object_array_get_idx(cpus, i),
					  json_object_array_get_idx(cpus, 0));
	for (size_t i = 0; i < (same && count ? 1 : count) && length < size; i++)
		length += (size_t)snprintf(text + length, size - length, "%s%s", i ? "; " : "",
			json_object_get_string(json_object_array_get_idx(cpus, i)));
}

static void add_step(struct host_build *build, struct iov_bdf bdf, struct json_object *now,
		     struct json_object *cpus)
{
	char from[128], to[128];
	struct iov_step *step;

	describe(now, from, sizeof(from));
	describe(cpus, to, sizeof(to));
	step = iov_plan_step(build->plan, IOV_BDF(bdf), "serve the interrupts of %s on CPUs %s",
			     IOV_BDF(bdf), to);
	iov_step_do(step, iov_op_irq(bdf, cpus));
	if (json_object_array_length(now))
		iov_step_undo(step, iov_op_irq(bdf, now));
	iov_step_change(step, "irq", *from ? from : NULL, to);
}

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
		add_step(build, target->bdf, now, cpus);
	return 0;
}
