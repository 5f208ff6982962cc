// SPDX-License-Identifier: GPL-2.0-or-later
/* Functions that shall have no driver at all. */
#include "vfio/bind/bind.h"
#include "vfio/bind/binding.h"

static int add_step(struct bindings *bindings, const struct binding *binding)
{
	struct iov_step *step;
	int error;

	if (!binding->driver[0])
		return 0;
	error = binding_take(bindings, binding, false);
	if (error)
		return error;
	step = iov_plan_step(bindings->plan, IOV_BDF(binding->bdf), "take %s from %s",
			     binding->driver, IOV_BDF(binding->bdf));
	binding_check(step, binding);
	binding_change(step, binding, "", binding->override);
	iov_step_do(step, bind_op_unbind(binding->bdf));
	iov_step_verify(step, if_driver(binding->bdf, ""));
	binding_undo(step, binding);
	return 0;
}

int iov_release_plan(struct iov_plan *plan, const struct iov_bdf *bdfs, size_t count)
{
	struct bindings bindings;
	int error = bindings_open(&bindings, plan, bdfs, count, 0);

	for (size_t i = 0; !error && i < bindings.count; i++)
		error = add_step(&bindings, &bindings.list[i]);
	bindings_close(&bindings);
	return iov_plan_built(plan, error);
}
