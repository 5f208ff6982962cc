// SPDX-License-Identifier: GPL-2.0-or-later
/* iov disk: disks of iovd. */
#include "cli/disk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/pci/identity.h"
#include "base/rpc/rpc.h"
#include "base/size.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "cli/argument.h"
#include "cli/commands.h"
#include "cli/front_end.h"
#include "cli/output.h"
#include "cli/port.h"

#define DISK_NONE "iovd has no disks; 'iov disk add' makes one"
#define QUEUES_MAX 256

/* iov disk add */

enum source {
	SOURCE_FILE,
	SOURCE_DEVICE,
	SOURCE_NBD,
	SOURCE_NVME,
	SOURCE_MEMORY,
	SOURCE_NULL,
	SOURCES,
};

/* The value of each is a place, or a size. */
static const struct {
	const char *option;
	const char *backend;
	const char *place;
} sources[SOURCES] = {
	[SOURCE_FILE] = { "--file", "file", "a path" },
	[SOURCE_DEVICE] = { "--device", "file", "a path" },
	[SOURCE_NBD] = { "--nbd", "nbd", "a URI such as nbd+unix:///?socket=/run/nbd.sock" },
	[SOURCE_NVME] = { "--nvme", "nvme", "a function" },
	[SOURCE_MEMORY] = { "--memory", "memory", NULL },
	[SOURCE_NULL] = { "--null", "null", NULL },
};

struct disk_add_args {
	const char *name;
	struct front_end_args front_end;
	const char *source[SOURCES];
	uint64_t bytes;
	uint64_t zone_bytes;
	bool read_only;
	bool cached;
	bool io_poll;
	bool register_memory;
	bool incoming;
	const char *serial;
	unsigned int queues;
	const char *on_error;
	const char *qos;
};

enum {
	KEY_SOURCE = 0x2000,
	KEY_ZONE_SIZE = KEY_SOURCE + SOURCES,
	KEY_READ_ONLY,
	KEY_CACHED,
	KEY_IO_POLL,
	KEY_REGISTER_MEMORY,
	KEY_INCOMING,
	KEY_SERIAL,
	KEY_QUEUES,
	KEY_ON_ERROR,
	KEY_QOS,
};

static const struct argp_option add_options[] = {
	FRONT_END_OPTIONS("Front end: "),
	{ "file", KEY_SOURCE + SOURCE_FILE, "PATH", 0, "Its data is in this file" },
	{ "device", KEY_SOURCE + SOURCE_DEVICE, "BLOCK|PATH", 0,
	  "Its data is on this block device, nvme0n1 or /dev/disk/by-id/..." },
	{ "nbd", KEY_SOURCE + SOURCE_NBD, "URI", 0,
	  "Its data is in this export of an NBD server: nbd+unix:///EXPORT?socket=PATH or "
	  "nbd://ADDRESS[:PORT]/EXPORT" },
	{ "nvme", KEY_SOURCE + SOURCE_NVME, "DEVICE", 0,
	  "Its data is the namespace of this NVMe controller or VF, which vfio-pci has; or one of "
	  "several, 0000:01:00.0/2" },
	{ "memory", KEY_SOURCE + SOURCE_MEMORY, "SIZE", 0,
	  "Its data is in memory of iovd, and gone with it" },
	{ "null", KEY_SOURCE + SOURCE_NULL, "SIZE", 0,
	  "Its data is nowhere: reads give zeroes, writes are dropped" },
	{ "zone-size", KEY_ZONE_SIZE, "SIZE", 0,
	  "With --memory: zones of this size, which the guest manages; a device has its own" },
	{ "read-only", KEY_READ_ONLY, 0, 0, "Nobody writes to it; may be shared then" },
	{ "cached", KEY_CACHED, 0, 0,
	  "By the page cache of the host (default: around it); with --nbd: what a server "
	  "acknowledged that was killed is kept by its host" },
	{ "io-poll", KEY_IO_POLL, 0, 0,
	  "Poll the device for what it has done, where it has queues for that (nvme.poll_queues)" },
	{ "register-memory", KEY_REGISTER_MEMORY, 0, 0,
	  "Pin guest memory for faster access; the guest must give none of it back (balloon)" },
	{ "incoming", KEY_INCOMING, 0, 0,
	  "Its guest comes by migration: who has its data now has it until that guest is here" },
	{ "serial", KEY_SERIAL, "TEXT", 0,
	  "Serial number that the guest reads, of up to 20 characters (the disk's name)" },
	{ "queues", KEY_QUEUES, "N", 0, "Queues that it offers (64)" },
	DISK_ON_ERROR_OPTION(KEY_ON_ERROR),
	{ "qos", KEY_QOS, "QOS", 0, "Keep the limits of this group; see 'iov qos'" },
	{ 0 },
};

