/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the plan engine share; for base/ alone. */
#ifndef IOV_BASE_PLAN_ENGINE_H
#define IOV_BASE_PLAN_ENGINE_H

#include <json-c/json.h>
#include <stdbool.h>

#include "base/iov.h"

/* A member as text; "" when it is absent. */
static inline const char *json_get_text(struct json_object *object, const char *key)
{
	const char *text = json_object_get_string(json_object_object_get(object, key));

	return text ? text : "";
}

/* op.c: operations and conditions */

/*
 * Run operations in order, each unless its condition holds; a message on failure.
 * Neighbouring writes are made by one child, which ends them even when we are killed.
 */
int ops_run(struct iov *iov, struct json_object *ops);

/* Whether a condition holds now. */
bool condition_holds(struct iov *iov, struct json_object *condition);

/* One line about a condition. */
void condition_describe(struct json_object *condition, char *text, size_t size);

/* journal.c: the change that is under way, on disk */

struct journal {
	int directory;		/* of the journal, -1 when closed */
	int lock;
	int file;		/* -1 while there is no journal */
};

/* Take the lock, waiting a while for its holder; a message on failure. */
int journal_lock(struct iov *iov, struct journal *journal);
void journal_unlock(struct journal *journal);

/* Read the journal; @out is NULL without one.  Members: plan, begun, ended, pid, time, boot. */
int journal_read(struct iov *iov, struct journal *journal, struct json_object **out);

/* Begin a journal with its plan; on disk when this returns. */
int journal_create(struct iov *iov, struct journal *journal, struct json_object *plan);

/* Note that a step begins or has ended; on disk when this returns. */
int journal_note(struct iov *iov, struct journal *journal, const char *event, size_t step);

/* The change is over. */
int journal_remove(struct iov *iov, struct journal *journal);

#endif
