// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/net_bench.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "bench/figures.h"

static_assert(BENCH_SOCKETS <= NET_LOAD_PORTS, "a port for each socket");

/* A search ends when the rate is known so well, or after so many trials. */
#define SEARCH_RESOLUTION 0.01
#define SEARCH_TRIALS 16

/* How much higher the next rate is while none was too high. */
#define SEARCH_RISE 1.25

/* A trial whose generator did not get rid of so many frames was not of that rate. */
#define OFFERED_SHARE 0.99

/* One side while it is measured; what its turns counted is added up. */
struct contender {
	struct net_load *load;
	struct net_load_counts sum;
	struct histogram latency;
	struct histogram gaps;
	struct json_object *trials;
	double no_drop_rate;
};

struct bench {
	struct turns turns;
	const struct net_bench_options *options;
	struct contender contenders[BENCH_SIDES];
};

static double rate_of(const struct net_load_counts *counts)
{
	return counts->seconds > 0 ? (double)counts->received / counts->seconds : 0;
}

static double loss_of(const struct net_load_counts *counts)
{
	return counts->sent ? 100.0 * (double)counts->lost / (double)counts->sent : 0;
}

struct alone {
	struct net_load *load;
	const volatile bool *stop;
};

static int run_alone(void *arg, double seconds, double *rate)
{
	const struct alone *alone = arg;
	struct net_load_counts counts;
	int error = net_load_run(alone->load, seconds, 0, alone->stop, &counts);

	*rate = rate_of(&counts);
	return error;
}

static int measure_headroom(struct bench *bench)
{
	const struct net_bench_options *options = bench->options;
	struct turns *turns = &bench->turns;
	struct alone alone = {.stop = options->turns.stop};
	int error;

	turns_tell(turns, "the generator alone, against a back end that does nothing");
	error = net_load_open_sink(&alone.load, turns->iov, turns->sides[0].count, &options->load,
				   options->turns.sink_cpu);
	if (error)
		return error;
	error = turns_headroom(turns, run_alone, &alone);
	net_load_close(alone.load);
	if (!error && options->rate > turns->headroom)
		error = iov_fail(
			turns->iov, -ERANGE,
			"--rate: %.2f million frames a second are more than the %.2f million that "
			"this generator makes here; ask for less, or give it a CPU of its own with "
			"--cpu",
			options->rate / 1e6, turns->headroom / 1e6);
	return error;
}

static void add_up(struct contender *contender, const struct net_load_counts *counts)
{
	struct net_load_counts *sum = &contender->sum;

	sum->sent += counts->sent;
	sum->received += counts->received;
	sum->bytes += counts->bytes;
	sum->late += counts->late;
	sum->lost += counts->lost;
	sum->corrupt += counts->corrupt;
	sum->reordered += counts->reordered;
	sum->limited += counts->limited;
	if (counts->away_ns > sum->away_ns)
		sum->away_ns = counts->away_ns;
	sum->seconds += counts->seconds;
	if (net_load_latency(contender->load))
		histogram_merge(&contender->latency, net_load_latency(contender->load));
	if (net_load_gaps(contender->load))
		histogram_merge(&contender->gaps, net_load_gaps(contender->load));
}

static int run_turn(void *arg, unsigned int side, double *rate)
{
	struct bench *bench = arg;
	const struct net_bench_options *options = bench->options;
	struct contender *contender = &bench->contenders[side];
	struct net_load_counts counts;
	int error = net_load_run(contender->load, options->turns.slice, options->rate,
				 options->turns.stop, &counts);

	add_up(contender, &counts);
	if (net_load_latency(contender->load))
		turns_latency(&bench->turns, side, net_load_latency(contender->load));
	*rate = rate_of(&counts);
	turns_tell(&bench->turns, "%s: turn %u of %u, %.2f million frames a second, %.2f %% lost",
		   bench->turns.sides[side].name, bench->turns.taken[side] + 1,
		   options->turns.turns, *rate / 1e6, loss_of(&counts));
	return error;
}

