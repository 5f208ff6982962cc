/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the plan engine share; for base/ alone. */
#ifndef IOV_BASE_PLAN_PLAN_ENGINE_H
#define IOV_BASE_PLAN_PLAN_ENGINE_H

#include <json-c/json.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/context.h"
#include "base/plan/plan.h"
#include "base/sysroot/sysroot.h"
#include "base/utc.h"

/**
 * struct iov_plan - a plan
 * @title: what it does
 * @takes: functions that it takes from the host, each once
 * @spare: what is built without memory for a step
 * @incomplete: there was no memory for something of it, beside its steps
 * @error: of the first builder that failed, 0 for none
 * @failure: what kind of failure that is
 * @error_message: what it said; NULL for nothing
 */
struct iov_plan {
	struct iov *iov;
	char *title;
	struct iov_step **steps;
	size_t step_count;
	struct iov_take *takes;
	size_t take_count;
	struct iov_text_list notes;
	struct iov_step spare;
	bool incomplete;
	int error;
	enum iov_failure failure;
	char *error_message;
};

/* plan.c: append a copy; false without memory. */
bool text_list_append(struct iov_text_list *texts, const char *text);

/* 0, or why a plan does nothing: a builder failed, or there was no memory; with a message. */
int plan_check_whole(const struct iov_plan *plan);

/* Whether there was no memory for something of it. */
bool plan_is_incomplete(const struct iov_plan *plan);

/*
 * plan_json.c: the plan of a journal, of which the caller frees it; what is malformed or
 * unknown is refused with a message that names it.
 */
int plan_from_json(struct iov_plan **out, struct iov *iov, struct json_object *json);

/*
 * op_run.c: run operations in order, each unless its condition holds; a message on failure.
 * They go to the writer together, which ends them when we are killed.
 * @done counts those before the one that failed.
 */
int ops_run(struct iov *iov, const struct iov_op_list *ops, size_t *done);

/* Whether operations are writes and nothing else. */
bool ops_are_writes(const struct iov_op_list *ops);

/* module.c: load a module by name or alias, with what it depends on; a message on failure. */
int module_load(struct iov *iov, const char *name);

/* plan_guard.c: who uses now what a change gave */

/* Before a step is undone: 0, or -EBUSY with a message that names the holder, and @found. */
int plan_guard_undo(struct iov *iov, const struct iov_plan *plan, const struct iov_step *step,
		    const char *const *lifted, struct json_object *found);

/* Whether a step gives functions that earlier steps make or change. */
bool plan_gives_changed(const struct iov_plan *plan, size_t step);

/*
 * Ask for what such functions share, of all steps: 0, or -ECANCELED with a message that names who has it, and
 * @found.  @skips tells which are passed over.
 */
int plan_guard_given(struct iov *iov, const struct iov_plan *plan,
		     bool (*skips)(void *arg, size_t step, const char *device), void *arg,
		     const char *const *lifted, struct json_object *found);

/* Before the rest of a plan is carried out: what it takes besides that of steps that ended. */
int plan_guard_rest(struct iov *iov, const struct iov_plan *plan,
		    bool (*has_ended)(const void *arg, size_t step), const void *arg,
		    const char *const *lifted, struct json_object *found);

/* plan_hang.c: add to the message of a step that timed out who holds its devices. */
void explain_hang(struct iov *iov, const struct iov_step *step);

/* plan_graph.c: which step waits for which */

/**
 * struct graph_node - a step
 * @next: steps that wait for it
 * @count: length of @next
 * @waits_for: steps that it still waits for
 * @whole_host: it has no device
 * @joins: it may be done in one go with others that are ready
 * @taken: a thread has it
 */
struct graph_node {
	size_t *next;
	size_t count;
	size_t waits_for;
	bool whole_host;
	bool joins;
	bool taken;
};

struct graph {
	struct graph_node *nodes;
	size_t count;
	bool backwards;		/* earlier steps wait for later ones, as for undoing */
};

/* -ENOMEM or 0. */
int graph_open(struct graph *graph, const struct iov_plan *plan, bool backwards);
void graph_close(struct graph *graph);

/* plan_pool.c: the threads that work through it */

/* Most steps that a thread takes in one go. */
#define BATCH_MAX 16

/**
 * struct batch - steps that are ready at the same time; several only when all join
 * @steps: their indices, in the order in which they are to be done
 * @count: length of @steps
 * @done: how many of the first ones are done then, at least one where nothing failed
 * @failed: index of the step that failed, when the work gives an error with a message
 *
 * What is neither done nor failed becomes ready again.
 */
struct batch {
	size_t steps[BATCH_MAX];
	size_t count;
	size_t done;
	size_t failed;
};

/**
 * struct pool_options - how a graph is worked through
 * @jobs: most threads, the caller's included
 * @go_on: after a failure take the steps that do not wait for the one that failed;
 *	otherwise take none
 * @work: works on the steps of a batch, with a context of the thread's own
 * @arg: passed to @work
 */
