// SPDX-License-Identifier: GPL-2.0-or-later
/* iov sf: subfunctions of a NIC. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/pci/identity.h"
#include "base/sysroot/sysroot.h"
#include "cli/argument.h"
#include "cli/commands.h"
#include "cli/nic.h"
#include "plugins/net/eswitch.h"
#include "plugins/net/nic.h"

#define EXPECTED_NUMBER "which subfunction? Expected its number, like 8; 'iov sf list' shows them"

static const struct argp_option options[] = {
	NIC_FUNCTION_OPTIONS,
	NIC_RATE_OPTIONS,
	{ "state", NIC_KEY + 11, "active|inactive", 0, "Whether its driver has it", 0 },
	{ 0 },
};

static error_t parse_change(int key, char *arg, struct argp_state *state)
{
	return nic_parse(key, arg, state, EXPECTED_NUMBER);
}

static error_t parse_set(int key, char *arg, struct argp_state *state)
{
	const struct nic_args *args = cli_data(state);

	if (key == ARGP_KEY_END && args->name && !nic_has_values(args))
		cli_misuse(state, "nothing to set; name a value, like --state active");
	return parse_change(key, arg, state);
}

static int parse_number(struct cli *cli, const char *text, unsigned int *number)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || value > UINT32_MAX)
		return iov_fail(cli->iov, -EINVAL, "%s: expected the number of a subfunction, 0 to %u", text,
				UINT32_MAX);
	*number = (unsigned int)value;
	return 0;
}

static int change(struct cli *cli, const struct nic_args *args, unsigned int flags)
{
	_cleanup_json_ struct json_object *values = json_object_new_object();
	struct iov_plan *plan = NULL;
	struct iov_path device;
	unsigned int number;
	int error = parse_number(cli, args->name, &number);

	if (!error)
		error = nic_values(cli, args, iov_sf_value_parse, values);
	if (!error)
		error = nic_device_named(cli, args->device, &device);
	if (!error)
		error = iov_plan_new(&plan, cli->iov, "%s subfunction %u of %s",
				     flags & IOV_NIC_EXISTS ? "set" : "make", number, device.name);
	if (!error)
		error = iov_sf_plan(plan, device.name, number, values, flags);
	return error ? cli_drop_plan(cli, plan, error) : cli_run_plan(cli, plan);
}

static int run_add(struct cli *cli, void *data)
{
	return change(cli, data, 0);
}

const struct cli_command cli_sf_add = {
	.name = "sf add",
	.args = "PF NUMBER",
	.summary = "Make a subfunction",
	.example = "iov sf add eth0 8 --hw-addr 02:00:00:00:00:08 --state active\n\n"
		   "It is active last, so that its driver and whoever gets it see the address. One that is\n"
		   "there gets the values. NICs have subfunctions in switchdev mode.",
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

const struct cli_command cli_sf_set = {
	.name = "sf set",
	.args = "PF NUMBER",
	.summary = "Set what a subfunction has, or whether it is active",
	.example = "iov sf set eth0 8 --state inactive\n"
		   "  iov sf set eth0 8 --roce off --state active\n\n"
		   "Refused for one that becomes inactive while it is in use.",
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
	unsigned int number;
	int error = parse_number(cli, args->name, &number);

	if (!error)
		error = nic_device_named(cli, args->device, &device);
	if (!error)
		error = iov_plan_new(&plan, cli->iov, "remove subfunction %u of %s", number, device.name);
	if (!error)
		error = iov_sf_remove_plan(plan, device.name, number);
	return error ? cli_drop_plan(cli, plan, error) : cli_run_plan(cli, plan);
}

const struct cli_command cli_sf_remove = {
	.name = "sf remove",
	.args = "PF NUMBER",
	.summary = "Remove a subfunction that nobody uses",
	.example = "iov sf remove eth0 8",
	.changes = true,
	.parse = parse_change,
	.data_size = sizeof(struct nic_args),
	.run = run_remove,
};

static const struct iov_column columns[] = {
	{ "number", "SF", true },
	{ "state", "STATE" },
	{ "opstate", "DRIVER" },
	NIC_PORT_COLUMNS,
	{ "representor", "REPRESENTOR" },
	{ "auxiliary", "DEVICES" },
	{ "netdevs", "NETDEV" },
	{ "rdma", "RDMA" },
	{ "mgmtdev", "VDPA MGMTDEV" },
	{ "vdpa", "VDPA" },
};

static error_t parse_list(int key, char *arg, struct argp_state *state)
{
	return nic_parse(key, arg, state, NULL);
}

/* Why a NIC may have none. */
static struct iov_path none_of(struct cli *cli, const char *device)
{
	const char *mode;
	struct iov_bdf bdf;
	int error;

	if (cli->json || !iov_sys_is_host(cli->iov) || iov_device_parse(cli->iov, device, &bdf))
		return iov_path("no subfunctions");
	error = iov_eswitch_read(cli->iov, bdf, &mode);
	if (error == -EOPNOTSUPP)
		return iov_path("no subfunctions: %s", iov_error_message(cli->iov));
	if (!error && !strcmp(mode, "legacy"))
		return iov_path("no subfunctions: NICs have them in switchdev mode, and %s is in mode legacy", device);
	return iov_path("no subfunctions");
}

static int run_list(struct cli *cli, void *data)
{
	const struct nic_args *args = data;

	return nic_list(cli, args->device, iov_sf_list, columns, sizeof(columns) / sizeof(*columns),
			none_of(cli, args->device).name);
}

const struct cli_command cli_sf_list = {
	.name = "sf list",
	.args = "PF",
	.summary = "Show the subfunctions of a NIC and their devices",
	.example = "iov sf list eth0",
	.parse = parse_list,
	.data_size = sizeof(struct nic_args),
	.run = run_list,
};
