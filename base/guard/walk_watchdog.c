// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Old drivers of watchdogs do not say which device theirs is of.  What the kernel tells is which
 * modules use its core of watchdogs, and, also of those that are older than the core, which
 * modules come from its folder of them; and each module has the drivers that it registered.
 *
 * Some register none for the function: they look for it by themselves, and another driver may have
 * it, or make a platform device that is below nothing, as sp5100_tco does.  What such a module is
 * for is in its table, so a function that the table knows may be the one.
 */
#include "base/guard/walk_watchdog.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/pci/driver_table.h"
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

/* The functions that one line of a table knows: "pci:v00001022d0000790Bsv*sd*bc*sc*i*". */
static void hold_known(struct guard_scan *scan, struct guard_chain *chain, const char *alias)
{
	char modalias[128];
	char **names;
	size_t count;
	int error = iov_sys_list(scan->iov, IOV_PATH_PCI_DEVICES, &names, &count);

	guard_failed(scan, error, "/" IOV_PATH_PCI_DEVICES);
	if (error)
		return;
	for (size_t i = 0; i < count; i++) {
		if (!iov_sys_read(scan->iov, iov_path(IOV_PATH_PCI_DEVICES "/%s/modalias",
						      names[i]).name, modalias, sizeof(modalias)) &&
		    !fnmatch(alias, modalias, 0))
			guard_found(scan, chain, names[i]);
	}
	iov_names_free(names, count);
}

/**
 * struct table - whose table is read
 * @scan: where findings go
 * @chain: who holds what is in it
 */
struct table {
	struct guard_scan *scan;
	const struct guard_chain *chain;
};

static void read_alias(const char *module, const char *alias, void *argument)
{
	const struct table *table = argument;
	struct guard_chain chain = *table->chain;

	(void)module;
	hold_known(table->scan, &chain, alias);
}

static void read_table(struct guard_scan *scan, struct guard_chain *chain, const char *module)
{
	struct table table = { scan, chain };
	int error = driver_table_each(scan->iov, module, read_alias, &table);

	guard_unseen(scan, error, "/" IOV_PATH_MODULE_FILES);
}

/* "pci:pcwd_pci" among the drivers of a module */
static void visit_driver(struct guard_scan *scan, struct guard_chain *chain,
			 const char *directory, const char *name)
{
	if (!strncmp(name, "pci:", 4))
		guard_for_each_name(scan, chain, iov_path("%s/%s", directory, name).name,
				    visit_function);
}

static bool drives_functions(struct guard_scan *scan, const char *directory)
{
	bool found = false;
	char **names;
	size_t count;

	if (iov_sys_list(scan->iov, directory, &names, &count))
		return false;
	for (size_t i = 0; i < count; i++)
		found |= !strncmp(names[i], "pci:", 4);
	iov_names_free(names, count);
	return found;
}

static struct iov_path drivers_of(const char *module)
{
	return iov_path(IOV_PATH_MODULES "/%s/drivers", module);
}

static void visit_module(struct guard_scan *scan, struct guard_chain *chain,
			 const char *directory, const char *name)
{
	(void)directory;
	if (drives_functions(scan, drivers_of(name).name))
		guard_for_each_name(scan, chain, drivers_of(name).name, visit_driver);
	else
		read_table(scan, chain, name);
}

/* "kernel/drivers/watchdog/i6300esb.ko.xz: kernel/..."; loaded, each dash is an underscore. */
static bool is_watchdog(const char *line, struct iov_path *name)
{
	const char *at = strstr(line, FOLDER);

	if (!at || at > line + strcspn(line, ":"))
		return false;
	at += strlen(FOLDER);
	*name = iov_module_name(iov_path("%.*s", (int)strcspn(at, ".:/"), at).name);
	return true;
}

static void read_module(struct guard_scan *scan, const char *line, const void *argument)
{
	struct guard_chain chain = *(const struct guard_chain *)argument;
	struct iov_path name;

	if (is_watchdog(line, &name) &&
	    iov_sys_exists(scan->iov, iov_path(IOV_PATH_MODULES "/%s", name.name).name))
		visit_module(scan, &chain, NULL, name.name);
}

/* What is built in is always there, also without parameters and drivers that sysfs would show. */
static void read_built_in(struct guard_scan *scan, const char *line, const void *argument)
{
	struct guard_chain chain = *(const struct guard_chain *)argument;
	struct iov_path name;

	if (is_watchdog(line, &name))
		visit_module(scan, &chain, NULL, name.name);
}

/* The watchdog of a BMC is fed by whatever interface of IPMI there is. */
static void visit_interface(struct guard_scan *scan, struct guard_chain *chain,
			    const char *directory, const char *name)
{
	char target[IOV_PATH_MAX];

	if (!iov_sys_link(scan->iov, iov_path("%s/%s", directory, name).name, target,
			  sizeof(target)))
		guard_found(scan, chain, target);
}

void guard_walk_watchdog(struct guard_scan *scan, struct guard_chain *chain, const char *name)
{
	char release[128];

	(void)name;
	guard_for_each_name(scan, chain, IOV_PATH_MODULES "/watchdog/holders", visit_module);
	if (iov_sys_exists(scan->iov, IOV_PATH_MODULES "/ipmi_watchdog"))
		guard_for_each_name(scan, chain, IOV_PATH_IPMI, visit_interface);
	if (iov_sys_read(scan->iov, IOV_PATH_RELEASE, release, sizeof(release)))
		return;
	guard_for_each_line(scan, iov_path(IOV_PATH_MODULE_FILES "/%s/modules.dep", release).name,
			    chain, read_module);
	guard_for_each_line(scan, iov_path(IOV_PATH_MODULE_FILES "/%s/modules.builtin",
					   release).name, chain, read_built_in);
}

void guard_walk_platform_watchdog(struct guard_scan *scan, struct guard_chain *chain,
				  const char *target)
{
	const char *device = strstr(target, "/devices/platform/");
	const char *end = device ? strstr(device, "/watchdog/") : NULL;
	char module[64];

	if (end && !iov_sys_link_name(scan->iov, iov_path(IOV_PATH_SYS "%.*s/driver/module",
							  (int)(end - device), device).name,
				      module, sizeof(module)))
		read_table(scan, chain, module);
}
