// SPDX-License-Identifier: GPL-2.0-or-later
/* iov mdev create, start, remove, set, define, undefine. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "cli/argument.h"
#include "cli/commands.h"
#include "cli/mdev.h"
#include "plugins/mdev/mdev.h"

#define WORDS_MAX 64

enum {
	KEY_PARENT = 0x2000,
	KEY_TYPE,
	KEY_ATTRIBUTE,
	KEY_COUNT,
	KEY_START,
};

#define PARENT_OPTION { "parent", KEY_PARENT, "PARENT", 0, "Device whose driver gives it", 0 }
#define TYPE_OPTION { "type", KEY_TYPE, "TYPE", 0, "One of the parent's types; 'iov mdev types'", 0 }
#define ATTRIBUTE_OPTION \
	{ "attribute", KEY_ATTRIBUTE, "NAME=VALUE", 0, "Write this attribute, in turn; may be given often", 0 }

/* What all of them are told. */
struct change_args {
	const char *uuid;
	const char *parent;
	const char *type;
	const char *start;
	unsigned int count;
	const char *attributes[WORDS_MAX];
	size_t attribute_count;
};

static void add_attribute(struct change_args *args, const char *text,
			  const struct argp_state *state)
{
	if (args->attribute_count == WORDS_MAX)
		cli_misuse(state, "%s: more than %d attributes", text, WORDS_MAX);
	args->attributes[args->attribute_count++] = text;
}

