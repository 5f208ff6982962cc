// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/begin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sysroot/paths.h"

/* Standard output is nobody's until it is put back; -1 where that cannot be. */
static int hide_output(void)
{
	_cleanup_fd_ int null = open("/" IOV_PATH_DEV_NULL, O_WRONLY | O_CLOEXEC);
	int output;

	fflush(stdout);
	output = null < 0 ? -1 : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (output >= 0)
		dup2(null, STDOUT_FILENO);
	return output;
}

static void show_output(int output)
{
	fflush(stdout);
	dup2(output, STDOUT_FILENO);
	close(output);
}

static int look_quietly(struct cli *cli, int (*look)(struct cli *cli, void *arg), void *arg)
{
	int output = hide_output(), error;

	if (output < 0)
		return 0;
	cli->dry_run = true;
	error = look(cli, arg);
	cli->dry_run = false;
	show_output(output);
	json_object_put(cli->findings);
	json_object_put(cli->answer);
	cli->findings = cli->answer = NULL;
	cli->status = CLI_OK;
	return error;
}

int cli_begin(struct cli *cli, int (*look)(struct cli *cli, void *arg), void *arg)
{
	int denied = iov_plan_lock(cli->iov, cli->wait * 1000), error;
	enum iov_failure failure = iov_failure(cli->iov, denied);
	char why[IOV_MESSAGE_SIZE];

	if (denied != -EACCES && denied != -EPERM)
		return denied;
	snprintf(why, sizeof(why), "%s", iov_error_message(cli->iov));
	error = look_quietly(cli, look, arg);
	if (error && (iov_failure(cli->iov, error) == IOV_FAILURE_INPUT ||
		      iov_failure(cli->iov, error) == IOV_FAILURE_ABSENT))
		return error;
	return iov_fail_as(cli->iov, failure, denied, "%s", why);
}
