// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/plan/module.h"

#include <errno.h>
#include <libkmod.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/context.h"
#include "base/library.h"
#include "base/plan/plan_engine.h"
#include "base/sysroot/paths.h"

#define KMOD_LIBRARY "libkmod.so.2"

/* The functions of libkmod that are called here. */
static struct {
	typeof(kmod_new) *new;
	typeof(kmod_unref) *unref;
	typeof(kmod_list_next) *list_next;
	typeof(kmod_module_new_from_lookup) *lookup;
	typeof(kmod_module_new_from_name) *from_name;
	typeof(kmod_module_apply_filter) *filter;
	typeof(kmod_module_get_module) *get_module;
	typeof(kmod_module_get_name) *get_name;
	typeof(kmod_module_get_initstate) *get_state;
	typeof(kmod_module_probe_insert_module) *insert;
	typeof(kmod_module_unref) *unref_module;
	typeof(kmod_module_unref_list) *unref_list;
} kmod;

/* Load the library and open its view of /lib/modules; a message on failure. */
static int open_modules(struct iov *iov, struct kmod_ctx **modules)
{
	static const struct iov_symbol symbols[] = {
		{ "kmod_new", &kmod.new },
		{ "kmod_unref", &kmod.unref },
		{ "kmod_list_next", &kmod.list_next },
		{ "kmod_module_new_from_lookup", &kmod.lookup },
		{ "kmod_module_new_from_name", &kmod.from_name },
		{ "kmod_module_apply_filter", &kmod.filter },
		{ "kmod_module_get_module", &kmod.get_module },
		{ "kmod_module_get_name", &kmod.get_name },
		{ "kmod_module_get_initstate", &kmod.get_state },
		{ "kmod_module_probe_insert_module", &kmod.insert },
		{ "kmod_module_unref", &kmod.unref_module },
		{ "kmod_module_unref_list", &kmod.unref_list },
	};
	int error = iov_library_load(iov, KMOD_LIBRARY, symbols,
				     sizeof(symbols) / sizeof(*symbols));

	if (error)
		return error;
	*modules = kmod.new(NULL, NULL);
	return *modules ? 0 : iov_fail(iov, -ENOMEM, "out of memory");
}

static int copy_names(struct kmod_list *list, char ***names, size_t *count)
{
	struct kmod_list *entry;
	size_t length = 0;

	*count = 0;
	for (entry = list; entry; entry = kmod.list_next(list, entry))
		length++;
	*names = calloc(length + 1, sizeof(**names));
	if (!*names)
		return -ENOMEM;
	for (entry = list; entry; entry = kmod.list_next(list, entry)) {
		struct kmod_module *module = kmod.get_module(entry);

		(*names)[*count] = strdup(kmod.get_name(module));
		kmod.unref_module(module);
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
	int error = kmod.lookup(modules, alias, &all);

	if (!error && all)
		error = kmod.filter(modules, KMOD_FILTER_BLACKLIST, all, &allowed);
	if (!error)
		error = copy_names(allowed, names, count);
	kmod.unref_list(all);
	kmod.unref_list(allowed);
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
	kmod.unref(modules);
	if (error != -ENOSYS && error != -ENOENT)
		return error;
	*count = 0;
	*names = NULL;
	return 0;
}

static int load_all(struct kmod_list *list)
{
	int error = 0;

	for (struct kmod_list *entry = list; !error && entry;
	     entry = kmod.list_next(list, entry)) {
		struct kmod_module *module = kmod.get_module(entry);

		error = kmod.insert(module, KMOD_PROBE_APPLY_BLACKLIST_ALIAS_ONLY, NULL, NULL,
				    NULL, NULL);
		kmod.unref_module(module);
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
	error = kmod.lookup(modules, name, &list);
	if (!error)
		error = list ? load_all(list) : -ENOENT;
	kmod.unref_list(list);
	kmod.unref(modules);
	if (error == -ENOENT)
		return iov_fail(iov, error, "no such module for the running kernel; install the "
				"kernel's modules package, or see that /lib/modules matches 'uname -r'");
	return error ? iov_fail(iov, error, "%s", strerror(-error)) : 0;
}

/* Its directory in sysfs, where '-' is written '_'. */
static struct iov_path module_path(const char *name)
{
	struct iov_path path = iov_path(IOV_PATH_MODULES "/%s", name);

	for (char *c = path.name + sizeof(IOV_PATH_MODULES); (c = strchr(c, '-'));)
		*c = '_';
	return path;
}

/* What is built in and has no parameters has no directory in sysfs. */
static bool is_built_in(struct iov *iov, const char *name)
{
	struct kmod_module *module;
	struct kmod_ctx *modules;
	bool built_in = false;

	if (open_modules(iov, &modules))
		return false;
	if (!kmod.from_name(modules, name, &module)) {
		built_in = kmod.get_state(module) == KMOD_MODULE_BUILTIN;
		kmod.unref_module(module);
	}
	kmod.unref(modules);
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
	iov_step_verify(step, iov_if_exists(path.name, true));
	iov_step_change(step, iov_path("module %s", name).name, NULL, "loaded");
}
