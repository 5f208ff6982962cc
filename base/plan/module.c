// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/plan/module.h"

#include <errno.h>
#include <fnmatch.h>
#include <libkmod.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/context.h"
#include "base/near.h"
#include "base/pci/driver_table.h"
#include "base/plan/plan_engine.h"
#include "base/sysroot/paths.h"

/* A module has registered what it has when the call returns that starts it. */
#define STARTED_MS 1000

/* Open the library's view of /lib/modules; a message on failure. */
static int open_modules(struct iov *iov, struct kmod_ctx **modules)
{
	*modules = kmod_new(NULL, NULL);
	return *modules ? 0 : iov_fail(iov, -ENOMEM, "out of memory");
}

static int copy_names(struct kmod_list *list, char ***names, size_t *count)
{
	struct kmod_list *entry;
	size_t length = 0;

	*count = 0;
	for (entry = list; entry; entry = kmod_list_next(list, entry))
		length++;
	*names = calloc(length + 1, sizeof(**names));
	if (!*names)
		return -ENOMEM;
	for (entry = list; entry; entry = kmod_list_next(list, entry)) {
		struct kmod_module *module = kmod_module_get_module(entry);

		(*names)[*count] = strdup(kmod_module_get_name(module));
		kmod_module_unref(module);
		if (!(*names)[*count]) {
			iov_names_free(*names, *count);
			return -ENOMEM;
		}
		++*count;
	}
	return 0;
}

static int find(struct kmod_ctx *modules, const char *alias, char ***names, size_t *count)
{
	struct kmod_list *all = NULL, *allowed = NULL;
	int error = kmod_module_new_from_lookup(modules, alias, &all);

	if (!error && all)
		error = kmod_module_apply_filter(modules, KMOD_FILTER_BLACKLIST, all, &allowed);
	if (!error)
		error = copy_names(allowed, names, count);
	kmod_module_unref_list(all);
	kmod_module_unref_list(allowed);
	return error;
}

int iov_module_find(struct iov *iov, const char *alias, char ***names, size_t *count)
{
	struct kmod_ctx *modules;
	int error;

	if (!iov_sys_is_host(iov))
		return -EOPNOTSUPP;
	error = open_modules(iov, &modules);
	if (error)
		return error;
	error = find(modules, alias, names, count);
	kmod_unref(modules);
	if (error != -ENOSYS && error != -ENOENT)
		return error;
	*count = 0;
	*names = NULL;
	return 0;
}

/* The table of a driver is what its module says of itself: "pci:v00008086d*sv*sd*bc02*". */
static int has_alias(struct kmod_module *module, const char *modalias)
{
	struct kmod_list *info = NULL;
	bool table = false, found = false;

	if (kmod_module_get_info(module, &info) < 0)
		return -ENODATA;
	for (struct kmod_list *entry = info; entry; entry = kmod_list_next(info, entry)) {
		const char *value = kmod_module_info_get_value(entry);

		if (strcmp(kmod_module_info_get_key(entry), "alias") || strncmp(value, "pci:", 4))
			continue;
		table = true;
		found |= !fnmatch(value, modalias, 0);
	}
	kmod_module_info_free_list(info);
	return found || !table;
}

bool iov_module_can_load(struct iov *iov)
{
	return iov_sys_is_host(iov) || iov->on_write;
}

/* What a recorded tree has of a table: @knows as iov_module_knows() has it. */
struct recorded {
	const char *modalias;
	int knows;
};

static void look_up(const char *module, const char *alias, void *argument)
{
	struct recorded *recorded = argument;

	(void)module;
	if (recorded->knows < 0)
		recorded->knows = 0;
	if (!fnmatch(alias, recorded->modalias, 0))
		recorded->knows = 1;
}

int iov_module_knows(struct iov *iov, const char *name, const char *modalias)
{
	struct recorded recorded = { modalias, -ENODATA };
	struct kmod_module *module;
	struct kmod_ctx *modules;
	int knows = -ENODATA;

	if (!iov_sys_is_host(iov))
		return driver_table_each(iov, name, look_up, &recorded) ? -ENODATA : recorded.knows;
	if (open_modules(iov, &modules))
		return -ENODATA;
	if (!kmod_module_new_from_name(modules, name, &module)) {
		knows = has_alias(module, modalias);
		kmod_module_unref(module);
	}
	kmod_unref(modules);
	return knows;
}

/* The nearest name of a module so far. */
struct nearest {
	struct iov_near near;
	char name[64];
};

static void look_near(const char *module, const char *alias, void *argument)
{
	struct nearest *nearest = argument;
	const char *before = nearest->near.word;

	(void)alias;
	/* The lines of a module follow each other. */
	if (!strcmp(nearest->name, module))
		return;
	iov_near_look(&nearest->near, module);
	if (nearest->near.word != before) {
		snprintf(nearest->name, sizeof(nearest->name), "%s", module);
		nearest->near.word = nearest->name;
	}
}

