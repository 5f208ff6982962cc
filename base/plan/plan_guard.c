// SPDX-License-Identifier: GPL-2.0-or-later
/* Asking the guards about everything that a plan takes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/guard/ask.h"
#include "base/guard/holder.h"
#include "base/json.h"
#include "base/plan/plan.h"
#include "base/plan/plan_engine.h"

/* How often what is to be undone is asked for, and how long that is apart. */
#define GUARD_TRIES 5
#define GUARD_PAUSE_MS 200

/* Of a message: all holders of a few functions, some of a great many; and all options. */
#define HOLDERS_SIZE 2560
#define OPTIONS_SIZE 1024
/* " and 4096 more" */
#define MORE_SIZE 24

/* The option for each guard that found something: " --force=mount --force=lvm" */
static void list_options(struct json_object *findings, char *text, size_t size)
{
	_cleanup_json_ struct json_object *seen = json_object_new_object();
	size_t length = 0;

	text[0] = '\0';
	for (size_t i = 0; i < json_object_array_length(findings); i++) {
		const char *guard = json_text(json_object_array_get_idx(findings, i), "guard");

		if (json_object_object_get_ex(seen, guard, NULL) || length >= size)
			continue;
		json_object_object_add(seen, guard, NULL);
		length += (size_t)snprintf(text + length, size - length, " --force=%s", guard);
	}
}

/*
 * All holders, function by function, each with its guard: "0000:01:00.0 (named) is in use by
 * default route via 10.0.2.2 [guard default-route], address ... ; ...".  @says_why: with why
 * a function is taken.
 */
static void list_holders(struct json_object *findings, bool says_why, const char *verb,
			 char *text, size_t size)
{
	size_t count = json_object_array_length(findings), length = 0;
	const char *before = "";

	for (size_t i = 0; i < count; i++) {
		struct json_object *finding = json_object_array_get_idx(findings, i);
		const char *device = json_text(finding, "device"), *why = json_text(finding, "why");
		struct iov_path subject = iov_path("%s%s%s%s%s %s ", i ? "; " : "", device,
						   says_why ? " (" : "", says_why ? why : "",
						   says_why ? ")" : "", verb);
		struct iov_path holder = iov_path("%s%s [guard %s]",
						  strcmp(device, before) ? subject.name : ", ",
						  json_text(finding, "holder"),
						  json_text(finding, "guard"));

		if (length + strlen(holder.name) + MORE_SIZE > size) {
			snprintf(text + length, size - length, " and %zu more", count - i);
			return;
		}
		length += (size_t)sprintf(text + length, "%s", holder.name);
		before = device;
	}
}

static const char *plural(struct json_object *findings)
{
	return json_object_array_length(findings) > 1 ? "them" : "it";
}

static int refuse(struct iov *iov, struct json_object *findings)
{
	char holders[HOLDERS_SIZE], options[OPTIONS_SIZE];

	list_holders(findings, true, "is in use by", holders, sizeof(holders));
	list_options(findings, options, sizeof(options));
	return iov_fail(iov, -ECANCELED, "refused, nothing changed: %s; release %s first, or lift "
			"the guard with%s", holders, plural(findings), options);
}

static bool is_lifted(const char *const *lifted, const char *guard)
{
	while (lifted && *lifted && strcmp(*lifted, guard))
		lifted++;
	return lifted && *lifted;
}

/* Findings on one device that are not lifted, each with why it is taken. */
static void add_findings(const struct iov_take *take, struct json_object *all,
			 const char *const *lifted, struct json_object *found)
{
	for (size_t i = 0; i < json_object_array_length(all); i++) {
		struct json_object *finding = json_object_array_get_idx(all, i);

		/* What was found of one device may be another's as well. */
		if (is_lifted(lifted, json_text(finding, "guard")) ||
		    (take->unused && strcmp(json_text(finding, "guard"), GUARD_FLEET) != 0))
			continue;
		json_object_object_add(finding, "why", json_object_new_string(take->why));
		json_object_array_add(found, json_object_get(finding));
	}
}

