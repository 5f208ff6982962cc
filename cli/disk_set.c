// SPDX-License-Identifier: GPL-2.0-or-later
/* iov disk set and resize: what can be changed of a disk while it is used. */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "cli/argument.h"
#include "cli/commands.h"
#include "cli/disk.h"

struct disk_set_args {
	const char *name;
	const char *on_error;
	const char *qos;
	bool clear_errors;
};

enum {
	KEY_ON_ERROR = 0x2000,
	KEY_QOS,
	KEY_CLEAR_ERRORS,
};

static const struct argp_option set_options[] = {
	DISK_ON_ERROR_OPTION(KEY_ON_ERROR),
	{ "qos", KEY_QOS, "QOS|none", 0, "Keep the limits of this group, or of none" },
	{ "clear-errors", KEY_CLEAR_ERRORS, 0, 0,
	  "What failed was looked at: flushes may succeed again" },
	{ 0 },
};

static error_t parse_set(int key, char *arg, struct argp_state *state)
{
	struct disk_set_args *args = cli_data(state);

	switch (key) {
	case KEY_ON_ERROR:
		args->on_error = disk_parse_on_error(arg, state);
		return 0;
	case KEY_QOS:
		args->qos = arg;
		return 0;
	case KEY_CLEAR_ERRORS:
		args->clear_errors = true;
		return 0;
	case ARGP_KEY_END:
		if (args->name && !args->on_error && !args->qos && !args->clear_errors)
			cli_misuse(state, "nothing to set: expected --on-error, --qos or "
					  "--clear-errors");
		break;
	}
	return cli_argument(key, arg, state, &args->name, CLI_EXPECTED_DISK);
}

static int run_set(struct cli *cli, void *data)
{
	const struct disk_set_args *args = data;
	struct json_object *params = cli_name_params(args->name);

	cli_param_text(params, "on_error", args->on_error);
	cli_param_text(params, "qos", args->qos);
	cli_param_switch(params, "clear_errors", args->clear_errors);
	return cli_do_iovd(cli, "disk.set", params, "set");
}

const struct cli_command cli_disk_set = {
	.name = "disk set",
	.args = "NAME",
	.summary = "Change a disk while it is used",
	.example = "iov disk set vm1-root --on-error wait\n"
		   "  iov disk set vm1-root --qos gold",
	.changes = true,
	.saves = true,
	.locks = true,
	.options = set_options,
	.parse = parse_set,
	.data_size = sizeof(struct disk_set_args),
	.run = run_set,
};

/* iov disk resize */

struct disk_resize_args {
	const char *name;
	uint64_t bytes;
	bool shrink;
};

enum { KEY_SHRINK = 0x2000 };

static const struct argp_option resize_options[] = {
	{ "shrink", KEY_SHRINK, 0, 0, "SIZE, or without it what its data has, may be less than before: "
	  "what is behind it is lost" },
	{ 0 },
};

static error_t parse_resize(int key, char *arg, struct argp_state *state)
{
	struct disk_resize_args *args = cli_data(state);

	if (key == ARGP_KEY_ARG && args->name && !args->bytes) {
		args->bytes = cli_size(arg, "SIZE", state);
		return 0;
	}
	if (key == KEY_SHRINK) {
		args->shrink = true;
		return 0;
	}
	return cli_argument(key, arg, state, &args->name, CLI_EXPECTED_DISK);
}

static int run_resize(struct cli *cli, void *data)
{
	const struct disk_resize_args *args = data;
	struct json_object *params = cli_name_params(args->name);
	_cleanup_json_ struct json_object *result = NULL;
	char size[IOV_SIZE_TEXT], done[sizeof("resized to ") + sizeof(size)];
	int error;

	cli_param_number(params, "bytes", args->bytes);
	cli_param_switch(params, "shrink", args->shrink);
	error = cli_change_iovd(cli, "disk.resize", params, &result);
	if (error || !result)
		return error;
	size_text(json_object_get_uint64(json_object_object_get(result, "bytes")), size);
	snprintf(done, sizeof(done), "resized to %s", size);
	cli_tell_change(cli, "disk.resize", result, done);
	return 0;
}

const struct cli_command cli_disk_resize = {
	.name = "disk resize",
	.args = "NAME [SIZE]",
	.summary = "Give a disk a size, or have it take that of its data",
	.example = "iov disk resize vm1-root 20G\n"
		   "  iov disk resize vm1-root 8G --shrink\n"
		   "  iov disk resize vm1-data",
	.changes = true,
	.saves = true,
	.locks = true,
	.options = resize_options,
	.parse = parse_resize,
	.data_size = sizeof(struct disk_resize_args),
	.run = run_resize,
};
