// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The end of a process at a call of its own, which costs an emulated machine nothing, where
 * each stop for a tracer costs milliseconds:
 *
 *	LD_PRELOAD=libkilled.so KILLED=recv:N|fsync:N|renameat:N|request:N COMMAND
 *
 * COMMAND gets SIGKILL as it enters that call for the Nth time. Those that it forks are spared,
 * and those that it executes know nothing of it.  A request is a recv(2) behind the first
 * fsync(2): once the journal is there, answers are those to the requests of the plan.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char call[16];
static int number;
static atomic_int calls;
static atomic_bool has_journal;
static pid_t process;

__attribute__((constructor)) static void start(void)
{
	const char *killed = getenv("KILLED");

	if (!killed || sscanf(killed, "%15[^:]:%d", call, &number) != 2) {
		fprintf(stderr, "libkilled: KILLED=CALL:N is missing\n");
		_exit(1);
	}
	process = getpid();
	unsetenv("KILLED");
	unsetenv("LD_PRELOAD");
}

static void enter(const char *name)
{
	if (!strcmp(name, call) && getpid() == process && atomic_fetch_add(&calls, 1) + 1 == number)
		kill(process, SIGKILL);
}

__attribute__((visibility("default"))) ssize_t recv(int fd, void *data, size_t size, int flags)
{
	ssize_t (*real)(int, void *, size_t, int);

	*(void **)&real = dlsym(RTLD_NEXT, "recv");
	enter("recv");
	if (has_journal)
		enter("request");
	return real(fd, data, size, flags);
}

__attribute__((visibility("default"))) int fsync(int fd)
{
	int (*real)(int);

	*(void **)&real = dlsym(RTLD_NEXT, "fsync");
	enter("fsync");
	has_journal = true;
	return real(fd);
}

__attribute__((visibility("default"))) int renameat(int from, const char *old, int to,
						    const char *new)
{
	int (*real)(int, const char *, int, const char *);

	*(void **)&real = dlsym(RTLD_NEXT, "renameat");
	enter("renameat");
	return real(from, old, to, new);
}
