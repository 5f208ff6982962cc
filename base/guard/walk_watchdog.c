// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Old drivers of watchdogs do not say which device theirs is of.  What the kernel tells is which
 * modules use its core of watchdogs, and, also of those that are older than the core, which
 * modules come from its folder of them; and each module has the drivers that it registered.
 */
#include "base/guard/walk_watchdog.h"

#include <stdio.h>
#include <string.h>

#include "base/sysroot/paths.h"

#define FOLDER "/drivers/watchdog/"

/* A function that is bound to the driver; a watchdog that is below one is of that one. */
static void visit_function(struct guard_scan *scan, struct guard_chain *chain,
			   const char *directory, const char *name)
{
	struct iov_bdf bdf;

	if (iov_bdf_scan(name, &bdf) &&
	    !iov_sys_exists(scan->iov, iov_path("%s/%s/watchdog", directory, name).name))
		guard_found(scan, chain, name);
}

/* "pci:pcwd_pci" among the drivers of a module */
static void visit_driver(struct guard_scan *scan, struct guard_chain *chain,
			 const char *directory, const char *name)
{
	if (!strncmp(name, "pci:", 4))
		guard_for_each_name(scan, chain, iov_path("%s/%s", directory, name).name,
				    visit_function);
}

static void visit_module(struct guard_scan *scan, struct guard_chain *chain,
			 const char *directory, const char *name)
{
	(void)directory;
	guard_for_each_name(scan, chain, iov_path(IOV_PATH_MODULES "/%s/drivers", name).name,
			    visit_driver);
}

/* "kernel/drivers/watchdog/i6300esb.ko.xz: kernel/..."; loaded, each dash is an underscore. */
static void read_module(struct guard_scan *scan, const char *line, const void *argument)
{
	struct guard_chain chain = *(const struct guard_chain *)argument;
	const char *at = strstr(line, FOLDER);
	struct iov_path name;

	if (!at || at > line + strcspn(line, ":"))
		return;
	at += strlen(FOLDER);
	name = iov_path("%.*s", (int)strcspn(at, ".:/"), at);
	for (char *dash = name.name; (dash = strchr(dash, '-'));)
		*dash = '_';
	visit_module(scan, &chain, NULL, name.name);
}

void guard_walk_watchdog(struct guard_scan *scan, struct guard_chain *chain, const char *name)
{
	char release[128];

	(void)name;
	guard_for_each_name(scan, chain, IOV_PATH_MODULES "/watchdog/holders", visit_module);
	if (iov_sys_read(scan->iov, IOV_PATH_RELEASE, release, sizeof(release)))
		return;
	guard_for_each_line(scan, iov_path(IOV_PATH_MODULE_FILES "/%s/modules.dep", release).name,
			    chain, read_module);
	guard_for_each_line(scan, iov_path(IOV_PATH_MODULE_FILES "/%s/modules.builtin",
					   release).name, chain, read_module);
}
