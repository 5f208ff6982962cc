// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/module.h"

#include <errno.h>
#include <libkmod.h>
#include <stdlib.h>
#include <string.h>

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
