/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Measuring back ends side by side.
 *
 * Sides take turns of a second or two, and who goes first changes, as machines drift; each turn of
 * one is compared with the turn of the other beside it.  What the generator itself can do
 * is measured first.
 */
#ifndef IOV_BENCH_TURNS_H
#define IOV_BENCH_TURNS_H

#include <json-c/json.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/iov.h"
#include "bench/histogram.h"

#define BENCH_SIDES 8

/* Most sockets of a side. */
#define BENCH_SOCKETS 64

/**
 * struct bench_side - a back end
 * @name: what it is called in the results
 * @paths: its sockets
 * @count: length of @paths
 * @connects: it connects to its sockets, which are made here
 * @pid: process that is stopped while others have their turn; 0 for none
 */
struct bench_side {
	const char *name;
	const char *paths[BENCH_SOCKETS];
	unsigned int count;
	bool connects;
	pid_t pid;
};

/**
 * struct turns_options - how sides take turns
 * @turns: of each side
 * @slice: seconds a turn
 * @no_headroom: do not measure the generator
 * @cpu: where the generator runs; -1 for anywhere
 * @sink_cpu: where the back end runs that does nothing; -1 for anywhere
 * @stop: set by whoever wants an end; what was measured is told
 * @progress: told of each step; NULL for nobody
 * @progress_arg: passed to @progress
 * @keep: told after each turn what there is so far, results that are its to put; NULL for nobody
 * @keep_arg: passed to @keep
 */
struct turns_options {
	unsigned int turns;
	double slice;
	bool no_headroom;
	int cpu;
	int sink_cpu;
	const volatile bool *stop;
	void (*progress)(void *arg, const char *text);
	void *progress_arg;
	void (*keep)(void *arg, struct json_object *results);
	void *keep_arg;
};

/* Percentiles of the latency within a turn that are kept of each. */
#define TURNS_PERCENTILES 2

/**
 * struct turns - sides while they are measured
 * @iov: context for messages
 * @options: how
 * @sides: the sides
 * @total: how many
 * @count: how many of them were attached to
 * @rates: of each turn of each side
 * @taken: turns of each side that were taken
 * @latency: nanoseconds of each turn of each side, by percentile; 0 in a turn without
 * @left: seconds until all turns are taken, as far as those before tell; 0 for unknown
 * @left_is_most: there may be fewer turns
 * @results: what there is so far, for who keeps it; of the argument of turns_run()
 * @headroom: what the generator does against a back end that does nothing; 0 when that was
 *	not measured
 */
struct turns {
	struct iov *iov;
	const struct turns_options *options;
	const struct bench_side *sides;
	unsigned int total;
	unsigned int count;
	double *rates[BENCH_SIDES];
	unsigned int taken[BENCH_SIDES];
	uint64_t *latency[BENCH_SIDES][TURNS_PERCENTILES];
	double left;
	bool left_is_most;
	struct json_object *(*results)(void *arg);
	double headroom;
};

/**
 * turns_open - stop the processes of all sides, and go to our CPU
 * @turns: overwritten; closed with turns_close() also after a failure
 * @iov: context for messages, outlives it
 * @sides: outlive it
 * @count: length of @sides, 1 to BENCH_SIDES
 * @options: outlive it
 *
 * Return: 0 or -errno with a message.
 */
int turns_open(struct turns *turns, struct iov *iov, const struct bench_side *sides,
	       unsigned int count, const struct turns_options *options);

/**
 * turns_headroom - measure the generator, which is the median of some short turns, as one of them
 *	says little where something else runs on the CPU
 * @turns: opened; its headroom is set, also after a failure
 * @run: that many seconds against the back end that does nothing, whose rate is told through @rate
 * @arg: passed to @run
 *
 * Return: 0 or what @run returned.
 */
int turns_headroom(struct turns *turns, int (*run)(void *arg, double seconds, double *rate),
		   void *arg);

/**
 * turns_attach - attach to all sides, each of which runs meanwhile
 * @turns: opened
 * @attach: attaches to the side of an index
 * @arg: passed to @attach
 *
 * Return: 0 or what @attach returned.
 */
int turns_attach(struct turns *turns, int (*attach)(void *arg, unsigned int side), void *arg);

/**
 * turns_run - have all sides take their turns
 * @turns: attached
 * @run: one turn of a side, whose rate is told through @rate, also after a failure
 * @arg: passed to @run
 *
 * Return: 0 or what @run returned.
 */
int turns_run(struct turns *turns, int (*run)(void *arg, unsigned int side, double *rate),
	      void *arg);

/**
 * turns_latency - note the times of a turn, from within it
 * @turns: attached
 * @side: index of the side whose turn it is
 * @times: of this turn
 */
void turns_latency(struct turns *turns, unsigned int side, const struct histogram *times);

/**
 * turns_keep - tell who keeps results what there is so far
 * @turns: attached
 * @arg: passed to @results
 */
void turns_keep(const struct turns *turns, void *arg);

/**
 * turns_let - let the process of a side go on, or stop it when there are others
 * @turns: opened
 * @side: index
 * @running: whether it goes on
 */
void turns_let(const struct turns *turns, unsigned int side, bool running);

/**
 * turns_tell - say what goes on to who wants to know, and how long it takes still
 * @turns: opened
 * @format: printf format
 */
void turns_tell(const struct turns *turns, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * turns_add - add "turns", "turn_latency_us", "spread", "headroom" and "first_is_times" to the results of a side
 * @turns: turns
 * @side: index
 * @object: results
 * @unit: what rates are divided by
 * @rate: of all turns together, not divided
 */
void turns_add(const struct turns *turns, unsigned int side, struct json_object *object,
	       double unit, double rate);

/**
 * turns_close - let all processes go on
 * @turns: opened
 */
void turns_close(struct turns *turns);

#endif
