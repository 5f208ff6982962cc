// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls that the kernel may never answer, from the side of who waits for the answer.
 *
 * Nothing can cancel such a call, so a child makes it, the writer: the parent waits for its
 * answer until the deadline, then leaves it behind.  The child is killed, which the kernel
 * honours as soon as the call returns, and another is started for the next call.
 *
 * A question is in a file in memory that both have, so it may be of any length, is there as a
 * whole or not at all, and sending it never waits.  So is the answer.  How far it came is there
 * as well, where a writer that hangs or dies leaves it, and what it asks for since when, as each
 * call has a deadline of its own.
 */
#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fnv.h"
#include "base/sysroot/left.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "base/sysroot/writer.h"

#define DEFAULT_TIMEOUT 60000
/* So long at least a child may take to run at all, which on a busy host is no fault of the kernel's. */
#define START_TIMEOUT 10000
/* How long a killed child may take to go, unless the kernel keeps it. */
#define KILL_TIMEOUT 200
/* So many functions of the kernel tell where it waits. */
#define FRAMES 3

void iov_sys_set_timeout(struct iov *iov, unsigned int milliseconds)
{
	iov->write_timeout = milliseconds;
}

int64_t writer_timeout(const struct iov *iov)
{
	return iov->write_timeout ? iov->write_timeout : DEFAULT_TIMEOUT;
}

bool writer_is_here(const struct iov *iov)
{
	return iov->on_write || iov->as_writer;
}

