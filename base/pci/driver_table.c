// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * depmod collects the tables of modules that can be loaded in one file, a line each; those of
 * what is built into the kernel the kernel's build leaves in another one, as what modules say of
 * themselves: "sp5100_tco.alias=pci:v...", each with a NUL.  Both call modules with underscores.
 */
#include "base/pci/driver_table.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"

#define PCI "pci:"

/**
 * struct seek - what is looked for
 * @module: with underscores, "" for all
 * @visit: gets each line
 * @argument: of it
 */
struct seek {
	struct iov_path module;
	driver_table_fn *visit;
	void *argument;
};

static bool is_wanted(const struct seek *seek, const char *module)
{
	return !*seek->module.name || !strcmp(module, seek->module.name);
}

/* "alias pci:v00001022d0000790Bsv*sd*bc*sc*i* sp5100_tco" */
static void read_loadable(const struct seek *seek, const char *line)
{
	char alias[128], module[64];

	if (sscanf(line, "alias %127s %63s", alias, module) == 2 &&
	    !strncmp(alias, PCI, strlen(PCI)) && is_wanted(seek, module))
		seek->visit(module, alias, seek->argument);
}

/* "sp5100_tco.alias=pci:v00001022d0000790Bsv*sd*bc*sc*i*" */
static void read_built_in(const struct seek *seek, const char *line)
{
	static const char key[] = ".alias=" PCI;
	const char *at = strstr(line, key);
	char module[64];

	if (!at || at - line >= (ptrdiff_t)sizeof(module))
		return;
	snprintf(module, sizeof(module), "%.*s", (int)(at - line), line);
	if (is_wanted(seek, module))
		seek->visit(module, at + strlen(key) - strlen(PCI), seek->argument);
}

static int read_file(struct iov *iov, const char *release, const char *name, char end,
		     const struct seek *seek, void (*read)(const struct seek *seek, const char *line))
{
	struct iov_path path = iov_path(IOV_PATH_MODULE_FILES "/%s/%s", release, name);
	_cleanup_free_ char *text = NULL;
	char *line, *stop, *last;
	size_t length;
	int error = iov_sys_read_all(iov, path.name, &text, &length);

	if (error)
		return error == -ENOENT ? 0 : error;
	last = text + length;
	for (line = text; line < last; line = stop + 1) {
		stop = memchr(line, end, (size_t)(last - line));
		stop = stop ? stop : last;
		*stop = '\0';
		read(seek, line);
	}
	return 0;
}

int driver_table_each(struct iov *iov, const char *module, driver_table_fn *visit, void *argument)
{
	struct seek seek = { iov_module_name(module ? module : ""), visit, argument };
	char release[128];
	int error;

	if (iov_sys_read(iov, IOV_PATH_RELEASE, release, sizeof(release)))
		return 0;
	error = read_file(iov, release, "modules.alias", '\n', &seek, read_loadable);
	return error ? error :
		       read_file(iov, release, "modules.builtin.modinfo", '\0', &seek, read_built_in);
}
