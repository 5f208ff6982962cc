// SPDX-License-Identifier: GPL-2.0-or-later
/* iov bridge: what connects the ports of iovd. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/rpc/rpc.h"
#include "cli/argument.h"
#include "cli/commands.h"
#include "cli/output.h"

#define BRIDGE_PORTS_MAX 255

struct bridge_args {
	const char *name;
	const char *kind;
	int age;
	int stations;
	bool has_age;
	bool has_stations;
	bool has_reserved;
	bool reserved;
	size_t port_count;
	const char *ports[BRIDGE_PORTS_MAX];
};

enum {
	KEY_KIND = 0x2000,
	KEY_PORT,
	KEY_AGE,
	KEY_STATIONS,
	KEY_RESERVED,
};

#define SWITCH_OPTIONS                                                                             \
	{ "age", KEY_AGE, "SECONDS", 0,                                                            \
	  "A switch forgets a station that is silent so long (300)" },                             \
	{ "stations", KEY_STATIONS, "N", 0, "A switch has room for so many stations (8192)" },     \
	{ "reserved", KEY_RESERVED, "on|off", OPTION_ARG_OPTIONAL,                                 \
	  "A switch forwards what is reserved for bridges, such as LLDP and spanning tree (off)" }

static const struct argp_option add_options[] = {
	{ "kind", KEY_KIND, "switch|wire", 0,
	  "A switch learns where MAC addresses are (default); a wire joins two ports back to back" },
	{ "port", KEY_PORT, "NAME", 0, "Put this port into it; may be given often" },
	SWITCH_OPTIONS,
	{ 0 },
};

/* What a switch is set to; false when it is something else. */
static bool parse_switch(struct bridge_args *args, int key, const char *arg,
			 const struct argp_state *state)
{
	switch (key) {
	case KEY_AGE:
		args->age = (int)cli_whole_number(arg, "age", 10, 1000000, state);
		return args->has_age = true;
	case KEY_STATIONS:
		args->stations = (int)cli_whole_number(arg, "stations", 16, 1048576, state);
		return args->has_stations = true;
	case KEY_RESERVED:
		args->reserved = cli_switch(arg, "reserved", state);
		return args->has_reserved = true;
	default:
		return false;
	}
}

static void add_switch(const struct bridge_args *args, struct json_object *params)
{
	if (args->has_age)
		json_object_object_add(params, "age", json_object_new_int(args->age));
	if (args->has_stations)
		json_object_object_add(params, "stations", json_object_new_int(args->stations));
	if (args->has_reserved)
		json_object_object_add(params, "reserved", json_object_new_boolean(args->reserved));
}

static error_t parse_name(int key, char *arg, struct argp_state *state)
{
	struct bridge_args *args = cli_data(state);

	if (key == ARGP_KEY_END && !args->name)
		cli_misuse(state, "NAME of the bridge is missing");
	if (key != ARGP_KEY_ARG || args->name)
		return ARGP_ERR_UNKNOWN;
	args->name = arg;
	return 0;
}

static error_t parse_add(int key, char *arg, struct argp_state *state)
{
	struct bridge_args *args = cli_data(state);

	switch (key) {
	case KEY_KIND:
		args->kind = arg;
		return 0;
	case KEY_PORT:
		if (args->port_count == BRIDGE_PORTS_MAX)
			cli_misuse(state, "--port: a bridge has at most %d ports", BRIDGE_PORTS_MAX);
		args->ports[args->port_count++] = arg;
		return 0;
	default:
		return parse_switch(args, key, arg, state) ? 0 : parse_name(key, arg, state);
	}
}

static int run_add(struct cli *cli, void *data)
{
	const struct bridge_args *args = data;
	struct json_object *params = cli_name_params(args->name), *ports = json_object_new_array();

	for (size_t i = 0; i < args->port_count; i++)
		json_object_array_add(ports, json_object_new_string(args->ports[i]));
	json_object_object_add(params, "kind",
			       json_object_new_string(args->kind ? args->kind : "switch"));
	json_object_object_add(params, "ports", ports);
	add_switch(args, params);
	return cli_do_iovd(cli, "bridge.add", params, "added");
}

const struct cli_command cli_bridge_add = {
	.name = "bridge add",
	.args = "NAME",
	.summary = "Connect ports of iovd by a learning switch or a wire",
	.example = "iov bridge add br0 --kind switch --port vm1 --port vm2 --port up",
	.changes = true,
	.saves = true,
	.locks = true,
	.options = add_options,
	.parse = parse_add,
	.data_size = sizeof(struct bridge_args),
	.run = run_add,
};

