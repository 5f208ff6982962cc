// SPDX-License-Identifier: GPL-2.0-or-later
/* iov bench blk: how fast a vhost-user disk is, and whether it gives back what was written. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/rpc/rpc.h"
#include "base/size.h"
#include "bench/blk_bench.h"
#include "cli/argument.h"
#include "cli/bench.h"
#include "cli/commands.h"

#define SIZE 4096
#define SIZE_MAX_BYTES (64u << 20)
#define DEPTH 32
#define READ_PERCENT 70

struct blk_args {
	struct bench_args bench;
	struct blk_bench_options options;
	const char *rw;
	bool has_read_percent;
	bool has_seconds;
	bool overwrite;
};

enum {
	KEY_RW = KEY_BENCH,
	KEY_READ_PERCENT,
	KEY_SIZE,
	KEY_DEPTH,
	KEY_QUEUES,
	KEY_SEGMENTS,
	KEY_FLUSH_EVERY,
	KEY_SPAN,
	KEY_PACKED,
	KEY_RING_SIZE,
	KEY_NO_INDIRECT,
	KEY_NO_EVENT_IDX,
	KEY_OVERWRITE,
	KEY_REQUESTS,
	KEY_VERIFY,
};

static const struct argp_option options[] = {
	{0, 0, 0, 0, "What is asked for:", 1},
	{"rw", KEY_RW, "read|write|randread|randwrite|mix", 0,
	 "One behind the other or anywhere; mix is both, anywhere (randread)", 1},
	{"read-percent", KEY_READ_PERCENT, "N", 0, "Reads of a mix (70)", 1},
	{"size", KEY_SIZE, "BYTES", 0, "Length of a request, also like 4K (4096)", 1},
	{"depth", KEY_DEPTH, "N", 0, "Requests under way in each ring (32)", 1},
	{"queues", KEY_QUEUES, "N", 0, "Rings, all polled by one thread (1)", 1},
	{"segments", KEY_SEGMENTS, "N", 0, "Pieces of memory that a request is in (1)", 1},
	{"flush-every", KEY_FLUSH_EVERY, "N", 0, "A flush behind so many writes of a ring", 1},
	{"span", KEY_SPAN, "BYTES", 0,
	 "Use the beginning of the disk, also like 1G (all of it; 64M with --verify)", 1},
	{"packed", KEY_PACKED, 0, 0, "Packed rings instead of split ones", 1},
	{"ring-size", KEY_RING_SIZE, "N", 0,
	 "Entries of a ring, a power of 2 (256, or as many as are needed)", 1},
	{"no-indirect", KEY_NO_INDIRECT, 0, 0, "Descriptors in the ring, not in tables", 1},
	{"no-event-idx", KEY_NO_EVENT_IDX, 0, 0, "Ask for kicks by a flag, not by an index", 1},
	{"overwrite", KEY_OVERWRITE, 0, 0,
	 "What is on the disk may be lost: needed for all that writes", 1},
	BENCH_OPTIONS,
	{"requests", KEY_REQUESTS, "N[K|M]", 0, "End a turn after so many, not by time", 2},
	{"verify", KEY_VERIFY, 0, 0,
	 "Fill blocks first, and compare every byte that is read; tells stale from wrong ones", 2},
	{0},
};

static uint64_t parse_bytes(const char *arg, const char *option, uint64_t min, uint64_t max,
			    struct argp_state *state)
{
	uint64_t value = 0;

	if (!size_parse(arg, &value) || value > max || value < min || value % BLK_SECTOR)
		cli_misuse(state,
			   "--%s %s: expected a multiple of %u from %llu to %llu bytes, also with "
			   "K, M, G or T",
			   option, arg, BLK_SECTOR, (unsigned long long)min,
			   (unsigned long long)max);
	return value;
}

static void parse_rw(struct blk_args *args, const char *arg, const struct argp_state *state)
{
	static const struct {
		const char *name;
		unsigned int read_percent;
		bool is_random;
	} kinds[] = {
		{"read", 100, false},   {"write", 0, false},         {"randread", 100, true},
		{"randwrite", 0, true}, {"mix", READ_PERCENT, true},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(arg, kinds[i].name) != 0)
			continue;
		args->rw = kinds[i].name;
		args->options.load.is_random = kinds[i].is_random;
		if (!args->has_read_percent)
			args->options.load.read_percent = kinds[i].read_percent;
		return;
	}
	cli_misuse(state, "--rw %s: expected read, write, randread, randwrite or mix", arg);
}

static void check_writes(const struct blk_args *args, const struct argp_state *state)
{
	const struct blk_load_options *load = &args->options.load;

	if (args->has_read_percent && strcmp(args->rw, "mix") != 0)
		cli_misuse(state, "--read-percent: expected --rw mix beside it, not --rw %s",
			   args->rw);
	if (load->flush_every && load->read_percent == 100)
		cli_misuse(state, "--flush-every %u: expected a load that writes; see --rw",
			   load->flush_every);
	if (blk_load_writes(load) && !args->overwrite)
		cli_misuse(state,
			   "%s writes to the disk, and what is on it is lost; expected --overwrite "
			   "beside it if that may be",
			   load->read_percent < 100 ? "this --rw" : "--verify");
}

static void finish(struct blk_args *args, struct argp_state *state)
{
	const struct blk_load_options *load = &args->options.load;
	struct bench_args *bench = &args->bench;

	bench_finish(bench, "that of a disk, like disk.sock", state);
	for (unsigned int i = 0; i < bench->side_count; i++)
		if (bench->sides[i].count > 1)
			cli_misuse(state, "%s: %u sockets, expected that of one disk",
				   bench->sides[i].name, bench->sides[i].count);
	if (load->ring_size & (load->ring_size - 1))
		cli_misuse(state, "--ring-size %u: expected a power of 2", load->ring_size);
	if (load->segments > load->size / BLK_SECTOR)
		cli_misuse(state,
			   "--segments %u: expected no more than a request has blocks of %u bytes "
			   "(%u); see --size",
			   load->segments, BLK_SECTOR, load->size / BLK_SECTOR);
	if (args->options.requests && args->has_seconds)
		cli_misuse(state, "--requests ends a turn, so --seconds makes no sense beside it");
	check_writes(args, state);
	if (args->options.requests && bench->side_count == 1)
		bench->options.turns = 1;
}

static error_t parse_load(struct blk_args *args, int key, const char *arg, struct argp_state *state)
{
	struct blk_load_options *load = &args->options.load;

	switch (key) {
	case KEY_RW:
		parse_rw(args, arg, state);
		return 0;
	case KEY_READ_PERCENT:
		load->read_percent = bench_count(arg, "read-percent", 0, 100, state);
		args->has_read_percent = true;
		return 0;
	case KEY_SIZE:
		load->size = (uint32_t)parse_bytes(arg, "size", BLK_SECTOR, SIZE_MAX_BYTES, state);
		return 0;
	case KEY_DEPTH:
		load->depth = bench_count(arg, "depth", 1, 4096, state);
		return 0;
	case KEY_QUEUES:
		load->queues = bench_count(arg, "queues", 1, FRONT_END_RINGS_MAX, state);
		return 0;
	case KEY_SEGMENTS:
		load->segments = bench_count(arg, "segments", 1, 253, state);
		return 0;
	case KEY_FLUSH_EVERY:
		load->flush_every = bench_count(arg, "flush-every", 1, 1000000, state);
		return 0;
	case KEY_SPAN:
		load->span = parse_bytes(arg, "span", BLK_SECTOR, INT64_MAX, state);
		return 0;
	case KEY_RING_SIZE:
		load->ring_size =
			(uint16_t)bench_count(arg, "ring-size", 4, DRIVER_RING_MAX, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct blk_args *args = cli_data(state);
	struct blk_load_options *load = &args->options.load;

	args->has_seconds |= key == KEY_SECONDS;
	if (key != ARGP_KEY_INIT && bench_parse(&args->bench, key, arg, state))
		return 0;
	switch (key) {
	case ARGP_KEY_INIT:
		bench_init(&args->bench);
		load->size = SIZE;
		load->depth = DEPTH;
		load->queues = load->segments = 1;
		parse_rw(args, "randread", state);
		return 0;
	case KEY_PACKED:
		load->packed = true;
		return 0;
	case KEY_NO_INDIRECT:
		load->no_indirect = true;
		return 0;
	case KEY_NO_EVENT_IDX:
		load->no_event_idx = true;
		return 0;
	case KEY_OVERWRITE:
		args->overwrite = true;
		return 0;
	case KEY_REQUESTS:
		args->options.requests = cli_whole_number(arg, "requests", 1, 1000000000000, state);
		return 0;
	case KEY_VERIFY:
		load->verify = true;
		return 0;
	case ARGP_KEY_END:
		finish(args, state);
		return 0;
	default:
		return parse_load(args, key, arg, state);
	}
}

static const struct bench_column columns[] = {
	{"iops", NULL, "IOPS", 0},
	{"spread", "q1", "Q1", 0},
	{"spread", "q3", "Q3", 0},
	{"mib", NULL, "MiB/S", 1},
	{"kicks_per_request", NULL, "KICKS", 3},
	{"headroom", NULL, "HEADROOM", 2},
	{"first_is_times", "median", "FIRST IS TIMES", 2},
	{"first_is_times", "q1", "Q1", 2},
	{"first_is_times", "q3", "Q3", 2},
};

static const struct bench_column kind_columns[] = {
	{"requests", NULL, "REQUESTS", 0},   {"errors", NULL, "ERRORS", 0},
	{"iops", NULL, "IOPS", 0},           {"latency_us", "p50", "P50 us", 1},
	{"latency_us", "p99", "P99 us", 1},  {"latency_us", "p99.9", "P99.9 us", 1},
	{"latency_us", "p100", "MAX us", 1},
};

/* Kinds of requests of all sides, each with the name of its side. */
static void print_kinds(struct json_object *results)
{
	static const struct bench_table table = {
		.names = {{"side", "BACK END", false, true, false},
			  {"kind", "KIND", false, false, false}},
		.columns = kind_columns,
		.count = sizeof(kind_columns) / sizeof(*kind_columns),
	};
	struct json_object *sides = json_object_object_get(results, "sides");
	struct json_object *rows = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(sides); i++) {
		struct json_object *side = json_object_array_get_idx(sides, i);
		struct json_object *kinds = json_object_object_get(side, "kinds");

		for (size_t j = 0; j < json_object_array_length(kinds); j++) {
			struct json_object *row = json_copy(json_object_array_get_idx(kinds, j));

			json_add_text(row, "side", json_text_or_null(side, "side"));
			json_object_array_add(rows, row);
		}
	}
	puts("");
	bench_print(&table, rows);
	json_object_put(rows);
}

