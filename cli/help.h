/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What iov says of itself. */
#ifndef IOV_CLI_HELP_H
#define IOV_CLI_HELP_H

#include "cli/cli.h"

/* Have argp fit the width of the terminal where that is less than its own 79 columns. */
void cli_help_fit(void);

/* For argp: what iov --help says; free() it. */
char *cli_help_doc(const struct cli_command *const *commands);

/*
 * "iov vf", "iov vf --help", or words that are no command, with what may have been meant; an exit
 * status.
 */
int cli_help_words(const struct cli *cli, const struct cli_command *const *commands, int argc,
		   char **argv);

#endif
