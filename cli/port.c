// SPDX-License-Identifier: GPL-2.0-or-later
/* iov port: ports of iovd. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/pci/identity.h"
#include "base/rpc/rpc.h"
#include "cli/argument.h"
#include "cli/commands.h"
#include "cli/front_end.h"
#include "cli/output.h"
#include "cli/port.h"
#include "cli/port_rules.h"

#define PORT_NONE "iovd has no ports; 'iov port add' makes one"

/* iov port add */

struct port_add_args {
	const char *name;
	const char *type;
	struct front_end_args front_end;
	const char *device;
	bool zero_copy;
	unsigned int mtu;
	const char *bridge;
	unsigned int queue_pairs;
	const char *mac;
	bool standby;
	bool iommu;
	struct json_object *rules;
};

enum {
	KEY_TYPE = 0x2000,
	KEY_DEVICE,
	KEY_ZERO_COPY,
	KEY_MTU,
	KEY_BRIDGE,
	KEY_QUEUES,
	KEY_MAC,
	KEY_STANDBY,
	KEY_IOMMU,
};

static const struct argp_option add_options[] = {
	{ "type", KEY_TYPE, "vhost-user|ethdev", 0, "A guest, or a network device of DPDK" },
	FRONT_END_OPTIONS("vhost-user: "),
	{ "device", KEY_DEVICE, "DEVICE|VDEV", 0,
	  "ethdev: a function bound to vfio-pci, or a virtual device such as net_tap0,iface=tap0" },
	{ "zero-copy", KEY_ZERO_COPY, 0, 0,
	  "ethdev: the function reads what guests send from their memory, which is pinned" },
	{ "mtu", KEY_MTU, "N", 0, "ethdev: its MTU (default: its own)" },
	{ "bridge", KEY_BRIDGE, "NAME", 0, "Put it into this bridge" },
	{ "queues", KEY_QUEUES, "N", 0,
	  "vhost-user: queue pairs that the device's configuration says (1)" },
	{ "mac", KEY_MAC, "ADDRESS", 0, "vhost-user: address that the device's configuration says" },
	{ "standby", KEY_STANDBY, 0, 0,
	  "vhost-user: offer the device as the standby of a VF with the same address" },
	{ "iommu", KEY_IOMMU, 0, 0,
	  "vhost-user: offer the device to a guest behind a virtual IOMMU" },
	PORT_RULES_OPTIONS,
	{ 0 },
};

static unsigned int parse_queues(const char *arg, const struct argp_state *state)
{
	char *end;
	unsigned long number = strtoul(arg, &end, 10);

	if (*end || !number || number > 127)
		cli_misuse(state, "--queues %s: expected 1 to 127 queue pairs", arg);
	return (unsigned int)number;
}

unsigned int port_parse_mtu(const char *arg, const struct argp_state *state)
{
	char *end;
	unsigned long number = strtoul(arg, &end, 10);

	if (*end || number < 68 || number > 65535)
		cli_misuse(state, "--mtu %s: expected 68 to 65535 bytes", arg);
	return (unsigned int)number;
}

static error_t parse_add(int key, char *arg, struct argp_state *state)
{
	struct port_add_args *args = cli_data(state);

	if (port_rules_parse(key, arg, &args->rules, state) ||
	    front_end_parse(key, arg, &args->front_end))
		return 0;
	switch (key) {
	case KEY_TYPE:
		args->type = arg;
		return 0;
	case KEY_DEVICE:
		args->device = arg;
		return 0;
	case KEY_ZERO_COPY:
		args->zero_copy = true;
		return 0;
	case KEY_MTU:
		args->mtu = port_parse_mtu(arg, state);
		return 0;
	case KEY_BRIDGE:
		args->bridge = arg;
		return 0;
	case KEY_QUEUES:
		args->queue_pairs = parse_queues(arg, state);
		return 0;
	case KEY_MAC:
		args->mac = arg;
		return 0;
	case KEY_STANDBY:
		args->standby = true;
		return 0;
	case KEY_IOMMU:
		args->iommu = true;
		return 0;
	case ARGP_KEY_END:
		if (args->name && !args->type)
			cli_misuse(state, "--type is missing: vhost-user or ethdev");
		if (args->name && strcmp(args->type, "vhost-user") && strcmp(args->type, "ethdev"))
			cli_misuse(state, "--type %s: expected vhost-user or ethdev", args->type);
		if (args->name && !strcmp(args->type, "vhost-user") && !args->front_end.socket)
			cli_misuse(state, "--socket is missing: where the guest attaches, as "
				   "--socket /run/%s.sock", args->name);
		if (args->name && !strcmp(args->type, "ethdev") && !args->device)
			cli_misuse(state, "--device is missing: a function that is bound to vfio-pci, or "
				   "a virtual device such as net_tap0,iface=tap0");
		break;
	}
	return cli_argument(key, arg, state, &args->name, CLI_EXPECTED_PORT);
}

/* iovd takes addresses, and virtual devices of DPDK as they are. */
static int add_device(struct cli *cli, const char *device, struct json_object *params)
{
	struct iov_bdf bdf;
	int error;

	if (!device || !strncmp(device, "net_", 4)) {
		cli_param_text(params, "device", device);
		return 0;
	}
	error = iov_device_parse(cli->iov, device, &bdf);
	if (!error)
		cli_param_text(params, "device", IOV_BDF(bdf));
	return error;
}

