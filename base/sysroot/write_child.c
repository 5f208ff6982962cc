// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The child that makes writes: how it starts, and all that it does.
 *
 * True at all times: a writer that was not killed itself comes to the end of its
 * request, whatever becomes of its parent, terminal or process group, or is sent to
 * all processes of a service; and does not outlive its parent by more than that.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/sysroot/request.h"
#include "base/sysroot/sysroot.h"
#include "base/sysroot/writer.h"

void leave_caller(struct iov *iov)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };

	setsid();
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		signal(ends[i], SIG_IGN);
	iov->log = NULL;
	iov->callbacks = NULL;
}

int open_pidfd(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : fd;
}

static int write_attribute(struct iov *iov, const struct sys_write *write_, int64_t *began)
{
	_cleanup_fd_ int fd = iov_sys_open(iov, write_->path, O_WRONLY);
	size_t length = strlen(write_->text);
	ssize_t written;

	if (fd < 0)
		return fd;
	*began = (int64_t)monotonic_ms();
	written = write(fd, write_->text, length);
	if (written < 0)
		return -errno;
	return (size_t)written == length ? 0 : -EIO;
}

int writer_make(struct iov *iov, const struct sys_write *write_, int64_t *began)
{
	int error;

	if (write_->unless && iov_condition_holds(iov, write_->unless))
		return 0;
	error = iov->on_write ? call_on_write(iov, write_->path, write_->text) :
				write_attribute(iov, write_, began);
	return error == -ENOENT && write_->absent_ok ? 0 : error;
}

static int carry_out(struct iov *iov, const char *bytes, size_t length, struct writer_state *state)
{
	struct request request = { .next = bytes, .end = bytes + length };
	struct sys_write next;
	int error;

	while ((error = request_next(&request, &next)) > 0) {
		error = writer_make(iov, &next, &state->began);
		if (error)
			break;
		state->done++;
	}
	request_close(&request);
	return error;
}

static int serve_request(struct iov *iov, int file, size_t length, struct writer_state *state)
{
	_cleanup_free_ char *bytes = malloc(length + 1);
	size_t have = 0;

	if (!bytes)
		return -ENOMEM;
	while (have < length) {
		ssize_t got = pread(file, bytes + have, length - have, (off_t)(REQUEST_AT + have));

		if (got <= 0)
			return got ? -errno : -EIO;
		have += (size_t)got;
	}
	return carry_out(iov, bytes, length, state);
}

static bool serve(struct iov *iov, int socket, int file, struct writer_state *state)
{
	size_t length;
	int error;

	if (recv(socket, &length, sizeof(length), 0) != sizeof(length))
		return false;
	error = serve_request(iov, file, length, state);
	return send(socket, &error, sizeof(error), MSG_NOSIGNAL) == sizeof(error);
}

/*
 * Other threads of its parent may have been stopped while they held a lock, so it takes none
 * but malloc(3)'s, which fork(2) leaves in order.
 */
void writer_live(struct iov *iov, int socket, int file, int parent)
{
	struct pollfd polls[] = { { socket, POLLIN, 0 }, { parent, POLLIN, 0 } };
	struct writer_state *state = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE, MAP_SHARED,
					  file, 0);

	leave_caller(iov);
	for (int standard = STDIN_FILENO; standard <= STDERR_FILENO; standard++)
		close(standard);
	if (state == MAP_FAILED)
		_exit(1);
	/* A request that is there is carried out even when the parent is gone. */
	while (poll(polls, 2, -1) > 0 && polls[0].revents && serve(iov, socket, file, state))
		;
	_exit(0);
}

static pid_t fork_here(struct iov *iov, int socket, int file)
{
	_cleanup_fd_ int parent = open_pidfd(getpid());
	pid_t pid;

	if (parent < 0)
		return parent;
	pid = fork();
	if (!pid)
		writer_live(iov, socket, file, parent);
	return pid < 0 ? -errno : pid;
}

/* The memory that both share. */
static int open_state(struct writer *writer)
{
	writer->file = memfd_create("iov-writer", MFD_CLOEXEC);
	if (writer->file < 0 || ftruncate(writer->file, REQUEST_AT))
		return -errno;
	writer->state = mmap(NULL, sizeof(*writer->state), PROT_READ | PROT_WRITE, MAP_SHARED,
			     writer->file, 0);
	return writer->state == MAP_FAILED ? -errno : 0;
}

static int start_child(struct iov *iov, struct writer *writer)
{
	int sockets[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		return -errno;
	writer->socket = sockets[0];
	writer->pid = iov->forker ? forker_fork(iov->forker, sockets[1], writer->file) :
				    fork_here(iov, sockets[1], writer->file);
	close(sockets[1]);
	if (writer->pid < 0)
		return writer->pid;
	writer->pidfd = open_pidfd(writer->pid);
	return writer->pidfd < 0 ? writer->pidfd : 0;
}

int writer_start(struct iov *iov)
{
	struct writer *writer = malloc(sizeof(*writer));
	int error;

	if (!writer)
		return -ENOMEM;
	*writer = (struct writer){ .pidfd = -1, .socket = -1, .file = -1, .state = MAP_FAILED };
	iov->writer = writer;
	iov->end_writer = writer_end;
	error = open_state(writer);
	if (!error)
		error = start_child(iov, writer);
	if (error)
		writer_forget(iov);
	return error;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void writer_forget(struct iov *iov)
{
	struct writer *writer = iov->writer;

	close_fd(writer->socket);
	close_fd(writer->pidfd);
	close_fd(writer->file);
	if (writer->state != MAP_FAILED)
		munmap(writer->state, sizeof(*writer->state));
	free(writer);
	iov->writer = NULL;
}
