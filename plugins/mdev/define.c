// SPDX-License-Identifier: GPL-2.0-or-later
/* Plans of definitions: their files written as mdevctl writes them, and started. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/sysroot/paths.h"
#include "plugins/mdev/mdev_internal.h"

/* What else a file says is somebody's, and stays. */
static struct json_object *new_file(struct json_object *now, const struct iov_mdev *mdev,
				    const char *start)
{
	struct json_object *file = now ? json_copy(json_object_object_get(now, "file")) :
				   json_object_new_object();
	struct json_object *attributes = mdev->attributes ? json_copy(mdev->attributes) : NULL;

	json_add_text(file, "mdev_type", mdev->type);
	json_add_text(file, "start", start);
	if (attributes || !json_object_object_get_ex(file, "attrs", NULL))
		json_object_object_add(file, "attrs",
				       attributes ? attributes : json_object_new_array());
	return file;
}

static void describe(struct json_object *file, char *text, size_t size)
{
	struct json_object *attributes = json_object_object_get(file, "attrs");
	size_t count = attributes ? json_object_array_length(attributes) : 0;

	snprintf(text, size, "%s, start %s, %zu attribute%s", json_text(file, "mdev_type"),
		 json_text(file, "start"), count, count == 1 ? "" : "s");
}

static void add_file_step(struct iov_plan *plan, const struct iov_mdev *mdev,
			  struct json_object *now, struct json_object *file)
{
	struct iov_path path = mdev_definition_path(mdev->parent, mdev->uuid);
	const char *was = now ? json_text(now, "text") : NULL;
	const char *text = file ? json_object_to_json_string_ext(file, JSON_C_TO_STRING_PRETTY |
					JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE) : NULL;
	char from[2 * IOV_MDEV_NAME] = "", to[2 * IOV_MDEV_NAME] = "";
	struct iov_step *step;

	mdev_warn_of_scripts(plan);
	step = iov_plan_step(plan, mdev_device(mdev->uuid).name, "%s %s for %s",
			     !file ? "undefine" : now ? "define anew" : "define", mdev->uuid,
			     mdev->parent);
	if (now)
		describe(json_object_object_get(now, "file"), from, sizeof(from));
	if (file)
		describe(file, to, sizeof(to));
	iov_step_spares(step, "a definition is of later starts");
	iov_step_do(step, iov_op_unkept(iov_op_file(path.name, text, was)));
	iov_step_undo(step, iov_op_unkept(iov_op_restore_file(path.name, was, text)));
	iov_step_change(step, iov_path("definition for %s", mdev->parent).name, now ? from : NULL,
			file ? to : NULL);
}

/* The one definition of a UUID; none for none, and for several. */
static int find_definition(struct iov *iov, const char *uuid, const char *parent,
			   struct json_object **definition)
{
	_cleanup_json_ struct json_object *definitions = NULL;
	int error = mdev_definitions(iov, parent, uuid, &definitions);

	*definition = NULL;
	if (!error && json_object_array_length(definitions) == 1)
		*definition = json_object_get(json_object_array_get_idx(definitions, 0));
	return error;
}

/**
 * struct wanted - a definition as it was asked for, or is told by what is there
 * @parent: its parent
 * @type: its type
 * @now: what is defined for that parent; NULL for nothing
 */
struct wanted {
	char parent[IOV_MDEV_NAME];
	char type[IOV_MDEV_NAME];
	struct json_object *now;
};

/* A parent that is not there yet is taken at its word. */
static void find_parent(struct iov *iov, const char *name, char parent[IOV_MDEV_NAME])
{
	if (iov_mdev_parent_find(iov, name, parent))
		snprintf(parent, IOV_MDEV_NAME, "%s", name);
}

static int complete(struct iov *iov, const struct iov_mdev *mdev, struct wanted *wanted)
{
	char parent[IOV_MDEV_NAME], type[IOV_MDEV_NAME];
	bool there = !mdev_read(iov, mdev->uuid, parent, type);
	int error;

	if (mdev->parent)
		find_parent(iov, mdev->parent, wanted->parent);
	else if (there)
		snprintf(wanted->parent, sizeof(wanted->parent), "%s", parent);
	error = find_definition(iov, mdev->uuid, *wanted->parent ? wanted->parent : NULL, &wanted->now);
	if (error)
		return error;
	if (!*wanted->parent && wanted->now)
		snprintf(wanted->parent, sizeof(wanted->parent), "%s", json_text(wanted->now, "parent"));
	if (mdev->type)
		snprintf(wanted->type, sizeof(wanted->type), "%s", mdev->type);
	else if (wanted->now)
		snprintf(wanted->type, sizeof(wanted->type), "%s", json_text(wanted->now, "type"));
	else if (there && !strcmp(parent, wanted->parent))
		snprintf(wanted->type, sizeof(wanted->type), "%s", type);
	if (*wanted->parent && *wanted->type)
		return 0;
	return iov_fail(iov, -ENOENT, "%s: no such mediated device is there, and none is defined%s; say "
			"its parent and its type", mdev->uuid, *wanted->parent ? " for that parent" : "");
}

/* A directory of /etc, and the name of a type: one component each. */
static int check_names(struct iov *iov, const struct wanted *wanted)
{
	const char *const names[] = { wanted->parent, wanted->type };

	for (size_t i = 0; i < 2; i++) {
		if (strchr(names[i], '/') || names[i][0] == '.' || !strcmp(names[i], "scripts.d"))
			return iov_fail(iov, -EINVAL, "%s: expected the name of a %s", names[i],
					i ? "type, as 'iov mdev types' shows them" :
					"device in sysfs, like 0000:00:02.0");
	}
	return 0;
}