/*
 * Who may take a function is no question when a change is taken back (@undoes), as what it would leave half
 * changed nobody could have; nor where that is lifted.  Then nobody waits for who would answer it.
 */
static int guard_takes(struct iov *iov, const struct iov_take *takes, size_t count,
		       const char *const *lifted, bool undoes, struct json_object *found)
{
	_cleanup_free_ struct guard_question *questions = calloc(count + 1, sizeof(*questions));
	const bool claims = !undoes && !is_lifted(lifted, GUARD_FLEET);
	_cleanup_json_ struct json_object *all = NULL;
	size_t asked = 0;
	int error;

	if (!questions)
		return iov_fail(iov, -ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++) {
		questions[i] = (struct guard_question){ takes[i].device, !takes[i].unused, claims };
		asked += claims || !takes[i].unused;
	}
	if (!asked)
		return 0;
	error = guard_ask(iov, questions, count, &all);
	for (size_t i = 0; !error && i < count; i++)
		add_findings(&takes[i], json_object_array_get_idx(all, i), lifted, found);
	return error;
}

/* Taken from who uses it. */
static bool is_taken(const struct iov_plan *plan, const char *device)
{
	for (size_t i = 0; i < plan->take_count; i++) {
		if (!plan->takes[i].unused && !strcmp(plan->takes[i].device, device))
			return true;
	}
	return false;
}

/* Whether somebody may use a device of a step; memory, iovd and the host are asked for nowhere. */
static bool may_be_used(const char *device)
{
	return device && guard_knows(device);
}

/* Its devices: the one that it is on, NULL for none, and those that it touches. */
static char *device_at(const struct iov_step *step, size_t index)
{
	return index ? step->touches.list[index - 1] : step->device;
}

/* No builder may forget to ask. */
static int check_taken(struct iov *iov, const struct iov_plan *plan)
{
	for (size_t i = 0; i < plan->step_count; i++) {
		const struct iov_step *step = plan->steps[i];

		if (!step->spares && may_be_used(step->device) && !is_taken(plan, step->device))
			return iov_fail(iov, -EPROTO, "nothing changed: '%s' would take %s without "
					"asking who uses it; this is a mistake of iovkit, please "
					"report it", step->title, step->device);
	}
	return 0;
}

/* Append a device to what is asked for. */
static void add_take(struct iov_take *takes, size_t *count, struct iov_take take)
{
	for (size_t i = 0; i < *count; i++) {
		if (!strcmp(takes[i].device, take.device))
			return;
	}
	takes[(*count)++] = take;
}

/*
 * What the plan takes, and for "fleet" alone what its steps give: what somebody has claimed is given to
 * nobody else, nor what hangs on it.  The caller frees the list.
 */
static int list_asked(struct iov *iov, const struct iov_plan *plan, struct iov_take **list, size_t *count)
{
	static char why[] = "it is given away";
	size_t size = plan->take_count + 1;

	for (size_t i = 0; i < plan->step_count; i++)
		size += plan->steps[i]->unheld.count;
	*list = calloc(size, sizeof(**list));
	if (!*list)
		return iov_fail(iov, -ENOMEM, "out of memory");
	for (size_t i = 0; i < plan->take_count; i++)
		(*list)[(*count)++] = plan->takes[i];
	for (size_t i = 0; i < plan->step_count; i++) {
		const struct iov_text_list *unheld = &plan->steps[i]->unheld;

		for (size_t n = 0; n < unheld->count; n++)
			add_take(*list, count, (struct iov_take){ unheld->list[n], why, true });
	}
	return 0;
}

/* Whether a step changes a device. */
static bool step_is_on(const struct iov_step *step, const char *wanted)
{
	for (size_t i = 0; i <= step->touches.count; i++) {
		const char *device = device_at(step, i);

		if (device && !strcmp(device, wanted))
			return true;
	}
	return false;
}

/* Before that nobody can tell what it will have. */
static bool is_changed_before(const struct iov_plan *plan, size_t step, const char *device)
{
	for (size_t i = 0; i < step; i++) {
		if (step_is_on(plan->steps[i], device))
			return true;
	}
	return false;
}

