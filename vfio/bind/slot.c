// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A device as a whole: every function of its slot goes to the guest, as the audio, USB and UCSI
 * functions of a GPU do, and it answers after a reset, which is the first thing that VFIO does to it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/pci/topology.h"
#include "vfio/bind/binding.h"

int bindings_add_slots(struct bindings *bindings)
{
	size_t named = bindings->count;
	char why[WHY_SIZE];
	int error = 0;

	for (size_t i = 0; !error && i < named; i++) {
		_cleanup_free_ struct iov_bdf *list = NULL;
		struct iov_bdf bdf = bindings->list[i].bdf, pf;
		size_t count;

		if (!iov_pci_link(bindings->iov, bdf, "physfn", &pf))
			return iov_fail(bindings->iov, -EINVAL, "%s: is a VF of %s, and goes by itself; leave --slot out",
					IOV_BDF(bdf), IOV_BDF(pf));
		error = iov_pci_slot(bindings->iov, bdf, &list, &count);
		snprintf(why, sizeof(why), "in the slot of %s", IOV_BDF(bdf));
		for (size_t n = 0; !error && n < count; n++) {
			if (!bindings_have(bindings, list[n]))
				error = bindings_add(bindings, list[n], false, why);
		}
	}
	return error;
}

/* A reset of its bus is its own where nobody else is there. */
static bool is_alone(struct iov *iov, struct iov_bdf bdf)
{
	_cleanup_free_ struct iov_bdf *list = NULL;
	size_t count;

	return !iov_pci_slot(iov, bdf, &list, &count) && count == 1 &&
	       iov_sys_exists(iov, iov_pci_path(bdf, "reset").name);
}

/* What has no reset of its own is reset by VFIO, when all of the slot is in one hand. */
void bindings_prove_reset(struct bindings *bindings, const char *driver)
{
	for (size_t i = 0; i < bindings->count; i++) {
		const struct binding *binding = &bindings->list[i];
		struct iov_step *step;

		if (!binding->exists || !strcmp(binding->driver, driver) ||
		    (!binding->own_reset && !is_alone(bindings->iov, binding->bdf)))
			continue;
		step = iov_plan_step(bindings->plan, IOV_BDF(binding->bdf), "reset %s, and see that it comes back",
				     IOV_BDF(binding->bdf));
		iov_step_do(step, iov_op_write(iov_pci_path(binding->bdf, "reset").name, "1"));
		iov_step_do(step, iov_op_answers(binding->bdf));
		iov_step_change(step, "reset", NULL, "now");
	}
}
