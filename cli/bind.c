// SPDX-License-Identifier: GPL-2.0-or-later
/* iov bind, iov unbind: which driver a PCI function has. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/pci/identity.h"
#include "cli/argument.h"
#include "cli/commands.h"
#include "vfio/bind/bind.h"

#define FUNCTIONS_MAX 256

struct bind_args {
	const char *driver;
	unsigned int flags;
	size_t count;
	const char *devices[FUNCTIONS_MAX];
};

static const struct argp_option bind_options[] = {
	{ "driver", 'd', "NAME", 0, "Driver to bind to, as vfio-pci" },
	{ "group", 'g', 0, 0, "Move the other members of each IOMMU group as well" },
	{ 0 },
};

static const struct argp_option unbind_options[] = {
	{ "group", 'g', 0, 0, "Give back the other members of each IOMMU group as well" },
	{ 0 },
};

static error_t parse_devices(int key, char *arg, struct argp_state *state)
{
	struct bind_args *args = cli_data(state);

	switch (key) {
	case 'g':
		args->flags |= IOV_BIND_GROUP;
		return 0;
	case ARGP_KEY_ARG:
		if (args->count == FUNCTIONS_MAX)
			cli_misuse(state, "more than %d PCI functions at once", FUNCTIONS_MAX);
		args->devices[args->count++] = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		cli_misuse(state, CLI_EXPECTED_DEVICE);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_bind(int key, char *arg, struct argp_state *state)
{
	struct bind_args *args = cli_data(state);

	if (key == 'd') {
		args->driver = arg;
		return 0;
	}
	if (key == ARGP_KEY_END && !args->driver)
		cli_misuse(state, "expected --driver NAME, as --driver vfio-pci");
	return parse_devices(key, arg, state);
}

static int parse_names(struct cli *cli, const struct bind_args *args, struct iov_bdf *bdfs)
{
	int error = 0;

	for (size_t i = 0; !error && i < args->count; i++)
		error = iov_device_parse(cli->iov, args->devices[i], &bdfs[i]);
	return error;
}

/* "0000:01:10.0", or "3 functions" */
static void name_functions(const struct iov_bdf *bdfs, size_t count, char *text, size_t size)
{
	if (count == 1)
		snprintf(text, size, "%s", IOV_BDF(bdfs[0]));
	else
		snprintf(text, size, "%zu functions", count);
}

/* Without a driver the functions go back to their native ones. */
static int fill_plan(struct cli *cli, const struct bind_args *args, struct iov_plan **plan)
{
	struct iov_bdf bdfs[FUNCTIONS_MAX];
	unsigned int flags = args->flags;
	char functions[64];
	int error = parse_names(cli, args, bdfs);

	if (error)
		return error;
	if (cli_lifts(cli, CLI_LIFT_DRIVER))
		flags |= IOV_BIND_ANY_DRIVER;
	name_functions(bdfs, args->count, functions, sizeof(functions));
	if (args->driver) {
		error = iov_plan_new(plan, cli->iov, "bind %s to %s", functions, args->driver);
		return error ? error : iov_bind_plan(*plan, bdfs, args->count, args->driver,
						     flags);
	}
	error = iov_plan_new(plan, cli->iov, "give %s back to the native driver", functions);
	return error ? error : iov_unbind_plan(*plan, bdfs, args->count, args->flags);
}

static int run(struct cli *cli, void *data)
{
	struct iov_plan *plan = NULL;
	int error = fill_plan(cli, data, &plan);

	if (!error)
		return cli_run_plan(cli, plan);
	return cli_drop_plan(cli, plan, error);
}

const struct cli_command cli_bind = {
	.name = "bind",
	.args = "DEVICE... --driver NAME",
	.summary = "Bind PCI functions to a driver, for a guest to vfio-pci",
	.example = "iov bind 0000:01:10.0 0000:01:10.2 --driver vfio-pci --dry-run\n"
		   "  iov bind serial=a0-36-9f-ff-ff-00-00-01.0/vf3 --driver vfio-pci",
	.changes = true,
	.options = bind_options,
	.parse = parse_bind,
	.data_size = sizeof(struct bind_args),
	.run = run,
};

const struct cli_command cli_unbind = {
	.name = "unbind",
	.args = "DEVICE...",
	.summary = "Give PCI functions back to their native drivers",
	.example = "iov unbind 0000:01:10.0",
	.changes = true,
	.options = unbind_options,
	.parse = parse_devices,
	.data_size = sizeof(struct bind_args),
	.run = run,
};
