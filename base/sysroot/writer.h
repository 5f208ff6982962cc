/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The child that makes the calls of a context which the kernel may never answer, most of them
 * writes; for the files of base/ alone.
 */
#ifndef IOV_BASE_SYSROOT_WRITER_H
#define IOV_BASE_SYSROOT_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/context.h"
#include "base/sysroot/call.h"

/* End the child of a context, if there is one; it holds the lock that it was forked under. */
void writer_end(struct iov *iov);

/* Whether what the kernel may not answer is done in this process. */
bool writer_is_here(const struct iov *iov);

/*
 * iov_sys_call() by a child, also to look at a recorded tree, and asked again after a time-out.
 * @answered receives the bytes of @answer, both NULL for what changes something.
 */
int writer_call(struct iov *iov, iov_sys_call_fn *make, const char *question, size_t length,
		char **answer, size_t *answered);

/* How long each call may take, in milliseconds. */
int64_t writer_timeout(const struct iov *iov);

/* "pid 7 waits for that in the kernel in f, g" of a child that was left behind, or "". */
void writer_stack(struct iov *iov, char *text, size_t size);

/* Add to a message who waits in the kernel, and where, when a child was left behind there. */
void explain_stuck(struct iov *iov);

/* What iov_sys_on_write() was given, by one thread at a time. */
int call_on_write(struct iov *iov, const char *path, const char *text);

/**
 * struct writer_state - what a writer and whom it works for share
 * @done: how far it came
 * @begun: whether the writer has the request; before that nothing was asked
 * @began: when the call that it makes began, in milliseconds of the monotonic clock; of a request
 *	that it does not have, when that was sent
 * @what: what it asks for, "" when that goes without saying
 * @answered: bytes of its answer
 * @said: its error
 */
struct writer_state {
	size_t done;
	bool begun;
	int64_t began;
	char what[160];
	size_t answered;
	struct said said;
};

/* Where in the file that they share a question begins, behind the state, and then its answer. */
#define QUESTION_AT sizeof(struct writer_state)

/* What a writer is sent. */
struct writer_request {
	iov_sys_call_fn *make;
	size_t length;
};

/* What it sends, as long as @line is: lines of the log, then the end. */
struct writer_note {
	enum { WRITER_LOG, WRITER_END } kind;
	int value;			/* level, or 0 or -errno */
	char line[IOV_MESSAGE_SIZE];
};

/**
 * struct writer - the child of a context
 * @pid: child
 * @pidfd: becomes readable when it ends
 * @socket: takes requests, gives notes
 * @file: in memory: state, question and answer
 * @state: mapped
 */
struct writer {
	pid_t pid;
	int pidfd;
	int socket;
	int file;
	struct writer_state *state;
};

/* writer.c: start one for a context that has none; a message is not set. */
int writer_start(struct iov *iov);

/* Forget one that has ended or was given up. */
void writer_forget(struct iov *iov);

/* Bytes at an offset of the file that both share; all of them, or -errno. */
int writer_get(int file, off_t at, char *bytes, size_t length);
int writer_put(int file, off_t at, const char *bytes, size_t length);

/* Make calls in this process; @text receives the answer, which the caller frees. */
int writer_make(struct iov *iov, iov_sys_call_fn *make, const char *question, size_t length,
		char **text, size_t *answered);

/*
 * The life of a writer, in a process of its own.  @parent becomes readable when the process
 * that it works for has ended.
 */
void __attribute__((noreturn)) writer_live(struct iov *iov, int socket, int file, int parent);

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