static uint64_t count_of(struct json_object *object, const char *key)
{
	return json_object_get_uint64(json_object_object_get(object, key));
}

static bool is_true(struct json_object *object, const char *key)
{
	return json_object_get_boolean(json_object_object_get(object, key));
}

static const char *status_name(uint64_t status)
{
	return status == 1 ? "an I/O error" : status == 2 ? "unsupported" : "none of virtio's";
}

/* What the first sector was that is not what was written. */
static int tell_wrong(struct cli *cli, const char *side, struct json_object *wrong)
{
	const unsigned long long sector = count_of(wrong, "sector");
	const uint64_t generation = count_of(wrong, "generation");
	const uint64_t found = count_of(wrong, "found_generation");
	const char *is = json_text(wrong, "is");

	if (!strcmp(is, "stale"))
		return iov_fail(cli->iov, -EBADMSG,
				"%s: sector %llu is stale: what was written %llu times before the "
				"last time; a write was lost, or went to another place",
				side, sector, (unsigned long long)(generation - found));
	if (!strcmp(is, "misplaced"))
		return iov_fail(cli->iov, -EBADMSG,
				"%s: sector %llu has what was written to sector %llu", side, sector,
				(unsigned long long)count_of(wrong, "found_sector"));
	return iov_fail(cli->iov, -EBADMSG, "%s: sector %llu is corrupt: %s", side, sector,
			is_true(wrong, "untouched") ? "nothing was read, though the disk says so"
			: is_true(wrong, "zero")    ? "it has nothing but zeros"
						    : "it has not what was ever written");
}

