// SPDX-License-Identifier: GPL-2.0-or-later
/* Plans that make mediated devices, remove them, and set their attributes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/plan/step.h"
#include "base/sysroot/paths.h"
#include "plugins/mdev/mdev_internal.h"

#define LIST_SIZE 2048

/* "mtty-2 of mtty", as changes name it. */
static struct iov_path kind_of(const char *parent, const char *type)
{
	return iov_path("%s of %s", type, parent);
}

/* How many of a kind the plan makes so far. */
static int64_t planned(const struct iov_plan *plan, const char *parent, const char *type)
{
	struct iov_path kind = kind_of(parent, type);
	const struct iov_step *const *steps;
	int64_t found = 0;
	size_t count;

	steps = iov_plan_steps(plan, &count);
	for (size_t i = 0; i < count; i++) {
		for (size_t n = 0; n < steps[i]->change_count; n++) {
			const struct iov_change *change = &steps[i]->changes[n];

			found += !strcmp(change->what, "mdev") && change->to &&
				 !strcmp(change->to, kind.name);
		}
	}
	return found;
}

/* Whether a step so far changes the parent, so that what is made of it has to wait. */
static bool parent_changes(const struct iov_plan *plan, const char *parent)
{
	const struct iov_step *const *steps;
	size_t count;

	steps = iov_plan_steps(plan, &count);
	for (size_t i = 0; i < count; i++) {
		bool on = steps[i]->device && !strcmp(steps[i]->device, parent);

		for (size_t n = 0; !on && n < steps[i]->touches.count; n++)
			on = !strcmp(steps[i]->touches.list[n], parent);
		if (on)
			return true;
	}
	return false;
}

/* Those of a parent: "83b8... (mtty-2, held by pid 71 (qemu-system-x86)), ..." */
static void list_instances(struct iov *iov, const char *parent, char *text, size_t size)
{
	_cleanup_json_ struct json_object *findings = NULL;
	char its[IOV_MDEV_NAME], type[IOV_MDEV_NAME], **names = NULL;
	size_t count = 0, length = 0;

	*text = '\0';
	iov_sys_list(iov, IOV_PATH_MDEV_DEVICES, &names, &count);
	mdev_find_holders(iov, names, count, &findings);
	for (size_t i = 0; i < count && length < size; i++) {
		_cleanup_json_ struct json_object *holders = mdev_holders_of(names[i], findings);
		bool held = json_object_array_length(holders);

		if (mdev_read(iov, names[i], its, type) || strcmp(its, parent))
			continue;
		length += (size_t)snprintf(text + length, size - length, "%s%s (%s%s%s)",
					   length ? ", " : "", names[i], type, held ? ", held by " : "",
					   held ? json_object_get_string(
						json_object_array_get_idx(holders, 0)) : "");
	}
	iov_names_free(names, count);
}

static int check_room(struct iov_plan *plan, const struct iov_mdev *mdev)
{
	int64_t left, made = planned(plan, mdev->parent, mdev->type);
	struct iov *iov = iov_plan_context(plan);
	char instances[LIST_SIZE];
	int error = mdev_type_left(iov, mdev->parent, mdev->type, &left);

	if (error || left < 0 || left > made)
		return error;
	list_instances(iov, mdev->parent, instances, sizeof(instances));
	if (made)
		return iov_fail(iov, -ENOSPC, "%s: %lld instance%s left on %s, and more are asked for%s%s",
				mdev->type, (long long)made, made == 1 ? " is" : "s are", mdev->parent,
				*instances ? "; there are: " : "", instances);
	return iov_fail(iov, -ENOSPC, "%s: no instance is left on %s%s%s; 'iov mdev remove' gives one back",
			mdev->type, mdev->parent, *instances ? ", which has given: " : "", instances);
}

/* The write of an attribute, and in words what its errors mean. */
static struct iov_op *attribute_op(const char *uuid, const char *name, const char *value)
{
	struct iov_op *op = iov_op_write(mdev_path(uuid, name).name, value);

	op = iov_op_explain(op, ENOENT, "its type has no such attribute; 'iov mdev show' lists those of a "
			    "device that is there");
	return iov_op_explain(op, EACCES, "this attribute can only be read");
}