/* One trial of a search.  Returns whether the back end carried the rate. */
static bool try_rate(struct bench *bench, unsigned int side, double rate, int *error)
{
	const struct turns_options *turns = &bench->options->turns;
	struct contender *contender = &bench->contenders[side];
	struct json_object *trial = json_object_new_object();
	struct net_load_counts counts;
	bool carried;

	*error = net_load_run(contender->load, turns->slice, rate, turns->stop, &counts);
	carried = loss_of(&counts) <= bench->options->loss_percent &&
		  (double)counts.sent >= rate * counts.seconds * OFFERED_SHARE;
	figures_add(trial, "mpps", rate / 1e6);
	figures_add(trial, "loss_percent", loss_of(&counts));
	json_object_object_add(trial, "carried", json_object_new_boolean(carried));
	json_object_array_add(contender->trials, trial);
	turns_tell(&bench->turns, "%s: %.3f million frames a second: %s, %.4f %% lost",
		   bench->turns.sides[side].name, rate / 1e6, carried ? "carried" : "not carried",
		   loss_of(&counts));
	add_up(contender, &counts);
	turns_keep(&bench->turns, bench);
	return carried;
}

/* What a search takes if it needs all its trials, and so do those of the sides after it. */
static void bound_left(struct bench *bench, unsigned int side, unsigned int trials)
{
	const unsigned int others = bench->turns.count - side - 1;

	bench->turns.left_is_most = true;
	bench->turns.left = bench->options->turns.slice * (trials + others * (SEARCH_TRIALS + 1));
}

static int search(struct bench *bench, unsigned int side)
{
	const struct turns_options *turns = &bench->options->turns;
	struct contender *contender = &bench->contenders[side];
	struct net_load_counts counts;
	double low = 0, high, rate;
	int error;

	turns_let(&bench->turns, side, true);
	bound_left(bench, side, SEARCH_TRIALS + 1);
	turns_tell(&bench->turns, "%s: as many frames as there is room",
		   bench->turns.sides[side].name);
	error = net_load_run(contender->load, turns->slice, 0, turns->stop, &counts);
	high = rate_of(&counts);
	/* Up until a rate is too high, then halve the interval. */
	rate = high;
	high = 0;
	for (unsigned int i = 0; !error && i < SEARCH_TRIALS; i++) {
		bound_left(bench, side, SEARCH_TRIALS - i - 1);
		if (try_rate(bench, side, rate, &error))
			low = rate;
		else
			high = rate;
		if (high > 0 && high - low <= high * SEARCH_RESOLUTION)
			break;
		rate = high > 0 ? (low + high) / 2 : low * SEARCH_RISE;
	}
	contender->no_drop_rate = low;
	turns_let(&bench->turns, side, false);
	return error;
}

static struct json_object *side_json(const struct bench *bench, unsigned int side)
{
	const struct contender *contender = &bench->contenders[side];
	const struct net_load_counts *sum = &contender->sum;
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "side",
			       json_object_new_string(bench->turns.sides[side].name));
	figures_count(object, "ports", bench->turns.sides[side].count);
	figures_count(object, "sent", sum->sent);
	figures_count(object, "received", sum->received + sum->late);
	figures_count(object, "lost", sum->lost);
	figures_add(object, "loss_percent", loss_of(sum));
	figures_count(object, "corrupt", sum->corrupt);
	figures_count(object, "reordered", sum->reordered);
	figures_count(object, "behind", sum->limited);
	figures_add(object, "seconds", sum->seconds);
	figures_add(object, "mpps", rate_of(sum) / 1e6);
	if (sum->seconds > 0)
		figures_add(object, "gbps", (double)sum->bytes * 8 / sum->seconds / 1e9);
	turns_add(&bench->turns, side, object, 1e6, rate_of(sum));
	if (contender->latency.total)
		json_object_object_add(object, "latency_us", figures_latency(&contender->latency));
	if (contender->gaps.total) {
		json_object_object_add(object, "gaps_us", figures_latency(&contender->gaps));
		figures_add(object, "away_us", (double)sum->away_ns / 1000);
	}
	if (bench->options->search) {
		figures_add(object, "no_drop_mpps", contender->no_drop_rate / 1e6);
		json_object_object_add(object, "trials", json_object_get(contender->trials));
	}
	return object;
}

