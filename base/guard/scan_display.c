// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guard "boot-display": the screen on which people watch the host, and the memory that somebody
 * draws in without a driver of the GPU: firmware's framebuffer, which no guest's driver gets while it is
 * claimed ("BAR 1: can't reserve").
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/guard/scans.h"
#include "base/guard/walk_device.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysdir.h"

static const struct guard boot_display = {
	"boot-display", "it is the display of the boot or of the console, or firmware's framebuffer is in it",
};

static bool is_set(int dir, const char *attribute)
{
	int64_t value;

	return !iov_dir_read_number(dir, attribute, &value) && value;
}

/*
 * By the legacy of VGA, or, since Linux 6.17, also of displays without it; there at the function
 * itself, later at its card of DRM.
 */
static bool is_of_boot(struct guard_scan *scan, int dir, const char *device)
{
	bool found = is_set(dir, "boot_vga") || is_set(dir, "boot_display");
	char **names;
	size_t count;
	int error = found ? -ENOENT : iov_dir_list(dir, "drm", &names, &count);

	guard_failed(scan, error, iov_path("the cards of %s", device).name);
	if (error)
		return found;
	for (size_t i = 0; i < count; i++)
		found |= is_set(dir, iov_path("drm/%s/boot_display", names[i]).name);
	iov_names_free(names, count);
	return found;
}

/* Firmware put its picture there, and no guest has it. */
static void match(struct guard_scan *scan, int dir, const char *device)
{
	struct guard_chain chain = { .guard = &boot_display, .holder = "the boot display" };
	char driver[64] = "";

	if (dir < 0 || !is_of_boot(scan, dir, device))
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

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);

	return length >= tail && !strcmp(text + length - tail, end);
}

/*
 * Drivers of what firmware set up, by what the kernel calls its regions: "BOOTFB" as long as there is
 * none, then efifb, vesafb, simplefb, simple-framebuffer.0, efidrm, simpledrm.  A driver of the GPU
 * itself claims its BARs under its own name, as bochs-drm does.
 */
static bool is_framebuffer(struct guard_scan *scan, const char *name, const char *function)
{
	char driver[64] = "";

	if (strcmp(name, "BOOTFB") && strncmp(name, "simple-framebuffer", 18) && !ends_with(name, "fb") &&
	    !ends_with(name, "drm"))
		return false;
	iov_sys_link_name(scan->iov, iov_path(IOV_PATH_PCI_DEVICES "/%s/driver", function).name, driver,
			  sizeof(driver));
	return strcmp(name, driver) != 0;
}

/* The BAR that the lines below it are in, as far as they are further to the right. */
struct region {
	char function[64];
	size_t depth;
};

static void visit_region(struct guard_scan *scan, struct region *region, char *line)
{
	size_t depth = strspn(line, " ");
	char *name = strstr(line, " : "), holder[96];
	struct guard_chain chain = { .guard = &boot_display, .holder = holder };
	struct iov_bdf bdf;

	if (!name)
		return;
	name += strlen(" : ");
	if (depth <= region->depth)
		region->function[0] = '\0';
	if (iov_bdf_scan(name, &bdf) && isxdigit((unsigned char)*name)) {
		snprintf(region->function, sizeof(region->function), "%s", IOV_BDF(bdf));
		region->depth = depth;
	} else if (region->function[0] && is_framebuffer(scan, name, region->function)) {
		snprintf(holder, sizeof(holder), "the framebuffer of the firmware (%s in /" IOV_PATH_IOMEM ")", name);
		guard_found(scan, &chain, region->function);
	}
}

static void walk_memory(struct guard_scan *scan)
{
	_cleanup_free_ char *text = NULL;
	struct region region = { .function = "" };
	char *rest, *line;
	int error = iov_sys_read_all(scan->iov, IOV_PATH_IOMEM, &text, NULL);

	guard_failed(scan, error, "/" IOV_PATH_IOMEM);
	rest = error ? NULL : text;
	while ((line = strsep(&rest, "\n")))
		visit_region(scan, &region, line);
}

/* "count:2,PCI:0000:00:02.0,decodes=io+mem,owns=io+mem,locks=io+mem(1:1)", of the default display. */
static void walk_arbiter(struct guard_scan *scan)
{
	struct guard_chain chain = { .guard = &boot_display, .holder = "a lock of the VGA arbiter" };
	char text[256], *function, *end, *locks;

	if (iov_sys_read(scan->iov, IOV_PATH_VGA_ARBITER, text, sizeof(text)))
		return;
	function = strstr(text, "PCI:");
	locks = strstr(text, "locks=");
	if (!function || !locks || !strncmp(locks, "locks=none", 10))
		return;
	function += strlen("PCI:");
	end = strchr(function, ',');
	if (end)
		*end = '\0';
	guard_found(scan, &chain, function);
}

static void finish(struct guard_scan *scan)
{
	struct guard_chain chain = { .guard = &boot_display };

	guard_for_each_name(scan, &chain, IOV_PATH_CLASS "/vtconsole", visit_console);
	walk_memory(scan);
	walk_arbiter(scan);
}

const struct guard_kind scan_display = {
	.guards = (const struct guard *const[]){ &boot_display, NULL },
	.finish = finish,
	.match = match,
};