struct pool_options {
	unsigned int jobs;
	bool go_on;
	int (*work)(void *arg, struct iov *iov, struct batch *batch);
	void *arg;
};

/*
 * Work through a graph, once.  Gives the error of the step that failed first, with its
 * message in @iov and its index in @failed, after all that were under way have ended.
 */
int pool_run(struct iov *iov, struct graph *graph, const struct pool_options *options,
	     size_t *failed);

/* journal.c: the change that is under way, on disk */

/* What a journal says of a step. */
enum step_state {
	STEP_UNTOUCHED,
	STEP_BEGUN,		/* or being undone */
	STEP_ENDED,
};

/**
 * struct journal - an open journal; its notes may come from several threads
 * @directory: of the journal, -1 when closed
 * @lock: file that is locked
 * @is_shared: the context goes on holding the lock
 * @is_left: so does a child that the kernel keeps
 * @file: -1 while there is no journal
 * @mutex: guards what follows
 * @synced_more: @synced or @error changed
 * @written: bytes
 * @synced: bytes that are on disk
 * @syncing: a thread waits for the disk
 * @error: what the disk gave; what is on it is unknown from then on
 */
struct journal {
	int directory;
	int lock;
	bool is_shared;
	bool is_left;
	int file;
	pthread_mutex_t mutex;
	pthread_cond_t synced_more;
	off_t written;
	off_t synced;
	bool syncing;
	int error;
};

/* How long another change is waited for when the caller does not say. */
#define LOCK_WAIT_MS 30000

/*
 * Take the lock, waiting for its holder for @wait milliseconds, or share what iov_plan_lock()
 * took; a message on failure.
 */
int journal_lock(struct iov *iov, struct journal *journal, unsigned int wait);
void journal_unlock(struct journal *journal);

/* The lock is kept by the child of an operation that the kernel does not answer. */
void journal_leave_lock(struct iov *iov, struct journal *journal, pid_t child);

/*
 * Read the journal; @out is NULL without one.  Members: plan, pid, time, boot, by, states (of
 * each step), damaged (it speaks of steps that the plan does not have); confirm, when it is
 * to be confirmed, and awaits, seconds of the clock of the boot when that time is over.
 */
int journal_read(struct iov *iov, struct json_object **out);

/* plan_pending.c: whether a journal that was read is of an earlier boot. */
bool journal_is_stale(struct iov *iov, struct json_object *journal);

/*
 * Seconds that are left to confirm it; 0 when they are over, or somebody began to take it back; -1
 * when it does not await that.
 */
int64_t journal_left(struct json_object *journal);

/* Whether all its steps ended, and it awaits nobody's word: it is done, and its writer was killed behind it. */
bool journal_is_complete(struct json_object *journal);

/* How many of its steps came that far, or farther. */
size_t journal_count(struct json_object *journal, enum step_state least);

/* Open the journal that was read, to continue it. */
int journal_open(struct iov *iov, struct journal *journal, size_t steps);

/*
 * Begin a journal with its plan; on disk when this returns, with room for all that the
 * run and a recovery after it will note.  @confirm: seconds, as in struct iov_plan_options.
 */
int journal_create(struct iov *iov, struct journal *journal, const struct iov_plan *plan,
		   unsigned int confirm);

/*
 * Note that @count steps, BATCH_MAX at most, are going to "begin" or "undo", on disk when
 * this returns, or that they came to their "end" or are "undone", which may get lost: then
 * they are done again.
 */
int journal_note(struct iov *iov, struct journal *journal, const char *event, const size_t *steps,
		 size_t count);

/* All is done and awaits confirmation from now on, which is on disk when this returns. */
int journal_await(struct iov *iov, struct journal *journal, unsigned int confirm);

/* The change is over. */
int journal_remove(struct iov *iov, struct journal *journal);

/* history.c: what became of changes */

/* "2026-01-31T12:00:00Z" and its NUL. */
#define HISTORY_TIME_SIZE UTC_TEXT_SIZE

void history_now(char now[HISTORY_TIME_SIZE]);

/* Who changes the host: "uid", "login_uid", "user", "sudo_user", "pid", "tty", "command". */
struct json_object *history_who(struct iov *iov);

/* The command line of a process, allocated; NULL when it is gone.  @pid: "71", "self" */
char *history_command(struct iov *iov, const char *pid);

struct iov_journal;

/* An entry of the history to the journal, with fields: 0 or -errno. */
int history_send(const struct iov_journal *journal, struct json_object *entry);

/*
 * Note what became of a change; the journal's directory is open.  What cannot be noted is
 * logged, as it must not fail a change.
 * @plan: JSON of the plan
 * @began: the journal of a change that somebody else began, NULL for one of our own
 * @result: as iov_history_read() tells
 * @why: NULL for no reason
 */
void history_note(struct iov *iov, const struct journal *journal, struct json_object *plan,
		  struct json_object *began, const char *result, const char *why);

/* kernel_log.c */

/* The last line of the kernel's log of the last @milliseconds that names a device. */
bool kernel_said(struct iov *iov, const char *device, unsigned int milliseconds, char *line,
		 size_t size);

#endif
