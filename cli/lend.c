// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/lend.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/sysroot/paths.h"
#include "cli/printable.h"
#include "iommu/group.h"
#include "vfio/bind/bind.h"

#define WORDS 8

extern char **environ;

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

/* Words of the command that gives one back. */
static void say_back(const struct lent *lent, char text[256])
{
	if (lent->is_override)
		snprintf(text, 256, "bind %s --driver %s", IOV_BDF(lent->bdf), lent->driver);
	else
		snprintf(text, 256, "unbind %s", IOV_BDF(lent->bdf));
}

/*
 * It waits for a word, or for the end of who would say it.  A guest that dies at the same
 * moment may have its device for some time yet.
 */
static int start_keeper(struct cli *cli, struct lend *lend)
{
	static const char script[] =
		"trap '' INT TERM HUP; iov=$1; shift; read -r word && exit\n"
		"for back; do for try in 1 2 3 4 5 6 7 8 9 10; do "
		"\"$iov\" $back --wait 60 && break; sleep 1; done; done";
	static char program[] = "/" IOV_PATH_PROC_SELF "/exe";
	static char back[LENT_MAX][256];
	char *argv[LENT_MAX + 6] = { "sh", "-c", (char *)script, "iov" };
	char exe[4096];
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	ssize_t got = readlink(program, exe, sizeof(exe) - 1);
	int fds[2], error;
	pid_t pid;

	if (got < 0 || pipe2(fds, O_CLOEXEC))
		return iov_told(cli->iov, -errno, "nobody to give functions back: %s", strerror(errno));
	exe[got] = '\0';
	argv[4] = exe;
	for (size_t i = 0; i < lend->count; i++) {
		say_back(&lend->list[i], back[i]);
		argv[5 + i] = back[i];
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[0], STDIN_FILENO);
	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
		posix_spawn_file_actions_addopen(&actions, fd, "/" IOV_PATH_DEV_NULL, O_RDWR, 0);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
	error = posix_spawnp(&pid, argv[0], &actions, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[0]);
	lend->keeper = fds[1];
	return error ? iov_told(cli->iov, -error, "nobody to give functions back: %s", strerror(error)) : 0;
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
