// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Carrying out a plan, and taking it back.
 *
 * True at all times: a step whose "begin" is not on disk has touched nothing;
 * an undo may run any number of times, from any point at which its step
 * stopped.  Steps are done and undone by several threads (plan_pool.c), in an
 * order that plan_graph.c derives from their devices; each step belongs to one
 * thread at a time, and with it its state.
 *
 * A thread begins several steps at once where it can: they are announced in the
 * journal together, their writes are one request, and then each is verified.  When
 * an operation fails the request ends there, and the steps behind it count as not
 * begun.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/context.h"
#include "base/json.h"
#include "base/pci/identity.h"
#include "base/plan/plan_engine.h"
#include "base/plan/plan_run.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/writer.h"

#define JOBS_MIN 2
#define JOBS_MAX 8
#define VERIFY_TIMEOUT_MS 10000
#define VERIFY_POLL_MS 5
/* Most operations of a step that is done together with others. */
#define JOINED_OPS_MAX 4

/* Whose context asks for what is given. */
struct asking {
	struct run *run;
	struct iov *iov;
};

/* More than there are CPUs get in each other's way in the kernel. */
static unsigned int default_jobs(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return cpus < JOBS_MIN ? JOBS_MIN : cpus > JOBS_MAX ? JOBS_MAX : (unsigned int)cpus;
}

int run_open(struct run *run, struct iov *iov, const struct iov_plan_options *options)
{
	*run = (struct run){ .iov = iov, .given_mutex = PTHREAD_MUTEX_INITIALIZER };
	if (options)
		run->options = *options;
	if (!run->options.jobs)
		run->options.jobs = default_jobs();
	if (!run->options.lock_timeout)
		run->options.lock_timeout = LOCK_WAIT_MS;
	if (!run->options.verify_timeout)
		run->options.verify_timeout = VERIFY_TIMEOUT_MS;
	return journal_lock(iov, &run->journal, run->options.lock_timeout);
}

int run_take_plan(struct run *run, const struct iov_plan *plan)
{
	run->plan = plan;
	run->progress = calloc(plan->step_count + 1, sizeof(*run->progress));
	run->given = calloc(plan->step_count + 1, sizeof(*run->given));
	return run->progress && run->given ? 0 : iov_fail(run->iov, -ENOMEM, "out of memory");
}

void run_close(struct run *run)
{
	writer_end(run->iov);
	journal_unlock(&run->journal);
	free(run->progress);
	free(run->given);
}

static const struct iov_step *step_at(const struct run *run, size_t index)
{
	return run->plan->steps[index];
}

/* What a step does, and what that must reach, on its way there or back. */
static const struct iov_op_list *ops_of(const struct iov_step *step, bool undo)
{
	return undo ? &step->undo : &step->run;
}

static const struct iov_condition_list *proof_of(const struct iov_step *step, bool undo)
{
	return undo ? &step->undone : &step->verify;
}

/* The first condition that does not hold, or NULL. */
static const struct iov_condition *first_unmet(struct iov *iov,
					       const struct iov_condition_list *conditions)
{
	for (size_t i = 0; i < conditions->count; i++) {
		if (!iov_condition_holds(iov, conditions->list[i]))
			return conditions->list[i];
	}
	return NULL;
}

static unsigned int limit_of(const struct run *run, const struct iov_condition *condition)
{
	unsigned int limit = run->options.verify_timeout;

	return condition->within < limit ? condition->within : limit;
}

static int fail_unmet(struct iov *iov, const struct iov_step *step,
		      const struct iov_condition *unmet, unsigned int waited)
{
	char text[IOV_PATH_MAX], said[256];

	iov_condition_describe(unmet, text, sizeof(text));
	if (step->device && kernel_said(iov, step->device, waited, said, sizeof(said)))
		return iov_fail(iov, -ETIME, "expected that %s, but after %u ms it is not so; the "
				"kernel says '%s'", text, waited, said);
	return iov_fail(iov, -ETIME, "expected that %s, but after %u ms it is not so; the "
			"kernel's log (dmesg) may say why", text, waited);
}

/* Drivers act asynchronously: wait until every condition holds. */
static int wait_for(const struct run *run, struct iov *iov, const struct iov_step *step, bool undo)
{
	struct timespec pause = { .tv_nsec = VERIFY_POLL_MS * 1000000L };
	const struct iov_condition *unmet;

	for (unsigned int waited = 0; (unmet = first_unmet(iov, proof_of(step, undo)));
	     waited += VERIFY_POLL_MS) {
		if (waited >= limit_of(run, unmet))
			return fail_unmet(iov, step, unmet, waited);
		nanosleep(&pause, NULL);
	}
	return 0;
}

