// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writes to attributes, made by a child process: the writer.
 *
 * A write to sysfs runs driver code and may never return (a driver that waits
 * for a VM to let go of a VF).  Nothing can cancel it, so a child makes it:
 * the parent waits for its answer until the deadline, then leaves it behind.
 * The child is killed, which the kernel honours as soon as the write returns,
 * and another is started for the next write.
 *
 * A request is in a file in memory that both have, so it may be of any length, is there
 * as a whole or not at all, and sending it never waits.  How far it came is there as well,
 * where a writer that hangs or dies leaves it, and since when it makes a write, as each
 * has a deadline of its own.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/sysroot/request.h"
#include "base/sysroot/sysroot.h"
#include "base/sysroot/writer.h"

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

void writer_end(struct iov *iov)
{
	if (!iov->writer)
		return;
	/* close(2) would not do: writers of other threads have inherited the socket. */
	shutdown(iov->writer->socket, SHUT_RDWR);
	waitpid(iov->writer->pid, NULL, 0);
	writer_forget(iov);
}

/* 0 at the deadline. */
static int poll_until(struct pollfd *polls, nfds_t count, unsigned int timeout)
{
	int ready;

	do {
		ready = poll(polls, count, (int)timeout);
	} while (ready < 0 && errno == EINTR);
	return ready < 0 ? -errno : ready;
}

/* The deadline is over: the write is cut off, or @iov knows the child that is left to init. */
static void give_up(struct iov *iov)
{
	struct pollfd end = { iov->writer->pidfd, POLLIN, 0 };

	kill(iov->writer->pid, SIGKILL);
	if (poll_until(&end, 1, KILL_TIMEOUT) > 0)
		waitpid(iov->writer->pid, NULL, 0);
	else
		iov->stuck = iov->writer->pid;
}

/* 0 when the write that is being made is over its deadline. */
static int poll_answer(struct iov *iov, struct pollfd *polls, nfds_t count)
{
	int64_t timeout = iov->write_timeout ? iov->write_timeout : DEFAULT_TIMEOUT, left = timeout;
	int ready = 0;

	while (!ready && left > 0) {
		ready = poll_until(polls, count, (unsigned int)left);
		left = iov->writer->state->began + timeout - (int64_t)monotonic_ms();
	}
	return ready;
}

/* @gone: there is no writer any more. */
static int await_answer(struct iov *iov, bool *gone)
{
	struct pollfd polls[] = {
		{ iov->writer->socket, POLLIN, 0 }, { iov->writer->pidfd, POLLIN, 0 },
	};
	int ready = poll_answer(iov, polls, 2);
	int error;

	*gone = ready <= 0;
	if (ready <= 0) {
		give_up(iov);
		return ready ? ready : -ETIMEDOUT;
	}
	if (recv(iov->writer->socket, &error, sizeof(error), MSG_DONTWAIT) == sizeof(error))
		return error;
	*gone = true;
	waitpid(iov->writer->pid, NULL, 0);
	return -EIO;
}

/* Put a request where the writer finds it. */
static int store_request(const struct writer *writer, const char *bytes, size_t length)
{
	for (size_t put = 0; put < length;) {
		ssize_t more = pwrite(writer->file, bytes + put, length - put,
				      (off_t)(REQUEST_AT + put));

		if (more < 0)
			return -errno;
		put += (size_t)more;
	}
	return 0;
}

static int request_by_writer(struct iov *iov, const char *bytes, size_t length, size_t *done)
{
	int error = iov->writer ? 0 : writer_start(iov);
	bool gone;

	if (!error)
		error = store_request(iov->writer, bytes, length);
	if (error)
		return error;
	*iov->writer->state = (struct writer_state){ .began = (int64_t)monotonic_ms() };
	/* Of a writer that died meanwhile there is no answer either. */
	send(iov->writer->socket, &length, sizeof(length), MSG_NOSIGNAL);
	error = await_answer(iov, &gone);
	*done = iov->writer->state->done;
	if (gone)
		writer_forget(iov);
	return error;
}

static int write_here(struct iov *iov, const struct sys_write *writes, size_t count, size_t *done)
{
	int error = 0;
	int64_t began;

	for (; !error && *done < count; *done += !error)
		error = writer_make(iov, &writes[*done], &began);
	return error;
}

int sys_write_all(struct iov *iov, const struct sys_write *writes, size_t count, size_t *done)
{
	_cleanup_free_ char *bytes = NULL;
	size_t length;
	int error;

	iov->stuck = 0;
	*done = 0;
	if (iov->on_write)
		return write_here(iov, writes, count, done);
	error = request_encode(writes, count, &bytes, &length);
	return error ? error : request_by_writer(iov, bytes, length, done);
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
	const struct sys_write one = { .path = path, .text = text };
	size_t done;

	return sys_write_all(iov, &one, 1, &done);
}
