/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs that are measured, or measure: they end with us, however we end, and leave nothing that
 * has a name anywhere.
 */
#ifndef IOV_BENCH_GUEST_CHILD_H
#define IOV_BENCH_GUEST_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/iov.h"

#define CHILD_FDS 16

/**
 * struct child - a program that runs
 * @pid: process; 0 for none
 * @said: file in memory with what it wrote to standard error; -1 for none
 */
struct child {
	pid_t pid;
	int said;
};

/**
 * struct child_options - how it is started
 * @in: its standard input; -1: nothing
 * @out: its standard output; -1: with what it says
 * @fds: what it inherits with its number
 * @fd_count: length of @fds
 * @network: network namespace that it starts in; -1: ours
 * @terminal: it stays at the terminal, with our standard input, output and error
 */
struct child_options {
	int in;
	int out;
	int fds[CHILD_FDS];
	size_t fd_count;
	int network;
	bool terminal;
};

/**
 * child_start - start a program
 * @child: overwritten; ended with child_end() unless this fails
 * @iov: context for messages
 * @argv: program, looked for on PATH, and arguments, ended by NULL
 * @options: how
 *
 * It gets SIGKILL when the calling thread ends.
 *
 * Return: 0; -ENOENT without that program, or -errno; with a message.
 */
int child_start(struct child *child, struct iov *iov, const char *const *argv,
		const struct child_options *options);

/* Whether it runs still. */
bool child_runs(const struct child *child);

/* The last lines that it said, in one; "" for none. */
void child_said(const struct child *child, char *text, size_t size);

/* Ask it to end, and end it when it does not within two seconds; one that is stopped, too. */
void child_end(struct child *child);

#endif