static int judge_side(struct cli *cli, struct json_object *side)
{
	struct json_object *wrong;
	const uint64_t errors = count_of(side, "errors"), status = count_of(side, "first_status");

	if (json_object_object_get_ex(side, "first_wrong", &wrong))
		return tell_wrong(cli, json_text(side, "side"), wrong);
	if (!errors)
		return 0;
	return iov_fail(cli->iov, -EIO,
			"%s: %llu requests failed, the first with status %llu, %s; the log of the "
			"back end may say why",
			json_text(side, "side"), (unsigned long long)errors,
			(unsigned long long)status, status_name(status));
}

static int judge(struct cli *cli, struct json_object *results)
{
	struct json_object *sides = json_object_object_get(results, "sides");
	int error = 0;

	for (size_t i = 0; !error && i < json_object_array_length(sides); i++)
		error = judge_side(cli, json_object_array_get_idx(sides, i));
	return error;
}

/* Whose guest is to come: whoever starts its rings first would have its data from then on. */
static int check_disk(struct cli *cli, const char *socket, struct json_object *disk)
{
	static const char *const waiting[] = { "incoming", "waits-for-writer", "given-up" };
	const char *status = json_text(disk, "status");

	if (strcmp(json_text(disk, "socket"), socket) != 0)
		return 0;
	for (size_t i = 0; i < sizeof(waiting) / sizeof(*waiting); i++)
		if (!strcmp(status, waiting[i]))
			return iov_fail_as(cli->iov, IOV_FAILURE_OTHER, -EBUSY, "%s: is that of disk %s of "
					   "iovd, which is %s: a load would have the data in place of the "
					   "guest that it waits for; measure a disk that was added without "
					   "--incoming", socket, json_text(disk, "name"), status);
	return 0;
}