static struct iov_op *create_op(const struct iov_mdev *mdev)
{
	struct iov_op *op = iov_op_write(mdev_type_path(mdev->parent, mdev->type, "create").name,
					 mdev->uuid);

	op = iov_op_explain(op, ENOENT, "the parent, or its type, is gone");
	op = iov_op_explain(op, EEXIST, "somebody has just made one with this UUID; run the command again");
	op = iov_op_explain(op, EUSERS, "no instance of the type is left");
	op = iov_op_explain(op, ENOSPC, "no instance of the type is left");
	return iov_op_unless(op, iov_if_exists(mdev_path(mdev->uuid, "").name, true));
}

static struct iov_op *remove_op(const char *uuid)
{
	return iov_op_unless(iov_op_absent_ok(iov_op_write(mdev_path(uuid, "remove").name, "1")),
			     iov_if_exists(mdev_path(uuid, "").name, false));
}

static void set_attributes(struct iov_step *step,
			   void (*append)(struct iov_step *step, struct iov_op *op),
			   const char *uuid, struct json_object *attributes)
{
	const char *name = "", *value = "";

	for (size_t i = 0; attributes && i < json_object_array_length(attributes); i++) {
		mdev_attribute(attributes, i, &name, &value);
		append(step, attribute_op(uuid, name, value));
	}
}

/* For people: each attribute and its value. */
static void change_attributes(struct iov_step *step, struct json_object *attributes)
{
	const char *name = "", *value = "";

	for (size_t i = 0; attributes && i < json_object_array_length(attributes); i++) {
		mdev_attribute(attributes, i, &name, &value);
		iov_step_change(step, name, NULL, value);
	}
}

static void add_create(struct iov_plan *plan, const struct iov_mdev *mdev)
{
	struct iov_path there = mdev_path(mdev->uuid, ""), device = mdev_device(mdev->uuid);
	struct iov_bdf parent;
	struct iov_step *step;

	mdev_warn_of_scripts(plan);
	step = iov_plan_step(plan, device.name, "create %s, a %s of %s", mdev->uuid, mdev->type,
			     mdev->parent);
	if (parent_changes(plan, mdev->parent))
		iov_step_touches(step, mdev->parent);
	if (iov_bdf_scan(mdev->parent, &parent))
		iov_plan_take_unused(plan, mdev->parent, iov_path("parent of %s", mdev->uuid).name);
	iov_step_spares(step, "a new device is nobody's yet");
	iov_step_unheld_device(step, device.name);
	iov_step_change(step, "mdev", NULL, kind_of(mdev->parent, mdev->type).name);
	change_attributes(step, mdev->attributes);
	iov_step_check(step, iov_if_exists(there.name, false));
	iov_step_do(step, create_op(mdev));
	set_attributes(step, iov_step_do, mdev->uuid, mdev->attributes);
	iov_step_verify(step, iov_if_link(mdev_path(mdev->uuid, "mdev_type").name, mdev->type));
	iov_step_undo(step, remove_op(mdev->uuid));
	iov_step_undone(step, iov_if_exists(there.name, false));
}

static int create(struct iov_plan *plan, const struct iov_mdev *mdev)
{
	int error = mdev_type_require(iov_plan_context(plan), mdev->parent, mdev->type);

	if (!error)
		error = check_room(plan, mdev);
	if (!error)
		add_create(plan, mdev);
	return error;
}

/*
 * An attribute that cannot be read, as those that assign something, has no value to come back, and is
 * not written @again.
 */
static int add_set(struct iov_plan *plan, const char *uuid, const char *name, const char *value,
		   bool again)
{
	struct iov_path path = mdev_path(uuid, name);
	struct iov *iov = iov_plan_context(plan);
	struct iov_step *step;
	char now[256];
	int error;

	if (!iov_sys_exists(iov, path.name))
		return iov_fail(iov, -ENOENT, "%s: has no attribute %s; 'iov mdev show %s' lists those that it "
				"has", uuid, name, uuid);
	error = iov_sys_read(iov, path.name, now, sizeof(now));
	if (error ? again : !strcmp(now, value))
		return 0;
	step = iov_plan_step(plan, mdev_device(uuid).name, "set %s of %s to %s", name, uuid, value);
	iov_step_spares(step, "who uses it goes on with another value");
	iov_step_change(step, name, error ? NULL : now, value);
	iov_step_do(step, attribute_op(uuid, name, value));
	if (!error)
		iov_step_undo(step, iov_op_unless(attribute_op(uuid, name, now),
						  iov_if_value(path.name, now)));
	else
		iov_plan_note(plan, "%s of %s cannot be read, so it is not put back if this is undone", name,
			      uuid);
	return 0;
}

