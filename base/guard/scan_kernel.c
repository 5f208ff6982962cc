// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guards "gadget", "dma", "crypto" and "ubi": what the kernel itself does with a device of a
 * class, as an attribute of the class tells, whoever asked the kernel for it.
 */
#include <stdio.h>
#include <string.h>

#include "base/guard/scans.h"
#include "base/guard/walk_device.h"
#include "base/guard/walk_flash.h"
#include "base/sysroot/paths.h"

static const struct guard gadget = { "gadget", "the host is a USB device by it" };
static const struct guard dma = { "dma", "the kernel copies with its DMA channels" };

static const struct guard crypto = {
	"crypto", "the kernel encrypts or compresses by an algorithm of its driver",
};
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

/* Queues of accelerators, "wq0.0", also where the kernel's client is none of its DMA engines. */
static void visit_queue(struct guard_scan *scan, struct guard_chain *chain, const char *directory,
			const char *name)
{
	int64_t clients;

	if (!iov_sys_read_number(scan->iov, iov_path("%s/%s/clients", directory, name).name,
				 &clients) && clients)
		hold(scan, chain, directory, name, "clients of its work queue");
}

/* A device among the files of a driver */
static void visit_device(struct guard_scan *scan, struct guard_chain *chain, const char *directory,
			 const char *name)
{
	char target[IOV_PATH_MAX];

	if (!iov_sys_link(scan->iov, iov_path("%s/%s", directory, name).name, target,
			  sizeof(target)) && strstr(target, "/devices/"))
		guard_found(scan, chain, target);
}

/* "pci:4xxx" or "virtio:virtio_crypto" among the drivers of a module */
static void visit_driver(struct guard_scan *scan, struct guard_chain *chain, const char *directory,
			 const char *name)
{
	guard_for_each_name(scan, chain, iov_path("%s/%s", directory, name).name, visit_device);
}

static void visit_module(struct guard_scan *scan, struct guard_chain *chain, const char *directory,
			 const char *name)
{
	(void)directory;
	guard_for_each_name(scan, chain, iov_path(IOV_PATH_MODULES "/%s/drivers", name).name,
			    visit_driver);
}

/* A module that the one with the algorithms, chain->names[0], stands on, as ccp_crypto does on ccp */
static void visit_lower(struct guard_scan *scan, struct guard_chain *chain, const char *directory,
			const char *name)
{
	if (iov_sys_exists(scan->iov, iov_path("%s/%s/holders/%s", directory, name,
					       chain->names[0]).name))
		visit_module(scan, chain, directory, name);
}

/* The algorithm that the lines are of. */
struct algorithm {
	char driver[128];
	char module[64];
};

/*
 * Whoever has it is not told, so each device may be the one whose driver is in the module with the
 * algorithm, in one that stands on that, as qat_4xxx does on intel_qat, or in one below it.  The first
 * algorithm speaks for its module.
 */
static void hold_algorithm(struct guard_scan *scan, const struct algorithm *algorithm)
{
	char holder[192];
	struct guard_chain chain = {
		.guard = &crypto, .holder = holder, .names = { algorithm->module }, .count = 1,
	};

	if (!strcmp(algorithm->module, "kernel") || !*algorithm->module ||
	    !guard_is_new(scan, iov_path("algorithms of %s", algorithm->module).name))
		return;
	snprintf(holder, sizeof(holder), "users of the algorithm %s", algorithm->driver);
	visit_module(scan, &chain, IOV_PATH_MODULES, algorithm->module);
	guard_for_each_name(scan, &chain, iov_path(IOV_PATH_MODULES "/%s/holders",
						   algorithm->module).name, visit_module);
	guard_for_each_name(scan, &chain, IOV_PATH_MODULES, visit_lower);
}

/* "driver       : qat_aes_xts", "module       : intel_qat", "refcnt       : 2": one is its own */
static void read_algorithm(struct guard_scan *scan, const char *line, const void *argument)
{
	struct algorithm *algorithm = *(struct algorithm *const *)argument;
	int count;

	if (sscanf(line, "driver : %127s", algorithm->driver) == 1 ||
	    sscanf(line, "module : %63s", algorithm->module) == 1)
		return;
	if (sscanf(line, "refcnt : %d", &count) == 1 && count > 1)
		hold_algorithm(scan, algorithm);
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
	struct algorithm algorithm = { "", "" }, *which = &algorithm;

	guard_for_each_name(scan, &gadgets, IOV_PATH_CLASS "/udc", visit_controller);
	guard_for_each_name(scan, &channels, IOV_PATH_CLASS "/dma", visit_channel);
	guard_for_each_name(scan, &channels, IOV_PATH_BUS "/dsa/devices", visit_queue);
	guard_for_each_line(scan, IOV_PATH_CRYPTO, &which, read_algorithm);
	guard_for_each_name(scan, &flash, IOV_PATH_UBI, visit_ubi);
}

const struct guard_kind scan_kernel = {
	.guards = (const struct guard *const[]){ &gadget, &dma, &crypto, &ubi, NULL },
	.scan = scan,
};
