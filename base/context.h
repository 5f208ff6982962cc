/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a context holds; for the files of base/ alone. */
#ifndef IOV_BASE_CONTEXT_H
#define IOV_BASE_CONTEXT_H

#include <pthread.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/iov.h"
#include "base/plan/plan.h"
#include "base/sysroot/sysroot.h"

#define IOV_MESSAGE_SIZE 1024
#define IOV_TABLE_MAX 64

/* How far a writer came with a request: whole operations, and when a write began. */
struct writer_state {
	size_t done;
	int64_t began;
};

struct iov {
	int root_fd;
	bool root_is_own;	/* "/", not a recorded tree */
	iov_log_fn *log;
	void *log_arg;
	char message[IOV_MESSAGE_SIZE];
	pthread_mutex_t *callbacks;	/* held around calls of the user's functions, or NULL */

	unsigned int write_timeout;	/* milliseconds, 0: the default */
	pid_t stuck;			/* child of the last write when the kernel keeps it, or 0 */
	iov_sys_write_fn *on_write;
	void *on_write_arg;
	bool is_writer;			/* writes are made here and now */
	struct {
		pid_t pid;		/* 0: there is none */
		int pidfd;
		int socket;
		struct writer_state *state;	/* shared with it */
	} writer;

	struct {
		const char *table;
		const void *entry;
	} tables[IOV_TABLE_MAX];
	size_t table_entries;

	char control[108];	/* iovd's socket, "": where it is by default */

	char session_client[64];	/* from SSH_CONNECTION: its two addresses */
	char session_local[64];
};

/*
 * Have write operations made by a child that the deadline of writes applies to, and which
 * ends them when we are killed.  @done: operations before the one that failed.
 */
int writer_run(struct iov *iov, struct json_object *ops, size_t *done);

/* End that child; it holds the lock that it was forked under. */
void writer_end(struct iov *iov);

/*
 * A context for another thread: the same host, settings and tables.  It shares the
 * user's functions with @from and calls them under the same @callbacks.
 */
int context_clone(struct iov **out, const struct iov *from);

/* Around each call of a function of the user's. */
void callbacks_lock(struct iov *iov);
void callbacks_unlock(struct iov *iov);

/* What iov_sys_on_write() was given, by one thread at a time. */
int call_on_write(struct iov *iov, const char *path, const char *text);

/* Register the kinds "write" and "module". */
void op_register_builtin(struct iov *iov);

#endif
