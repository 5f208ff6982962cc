// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/turns.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "bench/figures.h"

/* Against the back end that does nothing. */
#define HEADROOM_TURNS 7
#define HEADROOM_SECONDS 0.2

static const double percents[TURNS_PERCENTILES] = { 50, 99 };

void turns_tell(const struct turns *turns, const char *format, ...)
{
	char text[256];
	va_list args;

	if (!turns->options->progress)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (turns->left > 0)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "; %s %.0f s left",
			 turns->left_is_most ? "at most" : "about", ceil(turns->left));
	turns->options->progress(turns->options->progress_arg, text);
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

static void set_running(const struct bench_side *side, bool running)
{
	if (side->pid)
		kill(side->pid, running ? SIGCONT : SIGSTOP);
}

void turns_let(const struct turns *turns, unsigned int side, bool running)
{
	if (running || turns->total > 1)
		set_running(&turns->sides[side], running);
}

static bool make_room(struct turns *turns, unsigned int side)
{
	turns->rates[side] = calloc(turns->options->turns, sizeof(*turns->rates[side]));
	for (unsigned int i = 0; i < TURNS_PERCENTILES; i++) {
		turns->latency[side][i] = calloc(turns->options->turns, sizeof(uint64_t));
		if (!turns->latency[side][i])
			return false;
	}
	return turns->rates[side];
}

int turns_open(struct turns *turns, struct iov *iov, const struct bench_side *sides,
	       unsigned int count, const struct turns_options *options)
{
	*turns = (struct turns){.iov = iov, .options = options, .sides = sides, .total = count};
	for (unsigned int i = 0; i < count; i++) {
		set_running(&sides[i], false);
		if (!make_room(turns, i))
			return iov_fail(iov, -ENOMEM, "no memory for the results");
	}
	return pin(iov, options->cpu);
}

int turns_headroom(struct turns *turns, int (*run)(void *arg, double seconds, double *rate),
		   void *arg)
{
	double rates[HEADROOM_TURNS] = {0};
	unsigned int count = 0;
	int error = 0;

	while (!error && count < HEADROOM_TURNS)
		error = run(arg, HEADROOM_SECONDS, &rates[count++]);
	turns->headroom = figures_median(rates, count);
	return error;
}

int turns_attach(struct turns *turns, int (*attach)(void *arg, unsigned int side), void *arg)
{
	for (unsigned int i = 0; i < turns->total; i++) {
		int error;

		turns_let(turns, i, true);
		error = attach(arg, i);
		if (error)
			return error;
		turns->count = i + 1;
		turns_let(turns, i, false);
	}
	return 0;
}

void turns_latency(struct turns *turns, unsigned int side, const struct histogram *times)
{
	if (turns->taken[side] < turns->options->turns)
		for (unsigned int i = 0; i < TURNS_PERCENTILES; i++)
			turns->latency[side][i][turns->taken[side]] =
				histogram_percentile(times, percents[i]);
}

void turns_keep(const struct turns *turns, void *arg)
{
	if (turns->options->keep && turns->results)
		turns->options->keep(turns->options->keep_arg, turns->results(arg));
}

static int take_turn(struct turns *turns, unsigned int side,
		     int (*run)(void *arg, unsigned int side, double *rate), void *arg)
{
	double rate = 0;
	int error;

	turns_let(turns, side, true);
	error = run(arg, side, &rate);
	turns_let(turns, side, false);
	turns->rates[side][turns->taken[side]++] = rate;
	return error;
}

int turns_run(struct turns *turns, int (*run)(void *arg, unsigned int side, double *rate),
	      void *arg)
{
	const unsigned int all = turns->options->turns * turns->count;
	const uint64_t began = monotonic_ns();
	unsigned int done = 0;
	int error = 0;

	turns->left = turns->options->slice * (all - 1);
	for (unsigned int turn = 0; !error && turn < turns->options->turns; turn++)
		for (unsigned int i = 0; !error && i < turns->count; i++) {
			error = take_turn(turns, turn & 1 ? turns->count - 1 - i : i, run, arg);
			done++;
			turns_keep(turns, arg);
			/* Told within the next turn, at its end. */
			turns->left = (double)(monotonic_ns() - began) / 1e9 / done * (all - done - 1);
		}
	turns->left = 0;
	return error;
}

/* Microseconds of each turn, when all had times. */
static void add_latency(const struct turns *turns, unsigned int side, struct json_object *object)
{
	struct json_object *series = json_object_new_object();

	for (unsigned int i = 0; i < TURNS_PERCENTILES; i++) {
		struct json_object *times = json_object_new_array();
		char name[16];

		for (unsigned int j = 0; j < turns->taken[side] && turns->latency[side][i][j]; j++)
			json_object_array_add(times, json_object_new_double(
				(double)turns->latency[side][i][j] / 1000));
		snprintf(name, sizeof(name), "p%g", percents[i]);
		if (json_object_array_length(times) && json_object_array_length(times) == turns->taken[side])
			json_object_object_add(series, name, times);
		else
			json_object_put(times);
	}
	if (json_object_object_length(series))
		json_object_object_add(object, "turn_latency_us", series);
	else
		json_object_put(series);
}

static void add_spread(const struct turns *turns, unsigned int side, struct json_object *object,
		       double unit)
{
	const unsigned int count = turns->taken[side];
	struct json_object *rates = json_object_new_array(), *spread;

	for (unsigned int i = 0; i < count; i++)
		json_object_array_add(rates, json_object_new_double(turns->rates[side][i] / unit));
	json_object_object_add(object, "turns", rates);
	spread = count ? figures_spread(turns->rates[side], count, unit) : NULL;
	if (spread)
		json_object_object_add(object, "spread", spread);
}

/* Rates of the first side in each turn beside those of another one. */
static struct json_object *ratios(const struct turns *turns, unsigned int side)
{
	struct json_object *object = NULL;
	unsigned int count = 0;
	double *ratios = calloc(turns->taken[side] + 1, sizeof(*ratios));

	for (unsigned int i = 0; ratios && i < turns->taken[side] && i < turns->taken[0]; i++)
		if (turns->rates[side][i] > 0)
			ratios[count++] = turns->rates[0][i] / turns->rates[side][i];
	if (count)
		object = figures_spread(ratios, count, 1);
	free(ratios);
	return object;
}

void turns_add(const struct turns *turns, unsigned int side, struct json_object *object,
	       double unit, double rate)
{
	add_spread(turns, side, object, unit);
	add_latency(turns, side, object);
	if (turns->headroom > 0 && rate > 0)
		figures_add(object, "headroom", turns->headroom / rate);
	if (side)
		json_object_object_add(object, "first_is_times", ratios(turns, side));
}

void turns_close(struct turns *turns)
{
	for (unsigned int i = 0; i < turns->total; i++) {
		set_running(&turns->sides[i], true);
		free(turns->rates[i]);
		for (unsigned int j = 0; j < TURNS_PERCENTILES; j++)
			free(turns->latency[i][j]);
	}
}