static int run_add(struct cli *cli, void *data)
{
	const struct port_add_args *args = data;
	struct json_object *params = cli_name_params(args->name);
	int error = add_device(cli, args->device, params);

	cli_param_text(params, "type", args->type);
	cli_param_text(params, "bridge", args->bridge);
	cli_param_text(params, "mac", args->mac);
	cli_param_number(params, "queue_pairs", args->queue_pairs);
	if (args->rules)
		json_object_object_add(params, "rules", args->rules);
	cli_param_switch(params, "standby", args->standby);
	cli_param_switch(params, "iommu", args->iommu);
	cli_param_switch(params, "zero_copy", args->zero_copy);
	cli_param_number(params, "mtu", args->mtu);
	if (!error)
		error = front_end_params(cli->iov, &args->front_end, params);
	if (!error)
		return cli_do_iovd(cli, "port.add", params, "added");
	json_object_put(params);
	return error;
}

const struct cli_command cli_port_add = {
	.name = "port add",
	.args = "NAME --type TYPE",
	.summary = "Add a port to iovd: a guest or an uplink",
	.example = "iov port add vm1 --type vhost-user --socket /run/vm1 --server --bridge br0\n"
		   "  iov port add up --type ethdev --device 0000:01:10.2 --bridge br0",
	.changes = true,
	.saves = true,
	.locks = true,
	.options = add_options,
	.parse = parse_add,
	.data_size = sizeof(struct port_add_args),
	.run = run_add,
};

/* iov port list */

static const struct iov_column list_columns[] = {
	{ "name", "PORT" },	{ "type", "TYPE" },	{ "bridge", "BRIDGE" },
	{ "state", "STATE" },	{ "queues", "QUEUES", true }, { "where", "SOCKET OR DEVICE" },
};

static int run_list(struct cli *cli, void *data)
{
	_cleanup_json_ struct json_object *ports = NULL;
	int error = iov_rpc_call(cli->iov, "port.list", NULL, &ports);

	(void)data;
	if (error)
		return error;
	if (cli->json) {
		iov_output_json(stdout, ports);
		return 0;
	}
	for (size_t i = 0; i < json_object_array_length(ports); i++) {
		struct json_object *port = json_object_array_get_idx(ports, i), *where;

		if (json_object_object_get_ex(port, "socket", &where) ||
		    json_object_object_get_ex(port, "device", &where))
			json_object_object_add(port, "where", json_object_get(where));
	}
	error = iov_output_list(stdout, ports, list_columns,
				sizeof(list_columns) / sizeof(*list_columns), PORT_NONE);
	cli_print_missing(ports);
	return error;
}

const struct cli_command cli_port_list = {
	.name = "port list",
	.summary = "Ports of iovd and their state",
	.example = "iov port list",
	.run = run_list,
};

/* iov port stats and remove: both take a name */

error_t port_parse_name(int key, char *arg, struct argp_state *state)
{
	struct cli_name_args *args = cli_data(state);

	return cli_argument(key, arg, state, &args->name, CLI_EXPECTED_PORT);
}

static const struct iov_column stats_columns[] = {
	{ "port", "PORT" },
	{ "rx_packets", "RX PACKETS", true },
	{ "rx_bytes", "RX BYTES", true },
	{ "tx_packets", "TX PACKETS", true },
	{ "tx_bytes", "TX BYTES", true },
	{ "dropped", "DROPPED" },
};

void port_reasons_words(struct json_object *row, const char *key, const char *words)
{
	struct json_object *reasons = json_object_object_get(row, key);
	struct json_object *list = json_object_new_array();
	char text[64];

	if (json_object_is_type(reasons, json_type_object)) {
		json_object_object_foreach(reasons, reason, count) {
			snprintf(text, sizeof(text), "%s %s", reason,
				 json_object_get_string(count));
			json_object_array_add(list, json_object_new_string(text));
		}
	}
	if (!json_object_array_length(list))
		json_object_array_add(list, json_object_new_string("none"));
	json_object_object_add(row, words, list);
}

static int run_stats(struct cli *cli, void *data)
{
	const struct cli_name_args *args = data;
	_cleanup_json_ struct json_object *rows = NULL;
	int error = iov_rpc_call(cli->iov, "port.stats", cli_name_params(args->name), &rows);

	if (error)
		return error;
	if (cli->json) {
		iov_output_json(stdout, rows);
		return 0;
	}
	for (size_t i = 0; i < json_object_array_length(rows); i++)
		port_reasons_words(json_object_array_get_idx(rows, i), "drops", "dropped");
	return iov_output_list(stdout, rows, stats_columns,
			       sizeof(stats_columns) / sizeof(*stats_columns), PORT_NONE);
}

const struct cli_command cli_port_stats = {
	.name = "port stats",
	.args = "[NAME]",
	.summary = "Packets and bytes of ports, and why packets were dropped",
	.example = "iov port stats",
	.parse = cli_parse_maybe_name,
	.data_size = sizeof(struct cli_name_args),
	.run = run_stats,
};

static int run_remove(struct cli *cli, void *data)
{
	const struct cli_name_args *args = data;

	return cli_do_iovd(cli, "port.remove", cli_name_params(args->name), "removed");
}

const struct cli_command cli_port_remove = {
	.name = "port remove",
	.args = "NAME",
	.summary = "Remove a port from iovd; a device goes back to vfio-pci",
	.example = "iov port remove vm1",
	.changes = true,
	.saves = true,
	.locks = true,
	.parse = port_parse_name,
	.data_size = sizeof(struct cli_name_args),
	.run = run_remove,
};
