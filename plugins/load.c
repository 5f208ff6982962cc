// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Plugins of others, and what there is of them.
 *
 * A shared object is never closed again: its classes outlive the context. To open one once more
 * gives the same, so nobody keeps a list of what was loaded; it shows in the classes of a context.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "plugins/builtin.h"
#include "plugins/plugin.h"
#include "plugins/plugins.h"
#include "plugins/trust.h"

static int is_object(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length > 3 && !strcmp(entry->d_name + length - 3, ".so");
}

static int open_object(struct iov *iov, const char *path, const struct iov_plugin **plugin)
{
	char real[PATH_MAX];
	void *object;
	int error = plugin_trust(iov, path, real);

	if (error)
		return error;
	object = dlopen(real, RTLD_NOW | RTLD_LOCAL);
	if (!object)
		return iov_fail(iov, -ENOEXEC, "%s", dlerror());
	*plugin = dlsym(object, IOV_PLUGIN_SYMBOL);
	if (!*plugin)
		return iov_fail(iov, -ENOEXEC, "it has no symbol " IOV_PLUGIN_SYMBOL ", which IOV_PLUGIN() of "
				"plugins/plugin.h makes");
	return 0;
}

static int check_version(struct iov *iov, const struct iov_plugin *plugin)
{
	if (plugin->abi != IOV_PLUGIN_ABI)
		return iov_fail(iov, -ENOEXEC, "it was made for version %u of the plugin interface, and this "
				"is version %d; compile it against the headers of this iovkit", plugin->abi,
				IOV_PLUGIN_ABI);
	if (plugin->class_size != sizeof(struct iov_class))
		return iov_fail(iov, -ENOEXEC, "its device classes have %u bytes, and here they have %zu; "
				"compile it against the headers of this iovkit", plugin->class_size,
				sizeof(struct iov_class));
	if (!plugin->name || !plugin->version || !plugin->classes || !plugin->classes[0])
		return iov_fail(iov, -EINVAL, "it lacks a name, a version, or device classes");
	return 0;
}

/* A plugin that may be loaded; a message for one that may not. */
static int consider(struct iov *iov, const char *path, const struct iov_plugin **plugin)
{
	int error = open_object(iov, path, plugin);

	return error ? error : check_version(iov, *plugin);
}

static bool has_class(const struct iov *iov, const struct iov_class *device_class)
{
	const struct iov_class *other;

	for (size_t i = 0; (other = iov_class_at(iov, i)); i++) {
		if (other == device_class)
			return true;
	}
	return false;
}

/* All its classes or none. */
static int add_classes(struct iov *iov, const struct iov_plugin *plugin)
{
	const struct iov_class *const *classes = plugin->classes;
	int error = 0;

	for (size_t i = 0; !error && classes[i]; i++)
		error = iov_class_check(iov, classes[i]);
	for (size_t i = 0; !error && classes[i]; i++)
		error = iov_class_add(iov, classes[i]);
	return error;
}

/* Whether its classes are those of the context; why not otherwise. */
static int check_loaded(struct iov *iov, const struct iov_plugin *plugin)
{
	int error = 0;

	for (size_t i = 0; !error && plugin->classes[i]; i++) {
		if (has_class(iov, plugin->classes[i]))
			continue;
		error = iov_class_check(iov, plugin->classes[i]);
		if (!error)
			error = iov_fail(iov, -ESTALE, "it was not there when the others were loaded");
	}
	return error;
}

typedef void each_fn(struct iov *iov, const char *path, void *arg);

static int for_each(struct iov *iov, const char *directory, each_fn *each, void *arg)
{
	const char *where = directory ? directory : IOVKIT_PLUGIN_DIR;
	struct dirent **entries;
	int count = scandir(where, &entries, is_object, alphasort);

	/* No plugins of others, as on most hosts. */
	if (count < 0 && errno == ENOENT && !directory)
		return 0;
	if (count < 0)
		return iov_told(iov, -errno, "%s: %s; expected a directory with plugins", where,
				strerror(errno));
	for (int i = 0; i < count; i++) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "%s/%s", where, entries[i]->d_name) >= 0)
			each(iov, path, arg);
		free(entries[i]);
	}
	free(entries);
	return 0;
}

static void load(struct iov *iov, const char *path, void *arg)
{
	const struct iov_plugin *plugin;
	int error = consider(iov, path, &plugin);

	(void)arg;
	if (!error)
		error = add_classes(iov, plugin);
	if (error)
		iov_log(iov, LOG_WARNING, "plugin %s is not loaded: %s", path, iov_error_message(iov));
}

int iov_plugins_load(struct iov *iov, const char *directory)
{
	return for_each(iov, directory, load, NULL);
}

static struct json_object *classes_json(const struct iov_class *const *classes)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; classes[i]; i++)
		json_object_array_add(array, iov_class_json(classes[i]));
	return array;
}

static struct json_object *describe(const char *name, const char *version, const char *file,
				    const char *state)
{
	struct json_object *json = json_object_new_object();

	json_add_text(json, "name", name);
	json_add_text(json, "version", version);
	json_add_text(json, "file", file);
	json_add_text(json, "state", state);
	json_object_object_add(json, "reason", NULL);
	return json;
}

static void list(struct iov *iov, const char *path, void *arg)
{
	struct json_object *all = arg, *json;
	const struct iov_plugin *plugin;
	const char *file = strrchr(path, '/') + 1;
	int error = consider(iov, path, &plugin);

	if (!error)
		error = check_loaded(iov, plugin);
	if (error) {
		json = describe(iov_path("%.*s", (int)strlen(file) - 3, file).name, NULL, path, "refused");
		json_add_text(json, "reason", iov_error_message(iov));
		json_object_object_add(json, "classes", json_object_new_array());
	} else {
		json = describe(plugin->name, plugin->version, path, "loaded");
		json_object_object_add(json, "classes", classes_json(plugin->classes));
	}
	json_object_array_add(all, json);
}

int iov_plugins_list(struct iov *iov, const char *directory, struct json_object **out)
{
	const struct iov_class *one[] = { NULL, NULL };
	struct json_object *json;

	*out = json_object_new_array();
	for (size_t i = 0; (one[0] = builtin_class(i)); i++) {
		json = describe(one[0]->name, IOVKIT_VERSION, NULL, "built-in");
		json_object_object_add(json, "classes", classes_json(one));
		json_object_array_add(*out, json);
	}
	return for_each(iov, directory, list, *out);
}