bool iov_module_near(struct iov *iov, const char *name, char *module, size_t size)
{
	const struct iov_path typed = iov_module_name(name);
	struct nearest nearest = { .near.text = typed.name };

	if (driver_table_each(iov, NULL, look_near, &nearest) || !nearest.near.word)
		return false;
	snprintf(module, size, "%s", nearest.name);
	return true;
}

/* It runs: what drivers it has are registered. */
static bool is_running(struct kmod_module *module)
{
	int state = kmod_module_get_initstate(module);

	return state == KMOD_MODULE_BUILTIN || state == KMOD_MODULE_LIVE;
}

/* pci_register_driver() of the kernel is a macro that calls this one. */
static bool needs_registering(struct kmod_module *module)
{
	struct kmod_list *symbols = NULL;
	bool needs = false;

	if (kmod_module_get_dependency_symbols(module, &symbols) < 0)
		return true;
	for (struct kmod_list *entry = symbols; entry; entry = kmod_list_next(symbols, entry))
		needs |= !strcmp(kmod_module_dependency_symbol_get_symbol(entry),
				 "__pci_register_driver");
	kmod_module_dependency_symbols_free_list(symbols);
	return needs;
}

bool iov_module_may_drive(struct iov *iov, const char *name)
{
	struct kmod_list *list = NULL;
	struct kmod_ctx *modules;
	bool may = false;

	if (!iov_sys_is_host(iov) || open_modules(iov, &modules))
		return true;
	if (kmod_module_new_from_lookup(modules, name, &list) || !list)
		may = true;
	for (struct kmod_list *entry = list; !may && entry; entry = kmod_list_next(list, entry)) {
		struct kmod_module *module = kmod_module_get_module(entry);

		may = !is_running(module) && needs_registering(module);
		kmod_module_unref(module);
	}
	kmod_module_unref_list(list);
	kmod_unref(modules);
	return may;
}

static int load_all(struct kmod_list *list)
{
	int error = 0;

	for (struct kmod_list *entry = list; !error && entry;
	     entry = kmod_list_next(list, entry)) {
		struct kmod_module *module = kmod_module_get_module(entry);

		error = kmod_module_probe_insert_module(
			module, KMOD_PROBE_APPLY_BLACKLIST_ALIAS_ONLY, NULL, NULL, NULL, NULL);
		kmod_module_unref(module);
	}
	return error > 0 ? -EPERM : error;
}

int module_load(struct iov *iov, const char *name)
{
	struct kmod_list *list = NULL;
	struct kmod_ctx *modules;
	int error = open_modules(iov, &modules);

	if (error)
		return error;
	error = kmod_module_new_from_lookup(modules, name, &list);
	if (!error)
		error = list ? load_all(list) : -ENOENT;
	kmod_module_unref_list(list);
	kmod_unref(modules);
	if (error == -ENOENT)
		return iov_told(iov, error, "no such module for the running kernel; install the "
				"kernel's modules package, or see that /lib/modules matches 'uname -r'");
	return error ? iov_told(iov, error, "%s", strerror(-error)) : 0;
}

/* Its directory in sysfs. */
static struct iov_path module_path(const char *name)
{
	return iov_path(IOV_PATH_MODULES "/%s", iov_module_name(name).name);
}

/* What is built in and has no parameters has no directory in sysfs. */
static bool is_built_in(struct iov *iov, const char *name)
{
	struct kmod_module *module;
	struct kmod_ctx *modules;
	bool built_in = false;

	if (open_modules(iov, &modules))
		return false;
	if (!kmod_module_new_from_name(modules, name, &module)) {
		built_in = kmod_module_get_initstate(module) == KMOD_MODULE_BUILTIN;
		kmod_module_unref(module);
	}
	kmod_unref(modules);
	return built_in;
}

bool iov_module_is_loaded(struct iov *iov, const char *name)
{
	return iov_sys_exists(iov, module_path(name).name) ||
	       (iov_sys_is_host(iov) && is_built_in(iov, name));
}

void iov_module_plan(struct iov_plan *plan, const char *name, const char *proof, const char *why)
{
	struct iov_path path = proof ? iov_path("%s", proof) : module_path(name);
	struct iov_step *step;

	if (iov_sys_exists(iov_plan_context(plan), path.name) || iov_plan_loads(plan, name))
		return;
	step = iov_plan_step(plan, NULL, "load %s, %s", name, why);
	iov_step_do(step, iov_op_module(name));
	iov_step_verify(step, iov_if_within(iov_if_exists(path.name, true), STARTED_MS));
	iov_step_change(step, iov_path("module %s", name).name, NULL, "loaded");
}
