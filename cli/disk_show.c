// SPDX-License-Identifier: GPL-2.0-or-later
/* iov disk show: all of one disk. */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/rpc/rpc.h"
#include "cli/argument.h"
#include "cli/commands.h"
#include "cli/disk.h"
#include "cli/output.h"
#include "cli/port.h"

static const struct iov_column disk_columns[] = {
	{ "name", "Disk" },
	{ "state", "State" },
	{ "status", "Status" },
	{ "error", "Last error" },
	{ "server", "Server" },
	{ "writer", "Writer" },
	{ "data", "Data" },
	{ "size", "Size" },
	{ "block", "Block" },
	{ "zoned", "Zones" },
	{ "read_only", "Read-only" },
	{ "cached", "Cached" },
	{ "io_poll", "Polled" },
	{ "warnings", "Warnings" },
	{ "registered_bytes", "Registered" },
	{ "not_registered", "Not registered" },
	{ "serial", "Serial" },
	{ "on_error", "On errors" },
	{ "qos", "QoS group" },
	{ "socket", "Socket" },
	{ "mode", "Mode" },
	{ "socket_mode", "Socket's mode" },
	{ "socket_owner", "Socket's owner" },
	{ "any_memory", "Any memory" },
	{ "tracers", "Traced by" },
	{ "queues", "Queues" },
	{ "queues_max", "Most queues" },
	{ "features", "Features" },
};

static const struct iov_column counter_columns[] = {
	{ "connected", "Connections" },
	{ "messages", "Messages" },
	{ "refusals", "Refused messages" },
	{ "breaks", "Broken rings" },
	{ "log_lines_left_out", "Log lines left out" },
	{ "qos_waits", "Waits for QoS" },
	{ "qos_wait_ms", "Waited for QoS in ms" },
};

static const struct iov_column request_columns[] = {
	{ "kind", "REQUESTS" },	    { "count", "COUNT", true }, { "failed", "FAILED", true },
	{ "bytes", "BYTES", true }, { "mean", "MEAN", true },	{ "p50", "P50", true },
	{ "p99", "P99", true },	    { "p999", "P99.9", true },
};

static const struct iov_column ring_columns[] = {
	{ "ring", "RING", true },	{ "kind", "KIND" }, { "entries", "ENTRIES", true },
	{ "state", "STATE" }, { "cpu", "CPU", true }, { "under_way", "UNDER WAY", true },
	{ "parked", "WAITING", true },
};

#define COUNT(columns) (sizeof(columns) / sizeof(*(columns)))

/* A table, and an empty line before it; nothing for no rows. */
static void print_rows(struct json_object *rows, const struct iov_column *columns, size_t count)
{
	if (!rows || !json_object_array_length(rows))
		return;
	putchar('\n');
	iov_output_table(stdout, rows, columns, count);
}

static void print_text(struct json_object *disk)
{
	struct json_object *counters = json_object_object_get(disk, "counters");
	_cleanup_json_ struct json_object *requests = disk_request_rows(counters);

	disk_add_words(disk);
	if (!counters) {
		iov_output_fields(stdout, disk, disk_columns, COUNT(disk_columns));
		return;
	}
	port_reasons_words(counters, "connections", "connected");
	port_reasons_words(counters, "refused", "refusals");
	port_reasons_words(counters, "broken", "breaks");
	iov_output_fields(stdout, disk, disk_columns, COUNT(disk_columns));
	putchar('\n');
	iov_output_fields(stdout, counters, counter_columns, COUNT(counter_columns));
	print_rows(requests, request_columns, COUNT(request_columns));
	print_rows(json_object_object_get(disk, "rings"), ring_columns, COUNT(ring_columns));
}

static int run(struct cli *cli, void *data)
{
	const struct cli_name_args *args = data;
	_cleanup_json_ struct json_object *disk = NULL;
	int error = iov_rpc_call(cli->iov, "disk.show", cli_name_params(args->name), &disk);

	if (error)
		return error;
	if (cli->json)
		iov_output_json(stdout, disk);
	else
		print_text(disk);
	return 0;
}

const struct cli_command cli_disk_show = {
	.name = "disk show",
	.args = "NAME",
	.summary = "All of one disk, and what went wrong there",
	.example = "iov disk show vm1-root",
	.parse = disk_parse_name,
	.data_size = sizeof(struct cli_name_args),
	.run = run,
};
