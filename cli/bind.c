// SPDX-License-Identifier: GPL-2.0-or-later
/* iov bind, iov unbind: which driver a PCI function has. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/context.h"
#include "base/pci/topology.h"
#include "cli/argument.h"
#include "cli/commands.h"
#include "iommu/group.h"
#include "sriov/class.h"
#include "vfio/bind/bind.h"

#define NAMES_MAX 256
#define BARS_MAX 6
/* As a host file says it. */
#define NO_DRIVER "none"

struct bind_args {
	const char *driver;
	unsigned int flags;
	bool disable_vga;
	const char *bars[BARS_MAX];
	size_t bar_count;
	size_t count;
	const char *devices[NAMES_MAX];
};

enum { KEY_SLOT = 0x2000, KEY_BAR, KEY_DISABLE_VGA };

static const struct argp_option bind_options[] = {
	{ "driver", 'd', "NAME", 0, "Driver to bind to, as vfio-pci, or none" },
	{ "group", 'g', 0, 0, "Move the others of each IOMMU group as well" },
	{ "slot", KEY_SLOT, 0, 0,
	  "Take a device as a whole: every function of its slot, as audio and USB of a GPU, and see "
	  "that it comes back from a reset" },
	{ "bar", KEY_BAR, "N=SIZE", 0,
	  "Size of a resizable BAR, as 1=16G, set while no driver has the function; may be repeated" },
	{ "disable-vga", KEY_DISABLE_VGA, 0, 0,
	  "Load vfio-pci so that it leaves the addresses of VGA to the host's other displays" },
	{ 0 },
};

static const struct argp_option unbind_options[] = {
	{ "group", 'g', 0, 0, "Give back the other members of each IOMMU group as well" },
	{ "slot", KEY_SLOT, 0, 0, "Give back every function of the slot" },
	{ 0 },
};

