// SPDX-License-Identifier: GPL-2.0-or-later
/* iov mdev types, iov mdev list, iov mdev show: what parents give, and what was made of it. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "cli/argument.h"
#include "cli/commands.h"
#include "cli/mdev.h"
#include "cli/output.h"
#include "plugins/mdev/mdev.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* iov mdev types */

static const struct iov_column type_columns[] = {
	{ "parent", "PARENT" },
	{ "type", "TYPE" },
	{ "name", "NAME" },
	{ "device_api", "API" },
	{ "available_instances", "LEFT", true },
	{ "used", "MADE", true },
	{ "description", "DESCRIPTION", .wrap = true },
};

static error_t parse_types(int key, char *arg, struct argp_state *state)
{
	struct cli_name_args *args = cli_data(state);

	return key == ARGP_KEY_END ? 0 : cli_argument(key, arg, state, &args->name, "");
}

static void count_instances(struct json_object *types)
{
	for (size_t i = 0; i < json_object_array_length(types); i++) {
		struct json_object *type = json_object_array_get_idx(types, i);
		size_t made = json_object_array_length(json_object_object_get(type, "instances"));

		json_object_object_add(type, "used", json_object_new_int64((int64_t)made));
	}
}

static int run_types(struct cli *cli, void *data)
{
	const struct cli_name_args *args = data;
	_cleanup_json_ struct json_object *types = NULL;
	char parent[IOV_MDEV_NAME];
	int error = args->name ? iov_mdev_parent_find(cli->iov, args->name, parent) : 0;

	if (!error)
		error = iov_mdev_types(cli->iov, args->name ? parent : NULL, &types);
	if (error)
		return error;
	if (cli->json) {
		iov_output_json(stdout, types);
		return 0;
	}
	count_instances(types);
	return iov_output_filled(stdout, types, type_columns, COUNT(type_columns),
				 "no driver of this host gives mediated devices");
}

const struct cli_command cli_mdev_types = {
	.name = "mdev types",
	.args = "[PARENT]",
	.summary = "Show types of mediated devices, and how many are left",
	.example = "iov mdev types\n"
		   "  iov mdev types 0000:00:02.0 --json",
	.parse = parse_types,
	.data_size = sizeof(struct cli_name_args),
	.run = run_types,
};

/* iov mdev list */

static const struct iov_column list_columns[] = {
	{ "uuid", "UUID" },
	{ "parent", "PARENT" },
	{ "type", "TYPE" },
	{ "state", "STATE" },
	{ "start", "START" },
	{ "driver", "DRIVER", .spare = true },
	{ "iommu_group", "GROUP", true },
	{ "node", "NODE" },
	{ "used_by", "IN USE BY" },
};

static int run_list(struct cli *cli, void *data)
{
	_cleanup_json_ struct json_object *mdevs = NULL;
	int error = iov_mdev_list(cli->iov, &mdevs);

	(void)data;
	if (error)
		return error;
	if (!cli->json)
		return iov_output_filled(stdout, mdevs, list_columns, COUNT(list_columns),
					 "no mediated devices; 'iov mdev types' shows what can be made");
	iov_output_json(stdout, mdevs);
	return 0;
}

const struct cli_command cli_mdev_list = {
	.name = "mdev list",
	.args = "",
	.summary = "Show mediated devices, there or only defined",
	.example = "iov mdev list",
	.run = run_list,
};

/* iov mdev show */

static const struct iov_column fields[] = {
	{ "uuid", "UUID" },
	{ "parent", "Parent" },
	{ "type", "Type" },
	{ "type_name", "Name of the type" },
	{ "device_api", "API" },
	{ "state", "State" },
	{ "start", "Start" },
	{ "driver", "Driver" },
	{ "iommu_group", "IOMMU group" },
	{ "node", "Node" },
	{ "attributes", "Defined attributes" },
	{ "values", "Attributes" },
	{ "used_by", "In use by" },
};

static error_t parse_show(int key, char *arg, struct argp_state *state)
{
	struct cli_name_args *args = cli_data(state);

	return cli_argument(key, arg, state, &args->name, CLI_EXPECTED_MDEV);
}

/* One text for people: "assign_adapter=5", for each. */
static struct json_object *attribute_words(struct json_object *attributes)
{
	struct json_object *words = json_object_new_array();
	char word[512];

	for (size_t i = 0; i < json_object_array_length(attributes); i++) {
		struct json_object *attribute = json_object_array_get_idx(attributes, i);

		json_object_object_foreach(attribute, name, value) {
			snprintf(word, sizeof(word), "%s=%s", name,
				 value ? json_object_get_string(value) : "?");
			json_object_array_add(words, json_object_new_string(word));
		}
	}
	return words;
}

static void print_mdev(struct json_object *mdev)
{
	_cleanup_json_ struct json_object *shown = json_copy(mdev);
	static const char *const keys[] = { "attributes", "values" };

	for (size_t i = 0; i < COUNT(keys); i++) {
		struct json_object *words = attribute_words(json_object_object_get(mdev, keys[i]));

		if (!json_object_array_length(words)) {
			json_object_put(words);
			words = NULL;
		}
		json_object_object_add(shown, keys[i], words);
	}
	iov_output_fields(stdout, shown, fields, COUNT(fields));
}

static int run_show(struct cli *cli, void *data)
{
	const struct cli_name_args *args = data;
	_cleanup_json_ struct json_object *found = NULL;
	char uuid[IOV_MDEV_UUID];
	int error = iov_mdev_uuid_parse(cli->iov, args->name, uuid);

	if (!error)
		error = iov_mdev_show(cli->iov, uuid, &found);
	if (error)
		return error;
	if (cli->json)
		iov_output_json(stdout, found);
	for (size_t i = 0; !cli->json && i < json_object_array_length(found); i++) {
		if (i)
			putchar('\n');
		print_mdev(json_object_array_get_idx(found, i));
	}
	return 0;
}

const struct cli_command cli_mdev_show = {
	.name = "mdev show",
	.args = "UUID",
	.summary = "Show a mediated device and its attributes",
	.example = "iov mdev show 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001",
	.parse = parse_show,
	.data_size = sizeof(struct cli_name_args),
	.run = run_show,
};
