/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a run of a plan is; for plan_run.c, and for plan_recover.c, which continues one. */
#ifndef IOV_BASE_PLAN_PLAN_RUN_H
#define IOV_BASE_PLAN_PLAN_RUN_H

#include "base/plan/plan_engine.h"

/* Where a step is; @stuck is the child that still makes one of its writes, or 0. */
struct progress {
	enum step_state state;
	pid_t stuck;
};

/* One run of a plan. */
struct run {
	struct iov *iov;
	struct journal journal;
	const struct iov_plan *plan;
	struct progress *progress;
	bool *given;		/* of each step, whether what its functions share was asked for */
	pthread_mutex_t given_mutex;
	struct iov_plan_options options;
	size_t reported;
	bool begun;		/* the journal is on disk */
};

/* Take the lock; a message on failure. */
int run_open(struct run *run, struct iov *iov, const struct iov_plan_options *options);

/* The plan that is run; no step has begun. */
int run_take_plan(struct run *run, const struct iov_plan *plan);
void run_close(struct run *run);

/* Hand what guards found to who asked for the run; takes @found over. */
void run_tell_findings(struct run *run, struct json_object *found);

/* Everything that has not ended, all of it undone when one fails; the journal is open. */
int run_steps(struct run *run);

/* Undo what was begun, backwards; where that fails the rest of the host is undone still. */
int undo_steps(struct run *run);

#endif