static error_t parse_devices(int key, char *arg, struct argp_state *state)
{
	struct bind_args *args = cli_data(state);

	switch (key) {
	case 'g':
		args->flags |= IOV_BIND_GROUP;
		return 0;
	case KEY_SLOT:
		args->flags |= IOV_BIND_SLOT;
		return 0;
	case ARGP_KEY_ARG:
		if (args->count == NAMES_MAX)
			cli_misuse(state, "more than %d names at once; VFs may be named together, "
				   "like eth0/vf0-63", NAMES_MAX);
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
	if (key == KEY_DISABLE_VGA) {
		args->disable_vga = true;
		return 0;
	}
	if (key == KEY_BAR) {
		if (args->bar_count == BARS_MAX)
			cli_misuse(state, "--bar: a function has at most %d BARs", BARS_MAX);
		args->bars[args->bar_count++] = arg;
		return 0;
	}
	if (key == ARGP_KEY_END && !args->driver && args->flags & IOV_BIND_SLOT)
		args->driver = "vfio-pci";
	if (key == ARGP_KEY_END && !args->driver)
		cli_misuse(state, "expected --driver NAME, as --driver vfio-pci");
	if (key == ARGP_KEY_END && !strcmp(args->driver, NO_DRIVER) && (args->flags || args->bar_count))
		cli_misuse(state, "--driver none: is of each function by itself; leave out --group, --slot and "
			   "--bar");
	if (key == ARGP_KEY_END && args->disable_vga && strcmp(args->driver, "vfio-pci"))
		cli_misuse(state, "--disable-vga: is for --driver vfio-pci");
	return parse_devices(key, arg, state);
}

static void save_driver(struct json_object *devices, struct iov_bdf bdf, const char *driver)
{
	struct json_object *values = json_object_new_object();

	json_object_object_add(values, "driver", json_object_new_string(driver));
	cli_saved(devices, bdf, values);
}

/* How the one that was named is taken: with its slot, its BARs and without VGA. */
static void save_whole(const struct bind_args *args, struct json_object *values)
{
	cli_param_switch(values, "slot", args->flags & IOV_BIND_SLOT);
	cli_param_texts(values, "bars", args->bars, args->bar_count);
	cli_param_switch(values, "disable_vga", args->disable_vga);
}

/* With --group the members that come along, now or before. */
static int save_members(struct cli *cli, const struct iov_plan *plan, struct iov_bdf bdf,
			const char *driver, struct json_object *devices)
{
	struct iov_group *group;
	int error = iov_group_of(&group, cli->iov, bdf);

	for (size_t i = 0; !error && i < group->count; i++) {
		const struct iov_group_member *member = &group->members[i];

		if (!member->bridge && (!strcmp(member->driver, driver) ||
					iov_plan_changes(plan, IOV_BDF(member->bdf), "driver")))
			save_driver(devices, member->bdf, driver);
	}
	if (!error)
		iov_group_close(group);
	return error == -ENOENT ? 0 : error;
}

static int save(struct cli *cli, const struct bind_args *args,
		const struct cli_functions *functions, struct iov_plan *plan)
{
	const char *driver = args->driver ? args->driver : "native";
	struct json_object *devices = json_object_new_object();
	int error = 0;

	for (size_t i = 0; !error && i < functions->count; i++) {
		save_driver(devices, functions->list[i], driver);
		save_whole(args, json_object_object_get(devices, IOV_BDF(functions->list[i])));
		if (cli->save && args->flags & IOV_BIND_GROUP)
			error = save_members(cli, plan, functions->list[i], driver, devices);
	}
	if (!error)
		return cli_save(cli, plan, devices);
	json_object_put(devices);
	return error;
}

/* A size is of the one function that was named. */
static int bind_functions(struct cli *cli, const struct bind_args *args, const struct cli_functions *functions,
			  struct iov_plan *plan, unsigned int flags)
{
	struct iov_bar_size sizes[BARS_MAX];
	int error = 0;

	if (args->bar_count && functions->count != 1)
		return iov_fail(cli->iov, -EINVAL, "--bar: expected one device, not %zu; its size is that of one "
				"function's BAR", functions->count);
	for (size_t i = 0; !error && i < args->bar_count; i++)
		error = iov_bar_size_parse(cli->iov, functions->list[0], args->bars[i], &sizes[i]);
	return error ? error : iov_bind_sized_plan(plan, functions->list, functions->count, args->driver, flags,
						   sizes, args->bar_count);
}

/* What is not named and goes as well. */
static const char *along(unsigned int flags)
{
	if (flags & IOV_BIND_SLOT)
		return " with its slot";
	return flags & IOV_BIND_GROUP ? " with its group" : "";
}

/*
 * A VF that no guest can have as it is, as one whose controller is offline, fails its native driver as
 * well, whose words in the kernel's log do not tell what to do.
 */
static void note_useless(struct cli *cli, const struct cli_functions *functions, struct iov_plan *plan)
{
	struct json_object *properties;
	struct iov_bdf pf;

	for (size_t i = 0; i < functions->count; i++) {
		if (iov_pci_link(cli->iov, functions->list[i], "physfn", &pf)) {
			iov_forget_error(cli->iov);
			continue;
		}
		if (iov_class_take(cli->iov, functions->list[i], &properties)) {
			iov_plan_note(plan, "%s", iov_error_message(cli->iov));
			iov_forget_error(cli->iov);
		}
		json_object_put(properties);
	}
}

/* Without a driver the functions go back to their native ones. */
static int plan_functions(struct cli *cli, const struct bind_args *args,
			  const struct cli_functions *functions, struct iov_plan **plan)
{
	unsigned int flags = args->flags;
	char names[64];
	int error;

	if (cli_lifts(cli, CLI_LIFT_DRIVER))
		flags |= IOV_BIND_ANY_DRIVER;
	cli_name_functions(functions, names, sizeof(names));
	if (args->driver && !strcmp(args->driver, NO_DRIVER)) {
		error = iov_plan_new(plan, cli->iov, "leave %s without a driver", names);
		return error ? error : iov_release_plan(*plan, functions->list, functions->count);
	}
	if (args->driver) {
		error = iov_plan_new(plan, cli->iov, "bind %s%s to %s", names, along(flags), args->driver);
		if (!error && args->disable_vga)
			error = iov_disable_vga_plan(*plan);
		return error ? error : bind_functions(cli, args, functions, *plan, flags);
	}
	error = iov_plan_new(plan, cli->iov, "give %s%s back to the native driver", names, along(flags));
	return error ? error : iov_unbind_plan(*plan, functions->list, functions->count,
					       args->flags);
}

static int fill_plan(struct cli *cli, const struct bind_args *args, struct iov_plan **plan)
{
	struct cli_functions functions = { 0 };
	int error = 0;

	for (size_t i = 0; !error && i < args->count; i++)
		error = cli_add_functions(cli, args->devices[i], &functions);
	if (!error)
		error = plan_functions(cli, args, &functions, plan);
	if (!error && (!args->driver || !iov_driver_gives(args->driver)))
		note_useless(cli, &functions, *plan);
	if (!error)
		error = save(cli, args, &functions, *plan);
	free(functions.list);
	return error;
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
		   "  iov bind serial=a0-36-9f-ff-ff-00-00-01.0/vf0-3 --driver vfio-pci\n"
		   "  iov bind 0000:41:00.0 --slot --bar 1=16G\n\n"
		   "With --slot the driver is vfio-pci unless another one is named: a GPU with all that is on\n"
		   "its card. Refused, with who it is, while somebody draws on it.",
	.changes = true,
	.saves = true,
	.options = bind_options,
	.parse = parse_bind,
	.data_size = sizeof(struct bind_args),
	.run = run,
};

const struct cli_command cli_unbind = {
	.name = "unbind",
	.args = "DEVICE...",
	.summary = "Give PCI functions back to their native drivers",
	.example = "iov unbind 0000:01:10.0\n"
		   "  iov unbind eth0/all",
	.changes = true,
	.saves = true,
	.options = unbind_options,
	.parse = parse_devices,
	.data_size = sizeof(struct bind_args),
	.run = run,
};
