// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Carrying out a plan, taking it back, recovering one that was interrupted.
 *
 * True at all times: a step whose "begin" is not on disk has touched nothing;
 * an undo may run any number of times, from any point at which its step
 * stopped.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/context.h"
#include "base/paths.h"
#include "base/plan_engine.h"

#define VERIFY_TIMEOUT_MS 10000
#define VERIFY_POLL_MS 5

/* One run of a plan's JSON. */
struct run {
	struct iov *iov;
	struct journal journal;
	struct json_object *steps;
	struct iov_plan_options options;
};

static struct json_object *step_at(const struct run *run, size_t index)
{
	return json_object_array_get_idx(run->steps, index);
}

static int run_ops(struct run *run, struct json_object *step, const char *list)
{
	return ops_run(run->iov, json_object_object_get(step, list));
}

/* The first condition that does not hold, or NULL. */
static struct json_object *first_unmet(struct run *run, struct json_object *step, const char *list)
{
	struct json_object *conditions = json_object_object_get(step, list);

	for (size_t i = 0; i < json_object_array_length(conditions); i++) {
		struct json_object *condition = json_object_array_get_idx(conditions, i);

		if (!condition_holds(run->iov, condition))
			return condition;
	}
	return NULL;
}

/* Drivers act asynchronously: wait until every condition holds. */
static int wait_for(struct run *run, struct json_object *step, const char *list)
{
	unsigned int limit = run->options.verify_timeout;
	struct timespec pause = { .tv_nsec = VERIFY_POLL_MS * 1000000L };
	struct json_object *unmet;
	char text[IOV_PATH_MAX];

	if (!limit)
		limit = VERIFY_TIMEOUT_MS;
	for (unsigned int waited = 0; (unmet = first_unmet(run, step, list));
	     waited += VERIFY_POLL_MS) {
		if (waited >= limit) {
			condition_describe(unmet, text, sizeof(text));
			return iov_fail(run->iov, -ETIME, "expected that %s, but after %u ms it "
					"is not so; the kernel's log (dmesg) may say why", text, limit);
		}
		nanosleep(&pause, NULL);
	}
	return 0;
}

static void report(struct run *run, size_t index, const char *prefix)
{
	struct json_object *step = step_at(run, index);
	char title[600];

	snprintf(title, sizeof(title), "%s%s", prefix, json_get_text(step, "title"));
	iov_log(run->iov, LOG_INFO, "%s", title);
	if (run->options.progress)
		run->options.progress(run->options.progress_arg, index + 1,
				      json_object_array_length(run->steps), title);
}

static int do_step(struct run *run, size_t index)
{
	struct json_object *step = step_at(run, index);
	int error;

	report(run, index, "");
	error = run_ops(run, step, "do");
	if (!error)
		error = wait_for(run, step, "verify");
	if (!error)
		error = journal_note(run->iov, &run->journal, "end", index);
	return error;
}

/* Nothing is begun on a host that is not as it was when the step was planned. */
static int check_step(struct run *run, size_t index)
{
	struct json_object *unmet = first_unmet(run, step_at(run, index), "check");
	char text[IOV_PATH_MAX];

	if (!unmet)
		return journal_note(run->iov, &run->journal, "begin", index);
	condition_describe(unmet, text, sizeof(text));
	return iov_fail(run->iov, -EAGAIN, "the host changed since this was planned: expected "
			"that %s; run the command again", text);
}

/* Undo the first @begun steps backwards. */
static int undo_steps(struct run *run, size_t begun)
{
	while (begun--) {
		struct json_object *step = step_at(run, begun);
		int error;

		report(run, begun, "undo: ");
		error = run_ops(run, step, "undo");
		if (!error)
			error = wait_for(run, step, "undone");
		if (error)
			return error;
	}
	return journal_remove(run->iov, &run->journal);
}

/* Take back what was done and say in one line what failed and where that left the host. */
static int roll_back(struct run *run, size_t index, size_t begun, int error)
{
	char why[IOV_MESSAGE_SIZE], undo_why[IOV_MESSAGE_SIZE];
	const char *title = json_get_text(step_at(run, index), "title");

	snprintf(why, sizeof(why), "%s", iov_error_message(run->iov));
	if (!undo_steps(run, begun))
		return iov_fail(run->iov, error, "cannot %s: %s (the host is as it was before)",
				title, why);
	snprintf(undo_why, sizeof(undo_why), "%s", iov_error_message(run->iov));
	return iov_fail(run->iov, -ENOTRECOVERABLE, "cannot %s: %s; undoing it failed as well: %s; "
			"remove the cause and run 'iov recover'", title, why, undo_why);
}

