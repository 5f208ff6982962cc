// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is done with a change that is in the journal: it was interrupted, or awaits confirmation.
 * All of it is continued as plan_run.c does it, from where the journal says that it is.
 */
#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/plan/plan_run.h"
#include "base/sysroot/paths.h"

/* Say that the journal stays, and why. */
static int undo_recovered(struct run *run)
{
	if (!undo_steps(run))
		return 0;
	return iov_fail(run->iov, -ENOTRECOVERABLE, "%s; remove the cause and run 'iov recover' "
			"again", iov_error_message(run->iov));
}

/* The plan of a journal; what of it is not understood is not touched. */
static int read_plan(struct iov *iov, struct json_object *journal, struct iov_plan **plan)
{
	int error = plan_from_json(plan, iov, json_object_object_get(journal, "plan"));

	if (!error)
		return 0;
	return iov_told(iov, error, "cannot read the plan in the journal in /%s: %s",
			IOV_PATH_STATE, iov_error_message(iov));
}

static bool has_ended(const void *arg, size_t step)
{
	const struct run *run = arg;

	return run->progress[step].state == STEP_ENDED;
}

/* There is a change to recover. */
static int recover_plan(struct run *run, struct json_object *journal, bool finish)
{
	struct json_object *states = json_object_object_get(journal, "states");
	size_t count = run->plan->step_count;
	struct json_object *found;
	int error = 0;

	if (json_object_get_boolean(json_object_object_get(journal, "damaged")))
		return iov_fail(run->iov, -EUCLEAN, "the journal in /%s is damaged: it speaks of "
				"more steps than its plan has, %zu; compare it with the host by "
				"hand, then remove it", IOV_PATH_STATE, count);
	for (size_t i = 0; i < count; i++)
		run->progress[i].state = (enum step_state)json_object_get_int(
			json_object_array_get_idx(states, i));
	if (finish) {
		found = json_object_new_array();
		error = plan_guard_rest(run->iov, run->plan, has_ended, run, run->options.lifted,
					found);
		run_tell_findings(run, found);
	}
	if (!error)
		error = journal_open(run->iov, &run->journal, count);
	if (error)
		return error;
	return finish ? run_steps(run) : undo_recovered(run);
}

/* What became of a change that somebody else began. */
static void note_recovery(const struct run *run, struct json_object *journal, const char *result)
{
	const char *why = journal_left(journal) < 0  ? "it was interrupted" :
			  journal_left(journal) == 0 ? "nobody confirmed it in time" : NULL;
	struct json_object *plan = json_object_object_get(journal, "plan");

	if (plan)
		history_note(run->iov, &run->journal, plan, journal, result, why);
}

/* Nothing is to be done for it any more. */
static int drop(struct run *run, struct json_object *journal, const char *result)
{
	int error = journal_remove(run->iov, &run->journal);

	if (!error)
		note_recovery(run, journal, result);
	return error;
}

static int recover(struct run *run, struct json_object *journal, bool finish)
{
	struct iov_plan *plan;
	int error;

	if (journal_is_stale(run->iov, journal))
		return drop(run, journal, "dropped");
	/* A line with the plan that is torn was written before anything was done. */
	if (!json_object_object_get_ex(journal, "plan", NULL) || journal_is_complete(journal))
		return drop(run, journal, "done");
	error = read_plan(run->iov, journal, &plan);
	if (error)
		return error;
	error = run_take_plan(run, plan);
	if (!error)
		error = recover_plan(run, journal, finish);
	if (!error)
		note_recovery(run, journal, finish ? "finished" : "undone");
	iov_plan_free(plan);
	return error;
}

int iov_plan_recover(struct iov *iov, bool finish, const struct iov_plan_options *options)
{
	_cleanup_json_ struct json_object *seen = NULL, *journal = NULL;
	struct run run;
	int error = journal_read(iov, &seen);

	/* Whoever has nothing to recover writes nothing, not even the file of the lock. */
	if (error || !seen)
		return error;
	error = run_open(&run, iov, options);
	if (error)
		return error;
	error = journal_read(iov, &journal);
	if (!error && journal)
		error = recover(&run, journal, finish);
	run_close(&run);
	return error;
}

int iov_plan_confirm(struct iov *iov)
{
	_cleanup_json_ struct json_object *journal = NULL;
	struct run run;
	int error = run_open(&run, iov, NULL);

	if (error)
		return error;
	error = journal_read(iov, &journal);
	if (!error && (!journal || journal_is_stale(iov, journal) || journal_left(journal) < 0))
		error = iov_fail(iov, -ESRCH, IOV_NOTHING_AWAITS);
	if (!error && !journal_left(journal))
		error = iov_fail(iov, -ETIME, IOV_TOO_LATE);
	if (!error)
		error = journal_remove(iov, &run.journal);
	if (!error)
		history_note(iov, &run.journal, json_object_object_get(journal, "plan"), journal,
			     "confirmed", NULL);
	run_close(&run);
	return error;
}

/* Whether there is a change of this boot that wants to be confirmed, and has time for it. */
static int read_unconfirmed(struct iov *iov, struct json_object **journal)
{
	int error = journal_read(iov, journal);

	if (error || !*journal)
		return error;
	if (journal_is_stale(iov, *journal) || !json_object_object_get_ex(*journal, "confirm", NULL)) {
		json_object_put(*journal);
		*journal = NULL;
		return 0;
	}
	return journal_left(*journal) > 0 ? -EAGAIN : 0;
}

int iov_plan_expire(struct iov *iov, const struct iov_plan_options *options)
{
	_cleanup_json_ struct json_object *journal = NULL;
	struct run run;
	int error = run_open(&run, iov, options);

	if (error)
		return error;
	error = read_unconfirmed(iov, &journal);
	if (!error && journal)
		error = recover(&run, journal, false);
	run_close(&run);
	return error ? error : journal != NULL;
}
