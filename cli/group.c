// SPDX-License-Identifier: GPL-2.0-or-later
/* iov group list, iov group show: what moves together, and why. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/pci/function.h"
#include "cli/argument.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/printable.h"
#include "iommu/group.h"

struct show_args {
	const char *name;
};

static void name_members(struct cli *cli, struct iov_ids *ids, struct json_object *group)
{
	struct json_object *members = json_object_object_get(group, "members");

	for (size_t i = 0; i < json_object_array_length(members); i++) {
		struct json_object *entry = json_object_array_get_idx(members, i), *function;
		struct iov_bdf bdf;

		if (iov_bdf_parse(cli->iov, json_text_or_null(entry, "device"), &bdf))
			continue;
		function = iov_function_summary(cli->iov, ids, bdf);
		json_object_object_add(entry, "class",
			json_object_get(json_object_object_get(function, "class")));
		json_object_object_add(entry, "name",
			json_object_get(json_object_object_get(function, "name")));
		json_object_put(function);
	}
}

/* One group with names, and freed. */
static int describe(struct cli *cli, struct iov_ids *ids, struct iov_group *group,
		    struct json_object **json)
{
	int error = iov_group_json(cli->iov, group, json);

	if (!error)
		name_members(cli, ids, *json);
	iov_group_close(group);
	return error;
}

static int collect(struct cli *cli, struct iov_ids *ids, struct json_object *groups)
{
	_cleanup_free_ unsigned int *numbers = NULL;
	struct json_object *json;
	struct iov_group *group;
	size_t count = 0;
	int error = iov_group_numbers(cli->iov, &numbers, &count);

	for (size_t i = 0; !error && i < count; i++) {
		error = iov_group_open(&group, cli->iov, numbers[i]);
		if (!error)
			error = describe(cli, ids, group, &json);
		if (!error)
			json_object_array_add(groups, json);
	}
	return error;
}

/* For people a row per member, the group's own columns in its first. */
static void add_rows(struct json_object *rows, struct json_object *group)
{
	static const char *const own[] = { "iommu_group", "viable" };
	struct json_object *members = json_object_object_get(group, "members");

	for (size_t i = 0; i < json_object_array_length(members); i++) {
		struct json_object *row = json_object_array_get_idx(members, i);

		for (size_t n = 0; n < sizeof(own) / sizeof(*own); n++)
			json_object_object_add(row, own[n], i ? json_object_new_string("") :
				json_object_get(json_object_object_get(group, own[n])));
		json_object_array_add(rows, json_object_get(row));
	}
}

static int print_list(struct json_object *groups)
{
	static const struct iov_column columns[] = {
		{ "iommu_group", "GROUP", true }, { "viable", "VIABLE", false },
		{ "device", "BDF", false }, { "driver", "DRIVER", false },
		{ "class", "CLASS", false },   { "name", "NAME", false },
	};
	_cleanup_json_ struct json_object *rows = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(groups); i++)
		add_rows(rows, json_object_array_get_idx(groups, i));
	return iov_output_list(stdout, rows, columns, sizeof(columns) / sizeof(*columns),
			       "no IOMMU groups; 'iov check' tells what the IOMMU lacks");
}

static int run_list(struct cli *cli, void *data)
{
	_cleanup_json_ struct json_object *groups = json_object_new_array();
	struct iov_ids *ids;
	int error = iov_ids_open(&ids);

	(void)data;
	if (error)
		return error;
	error = collect(cli, ids, groups);
	iov_ids_close(ids);
	if (error)
		return error;
	if (!cli->json)
		return print_list(groups);
	iov_output_json(stdout, groups);
	return 0;
}

static error_t parse_show(int key, char *arg, struct argp_state *state)
{
	struct show_args *args = cli_data(state);

	return cli_argument(key, arg, state, &args->name, "expected a group's number or a device; "
			    "'iov group list' shows both");
}

/* A number is a group, anything else is the name of a member. */
static int open_named(struct cli *cli, const char *name, struct iov_group **group)
{
	struct iov_bdf bdf;
	int error;

	if (*name && strlen(name) < 10 && strspn(name, "0123456789") == strlen(name))
		return iov_group_open(group, cli->iov, (unsigned int)strtoul(name, NULL, 10));
	error = cli_function(cli, name, &bdf);
	return error ? error : iov_group_of(group, cli->iov, bdf);
}

/* Functions come before what is on other buses. */
static bool is_function(struct json_object *names, size_t index)
{
	struct iov_bdf bdf;

	return iov_bdf_scan(json_object_get_string(json_object_array_get_idx(names, index)), &bdf);
}