/* Steps from @first on; the journal is open. */
static int run_steps(struct run *run, size_t first, bool resumed)
{
	size_t count = json_object_array_length(run->steps);

	for (size_t i = first; i < count; i++) {
		int error = resumed && i == first ? 0 : check_step(run, i);
		bool begun = !error;

		if (!error)
			error = do_step(run, i);
		if (error)
			return roll_back(run, i, begun ? i + 1 : i, error);
	}
	return journal_remove(run->iov, &run->journal);
}

static int refuse_pending(struct run *run)
{
	_cleanup_json_ struct json_object *pending = NULL;
	int error = iov_plan_pending(run->iov, &pending);

	if (error || !pending)
		return error;
	return iov_fail(run->iov, -EBUSY, "an earlier change was interrupted (%s, pid %s, %s); "
			"run 'iov recover' to undo it, or 'iov recover --finish'",
			json_get_text(pending, "title"), json_get_text(pending, "pid"),
			json_get_text(pending, "time"));
}

static int guard_and_run(struct run *run, struct iov_plan *plan, struct json_object *json)
{
	int error = refuse_pending(run);

	if (!error)
		error = iov_plan_guard(plan, run->options.lifted, NULL);
	if (!error)
		error = journal_create(run->iov, &run->journal, json);
	return error ? error : run_steps(run, 0, false);
}

int iov_plan_run(struct iov_plan *plan, const struct iov_plan_options *options)
{
	_cleanup_json_ struct json_object *json = iov_plan_json(plan);
	struct run run = { .iov = iov_plan_context(plan) };
	int error;

	if (iov_plan_is_empty(plan))
		return 0;
	if (options)
		run.options = *options;
	run.steps = json_object_object_get(json, "steps");
	error = journal_lock(run.iov, &run.journal);
	if (error)
		return error;
	error = guard_and_run(&run, plan, json);
	journal_unlock(&run.journal);
	return error;
}

/* No state of the kernel outlives a boot. */
static bool is_stale(struct iov *iov, struct json_object *journal)
{
	char boot[64] = "";

	iov_sys_read(iov, IOV_PATH_BOOT_ID, boot, sizeof(boot));
	return strcmp(boot, json_get_text(journal, "boot")) != 0;
}

static void copy_member(struct json_object *to, struct json_object *from, const char *key)
{
	json_object_object_add(to, key, json_object_get(json_object_object_get(from, key)));
}

int iov_plan_pending(struct iov *iov, struct json_object **pending)
{
	_cleanup_json_ struct json_object *journal = NULL;
	int error = journal_read(iov, NULL, &journal);
	struct json_object *plan;

	*pending = NULL;
	if (error || !journal || is_stale(iov, journal))
		return error;
	plan = json_object_object_get(journal, "plan");
	*pending = json_object_new_object();
	copy_member(*pending, plan, "title");
	copy_member(*pending, plan, "steps");
	copy_member(*pending, journal, "begun");
	copy_member(*pending, journal, "pid");
	copy_member(*pending, journal, "time");
	return 0;
}

static int recover(struct run *run, struct json_object *journal, bool finish)
{
	size_t begun = (size_t)json_object_get_int64(json_object_object_get(journal, "begun"));
	size_t ended = (size_t)json_object_get_int64(json_object_object_get(journal, "ended"));
	size_t count;

	if (!run->steps || is_stale(run->iov, journal))
		return journal_remove(run->iov, &run->journal);
	count = json_object_array_length(run->steps);
	if (begun > count || ended > begun)
		return iov_fail(run->iov, -EUCLEAN, "the journal in /%s is damaged: step %zu of "
				"%zu; compare it with the host by hand, then remove it",
				IOV_PATH_STATE, begun, count);
	if (ended == count)
		return journal_remove(run->iov, &run->journal);
	if (finish)
		return run_steps(run, ended, begun > ended);
	return undo_steps(run, begun);
}

int iov_plan_recover(struct iov *iov, bool finish, const struct iov_plan_options *options)
{
	_cleanup_json_ struct json_object *journal = NULL;
	struct run run = { .iov = iov };
	int error;

	if (options)
		run.options = *options;
	error = journal_lock(iov, &run.journal);
	if (error)
		return error;
	error = journal_read(iov, &run.journal, &journal);
	if (!error && journal) {
		run.steps = json_object_object_get(json_object_object_get(journal, "plan"), "steps");
		error = recover(&run, journal, finish);
	}
	journal_unlock(&run.journal);
	return error;
}