const char *disk_parse_on_error(const char *arg, const struct argp_state *state)
{
	if (strcmp(arg, "report") && strcmp(arg, "wait"))
		cli_misuse(state, "--on-error %s: expected report or wait", arg);
	return arg;
}

static void set_source(struct disk_add_args *args, enum source source, const char *arg,
		       const struct argp_state *state)
{
	args->source[source] = arg;
	if (!sources[source].place)
		args->bytes = cli_size(arg, sources[source].option, state);
	else if (!*arg)
		cli_misuse(state, "%s '': expected %s", sources[source].option,
			   sources[source].place);
}

static void check_sources(const struct disk_add_args *args, const struct argp_state *state)
{
	const char *first = NULL;

	for (unsigned int i = 0; i < SOURCES; i++) {
		if (!args->source[i])
			continue;
		if (first)
			cli_misuse(state, "%s and %s: expected one of them, as a disk's data is in "
				   "one place", first, sources[i].option);
		first = sources[i].option;
	}
	if (!first)
		cli_misuse(state, "expected --file, --device, --nbd, --nvme, --memory or --null: "
			   "where its data is");
}

static void check_add(const struct disk_add_args *args, const struct argp_state *state)
{
	check_sources(args, state);
	if (args->zone_bytes && !args->source[SOURCE_MEMORY])
		cli_misuse(state, "--zone-size: expected --memory: what a disk elsewhere has of zones is "
			   "found there");
	if (!args->front_end.socket)
		cli_misuse(state, "--socket is missing: where the guest attaches, as "
			   "--socket /run/%s.sock", args->name);
}

static error_t parse_add(int key, char *arg, struct argp_state *state)
{
	struct disk_add_args *args = cli_data(state);

	if (front_end_parse(key, arg, &args->front_end))
		return 0;
	if (key >= KEY_SOURCE && key < KEY_SOURCE + SOURCES) {
		set_source(args, (enum source)(key - KEY_SOURCE), arg, state);
		return 0;
	}
	switch (key) {
	case KEY_READ_ONLY:
		args->read_only = true;
		return 0;
	case KEY_ZONE_SIZE:
		args->zone_bytes = cli_size(arg, "--zone-size", state);
		return 0;
	case KEY_CACHED:
		args->cached = true;
		return 0;
	case KEY_IO_POLL:
		args->io_poll = true;
		return 0;
	case KEY_REGISTER_MEMORY:
		args->register_memory = true;
		return 0;
	case KEY_INCOMING:
		args->incoming = true;
		return 0;
	case KEY_SERIAL:
		args->serial = arg;
		return 0;
	case KEY_QUEUES:
		args->queues = (unsigned int)cli_whole_number(arg, "queues", 1, QUEUES_MAX, state);
		return 0;
	case KEY_ON_ERROR:
		args->on_error = disk_parse_on_error(arg, state);
		return 0;
	case KEY_QOS:
		args->qos = arg;
		return 0;
	case ARGP_KEY_END:
		if (args->name)
			check_add(args, state);
		break;
	}
	return cli_argument(key, arg, state, &args->name, CLI_EXPECTED_DISK);
}

/* A name without a slash is that of a block device. */
static int device_path(struct iov *iov, const char *device, char path[PATH_MAX])
{
	if (strchr(device, '/'))
		return cli_absolute_path(iov, "device", device, path);
	if (!cli_is_block(iov, device))
		return iov_fail(iov, -ENODEV, "--device %s: no such block device; see those in /"
				IOV_PATH_CLASS_BLOCK, device);
	snprintf(path, PATH_MAX, "/" IOV_PATH_DEV "/%s", device);
	return 0;
}

/* As iovd has it: the whole address, and the number of the namespace. */
static int function_path(struct cli *cli, const char *text, char path[PATH_MAX])
{
	const char *number = iov_pci_namespace_at(text);
	const struct iov_path function = iov_path("%.*s", (int)(number - text), text);
	struct iov_bdf bdf;
	int error = iov_device_parse(cli->iov, function.name, &bdf);

	if (!error)
		snprintf(path, PATH_MAX, "%s%s", IOV_BDF(bdf), number);
	return error;
}

static int add_source(struct cli *cli, const struct disk_add_args *args, struct json_object *params)
{
	char path[PATH_MAX];
	int error = 0;

	for (unsigned int i = 0; i < SOURCES; i++)
		cli_param_text(params, "backend", args->source[i] ? sources[i].backend : NULL);
	cli_param_number(params, "bytes", args->bytes);
	cli_param_text(params, "uri", args->source[SOURCE_NBD]);
	if (args->bytes || args->source[SOURCE_NBD])
		return 0;
	if (args->source[SOURCE_NVME])
		error = function_path(cli, args->source[SOURCE_NVME], path);
	else if (args->source[SOURCE_FILE])
		error = cli_absolute_path(cli->iov, "file", args->source[SOURCE_FILE], path);
	else
		error = device_path(cli->iov, args->source[SOURCE_DEVICE], path);
	if (!error && args->source[SOURCE_FILE])
		disk_warn_of_image(path);
	if (!error)
		cli_param_text(params, "path", path);
	return error;
}

