/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process that does what this command would have done in the end, should it be killed.
 *
 * It has nothing of the command's, neither its locks nor its terminal nor its open files, and waits for a
 * word, or for the end of who would say it.
 */
#ifndef IOV_CLI_KEEPER_H
#define IOV_CLI_KEEPER_H

#include "cli/cli.h"

/**
 * keeper_start - start it
 * @cli: the run
 * @name: of the process
 * @what: what it is for, for a message: "to give functions back"
 * @end: called in that process when this one has ended without a word; it has a context of its own in
 *	@cli, and a minute to wait for other changes
 * @arg: for @end
 * @keeper: receives the connection to it, -1 on failure
 *
 * No thread has been started yet.
 *
 * Return: 0, or -errno with a message.
 */
int keeper_start(struct cli *cli, const char *name, const char *what, void (*end)(struct cli *cli, void *arg),
		 void *arg, int *keeper);

/**
 * keeper_end - need it no more
 * @keeper: becomes -1
 * @done: there is nothing left for it; false: it is to do now what it was started for
 */
void keeper_end(int *keeper, bool done);

#endif