/* iov bridge set */

static const struct argp_option set_options[] = {
	SWITCH_OPTIONS,
	{ 0 },
};

static error_t parse_set(int key, char *arg, struct argp_state *state)
{
	struct bridge_args *args = cli_data(state);

	if (parse_switch(args, key, arg, state))
		return 0;
	if (key == ARGP_KEY_END && args->name && !args->has_age && !args->has_stations &&
	    !args->has_reserved)
		cli_misuse(state, "nothing to set: expected --age, --stations or --reserved");
	return parse_name(key, arg, state);
}

static int run_set(struct cli *cli, void *data)
{
	const struct bridge_args *args = data;
	struct json_object *params = cli_name_params(args->name);

	add_switch(args, params);
	return cli_do_iovd(cli, "bridge.set", params, "set");
}

const struct cli_command cli_bridge_set = {
	.name = "bridge set",
	.args = "NAME",
	.summary = "Change a bridge while it is used",
	.example = "iov bridge set br0 --age 60",
	.changes = true,
	.saves = true,
	.locks = true,
	.options = set_options,
	.parse = parse_set,
	.data_size = sizeof(struct bridge_args),
	.run = run_set,
};

/* iov bridge stations */

static const struct iov_column station_columns[] = {
	{ "mac", "STATION" },
	{ "vlan", "VLAN", true },
	{ "port", "PORT" },
	{ "kind", "KIND" },
};

static int run_stations(struct cli *cli, void *data)
{
	const struct bridge_args *args = data;
	_cleanup_json_ struct json_object *stations = NULL;
	struct json_object *params = cli_name_params(args->name);
	int error;

	error = iov_rpc_call(cli->iov, "bridge.stations", params, &stations);
	if (error)
		return error;
	if (cli->json) {
		iov_output_json(stdout, stations);
		return 0;
	}
	return iov_output_list(stdout, stations, station_columns,
			       sizeof(station_columns) / sizeof(*station_columns),
			       "the bridge has learned no station yet");
}

const struct cli_command cli_bridge_stations = {
	.name = "bridge stations",
	.args = "NAME",
	.summary = "Where a switch knows MAC addresses to be",
	.example = "iov bridge stations br0",
	.parse = parse_name,
	.data_size = sizeof(struct bridge_args),
	.run = run_stations,
};

/* iov bridge list and remove */

static const struct iov_column list_columns[] = {
	{ "name", "BRIDGE" },
	{ "kind", "KIND" },
	{ "age", "AGE" },
	{ "ports", "PORTS" },
};

static int run_list(struct cli *cli, void *data)
{
	_cleanup_json_ struct json_object *bridges = NULL;
	int error = iov_rpc_call(cli->iov, "bridge.list", NULL, &bridges);

	(void)data;
	if (error)
		return error;
	if (cli->json) {
		iov_output_json(stdout, bridges);
		return 0;
	}
	error = iov_output_list(stdout, bridges, list_columns,
				sizeof(list_columns) / sizeof(*list_columns),
				"iovd has no bridges; 'iov bridge add' makes one");
	cli_print_missing(bridges);
	return error;
}

const struct cli_command cli_bridge_list = {
	.name = "bridge list",
	.summary = "Bridges of iovd and their ports",
	.example = "iov bridge list",
	.run = run_list,
};

/* "; its ports stay, unconnected: vm1, vm2" */
static void print_unconnected(struct json_object *ports)
{
	for (size_t i = 0; ports && i < json_object_array_length(ports); i++)
		printf("%s%s", i ? ", " : "; its ports stay, unconnected: ",
		       json_object_get_string(json_object_array_get_idx(ports, i)));
}

static int run_remove(struct cli *cli, void *data)
{
	const struct bridge_args *args = data;
	_cleanup_json_ struct json_object *result = NULL;
	struct json_object *params = cli_name_params(args->name);
	int error = cli_change_iovd(cli, "bridge.remove", params, &result);

	if (error || !result)
		return error;
	if (cli->json) {
		iov_output_json(stdout, result);
		return 0;
	}
	printf("bridge %s removed", args->name);
	print_unconnected(json_object_object_get(result, "ports"));
	putchar('\n');
	return 0;
}

const struct cli_command cli_bridge_remove = {
	.name = "bridge remove",
	.args = "NAME",
	.summary = "Remove a bridge from iovd; its ports stay, unconnected",
	.example = "iov bridge remove br0",
	.changes = true,
	.saves = true,
	.locks = true,
	.parse = parse_name,
	.data_size = sizeof(struct bridge_args),
	.run = run_remove,
};
