/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a change begins: with the lock, or with what is wrong with its words. */
#ifndef IOV_CLI_BEGIN_H
#define IOV_CLI_BEGIN_H

#include "cli/cli.h"

/**
 * cli_begin - take the lock of changes
 * @cli: the run
 * @look: does the command up to its first change, with @cli->dry_run set; what it prints goes nowhere
 * @arg: passed to @look
 *
 * Who may not change the host is told what is wrong with the words before that, as for whoever may.
 *
 * Return: 0; what @look says, where that is wrong input or names what is not there; or as
 * iov_plan_lock().  Each with a message.
 */
int cli_begin(struct cli *cli, int (*look)(struct cli *cli, void *arg), void *arg);

#endif
