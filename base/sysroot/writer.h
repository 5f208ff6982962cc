/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes that a child makes; for the files of base/ alone. */
#ifndef IOV_BASE_SYSROOT_WRITER_H
#define IOV_BASE_SYSROOT_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/context.h"
#include "base/sysroot/condition.h"

/**
 * struct sys_write - a write to an attribute
 * @path: relative to the sysroot
 * @text: what is written
 * @absent_ok: a path that does not exist is success
 * @unless: when it holds already the write is skipped; NULL for none
 */
struct sys_write {
	const char *path;
	const char *text;
	bool absent_ok;
	const struct iov_condition *unless;
};

/*
 * Make writes in order, by a child that the deadline of iov_sys_set_timeout() applies to,
 * each on its own, and which ends them when we are killed; or by iov_sys_on_write().
 * @done: writes before the one that failed.
 */
int sys_write_all(struct iov *iov, const struct sys_write *writes, size_t count, size_t *done);

/* What iov_sys_on_write() was given, by one thread at a time. */
int call_on_write(struct iov *iov, const char *path, const char *text);

/* End the child of a context, if there is one; it holds the lock that it was forked under. */
void writer_end(struct iov *iov);

/* What a writer and its parent share: how far it came, and when a write began. */
struct writer_state {
	size_t done;
	int64_t began;		/* milliseconds of the monotonic clock */
};

/* Where in the file that they share a request begins, behind the state. */
#define REQUEST_AT 4096

/**
 * struct writer - the child that makes the writes of a context
 * @pid: child
 * @pidfd: becomes readable when it ends
 * @socket: takes the length of a request, gives 0 or -errno
 * @file: in memory: state and request
 * @state: mapped
 */
struct writer {
	pid_t pid;
	int pidfd;
	int socket;
	int file;
	struct writer_state *state;
};

/* write_child.c: start one for a context that has none; a message is not set. */
int writer_start(struct iov *iov);

/* Forget one that has ended or was given up. */
void writer_forget(struct iov *iov);

/*
 * The life of a writer, in a process of its own.  @parent becomes readable when the process
 * that it writes for has ended.
 */
void __attribute__((noreturn)) writer_live(struct iov *iov, int socket, int file, int parent);

/* Make one write in this process; when it began is put to @began. */
int writer_make(struct iov *iov, const struct sys_write *write, int64_t *began);

/* forker.c */

/*
 * Have writers of @iov and of contexts that are cloned from it made by a process that is
 * forked now, before there are threads.  forker_close() after these contexts were closed.
 */
int forker_open(struct iov *iov);
void forker_close(struct iov *iov);

/* A new child of ours that lives as a writer: its process ID or -errno.  From any thread. */
pid_t forker_fork(struct forker *forker, int socket, int file);

/* Whoever reads our caller's output, or ends our caller, must not wait for us or end us. */
void leave_caller(struct iov *iov);

/* A descriptor of a process, or -errno. */
int open_pidfd(pid_t pid);

#endif
