/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls to iovd over its control socket. */
#ifndef IOV_CLI_RPC_H
#define IOV_CLI_RPC_H

#include <json-c/json.h>

#include "cli/cli.h"

/**
 * cli_rpc - call a method of iovd
 * @cli: the run; its control socket is used
 * @method: "port.add"
 * @params: object of parameters, taken over; NULL for none
 * @result: receives the result, which the caller puts
 *
 * Return: 0; -ECONNREFUSED when iovd does not answer; -EACCES when it may not be
 * asked; what the method failed with; with a message.
 */
int cli_rpc(struct cli *cli, const char *method, struct json_object *params,
	    struct json_object **result);

#endif
