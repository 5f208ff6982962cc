// SPDX-License-Identifier: GPL-2.0-or-later
/* iov qos: limits that disks and ports of iovd keep together. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/rpc/rpc.h"
#include "cli/argument.h"
#include "cli/commands.h"
#include "cli/output.h"

#define QOS_NONE "iovd has no QoS groups; 'iov qos add' makes one"
#define EXPECTED_NAME "NAME of the QoS group is missing"

/* More than any device, and what iovd takes. */
#define LIMIT_MAX 1e15
#define BURST_MS_MAX 60000

enum {
	KEY_LIMIT = 0x2000,
	LIMITS = 9,
	KEY_BURST = KEY_LIMIT + LIMITS,
};

/* Option, what iovd calls it, and as people read it */
static const struct {
	const char *option;
	const char *key;
	const char *title;
} limits[LIMITS] = {
	{ "iops", "iops", "Requests a second" },
	{ "read-iops", "read_iops", "Reads a second" },
	{ "write-iops", "write_iops", "Writes a second" },
	{ "bytes", "bytes", "Bytes a second" },
	{ "read-bytes", "read_bytes", "Bytes read a second" },
	{ "write-bytes", "write_bytes", "Bytes written a second" },
	{ "packets", "packets", "Packets a second" },
	{ "rx-packets", "rx_packets", "Packets received a second" },
	{ "tx-packets", "tx_packets", "Packets transmitted a second" },
};

static const struct argp_option options[] = {
	{ 0, 0, 0, 0, "Limits a second, such as 500 or 10M, or none:", 1 },
	{ "iops", KEY_LIMIT, "N", 0, "Requests of disks", 1 },
	{ "read-iops", KEY_LIMIT + 1, "N", 0, "Reads of disks", 1 },
	{ "write-iops", KEY_LIMIT + 2, "N", 0, "Requests that change disks", 1 },
	{ "bytes", KEY_LIMIT + 3, "N", 0, "Bytes of disks and ports", 1 },
	{ "read-bytes", KEY_LIMIT + 4, "N", 0, "Bytes that go to guests: read, or transmitted by ports",
	  1 },
	{ "write-bytes", KEY_LIMIT + 5, "N", 0,
	  "Bytes that come from guests: written, or received by ports", 1 },
	{ "packets", KEY_LIMIT + 6, "N", 0, "Packets of ports", 1 },
	{ "rx-packets", KEY_LIMIT + 7, "N", 0, "Packets that come from guests", 1 },
	{ "tx-packets", KEY_LIMIT + 8, "N", 0, "Packets that go to guests", 1 },
	{ "burst", KEY_BURST, "MS", 0,
	  "What may come at once after silence: as much as in so many milliseconds (10)", 0 },
	{ 0 },
};

struct qos_args {
	const char *name;
	struct json_object *params;
};

static error_t parse_name(int key, char *arg, struct argp_state *state)
{
	struct cli_name_args *args = cli_data(state);

	return cli_argument(key, arg, state, &args->name, EXPECTED_NAME);
}

static void set_number(struct qos_args *args, const char *key, double number)
{
	if (!args->params)
		args->params = json_object_new_object();
	json_object_object_add(args->params, key, json_object_new_int64((int64_t)number));
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct qos_args *args = cli_data(state);

	if (key >= KEY_LIMIT && key < KEY_LIMIT + LIMITS) {
		set_number(args, limits[key - KEY_LIMIT].key, strcmp(arg, "none") ?
			   cli_whole_number(arg, limits[key - KEY_LIMIT].option, 1, LIMIT_MAX, state) : 0);
		return 0;
	}
	if (key == KEY_BURST) {
		set_number(args, "burst_ms", cli_whole_number(arg, "burst", 1, BURST_MS_MAX, state));
		return 0;
	}
	if (key == ARGP_KEY_END && args->name && !args->params)
		cli_misuse(state, "expected a limit, such as --iops 5000 or --bytes 100M");
	return cli_argument(key, arg, state, &args->name, EXPECTED_NAME);
}

static int change(struct cli *cli, const struct qos_args *args, const char *method, const char *done)
{
	json_add_text(args->params, "name", args->name);
	return cli_do_iovd(cli, method, args->params, done);
}

static int run_add(struct cli *cli, void *data)
{
	return change(cli, data, "qos.add", "added");
}

