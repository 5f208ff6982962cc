// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Faults in writes to sysfs, for programs that make them in many processes (the
 * counters of strace's injection are those of one process):
 *
 *	LD_PRELOAD=libfault.so FAULT_COUNTER=FILE FAULT=KIND:N COMMAND
 *
 * Write number N of all processes together
 *	error		fails with EIO
 *	late-error	takes effect, and fails with EIO
 *	hang		never returns
 *	kill		ends the process that waits for it with SIGKILL, then takes effect
 *	kill-all	ends both of them with SIGKILL
 *	none		is as the others
 * FILE receives the number of writes, as a binary int.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef ssize_t write_fn(int fd, const void *data, size_t size);

static write_fn *real_write;
static atomic_int *counter;
static char kind[16];
static int number;

__attribute__((constructor)) static void start(void)
{
	const char *file = getenv("FAULT_COUNTER"), *fault = getenv("FAULT");
	int fd = file ? open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
	void *page = MAP_FAILED;

	*(void **)&real_write = dlsym(RTLD_NEXT, "write");
	if (fd >= 0 && !ftruncate(fd, sizeof(int)))
		page = mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED || !fault || sscanf(fault, "%15[^:]:%d", kind, &number) != 2) {
		fprintf(stderr, "libfault: FAULT_COUNTER=FILE and FAULT=KIND:N are missing\n");
		_exit(1);
	}
	counter = page;
	close(fd);
}

static int is_sysfs(int fd)
{
	char link[32], target[256] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return readlink(link, target, sizeof(target) - 1) > 0 && !strncmp(target, "/sys/", 5);
}

static ssize_t strike(int fd, const void *data, size_t size)
{
	while (!strcmp(kind, "hang"))
		pause();
	if (!strncmp(kind, "kill", 4))
		kill(getppid(), SIGKILL);
	if (!strcmp(kind, "kill-all"))
		kill(getpid(), SIGKILL);
	if (strcmp(kind, "error") && real_write(fd, data, size) < 0)
		return -1;
	if (strncmp(kind, "kill", 4)) {
		errno = EIO;
		return -1;
	}
	return (ssize_t)size;
}

__attribute__((visibility("default"))) ssize_t write(int fd, const void *data, size_t size)
{
	if (!is_sysfs(fd))
		return real_write(fd, data, size);
	if (atomic_fetch_add(counter, 1) + 1 == number && strcmp(kind, "none"))
		return strike(fd, data, size);
	return real_write(fd, data, size);
}
