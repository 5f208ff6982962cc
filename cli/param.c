// SPDX-License-Identifier: GPL-2.0-or-later
/* iov param: parameters of drivers, by devlink. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/sysroot/sysroot.h"
#include "cli/argument.h"
#include "cli/commands.h"
#include "cli/nic.h"
#include "plugins/net/nic.h"

#define KEY_CMODE 0x2000
#define KEY_RELOAD 0x2001

struct param_args {
	const char *device;
	const char *cmode;
	bool reload;
	struct cli_settings settings;
};

static const struct argp_option options[] = {
	{ "cmode", KEY_CMODE, "runtime|driverinit|permanent", 0,
	  "When it counts: at once, from the next start of the driver on, or of the device", 0 },
	{ "reload", KEY_RELOAD, 0, 0, "Have the driver start anew if a parameter wants that", 0 },
	{ 0 },
};

static error_t parse_set(int key, char *arg, struct argp_state *state)
{
	struct param_args *args = cli_data(state);

	if (key == KEY_RELOAD) {
		args->reload = true;
		return 0;
	}
	if (key == KEY_CMODE) {
		if (strcmp(arg, "runtime") && strcmp(arg, "driverinit") && strcmp(arg, "permanent"))
			cli_misuse(state, "--cmode %s: expected runtime, driverinit or permanent", arg);
		args->cmode = arg;
		return 0;
	}
	if (key == ARGP_KEY_ARG && args->device)
		return cli_add_setting(&args->settings, arg, "enable_roce=on", state);
	if (key == ARGP_KEY_END && args->device && !args->settings.count)
		cli_misuse(state, "nothing to set; name a parameter, like enable_roce=on");
	return cli_argument(key, arg, state, &args->device, CLI_EXPECTED_PF);
}

/* The text before the first '=' is the name; @names has it, as the history has the words as they were. */
static struct iov_param *params_of(const struct param_args *args, struct iov_path **names)
{
	struct iov_param *params = calloc(args->settings.count, sizeof(*params));

	*names = calloc(args->settings.count, sizeof(**names));
	for (size_t i = 0; params && *names && i < args->settings.count; i++) {
		const char *value = strchr(args->settings.list[i], '=');

		(*names)[i] = iov_path("%.*s", (int)(value - args->settings.list[i]), args->settings.list[i]);
		params[i] = (struct iov_param){ (*names)[i].name, value + 1, args->cmode };
	}
	return params;
}

static int run_set(struct cli *cli, void *data)
{
	struct param_args *args = data;
	_cleanup_free_ struct iov_path *names = NULL;
	_cleanup_free_ struct iov_param *params = params_of(args, &names);
	struct iov_plan *plan = NULL;
	struct iov_path device;
	int error = params && names ? nic_device_named(cli, args->device, &device) : -ENOMEM;

	if (!error)
		error = iov_plan_new(&plan, cli->iov, "set parameters of %s", device.name);
	if (!error)
		error = iov_param_plan(plan, device.name, params, args->settings.count,
				       args->reload ? IOV_NIC_RELOAD : 0);
	free(args->settings.list);
	return error ? cli_drop_plan(cli, plan, error) : cli_run_plan(cli, plan);
}

const struct cli_command cli_param_set = {
	.name = "param set",
	.args = "DEVICE NAME=VALUE...",
	.summary = "Set parameters of a device's driver",
	.example = "iov param set eth0 flow_steering_mode=smfs\n"
		   "  iov param set eth0 enable_roce=off --reload\n"
		   "  iov param set auxiliary/mlx5_core.sf.4 enable_vnet=on --reload\n\n"
		   "They are set together: when the driver refuses one, the others are put back.\n"
		   "A reload makes the interfaces anew, and gives them their addresses and routes back.",
	.changes = true,
	.options = options,
	.parse = parse_set,
	.data_size = sizeof(struct param_args),
	.run = run_set,
};

static const struct iov_column columns[] = {
	{ "name", "NAME" }, { "type", "TYPE" }, { "cmode", "CMODE" }, { "value", "VALUE" },
	{ "generic", "GENERIC" },
};

static error_t parse_list(int key, char *arg, struct argp_state *state)
{
	struct param_args *args = cli_data(state);

	return cli_argument(key, arg, state, &args->device, CLI_EXPECTED_PF);
}

static int run_list(struct cli *cli, void *data)
{
	const struct param_args *args = data;

	return nic_list(cli, args->device, iov_param_list, columns, sizeof(columns) / sizeof(*columns),
			"no parameters");
}

const struct cli_command cli_param_list = {
	.name = "param list",
	.args = "DEVICE",
	.summary = "Show the parameters of a device's driver",
	.example = "iov param list eth0\n"
		   "  iov param list auxiliary/mlx5_core.sf.4",
	.parse = parse_list,
	.data_size = sizeof(struct param_args),
	.run = run_list,
};
