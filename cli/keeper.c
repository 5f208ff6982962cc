// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/sysroot/paths.h"
#include "cli/printable.h"

/* Seconds that it waits for other changes. */
#define WAIT 60

/* Nothing of the command's, neither its locks nor its terminal, and no end before its own. */
static void leave_command(const char *name, int fd)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };
	int null = open("/" IOV_PATH_DEV_NULL, O_RDWR | O_CLOEXEC);

	setsid();
	prctl(PR_SET_NAME, name);
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		signal(ends[i], SIG_IGN);
	if (null < 0 || dup2(fd, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
	    dup2(null, STDERR_FILENO) < 0 || close_range(STDERR_FILENO + 1, ~0U, 0))
		_exit(EXIT_FAILURE);
}

static bool is_done(void)
{
	ssize_t got;
	char word;

	do {
		got = read(STDIN_FILENO, &word, 1);
	} while (got < 0 && errno == EINTR);
	return got > 0;
}

static void __attribute__((noreturn))
keep(struct cli *cli, const char *name, int fd, void (*end)(struct cli *cli, void *arg), void *arg)
{
	leave_command(name, fd);
	if (is_done() || cli_open_context(cli, &cli->iov))
		_exit(EXIT_SUCCESS);
	cli->wait = WAIT;
	end(cli, arg);
	_exit(EXIT_SUCCESS);
}

int keeper_start(struct cli *cli, const char *name, const char *what,
		 void (*end)(struct cli *cli, void *arg), void *arg, int *keeper)
{
	int fds[2], error = 0;
	pid_t pid;

	*keeper = -1;
	if (pipe2(fds, O_CLOEXEC))
		return iov_told(cli->iov, -errno, "nobody %s: %s", what, strerror(errno));
	fflush(NULL);
	pid = fork();
	if (!pid)
		keep(cli, name, fds[0], end, arg);
	if (pid < 0)
		error = iov_told(cli->iov, -errno, "nobody %s: %s", what, strerror(errno));
	close(fds[0]);
	*keeper = fds[1];
	return error;
}

void keeper_end(int *keeper, bool done)
{
	if (*keeper < 0)
		return;
	if (done && write(*keeper, "done\n", 5) != 5)
		cli_print(stderr, "iov: %s\n", strerror(errno));
	close(*keeper);
	*keeper = -1;
}
