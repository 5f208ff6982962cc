/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How every failure of a command is told. */
#ifndef IOV_CLI_REPORT_H
#define IOV_CLI_REPORT_H

#include "cli/cli.h"

/*
 * Tell a failure: one line on standard error, and with --json an object on standard
 * output as well, which has the members "error" and "exit" beside what the command
 * answers and the guards found.  Gives @status.
 */
enum cli_exit cli_report(const struct cli *cli, enum cli_exit status, const char *message);

/* Tell what iov_failure() says of @error; the message is that of the context. */
enum cli_exit cli_report_error(const struct cli *cli, int error);

#endif
