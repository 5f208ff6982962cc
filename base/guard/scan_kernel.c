// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guards "gadget", "dma" and "ubi": what the kernel itself does with a device of a class, as an
 * attribute of the class tells, whoever asked the kernel for it.
 */
#include <stdio.h>
#include <string.h>

#include "base/guard/scans.h"
#include "base/guard/walk_device.h"
#include "base/guard/walk_flash.h"
#include "base/sysroot/paths.h"

static const struct guard gadget = { "gadget", "the host is a USB device by it" };
static const struct guard dma = { "dma", "the kernel copies with its DMA channels" };

static const struct guard ubi = { "ubi", "UBI has its flash memory attached" };

static void hold(struct guard_scan *scan, struct guard_chain *chain, const char *directory,
		 const char *name, const char *holder)
{
	chain->holder = holder;
	chain->names[0] = name;
	chain->count = 1;
	guard_walk_link(scan, chain, iov_path("%s/%s", directory, name).name);
}

/* A controller has the name of the gadget that drives it, be that made by configfs or not. */
static void visit_controller(struct guard_scan *scan, struct guard_chain *chain,
			     const char *directory, const char *name)
{
	char function[64];

	if (!iov_sys_read(scan->iov, iov_path("%s/%s/function", directory, name).name, function,
			  sizeof(function)) && *function)
		hold(scan, chain, directory, name,
		     iov_path("the USB gadget %s", function).name);
}

static void visit_channel(struct guard_scan *scan, struct guard_chain *chain,
			  const char *directory, const char *name)
{
	int64_t clients;

	if (!iov_sys_read_number(scan->iov, iov_path("%s/%s/in_use", directory, name).name,
				 &clients) && clients)
		hold(scan, chain, directory, name, "a part of the kernel that copies by DMA");
}

/* Beside devices are their volumes, "ubi0_1". */
static void visit_ubi(struct guard_scan *scan, struct guard_chain *chain, const char *directory,
		      const char *name)
{
	char holder[64];

	(void)directory;
	if (strchr(name, '_'))
		return;
	snprintf(holder, sizeof(holder), "volumes of %s", name);
	chain->holder = holder;
	chain->names[0] = name;
	chain->count = 1;
	guard_walk_ubi(scan, chain, name);
}

static void scan(struct guard_scan *scan)
{
	struct guard_chain gadgets = { .guard = &gadget }, channels = { .guard = &dma };
	struct guard_chain flash = { .guard = &ubi };

	guard_for_each_name(scan, &gadgets, IOV_PATH_CLASS "/udc", visit_controller);
	guard_for_each_name(scan, &channels, IOV_PATH_CLASS "/dma", visit_channel);
	guard_for_each_name(scan, &flash, IOV_PATH_UBI, visit_ubi);
}

const struct guard_kind scan_kernel = {
	.guards = (const struct guard *const[]){ &gadget, &dma, &ubi, NULL },
	.scan = scan,
};