static error_t parse_change(int key, char *arg, struct argp_state *state)
{
	struct change_args *args = cli_data(state);

	switch (key) {
	case KEY_PARENT:
		args->parent = arg;
		return 0;
	case KEY_TYPE:
		args->type = arg;
		return 0;
	case KEY_ATTRIBUTE:
		add_attribute(args, arg, state);
		return 0;
	case KEY_COUNT:
		args->count = cli_index(arg, "--count", state);
		if (!args->count)
			cli_misuse(state, "--count %s: expected 1 or more", arg);
		return 0;
	case KEY_START:
		if (arg && strcmp(arg, "auto") && strcmp(arg, "manual"))
			cli_misuse(state, "%s: expected auto, when its parent appears, or manual", arg);
		args->start = arg ? arg : "auto";
		return 0;
	case ARGP_KEY_ARG:
		if (args->uuid)
			return ARGP_ERR_UNKNOWN;
		args->uuid = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_one(int key, char *arg, struct argp_state *state)
{
	struct change_args *args = cli_data(state);

	if (key == ARGP_KEY_END && !args->uuid)
		cli_misuse(state, CLI_EXPECTED_MDEV);
	return parse_change(key, arg, state);
}

static int parse_attributes(struct cli *cli, const struct change_args *args,
			    struct json_object *attributes)
{
	int error = 0;

	for (size_t i = 0; !error && i < args->attribute_count; i++)
		error = iov_mdev_attribute_parse(cli->iov, args->attributes[i], attributes);
	return error;
}

static int finish(struct cli *cli, struct iov_plan *plan, int error)
{
	return error ? cli_drop_plan(cli, plan, error) : cli_run_plan(cli, plan);
}

/* iov mdev create */

static const struct argp_option create_options[] = {
	PARENT_OPTION,
	TYPE_OPTION,
	ATTRIBUTE_OPTION,
	{ "count", KEY_COUNT, "N", 0, "Make N of them, with new UUIDs", 0 },
	{ "define", KEY_START, "auto|manual", OPTION_ARG_OPTIONAL,
	  "Define them as well, in mdevctl's files: to start when the parent appears (auto, the "
	  "default), or when somebody starts them", 0 },
	{ 0 },
};

static error_t parse_create(int key, char *arg, struct argp_state *state)
{
	struct change_args *args = cli_data(state);

	if (key != ARGP_KEY_END)
		return parse_change(key, arg, state);
	if (!args->parent || !args->type)
		cli_misuse(state, "expected --parent and --type; 'iov mdev types' shows what there is");
	if (args->uuid && args->count)
		cli_misuse(state, "--count makes UUIDs of its own; leave %s out", args->uuid);
	return 0;
}

/* New UUIDs are told, as @made has them. */
static int create_one(struct cli *cli, const struct change_args *args, struct json_object *attributes,
		      struct iov_plan *plan, struct json_object *made)
{
	char uuid[IOV_MDEV_UUID];
	const struct iov_mdev mdev = { uuid, args->parent, args->type, attributes };
	int error = 0;

	if (args->uuid) {
		error = iov_mdev_uuid_parse(cli->iov, args->uuid, uuid);
	} else {
		iov_mdev_uuid_new(uuid);
		json_array_add_new(made, uuid);
	}
	if (!error)
		error = iov_mdev_create_plan(plan, &mdev);
	if (!error && args->start)
		error = iov_mdev_define_plan(plan, &mdev, args->start);
	return error;
}

static int run_create(struct cli *cli, void *data)
{
	_cleanup_json_ struct json_object *attributes = json_object_new_array();
	_cleanup_json_ struct json_object *made = json_object_new_array();
	const struct change_args *args = data;
	unsigned int count = args->count ? args->count : 1;
	struct iov_plan *plan = NULL;
	int error = parse_attributes(cli, args, attributes);

	if (!error)
		error = iov_plan_new(&plan, cli->iov, "create %u mediated device%s of %s", count,
				     count == 1 ? "" : "s", args->parent);
	for (unsigned int i = 0; !error && i < count; i++)
		error = create_one(cli, args, attributes, plan, made);
	error = finish(cli, plan, error);
	for (size_t i = 0; !error && !cli->dry_run && !cli->json && i < json_object_array_length(made); i++)
		puts(json_object_get_string(json_object_array_get_idx(made, i)));
	return error;
}

const struct cli_command cli_mdev_create = {
	.name = "mdev create",
	.args = "[UUID] --parent PARENT --type TYPE",
	.summary = "Make a mediated device of a parent",
	.example = "iov mdev create --parent 0000:00:02.0 --type i915-GVTg_V5_4\n"
		   "  iov mdev create 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001 --parent mtty --type mtty-2 "
		   "--define\n"
		   "  iov mdev create --parent mtty --type mtty-1 --count 4\n\n"
		   "Without a UUID it gets a new one. What is there already is left as it is.",
	.changes = true,
	.options = create_options,
	.parse = parse_create,
	.data_size = sizeof(struct change_args),
	.run = run_create,
};

/* iov mdev start */

static const struct argp_option start_options[] = {
	PARENT_OPTION,
	{ 0 },
};

static int run_start(struct cli *cli, void *data)
{
	const struct change_args *args = data;
	struct iov_plan *plan = NULL;
	char uuid[IOV_MDEV_UUID];
	int error = args->uuid ? iov_mdev_uuid_parse(cli->iov, args->uuid, uuid) : 0;

	if (!error)
		error = iov_plan_new(&plan, cli->iov, "start %s", args->uuid ? uuid : "defined mediated devices");
	if (!error)
		error = iov_mdev_start_plan(plan, args->uuid ? uuid : NULL, args->parent);
	return finish(cli, plan, error);
}

const struct cli_command cli_mdev_start = {
	.name = "mdev start",
	.args = "[UUID]",
	.summary = "Make the mediated devices that are defined",
	.example = "iov mdev start 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001\n"
		   "  iov mdev start --parent 0000:00:02.0\n\n"
		   "Without a UUID: all that start by themselves and whose parents are there. One that\n"
		   "runs already is left alone.",
	.changes = true,
	.options = start_options,
	.parse = parse_change,
	.data_size = sizeof(struct change_args),
	.run = run_start,
};

/* iov mdev remove */

static int run_remove(struct cli *cli, void *data)
{
	const struct change_args *args = data;
	struct iov_plan *plan = NULL;
	char uuid[IOV_MDEV_UUID];
	int error = iov_mdev_uuid_parse(cli->iov, args->uuid, uuid);

	if (!error)
		error = iov_plan_new(&plan, cli->iov, "remove mediated device %s", uuid);
	if (!error)
		error = iov_mdev_remove_plan(plan, uuid);
	return finish(cli, plan, error);
}

const struct cli_command cli_mdev_remove = {
	.name = "mdev remove",
	.args = "UUID",
	.summary = "Remove a mediated device",
	.example = "iov mdev remove 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001\n\n"
		   "Refused while a process has it open. A definition stays.",
	.changes = true,
	.parse = parse_one,
	.data_size = sizeof(struct change_args),
	.run = run_remove,
};

/* iov mdev set */

static error_t parse_set(int key, char *arg, struct argp_state *state)
{
	struct change_args *args = cli_data(state);

	if (key == ARGP_KEY_ARG && args->uuid) {
		add_attribute(args, arg, state);
		return 0;
	}
	if (key == ARGP_KEY_END && args->uuid && !args->attribute_count)
		cli_misuse(state, "nothing to set; name an attribute, like assign_adapter=5");
	return parse_one(key, arg, state);
}

static int run_set(struct cli *cli, void *data)
{
	_cleanup_json_ struct json_object *attributes = json_object_new_array();
	const struct change_args *args = data;
	struct iov_plan *plan = NULL;
	char uuid[IOV_MDEV_UUID];
	int error = iov_mdev_uuid_parse(cli->iov, args->uuid, uuid);

	if (!error)
		error = parse_attributes(cli, args, attributes);
	if (!error)
		error = iov_plan_new(&plan, cli->iov, "set mediated device %s", uuid);
	if (!error)
		error = iov_mdev_set_plan(plan, uuid, attributes);
	return finish(cli, plan, error);
}

const struct cli_command cli_mdev_set = {
	.name = "mdev set",
	.args = "UUID NAME=VALUE...",
	.summary = "Write attributes of a mediated device",
	.example = "iov mdev set 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001 assign_adapter=5 assign_domain=4\n\n"
		   "When the driver refuses one, those before it are put back.",
	.changes = true,
	.parse = parse_set,
	.data_size = sizeof(struct change_args),
	.run = run_set,
};

/* iov mdev define */

static const struct argp_option define_options[] = {
	PARENT_OPTION,
	TYPE_OPTION,
	ATTRIBUTE_OPTION,
	{ "start", KEY_START, "auto|manual", 0,
	  "When its parent appears, or when somebody starts it (manual)", 0 },
	{ 0 },
};

static int run_define(struct cli *cli, void *data)
{
	_cleanup_json_ struct json_object *attributes = json_object_new_array();
	const struct change_args *args = data;
	struct iov_plan *plan = NULL;
	char uuid[IOV_MDEV_UUID];
	const struct iov_mdev mdev = {
		uuid, args->parent, args->type, args->attribute_count ? attributes : NULL,
	};
	int error = iov_mdev_uuid_parse(cli->iov, args->uuid, uuid);

	if (!error)
		error = parse_attributes(cli, args, attributes);
	if (!error)
		error = iov_plan_new(&plan, cli->iov, "define mediated device %s", uuid);
	if (!error)
		error = iov_mdev_define_plan(plan, &mdev, args->start);
	return finish(cli, plan, error);
}

const struct cli_command cli_mdev_define = {
	.name = "mdev define",
	.args = "UUID",
	.summary = "Keep a mediated device for later boots, in mdevctl's files",
	.example = "iov mdev define 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001 --start auto\n"
		   "  iov mdev define 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001 --parent 0000:00:02.0 "
		   "--type i915-GVTg_V5_4\n\n"
		   "Parent and type of one that is there, or defined, need not be said.",
	.changes = true,
	.options = define_options,
	.parse = parse_one,
	.data_size = sizeof(struct change_args),
	.run = run_define,
};

/* iov mdev undefine */

static int run_undefine(struct cli *cli, void *data)
{
	const struct change_args *args = data;
	struct iov_plan *plan = NULL;
	char uuid[IOV_MDEV_UUID];
	int error = iov_mdev_uuid_parse(cli->iov, args->uuid, uuid);

	if (!error)
		error = iov_plan_new(&plan, cli->iov, "undefine mediated device %s", uuid);
	if (!error)
		error = iov_mdev_undefine_plan(plan, uuid, args->parent);
	return finish(cli, plan, error);
}

const struct cli_command cli_mdev_undefine = {
	.name = "mdev undefine",
	.args = "UUID",
	.summary = "Remove the definition of a mediated device",
	.example = "iov mdev undefine 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001",
	.changes = true,
	.options = start_options,
	.parse = parse_one,
	.data_size = sizeof(struct change_args),
	.run = run_undefine,
};
