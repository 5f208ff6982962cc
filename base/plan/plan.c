// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Plans as data: building one and showing it.  A plan is one JSON object from
 * the start, so the journal, --json and the engine read the same thing.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/context.h"
#include "base/plan/plan_engine.h"

struct iov_plan {
	struct iov *iov;
	struct json_object *json;
	struct json_object *steps;
	struct json_object *takes;
	struct json_object *taken;	/* their devices as keys */
	struct json_object *notes;
};

static struct json_object *add_array(struct json_object *object, const char *key)
{
	struct json_object *array = json_object_new_array();

	json_object_object_add(object, key, array);
	return array;
}

static struct json_object *format_string(const char *format, va_list args)
{
	char text[512];

	vsnprintf(text, sizeof(text), format, args);
	return json_object_new_string(text);
}

static struct json_object *text_or_null(const char *text)
{
	return text ? json_object_new_string(text) : NULL;
}

int iov_plan_new(struct iov_plan **out, struct iov *iov, const char *format, ...)
{
	struct iov_plan *plan = calloc(1, sizeof(*plan));
	va_list args;

	if (!plan)
		return -ENOMEM;
	plan->iov = iov;
	plan->json = json_object_new_object();
	va_start(args, format);
	json_object_object_add(plan->json, "title", format_string(format, args));
	va_end(args);
	plan->steps = add_array(plan->json, "steps");
	plan->takes = add_array(plan->json, "takes");
	plan->notes = add_array(plan->json, "notes");
	plan->taken = json_object_new_object();
	*out = plan;
	return 0;
}

void iov_plan_free(struct iov_plan *plan)
{
	if (!plan)
		return;
	json_object_put(plan->json);
	json_object_put(plan->taken);
	free(plan);
}

struct iov *iov_plan_context(const struct iov_plan *plan)
{
	return plan->iov;
}

struct iov_step *iov_plan_step(struct iov_plan *plan, const char *device, const char *format, ...)
{
	static const char *const lists[] = { "touches", "changes", "check", "do", "verify", "undo",
					     "undone", "unheld" };
	struct json_object *step = json_object_new_object();
	va_list args;

	va_start(args, format);
	json_object_object_add(step, "title", format_string(format, args));
	va_end(args);
	json_object_object_add(step, "device", text_or_null(device));
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		add_array(step, lists[i]);
	json_object_array_add(plan->steps, step);
	return (struct iov_step *)step;
}

/* A step is its JSON object under an opaque name. */
static void step_append(struct iov_step *step, const char *list, struct json_object *entry)
{
	json_object_array_add(json_object_object_get((struct json_object *)step, list), entry);
}

void iov_step_check(struct iov_step *step, struct json_object *condition)
{
	step_append(step, "check", condition);
}

void iov_step_do(struct iov_step *step, struct json_object *op)
{
	step_append(step, "do", op);
}

void iov_step_verify(struct iov_step *step, struct json_object *condition)
{
	step_append(step, "verify", condition);
}

void iov_step_undo(struct iov_step *step, struct json_object *op)
{
	step_append(step, "undo", op);
}

void iov_step_undone(struct iov_step *step, struct json_object *condition)
{
	step_append(step, "undone", condition);
}

void iov_step_touches(struct iov_step *step, const char *device)
{
	step_append(step, "touches", json_object_new_string(device));
}

void iov_step_unheld(struct iov_step *step, struct iov_bdf bdf)
{
	step_append(step, "unheld", json_object_new_string(IOV_BDF(bdf)));
}

void iov_step_change(struct iov_step *step, const char *what, const char *from, const char *to)
{
	struct json_object *change = json_object_new_object();

	json_object_object_add(change, "what", json_object_new_string(what));
	json_object_object_add(change, "from", text_or_null(from));
	json_object_object_add(change, "to", text_or_null(to));
	step_append(step, "changes", change);
}

void iov_plan_note(struct iov_plan *plan, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	json_object_array_add(plan->notes, format_string(format, args));
	va_end(args);
}

void iov_plan_take(struct iov_plan *plan, struct iov_bdf bdf, const char *why)
{
	struct iov_bdf_text device = iov_bdf_format(bdf);
	struct json_object *take;

	if (json_object_object_get_ex(plan->taken, device.text, NULL))
		return;
	json_object_object_add(plan->taken, device.text, NULL);
	take = json_object_new_object();
	json_object_object_add(take, "device", json_object_new_string(device.text));
	json_object_object_add(take, "why", json_object_new_string(why));
	json_object_array_add(plan->takes, take);
}

void iov_plan_take_vfs(struct iov_plan *plan, struct iov_bdf pf)
{
	unsigned int count = iov_pci_vf_count(plan->iov, pf);
	struct iov_bdf vf;
	char why[64];

	for (unsigned int i = 0; i < count; i++) {
		snprintf(why, sizeof(why), "VF %u of %s", i, IOV_BDF(pf));
		if (!iov_pci_link(plan->iov, pf, iov_path("virtfn%u", i).name, &vf))
			iov_plan_take(plan, vf, why);
	}
}

bool iov_plan_is_empty(const struct iov_plan *plan)
{
	return !json_object_array_length(plan->steps);
}

struct json_object *iov_plan_json(struct iov_plan *plan)
{
	return json_object_get(plan->json);
}