static int run_add(struct cli *cli, void *data)
{
	const struct disk_add_args *args = data;
	struct json_object *params = cli_name_params(args->name);
	int error = front_end_params(cli->iov, &args->front_end, params);

	if (!error)
		error = add_source(cli, args, params);
	if (!error && args->source[SOURCE_MEMORY])
		disk_warn_of_memory(cli, args->bytes);
	cli_param_switch(params, "read_only", args->read_only);
	cli_param_switch(params, "cached", args->cached);
	cli_param_switch(params, "io_poll", args->io_poll);
	cli_param_switch(params, "register_memory", args->register_memory);
	cli_param_switch(params, "incoming", args->incoming);
	cli_param_number(params, "zone_bytes", args->zone_bytes);
	cli_param_text(params, "serial", args->serial);
	cli_param_number(params, "queues", args->queues);
	cli_param_text(params, "on_error", args->on_error);
	cli_param_text(params, "qos", args->qos);
	if (!error)
		return cli_do_iovd(cli, "disk.add", params, "added");
	json_object_put(params);
	return error;
}

const struct cli_command cli_disk_add = {
	.name = "disk add",
	.args = "NAME --socket PATH",
	.summary = "Add a disk of a guest to iovd",
	.example = "iov disk add vm1-root --socket /run/vm1-root --server --file /srv/vm1.img\n"
		   "  iov disk add vm1-data --socket /run/vm1-data --server --device nvme0n1\n"
		   "  iov disk add vm2-root --socket /run/vm2-root --server --nbd "
		   "nbd+unix:///?socket=/run/vm2.nbd\n"
		   "  iov disk add vm1-fast --socket /run/vm1-fast --server --nvme 0000:01:00.0/1\n"
		   "  iov disk add vm3-root --socket /run/vm3-root --server --file /nfs/vm3.img --incoming\n"
		   "  iov disk add scratch --socket /run/scratch --server --memory 4G",
	.changes = true,
	.saves = true,
	.locks = true,
	.options = add_options,
	.parse = parse_add,
	.data_size = sizeof(struct disk_add_args),
	.run = run_add,
};

/* iov disk list */

/* "16 of 64M, host-managed" */
static void add_zones(struct json_object *disk)
{
	const char *model = json_text_or_null(disk, "zone_model");
	char size[IOV_SIZE_TEXT], words[IOV_SIZE_TEXT + 64];

	if (!model)
		return;
	size_text(json_object_get_uint64(json_object_object_get(disk, "zone_bytes")), size);
	snprintf(words, sizeof(words), "%" PRId64 " of %s, %s",
		 json_object_get_int64(json_object_object_get(disk, "zones")), size, model);
	json_add_text(disk, "zoned", words);
}

void disk_add_words(struct json_object *disk)
{
	const char *path = json_text_or_null(disk, "path"), *uri = json_text_or_null(disk, "uri");
	char size[IOV_SIZE_TEXT];

	size_text(json_object_get_uint64(json_object_object_get(disk, "bytes")), size);
	if (json_object_object_get(disk, "bytes"))
		json_add_text(disk, "size", size);
	add_zones(disk);
	json_add_text(disk, "data", path ? path : uri ? uri : json_text_or_null(disk, "backend"));
}

static const struct iov_column list_columns[] = {
	{ "name", "DISK" },	 { "state", "STATE" }, { "status", "STATUS" },
	{ "size", "SIZE", true }, { "queues", "QUEUES", true }, { "data", "DATA" },
	{ "socket", "SOCKET" },
};

static int run_list(struct cli *cli, void *data)
{
	_cleanup_json_ struct json_object *disks = NULL;
	int error = iov_rpc_call(cli->iov, "disk.list", NULL, &disks);

	(void)data;
	if (error)
		return error;
	if (cli->json) {
		iov_output_json(stdout, disks);
		return 0;
	}
	for (size_t i = 0; i < json_object_array_length(disks); i++)
		disk_add_words(json_object_array_get_idx(disks, i));
	error = iov_output_list(stdout, disks, list_columns,
				sizeof(list_columns) / sizeof(*list_columns), DISK_NONE);
	cli_print_missing(disks);
	return error;
}

const struct cli_command cli_disk_list = {
	.name = "disk list",
	.summary = "Disks of iovd and their state",
	.example = "iov disk list",
	.run = run_list,
};

