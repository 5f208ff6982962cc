// SPDX-License-Identifier: GPL-2.0-or-later
/* iov vdpa: vDPA devices, who makes them, and their drivers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "cli/argument.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "plugins/vdpa/vdpa.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define EXPECTED_NAME "expected the NAME of a vDPA device; 'iov vdpa list' shows them"

/* iov vdpa mgmt */

static const struct iov_column mgmt_columns[] = {
	{ "name", "MGMTDEV" },
	{ "classes", "CLASSES" },
	{ "max_vqs", "MAX VQS", true },
	{ "devices", "DEVICES" },
	{ "feature_names", "FEATURES", .wrap = true },
};

static int run_mgmt(struct cli *cli, void *data)
{
	_cleanup_json_ struct json_object *list = NULL;
	int error = iov_vdpa_mgmt(cli->iov, &list);

	(void)data;
	if (error)
		return error;
	if (!cli->json)
		return iov_output_list(stdout, list, mgmt_columns, COUNT(mgmt_columns),
				       "nothing here makes vDPA devices");
	iov_output_json(stdout, list);
	return 0;
}

const struct cli_command cli_vdpa_mgmt = {
	.name = "vdpa mgmt",
	.args = "",
	.summary = "Show what makes vDPA devices",
	.example = "iov vdpa mgmt",
	.run = run_mgmt,
};

/* iov vdpa list */

static const struct iov_column list_columns[] = {
	{ "name", "NAME" },
	{ "mgmtdev", "MGMTDEV" },
	{ "class", "CLASS" },
	{ "driver", "DRIVER" },
	{ "node", "NODE" },
	{ "max_vqs", "MAX VQS", true },
	{ "mac", "MAC" },
	{ "mtu", "MTU", true },
	{ "max_vqp", "MAX VQP", true },
	{ "used_by", "IN USE BY" },
};

static int run_list(struct cli *cli, void *data)
{
	_cleanup_json_ struct json_object *list = NULL;
	int error = iov_vdpa_list(cli->iov, &list);

	(void)data;
	if (error)
		return error;
	if (!cli->json)
		return iov_output_list(stdout, list, list_columns, COUNT(list_columns),
				       "no vDPA devices; 'iov vdpa create' makes one");
	iov_output_json(stdout, list);
	return 0;
}

const struct cli_command cli_vdpa_list = {
	.name = "vdpa list",
	.args = "",
	.summary = "Show vDPA devices, their drivers and who uses them",
	.example = "iov vdpa list",
	.run = run_list,
};

/* iov vdpa show */

static const struct iov_column fields[] = {
	{ "name", "Name" },
	{ "mgmtdev", "Management device" },
	{ "class", "Class" },
	{ "driver", "Driver" },
	{ "node", "Node" },
	{ "max_vqs", "Virtqueues at most" },
	{ "max_vq_size", "Size of a virtqueue at most" },
	{ "mac", "MAC address" },
	{ "mtu", "MTU" },
	{ "max_vqp", "Queue pairs at most" },
	{ "link", "Link" },
	{ "features", "Features" },
	{ "feature_names", "Names of features" },
	{ "used_by", "In use by" },
};

static error_t parse_name(int key, char *arg, struct argp_state *state)
{
	struct cli_name_args *args = cli_data(state);

	return cli_argument(key, arg, state, &args->name, EXPECTED_NAME);
}

static int run_show(struct cli *cli, void *data)
{
	const struct cli_name_args *args = data;
	_cleanup_json_ struct json_object *list = NULL;
	struct json_object *row = NULL;
	int error = iov_vdpa_list(cli->iov, &list);

	for (size_t i = 0; !error && i < json_object_array_length(list); i++) {
		if (!strcmp(json_text(json_object_array_get_idx(list, i), "name"), args->name))
			row = json_object_array_get_idx(list, i);
	}
	if (error)
		return error;
	if (!row)
		return iov_fail(cli->iov, -ENOENT, "%s: no such vDPA device; 'iov vdpa list' shows those that "
				"there are", args->name);
	if (!cli->json)
		return iov_output_fields(stdout, row, fields, COUNT(fields));
	iov_output_json(stdout, row);
	return 0;
}

const struct cli_command cli_vdpa_show = {
	.name = "vdpa show",
	.args = "NAME",
	.summary = "Show a vDPA device and its features",
	.example = "iov vdpa show vdpa0",
	.parse = parse_name,
	.data_size = sizeof(struct cli_name_args),
	.run = run_show,
};

/* iov vdpa create */

enum {
	KEY_MGMTDEV = 0x2000,
	KEY_DRIVER,
	KEY_VALUE,
};

static const struct argp_option create_options[] = {
	{ "mgmtdev", KEY_MGMTDEV, "MGMTDEV", 0, "Who makes it; 'iov vdpa mgmt' shows them", 0 },
	{ "driver", KEY_DRIVER, "vhost_vdpa|virtio_vdpa", 0, "For guests (vhost_vdpa), or for this host", 0 },
	{ "mac", KEY_VALUE + 0, "ADDRESS", 0, "MAC address of a network device", 0 },
	{ "mtu", KEY_VALUE + 1, "BYTES", 0, "Its MTU, 68 to 65535", 0 },
	{ "max-vqp", KEY_VALUE + 2, "N", 0, "Pairs of queues that it has at most", 0 },
	{ "features", KEY_VALUE + 3, "NUMBER", 0, "Feature bits that it offers", 0 },
	{ 0 },
};

