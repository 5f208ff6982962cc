// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writes to attributes, each in a child process of its own.
 *
 * A write to sysfs runs driver code and may never return (a driver that waits
 * for a VM to let go of a VF).  Nothing can cancel it, so a child makes it:
 * the parent waits for the child until the deadline, then leaves it behind.
 * The child is killed, which the kernel honours as soon as the write returns.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/context.h"
#include "base/sysroot.h"

#define DEFAULT_TIMEOUT 60000

void iov_sys_set_timeout(struct iov *iov, unsigned int milliseconds)
{
	iov->write_timeout = milliseconds;
}

void iov_sys_on_write(struct iov *iov, iov_sys_write_fn *write, void *arg)
{
	iov->on_write = write;
	iov->on_write_arg = arg;
}

/* The child's whole life; its exit status is the errno. */
static void write_and_exit(int fd, const char *text)
{
	size_t length = strlen(text);
	ssize_t written;

	/* Whoever reads our caller's output must not wait for this write. */
	for (int standard = STDIN_FILENO; standard <= STDERR_FILENO; standard++) {
		if (standard != fd)
			close(standard);
	}
	written = write(fd, text, length);
	if (written < 0)
		_exit(errno < 256 ? errno : EIO);
	_exit((size_t)written == length ? 0 : EIO);
}

/* Wait for the child's end; -ETIMEDOUT leaves it to init. */
static int wait_child(pid_t child, unsigned int timeout)
{
	_cleanup_fd_ int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	struct pollfd poll_fd = { .fd = pidfd, .events = POLLIN };
	int status, ready;

	if (pidfd < 0)
		return -errno;
	do {
		ready = poll(&poll_fd, 1, (int)timeout);
	} while (ready < 0 && errno == EINTR);
	if (ready == 0) {
		kill(child, SIGKILL);
		waitpid(child, &status, WNOHANG);
		return -ETIMEDOUT;
	}
	if (waitpid(child, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

int iov_sys_write(struct iov *iov, const char *path, const char *text)
{
	_cleanup_fd_ int fd = -1;
	pid_t child;

	if (iov->on_write)
		return iov->on_write(iov->on_write_arg, iov, path, text);
	fd = iov_sys_open(iov, path, O_WRONLY);
	if (fd < 0)
		return fd;
	child = fork();
	if (child < 0)
		return -errno;
	if (!child)
		write_and_exit(fd, text);
	return wait_child(child, iov->write_timeout ? iov->write_timeout : DEFAULT_TIMEOUT);
}
