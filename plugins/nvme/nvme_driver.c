// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel's driver of a VF that goes offline.  A controller that stops answering under it costs it a
 * reset, whatever it was asked for, and in the end the device; so it lets go before, and gets the VF again
 * when that is online.
 */
#include "plugins/nvme/nvme.h"

#include "base/sysroot/paths.h"

/* drivers_probe answers when the probe is over, see vfio/bind/binding.h. */
#define PROBED_MS 500

bool nvme_driver_of(struct iov *iov, struct iov_bdf vf, char *driver, size_t size)
{
	char **controllers;
	size_t count;
	bool runs;

	if (iov_sys_list(iov, iov_pci_path(vf, "nvme").name, &controllers, &count))
		return false;
	runs = count && !iov_pci_driver(iov, vf, driver, size) && *driver;
	iov_names_free(controllers, count);
	return runs;
}

static struct iov_op *unbind_op(struct iov_bdf vf)
{
	return iov_op_absent_ok(iov_op_write(iov_pci_path(vf, "driver/unbind").name, IOV_BDF(vf)));
}

static struct iov_condition *if_driver(struct iov_bdf vf, const char *driver)
{
	return iov_if_link(iov_pci_path(vf, "driver").name, driver);
}

static struct iov_op *probe_op(struct iov_bdf vf, const char *driver)
{
	return iov_op_until(iov_op_write(IOV_PATH_PCI_PROBE, IOV_BDF(vf)), if_driver(vf, driver));
}

void nvme_driver_leave(struct iov_plan *plan, struct iov_bdf vf, const char *driver)
{
	struct iov_step *step = iov_plan_step(plan, IOV_BDF(vf), "take %s from driver %s, as it goes offline",
					      IOV_BDF(vf), driver);

	iov_step_change(step, "driver", driver, NULL);
	iov_step_do(step, unbind_op(vf));
	iov_step_verify(step, if_driver(vf, NULL));
	iov_step_undo(step, probe_op(vf, driver));
	iov_step_undone(step, iov_if_within(if_driver(vf, driver), PROBED_MS));
}

void nvme_driver_return(struct iov_plan *plan, struct iov_bdf vf, const char *driver)
{
	struct iov_step *step = iov_plan_step(plan, IOV_BDF(vf), "give %s back to driver %s", IOV_BDF(vf),
					      driver);

	iov_step_unheld(step, vf);
	iov_step_change(step, "driver", NULL, driver);
	iov_step_do(step, probe_op(vf, driver));
	iov_step_verify(step, iov_if_within(if_driver(vf, driver), PROBED_MS));
	iov_step_undo(step, unbind_op(vf));
	iov_step_undone(step, if_driver(vf, NULL));
}