static const char *const value_names[] = { "mac", "mtu", "max_vqp", "features" };

struct create_args {
	const char *name;
	const char *mgmtdev;
	const char *driver;
	const char *values[COUNT(value_names)];
};

static error_t parse_create(int key, char *arg, struct argp_state *state)
{
	struct create_args *args = cli_data(state);

	if (key >= KEY_VALUE && key < KEY_VALUE + (int)COUNT(value_names)) {
		args->values[key - KEY_VALUE] = arg;
		return 0;
	}
	switch (key) {
	case KEY_MGMTDEV:
		args->mgmtdev = arg;
		return 0;
	case KEY_DRIVER:
		args->driver = arg;
		return 0;
	case ARGP_KEY_END:
		if (args->name && !args->mgmtdev)
			cli_misuse(state, "--mgmtdev is missing; 'iov vdpa mgmt' shows who makes devices");
		break;
	}
	return cli_argument(key, arg, state, &args->name, "expected a NAME for the vDPA device");
}

static int finish(struct cli *cli, struct iov_plan *plan, int error)
{
	return error ? cli_drop_plan(cli, plan, error) : cli_run_plan(cli, plan);
}

static int run_create(struct cli *cli, void *data)
{
	_cleanup_json_ struct json_object *values = json_object_new_object();
	const struct create_args *args = data;
	const struct iov_vdpa vdpa = { args->name, args->mgmtdev, args->driver, values };
	struct iov_plan *plan = NULL;
	int error = 0;

	for (size_t i = 0; !error && i < COUNT(value_names); i++) {
		if (args->values[i])
			error = iov_vdpa_value_parse(cli->iov, value_names[i], args->values[i], values);
	}
	if (!error)
		error = iov_plan_new(&plan, cli->iov, "create vDPA device %s", args->name);
	if (!error)
		error = iov_vdpa_create_plan(plan, &vdpa);
	return finish(cli, plan, error);
}

const struct cli_command cli_vdpa_create = {
	.name = "vdpa create",
	.args = "NAME --mgmtdev MGMTDEV",
	.summary = "Make a vDPA device",
	.example = "iov vdpa create vdpa0 --mgmtdev pci/0000:01:00.2 --mac 02:00:00:00:00:01 "
		   "--driver vhost_vdpa\n"
		   "  iov vdpa create disk0 --mgmtdev vduse\n\n"
		   "What is there already as it shall be is left as it is.",
	.changes = true,
	.options = create_options,
	.parse = parse_create,
	.data_size = sizeof(struct create_args),
	.run = run_create,
};

/* iov vdpa delete */

static int run_delete(struct cli *cli, void *data)
{
	const struct cli_name_args *args = data;
	struct iov_plan *plan = NULL;
	int error = iov_plan_new(&plan, cli->iov, "delete vDPA device %s", args->name);

	if (!error)
		error = iov_vdpa_delete_plan(plan, args->name);
	return finish(cli, plan, error);
}

const struct cli_command cli_vdpa_delete = {
	.name = "vdpa delete",
	.args = "NAME",
	.summary = "Delete a vDPA device",
	.example = "iov vdpa delete vdpa0\n\n"
		   "Refused while a process has its node open, or the host uses its interface or disk.",
	.changes = true,
	.parse = parse_name,
	.data_size = sizeof(struct cli_name_args),
	.run = run_delete,
};

/* iov vdpa bind */

static const struct argp_option bind_options[] = {
	{ "driver", KEY_DRIVER, "vhost_vdpa|virtio_vdpa", 0, "For guests, or for this host", 0 },
	{ 0 },
};

static error_t parse_bind(int key, char *arg, struct argp_state *state)
{
	struct create_args *args = cli_data(state);

	if (key == KEY_DRIVER) {
		args->driver = arg;
		return 0;
	}
	if (key == ARGP_KEY_END && args->name && !args->driver)
		cli_misuse(state, "--driver is missing; say vhost_vdpa, for guests, or virtio_vdpa");
	return cli_argument(key, arg, state, &args->name, EXPECTED_NAME);
}

static int run_bind(struct cli *cli, void *data)
{
	const struct create_args *args = data;
	struct iov_plan *plan = NULL;
	int error = iov_plan_new(&plan, cli->iov, "bind vDPA device %s to %s", args->name, args->driver);

	if (!error)
		error = iov_vdpa_bind_plan(plan, args->name, args->driver);
	return finish(cli, plan, error);
}

const struct cli_command cli_vdpa_bind = {
	.name = "vdpa bind",
	.args = "NAME --driver DRIVER",
	.summary = "Give a vDPA device to guests or to the host",
	.example = "iov vdpa bind vdpa0 --driver vhost_vdpa",
	.changes = true,
	.options = bind_options,
	.parse = parse_bind,
	.data_size = sizeof(struct create_args),
	.run = run_bind,
};
