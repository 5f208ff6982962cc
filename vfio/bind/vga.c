// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vfio-pci without legacy VGA (disable_vga): the functions that it has take no part in the arbitration
 * of VGA's addresses any more, which the host's other displays then have for themselves.  It is a
 * parameter of its module, read when that is loaded, so it is put where modules are configured.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "vfio/bind/bind.h"

#define FILE_NAME IOV_PATH_MODPROBE "/iovkit-vfio.conf"
#define TEXT "# Written by iov: vfio-pci leaves the addresses of VGA to the host.\n" \
	     "options vfio-pci disable_vga=1\n"

/* 'Y' or 'N' of one that is loaded or built in; 0 where it is neither. */
static char read_parameter(struct iov *iov)
{
	char value[8];

	return iov_sys_read(iov, IOV_PATH_MODULES "/vfio_pci/parameters/disable_vga", value, sizeof(value)) ?
	       '\0' : value[0];
}

int iov_disable_vga_plan(struct iov_plan *plan)
{
	struct iov *iov = iov_plan_context(plan);
	_cleanup_free_ char *now = NULL;
	char loaded = read_parameter(iov);
	struct iov_step *step;

	if (loaded == 'Y')
		return 0;
	if (loaded)
		return iov_plan_built(plan, iov_fail(iov, -EBUSY, "disable-vga: vfio-pci is loaded without it, and reads it "
				"then alone; give back what it has, 'modprobe -r vfio-pci', and run the command again, "
				"or boot with vfio_pci.disable_vga=1 where it is built in"));
	if (iov_sys_read_all(iov, FILE_NAME, &now, NULL))
		now = NULL;
	if (now && !strcmp(now, TEXT))
		return 0;
	step = iov_plan_step(plan, NULL, "have vfio-pci loaded with disable_vga=1");
	iov_step_change(step, "vfio-pci disable_vga", "0", "1");
	iov_step_do(step, iov_op_file(FILE_NAME, TEXT, now));
	iov_step_undo(step, iov_op_restore_file(FILE_NAME, now, TEXT));
	return 0;
}
