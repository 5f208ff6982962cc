/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of iov, each defined in the file of its noun. */
#ifndef IOV_CLI_COMMANDS_H
#define IOV_CLI_COMMANDS_H

#include "cli/cli.h"

extern const struct cli_command cli_recover;

#endif
