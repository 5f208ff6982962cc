// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/net_bench.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Seconds against the back end that does nothing. */
#define HEADROOM_SECONDS 1.0

/* A search ends when the rate is known so well, or after so many trials. */
#define SEARCH_RESOLUTION 0.01
#define SEARCH_TRIALS 16

/* How much higher the next rate is while none was too high. */
#define SEARCH_RISE 1.25

/* A trial whose generator did not get rid of so many frames was not of that rate. */
#define OFFERED_SHARE 0.99

/* One side while it is measured; what its turns counted is added up. */
struct contender {
	const struct net_bench_side *side;
	struct net_load *load;
	struct net_load_counts sum;
	struct histogram latency;
	double *rates; /* of each turn */
	unsigned int turns;
	struct json_object *trials;
	double no_drop_rate;
};

struct bench {
	struct iov *iov;
	const struct net_bench_options *options;
	struct contender contenders[NET_BENCH_SIDES];
	unsigned int count;
	double headroom; /* frames a second; 0 when it was not measured */
};

static void tell(const struct bench *bench, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void tell(const struct bench *bench, const char *format, ...)
{
	char text[256];
	va_list args;

	if (!bench->options->progress)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	bench->options->progress(bench->options->progress_arg, text);
}

static double rate_of(const struct net_load_counts *counts)
{
	return counts->seconds > 0 ? (double)counts->received / counts->seconds : 0;
}

static double loss_of(const struct net_load_counts *counts)
{
	return counts->sent ? 100.0 * (double)counts->lost / (double)counts->sent : 0;
}

static int pin(struct iov *iov, int cpu)
{
	cpu_set_t cpus;

	if (cpu < 0)
		return 0;
	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (!sched_setaffinity(0, sizeof(cpus), &cpus))
		return 0;
	return iov_told(iov, -errno, "CPU %d: %s; expected one that this process may use", cpu,
			strerror(errno));
}

static int measure_headroom(struct bench *bench)
{
	const struct net_bench_options *options = bench->options;
	struct net_load_counts counts;
	struct net_load *sink;
	int error;

	tell(bench, "the generator alone, against a back end that does nothing");
	error = net_load_open_sink(&sink, bench->iov, bench->contenders[0].side->count,
				   &options->load, options->sink_cpu);
	if (error)
		return error;
	error = net_load_run(sink, HEADROOM_SECONDS, 0, options->stop, &counts);
	bench->headroom = rate_of(&counts);
	net_load_close(sink);
	if (!error && options->rate > bench->headroom)
		error = iov_fail(
			bench->iov, -ERANGE,
			"--rate: %.2f million frames a second are more than the %.2f million that "
			"this generator makes here; ask for less, or give it a CPU of its own with "
			"--cpu",
			options->rate / 1e6, bench->headroom / 1e6);
	return error;
}

/* Let a side's process go on, or stop it, as others need its CPU. */
static void set_running(const struct net_bench_side *side, bool running)
{
	if (side->pid)
		kill(side->pid, running ? SIGCONT : SIGSTOP);
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
	sum->seconds += counts->seconds;
	if (net_load_latency(contender->load))
		histogram_merge(&contender->latency, net_load_latency(contender->load));
}

static int run_turn(struct bench *bench, struct contender *contender)
{
	const struct net_bench_options *options = bench->options;
	struct net_load_counts counts;
	int error;

	set_running(contender->side, true);
	error = net_load_run(contender->load, options->slice, options->rate, options->stop,
			     &counts);
	if (bench->count > 1)
		set_running(contender->side, false);
	add_up(contender, &counts);
	contender->rates[contender->turns++] = rate_of(&counts);
	tell(bench, "%s: turn %u of %u, %.2f million frames a second, %.2f %% lost",
	     contender->side->name, contender->turns, options->turns, rate_of(&counts) / 1e6,
	     loss_of(&counts));
	return error;
}

static int run_turns(struct bench *bench)
{
	int error = 0;

	for (unsigned int turn = 0; !error && turn < bench->options->turns; turn++)
		for (unsigned int i = 0; !error && i < bench->count; i++) {
			unsigned int who = turn & 1 ? bench->count - 1 - i : i;

			error = run_turn(bench, &bench->contenders[who]);
		}
	return error;
}

/* One trial of a search.  Returns whether the back end carried the rate. */
static bool try_rate(struct bench *bench, struct contender *contender, double rate, int *error)
{
	struct net_load_counts counts;
	struct json_object *trial = json_object_new_object();
	bool carried;

	*error = net_load_run(contender->load, bench->options->slice, rate, bench->options->stop,
			      &counts);
	carried = loss_of(&counts) <= bench->options->loss_percent &&
		  (double)counts.sent >= rate * counts.seconds * OFFERED_SHARE;
	json_object_object_add(trial, "mpps", json_object_new_double(rate / 1e6));
	json_object_object_add(trial, "loss_percent", json_object_new_double(loss_of(&counts)));
	json_object_object_add(trial, "carried", json_object_new_boolean(carried));
	json_object_array_add(contender->trials, trial);
	tell(bench, "%s: %.3f million frames a second: %s, %.4f %% lost", contender->side->name,
	     rate / 1e6, carried ? "carried" : "not carried", loss_of(&counts));
	add_up(contender, &counts);
	return carried;
}

static int search(struct bench *bench, struct contender *contender)
{
	struct net_load_counts counts;
	double low = 0, high, rate;
	int error;

	set_running(contender->side, true);
	tell(bench, "%s: as many frames as there is room", contender->side->name);
	error = net_load_run(contender->load, bench->options->slice, 0, bench->options->stop,
			     &counts);
	high = rate_of(&counts);
	/* Up until a rate is too high, then halve the interval. */
	rate = high;
	high = 0;
	for (unsigned int i = 0; !error && i < SEARCH_TRIALS; i++) {
		if (try_rate(bench, contender, rate, &error))
			low = rate;
		else
			high = rate;
		if (high > 0 && high - low <= high * SEARCH_RESOLUTION)
			break;
		rate = high > 0 ? (low + high) / 2 : low * SEARCH_RISE;
	}
	contender->no_drop_rate = low;
	if (bench->count > 1)
		set_running(contender->side, false);
	return error;
}

static int compare_doubles(const void *a, const void *b)
{
	const double *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

/* Median and quartiles; sorts @values. */
static struct json_object *spread(double *values, unsigned int count)
{
	struct json_object *object = json_object_new_object();

	qsort(values, count, sizeof(*values), compare_doubles);
	json_object_object_add(object, "median", json_object_new_double(values[count / 2]));
	json_object_object_add(object, "q1", json_object_new_double(values[count / 4]));
	json_object_object_add(object, "q3", json_object_new_double(values[count * 3 / 4]));
	return object;
}

static struct json_object *latency_json(const struct histogram *latency)
{
	static const double percents[] = {0, 25, 50, 75, 90, 99, 99.9, 99.99, 100};
	struct json_object *object = json_object_new_object();
	char name[16];

	for (unsigned int i = 0; i < sizeof(percents) / sizeof(*percents); i++) {
		snprintf(name, sizeof(name), "p%g", percents[i]);
		json_object_object_add(
			object, name,
			json_object_new_double((double)histogram_percentile(latency, percents[i]) /
					       1000));
	}
	return object;
}

static void add_double(struct json_object *object, const char *key, double value)
{
	json_object_object_add(object, key, json_object_new_double(value));
}

static void add_count(struct json_object *object, const char *key, uint64_t value)
{
	json_object_object_add(object, key, json_object_new_uint64(value));
}

/* Rates of each turn beside those of the first side. */
static struct json_object *ratios_json(const struct bench *bench, const struct contender *other)
{
	const struct contender *first = &bench->contenders[0];
	struct json_object *object = NULL;
	unsigned int count = 0;
	double *ratios = calloc(other->turns + 1, sizeof(*ratios));

	for (unsigned int i = 0; ratios && i < other->turns && i < first->turns; i++)
		if (other->rates[i] > 0)
			ratios[count++] = first->rates[i] / other->rates[i];
	if (count)
		object = spread(ratios, count);
	free(ratios);
	return object;
}

static struct json_object *side_json(const struct bench *bench, const struct contender *contender)
{
	const struct net_load_counts *sum = &contender->sum;
	struct json_object *object = json_object_new_object(), *rates = json_object_new_array();
	double *sorted = calloc(contender->turns + 1, sizeof(*sorted));

	json_object_object_add(object, "side", json_object_new_string(contender->side->name));
	add_count(object, "ports", contender->side->count);
	add_count(object, "sent", sum->sent);
	add_count(object, "received", sum->received + sum->late);
	add_count(object, "lost", sum->lost);
	add_double(object, "loss_percent", loss_of(sum));
	add_count(object, "corrupt", sum->corrupt);
	add_count(object, "reordered", sum->reordered);
	add_count(object, "behind", sum->limited);
	add_double(object, "seconds", sum->seconds);
	add_double(object, "mpps", rate_of(sum) / 1e6);
	if (sum->seconds > 0)
		add_double(object, "gbps", (double)sum->bytes * 8 / sum->seconds / 1e9);
	for (unsigned int i = 0; i < contender->turns; i++)
		json_object_array_add(rates, json_object_new_double(contender->rates[i] / 1e6));
	json_object_object_add(object, "turns", rates);
	if (sorted && contender->turns) {
		for (unsigned int i = 0; i < contender->turns; i++)
			sorted[i] = contender->rates[i] / 1e6;
		json_object_object_add(object, "spread", spread(sorted, contender->turns));
	}
	free(sorted);
	if (bench->headroom > 0 && rate_of(sum) > 0)
		add_double(object, "headroom", bench->headroom / rate_of(sum));
	if (contender->latency.total)
		json_object_object_add(object, "latency_us", latency_json(&contender->latency));
	if (contender != &bench->contenders[0])
		json_object_object_add(object, "first_is_times", ratios_json(bench, contender));
	if (bench->options->search) {
		add_double(object, "no_drop_mpps", contender->no_drop_rate / 1e6);
		json_object_object_add(object, "trials", json_object_get(contender->trials));
	}
	return object;
}

static struct json_object *load_json(const struct bench *bench)
{
	const struct net_load_options *load = &bench->options->load;
	struct json_object *object = json_object_new_object();

	if (load->frames.size)
		add_count(object, "size", load->frames.size);
	else
		json_object_object_add(object, "size", json_object_new_string("imix"));
	json_object_object_add(object, "rings",
			       json_object_new_string(load->packed ? "packed" : "split"));
	add_count(object, "ring_size", load->ring_size);
	add_count(object, "burst", load->burst);
	add_count(object, "stations", load->frames.stations);
	add_count(object, "flows", load->frames.flows);
	add_double(object, "rate", bench->options->rate);
	add_double(object, "slice", bench->options->slice);
	json_object_object_add(object, "verified", json_object_new_boolean(load->verify));
	return object;
}

static struct json_object *results(const struct bench *bench)
{
	struct json_object *object = json_object_new_object(), *sides = json_object_new_array();
	bool huge = true;

	json_object_object_add(object, "load", load_json(bench));
	for (unsigned int i = 0; i < bench->count; i++) {
		if (bench->contenders[i].sum.sent)
			json_object_array_add(sides, side_json(bench, &bench->contenders[i]));
		huge &= bench->contenders[i].load && net_load_is_huge(bench->contenders[i].load);
	}
	json_object_object_add(object, "huge_pages", json_object_new_boolean(huge));
	if (bench->headroom > 0)
		add_double(object, "generator_mpps", bench->headroom / 1e6);
	json_object_object_add(object, "sides", sides);
	return object;
}

static int attach(struct bench *bench, const struct net_bench_side *sides, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		struct contender *contender = &bench->contenders[i];
		struct net_load_options load = bench->options->load;
		int error;

		load.listen = sides[i].connects;
		set_running(&sides[i], true);
		contender->trials = json_object_new_array();
		contender->rates = calloc(bench->options->turns, sizeof(*contender->rates));
		if (!contender->rates)
			return iov_fail(bench->iov, -ENOMEM, "no memory for the results");
		error = net_load_open(&contender->load, bench->iov, sides[i].paths, sides[i].count,
				      &load);
		if (error)
			return error;
		bench->count = i + 1;
		if (count > 1)
			set_running(&sides[i], false);
	}
	return 0;
}

static void detach(struct bench *bench)
{
	for (unsigned int i = 0; i < NET_BENCH_SIDES; i++) {
		struct contender *contender = &bench->contenders[i];

		if (contender->side)
			set_running(contender->side, true);
		net_load_close(contender->load);
		json_object_put(contender->trials);
		free(contender->rates);
	}
	free(bench);
}

int net_bench_run(struct json_object **out, struct iov *iov, const struct net_bench_side *sides,
		  unsigned int count, const struct net_bench_options *options)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	int error;

	*out = NULL;
	if (!bench)
		return iov_fail(iov, -ENOMEM, "no memory for the results");
	bench->iov = iov;
	bench->options = options;
	for (unsigned int i = 0; i < count; i++) {
		bench->contenders[i].side = &sides[i];
		set_running(&sides[i], false);
	}
	error = pin(iov, options->cpu);
	if (!error && !options->no_headroom)
		error = measure_headroom(bench);
	if (!error)
		error = attach(bench, sides, count);
	if (!error && options->search)
		for (unsigned int i = 0; !error && i < count; i++)
			error = search(bench, &bench->contenders[i]);
	else if (!error)
		error = run_turns(bench);
	if (!error || bench->contenders[0].sum.sent)
		*out = results(bench);
	detach(bench);
	return error;
}
