// SPDX-License-Identifier: GPL-2.0-or-later
/* The guard "boot-display": the screen on which people watch the host. */
#include <stdio.h>
#include <string.h>

#include "base/guard/scans.h"
#include "base/guard/walk_device.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysdir.h"

static const struct guard boot_display = {
	"boot-display", "it is the display of the boot or of the console",
};

/* Firmware put its picture there, and no guest has it. */
static void match(struct guard_scan *scan, int dir, const char *device)
{
	struct guard_chain chain = { .guard = &boot_display, .holder = "the boot display" };
	char driver[64] = "";
	int64_t boot;

	if (dir < 0 || iov_dir_read_number(dir, "boot_vga", &boot) || !boot)
		return;
	iov_dir_link_name(dir, "driver", driver, sizeof(driver));
	if (!strstr(driver, "vfio") && strcmp(driver, "pci-stub"))
		guard_found(scan, &chain, device);
}

static void visit_framebuffer(struct guard_scan *scan, struct guard_chain *chain,
			      const char *directory, const char *name)
{
	char holder[64];

	snprintf(holder, sizeof(holder), "the text console on %s", name);
	chain->holder = holder;
	chain->names[0] = name;
	guard_walk_link(scan, chain, iov_path("%s/%s", directory, name).name);
}

static void visit_console(struct guard_scan *scan, struct guard_chain *chain,
			  const char *directory, const char *name)
{
	int64_t bound;
	char title[64];

	if (iov_sys_read(scan->iov, iov_path("%s/%s/name", directory, name).name, title,
			 sizeof(title)) ||
	    !strstr(title, "frame buffer") ||
	    iov_sys_read_number(scan->iov, iov_path("%s/%s/bind", directory, name).name, &bound) ||
	    !bound)
		return;
	chain->count = 1;
	guard_for_each_name(scan, chain, IOV_PATH_CLASS "/graphics", visit_framebuffer);
}

static void finish(struct guard_scan *scan)
{
	struct guard_chain chain = { .guard = &boot_display };

	guard_for_each_name(scan, &chain, IOV_PATH_CLASS "/vtconsole", visit_console);
}

const struct guard_kind scan_display = {
	.guards = (const struct guard *const[]){ &boot_display, NULL },
	.finish = finish,
	.match = match,
};
