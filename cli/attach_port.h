/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU's arguments for a vhost-user port, or a disk, of iovd. */
#ifndef IOV_CLI_ATTACH_PORT_H
#define IOV_CLI_ATTACH_PORT_H

#include <json-c/json.h>

#include "cli/cli.h"

/**
 * struct attach_port_options - what a port or disk does not say by itself
 * @memory: size of the guest's memory as QEMU takes it; NULL: 1G; "none": say
 *	nothing about memory, for all of a guest but the first
 * @mac: MAC address of the guest's NIC; NULL: one made from the port's name; NULL
 *	for a disk
 */
struct attach_port_options {
	const char *memory;
	const char *mac;
};

/**
 * cli_attach_port - QEMU's arguments for a port or a disk
 * @cli: the run
 * @name: its name
 * @options: the rest
 * @arguments: receives an array of strings, which the caller puts
 *
 * Return: 0; -ENOENT when there is none; -EINVAL when it is an uplink or an
 * option is malformed; or as iov_rpc_call(); with a message.
 */
int cli_attach_port(struct cli *cli, const char *name, const struct attach_port_options *options,
		    struct json_object **arguments);

#endif
