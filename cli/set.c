// SPDX-License-Identifier: GPL-2.0-or-later
/* iov set: attributes of any function, as its device class has them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/pci/identity.h"
#include "base/pci/interface.h"
#include "base/sysroot/paths.h"
#include "cli/argument.h"
#include "cli/commands.h"
#include "plugins/plugins.h"
#include "sriov/class.h"

struct set_args {
	const char *device;
	struct cli_settings settings;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct set_args *args = cli_data(state);

	if (key == ARGP_KEY_ARG && args->device)
		return cli_add_setting(&args->settings, arg, "max-rate=100", state);
	return cli_argument(key, arg, state, &args->device, CLI_EXPECTED_DEVICE);
}

/* The name of "max-rate=100", as JSON has it. */
static struct iov_path name_of(const char *setting)
{
	struct iov_path name = iov_path("%.*s", (int)strcspn(setting, "="), setting);

	for (char *c = name.name; (c = strchr(c, '-'));)
		*c = '_';
	return name;
}

static int say_names(struct iov *iov, struct iov_bdf of)
{
	const struct iov_class *device_class = iov_class_of(iov, of);
	char names[512] = "";

	if (device_class)
		iov_class_attribute_names(device_class, names, sizeof(names));
	return iov_fail(iov, -EINVAL, "nothing to set; expected NAME=VALUE, of %s: %s; 'iov plugin list' tells their "
			"values", device_class ? device_class->title : "no device class that is known",
			*names ? names : "none");
}

/* @of: the function, or the PF whose VFs are meant */
static int parse_values(struct cli *cli, const struct set_args *args, struct iov_bdf of,
			struct json_object *values)
{
	int error = args->settings.count ? 0 : say_names(cli->iov, of);

	for (size_t i = 0; !error && i < args->settings.count; i++)
		error = iov_attribute_parse(cli->iov, of, name_of(args->settings.list[i]).name,
					    strchr(args->settings.list[i], '=') + 1, values);
	return error;
}

static int set_vfs(struct cli *cli, const struct set_args *args,
		   const struct cli_functions *functions, struct iov_plan *plan)
{
	_cleanup_json_ struct json_object *each = json_object_new_array();
	_cleanup_json_ struct json_object *values = json_object_new_object();
	struct iov_bdf pf;
	unsigned int index;
	int error = cli_vf(cli, functions->list[0], &pf, &index);

	if (!error)
		error = parse_values(cli, args, pf, values);
	for (size_t i = 0; !error && i < functions->count; i++) {
		error = cli_vf(cli, functions->list[i], &pf, &index);
		if (!error)
			json_object_array_put_idx(each, index, json_object_get(values));
	}
	return error ? error :
	       iov_vf_set_each_plan(plan, pf, iov_interface_named_port(cli->iov, args->device), each, 0);
}

static int set_own(struct cli *cli, const struct set_args *args, struct iov_bdf bdf,
		   struct iov_plan *plan)
{
	_cleanup_json_ struct json_object *values = json_object_new_object();
	int error = parse_values(cli, args, bdf, values);

	return error ? error : iov_set_plan(plan, bdf, values);
}

static int build(struct cli *cli, const struct set_args *args, struct iov_plan **plan)
{
	struct cli_functions functions = { 0 };
	struct iov_bdf pf;
	int error = cli_add_functions(cli, args->device, &functions);

	if (!error)
		error = iov_plan_new(plan, cli->iov, "set attributes of %s", args->device);
	if (!error && !iov_pci_link(cli->iov, functions.list[0], "physfn", &pf))
		error = set_vfs(cli, args, &functions, *plan);
	else if (!error)
		error = set_own(cli, args, functions.list[0], *plan);
	free(functions.list);
	return error;
}

static int run(struct cli *cli, void *data)
{
	struct set_args *args = data;
	struct iov_plan *plan = NULL;
	int error = build(cli, args, &plan);

	free(args->settings.list);
	return error ? cli_drop_plan(cli, plan, error) : cli_run_plan(cli, plan);
}

/* The classes that come with iovkit; where plugins of others are is not known here. */
static void explain(FILE *file)
{
	const struct iov_class *device_class;
	struct iov *iov;
	char names[512];

	if (iov_open(&iov, NULL))
		return;
	if (!iov_plugins_register(iov)) {
		for (size_t i = 0; (device_class = iov_class_at(iov, i)); i++) {
			iov_class_attribute_names(device_class, names, sizeof(names));
			fprintf(file, "\n\nOf %s: %s", device_class->title, names);
		}
	}
	iov_close(iov);
}

const struct cli_command cli_set = {
	.name = "set",
	.args = "DEVICE NAME=VALUE...",
	.summary = "Set attributes that the class of a device has",
	.example = "iov set 0000:02:00.0 factorial=5\n"
		   "  iov set eth0/vf0-3 max-rate=100 trust=off\n\n"
		   "They are set together: when the driver refuses one, the others are put back.\n"
		   "'iov plugin list' tells the values, and what plugins of others have.",
	.explain = explain,
	.changes = true,
	.parse = parse,
	.data_size = sizeof(struct set_args),
	.run = run,
};
