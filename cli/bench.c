// SPDX-License-Identifier: GPL-2.0-or-later
/* iov bench net: what a vhost-user back end carries. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "bench/net_bench.h"
#include "bench/driver_ring.h"
#include "cli/argument.h"
#include "cli/commands.h"
#include "cli/output.h"

#define RING_SIZE 1024
#define BURST 32
#define SECONDS 5.0
#define SLICE 1.0
#define PAIRS 15

struct bench_args {
	struct net_bench_side sides[NET_BENCH_SIDES];
	char *names[NET_BENCH_SIDES]; /* of sides that were given none: all their sockets */
	unsigned int side_count;
	struct net_bench_options options;
	double seconds;
	unsigned int pairs;
	bool mixed;
	const char *html;
	const char *pauses[NET_BENCH_SIDES];
	unsigned int pause_count;
	const char *listens[NET_BENCH_SIDES];
	unsigned int listen_count;
};

enum {
	KEY_SIZE = 0x2000,
	KEY_SECONDS,
	KEY_SLICE,
	KEY_PAIRS,
	KEY_RATE,
	KEY_SEARCH,
	KEY_LOSS,
	KEY_BURST,
	KEY_RING_SIZE,
	KEY_PACKED,
	KEY_FLOWS,
	KEY_STATIONS,
	KEY_ONE_WAY,
	KEY_LATENCY,
	KEY_VERIFY,
	KEY_LISTEN,
	KEY_NO_HUGE,
	KEY_NO_HEADROOM,
	KEY_CPU,
	KEY_SINK_CPU,
	KEY_PAUSE,
	KEY_HTML,
};

static const struct argp_option options[] = {
	{0, 0, 0, 0, "What is sent:", 1},
	{"size", KEY_SIZE, "BYTES|imix", 0,
	 "Length of frames without a checksum (64); more than 1514 are TCP frames to be cut", 1},
	{"rate", KEY_RATE, "N[K|M]", 0,
	 "Frames a second, all ports together (as many as there is room)", 1},
	{"burst", KEY_BURST, "N", 0, "Frames that are posted at once (32)", 1},
	{"flows", KEY_FLOWS, "N", 0, "UDP or TCP flows of each port (1)", 1},
	{"stations", KEY_STATIONS, "N", 0, "MAC addresses behind each port (1)", 1},
	{"packed", KEY_PACKED, 0, 0, "Packed rings instead of split ones", 1},
	{"ring-size", KEY_RING_SIZE, "N", 0, "Entries of a ring, a power of 2 (1024)", 1},
	{"one-way", KEY_ONE_WAY, 0, 0, "Only the first port of each pair sends", 1},
	{0, 0, 0, 0, "What is measured:", 2},
	{"seconds", KEY_SECONDS, "S", 0, "How long one back end is measured (5)", 2},
	{"pairs", KEY_PAIRS, "N", 0, "Turns of each of several back ends (15)", 2},
	{"slice", KEY_SLICE, "S", 0, "Length of a turn, and of a trial (1)", 2},
	{"search", KEY_SEARCH, 0, 0, "Look for the highest rate without loss, as RFC 2544 does", 2},
	{"loss", KEY_LOSS, "PERCENT", 0, "Loss that a trial of --search may have (0)", 2},
	{"latency", KEY_LATENCY, 0, 0, "How long frames are under way, by a stamp in each", 2},
	{"verify", KEY_VERIFY, 0, 0, "Compare every byte of every frame, and the order", 2},
	{"no-headroom", KEY_NO_HEADROOM, 0, 0, "Do not measure first what the generator can do", 2},
	{"html", KEY_HTML, "FILE", 0, "Write a page with charts, too", 2},
	{0, 0, 0, 0, "How it runs:", 3},
	{"cpu", KEY_CPU, "N", 0, "CPU of the generator", 3},
	{"sink-cpu", KEY_SINK_CPU, "N", 0, "CPU of the back end that does nothing", 3},
	{"listen", KEY_LISTEN, "NAME", 0,
	 "Make the sockets of this back end, which connects to them", 3},
	{"pause", KEY_PAUSE, "NAME=PID", 0, "Stop this process while other sides have their turn",
	 3},
	{"no-huge", KEY_NO_HUGE, 0, 0, "Do without huge pages", 3},
	{0},
};

static volatile bool stop;

static void handle_signal(int number)
{
	(void)number;
	stop = true;
}