static void report(struct run *run, struct iov *iov, size_t index, const char *prefix)
{
	char title[600];

	snprintf(title, sizeof(title), "%s%s", prefix, step_at(run, index)->title);
	iov_log(iov, LOG_INFO, "%s", title);
	callbacks_lock(iov);
	if (run->options.progress)
		run->options.progress(run->options.progress_arg, ++run->reported,
				      run->plan->step_count, title);
	callbacks_unlock(iov);
}

/* Nothing is begun on a host that is not as it was when the step was planned. */
static int check_step(struct iov *iov, const struct iov_step *step)
{
	const struct iov_condition *unmet = first_unmet(iov, &step->check);
	char text[IOV_PATH_MAX];

	if (!unmet)
		return 0;
	iov_condition_describe(unmet, text, sizeof(text));
	return iov_fail(iov, -EAGAIN, "the host changed since this was planned: expected "
			"that %s; run the command again", text);
}

/* The operations of @count steps in one list, which the caller frees; they stay the steps'. */
static int join_ops(const struct run *run, const struct batch *batch, size_t count, bool undo,
		    struct iov_op_list *joined)
{
	size_t total = 0;

	for (size_t i = 0; i < count; i++)
		total += ops_of(step_at(run, batch->steps[i]), undo)->count;
	*joined = (struct iov_op_list){ .list = calloc(total + 1, sizeof(*joined->list)) };
	if (!joined->list)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct iov_op_list *ops = ops_of(step_at(run, batch->steps[i]), undo);

		for (size_t n = 0; n < ops->count; n++)
			joined->list[joined->count++] = ops->list[n];
	}
	return 0;
}

/* Which step of a batch the operation @op of join_ops() is of. */
static size_t step_of_op(const struct run *run, const struct batch *batch, bool undo, size_t op)
{
	size_t at = 0, length;

	while ((length = ops_of(step_at(run, batch->steps[at]), undo)->count) <= op) {
		op -= length;
		at++;
	}
	return at;
}

/* An operation failed: remember one that hangs, and that later steps have touched nothing. */
static void note_failure(struct run *run, struct iov *iov, struct batch *batch, size_t count,
			 size_t at)
{
	size_t later = count - at - 1;

	batch->failed = batch->steps[at];
	run->progress[batch->failed].stuck = iov->stuck;
	if (!later || journal_note(iov, &run->journal, "undone", batch->steps + at + 1, later))
		return;
	for (size_t i = at + 1; i < count; i++)
		run->progress[batch->steps[i]].state = STEP_UNTOUCHED;
}

/* The operations of @count steps, then what each must reach. */
static int carry_out(struct run *run, struct iov *iov, struct batch *batch, size_t count, bool undo)
{
	struct iov_op_list ops;
	size_t done = 0;
	int error = join_ops(run, batch, count, undo, &ops);

	if (error)
		return iov_fail(iov, -ENOMEM, "out of memory");
	iov->stuck = 0;
	error = ops_run(iov, &ops, &done);
	free(ops.list);
	if (error) {
		note_failure(run, iov, batch, count, step_of_op(run, batch, undo, done));
		if (error == -ETIMEDOUT)
			explain_hang(iov, step_at(run, batch->failed));
		return error;
	}
	while (!error && batch->done < count) {
		batch->failed = batch->steps[batch->done];
		error = wait_for(run, iov, step_at(run, batch->failed), undo);
		batch->done += !error;
	}
	return error;
}

/* How many of a batch may begin; an error when none may. */
static int check_batch(struct run *run, struct iov *iov, const struct batch *batch, size_t *count)
{
	int error = 0;

	for (*count = 0; !error && *count < batch->count; *count += !error) {
		size_t index = batch->steps[*count];

		if (run->progress[index].state == STEP_UNTOUCHED)
			error = check_step(iov, step_at(run, index));
	}
	return *count ? 0 : error;
}

static bool is_there(struct iov *iov, const char *device)
{
	return iov_sys_exists(iov, iov_path(IOV_PATH_PCI_DEVICES "/%s", device).name);
}

/* What is asked for already, or not there yet. */
static bool skips_given(void *arg, size_t step, const char *device)
{
	const struct asking *asking = arg;

	return asking->run->given[step] || !is_there(asking->iov, device);
}

static void note_given(struct run *run, struct iov *iov)
{
	for (size_t i = 0; i < run->plan->step_count; i++) {
		const struct iov_text_list *gives = &step_at(run, i)->gives;

		run->given[i] |= gives->count && is_there(iov, gives->list[0]);
	}
}

