/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is wrong with a command line, told as every other failure is: argp and getopt are
 * silent (CLI_ARGP_FLAGS), since they know text only.
 */
#ifndef IOV_CLI_USAGE_H
#define IOV_CLI_USAGE_H

#include <argp.h>

#include "cli/cli.h"

/* How all of iov parses with argp. */
#define CLI_ARGP_FLAGS (ARGP_NO_ERRS | ARGP_NO_HELP)

/* Whether --json is among these, which it may be behind what is wrong. */
bool cli_wants_json(int argc, char **argv);

/* For an argp parser: end with what is wrong with the option that argp could not read. */
void cli_misuse_option(const struct argp_state *state) __attribute__((noreturn));

/* End, as there is no command: with the help, or with --json an error. */
void cli_no_command(struct argp_state *state, const struct cli *cli) __attribute__((noreturn));

/* Print the help of a command, ARGP_HELP_STD_HELP or ARGP_HELP_USAGE, and end. */
void cli_help(struct argp_state *state, unsigned int flags);

#endif