static unsigned int parse_count(const char *arg, const char *option, unsigned int min,
				unsigned int max, struct argp_state *state)
{
	char *end;
	unsigned long value = strtoul(arg, &end, 10);

	if (*end || end == arg || value < min || value > max)
		cli_misuse(state, "--%s %s: expected a whole number from %u to %u", option, arg,
			   min, max);
	return (unsigned int)value;
}

/* [NAME=]SOCKET[,SOCKET...] */
static void parse_side(struct bench_args *args, char *arg, struct argp_state *state)
{
	struct net_bench_side *side = &args->sides[args->side_count];
	char *equals = strchr(arg, '='), *slash = strchr(arg, '/'), *rest = NULL;

	if (args->side_count == NET_BENCH_SIDES)
		cli_misuse(state, "%s: one back end too many, expected %d at most", arg,
			   NET_BENCH_SIDES);
	side->name = arg;
	if (equals && (!slash || equals < slash)) {
		*equals = '\0';
		arg = equals + 1;
	} else {
		args->names[args->side_count] = strdup(arg);
		side->name = args->names[args->side_count];
	}
	for (char *path = strtok_r(arg, ",", &rest); path; path = strtok_r(NULL, ",", &rest)) {
		if (side->count == NET_LOAD_PORTS)
			cli_misuse(state, "%s: more than %d sockets", side->name, NET_LOAD_PORTS);
		side->paths[side->count++] = path;
	}
	if (!side->count || (side->count > 1 && side->count % 2))
		cli_misuse(state,
			   "%s: %u sockets, expected one whose frames come back, or pairs: A,B",
			   side->name, side->count);
	args->side_count++;
}

/* The side of an option's NAME, which is @length long. */
static struct net_bench_side *find_side(struct bench_args *args, const char *name, size_t length,
					const char *option, struct argp_state *state)
{
	for (unsigned int i = 0; i < args->side_count; i++)
		if (strlen(args->sides[i].name) == length &&
		    !strncmp(args->sides[i].name, name, length))
			return &args->sides[i];
	cli_misuse(state, "--%s %s: no back end has this name", option, name);
	return NULL;
}

static void parse_pause(struct bench_args *args, const char *arg, struct argp_state *state)
{
	const char *equals = strchr(arg, '=');

	if (!equals)
		cli_misuse(state, "--pause %s: expected NAME=PID", arg);
	find_side(args, arg, (size_t)(equals - arg), "pause", state)->pid =
		(pid_t)parse_count(equals + 1, "pause NAME=", 2, 1u << 22, state);
}

/* Options that name a back end may come before it does. */
static void keep_name(const char **names, unsigned int *count, const char *arg, const char *option,
		      struct argp_state *state)
{
	if (*count == NET_BENCH_SIDES)
		cli_misuse(state, "--%s %s: once too many", option, arg);
	names[(*count)++] = arg;
}

static void parse_size(struct bench_args *args, const char *arg, struct argp_state *state)
{
	struct frames_plan *frames = &args->options.load.frames;

	args->mixed = !strcmp(arg, "imix");
	frames->size = args->mixed ? 0 : parse_count(arg, "size", FRAMES_MIN, FRAMES_MAX, state);
}

