/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The step that a change is at, on a terminal, while it takes long. */
#ifndef IOV_CLI_PROGRESS_H
#define IOV_CLI_PROGRESS_H

#include "base/plan/plan.h"

/*
 * Show on stderr, when it is a terminal, the steps of the plan that runs with @options.  No thread
 * has been started yet.
 */
void cli_progress_begin(struct iov_plan_options *options);

/* The line is gone when this returns. */
void cli_progress_end(void);

/* Make room on the terminal for a line of another kind; nothing while no progress is shown. */
void cli_progress_clear(void);

#endif
