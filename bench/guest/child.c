// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/guest/child.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/sysroot/paths.h"

#define END_MS 2000
#define SAID 400

static void become(const char *const *argv, const struct child_options *options, int said, int report)
{
	static const int handled[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD};
	sigset_t none;
	int nothing = open("/" IOV_PATH_DEV_NULL, O_RDWR | O_CLOEXEC);

	sigemptyset(&none);
	for (size_t i = 0; i < sizeof(handled) / sizeof(*handled); i++)
		signal(handled[i], SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* Whoever is about guests is not told it. */
	unsetenv("IOV_ETCD_PASSWORD");
	if (options->network >= 0 && setns(options->network, CLONE_NEWNET))
		goto failed;
	if (!options->terminal) {
		/* What a terminal sends to all is for us to act on. */
		setpgid(0, 0);
		dup2(options->in < 0 ? nothing : options->in, STDIN_FILENO);
		dup2(options->out < 0 ? said : options->out, STDOUT_FILENO);
		dup2(said, STDERR_FILENO);
	}
	for (size_t i = 0; i < options->fd_count; i++)
		fcntl(options->fds[i], F_SETFD, 0);
	execvp(argv[0], (char *const *)argv);
failed:
	if (write(report, &errno, sizeof(errno)) < 0)
		_exit(126);
	_exit(127);
}

/* What exec() failed with; 0 when it did not, which closes the pipe. */
static int read_report(int fd)
{
	int error = 0;

	if (read(fd, &error, sizeof(error)) != sizeof(error))
		error = 0;
	close(fd);
	return -error;
}

int child_start(struct child *child, struct iov *iov, const char *const *argv,
		const struct child_options *options)
{
	const pid_t parent = getpid();
	int report[2], error;

	*child = (struct child){.said = memfd_create("said", MFD_CLOEXEC)};
	if (child->said < 0 || pipe2(report, O_CLOEXEC))
		return iov_told(iov, -errno, "%s: %s", argv[0], strerror(errno));
	fflush(NULL);
	child->pid = fork();
	if (!child->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(127);
		become(argv, options, child->said, report[1]);
	}
	close(report[1]);
	error = child->pid < 0 ? -errno : 0;
	if (!error)
		error = read_report(report[0]);
	else
		close(report[0]);
	if (!error)
		return 0;
	if (child->pid > 0)
		waitpid(child->pid, NULL, 0);
	close(child->said);
	*child = (struct child){.said = -1};
	return iov_told(iov, error, "%s: %s%s", argv[0], strerror(-error),
			error == -ENOENT ? "; install it, or put it on PATH" : "");
}

bool child_runs(const struct child *child)
{
	siginfo_t info = {0};

	return child->pid > 0 && !waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) &&
	       !info.si_pid;
}

void child_said(const struct child *child, char *text, size_t size)
{
	off_t length = child->said < 0 ? 0 : lseek(child->said, 0, SEEK_END);
	off_t from = length > SAID ? length - SAID : 0;
	ssize_t got = length > 0 ? pread(child->said, text, size - 1, from) : 0;

	text[got > 0 ? got : 0] = '\0';
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ')
			*c = ' ';
	for (size_t end = strlen(text); end && text[end - 1] == ' '; end--)
		text[end - 1] = '\0';
}

void child_end(struct child *child)
{
	const uint64_t end = monotonic_ms() + END_MS;

	if (child->pid > 0) {
		kill(child->pid, SIGTERM);
		kill(child->pid, SIGCONT);
		while (child_runs(child) && monotonic_ms() < end)
			usleep(5000);
		kill(child->pid, SIGKILL);
		waitpid(child->pid, NULL, 0);
	}
	if (child->said >= 0 && child->pid)
		close(child->said);
	*child = (struct child){.said = -1};
}
