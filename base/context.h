/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a context holds; for the files of base/ alone. */
#ifndef IOV_BASE_CONTEXT_H
#define IOV_BASE_CONTEXT_H

#include "base/iov.h"
#include "base/plan.h"
#include "base/sysroot.h"

#define IOV_MESSAGE_SIZE 1024
#define IOV_TABLE_MAX 64

struct iov {
	int root_fd;
	iov_log_fn *log;
	void *log_arg;
	char message[IOV_MESSAGE_SIZE];

	unsigned int write_timeout;	/* milliseconds, 0: the default */
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

/* Register the kinds "write" and "module". */
void op_register_builtin(struct iov *iov);

#endif
