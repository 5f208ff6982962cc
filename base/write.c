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
/* How long a killed child may take to go, unless the kernel keeps it. */
#define KILL_TIMEOUT 200

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
	iov->callbacks = NULL;
	for (int standard = STDIN_FILENO; standard <= STDERR_FILENO; standard++)
		close(standard);
}

/* Whether the child of a pidfd ended in time. */
static int wait_end(int pidfd, unsigned int timeout)
{
	struct pollfd poll_fd = { .fd = pidfd, .events = POLLIN };
	int ready;

	do {
		ready = poll(&poll_fd, 1, (int)timeout);
	} while (ready < 0 && errno == EINTR);
	return ready < 0 ? -errno : ready;
}

/* The deadline is over: the write is cut off, or @iov knows the child that is left to init. */
static int give_up(struct iov *iov, int pidfd, pid_t child)
{
	int status;

	kill(child, SIGKILL);
	if (wait_end(pidfd, KILL_TIMEOUT) > 0)
		waitpid(child, &status, 0);
	else
		iov->stuck = child;
	return -ETIMEDOUT;
}

static int wait_child(struct iov *iov, pid_t child)
{
	_cleanup_fd_ int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	int status, ended;

	if (pidfd < 0) {
		iov->stuck = child;
		return -errno;
	}
	ended = wait_end(pidfd, iov->write_timeout ? iov->write_timeout : DEFAULT_TIMEOUT);
	if (ended < 0)
		return ended;
	if (!ended)
		return give_up(iov, pidfd, child);
	if (waitpid(child, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

/*
 * Other threads of ours may have been stopped while they held a lock, so @work takes none
 * in the child: it reads its plan and calls the kernel.
 */
int sys_in_child(struct iov *iov, int (*work)(struct iov *iov, void *arg), void *arg)
{
	pid_t child = fork();

	iov->stuck = 0;
	if (child < 0)
		return -errno;
	if (!child) {
		int error;

		leave_caller(iov);
		error = -work(iov, arg);
		_exit(error < 256 ? error : EIO);
	}
	return wait_child(iov, child);
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

int call_on_write(struct iov *iov, const char *path, const char *text)
{
	int error;

	callbacks_lock(iov);
	error = iov->on_write(iov->on_write_arg, iov, path, text);
	callbacks_unlock(iov);
	return error;
}

int iov_sys_write(struct iov *iov, const char *path, const char *text)
{
	struct attribute attribute = { path, text };

	if (iov->on_write)
		return call_on_write(iov, path, text);
	return iov->is_child ? write_attribute(iov, &attribute) :
			       sys_in_child(iov, write_attribute, &attribute);
}
