// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/lend.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/keeper.h"
#include "cli/printable.h"
#include "iommu/group.h"
#include "vfio/bind/bind.h"

/* How often a function is tried to be given back when this process was killed. */
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

/*
 * What this process would have done, for the same holder and past the same guards.  A guest that dies at the
 * same moment may have its device for some time yet.
 */
static void give_all(struct cli *cli, void *arg)
{
	struct lend *lend = arg;

	for (size_t i = 0; i < lend->count; i++) {
		for (unsigned int tries = KEEPER_TRIES; lend_give(cli, lend, i) && --tries;)
			sleep(1);
	}
}

static int start_keeper(struct cli *cli, struct lend *lend)
{
	return keeper_start(cli, "iov-lend", "to give functions back", give_all, lend, &lend->keeper);
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
	keeper_end(&lend->keeper, all);
	if (*why)
		return iov_fail_as(cli->iov, failure, error, "%s", why);
	return error;
}