void iov_sys_asking(struct iov *iov, const char *format, ...)
{
	va_list args;

	if (!iov->as_writer)
		return;
	va_start(args, format);
	vsnprintf(iov->as_writer->what, sizeof(iov->as_writer->what), format, args);
	va_end(args);
	iov->as_writer->began = (int64_t)monotonic_ms();
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

/* Where in the kernel a process waits: "vfio_unregister_group_dev, vfio_pci_core_..." */
static void kernel_stack(struct iov *iov, pid_t pid, char *text, size_t size)
{
	char stack[1024], *rest = stack, *frame;
	size_t length = 0;

	*text = '\0';
	if (iov_sys_read(iov, iov_path(IOV_PATH_PROC "/%d/stack", (int)pid).name, stack,
			 sizeof(stack)) || !*stack) {
		iov_sys_read(iov, iov_path(IOV_PATH_PROC "/%d/wchan", (int)pid).name, text, size);
		return;
	}
	for (int i = 0; i < FRAMES && length < size && (frame = strsep(&rest, "\n")); i++) {
		/* "[<0>] vfio_unregister_group_dev+0xa2/0x130 [vfio]" */
		frame += strcspn(frame, " ") + (strchr(frame, ' ') != NULL);
		length += (size_t)snprintf(text + length, size - length, "%s%.*s", i ? ", " : "",
					   (int)strcspn(frame, "+"), frame);
	}
}

void writer_stack(struct iov *iov, char *text, size_t size)
{
	char stack[256];

	*text = '\0';
	if (!iov->stuck)
		return;
	kernel_stack(iov, iov->stuck, stack, sizeof(stack));
	snprintf(text, size, "pid %d waits for that in the kernel%s%s", (int)iov->stuck,
		 *stack ? " in " : "", stack);
}

void explain_stuck(struct iov *iov)
{
	char stack[320];

	writer_stack(iov, stack, sizeof(stack));
	if (*stack)
		iov_fail(iov, -ETIMEDOUT, "%s; %s, whose log (dmesg) may say more",
			 iov->said.message, stack);
}

/* A child that had nothing to do with the kernel yet: nothing was asked, nor will be. */
static int explain_late(struct iov *iov)
{
	iov->stuck = 0;
	return iov_told(iov, -EIO, "the process that asks the kernel (pid %d) was not run within %d "
			"seconds: the host is too busy; run the command again",
			(int)iov->writer->pid, START_TIMEOUT / 1000);
}

/* The deadline is over: the call is cut off, or @iov knows the child that is left to init. */
static int give_up(struct iov *iov)
{
	struct pollfd end = { iov->writer->pidfd, POLLIN, 0 };
	const char *what = iov->writer->state->what;

	kill(iov->writer->pid, SIGKILL);
	if (poll_until(&end, 1, KILL_TIMEOUT) > 0)
		waitpid(iov->writer->pid, NULL, 0);
	else
		iov->stuck = iov->writer->pid;
	if (!iov->writer->state->begun)
		return explain_late(iov);
	return iov_fail(iov, -ETIMEDOUT, "%s%sthe kernel did not answer in time, --timeout waits "
			"longer", what, *what ? ": " : "");
}

/* The child ended before its call did: somebody killed it, or the kernel did for want of memory. */
static int explain_end(struct iov *iov, int error)
{
	const char *what = iov->writer->state->what;
	int status = 0;

	waitpid(iov->writer->pid, &status, 0);
	return iov_told(iov, error, "%s%sthe process that asks the kernel (pid %d) ended before it had an "
			"answer%s%s; run the command again", what, *what ? ": " : "",
			(int)iov->writer->pid, WIFSIGNALED(status) ? ", by " : "",
			WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "");
}

/* When the call that is being made is over its deadline. */
static int64_t deadline(const struct iov *iov)
{
	const struct writer_state *state = iov->writer->state;
	int64_t timeout = writer_timeout(iov);

	if (!state->begun && timeout < START_TIMEOUT)
		timeout = START_TIMEOUT;
	return state->began + timeout;
}

/* 0 when that was. */
static int poll_note(struct iov *iov, struct pollfd *polls, nfds_t count)
{
	int64_t left = writer_timeout(iov);
	int ready = 0;

	while (!ready && left > 0) {
		ready = poll_until(polls, count, (unsigned int)left);
		iov->due = iov->writer->state->done;
		left = deadline(iov) - (int64_t)monotonic_ms();
	}
	return ready;
}

/* @gone: there is no writer any more. */
static int await_end(struct iov *iov, bool *gone)
{
	struct pollfd polls[] = {
		{ iov->writer->socket, POLLIN, 0 }, { iov->writer->pidfd, POLLIN, 0 },
	};
	struct writer_note note;
	int ready;

	while ((ready = poll_note(iov, polls, 2)) > 0 &&
	       recv(iov->writer->socket, &note, sizeof(note), MSG_DONTWAIT) > 0) {
		if (note.kind == WRITER_END)
			return note.value;
		iov_log(iov, note.value, "%s", note.line);
	}
	*gone = true;
	if (!ready)
		return give_up(iov);
	if (ready < 0)
		kill(iov->writer->pid, SIGKILL);
	return explain_end(iov, ready < 0 ? ready : -EIO);
}

static int take_answer(const struct writer *writer, size_t question, char **answer,
		       size_t *answered)
{
	size_t length = writer->state->answered;
	int error;

	*answered = length;
	*answer = malloc(length + 1);
	if (!*answer)
		return -ENOMEM;
	error = writer_get(writer->file, (off_t)(QUESTION_AT + question), *answer, length);
	(*answer)[length] = '\0';
	return error;
}

/* @answer: NULL for what changes something, which keeps the lock while the kernel may go on. */
int writer_call(struct iov *iov, iov_sys_call_fn *make, const char *question, size_t length,
		char **answer, size_t *answered)
{
	const struct writer_request request = { make, length };
	int error = iov->writer ? 0 : writer_start(iov);
	bool gone = false;

	iov->stuck = 0;
	if (!error)
		error = writer_put(iov->writer->file, QUESTION_AT, question, length);
	if (error)
		return error;
	*iov->writer->state = (struct writer_state){ .began = (int64_t)monotonic_ms() };
	/* Of a writer that died meanwhile there is no answer either. */
	send(iov->writer->socket, &request, sizeof(request), MSG_NOSIGNAL);
	error = await_end(iov, &gone);
	iov->done = iov->writer->state->done;
	if (!gone && *iov->writer->state->said.message)
		iov->said = iov->writer->state->said;
	if (!error && answer)
		error = take_answer(iov->writer, length, answer, answered);
	if (gone)
		writer_forget(iov);
	iov->lock_is_left |= !answer && iov->stuck;
	return error;
}

static bool is_silent(const struct iov *iov)
{
	return iov->silent.make && (int64_t)monotonic_ms() < iov->silent.until;
}

int iov_sys_unanswered(struct iov *iov)
{
	return is_silent(iov) ? iov_fail(iov, -ETIMEDOUT, "%s", iov->silent.message) : 0;
}

/*
 * What a call asks, as other processes of the same program or library have it: where its function is in
 * which file, and the question; "" for a function of somebody else's.
 */
static struct iov_path key_of(iov_sys_call_fn *make, const char *question, size_t length)
{
	const uint64_t asked = fnv64(FNV64_BASIS, (const uint8_t *)question, length);
	Dl_info own, its;
	struct stat file;

	if (!dladdr((const void *)(uintptr_t)key_of, &own) || !dladdr((const void *)(uintptr_t)make, &its) ||
	    own.dli_fbase != its.dli_fbase || stat(own.dli_fname, &file))
		return iov_path("%s", "");
	return iov_path("call %" PRIxPTR " of file %ju of %jd.%09ld, %016" PRIx64,
			(uintptr_t)make - (uintptr_t)own.dli_fbase, (uintmax_t)file.st_ino,
			(intmax_t)file.st_mtim.tv_sec, file.st_mtim.tv_nsec, asked);
}

static void note_silence(struct iov *iov, iov_sys_call_fn *make, const char *message)
{
	iov->silent.make = make;
	iov->silent.told = false;
	iov->silent.until = (int64_t)monotonic_ms() + writer_timeout(iov);
	snprintf(iov->silent.message, sizeof(iov->silent.message), "%s", message);
}

/*
 * Who did not answer is not asked again at once: a list would wait at each of its lines; and not by a
 * command that comes later, which would leave another child behind, as long as that waits.
 */
static int look(struct iov *iov, iov_sys_call_fn *make, const char *question, size_t length,
		char **answer)
{
	struct iov_path key = { "" };
	struct left left;
	size_t answered;
	int error;

	if (is_silent(iov) && iov->silent.make == make)
		return iov_sys_unanswered(iov);
	if (iov_sys_exists(iov, IOV_PATH_LEFT)) {
		key = key_of(make, question, length);
		if (*key.name && left_find(iov, key.name, "", writer_timeout(iov), &left)) {
			note_silence(iov, make, left.message);
			return iov_sys_unanswered(iov);
		}
	}
	error = writer_call(iov, make, question, length, answer, &answered);
	if (error != -ETIMEDOUT)
		return error;
	explain_stuck(iov);
	note_silence(iov, make, iov->said.message);
	key = key_of(make, question, length);
	if (iov->stuck && *key.name)
		left_note(iov, key.name, "", writer_timeout(iov), iov->said.message);
	return error;
}

void iov_sys_left_out(struct iov *iov, int error)
{
	if (error != -ETIMEDOUT || iov->silent.told)
		return;
	iov_log(iov, LOG_WARNING, "what that would tell is left out: %s", iov->said.message);
	iov->silent.told = true;
}

static int call_here(struct iov *iov, iov_sys_call_fn *make, const char *question, size_t length,
		     char **answer)
{
	_cleanup_free_ char *copy = calloc(length + 1, 1), *text = NULL;
	size_t answered;
	int error;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, question, length);
	error = writer_make(iov, make, copy, length, &text, &answered);
	if (!error && answer) {
		*answer = text;
		text = NULL;
	}
	return error;
}

int iov_sys_call(struct iov *iov, iov_sys_call_fn *make, const void *question, size_t length,
		 char **answer)
{
	/* Who looks does so within an operation as well, which is counted on. */
	if (answer)
		*answer = NULL;
	else
		iov->done = 0;
	iov->stuck = 0;
	if (writer_is_here(iov) || (answer && !iov_sys_is_host(iov)))
		return call_here(iov, make, question, length, answer);
	return answer ? look(iov, make, question, length, answer) :
			writer_call(iov, make, question, length, NULL, NULL);
}
