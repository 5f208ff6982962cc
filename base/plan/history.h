/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was changed, by whom, and what became of it.
 *
 * The engine notes each plan that it ran, or refused to, and each recovery, in
 * var/lib/iovkit/log, one JSON object a line, and in the log of the system (LOG_AUTH).  The
 * file becomes log.1 when it is a mebibyte long, and what was in that goes.
 */
#ifndef IOV_BASE_PLAN_HISTORY_H
#define IOV_BASE_PLAN_HISTORY_H

#include <json-c/json.h>

#include "base/iov.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * iov_history_set_sudo_user - tell a context who became root to call it
 * @iov: context
 * @name: value of SUDO_USER, NULL when it is not set
 */
void iov_history_set_sudo_user(struct iov *iov, const char *name);

/**
 * iov_history_deed - note a change that is no plan, as nothing of it can be taken back
 * @iov: context, which holds the lock of changes
 * @title: what it does: "reset the slot of 0000:01:00.0"
 * @devices: borrowed; array of what it changes
 * @error: 0 when it is "done", or what the change gave, with its message in the context: then it
 *	is "failed".  Error and message stay as they are.
 */
void iov_history_deed(struct iov *iov, const char *title, struct json_object *devices, int error);

struct iov_plan;

/**
 * iov_history_refused - note a change that was refused while it was planned
 * @plan: of which at least the title is known; nothing is noted of one that takes no lock, as
 *	of who only looks
 * @error: what the plan's builder gave, with its message in the context; a mistake in what was
 *	asked for, or a device that is not there, is none of the host's history.  Error and message
 *	stay as they are.
 */
void iov_history_refused(const struct iov_plan *plan, int error);

/**
 * iov_history_read - what was changed so far
 * @iov: context
 * @entries: receives an array of objects, the oldest first, which the caller puts: "time"
 *	(ISO 8601), "result", "why" (a message or null), "title" of the plan, "devices" (array),
 *	"steps" (array of titles, the first 64), "by" ("uid", "login_uid", "user", "sudo_user",
 *	"pid", "tty", "command"), and "began" ("time" and "by") when somebody else began it
 *
 * Results: "done"; "refused": a guard or another change; "failed": all was taken back;
 * "stuck": and not all could be; "awaits": done, to be confirmed; "confirmed"; "undone" and
 * "finished": by a recovery; "dropped": by the end of the boot.
 *
 * Return: 0 or -errno with a message.
 */
int iov_history_read(struct iov *iov, struct json_object **entries);

#ifdef __cplusplus
}
#endif

#endif
