// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Plans as JSON, and back; their operations and conditions are those of op_json.c.
 *
 * What was noted of a plan is for whoever reads it, so it is not read back.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/guard/ask.h"
#include "base/json.h"
#include "base/plan/op_json.h"
#include "base/plan/plan.h"
#include "base/plan/plan_engine.h"

static struct json_object *add_array(struct json_object *json, const char *key)
{
	struct json_object *array = json_object_new_array();

	json_object_object_add(json, key, array);
	return array;
}

static void add_texts(struct json_object *json, const char *key, const struct iov_text_list *texts)
{
	struct json_object *array = add_array(json, key);

	for (size_t i = 0; i < texts->count; i++)
		json_object_array_add(array, json_object_new_string(texts->list[i]));
}

static void add_ops(struct json_object *json, const char *key, const struct iov_op_list *ops)
{
	struct json_object *array = add_array(json, key);

	for (size_t i = 0; i < ops->count; i++)
		json_object_array_add(array, iov_op_json(ops->list[i]));
}

static void add_conditions(struct json_object *json, const char *key,
			   const struct iov_condition_list *conditions)
{
	struct json_object *array = add_array(json, key);

	for (size_t i = 0; i < conditions->count; i++)
		json_object_array_add(array, condition_json(conditions->list[i]));
}

static void add_changes(struct json_object *json, const struct iov_step *step)
{
	struct json_object *array = add_array(json, "changes");

	for (size_t i = 0; i < step->change_count; i++) {
		struct json_object *change = json_object_new_object();

		json_add_text(change, "what", step->changes[i].what);
		json_add_text(change, "from", step->changes[i].from);
		json_add_text(change, "to", step->changes[i].to);
		json_object_array_add(array, change);
	}
}

static struct json_object *step_json(const struct iov_step *step)
{
	struct json_object *json = json_object_new_object();

	json_add_text(json, "title", step->title);
	json_add_text(json, "device", step->device);
	add_texts(json, "touches", &step->touches);
	add_changes(json, step);
	add_conditions(json, "check", &step->check);
	add_ops(json, "do", &step->run);
	add_conditions(json, "verify", &step->verify);
	add_ops(json, "undo", &step->undo);
	add_conditions(json, "undone", &step->undone);
	add_texts(json, "unheld", &step->unheld);
	add_texts(json, "gives", &step->gives);
	return json;
}

struct json_object *iov_plan_json(const struct iov_plan *plan)
{
	struct json_object *json = json_object_new_object(), *steps, *takes;

	json_add_text(json, "title", plan->title);
	steps = add_array(json, "steps");
	for (size_t i = 0; i < plan->step_count; i++)
		json_object_array_add(steps, step_json(plan->steps[i]));
	takes = add_array(json, "takes");
	for (size_t i = 0; i < plan->take_count; i++) {
		struct json_object *take = json_object_new_object();

		json_add_text(take, "device", plan->takes[i].device);
		json_add_text(take, "why", plan->takes[i].why);
		if (plan->takes[i].unused)
			json_object_object_add(take, "unused", json_object_new_boolean(true));
		json_object_array_add(takes, take);
	}
	add_texts(json, "notes", &plan->notes);
	return json;
}

/* A member of a step or plan: a list of that name, or an error that names it. */
static int get_list(struct iov *iov, struct json_object *json, const char *key,
		    struct json_object **list)
{
	if (json_object_object_get_ex(json, key, list) &&
	    json_object_is_type(*list, json_type_array))
		return 0;
	return iov_fail(iov, -EINVAL, "'%s': expected an array", key);
}

/* @null: there need be none. */
static int get_text(struct iov *iov, struct json_object *json, const char *key, bool null,
		    const char **text)
{
	struct json_object *value;

	*text = NULL;
	if (json_object_object_get_ex(json, key, &value) &&
	    (json_object_is_type(value, json_type_string) || (null && !value))) {
		*text = json_object_get_string(value);
		return 0;
	}
	return iov_fail(iov, -EINVAL, "'%s': expected a text", key);
}

/* What an entry of a list adds to a step. */
typedef int read_fn(struct iov *iov, struct iov_step *step, struct json_object *entry);

static int read_touched(struct iov *iov, struct iov_step *step, struct json_object *entry)
{
	if (!json_object_is_type(entry, json_type_string))
		return iov_fail(iov, -EINVAL, "expected the name of a device");
	iov_step_touches(step, json_object_get_string(entry));
	return 0;
}

/* What guards can be asked for: BUS/NAME, or an address. */
static int check_device(struct iov *iov, const char *device)
{
	struct iov_bdf bdf;

	return guard_knows(device) ? 0 : iov_bdf_parse(iov, device, &bdf);
}

static int read_unheld(struct iov *iov, struct iov_step *step, struct json_object *entry)
{
	const char *device = json_object_get_string(entry);
	int error;

	if (!json_object_is_type(entry, json_type_string))
		return iov_fail(iov, -EINVAL, "expected the name of a device");
	error = check_device(iov, device);
	if (!error)
		iov_step_unheld_device(step, device);
	return error;
}

static int read_given(struct iov *iov, struct iov_step *step, struct json_object *entry)
{
	struct iov_bdf bdf;
	int error;

	if (!json_object_is_type(entry, json_type_string))
		return iov_fail(iov, -EINVAL, "expected the address of a function");
	error = iov_bdf_parse(iov, json_object_get_string(entry), &bdf);
	if (!error)
		iov_step_gives(step, bdf);
	return error;
}