/*
 * What functions share that earlier steps made is known by now.  One question for all that are there, as a
 * look at who uses what takes as long for one.
 */
static int check_given(struct run *run, struct iov *iov, const struct batch *batch, size_t count)
{
	struct asking asking = { run, iov };
	struct json_object *found = json_object_new_array();
	bool is_new = false;
	int error = 0;

	pthread_mutex_lock(&run->given_mutex);
	for (size_t i = 0; i < count; i++)
		is_new |= !run->given[batch->steps[i]] && plan_gives_changed(run->plan, batch->steps[i]);
	if (is_new)
		error = plan_guard_given(iov, run->plan, skips_given, &asking, run->options.lifted, found);
	if (is_new)
		note_given(run, iov);
	pthread_mutex_unlock(&run->given_mutex);
	run_tell_findings(run, found);
	return error;
}

/* Announce on disk, and to the user, what is going to be done or undone. */
static int announce(struct run *run, struct iov *iov, const struct batch *batch, size_t count,
		    const char *event, const char *prefix)
{
	int error = journal_note(iov, &run->journal, event, batch->steps, count);

	for (size_t i = 0; !error && i < count; i++) {
		run->progress[batch->steps[i]].state = STEP_BEGUN;
		report(run, iov, batch->steps[i], prefix);
	}
	return error;
}

/* Note what a batch came to; its first error counts. */
static int conclude(struct run *run, struct iov *iov, const struct batch *batch, const char *event,
		    enum step_state state, int error)
{
	int lost = batch->done ? journal_note(iov, &run->journal, event, batch->steps,
					      batch->done) : 0;

	for (size_t i = 0; !lost && i < batch->done; i++)
		run->progress[batch->steps[i]].state = state;
	return error ? error : lost;
}

/* Whoever asks for the end gets a host as it was before. */
static int check_signal(const struct run *run, struct iov *iov)
{
	int number = run->options.signal ? *run->options.signal : 0;

	return number ? iov_fail(iov, -EINTR, "interrupted by %s", strsignal(number)) : 0;
}

static int do_batch(void *arg, struct iov *iov, struct batch *batch)
{
	struct run *run = arg;
	size_t count;
	int error;

	batch->failed = batch->steps[0];
	if (run->progress[batch->failed].state == STEP_ENDED) {
		batch->done = 1;
		return 0;
	}
	error = check_signal(run, iov);
	if (!error)
		error = check_batch(run, iov, batch, &count);
	if (!error)
		error = check_given(run, iov, batch, count);
	if (!error)
		error = announce(run, iov, batch, count, "begin", "");
	if (error)
		return error;
	error = carry_out(run, iov, batch, count, false);
	return conclude(run, iov, batch, "end", STEP_ENDED, error);
}

/* Steps are undone by several threads. */
void run_tell_findings(struct run *run, struct json_object *found)
{
	struct json_object **findings = run->options.findings;

	pthread_mutex_lock(&run->journal.mutex);
	if (findings && !*findings)
		*findings = json_object_new_array();
	for (size_t i = 0; findings && i < json_object_array_length(found); i++)
		json_object_array_add(*findings, json_object_get(json_object_array_get_idx(found, i)));
	pthread_mutex_unlock(&run->journal.mutex);
	json_object_put(found);
}

/*
 * What the kernel may still carry out cannot be taken back, and what the host or a virtual
 * machine was given, and uses, is not taken from it.
 */
static int check_undo(struct run *run, struct iov *iov, size_t index)
{
	const struct iov_step *step = step_at(run, index);
	struct json_object *found;
	int error;

	if (run->progress[index].stuck)
		return iov_fail(iov, -EBUSY, "the kernel has not answered '%s' yet (pid %d waits "
				"for it)", step->title,
				(int)run->progress[index].stuck);
	found = json_object_new_array();
	error = plan_guard_undo(iov, run->plan, step, run->options.lifted, found);
	run_tell_findings(run, found);
	return error;
}

/* Steps are undone one by one, each right after the look at who holds what it takes away. */
static int undo_batch(void *arg, struct iov *iov, struct batch *batch)
{
	struct run *run = arg;
	size_t index = batch->steps[0];
	int error;

	batch->failed = index;
	if (run->progress[index].state == STEP_UNTOUCHED) {
		batch->done = 1;
		return 0;
	}
	error = check_undo(run, iov, index);
	if (!error)
		error = announce(run, iov, batch, 1, "undo", "undo: ");
	if (error)
		return error;
	error = carry_out(run, iov, batch, 1, true);
	return conclude(run, iov, batch, "undone", STEP_UNTOUCHED, error);
}