static void print_advice(struct json_object *group)
{
	struct json_object *blocked_by = json_object_object_get(group, "blocked_by");
	size_t count = json_object_array_length(blocked_by);

	if (!count) {
		puts("\nViable: VFIO gives it away as it is.");
		return;
	}
	printf("\nNot viable, blocked by");
	for (size_t i = 0; i < count; i++)
		cli_print(stdout, "%s %s", i ? "," : "",
		       json_object_get_string(json_object_array_get_idx(blocked_by, i)));
	puts(".");
	if (is_function(blocked_by, count - 1))
		cli_print(stdout, "'iov bind %s --driver vfio-pci%s' moves %s.\n",
		       json_object_get_string(json_object_array_get_idx(blocked_by, 0)),
		       count > 1 ? " --group" : "", count > 1 ? "them together" : "it");
	else
		puts("What is no PCI function is for its own bus to unbind, in /sys/bus.");
}

static int print_show(struct json_object *group)
{
	static const struct iov_column columns[] = {
		{ "device", "DEVICE", false }, { "role", "ROLE", false },
		{ "driver", "DRIVER", false }, { "blocks", "BLOCKS", false },
		{ "class", "CLASS", false },   { "name", "NAME", false },
	};
	struct json_object *reasons = json_object_object_get(group, "reasons");
	int error;

	cli_print(stdout, "IOMMU group %s, type %s\n\n", json_text_or_null(group, "iommu_group"),
	       json_text_or_null(group, "type") ? json_text_or_null(group, "type") : "unknown");
	error = iov_output_table(stdout, json_object_object_get(group, "members"), columns,
				 sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < json_object_array_length(reasons); i++)
		cli_print(stdout, "%s- %s\n", i ? "" : "\nWhy they are together:\n",
		       json_text_or_null(json_object_array_get_idx(reasons, i), "text"));
	print_advice(group);
	return error;
}

static int run_show(struct cli *cli, void *data)
{
	const struct show_args *args = data;
	_cleanup_json_ struct json_object *json = NULL;
	struct iov_group *group;
	struct iov_ids *ids;
	int error = open_named(cli, args->name, &group);

	if (error)
		return error;
	error = iov_ids_open(&ids);
	if (error) {
		iov_group_close(group);
		return error;
	}
	error = describe(cli, ids, group, &json);
	iov_ids_close(ids);
	if (error)
		return error;
	if (!cli->json)
		return print_show(json);
	iov_output_json(stdout, json);
	return 0;
}

/* iov group set-type */

struct type_args {
	const char *name;
	const char *type;
};

static error_t parse_type(int key, char *arg, struct argp_state *state)
{
	struct type_args *args = cli_data(state);

	if (key == ARGP_KEY_ARG && args->name && !args->type) {
		args->type = arg;
		return 0;
	}
	if (key == ARGP_KEY_END && args->name && !args->type)
		cli_misuse(state, "expected a type: DMA, DMA-FQ, identity or auto");
	return cli_argument(key, arg, state, &args->name,
			    "expected a group's number or a device; 'iov group list' shows them");
}

static int fill_type_plan(struct cli *cli, const struct type_args *args, struct iov_plan **plan)
{
	struct iov_group *group;
	unsigned int number;
	int error = open_named(cli, args->name, &group);

	if (error)
		return error;
	number = group->number;
	iov_group_close(group);
	error = iov_plan_new(plan, cli->iov, "give IOMMU group %u the type %s", number, args->type);
	return error ? error : iov_group_type_plan(*plan, number, args->type);
}

static int run_set_type(struct cli *cli, void *data)
{
	struct iov_plan *plan = NULL;
	int error = fill_type_plan(cli, data, &plan);

	return error ? cli_drop_plan(cli, plan, error) : cli_run_plan(cli, plan);
}

const struct cli_command cli_group_set_type = {
	.name = "group set-type",
	.args = "GROUP|DEVICE TYPE",
	.summary = "Choose how the host maps memory for a group",
	.example = "iov group set-type 12 identity\n\n"
		   "TYPE is DMA, DMA-FQ, identity or auto, the kernel's choice.",
	.changes = true,
	.parse = parse_type,
	.data_size = sizeof(struct type_args),
	.run = run_set_type,
};

const struct cli_command cli_group_list = {
	.name = "group list",
	.summary = "List the IOMMU groups and their members",
	.example = "iov group list",
	.run = run_list,
};

const struct cli_command cli_group_show = {
	.name = "group show",
	.args = "GROUP|DEVICE",
	.summary = "Show one IOMMU group, and why its members are together",
	.example = "iov group show 0000:05:01.0",
	.parse = parse_show,
	.data_size = sizeof(struct show_args),
	.run = run_show,
};
