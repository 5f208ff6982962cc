// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Plans as data: building one, and questions about it.  Where there is no memory for a part
 * of a plan it is incomplete, and does not run.
 */
#include "base/plan/plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/plan/plan_engine.h"

/* Longest title or note, with its NUL. */
#define TEXT_SIZE 512

/* A copy for a part of a plan; the plan is incomplete without one, but NULL has none. */
static char *copy_text(bool *incomplete, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	*incomplete |= text && !copy;
	return copy;
}

static char *format_text(bool *incomplete, const char *format, va_list args)
{
	char text[TEXT_SIZE];

	vsnprintf(text, sizeof(text), format, args);
	return copy_text(incomplete, text);
}

bool text_list_append(struct iov_text_list *texts, const char *text)
{
	char **grown = array_grow(texts->list, texts->count, sizeof(*grown));

	if (grown)
		texts->list = grown;
	if (!grown || !(grown[texts->count] = strdup(text)))
		return false;
	texts->count++;
	return true;
}

static bool append_op(struct iov_op_list *ops, struct iov_op *op)
{
	struct iov_op **grown = op ? array_grow(ops->list, ops->count, sizeof(*grown)) : NULL;

	if (!grown) {
		iov_op_free(op);
		return false;
	}
	ops->list = grown;
	ops->list[ops->count++] = op;
	return true;
}

static bool append_condition(struct iov_condition_list *conditions, struct iov_condition *condition)
{
	struct iov_condition **grown = condition ? array_grow(conditions->list, conditions->count,
							      sizeof(*grown)) : NULL;

	if (!grown) {
		iov_condition_free(condition);
		return false;
	}
	conditions->list = grown;
	conditions->list[conditions->count++] = condition;
	return true;
}

static void free_ops(struct iov_op_list *ops)
{
	for (size_t i = 0; i < ops->count; i++)
		iov_op_free(ops->list[i]);
	free(ops->list);
}

static void free_conditions(struct iov_condition_list *conditions)
{
	for (size_t i = 0; i < conditions->count; i++)
		iov_condition_free(conditions->list[i]);
	free(conditions->list);
}

static void empty_step(struct iov_step *step)
{
	free(step->title);
	free(step->device);
	iov_names_free(step->touches.list, step->touches.count);
	iov_names_free(step->unheld.list, step->unheld.count);
	iov_names_free(step->gives.list, step->gives.count);
	for (size_t i = 0; i < step->change_count; i++) {
		free(step->changes[i].what);
		free(step->changes[i].from);
		free(step->changes[i].to);
	}
	free(step->changes);
	free_conditions(&step->check);
	free_ops(&step->run);
	free_conditions(&step->verify);
	free_ops(&step->undo);
	free_conditions(&step->undone);
}

int iov_plan_new(struct iov_plan **out, struct iov *iov, const char *format, ...)
{
	struct iov_plan *plan = calloc(1, sizeof(*plan));
	va_list args;

	if (!plan)
		return -ENOMEM;
	plan->iov = iov;
	va_start(args, format);
	plan->title = format_text(&plan->incomplete, format, args);
	va_end(args);
	*out = plan;
	return 0;
}

void iov_plan_rename(struct iov_plan *plan, const char *format, ...)
{
	va_list args;

	free(plan->title);
	va_start(args, format);
	plan->title = format_text(&plan->incomplete, format, args);
	va_end(args);
}

void iov_plan_free(struct iov_plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; i < plan->step_count; i++) {
		empty_step(plan->steps[i]);
		free(plan->steps[i]);
	}
	for (size_t i = 0; i < plan->take_count; i++) {
		free(plan->takes[i].device);
		free(plan->takes[i].why);
	}
	empty_step(&plan->spare);
	iov_names_free(plan->notes.list, plan->notes.count);
	free(plan->steps);
	free(plan->takes);
	free(plan->title);
	free(plan->error_message);
	free(plan);
}

struct iov *iov_plan_context(const struct iov_plan *plan)
{
	return plan->iov;
}

/* A new step; without memory the spare one, which is of no plan that runs. */
static struct iov_step *append_step(struct iov_plan *plan)
{
	struct iov_step **grown = array_grow(plan->steps, plan->step_count, sizeof(*grown));
	struct iov_step *step = grown ? calloc(1, sizeof(*step)) : NULL;

	if (grown)
		plan->steps = grown;
	if (!step) {
		plan->incomplete = true;
		empty_step(&plan->spare);
		plan->spare = (struct iov_step){ 0 };
		return &plan->spare;
	}
	plan->steps[plan->step_count++] = step;
	return step;
}

struct iov_step *iov_plan_step(struct iov_plan *plan, const char *device, const char *format, ...)
{
	struct iov_step *step = append_step(plan);
	va_list args;

	va_start(args, format);
	step->title = format_text(&step->incomplete, format, args);
	va_end(args);
	step->device = copy_text(&step->incomplete, device);
	return step;
}

void iov_step_check(struct iov_step *step, struct iov_condition *condition)
{
	step->incomplete |= !append_condition(&step->check, condition);
}

void iov_step_do(struct iov_step *step, struct iov_op *op)
{
	step->incomplete |= !append_op(&step->run, op);
}

void iov_step_verify(struct iov_step *step, struct iov_condition *condition)
{
	step->incomplete |= !append_condition(&step->verify, condition);
}