/* iov disk stats */

static const struct iov_column stats_columns[] = {
	{ "disk", "DISK" },
	{ "kind", "REQUESTS" },
	{ "count", "COUNT", true },
	{ "failed", "FAILED", true },
	{ "bytes", "BYTES", true },
	{ "mean", "MEAN", true },
	{ "p50", "P50", true },
	{ "p99", "P99", true },
	{ "p999", "P99.9", true },
};

/* "12.5 us" of "mean_us" */
static void add_time(struct json_object *row, const char *of, const char *as)
{
	struct json_object *value = json_object_object_get(row, of);
	char text[32];

	if (!value)
		return;
	snprintf(text, sizeof(text), "%.1f us", json_object_get_double(value));
	json_add_text(row, as, text);
}

struct json_object *disk_request_rows(struct json_object *counters)
{
	struct json_object *requests = json_object_object_get(counters, "requests");
	struct json_object *rows = json_object_new_array();

	if (!json_object_is_type(requests, json_type_object))
		return rows;
	json_object_object_foreach(requests, kind, counted) {
		struct json_object *row = json_copy(counted);

		json_add_text(row, "disk", json_text_or_null(counters, "port"));
		json_add_text(row, "kind", kind);
		add_time(row, "mean_us", "mean");
		add_time(row, "p50_us", "p50");
		add_time(row, "p99_us", "p99");
		add_time(row, "p999_us", "p999");
		json_object_array_add(rows, row);
	}
	return rows;
}

/* A disk that nobody asked for anything has a row as well. */
static void append_rows(struct json_object *rows, struct json_object *counters)
{
	_cleanup_json_ struct json_object *own = disk_request_rows(counters);
	size_t count = json_object_array_length(own);

	for (size_t i = 0; i < count; i++)
		json_object_array_add(rows, json_object_get(json_object_array_get_idx(own, i)));
	if (!count) {
		struct json_object *row = json_object_new_object();

		json_add_text(row, "disk", json_text_or_null(counters, "port"));
		json_object_array_add(rows, row);
	}
}

static int run_stats(struct cli *cli, void *data)
{
	const struct cli_name_args *args = data;
	_cleanup_json_ struct json_object *disks = NULL, *rows = NULL;
	int error = iov_rpc_call(cli->iov, "disk.stats", cli_name_params(args->name), &disks);

	if (error)
		return error;
	if (cli->json) {
		iov_output_json(stdout, disks);
		return 0;
	}
	rows = json_object_new_array();
	for (size_t i = 0; i < json_object_array_length(disks); i++)
		append_rows(rows, json_object_array_get_idx(disks, i));
	return iov_output_list(stdout, rows, stats_columns,
			       sizeof(stats_columns) / sizeof(*stats_columns), DISK_NONE);
}

const struct cli_command cli_disk_stats = {
	.name = "disk stats",
	.args = "[NAME]",
	.summary = "Requests of disks, how long they took, and how many failed",
	.example = "iov disk stats",
	.parse = cli_parse_maybe_name,
	.data_size = sizeof(struct cli_name_args),
	.run = run_stats,
};

/* iov disk remove */

error_t disk_parse_name(int key, char *arg, struct argp_state *state)
{
	struct cli_name_args *args = cli_data(state);

	return cli_argument(key, arg, state, &args->name, CLI_EXPECTED_DISK);
}

struct disk_remove_args {
	const char *name;
	bool in_use;
};

enum { KEY_IN_USE = 0x2000 };

static const struct argp_option remove_options[] = {
	{ "in-use", KEY_IN_USE, 0, 0, "Also while a guest uses it, which waits for it then" },
	{ 0 },
};

static error_t parse_remove(int key, char *arg, struct argp_state *state)
{
	struct disk_remove_args *args = cli_data(state);

	if (key == KEY_IN_USE) {
		args->in_use = true;
		return 0;
	}
	return cli_argument(key, arg, state, &args->name, CLI_EXPECTED_DISK);
}

static int run_remove(struct cli *cli, void *data)
{
	const struct disk_remove_args *args = data;
	struct json_object *params = cli_name_params(args->name);

	cli_param_switch(params, "unused", !args->in_use);
	return cli_do_iovd(cli, "disk.remove", params, "removed");
}

const struct cli_command cli_disk_remove = {
	.name = "disk remove",
	.args = "NAME",
	.summary = "Remove a disk from iovd; its file or device stays",
	.example = "iov disk remove vm1-root\n"
		   "  iov disk remove vm1-root --in-use",
	.changes = true,
	.saves = true,
	.locks = true,
	.options = remove_options,
	.parse = parse_remove,
	.data_size = sizeof(struct disk_remove_args),
	.run = run_remove,
};
