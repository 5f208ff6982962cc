// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/module.h"

#include <errno.h>
#include <libkmod.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/paths.h"
#include "base/sysroot.h"

static int copy_names(struct kmod_list *list, char ***names, size_t *count)
{
	struct kmod_list *entry;
	size_t length = 0;

	*count = 0;
	kmod_list_foreach(entry, list)
		length++;
	*names = calloc(length + 1, sizeof(**names));
	if (!*names)
		return -ENOMEM;
	kmod_list_foreach(entry, list) {
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

static int find(struct kmod_ctx *kmod, const char *alias, char ***names, size_t *count)
{
	struct kmod_list *all = NULL, *allowed = NULL;
	int error = kmod_module_new_from_lookup(kmod, alias, &all);

	if (!error && all)
		error = kmod_module_apply_filter(kmod, KMOD_FILTER_BLACKLIST, all, &allowed);
	if (!error)
		error = copy_names(allowed, names, count);
	kmod_module_unref_list(all);
	kmod_module_unref_list(allowed);
	return error;
}

int iov_module_find(struct iov *iov, const char *alias, char ***names, size_t *count)
{
	struct kmod_ctx *kmod;
	int error;

	if (!iov_sys_is_host(iov))
		return -EOPNOTSUPP;
	kmod = kmod_new(NULL, NULL);
	if (!kmod)
		return -ENOMEM;
	error = find(kmod, alias, names, count);
	kmod_unref(kmod);
	return error == -ENOSYS || error == -ENOENT ? copy_names(NULL, names, count) : error;
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
static bool is_built_in(const char *name)
{
	struct kmod_ctx *kmod = kmod_new(NULL, NULL);
	struct kmod_module *module;
	bool built_in = false;

	if (kmod && !kmod_module_new_from_name(kmod, name, &module)) {
		built_in = kmod_module_get_initstate(module) == KMOD_MODULE_BUILTIN;
		kmod_module_unref(module);
	}
	kmod_unref(kmod);
	return built_in;
}

bool iov_module_is_loaded(struct iov *iov, const char *name)
{
	return iov_sys_exists(iov, module_path(name).name) ||
	       (iov_sys_is_host(iov) && is_built_in(name));
}

/* Whether a step of the plan has this operation. */
static bool is_planned(struct iov_plan *plan, struct json_object *op)
{
	_cleanup_json_ struct json_object *json = iov_plan_json(plan);
	struct json_object *steps = json_object_object_get(json, "steps");

	for (size_t i = 0; i < json_object_array_length(steps); i++) {
		struct json_object *step = json_object_array_get_idx(steps, i);
		struct json_object *ops = json_object_object_get(step, "do");

		for (size_t n = 0; n < json_object_array_length(ops); n++) {
			if (json_object_equal(json_object_array_get_idx(ops, n), op))
				return true;
		}
	}
	return false;
}

void iov_module_plan(struct iov_plan *plan, const char *name, const char *proof, const char *why)
{
	struct iov_path path = proof ? iov_path("%s", proof) : module_path(name);
	struct json_object *op = iov_op_module(name);
	struct iov_step *step;

	if (iov_sys_exists(iov_plan_context(plan), path.name) || is_planned(plan, op)) {
		json_object_put(op);
		return;
	}
	step = iov_plan_step(plan, NULL, "load %s, %s", name, why);
	iov_step_do(step, op);
	iov_step_verify(step, iov_if_exists(path.name, true));
	iov_step_change(step, iov_path("module %s", name).name, NULL, "loaded");
}