static int add_sets(struct iov_plan *plan, const char *uuid, struct json_object *attributes,
		    bool again)
{
	const char *name = "", *value = "";
	int error = 0;

	for (size_t i = 0; !error && attributes && i < json_object_array_length(attributes); i++) {
		mdev_attribute(attributes, i, &name, &value);
		error = add_set(plan, uuid, name, value, again);
	}
	return error;
}

/* It is there: nothing to do, but for attributes. */
static int keep(struct iov_plan *plan, const struct iov_mdev *mdev, const char *parent,
		const char *type)
{
	if (strcmp(parent, mdev->parent) || strcmp(type, mdev->type))
		return iov_fail(iov_plan_context(plan), -EEXIST, "%s: is there already, a %s of %s; take "
				"another UUID, or 'iov mdev remove' it first", mdev->uuid, type, parent);
	return add_sets(plan, mdev->uuid, mdev->attributes, true);
}

int iov_mdev_create_plan(struct iov_plan *plan, const struct iov_mdev *mdev)
{
	char parent[IOV_MDEV_NAME], its[IOV_MDEV_NAME], type[IOV_MDEV_NAME];
	struct iov_mdev found = *mdev;
	struct iov *iov = iov_plan_context(plan);
	int error = iov_mdev_parent_find(iov, mdev->parent, parent);

	found.parent = parent;
	if (!error)
		error = mdev_read(iov, mdev->uuid, its, type) ? create(plan, &found) :
			keep(plan, &found, its, type);
	return iov_plan_built(plan, error);
}

/* What it was given when it was started is what it gets when it comes back. */
static void undo_remove(struct iov_plan *plan, struct iov_step *step, const struct iov_mdev *mdev)
{
	_cleanup_json_ struct json_object *definition = NULL;

	mdev_definition_read(iov_plan_context(plan), mdev->parent, mdev->uuid, &definition);
	iov_step_undo(step, create_op(mdev));
	if (definition)
		set_attributes(step, iov_step_undo, mdev->uuid,
			       json_object_object_get(definition, "attributes"));
	iov_step_undone(step, iov_if_link(mdev_path(mdev->uuid, "mdev_type").name, mdev->type));
	if (definition)
		iov_plan_note(plan, "%s stays defined; 'iov mdev undefine' ends that", mdev->uuid);
}

int iov_mdev_remove_plan(struct iov_plan *plan, const char *uuid)
{
	struct iov_path there = mdev_path(uuid, ""), device = mdev_device(uuid);
	char parent[IOV_MDEV_NAME], type[IOV_MDEV_NAME];
	struct iov *iov = iov_plan_context(plan);
	int error = mdev_require(iov, uuid, parent, type);
	struct iov_step *step;

	if (error)
		return iov_plan_built(plan, error);
	mdev_warn_of_scripts(plan);
	step = iov_plan_step(plan, device.name, "remove %s, a %s of %s", uuid, type, parent);
	iov_plan_take_device(plan, device.name, "named");
	iov_step_change(step, "mdev", kind_of(parent, type).name, NULL);
	iov_step_check(step, iov_if_link(mdev_path(uuid, "mdev_type").name, type));
	iov_step_do(step, remove_op(uuid));
	iov_step_verify(step, iov_if_exists(there.name, false));
	undo_remove(plan, step, &(struct iov_mdev){ .uuid = uuid, .parent = parent, .type = type });
	return iov_plan_built(plan, 0);
}

int iov_mdev_set_plan(struct iov_plan *plan, const char *uuid, struct json_object *attributes)
{
	char parent[IOV_MDEV_NAME], type[IOV_MDEV_NAME];
	int error = mdev_require(iov_plan_context(plan), uuid, parent, type);

	if (!error)
		error = add_sets(plan, uuid, attributes, false);
	return iov_plan_built(plan, error);
}
