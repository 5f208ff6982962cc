// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writes to attributes, made by a child process.
 *
 * A write to sysfs runs driver code and may never return (a driver that waits
 * for a VM to let go of a VF).  Nothing can cancel it, so a child makes it:
 * the parent waits for the child until the deadline, then leaves it behind.
 * The child is killed, which the kernel honours as soon as the write returns.
 *
 * True at all times: a child that was not killed itself comes to its end,
 * whatever becomes of its parent, terminal or process group.
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

/* Whoever reads our caller's output, or ends our caller, must not wait for us or end us. */
static void leave_caller(struct iov *iov)
{
	setsid();
	iov->is_child = true;
	iov->log = NULL;
	for (int standard = STDIN_FILENO; standard <= STDERR_FILENO; standard++)
		close(standard);
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

int sys_in_child(struct iov *iov, int (*work)(struct iov *iov, void *arg), void *arg)
{
	pid_t child = fork();

	if (child < 0)
		return -errno;
	if (!child) {
		int error;

		leave_caller(iov);
		error = -work(iov, arg);
		_exit(error < 256 ? error : EIO);
	}
	return wait_child(child, iov->write_timeout ? iov->write_timeout : DEFAULT_TIMEOUT);
}

struct attribute {
	const char *path;
	const char *text;
};

static int write_attribute(struct iov *iov, void *arg)
{
	struct attribute *attribute = arg;
	_cleanup_fd_ int fd = iov_sys_open(iov, attribute->path, O_WRONLY);
	size_t length = strlen(attribute->text);
	ssize_t written;

	if (fd < 0)
		return fd;
	written = write(fd, attribute->text, length);
	if (written < 0)
		return -errno;
	return (size_t)written == length ? 0 : -EIO;
}

int iov_sys_write(struct iov *iov, const char *path, const char *text)
{
	struct attribute attribute = { path, text };

	if (iov->on_write)
		return iov->on_write(iov->on_write_arg, iov, path, text);
	return iov->is_child ? write_attribute(iov, &attribute) :
			       sys_in_child(iov, write_attribute, &attribute);
}
