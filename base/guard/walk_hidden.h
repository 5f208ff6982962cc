/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that a process has without a descriptor that procfs lists. */
#ifndef IOV_BASE_GUARD_WALK_HIDDEN_H
#define IOV_BASE_GUARD_WALK_HIDDEN_H

#include "base/guard/scan.h"

/* @name: a descriptor of ours, below "fd" of our own process, or a path */
typedef void guard_hidden_fn(void *argument, const char *name);

/*
 * Hand on the descriptors that wait for @process in its Unix socket @fd, sent by somebody who may
 * have closed them; each is there for the time of the call.  How many more there are.
 */
size_t guard_walk_sent(struct guard_scan *scan, const struct guard_process *process, const char *fd,
		       guard_hidden_fn *visit, void *argument);

/*
 * Hand on the paths of files that are registered with @fd, an io_uring of @process, which holds
 * them whatever is closed.  How many more there are.
 */
size_t guard_walk_registered(struct guard_scan *scan, const struct guard_process *process,
			     const char *fd, guard_hidden_fn *visit, void *argument);

#endif
