// SPDX-License-Identifier: GPL-2.0-or-later
/* iov rate: groups of rates of a NIC in switchdev mode. */
#include <stdio.h>

#include "base/cleanup.h"
#include "cli/argument.h"
#include "cli/commands.h"
#include "cli/nic.h"
#include "plugins/net/nic.h"

#define EXPECTED_GROUP "which group? Expected its name, like gold; 'iov rate list' shows them"

static const struct argp_option options[] = { NIC_RATE_OPTIONS, { 0 } };

static error_t parse_change(int key, char *arg, struct argp_state *state)
{
	return nic_parse(key, arg, state, EXPECTED_GROUP);
}

static error_t parse_set(int key, char *arg, struct argp_state *state)
{
	const struct nic_args *args = cli_data(state);

	if (key == ARGP_KEY_END && args->name && !nic_has_values(args))
		cli_misuse(state, "nothing to set; name a value, like --tx-max 1000");
	return parse_change(key, arg, state);
}

static int change(struct cli *cli, const struct nic_args *args, unsigned int flags)
{
	_cleanup_json_ struct json_object *values = json_object_new_object();
	struct iov_plan *plan = NULL;
	struct iov_path device;
	int error = nic_values(cli, args, iov_rate_value_parse, values);

	if (!error)
		error = nic_device_named(cli, args->device, &device);
	if (!error)
		error = iov_plan_new(&plan, cli->iov, "%s the group of rates %s of %s",
				     flags & IOV_NIC_EXISTS ? "set" : "make", args->name, device.name);
	if (!error)
		error = iov_rate_plan(plan, device.name, args->name, values, flags);
	return error ? cli_drop_plan(cli, plan, error) : cli_run_plan(cli, plan);
}

static int run_add(struct cli *cli, void *data)
{
	return change(cli, data, 0);
}

const struct cli_command cli_rate_add = {
	.name = "rate add",
	.args = "PF GROUP",
	.summary = "Make a group of rates that VFs and subfunctions can be in",
	.example = "iov rate add eth0 gold --tx-max 10000\n"
		   "  iov vf set eth0/vf0-3 --tx-parent gold\n\n"
		   "One that is there gets the values. NICs have groups in switchdev mode.",
	.changes = true,
	.options = options,
	.parse = parse_change,
	.data_size = sizeof(struct nic_args),
	.run = run_add,
};

static int run_set(struct cli *cli, void *data)
{
	return change(cli, data, IOV_NIC_EXISTS);
}

const struct cli_command cli_rate_set = {
	.name = "rate set",
	.args = "PF GROUP",
	.summary = "Set what a group of rates has",
	.example = "iov rate set eth0 gold --tx-share 1000 --tx-max 5000\n\n"
		   "The values are set together: when the driver refuses one, the others are put back.",
	.changes = true,
	.options = options,
	.parse = parse_set,
	.data_size = sizeof(struct nic_args),
	.run = run_set,
};

static int run_remove(struct cli *cli, void *data)
{
	const struct nic_args *args = data;
	struct iov_plan *plan = NULL;
	struct iov_path device;
	int error = nic_device_named(cli, args->device, &device);

	if (!error)
		error = iov_plan_new(&plan, cli->iov, "remove the group of rates %s of %s", args->name,
				     device.name);
	if (!error)
		error = iov_rate_remove_plan(plan, device.name, args->name);
	return error ? cli_drop_plan(cli, plan, error) : cli_run_plan(cli, plan);
}

const struct cli_command cli_rate_remove = {
	.name = "rate remove",
	.args = "PF GROUP",
	.summary = "Remove a group of rates that nobody is in",
	.example = "iov rate remove eth0 gold",
	.changes = true,
	.parse = parse_change,
	.data_size = sizeof(struct nic_args),
	.run = run_remove,
};

static const struct iov_column columns[] = {
	{ "name", "NAME" },
	{ "kind", "KIND" },
	{ "tx_share", "SHARE MBIT/S", true },
	{ "tx_max", "LIMIT MBIT/S", true },
	{ "tx_priority", "PRIORITY", true },
	{ "tx_weight", "WEIGHT", true },
	{ "tx_parent", "PARENT" },
};

static error_t parse_list(int key, char *arg, struct argp_state *state)
{
	return nic_parse(key, arg, state, NULL);
}

static int run_list(struct cli *cli, void *data)
{
	const struct nic_args *args = data;

	return nic_list(cli, args->device, iov_rate_list, columns, sizeof(columns) / sizeof(*columns),
			"no rates; NICs have them in switchdev mode");
}

const struct cli_command cli_rate_list = {
	.name = "rate list",
	.args = "PF",
	.summary = "Show groups of rates, and the rates of VFs and subfunctions",
	.example = "iov rate list eth0",
	.parse = parse_list,
	.data_size = sizeof(struct nic_args),
	.run = run_list,
};
