/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Measuring back ends side by side.
 *
 * Sides take turns of a second or two, and who goes first changes, as machines drift; each turn of
 * one is compared with the turn of the other beside it.  What the generator itself can do
 * is measured first.
 */
#ifndef IOV_BENCH_NET_BENCH_H
#define IOV_BENCH_NET_BENCH_H

#include <json-c/json.h>
#include <sys/types.h>

#include "bench/net_load.h"

#define NET_BENCH_SIDES 8

/**
 * struct net_bench_side - a back end
 * @name: what it is called in the results
 * @paths: its sockets
 * @count: length of @paths, 1 or even
 * @connects: it connects to its sockets, which are made here
 * @pid: process that is stopped while others have their turn; 0 for none
 */
struct net_bench_side {
	const char *name;
	const char *paths[NET_LOAD_PORTS];
	unsigned int count;
	bool connects;
	pid_t pid;
};

/**
 * struct net_bench_options - what is measured
 * @load: what is sent
 * @turns: of each side
 * @slice: seconds a turn
 * @rate: frames a second, all ports of a side together; 0 for as many as there is room
 * @search: look for the highest rate that loses no more than @loss_percent, as RFC 2544
 *	section 26.1 does
 * @loss_percent: see there
 * @no_headroom: do not measure the generator
 * @cpu: where the generator runs; -1 for anywhere
 * @sink_cpu: where the back end runs that does nothing; -1 for anywhere
 * @stop: set by whoever wants an end; what was measured is told
 * @progress: told of each step; NULL for nobody
 * @progress_arg: passed to @progress
 */
struct net_bench_options {
	struct net_load_options load;
	unsigned int turns;
	double slice;
	double rate;
	bool search;
	double loss_percent;
	bool no_headroom;
	int cpu;
	int sink_cpu;
	const volatile bool *stop;
	void (*progress)(void *arg, const char *text);
	void *progress_arg;
};

/**
 * net_bench_run - measure
 * @out: receives the results, for the caller to put; of what was measured until a failure,
 *	too; NULL when there was nothing
 * @iov: context for messages
 * @sides: the first one is compared with the others
 * @count: length of @sides, 1 to NET_BENCH_SIDES
 * @options: what and how
 *
 * Return: 0; -ERANGE when the rate is more than the generator can; -EINTR when it was
 * stopped; or as net_load_open() and net_load_run().
 */
int net_bench_run(struct json_object **out, struct iov *iov, const struct net_bench_side *sides,
		  unsigned int count, const struct net_bench_options *options);

/**
 * net_bench_html - a page about the results
 * @path: file, which is overwritten
 * @iov: context for messages
 * @results: of net_bench_run()
 *
 * The page needs nothing but itself.
 *
 * Return: 0 or -errno with a message.
 */
int net_bench_html(const char *path, struct iov *iov, struct json_object *results);

#endif
