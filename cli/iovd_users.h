/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What iovd has a device for that was refused because iovd has it open. */
#ifndef IOV_CLI_IOVD_USERS_H
#define IOV_CLI_IOVD_USERS_H

#include "cli/cli.h"

/**
 * cli_find_iovd_users - name the disks and ports of iovd that findings are about
 * @iov: context, whose message may be another then
 * @findings: as guards have them, which get "disk" or "port"; NULL for none
 *
 * Return: whether iovd is among the holders, so that it was asked.
 */
bool cli_find_iovd_users(struct iov *iov, struct json_object *findings);

/**
 * cli_name_iovd_users - name the disks and ports of iovd that findings are about
 * @cli: with findings, which get "disk" or "port"
 *
 * Says on standard error what gives the device back.  Asks iovd, when a process of that name is found; the
 * last message of @cli's context stays as it was.
 */
void cli_name_iovd_users(const struct cli *cli);

#endif
