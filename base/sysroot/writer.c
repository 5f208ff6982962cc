// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The child that makes calls: how it starts, and all that it does.
 *
 * True at all times: a writer that was not killed itself comes to the end of its
 * request, whatever becomes of its parent, terminal or process group, or is sent to
 * all processes of a service; and does not outlive its parent by more than that.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/streams.h"
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

int writer_get(int file, off_t at, char *bytes, size_t length)
{
	for (size_t got = 0; got < length;) {
		ssize_t more = pread(file, bytes + got, length - got, at + (off_t)got);

		if (more <= 0)
			return more ? -errno : -EIO;
		got += (size_t)more;
	}
	return 0;
}

int writer_put(int file, off_t at, const char *bytes, size_t length)
{
	for (size_t put = 0; put < length;) {
		ssize_t more = pwrite(file, bytes + put, length - put, at + (off_t)put);

		if (more < 0)
			return -errno;
		put += (size_t)more;
	}
	return 0;
}

int writer_make(struct iov *iov, iov_sys_call_fn *make, const char *question, size_t length,
		char **text, size_t *answered)
{
	FILE *answer = open_memstream(text, answered);
	int error;

	if (!answer)
		return -ENOMEM;
	error = make(iov, question, length, answer);
	if (ferror(answer) && !error)
		error = -ENOMEM;
	return fclose(answer) && !error ? -ENOMEM : error;
}

static int make_call(struct iov *iov, int file, const struct writer_request *request)
{
	_cleanup_free_ char *question = calloc(request->length + 1, 1), *answer = NULL;
	struct writer_state *state = iov->as_writer;
	int error;

	if (!question)
		return -ENOMEM;
	error = writer_get(file, QUESTION_AT, question, request->length);
	if (!error)
		error = writer_make(iov, request->make, question, request->length, &answer,
				    &state->answered);
	if (!error)
		error = writer_put(file, (off_t)(QUESTION_AT + request->length), answer,
				   state->answered);
	return error;
}

static bool send_note(int socket, const struct writer_note *note, int flags)
{
	size_t length = offsetof(struct writer_note, line) + strlen(note->line) + 1;

	return send(socket, note, length, MSG_NOSIGNAL | flags) == (ssize_t)length;
}

/* Whoever does not read lines of the log does not hold us up. */
static void send_log(void *socket, int level, const char *line)
{
	struct writer_note note = { .kind = WRITER_LOG, .value = level };

	snprintf(note.line, sizeof(note.line), "%s", line);
	send_note(*(int *)socket, &note, MSG_DONTWAIT);
}

static bool serve(struct iov *iov, int socket, int file)
{
	struct writer_note note = { .kind = WRITER_END };
	struct writer_request request;

	if (recv(socket, &request, sizeof(request), 0) != sizeof(request))
		return false;
	iov->said = (struct said){ 0 };
	iov->as_writer->began = (int64_t)monotonic_ms();
	iov->as_writer->begun = true;
	note.value = make_call(iov, file, &request);
	iov->as_writer->said = iov->said;
	return send_note(socket, &note, 0);
}

/*
 * Where its parent has threads that are not ours, one of them may have been stopped while it held
 * a lock of a library.  So a program that has such threads has its first call made before them.
 */
void writer_live(struct iov *iov, int socket, int file, int parent)
{
	struct pollfd polls[] = { { socket, POLLIN, 0 }, { parent, POLLIN, 0 } };

	leave_caller(iov);
	for (int standard = STDIN_FILENO; standard <= STDERR_FILENO; standard++)
		close(standard);
	if (!streams_open())
		_exit(1);
	iov->as_writer = mmap(NULL, sizeof(*iov->as_writer), PROT_READ | PROT_WRITE, MAP_SHARED,
			      file, 0);
	if (iov->as_writer == MAP_FAILED)
		_exit(1);
	iov->writer = NULL;
	iov->log = send_log;
	iov->log_arg = &socket;
	/* A request that is there is carried out even when the parent is gone. */
	while (poll(polls, 2, -1) > 0 && polls[0].revents && serve(iov, socket, file))
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
	if (writer->file < 0 || ftruncate(writer->file, QUESTION_AT))
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