const struct cli_command cli_qos_add = {
	.name = "qos add",
	.args = "NAME",
	.summary = "Add limits that disks and ports keep together",
	.example = "iov qos add gold --iops 20K --bytes 500M\n"
		   "  iov disk set vm1-root --qos gold\n"
		   "  iov port set vm1 --qos gold",
	.changes = true,
	.saves = true,
	.locks = true,
	.options = options,
	.parse = parse,
	.data_size = sizeof(struct qos_args),
	.run = run_add,
};

static int run_set(struct cli *cli, void *data)
{
	return change(cli, data, "qos.set", "set");
}

const struct cli_command cli_qos_set = {
	.name = "qos set",
	.args = "NAME",
	.summary = "Change limits, for all who keep them, at once",
	.example = "iov qos set gold --iops 50K --bytes none",
	.changes = true,
	.saves = true,
	.locks = true,
	.options = options,
	.parse = parse,
	.data_size = sizeof(struct qos_args),
	.run = run_set,
};

/* iov qos list and show */

/* "iops 20000, bytes 500000000" */
static void add_words(struct json_object *qos)
{
	char text[512] = "";
	size_t length = 0;

	for (size_t i = 0; i < LIMITS; i++) {
		const char *number = json_text_or_null(qos, limits[i].key);

		if (number && length < sizeof(text))
			length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s %s",
						   length ? ", " : "", limits[i].option, number);
	}
	json_add_text(qos, "limits", *text ? text : "none");
}

static const struct iov_column list_columns[] = {
	{ "name", "QOS" },
	{ "limits", "LIMITS" },
	{ "burst_ms", "BURST MS", true },
	{ "waits", "WAITS", true },
	{ "wait_ms", "WAITED MS", true },
	{ "dropped_packets", "DROPPED", true },
	{ "members", "MEMBERS" },
};

static int run_list(struct cli *cli, void *data)
{
	_cleanup_json_ struct json_object *list = NULL;
	int error = iov_rpc_call(cli->iov, "qos.list", NULL, &list);

	(void)data;
	if (error)
		return error;
	if (cli->json) {
		iov_output_json(stdout, list);
		return 0;
	}
	for (size_t i = 0; i < json_object_array_length(list); i++)
		add_words(json_object_array_get_idx(list, i));
	error = iov_output_list(stdout, list, list_columns,
				sizeof(list_columns) / sizeof(*list_columns), QOS_NONE);
	cli_print_missing(list);
	return error;
}

const struct cli_command cli_qos_list = {
	.name = "qos list",
	.summary = "Limits that disks and ports keep together",
	.example = "iov qos list",
	.run = run_list,
};

static int run_show(struct cli *cli, void *data)
{
	static const struct iov_column after[] = {
		{ "burst_ms", "Burst in ms" },
		{ "members", "Members" },
		{ "waits", "Waits" },
		{ "wait_ms", "Waited in ms" },
		{ "dropped_packets", "Dropped packets" },
		{ "state", "State" },
		{ "error", "Reason" },
	};
	const struct cli_name_args *args = data;
	struct iov_column columns[1 + LIMITS + sizeof(after) / sizeof(*after)] = {
		{ "name", "QoS group" },
	};
	_cleanup_json_ struct json_object *qos = NULL;
	int error = iov_rpc_call(cli->iov, "qos.show", cli_name_params(args->name), &qos);

	if (error)
		return error;
	if (cli->json) {
		iov_output_json(stdout, qos);
		return 0;
	}
	for (size_t i = 0; i < LIMITS; i++)
		columns[1 + i] = (struct iov_column){ limits[i].key, limits[i].title };
	memcpy(&columns[1 + LIMITS], after, sizeof(after));
	iov_output_fields(stdout, qos, columns, sizeof(columns) / sizeof(*columns));
	return 0;
}

const struct cli_command cli_qos_show = {
	.name = "qos show",
	.args = "NAME",
	.summary = "One group of limits, who is in it, and how they waited",
	.example = "iov qos show gold",
	.parse = parse_name,
	.data_size = sizeof(struct cli_name_args),
	.run = run_show,
};

/* iov qos remove */

static int run_remove(struct cli *cli, void *data)
{
	const struct cli_name_args *args = data;

	return cli_do_iovd(cli, "qos.remove", cli_name_params(args->name), "removed");
}

const struct cli_command cli_qos_remove = {
	.name = "qos remove",
	.args = "NAME",
	.summary = "Remove limits that nobody keeps any more",
	.example = "iov qos remove gold",
	.changes = true,
	.saves = true,
	.locks = true,
	.parse = parse_name,
	.data_size = sizeof(struct cli_name_args),
	.run = run_remove,
};
