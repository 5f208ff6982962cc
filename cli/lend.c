// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/lend.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/sysroot/paths.h"
#include "cli/printable.h"
#include "iommu/group.h"
#include "vfio/bind/bind.h"

/* Seconds that the keeper waits for other changes, and how often it tries to give a function back. */
#define KEEPER_WAIT 60
#define KEEPER_TRIES 10

static int add(struct cli *cli, struct lend *lend, struct iov_bdf bdf)
{
	struct lent lent = { .bdf = bdf };
	char override[64];
	int error = iov_pci_driver(cli->iov, bdf, lent.driver, sizeof(lent.driver));

	if (error)
		return iov_told(cli->iov, error, "%s: %s", IOV_BDF(bdf), strerror(-error));
	if (iov_driver_is_vfio(lent.driver))
		return 0;
	if (lend->count == LENT_MAX)
		return iov_fail(cli->iov, -E2BIG, "more than %d functions for one guest", LENT_MAX);
	lent.is_override = !iov_pci_override(cli->iov, bdf, override, sizeof(override)) &&
			   *lent.driver && !strcmp(override, lent.driver);
	lend->list[lend->count++] = lent;
	return 0;
}

int lend_plan(struct cli *cli, struct lend *lend, const struct cli_functions *functions,
	      struct iov_plan **plan)
{
	struct iov_bdf list[LENT_MAX];
	char names[64];
	int error = 0;

	*lend = (struct lend){ .keeper = -1 };
	*plan = NULL;
	for (size_t i = 0; !error && i < functions->count; i++)
		error = add(cli, lend, functions->list[i]);
	if (error)
		return error;
	for (size_t i = 0; i < lend->count; i++)
		list[i] = lend->list[i].bdf;
	snprintf(names, sizeof(names), "no function");
	if (functions->count)
		cli_name_functions(functions, names, sizeof(names));
	error = iov_plan_new(plan, cli->iov, "lend %s to a guest", names);
	if (!error && lend->count)
		error = iov_bind_plan(*plan, list, lend->count, IOV_DRIVER_VFIO, 0);
	return error;
}

/* Quiet: what the command prints is something else. */
static int run_plan(struct cli *cli, struct iov_plan *plan)
{
	struct iov_plan_options options = cli_plan_options(cli);

	return iov_plan_is_empty(plan) ? 0 : iov_plan_run(plan, &options);
}

static int plan_back(struct cli *cli, const struct lent *lent, struct iov_plan **plan)
{
	int error = iov_plan_new(plan, cli->iov, "give %s back", IOV_BDF(lent->bdf));

	if (error)
		return error;
	if (lent->is_override)
		return iov_bind_plan(*plan, &lent->bdf, 1, lent->driver, IOV_BIND_ANY_DRIVER);
	if (!*lent->driver)
		return iov_release_plan(*plan, &lent->bdf, 1);
	return iov_unbind_plan(*plan, &lent->bdf, 1, 0);
}

int lend_give(struct cli *cli, struct lend *lend, size_t index)
{
	struct lent *lent = &lend->list[index];
	struct iov_plan *plan = NULL;
	int error;

	if (lent->is_back)
		return 0;
	error = plan_back(cli, lent, &plan);
	if (!error)
		error = run_plan(cli, plan);
	iov_plan_free(plan);
	iov_plan_unlock(cli->iov);
	lent->is_back = !error;
	return error;
}

/* Nothing of the command's, neither its locks nor its terminal, and no end before its own. */
static void leave_command(int fd)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };
	int null = open("/" IOV_PATH_DEV_NULL, O_RDWR | O_CLOEXEC);

	setsid();
	prctl(PR_SET_NAME, "iov-lend");
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

/*
 * It waits for a word, or for the end of who would say it, and then does what that would have done, for
 * the same holder and past the same guards.  A guest that dies at the same moment may have its device for
 * some time yet.
 */
static void __attribute__((noreturn)) keep(struct cli *cli, struct lend *lend, int fd)
{
	leave_command(fd);
	if (is_done() || cli_open_context(cli, &cli->iov))
		_exit(EXIT_SUCCESS);
	cli->wait = KEEPER_WAIT;
	for (size_t i = 0; i < lend->count; i++) {
		for (unsigned int tries = KEEPER_TRIES; lend_give(cli, lend, i) && --tries;)
			sleep(1);
	}
	_exit(EXIT_SUCCESS);
}

static int start_keeper(struct cli *cli, struct lend *lend)
{
	int fds[2], error = 0;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return iov_told(cli->iov, -errno, "nobody to give functions back: %s", strerror(errno));
	fflush(NULL);
	pid = fork();
	if (!pid)
		keep(cli, lend, fds[0]);
	if (pid < 0)
		error = iov_told(cli->iov, -errno, "nobody to give functions back: %s", strerror(errno));
	close(fds[0]);
	lend->keeper = fds[1];
	return error;
}

int lend_take(struct cli *cli, struct lend *lend, struct iov_plan *plan)
{
	int error = lend->count ? start_keeper(cli, lend) : 0;

	if (!error) {
		error = run_plan(cli, plan);
		iov_plan_unlock(cli->iov);
	}
	iov_plan_free(plan);
	/* What a plan that failed began, it undid. */
	if (error) {
		lend->count = 0;
		lend_end(cli, lend, 0);
	}
	return error;
}

/* Words of the command that gives one back. */
static void say_back(const struct lent *lent, char text[256])
{
	if (lent->is_override || !*lent->driver)
		snprintf(text, 256, "bind %s --driver %s", IOV_BDF(lent->bdf), *lent->driver ? lent->driver : "none");
	else
		snprintf(text, 256, "unbind %s", IOV_BDF(lent->bdf));
}

int lend_end(struct cli *cli, struct lend *lend, int error)
{
	const enum iov_failure failure = iov_failure(cli->iov, error);
	char why[IOV_MESSAGE_SIZE];
	bool all = true;

	snprintf(why, sizeof(why), "%s", error ? iov_error_message(cli->iov) : "");
	for (size_t i = 0; i < lend->count; i++) {
		int failed = lend_give(cli, lend, i);
		char back[256];

		if (!failed)
			continue;
		all = false;
		say_back(&lend->list[i], back);
		cli_print(stderr, "iov: %s\niov: 'iov %s' gives it back\n", iov_error_message(cli->iov),
			  back);
		error = error ? error : failed;
	}
	/* Who was not heard yet tries on when this process is gone. */
	if (lend->keeper >= 0 && all && write(lend->keeper, "done\n", 5) != 5)
		cli_print(stderr, "iov: %s\n", strerror(errno));
	if (lend->keeper >= 0)
		close(lend->keeper);
	lend->keeper = -1;
	if (*why)
		return iov_fail_as(cli->iov, failure, error, "%s", why);
	return error;
}
