// SPDX-License-Identifier: GPL-2.0-or-later
/* iov port show: all of one port. */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/rpc/rpc.h"
#include "cli/argument.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/port.h"
#include "cli/port_rules.h"

static const struct iov_column port_columns[] = {
	{ "name", "Port" },
	{ "type", "Type" },
	{ "bridge", "Bridge" },
	{ "state", "State" },
	{ "error", "Reason" },
	{ "socket", "Socket" },
	{ "mode", "Mode" },
	{ "tracers", "Traced by" },
	{ "socket_mode", "Socket's mode" },
	{ "socket_owner", "Socket's owner" },
	{ "device", "Device" },
	{ "driver", "Driver" },
	{ "mac", "MAC" },
	{ "link", "Link" },
	{ "ruled", "Rules" },
	{ "queue_pairs", "Queue pairs" },
	{ "controlled", "Control queue" },
	{ "filtered", "Filter" },
	{ "mtu", "MTU" },
	{ "interface_mtu", "Interface's MTU" },
	{ "features", "Features" },
	{ "offloads", "Offloads" },
	{ "flow_rules", "Flow rules" },
};

static const struct iov_column counter_columns[] = {
	{ "rx_packets", "Packets from it" },
	{ "rx_bytes", "Bytes from it" },
	{ "tx_packets", "Packets to it" },
	{ "tx_bytes", "Bytes to it" },
	{ "copies", "Packets made of those from it" },
	{ "stations", "Stations behind it" },
	{ "unplaced_stations", "Stations without a place" },
	{ "dropped", "Dropped" },
	{ "buffer_shortages", "Packet buffers missing" },
	{ "lent_frames", "Frames sent without a copy" },
	{ "recalls", "Restarts of the device" },
	{ "connected", "Connections" },
	{ "messages", "Messages" },
	{ "refusals", "Refused messages" },
	{ "breaks", "Broken rings" },
	{ "log_lines_left_out", "Log lines left out" },
};

static const struct iov_column ring_columns[] = {
	{ "ring", "RING", true },	{ "direction", "DIRECTION" }, { "kind", "KIND" },
	{ "entries", "ENTRIES", true }, { "state", "STATE" }, { "cpu", "CPU", true },
	{ "frames", "FRAMES", true },
};

#define COUNT(columns) (sizeof(columns) / sizeof(*(columns)))

/* What the guest's driver set up, in words. */
static void add_control_words(struct json_object *port)
{
	struct json_object *control = json_object_object_get(port, "control");

	if (!control)
		return;
	port_reasons_words(control, "filter", "words");
	json_object_object_add(port, "filtered",
			       json_object_get(json_object_object_get(control, "words")));
	json_object_object_del(control, "filter");
	json_object_object_del(control, "words");
	port_reasons_words(port, "control", "controlled");
}

static void print_text(struct json_object *port)
{
	struct json_object *counters = json_object_object_get(port, "counters");
	struct json_object *rings = json_object_object_get(port, "rings");

	add_control_words(port);
	if (json_object_object_get(port, "rules"))
		port_rules_words(port, "ruled");
	if (!counters) {
		iov_output_fields(stdout, port, port_columns, COUNT(port_columns));
		return;
	}
	port_reasons_words(counters, "drops", "dropped");
	if (json_object_object_get(counters, "connections")) {
		port_reasons_words(counters, "connections", "connected");
		port_reasons_words(counters, "refused", "refusals");
		port_reasons_words(counters, "broken", "breaks");
	}
	iov_output_fields(stdout, port, port_columns, COUNT(port_columns));
	putchar('\n');
	iov_output_fields(stdout, counters, counter_columns, COUNT(counter_columns));
	if (!rings || !json_object_array_length(rings))
		return;
	putchar('\n');
	iov_output_table(stdout, rings, ring_columns, COUNT(ring_columns));
}

static int run(struct cli *cli, void *data)
{
	const struct cli_name_args *args = data;
	_cleanup_json_ struct json_object *port = NULL;
	int error = iov_rpc_call(cli->iov, "port.show", cli_name_params(args->name), &port);

	if (error)
		return error;
	if (cli->json)
		iov_output_json(stdout, port);
	else
		print_text(port);
	return 0;
}

const struct cli_command cli_port_show = {
	.name = "port show",
	.args = "NAME",
	.summary = "All of one port, and what went wrong there",
	.example = "iov port show vm1",
	.parse = port_parse_name,
	.data_size = sizeof(struct cli_name_args),
	.run = run,
};