static int define(struct iov_plan *plan, const struct iov_mdev *mdev, const char *start,
		  struct wanted *wanted)
{
	struct iov *iov = iov_plan_context(plan);
	const struct iov_mdev whole = { mdev->uuid, wanted->parent, wanted->type, mdev->attributes };
	_cleanup_json_ struct json_object *file = NULL;
	int error = check_names(iov, wanted);

	if (!error && iov_sys_exists(iov, mdev_type_path(wanted->parent, "", "").name))
		error = mdev_type_require(iov, wanted->parent, wanted->type);
	if (error)
		return error;
	if (!start)
		start = wanted->now ? json_text(wanted->now, "start") : "manual";
	file = new_file(wanted->now, &whole, start);
	if (!wanted->now || !json_object_equal(file, json_object_object_get(wanted->now, "file")))
		add_file_step(plan, &whole, wanted->now, file);
	return 0;
}

int iov_mdev_define_plan(struct iov_plan *plan, const struct iov_mdev *mdev, const char *start)
{
	struct iov *iov = iov_plan_context(plan);
	struct wanted wanted = { 0 };
	int error = complete(iov, mdev, &wanted);

	if (!error)
		error = define(plan, mdev, start, &wanted);
	json_object_put(wanted.now);
	return iov_plan_built(plan, error);
}

static int fail_undefined(struct iov *iov, const char *uuid, const char *parent)
{
	return iov_fail(iov, -ENOENT, "%s: not defined%s%s; 'iov mdev list' shows what is, 'iov mdev define' "
			"adds to it", uuid,
			parent ? " for " : "", parent ? parent : "");
}

int iov_mdev_undefine_plan(struct iov_plan *plan, const char *uuid, const char *parent)
{
	_cleanup_json_ struct json_object *definitions = NULL;
	struct iov *iov = iov_plan_context(plan);
	int error = mdev_definitions(iov, parent, uuid, &definitions);

	if (!error && !json_object_array_length(definitions))
		error = fail_undefined(iov, uuid, parent);
	for (size_t i = 0; !error && i < json_object_array_length(definitions); i++) {
		struct json_object *definition = json_object_array_get_idx(definitions, i);
		const struct iov_mdev mdev = { .uuid = uuid, .parent = json_text(definition, "parent") };

		add_file_step(plan, &mdev, definition, NULL);
	}
	return iov_plan_built(plan, error);
}

static int start(struct iov_plan *plan, struct json_object *definition)
{
	const struct iov_mdev mdev = {
		.uuid = json_text(definition, "uuid"),
		.parent = json_text(definition, "parent"),
		.type = json_text(definition, "type"),
		.attributes = json_object_object_get(definition, "attributes"),
	};
	char parent[IOV_MDEV_NAME], type[IOV_MDEV_NAME];

	/* Of one that is there, maybe in use, nothing is set: it was started, by us or by mdevctl. */
	if (!mdev_read(iov_plan_context(plan), mdev.uuid, parent, type) &&
	    !strcmp(parent, mdev.parent) && !strcmp(type, mdev.type))
		return 0;
	return iov_mdev_create_plan(plan, &mdev);
}

/* Whether one starts when nobody names it. */
static bool starts_itself(struct iov *iov, struct json_object *definition)
{
	return !strcmp(json_text(definition, "start"), "auto") &&
	       iov_sys_exists(iov, iov_path(IOV_PATH_MDEV_PARENTS "/%s",
					    json_text(definition, "parent")).name);
}

/* Whether it could be made behind those that are planned so far; why not is logged. */
static bool can_start(const struct iov_plan *plan, struct json_object *definitions, const bool *chosen,
		      size_t index)
{
	struct iov *iov = iov_plan_context(plan);
	struct iov_plan *trial;
	int error = iov_plan_new(&trial, iov, "start what is defined");

	if (error)
		return false;
	for (size_t i = 0; !error && i <= index; i++) {
		if (i == index || chosen[i])
			error = start(trial, json_object_array_get_idx(definitions, i));
	}
	if (error)
		iov_log(iov, LOG_WARNING, "left out: %s: %s",
			json_text(json_object_array_get_idx(definitions, index), "uuid"),
			iov_error_message(iov));
	iov_plan_free(trial);
	return !error;
}

/* One that cannot be made keeps none of the others waiting. */
static int start_all(struct iov_plan *plan, struct json_object *definitions)
{
	size_t count = json_object_array_length(definitions);
	bool *chosen = calloc(count + 1, sizeof(*chosen));
	int error = chosen ? 0 : -ENOMEM;

	for (size_t i = 0; !error && i < count; i++) {
		struct json_object *definition = json_object_array_get_idx(definitions, i);

		chosen[i] = starts_itself(iov_plan_context(plan), definition) &&
			    can_start(plan, definitions, chosen, i);
		if (chosen[i])
			error = start(plan, definition);
	}
	free(chosen);
	return error;
}

int iov_mdev_start_plan(struct iov_plan *plan, const char *uuid, const char *parent)
{
	_cleanup_json_ struct json_object *definitions = NULL;
	struct iov *iov = iov_plan_context(plan);
	int error = mdev_definitions(iov, parent, uuid, &definitions);
	size_t count = error ? 0 : json_object_array_length(definitions);

	if (!error && uuid && !count)
		error = fail_undefined(iov, uuid, parent);
	if (!error && uuid && count > 1)
		error = iov_fail(iov, -EINVAL, "%s: defined for %zu parents; say which with --parent", uuid,
				 count);
	if (!error && uuid)
		error = start(plan, json_object_array_get_idx(definitions, 0));
	else if (!error)
		error = start_all(plan, definitions);
	return iov_plan_built(plan, error);
}
