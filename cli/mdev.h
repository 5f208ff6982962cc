/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands of mediated devices share. */
#ifndef IOV_CLI_MDEV_H
#define IOV_CLI_MDEV_H

#include "cli/cli.h"

/* What is missing when a command lacks its UUID. */
#define CLI_EXPECTED_MDEV "expected the UUID of a mediated device; 'iov mdev list' shows them"

#endif