/* Ask for what functions share that are given away, beside @takes; @shared receives what holds the names. */
static int add_shared(struct iov *iov, const char *const *devices, size_t count, struct json_object **shared,
		      struct iov_take **takes, size_t *taken)
{
	struct iov_take *grown;
	size_t length;
	int error = count ? guard_ask_shared(iov, devices, count, shared) : 0;

	if (error || !count)
		return error;
	length = json_object_array_length(*shared);
	grown = realloc(*takes, (*taken + length + 1) * sizeof(**takes));
	if (!grown)
		return iov_fail(iov, -ENOMEM, "out of memory");
	*takes = grown;
	for (size_t i = 0; i < length; i++) {
		struct json_object *row = json_object_array_get_idx(*shared, i);

		grown[(*taken)++] = (struct iov_take){ (char *)json_text(row, "device"),
						       (char *)json_text(row, "why") };
	}
	return 0;
}

/* The functions that steps give, of those that the plan changes before (@changed) or of the others. */
static const char **list_given(const struct iov_plan *plan, bool changed,
			       bool (*skips)(void *arg, size_t step, const char *device), void *arg, size_t *count)
{
	const char **list;
	size_t size = 1;

	*count = 0;
	for (size_t i = 0; i < plan->step_count; i++)
		size += plan->steps[i]->gives.count;
	list = calloc(size, sizeof(*list));
	for (size_t i = 0; list && i < plan->step_count; i++) {
		const struct iov_text_list *gives = &plan->steps[i]->gives;

		for (size_t n = 0; n < gives->count; n++) {
			if (is_changed_before(plan, i, gives->list[n]) == changed &&
			    (!skips || !skips(arg, i, gives->list[n])))
				list[(*count)++] = gives->list[n];
		}
	}
	return list;
}

bool plan_gives_changed(const struct iov_plan *plan, size_t step)
{
	const struct iov_text_list *gives = &plan->steps[step]->gives;

	return gives->count && is_changed_before(plan, step, gives->list[0]);
}

/*
 * Ask for @takes, which may grow, and for what functions share that steps give, see list_given(): 0, or
 * -ECANCELED with a message and @found.
 */
static int guard_with_shared(struct iov *iov, const struct iov_plan *plan, bool changed,
			     bool (*skips)(void *arg, size_t step, const char *device), void *arg,
			     struct iov_take **takes, size_t count, const char *const *lifted,
			     struct json_object *found)
{
	_cleanup_json_ struct json_object *shared = NULL;
	size_t given;
	_cleanup_free_ const char **devices = list_given(plan, changed, skips, arg, &given);
	int error = devices ? add_shared(iov, devices, given, &shared, takes, &count) :
			      iov_fail(iov, -ENOMEM, "out of memory");

	if (!error)
		error = guard_takes(iov, *takes, count, lifted, false, found);
	return error || !json_object_array_length(found) ? error : refuse(iov, found);
}

int plan_guard_given(struct iov *iov, const struct iov_plan *plan,
		     bool (*skips)(void *arg, size_t step, const char *device), void *arg,
		     const char *const *lifted, struct json_object *found)
{
	_cleanup_free_ struct iov_take *takes = NULL;

	return guard_with_shared(iov, plan, true, skips, arg, &takes, 0, lifted, found);
}

int iov_plan_guard(struct iov_plan *plan, const char *const *lifted,
		   struct json_object **findings)
{
	struct json_object *found = json_object_new_array();
	_cleanup_free_ struct iov_take *asked = NULL;
	struct iov *iov = iov_plan_context(plan);
	size_t count = 0;
	int error = plan_is_incomplete(plan) ? iov_fail(iov, -ENOMEM, "out of memory") :
					       check_taken(iov, plan);

	if (!error)
		error = list_asked(iov, plan, &asked, &count);
	if (!error)
		error = guard_with_shared(iov, plan, false, NULL, NULL, &asked, count, lifted, found);
	if (findings)
		*findings = found;
	else
		json_object_put(found);
	return error;
}

