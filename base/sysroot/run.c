// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/sysroot/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/context.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "base/sysroot/writer.h"

#define ARGUMENTS_MAX 8
/* What may be in a pipe. */
#define PIPE_BYTES 65536
/* As shells have it for what is there and cannot be run. */
#define NOT_RUN 126

/* The last line of what it writes, as much of that as there is room for. */
struct last_line {
	char *said;
	size_t size;
	size_t length;
	bool over;
};

static void take_bytes(struct last_line *line, const char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (bytes[i] == '\n') {
			line->over = line->length;
			continue;
		}
		if (line->over)
			line->length = 0;
		line->over = false;
		if (line->length + 1 < line->size)
			line->said[line->length++] = bytes[i];
	}
}

/* Until its end: what it leaves behind may have its output, and write there, for ever. */
static void read_last_line(int fd, pid_t pid, char *said, size_t size)
{
	struct pollfd polls[] = { { fd, POLLIN, 0 }, { open_pidfd(pid), POLLIN, 0 } };
	struct last_line line = { .said = said, .size = size };
	size_t behind = 0;
	char bytes[512];
	ssize_t got = 1;

	while (got > 0 && behind < PIPE_BYTES && poll(polls, 2, -1) > 0) {
		got = polls[0].revents ? read(fd, bytes, sizeof(bytes)) : 0;
		take_bytes(&line, bytes, got > 0 ? (size_t)got : 0);
		behind += polls[1].revents ? (size_t)(got > 0 ? got : 0) : 0;
	}
	said[line.length] = '\0';
	if (polls[1].fd >= 0)
		close(polls[1].fd);
}

/* The child: it ends when we are ended at our deadline, as what it does may be undone then. */
static void __attribute__((noreturn)) become(char *const *argv, int output)
{
	char *const environment[] = { (char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	int null = open("/" IOV_PATH_DEV_NULL, O_RDONLY | O_CLOEXEC);
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Whoever makes such calls ignores what would end them, which is no concern of a program. */
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0 &&
	    dup2(output, STDERR_FILENO) >= 0)
		execve(argv[0], argv, environment);
	_exit(NOT_RUN);
}

static int wait_for_end(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run_program(char *const *argv, char *said, size_t size)
{
	int pipes[2], error;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC))
		return -errno;
	/* Whoever makes such calls has no threads. */
	pid = fork();
	if (!pid)
		become(argv, pipes[1]);
	error = pid < 0 ? -errno : 0;
	close(pipes[1]);
	if (!error)
		read_last_line(pipes[0], pid, said, size);
	close(pipes[0]);
	return error ? error : wait_for_end(pid);
}

int iov_sys_run(struct iov *iov, const char *path, const char *const *arguments, char *said, size_t size)
{
	struct iov_path program = iov_path("/%s", path), words = iov_path("%s", "");
	char *argv[ARGUMENTS_MAX + 2] = { program.name };

	*said = '\0';
	for (size_t i = 0; arguments[i]; i++) {
		if (i == ARGUMENTS_MAX)
			return -E2BIG;
		argv[i + 1] = (char *)arguments[i];
		words = iov_path("%s%s%s", words.name, i ? " " : "", arguments[i]);
	}
	if (iov->on_write)
		return call_on_write(iov, path, words.name);
	if (!iov_sys_is_host(iov))
		return -EOPNOTSUPP;
	return access(program.name, X_OK) ? -errno : run_program(argv, said, size);
}
