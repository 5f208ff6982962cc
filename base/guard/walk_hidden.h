/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that a process has without a descriptor that procfs lists. */
#ifndef IOV_BASE_GUARD_WALK_HIDDEN_H
#define IOV_BASE_GUARD_WALK_HIDDEN_H

#include "base/guard/scan.h"

/* @copies: as the process, but a child of ours, which has a copy of a descriptor as @fd */
typedef void guard_sent_fn(void *argument, struct guard_process *copies, const char *fd);

typedef void guard_path_fn(void *argument, const char *path);

/*
 * Hand on the descriptors that wait for @process in its Unix socket @fd, "socket:[31337]", sent by
 * somebody who may have closed them; each is there for the time of the call.  How many more there
 * are.  A socket that cannot be looked into within half a second is logged.
 */
size_t guard_walk_sent(struct guard_scan *scan, const struct guard_process *process, const char *fd,
		       const char *socket, guard_sent_fn *visit, void *argument);

/*
 * Hand on the paths of files that are registered with @fd, an io_uring of @process, which holds
 * them whatever is closed.  How many more there are that may be devices.
 */
size_t guard_walk_registered(struct guard_scan *scan, const struct guard_process *process,
			     const char *fd, guard_path_fn *visit, void *argument);

#endif