void iov_step_undo(struct iov_step *step, struct iov_op *op)
{
	step->incomplete |= !append_op(&step->undo, op);
}

void iov_step_undone(struct iov_step *step, struct iov_condition *condition)
{
	step->incomplete |= !append_condition(&step->undone, condition);
}

void iov_step_touches(struct iov_step *step, const char *device)
{
	step->incomplete |= !text_list_append(&step->touches, device);
}

void iov_step_spares(struct iov_step *step, const char *why)
{
	step->spares = why;
}

void iov_step_unheld_device(struct iov_step *step, const char *device)
{
	step->incomplete |= !text_list_append(&step->unheld, device);
}

void iov_step_unheld(struct iov_step *step, struct iov_bdf bdf)
{
	iov_step_unheld_device(step, IOV_BDF(bdf));
}

void iov_step_gives(struct iov_step *step, struct iov_bdf bdf)
{
	step->incomplete |= !text_list_append(&step->gives, IOV_BDF(bdf));
}

void iov_step_change(struct iov_step *step, const char *what, const char *from, const char *to)
{
	struct iov_change *grown = array_grow(step->changes, step->change_count, sizeof(*grown));

	if (!grown) {
		step->incomplete = true;
		return;
	}
	step->changes = grown;
	grown[step->change_count++] = (struct iov_change){
		.what = copy_text(&step->incomplete, what),
		.from = copy_text(&step->incomplete, from),
		.to = copy_text(&step->incomplete, to),
	};
}

void iov_plan_note(struct iov_plan *plan, const char *format, ...)
{
	char text[TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	plan->incomplete |= !text_list_append(&plan->notes, text);
}

/* Of who takes it twice the first counts, and who takes it from others before who does not. */
static void take(struct iov_plan *plan, const char *device, const char *why, bool unused)
{
	struct iov_take *grown;

	for (size_t i = 0; i < plan->take_count; i++) {
		if (strcmp(plan->takes[i].device, device))
			continue;
		if (plan->takes[i].unused && !unused) {
			free(plan->takes[i].why);
			plan->takes[i].why = copy_text(&plan->incomplete, why);
			plan->takes[i].unused = false;
		}
		return;
	}
	grown = array_grow(plan->takes, plan->take_count, sizeof(*grown));
	if (!grown) {
		plan->incomplete = true;
		return;
	}
	plan->takes = grown;
	grown[plan->take_count] = (struct iov_take){
		.device = copy_text(&plan->incomplete, device),
		.why = copy_text(&plan->incomplete, why),
		.unused = unused,
	};
	plan->take_count += grown[plan->take_count].device != NULL;
}

void iov_plan_take_device(struct iov_plan *plan, const char *device, const char *why)
{
	take(plan, device, why, false);
}

void iov_plan_take_unused(struct iov_plan *plan, const char *device, const char *why)
{
	take(plan, device, why, true);
}

void iov_plan_take(struct iov_plan *plan, struct iov_bdf bdf, const char *why)
{
	iov_plan_take_device(plan, IOV_BDF(bdf), why);
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

int iov_plan_built(struct iov_plan *plan, int error)
{
	if (error && !plan->error) {
		plan->error = error;
		plan->failure = iov_failure(plan->iov, error);
		plan->error_message = copy_text(&plan->incomplete, iov_error_message(plan->iov));
	}
	return error;
}

bool iov_plan_is_empty(const struct iov_plan *plan)
{
	return !plan->step_count;
}

bool plan_is_incomplete(const struct iov_plan *plan)
{
	bool incomplete = plan->incomplete;

	for (size_t i = 0; i < plan->step_count; i++)
		incomplete |= plan->steps[i]->incomplete;
	return incomplete;
}

int plan_check_whole(const struct iov_plan *plan)
{
	if (plan_is_incomplete(plan))
		return iov_fail(plan->iov, -ENOMEM, "out of memory");
	if (plan->error)
		return iov_fail_as(plan->iov, plan->failure, plan->error, "%s",
				   plan->error_message);
	return 0;
}

const struct iov_step *const *iov_plan_steps(const struct iov_plan *plan, size_t *count)
{
	*count = plan->step_count;
	return (const struct iov_step *const *)plan->steps;
}

const struct iov_take *iov_plan_takes(const struct iov_plan *plan, size_t *count)
{
	*count = plan->take_count;
	return plan->takes;
}

static bool step_changes(const struct iov_step *step, const char *what)
{
	for (size_t i = 0; i < step->change_count; i++) {
		if (!strcmp(step->changes[i].what, what))
			return true;
	}
	return false;
}

bool iov_plan_changes(const struct iov_plan *plan, const char *device, const char *what)
{
	for (size_t i = 0; i < plan->step_count; i++) {
		const struct iov_step *step = plan->steps[i];

		if (step->device && !strcmp(step->device, device) && step_changes(step, what))
			return true;
	}
	return false;
}

static bool step_loads(const struct iov_step *step, const char *module)
{
	for (size_t i = 0; i < step->run.count; i++) {
		const struct iov_op *op = step->run.list[i];

		if (op->kind == IOV_OP_MODULE && !strcmp(op->module.name, module))
			return true;
	}
	return false;
}

bool iov_plan_loads(const struct iov_plan *plan, const char *module)
{
	for (size_t i = 0; i < plan->step_count; i++) {
		if (step_loads(plan->steps[i], module))
			return true;
	}
	return false;
}