static void finish(struct bench_args *args, struct argp_state *state)
{
	struct net_load_options *load = &args->options.load;

	if (!args->side_count)
		cli_misuse(state, "SOCKET is missing: expected those of a back end, like "
				  "vm1.sock,vm2.sock");
	for (unsigned int i = 0; i < args->pause_count; i++)
		parse_pause(args, args->pauses[i], state);
	for (unsigned int i = 0; i < args->listen_count; i++)
		find_side(args, args->listens[i], strlen(args->listens[i]), "listen", state)
			->connects = true;
	if (!load->frames.size && !args->mixed)
		load->frames.size = 64;
	load->frames.large = load->frames.size > FRAMES_MTU;
	if (load->ring_size & (load->ring_size - 1))
		cli_misuse(state, "--ring-size %u: expected a power of 2", load->ring_size);
	if (load->frames.stations > load->ring_size)
		cli_misuse(state,
			   "--stations %u: expected as many as a ring has entries (%u) at most; "
			   "see --ring-size",
			   load->frames.stations, load->ring_size);
	if (args->options.search && args->options.rate > 0)
		cli_misuse(state,
			   "--search looks for the rate, so --rate makes no sense beside it");
	load->stamps |= load->verify;
	args->options.turns = args->pairs;
	if (args->side_count == 1)
		args->options.turns = (unsigned int)(args->seconds / args->options.slice + 0.999);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct bench_args *args = cli_data(state);
	struct net_bench_options *bench = &args->options;
	struct net_load_options *load = &bench->load;

	switch (key) {
	case ARGP_KEY_INIT:
		*args = (struct bench_args){.seconds = SECONDS, .pairs = PAIRS};
		*bench = (struct net_bench_options){
			.slice = SLICE,
			.cpu = -1,
			.sink_cpu = -1,
			.load = {.ring_size = RING_SIZE,
				 .burst = BURST,
				 .frames = {.flows = 1, .stations = 1}},
		};
		return 0;
	case KEY_SIZE:
		parse_size(args, arg, state);
		return 0;
	case KEY_SECONDS:
		args->seconds = cli_number(arg, "seconds", 0.01, 86400, state);
		return 0;
	case KEY_SLICE:
		bench->slice = cli_number(arg, "slice", 0.01, 3600, state);
		return 0;
	case KEY_PAIRS:
		args->pairs = parse_count(arg, "pairs", 1, 10000, state);
		return 0;
	case KEY_RATE:
		bench->rate = cli_number(arg, "rate", 1, 1e10, state);
		return 0;
	case KEY_SEARCH:
		bench->search = true;
		return 0;
	case KEY_LOSS:
		bench->loss_percent = cli_number(arg, "loss", 0, 100, state);
		return 0;
	case KEY_BURST:
		load->burst = parse_count(arg, "burst", 1, NET_LOAD_BURST_MAX, state);
		return 0;
	case KEY_RING_SIZE:
		load->ring_size = (uint16_t)parse_count(arg, "ring-size", 8, DRIVER_RING_MAX, state);
		return 0;
	case KEY_PACKED:
		load->packed = true;
		return 0;
	case KEY_FLOWS:
		load->frames.flows = parse_count(arg, "flows", 1, 16384, state);
		return 0;
	case KEY_STATIONS:
		load->frames.stations = parse_count(arg, "stations", 1, DRIVER_RING_MAX, state);
		return 0;
	case KEY_ONE_WAY:
		load->one_way = true;
		return 0;
	case KEY_LATENCY:
		load->stamps = true;
		return 0;
	case KEY_VERIFY:
		load->verify = true;
		return 0;
	case KEY_LISTEN:
		keep_name(args->listens, &args->listen_count, arg, "listen", state);
		return 0;
	case KEY_NO_HUGE:
		load->no_huge = true;
		return 0;
	case KEY_NO_HEADROOM:
		bench->no_headroom = true;
		return 0;
	case KEY_CPU:
		bench->cpu = (int)parse_count(arg, "cpu", 0, 1023, state);
		return 0;
	case KEY_SINK_CPU:
		bench->sink_cpu = (int)parse_count(arg, "sink-cpu", 0, 1023, state);
		return 0;
	case KEY_HTML:
		args->html = arg;
		return 0;
	case KEY_PAUSE:
		keep_name(args->pauses, &args->pause_count, arg, "pause", state);
		return 0;
	case ARGP_KEY_ARG:
		parse_side(args, arg, state);
		return 0;
	case ARGP_KEY_END:
		finish(args, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void show_progress(void *arg, const char *text)
{
	(void)arg;
	fprintf(stderr, "%s\n", text);
}

/* A member of a member, for one column. */
static void lift(struct json_object *row, const char *object, const char *key, const char *as,
		 const char *format)
{
	struct json_object *inner = json_object_object_get(row, object), *value;
	char text[32];

	if (!inner || !json_object_object_get_ex(inner, key, &value))
		return;
	snprintf(text, sizeof(text), format, json_object_get_double(value));
	json_object_object_add(row, as, json_object_new_string(text));
}

static void format_column(struct json_object *row, const char *key, const char *as,
			  const char *format)
{
	struct json_object *value;
	char text[32];

	if (!json_object_object_get_ex(row, key, &value))
		return;
	snprintf(text, sizeof(text), format, json_object_get_double(value));
	json_object_object_add(row, as, json_object_new_string(text));
}

static void print_results(struct json_object *results)
{
	static const struct iov_column columns[] = {
		{"side", "BACK END", false, true},
		{"t_mpps", "MPPS", true, false},
		{"t_q1", "Q1", true, false},
		{"t_q3", "Q3", true, false},
		{"t_gbps", "GBIT/S", true, false},
		{"t_lost", "LOST %", true, false},
		{"t_ndr", "NO DROP", true, false},
		{"t_p50", "P50 us", true, false},
		{"t_p99", "P99 us", true, false},
		{"t_p999", "P99.9 us", true, false},
		{"t_headroom", "HEADROOM", true, false},
		{"t_ratio", "FIRST IS TIMES", true, false},
		{"t_ratio1", "Q1", true, false},
		{"t_ratio3", "Q3", true, false},
	};
	struct json_object *rows = json_object_object_get(results, "sides");
	double generator =
		json_object_get_double(json_object_object_get(results, "generator_mpps"));

	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		format_column(row, "mpps", "t_mpps", "%.3f");
		lift(row, "spread", "q1", "t_q1", "%.3f");
		lift(row, "spread", "q3", "t_q3", "%.3f");
		format_column(row, "gbps", "t_gbps", "%.2f");
		format_column(row, "loss_percent", "t_lost", "%.3f");
		format_column(row, "no_drop_mpps", "t_ndr", "%.3f");
		lift(row, "latency_us", "p50", "t_p50", "%.1f");
		lift(row, "latency_us", "p99", "t_p99", "%.1f");
		lift(row, "latency_us", "p99.9", "t_p999", "%.1f");
		format_column(row, "headroom", "t_headroom", "%.2f");
		lift(row, "first_is_times", "median", "t_ratio", "%.2f");
		lift(row, "first_is_times", "q1", "t_ratio1", "%.2f");
		lift(row, "first_is_times", "q3", "t_ratio3", "%.2f");
	}
	iov_output_table(stdout, rows, columns, sizeof(columns) / sizeof(*columns));
	if (generator > 0)
		printf("The generator itself makes %.2f million frames a second.\n", generator);
}

/* What makes figures worth less than they look. */
static void warn(struct json_object *results)
{
	struct json_object *sides = json_object_object_get(results, "sides");

	if (!json_object_get_boolean(json_object_object_get(results, "huge_pages")))
		fputs("iov: without huge pages figures are lower; 'sysctl vm.nr_hugepages=256' "
		      "reserves some\n",
		      stderr);
	for (size_t i = 0; i < json_object_array_length(sides); i++) {
		struct json_object *side = json_object_array_get_idx(sides, i), *headroom;

		if (json_object_object_get_ex(side, "headroom", &headroom) &&
		    json_object_get_double(headroom) < 1.2)
			fprintf(stderr,
				"iov: %s: the generator makes hardly more than this; it was "
				"measured, too\n",
				json_text_or_null(side, "side"));
	}
}

static bool has_wrong_frames(struct json_object *results)
{
	struct json_object *sides = json_object_object_get(results, "sides");

	for (size_t i = 0; i < json_object_array_length(sides); i++) {
		struct json_object *side = json_object_array_get_idx(sides, i);

		if (json_object_get_uint64(json_object_object_get(side, "corrupt")) ||
		    json_object_get_uint64(json_object_object_get(side, "reordered")))
			return true;
	}
	return false;
}

static int report(struct cli *cli, const struct bench_args *args, struct json_object *results,
		  int error)
{
	int failed = args->html ? net_bench_html(args->html, cli->iov, results) : 0;

	warn(results);
	if (cli->json && error)
		cli->answer = json_object_get(results);
	else if (cli->json)
		iov_output_json(stdout, results);
	else
		print_results(results);
	if (error)
		return error;
	if (failed)
		return failed;
	return has_wrong_frames(results)
		       ? iov_fail(cli->iov, -EBADMSG,
				  "frames arrived changed or out of order: the back end is "
				  "wrong, or frames of somebody else are on its network")
		       : 0;
}

static int run(struct cli *cli, void *data)
{
	struct bench_args *args = data;
	const struct sigaction action = {.sa_handler = handle_signal};
	_cleanup_json_ struct json_object *results = NULL;
	int error;

	args->options.stop = &stop;
	if (isatty(STDERR_FILENO))
		args->options.progress = show_progress;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	error = net_bench_run(&results, cli->iov, args->sides, args->side_count, &args->options);
	if (error == -EINTR)
		error = iov_fail(cli->iov, -EINTR, "stopped; what was measured until then is told");
	if (results)
		error = report(cli, args, results, error);
	for (unsigned int i = 0; i < args->side_count; i++)
		free(args->names[i]);
	return error;
}

const struct cli_command cli_bench_net = {
	.name = "bench net",
	.args = "[NAME=]SOCKET[,SOCKET...] ...",
	.summary = "Measure what vhost-user back ends carry between guests",
	.example = "iov bench net /run/vm1.sock,/run/vm2.sock --size 1514 --cpu 1",
	.options = options,
	.parse = parse,
	.data_size = sizeof(struct bench_args),
	.run = run,
};