/* What of a step was taken to do it, and so is taken back to undo it, and what it gave. */
static size_t list_undone(const struct iov_plan *plan, const struct iov_step *step,
			  struct iov_take *takes)
{
	static char why[] = "undoing takes it away";
	/* A step on iovd gives functions back by asking iovd, which is who uses them. */
	bool on_devices = !step->device || may_be_used(step->device);
	size_t count = 0;

	for (size_t i = 0; on_devices && i <= step->touches.count; i++) {
		char *device = device_at(step, i);

		if (may_be_used(device) && is_taken(plan, device))
			add_take(takes, &count, (struct iov_take){ device, why });
	}
	for (size_t i = 0; i < step->unheld.count; i++)
		add_take(takes, &count, (struct iov_take){ step->unheld.list[i], why });
	return count;
}

/* udev looks into a disk that has just come back, and soon lets go of it. */
static int guard_patiently(struct iov *iov, const struct iov_take *takes, size_t count,
			   const char *const *lifted, struct json_object *found)
{
	const struct timespec pause = { .tv_nsec = GUARD_PAUSE_MS * 1000000L };
	int error = 0;

	for (int tries = GUARD_TRIES; !error && tries; tries--) {
		json_object_array_del_idx(found, 0, json_object_array_length(found));
		error = guard_takes(iov, takes, count, lifted, true, found);
		if (!json_object_array_length(found))
			break;
		if (tries > 1)
			nanosleep(&pause, NULL);
	}
	return error;
}

int plan_guard_undo(struct iov *iov, const struct iov_plan *plan, const struct iov_step *step,
		    const char *const *lifted, struct json_object *found)
{
	_cleanup_free_ struct iov_take *takes = calloc(step->touches.count + step->unheld.count + 1,
						       sizeof(*takes));
	char holders[HOLDERS_SIZE], options[OPTIONS_SIZE];
	size_t count;
	int error;

	if (!takes)
		return iov_fail(iov, -ENOMEM, "out of memory");
	count = list_undone(plan, step, takes);
	error = count ? guard_patiently(iov, takes, count, lifted, found) : 0;
	if (error || !json_object_array_length(found))
		return error;
	list_holders(found, false, "is held by", holders, sizeof(holders));
	list_options(found, options, sizeof(options));
	return iov_fail(iov, -EBUSY, "'%s' is not undone, as %s; release %s first, or lift the guard "
			"with%s", step->title, holders, plural(found), options);
}

/* What became of the steps on a device. */
struct steps_on {
	bool ended;	/* one did */
	bool left;	/* one did not */
};

static struct steps_on look_at_steps(const struct iov_plan *plan, const char *device,
				     bool (*has_ended)(const void *arg, size_t step), const void *arg)
{
	struct steps_on on = { 0 };

	for (size_t i = 0; i < plan->step_count; i++) {
		if (step_is_on(plan->steps[i], device))
			*(has_ended(arg, i) ? &on.ended : &on.left) = true;
	}
	return on;
}

/* Which steps had ended, for skips_ended(). */
struct ended {
	bool (*has_ended)(const void *arg, size_t step);
	const void *arg;
};

static bool skips_ended(void *arg, size_t step, const char *device)
{
	const struct ended *ended = arg;

	(void)device;
	return ended->has_ended(ended->arg, step);
}

/*
 * As iov_plan_guard() asked, but for what steps that ended took: that is ours by now.  Somebody may have
 * claimed it since, though, so for a step that is left on it "fleet" is asked.
 */
int plan_guard_rest(struct iov *iov, const struct iov_plan *plan,
		    bool (*has_ended)(const void *arg, size_t step), const void *arg,
		    const char *const *lifted, struct json_object *found)
{
	struct ended ended = { has_ended, arg };
	_cleanup_free_ struct iov_take *takes = NULL;
	size_t asked = 0, count = 0;
	int error = list_asked(iov, plan, &takes, &asked);

	for (size_t i = 0; !error && i < asked; i++) {
		struct steps_on on = look_at_steps(plan, takes[i].device, has_ended, arg);

		if (on.ended && !on.left)
			continue;
		takes[count] = takes[i];
		takes[count++].unused |= on.ended;
	}
	return error ? error : guard_with_shared(iov, plan, false, skips_ended, &ended, &takes, count, lifted,
						 found);
}
