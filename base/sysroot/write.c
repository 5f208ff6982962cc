// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writes to attributes, made by a child process: the writer.
 *
 * A write to sysfs runs driver code and may never return (a driver that waits
 * for a VM to let go of a VF).  Nothing can cancel it, so a child makes it:
 * the parent waits for its answer until the deadline, then leaves it behind.
 * The child is killed, which the kernel honours as soon as the write returns,
 * and another is forked for the next write.
 *
 * A request is a JSON array of write operations, the answer 0 or -errno, each one
 * packet.  How far it came is in shared memory, where one that hangs or dies leaves
 * it as well, and since when it makes a write, as each has a deadline of its own.
 *
 * True at all times: a writer that was not killed itself comes to the end of its
 * request, whatever becomes of its parent, terminal or process group; and does
 * not outlive its parent by more than that.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/context.h"
#include "base/plan/plan_engine.h"
#include "base/sysroot/sysroot.h"

#define DEFAULT_TIMEOUT 60000
/* How long a killed child may take to go, unless the kernel keeps it. */
#define KILL_TIMEOUT 200
#define REQUEST_SIZE 131072

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
	iov->is_writer = true;
	iov->log = NULL;
	iov->callbacks = NULL;
	for (int standard = STDIN_FILENO; standard <= STDERR_FILENO; standard++)
		close(standard);
}

static bool serve(struct iov *iov, int socket)
{
	static char request[REQUEST_SIZE];
	ssize_t length = recv(socket, request, sizeof(request) - 1, 0);
	_cleanup_json_ struct json_object *ops = NULL;
	int error;

	if (length <= 0)
		return false;
	request[length] = '\0';
	ops = json_tokener_parse(request);
	error = ops ? ops_write(iov, ops, &iov->writer.state->done) : -EINVAL;
	return send(socket, &error, sizeof(error), MSG_NOSIGNAL) == sizeof(error);
}

/*
 * The writer's whole life.  Other threads of its parent may have been stopped while they
 * held a lock, so it takes none but malloc(3)'s, which fork(2) leaves in order.
 */
static void __attribute__((noreturn)) be_writer(struct iov *iov, int socket, int parent)
{
	struct pollfd polls[] = { { socket, POLLIN, 0 }, { parent, POLLIN, 0 } };

	leave_caller(iov);
	/* A request that is there is carried out even when the parent is gone. */
	while (poll(polls, 2, -1) > 0 && polls[0].revents && serve(iov, socket))
		;
	_exit(0);
}

static int open_pidfd(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : fd;
}

static void forget_writer(struct iov *iov)
{
	close(iov->writer.socket);
	close(iov->writer.pidfd);
	munmap(iov->writer.state, sizeof(*iov->writer.state));
	iov->writer.pid = 0;
}

static int fork_writer(struct iov *iov, int parent)
{
	int sockets[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		return -errno;
	iov->writer.socket = sockets[0];
	iov->writer.pid = fork();
	if (!iov->writer.pid)
		be_writer(iov, sockets[1], parent);
	close(sockets[1]);
	if (iov->writer.pid > 0)
		iov->writer.pidfd = open_pidfd(iov->writer.pid);
	if (iov->writer.pid < 0 || iov->writer.pidfd < 0) {
		int error = iov->writer.pid < 0 ? -errno : iov->writer.pidfd;

		close(sockets[0]);
		return error;
	}
	return 0;
}

static int start_writer(struct iov *iov)
{
	_cleanup_fd_ int parent = open_pidfd(getpid());
	int error;

	if (parent < 0)
		return parent;
	iov->writer.state = mmap(NULL, sizeof(*iov->writer.state), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (iov->writer.state == MAP_FAILED)
		return -errno;
	error = fork_writer(iov, parent);
	if (error) {
		munmap(iov->writer.state, sizeof(*iov->writer.state));
		iov->writer.pid = 0;
	}
	return error;
}

void writer_end(struct iov *iov)
{
	if (!iov->writer.pid)
		return;
	/* close(2) would not do: writers of other threads have inherited the socket. */
	shutdown(iov->writer.socket, SHUT_RDWR);
	waitpid(iov->writer.pid, NULL, 0);
	forget_writer(iov);
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
	struct pollfd end = { iov->writer.pidfd, POLLIN, 0 };

	kill(iov->writer.pid, SIGKILL);
	if (poll_until(&end, 1, KILL_TIMEOUT) > 0)
		waitpid(iov->writer.pid, NULL, 0);
	else
		iov->stuck = iov->writer.pid;
}

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

/* 0 when the write that is being made is over its deadline. */
static int poll_answer(struct iov *iov, struct pollfd *polls, nfds_t count)
{
	int64_t timeout = iov->write_timeout ? iov->write_timeout : DEFAULT_TIMEOUT, left = timeout;
	int ready = 0;

	while (!ready && left > 0) {
		ready = poll_until(polls, count, (unsigned int)left);
		left = iov->writer.state->began + timeout - now();
	}
	return ready;
}

/* @gone: there is no writer any more. */
static int await_answer(struct iov *iov, bool *gone)
{
	struct pollfd polls[] = {
		{ iov->writer.socket, POLLIN, 0 }, { iov->writer.pidfd, POLLIN, 0 },
	};
	int ready = poll_answer(iov, polls, 2);
	int error;

	*gone = ready <= 0;
	if (ready <= 0) {
		give_up(iov);
		return ready ? ready : -ETIMEDOUT;
	}
	if (recv(iov->writer.socket, &error, sizeof(error), MSG_DONTWAIT) == sizeof(error))
		return error;
	*gone = true;
	waitpid(iov->writer.pid, NULL, 0);
	return -EIO;
}

int writer_run(struct iov *iov, struct json_object *ops, size_t *done)
{
	const char *request = json_object_to_json_string_ext(ops, JSON_C_TO_STRING_PLAIN);
	int error = strlen(request) < REQUEST_SIZE ? 0 : -EMSGSIZE;
	bool gone;

	iov->stuck = 0;
	*done = 0;
	if (!error && !iov->writer.pid)
		error = start_writer(iov);
	if (error)
		return error;
	*iov->writer.state = (struct writer_state){ .began = now() };
	/* Of a writer that died meanwhile there is no answer either. */
	send(iov->writer.socket, request, strlen(request), MSG_NOSIGNAL);
	error = await_answer(iov, &gone);
	*done = iov->writer.state->done;
	if (gone)
		forget_writer(iov);
	return error;
}

static int write_attribute(struct iov *iov, const char *path, const char *text)
{
	_cleanup_fd_ int fd = iov_sys_open(iov, path, O_WRONLY);
	size_t length = strlen(text);
	ssize_t written;

	if (fd < 0)
		return fd;
	iov->writer.state->began = now();
	written = write(fd, text, length);
	if (written < 0)
		return -errno;
	return (size_t)written == length ? 0 : -EIO;
}

static int write_by_writer(struct iov *iov, const char *path, const char *text)
{
	_cleanup_json_ struct json_object *ops = json_object_new_array();
	size_t done;

	json_object_array_add(ops, iov_op_write(path, text));
	return writer_run(iov, ops, &done);
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
	if (iov->on_write)
		return call_on_write(iov, path, text);
	return iov->is_writer ? write_attribute(iov, path, text) :
				write_by_writer(iov, path, text);
}
