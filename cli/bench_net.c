// SPDX-License-Identifier: GPL-2.0-or-later
/* iov bench net: what a vhost-user back end carries. */
#include <errno.h>
#include <string.h>

#include "bench/driver_ring.h"
#include "bench/net_bench.h"
#include "cli/argument.h"
#include "cli/bench.h"
#include "cli/commands.h"

#define RING_SIZE 1024
#define BURST 32

struct net_args {
	struct bench_args bench;
	struct net_bench_options options;
	bool mixed;
};

enum {
	KEY_SIZE = KEY_BENCH,
	KEY_RATE,
	KEY_SEARCH,
	KEY_LOSS,
	KEY_BURST,
	KEY_RING_SIZE,
	KEY_PACKED,
	KEY_FLOWS,
	KEY_STATIONS,
	KEY_ONE_WAY,
	KEY_BROADCAST,
	KEY_LATENCY,
	KEY_GAPS,
	KEY_VERIFY,
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
	{"broadcast", KEY_BROADCAST, 0, 0, "Only the first port sends, and to all others of its side", 1},
	BENCH_OPTIONS,
	{"search", KEY_SEARCH, 0, 0, "Look for the highest rate without loss, as RFC 2544 does", 2},
	{"loss", KEY_LOSS, "PERCENT", 0, "Loss that a trial of --search may have (0)", 2},
	{"latency", KEY_LATENCY, 0, 0, "How long frames are under way, by a stamp in each", 2},
	{"gaps", KEY_GAPS, 0, 0, "How long nothing comes while frames are sent: pauses of a back end", 2},
	{"verify", KEY_VERIFY, 0, 0, "Compare every byte of every frame, and the order", 2},
	{0},
};

static void parse_size(struct net_args *args, const char *arg, struct argp_state *state)
{
	struct frames_plan *frames = &args->options.load.frames;

	args->mixed = !strcmp(arg, "imix");
	frames->size = args->mixed ? 0 : bench_count(arg, "size", FRAMES_MIN, FRAMES_MAX, state);
}

static void check_broadcast(const struct net_load_options *load, const struct bench_args *bench,
			    const struct argp_state *state)
{
	if (!load->frames.broadcast)
		return;
	if (load->one_way)
		cli_misuse(state, "--broadcast and --one-way: expected one of them");
	for (unsigned int i = 0; i < bench->side_count; i++)
		if (bench->sides[i].count < 2 || bench->sides[i].count % 2)
			cli_misuse(state, "%s: expected pairs of sockets with --broadcast: A,B",
				   bench->sides[i].name);
}

static void finish(struct net_args *args, struct argp_state *state)
{
	struct net_load_options *load = &args->options.load;
	const struct bench_args *bench = &args->bench;

	bench_finish(&args->bench, "those of a back end, like vm1.sock,vm2.sock", state);
	check_broadcast(load, bench, state);
	for (unsigned int i = 0; i < bench->side_count; i++)
		if (bench->sides[i].count > 1 && bench->sides[i].count % 2)
			cli_misuse(state,
				   "%s: %u sockets, expected one whose frames come back, or pairs: "
				   "A,B",
				   bench->sides[i].name, bench->sides[i].count);
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
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct net_args *args = cli_data(state);
	struct net_bench_options *bench = &args->options;
	struct net_load_options *load = &bench->load;

	if (key != ARGP_KEY_INIT && bench_parse(&args->bench, key, arg, state))
		return 0;
	switch (key) {
	case ARGP_KEY_INIT:
		bench_init(&args->bench);
		args->mixed = false;
		*bench = (struct net_bench_options){
			.load = {.ring_size = RING_SIZE,
				 .burst = BURST,
				 .frames = {.flows = 1, .stations = 1}},
		};
		return 0;
	case KEY_SIZE:
		parse_size(args, arg, state);
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
		load->burst = bench_count(arg, "burst", 1, NET_LOAD_BURST_MAX, state);
		return 0;
	case KEY_RING_SIZE:
		load->ring_size =
			(uint16_t)bench_count(arg, "ring-size", 8, DRIVER_RING_MAX, state);
		return 0;
	case KEY_PACKED:
		load->packed = true;
		return 0;
	case KEY_FLOWS:
		load->frames.flows = bench_count(arg, "flows", 1, 16384, state);
		return 0;
	case KEY_STATIONS:
		load->frames.stations = bench_count(arg, "stations", 1, DRIVER_RING_MAX, state);
		return 0;
	case KEY_ONE_WAY:
		load->one_way = true;
		return 0;
	case KEY_BROADCAST:
		load->frames.broadcast = true;
		return 0;
	case KEY_LATENCY:
		load->stamps = true;
		return 0;
	case KEY_GAPS:
		load->gaps = true;
		return 0;
	case KEY_VERIFY:
		load->verify = true;
		return 0;
	case ARGP_KEY_END:
		finish(args, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct bench_column columns[] = {
	{"mpps", NULL, "MPPS", 3},
	{"spread", "q1", "Q1", 3},
	{"spread", "q3", "Q3", 3},
	{"gbps", NULL, "GBIT/S", 2},
	{"loss_percent", NULL, "LOST %", 3},
	{"no_drop_mpps", NULL, "NO DROP", 3},
	{"latency_us", "p50", "P50 us", 1},
	{"latency_us", "p99", "P99 us", 1},
	{"latency_us", "p99.9", "P99.9 us", 1},
	{"gaps_us", "p99.9", "GAP P99.9 us", 1},
	{"gaps_us", "p100", "LONGEST us", 1},
	{"headroom", NULL, "HEADROOM", 2},
	{"first_is_times", "median", "FIRST IS TIMES", 2},
	{"first_is_times", "q1", "Q1", 2},
	{"first_is_times", "q3", "Q3", 2},
};

static int judge(struct cli *cli, struct json_object *results)
{
	struct json_object *sides = json_object_object_get(results, "sides");

	for (size_t i = 0; i < json_object_array_length(sides); i++) {
		struct json_object *side = json_object_array_get_idx(sides, i);

		if (json_object_get_uint64(json_object_object_get(side, "corrupt")) ||
		    json_object_get_uint64(json_object_object_get(side, "reordered")))
			return iov_fail(cli->iov, -EBADMSG,
					"frames arrived changed or out of order: the back end is "
					"wrong, or frames of somebody else are on its network");
	}
	return 0;
}

static int measure(struct json_object **results, struct cli *cli, void *data)
{
	struct net_args *args = data;

	args->options.turns = args->bench.options;
	args->options.load.no_huge = args->bench.no_huge;
	return net_bench_run(results, cli->iov, args->bench.sides, args->bench.side_count,
			     &args->options);
}

static int run(struct cli *cli, void *data)
{
	static const struct bench_report report = {
		.kind = "net",
		.figure = "mpps",
		.rate = "million frames a second",
		.table = {.names = {{"side", "BACK END", false, true, false}},
			  .columns = columns,
			  .count = sizeof(columns) / sizeof(*columns)},
		.generator = "generator_mpps",
		.unit = "million frames",
		.write_page = net_bench_html,
		.judge = judge,
	};
	struct net_args *args = data;

	return bench_run(cli, &args->bench, &report, measure, args);
}

const struct cli_command cli_bench_net = {
	.name = "bench net",
	.args = "[NAME=]SOCKET[,SOCKET...] ...",
	.summary = "Measure what vhost-user back ends carry between guests",
	.example = "iov bench net /run/vm1.sock,/run/vm2.sock --size 1514 --cpu 1",
	.options = options,
	.parse = parse,
	.data_size = sizeof(struct net_args),
	.run = run,
};
