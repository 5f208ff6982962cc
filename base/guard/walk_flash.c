// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/guard/walk_flash.h"

#include <stdint.h>
#include <stdio.h>

#include "base/guard/walk_memory.h"
#include "base/sysroot/paths.h"

void guard_walk_mtd(struct guard_scan *scan, struct guard_chain *chain, unsigned int number)
{
	struct iov_path path = iov_path(IOV_PATH_MTD "/mtd%u", number);
	char name[24], target[IOV_PATH_MAX];

	snprintf(name, sizeof(name), "mtd%u", number);
	if (!guard_may_go_deeper(scan, chain, name) || !guard_read_link(scan, path.name, target))
		return;
	chain->names[chain->count++] = name;
	guard_walk_hardware(scan, chain, target);
	chain->count--;
}

void guard_walk_ubi(struct guard_scan *scan, struct guard_chain *chain, const char *name)
{
	unsigned int device;
	int64_t number;

	if (sscanf(name, "ubi%u", &device) == 1 &&
	    !iov_sys_read_number(scan->iov, iov_path(IOV_PATH_UBI "/ubi%u/mtd_num", device).name,
				 &number))
		guard_walk_mtd(scan, chain, (unsigned int)number);
}
