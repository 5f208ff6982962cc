/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a context holds; for the files of base/ alone. */
#ifndef IOV_BASE_CONTEXT_H
#define IOV_BASE_CONTEXT_H

#include <pthread.h>
#include <sys/types.h>

#include "base/iov.h"
#include "base/plan.h"
#include "base/sysroot.h"

#define IOV_MESSAGE_SIZE 1024
#define IOV_TABLE_MAX 64

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
	bool is_child;			/* of sys_in_child(): writes are made at once */

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
 * Work that may hang in the kernel, done by a child with the deadline of writes.
 * @work gives 0 or -errno, which comes back; of its memory nothing does.
 */
int sys_in_child(struct iov *iov, int (*work)(struct iov *iov, void *arg), void *arg);

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