static struct json_object *load_json(const struct bench *bench)
{
	const struct net_load_options *load = &bench->options->load;
	struct json_object *object = json_object_new_object();

	if (load->frames.size)
		figures_count(object, "size", load->frames.size);
	else
		json_object_object_add(object, "size", json_object_new_string("imix"));
	json_object_object_add(object, "rings",
			       json_object_new_string(load->packed ? "packed" : "split"));
	figures_count(object, "ring_size", load->ring_size);
	figures_count(object, "burst", load->burst);
	figures_count(object, "stations", load->frames.stations);
	figures_count(object, "flows", load->frames.flows);
	figures_add(object, "rate", bench->options->rate);
	figures_add(object, "slice", bench->options->turns.slice);
	json_object_object_add(object, "broadcast", json_object_new_boolean(load->frames.broadcast));
	json_object_object_add(object, "verified", json_object_new_boolean(load->verify));
	return object;
}

static struct json_object *results(void *arg)
{
	const struct bench *bench = arg;
	struct json_object *object = json_object_new_object(), *sides = json_object_new_array();
	bool huge = true;

	json_object_object_add(object, "load", load_json(bench));
	for (unsigned int i = 0; i < bench->turns.count; i++) {
		if (bench->contenders[i].sum.sent)
			json_object_array_add(sides, side_json(bench, i));
		huge &= net_load_is_huge(bench->contenders[i].load);
	}
	json_object_object_add(object, "huge_pages", json_object_new_boolean(huge));
	if (bench->turns.headroom > 0)
		figures_add(object, "generator_mpps", bench->turns.headroom / 1e6);
	json_object_object_add(object, "sides", sides);
	return object;
}

static int attach(void *arg, unsigned int side)
{
	struct bench *bench = arg;
	const struct bench_side *to = &bench->turns.sides[side];
	struct contender *contender = &bench->contenders[side];
	struct net_load_options load = bench->options->load;

	load.listen = to->connects;
	contender->trials = json_object_new_array();
	return net_load_open(&contender->load, bench->turns.iov, to->paths, to->count, &load);
}

static void detach(struct bench *bench)
{
	for (unsigned int i = 0; i < bench->turns.total; i++) {
		struct contender *contender = &bench->contenders[i];

		/* Who is stopped does not answer. */
		turns_let(&bench->turns, i, true);
		net_load_close(contender->load);
		json_object_put(contender->trials);
	}
	turns_close(&bench->turns);
	free(bench);
}

static int measure(struct bench *bench)
{
	int error = bench->options->turns.no_headroom ? 0 : measure_headroom(bench);

	if (!error)
		error = turns_attach(&bench->turns, attach, bench);
	if (error || !bench->options->search)
		return error ? error : turns_run(&bench->turns, run_turn, bench);
	for (unsigned int i = 0; !error && i < bench->turns.count; i++)
		error = search(bench, i);
	return error;
}

int net_bench_run(struct json_object **out, struct iov *iov, const struct bench_side *sides,
		  unsigned int count, const struct net_bench_options *options)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	int error;

	*out = NULL;
	if (!bench)
		return iov_fail(iov, -ENOMEM, "no memory for the results");
	bench->options = options;
	error = turns_open(&bench->turns, iov, sides, count, &options->turns);
	bench->turns.results = results;
	if (!error)
		error = measure(bench);
	if (!error || bench->contenders[0].sum.sent)
		*out = results(bench);
	detach(bench);
	return error;
}
