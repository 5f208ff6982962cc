/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a context holds; for the files of base/ alone. */
#ifndef IOV_BASE_CONTEXT_H
#define IOV_BASE_CONTEXT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/iov.h"

#define IOV_TABLE_MAX 64

struct writer;
struct writer_state;
struct forker;

/* What the kernel did not answer about one thing, see base/sysroot/ask.h. */
struct unanswered {
	const char *why;
	char *name;
	char *message;
	int64_t until;			/* milliseconds of the monotonic clock */
};

/* The last error. */
struct said {
	enum iov_failure failure;
	int error;
	char message[IOV_MESSAGE_SIZE];
};

struct iov {
	int root_fd;
	bool root_is_own;	/* "/", not a recorded tree */
	iov_log_fn *log;
	void *log_arg;
	struct said said;
	pthread_mutex_t *callbacks;	/* held around calls of the user's functions, or NULL */

	unsigned int write_timeout;	/* milliseconds, 0: the default */
	pid_t stuck;			/* child of the last call when the kernel keeps it, or 0 */
	size_t done;			/* how far the last call came, of operations */
	size_t due;			/* how far it had come when its time was up */
	struct {
		int (*make)(struct iov *iov, const char *question, size_t length,
			    FILE *answer);
		int64_t until;		/* milliseconds of the monotonic clock */
		bool told;
		char message[IOV_MESSAGE_SIZE];
	} silent;			/* what the kernel did not answer, and is not asked till then */
	struct unanswered *unanswered;
	size_t unanswered_count;
	int64_t surveyed;		/* when config_survey() asked about all functions but VFs, or 0 */
	struct {
		uint32_t domain;
		uint8_t bus;
		bool asleep;
		int64_t until;		/* milliseconds of the monotonic clock */
	} above;			/* the port above the functions of a bus, when it was last looked at */
	int64_t surveyed_vfs;		/* and about all VFs as well */
	int (*on_write)(void *arg, struct iov *iov, const char *path, const char *text);
	void *on_write_arg;
	struct writer *writer;	/* the child that makes calls, or NULL */
	struct writer_state *as_writer;	/* in that child what it shares with its parent, or NULL */
	void (*end_writer)(struct iov *iov);	/* ends it; set by whoever started one */
	struct forker *forker;	/* makes such children where there are threads, or NULL */

	int change_lock;	/* held by iov_plan_lock(), 0: not held */
	bool lock_is_left;	/* a child that the kernel keeps may still change the host */

	struct {
		const char *table;
		const void *entry;
	} tables[IOV_TABLE_MAX];
	size_t table_entries;

	char control[108];	/* iovd's socket, "": where it is by default */

	char sudo_user[64];	/* who became root by sudo, "" for nobody */

	char session_client[64];	/* from SSH_CONNECTION: its two addresses */
	char session_local[64];
};

/*
 * A context for another thread: the same host, settings and tables.  It shares the
 * user's functions with @from and calls them under the same @callbacks.
 */
int context_clone(struct iov **out, const struct iov *from);

/* The child that makes calls has the context as it was: another is started when it is needed. */
void context_changed(struct iov *iov);

/*
 * Give up a lock of the host, 0 for none.  A child that hangs while it only looks has the
 * descriptor as well and must not keep it; one that still changes something (@is_left) must.
 */
void lock_drop(int lock, bool is_left);

/* Around each call of a function of the user's. */
void callbacks_lock(struct iov *iov);
void callbacks_unlock(struct iov *iov);

#endif