/* Steps of a few writes each are done together, unless each is to be proven before the next. */
static bool joins(const struct run *run, size_t index)
{
	const struct iov_op_list *ops = &step_at(run, index)->run;

	return run->options.jobs > 1 && run->progress[index].state != STEP_ENDED &&
	       ops->count <= JOINED_OPS_MAX && ops_are_writes(ops);
}

/* All steps through @work, in the order that their devices ask for. */
static int work_through(struct run *run, bool backwards,
			int (*work)(void *arg, struct iov *iov, struct batch *batch),
			size_t *failed)
{
	const struct pool_options options = {
		.jobs = run->options.jobs,
		.go_on = backwards,
		.work = work,
		.arg = run,
	};
	struct graph graph;
	int error = graph_open(&graph, run->plan, backwards);

	*failed = 0;
	if (error)
		return iov_fail(run->iov, -ENOMEM, "out of memory");
	for (size_t i = 0; !backwards && i < run->plan->step_count; i++)
		graph.nodes[i].joins = joins(run, i);
	error = pool_run(run->iov, &graph, &options, failed);
	graph_close(&graph);
	return error;
}

/* The lock goes on as long as the kernel may still change the host. */
static void leave_lock(struct run *run)
{
	for (size_t i = 0; i < run->plan->step_count; i++) {
		if (run->progress[i].stuck)
			journal_leave_lock(run->iov, &run->journal, run->progress[i].stuck);
	}
}

/* Undo what was begun, backwards; where that fails the rest of the host is undone still. */
int undo_steps(struct run *run)
{
	size_t failed;
	int error = work_through(run, true, undo_batch, &failed);

	leave_lock(run);
	return error ? error : journal_remove(run->iov, &run->journal);
}

/* Take back what was done and say in one line what failed and where that left the host. */
static int roll_back(struct run *run, size_t index, int error)
{
	const struct said why = run->iov->said;
	const char *title = step_at(run, index)->title;

	if (!undo_steps(run)) {
		run->iov->said = why;
		return iov_fail_as(run->iov, iov_failure(run->iov, error), error,
				   "cannot %s: %s (the host is as it was before)", title, why.message);
	}
	return iov_fail(run->iov, -ENOTRECOVERABLE, "cannot %s: %s; undoing it failed as well: %s; "
			"remove the cause and run 'iov recover'", title, why.message,
			iov_error_message(run->iov));
}

/* Everything that has not ended; the journal is open. */
int run_steps(struct run *run)
{
	size_t failed;
	int error = work_through(run, false, do_batch, &failed);

	if (error)
		return roll_back(run, failed, error);
	if (run->options.confirm)
		return journal_await(run->iov, &run->journal, run->options.confirm);
	return journal_remove(run->iov, &run->journal);
}

static int guard_and_run(struct run *run, struct iov_plan *plan)
{
	struct json_object *found;
	int error = iov_plan_settled(run->iov);

	if (error)
		return error;
	error = iov_plan_guard(plan, run->options.lifted, &found);
	run_tell_findings(run, found);
	if (!error)
		error = run_take_plan(run, plan);
	if (error)
		return error;
	iov_identity_remember(run->iov);
	error = journal_create(run->iov, &run->journal, plan, run->options.confirm);
	if (error)
		return error;
	run->begun = true;
	error = run->options.armed ? run->options.armed(run->options.armed_arg) : 0;
	if (!error)
		return run_steps(run);
	journal_remove(run->iov, &run->journal);
	return error;
}

/* What became of a plan that was run, for the history. */
static void note_run(const struct run *run, const struct iov_plan *plan, int error)
{
	_cleanup_json_ struct json_object *json = iov_plan_json(plan);
	const char *result = !error			 ? run->options.confirm ? "awaits" : "done" :
			     !run->begun		 ? "refused" :
			     error == -ENOTRECOVERABLE ? "stuck" : "failed";
	char why[IOV_MESSAGE_SIZE];

	snprintf(why, sizeof(why), "%s", iov_error_message(run->iov));
	history_note(run->iov, &run->journal, json, NULL, result, error ? why : NULL);
}

int iov_plan_run(struct iov_plan *plan, const struct iov_plan_options *options)
{
	struct run run;
	int error = plan_check_whole(plan);

	if (error || iov_plan_is_empty(plan))
		return error;
	error = run_open(&run, iov_plan_context(plan), options);
	if (error)
		return error;
	error = guard_and_run(&run, plan);
	note_run(&run, plan, error);
	run_close(&run);
	return error;
}
