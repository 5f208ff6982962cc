// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/sysroot/run.h"

#include <errno.h>
#include <fcntl.h>
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
/* As shells have it for what is there and cannot be run. */
#define NOT_RUN 126

/* The last line of what it writes until its end, as much of that as there is room for. */
static void read_last_line(int fd, char *said, size_t size)
{
	size_t length = 0;
	bool over = false;
	char c;

	while (read(fd, &c, 1) == 1) {
		if (c == '\n') {
			over = length;
			continue;
		}
		if (over)
			length = 0;
		over = false;
		if (length + 1 < size)
			said[length++] = c;
	}
	said[length] = '\0';
}

/* The child: it ends when we are ended at our deadline, as what it does may be undone then. */
static void __attribute__((noreturn)) become(char *const *argv, int output)
{
	char *const environment[] = { (char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	int null = open("/" IOV_PATH_DEV_NULL, O_RDONLY | O_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
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
		read_last_line(pipes[0], said, size);
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