/* Other back ends have no such disks, and who may not ask iovd may have no socket of it, either. */
static int check_sides(struct cli *cli, const struct bench_args *bench)
{
	_cleanup_json_ struct json_object *disks = NULL;
	char path[PATH_MAX];
	int error = 0;

	if (iov_rpc_call(cli->iov, "disk.list", NULL, &disks))
		return 0;
	for (unsigned int i = 0; !error && i < bench->side_count; i++) {
		error = cli_absolute_path(cli->iov, "SOCKET", bench->sides[i].paths[0], path);
		for (size_t j = 0; !error && j < json_object_array_length(disks); j++)
			error = check_disk(cli, path, json_object_array_get_idx(disks, j));
	}
	return error;
}

static int measure(struct json_object **results, struct cli *cli, void *data)
{
	struct blk_args *args = data;
	int error = check_sides(cli, &args->bench);

	if (error)
		return error;
	args->options.turns = args->bench.options;
	args->options.load.no_huge = args->bench.no_huge;
	return blk_bench_run(results, cli->iov, args->bench.sides, args->bench.side_count,
			     &args->options);
}

static int run(struct cli *cli, void *data)
{
	static const struct bench_report report = {
		.kind = "blk",
		.figure = "iops",
		.rate = "requests a second",
		.table = {.names = {{"side", "BACK END", false, true, false}},
			  .columns = columns,
			  .count = sizeof(columns) / sizeof(*columns)},
		.generator = "generator_iops",
		.unit = "requests",
		.print_more = print_kinds,
		.write_page = blk_bench_html,
		.judge = judge,
	};
	struct blk_args *args = data;

	return bench_run(cli, &args->bench, &report, measure, args);
}

const struct cli_command cli_bench_blk = {
	.name = "bench blk",
	.args = "[NAME=]SOCKET ...",
	.summary = "Measure vhost-user disks, and verify what they give back",
	.example = "iov bench blk /run/disk.sock --rw mix --depth 32 --verify --overwrite --cpu 1",
	.options = options,
	.parse = parse,
	.data_size = sizeof(struct blk_args),
	.run = run,
};