static int read_change(struct iov *iov, struct iov_step *step, struct json_object *entry)
{
	const char *what, *from, *to;
	int error = get_text(iov, entry, "what", false, &what);

	if (!error)
		error = get_text(iov, entry, "from", true, &from);
	if (!error)
		error = get_text(iov, entry, "to", true, &to);
	if (!error)
		iov_step_change(step, what, from, to);
	return error;
}

static int read_op(struct iov *iov, struct iov_step *step, struct json_object *entry,
		   void (*append)(struct iov_step *step, struct iov_op *op))
{
	struct iov_op *op;
	int error = iov_op_from_json(&op, iov, entry);

	if (!error)
		append(step, op);
	return error;
}

static int read_do(struct iov *iov, struct iov_step *step, struct json_object *entry)
{
	return read_op(iov, step, entry, iov_step_do);
}

static int read_undo(struct iov *iov, struct iov_step *step, struct json_object *entry)
{
	return read_op(iov, step, entry, iov_step_undo);
}

static int read_condition(struct iov *iov, struct iov_step *step, struct json_object *entry,
			  void (*append)(struct iov_step *step, struct iov_condition *condition))
{
	struct iov_condition *condition;
	int error = condition_from_json(&condition, iov, entry);

	if (!error)
		append(step, condition);
	return error;
}

static int read_check(struct iov *iov, struct iov_step *step, struct json_object *entry)
{
	return read_condition(iov, step, entry, iov_step_check);
}

static int read_verify(struct iov *iov, struct iov_step *step, struct json_object *entry)
{
	return read_condition(iov, step, entry, iov_step_verify);
}

static int read_undone(struct iov *iov, struct iov_step *step, struct json_object *entry)
{
	return read_condition(iov, step, entry, iov_step_undone);
}

/* The message again, behind the place that it is about. */
static int fail_at(struct iov *iov, int error, const char *place, size_t index)
{
	return iov_fail_as(iov, iov_failure(iov, error), error, "%s[%zu]: %s", place, index,
			   iov_error_message(iov));
}

static int read_list(struct iov *iov, struct iov_step *step, struct json_object *json,
		     const char *key, read_fn *read)
{
	struct json_object *list;
	int error = get_list(iov, json, key, &list);

	for (size_t i = 0; !error && i < json_object_array_length(list); i++) {
		error = read(iov, step, json_object_array_get_idx(list, i));
		if (error)
			return fail_at(iov, error, key, i);
	}
	return error;
}

static int read_step(struct iov_plan *plan, struct json_object *json)
{
	static const struct {
		const char *key;
		read_fn *read;
	} lists[] = {
		{ "touches", read_touched }, { "changes", read_change }, { "check", read_check },
		{ "do", read_do }, { "verify", read_verify }, { "undo", read_undo },
		{ "undone", read_undone }, { "unheld", read_unheld },
		{ "gives", read_given },
	};
	const char *title, *device;
	struct iov_step *step;
	int error = get_text(plan->iov, json, "title", false, &title);

	if (!error)
		error = get_text(plan->iov, json, "device", true, &device);
	if (error)
		return error;
	step = iov_plan_step(plan, device, "%s", title);
	for (size_t i = 0; !error && i < sizeof(lists) / sizeof(*lists); i++)
		error = read_list(plan->iov, step, json, lists[i].key, lists[i].read);
	return error;
}

static int read_take(struct iov_plan *plan, struct json_object *json)
{
	struct json_object *unused = NULL;
	const char *device, *why;
	int error = get_text(plan->iov, json, "device", false, &device);

	if (!error)
		error = get_text(plan->iov, json, "why", false, &why);
	if (!error)
		error = check_device(plan->iov, device);
	if (!error && json_object_object_get_ex(json, "unused", &unused) &&
	    !json_object_is_type(unused, json_type_boolean))
		error = iov_fail(plan->iov, -EINVAL, "'unused': expected true or false");
	if (!error && json_object_get_boolean(unused))
		iov_plan_take_unused(plan, device, why);
	else if (!error)
		iov_plan_take_device(plan, device, why);
	return error;
}

static int read_takes(struct iov_plan *plan, struct json_object *json)
{
	struct json_object *takes;
	int error = get_list(plan->iov, json, "takes", &takes);

	for (size_t i = 0; !error && i < json_object_array_length(takes); i++) {
		error = read_take(plan, json_object_array_get_idx(takes, i));
		if (error)
			return fail_at(plan->iov, error, "takes", i);
	}
	return error;
}

int plan_from_json(struct iov_plan **out, struct iov *iov, struct json_object *json)
{
	struct iov_plan *plan = NULL;
	struct json_object *steps;
	const char *title;
	int error = get_text(iov, json, "title", false, &title);

	if (!error)
		error = get_list(iov, json, "steps", &steps);
	if (!error)
		error = iov_plan_new(&plan, iov, "%s", title);
	for (size_t i = 0; !error && i < json_object_array_length(steps); i++) {
		error = read_step(plan, json_object_array_get_idx(steps, i));
		if (error)
			fail_at(iov, error, "steps", i);
	}
	if (!error)
		error = read_takes(plan, json);
	if (!error && plan_is_incomplete(plan))
		error = iov_fail(iov, -ENOMEM, "out of memory");
	if (error)
		iov_plan_free(plan);
	else
		*out = plan;
	return error;
}
