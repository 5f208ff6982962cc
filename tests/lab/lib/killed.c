// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The end of a process at a call of its own, which costs an emulated machine nothing, where
 * each stop for a tracer costs milliseconds:
 *
 *	LD_PRELOAD=libkilled.so KILLED=recv:N|fsync:N|ioctl:N COMMAND
 *
 * COMMAND gets SIGKILL as it enters that call for the Nth time. Those that it forks are spared,
 * and those that it executes know nothing of it.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static char call[16];
static int number;
static atomic_int calls;
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

static void *entered(const char *name)
{
	if (!strcmp(name, call) && getpid() == process && atomic_fetch_add(&calls, 1) + 1 == number)
		kill(process, SIGKILL);
	return dlsym(RTLD_NEXT, name);
}

__attribute__((visibility("default"))) ssize_t recv(int fd, void *data, size_t size, int flags)
{
	ssize_t (*real)(int, void *, size_t, int);

	*(void **)&real = entered("recv");
	return real(fd, data, size, flags);
}

__attribute__((visibility("default"))) int fsync(int fd)
{
	int (*real)(int);

	*(void **)&real = entered("fsync");
	return real(fd);
}

__attribute__((visibility("default"))) int ioctl(int fd, unsigned long request, ...)
{
	int (*real)(int, unsigned long, void *);
	va_list args;
	void *argument;

	va_start(args, request);
	argument = va_arg(args, void *);
	va_end(args);
	*(void **)&real = entered("ioctl");
	return real(fd, request, argument);
}
