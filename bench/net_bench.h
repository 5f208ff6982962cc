/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What network back ends carry, measured side by side. */
#ifndef IOV_BENCH_NET_BENCH_H
#define IOV_BENCH_NET_BENCH_H

#include <json-c/json.h>

#include "bench/net_load.h"
#include "bench/page.h"
#include "bench/turns.h"

/**
 * struct net_bench_options - what is measured
 * @turns: how sides take turns
 * @load: what is sent
 * @rate: frames a second, all ports of a side together; 0 for as many as there is room
 * @search: look for the highest rate that loses no more than @loss_percent, as RFC 2544
 *	section 26.1 does
 * @loss_percent: see there
 */
struct net_bench_options {
	struct turns_options turns;
	struct net_load_options load;
	double rate;
	bool search;
	double loss_percent;
};

/**
 * net_bench_run - measure
 * @out: receives the results, for the caller to put; of what was measured until a failure,
 *	too; NULL when there was nothing
 * @iov: context for messages
 * @sides: the first one is compared with the others
 * @count: length of @sides, 1 to BENCH_SIDES
 * @options: what and how
 *
 * Return: 0; -ERANGE when the rate is more than the generator can; -EINTR when it was
 * stopped; or as net_load_open() and net_load_run().
 */
int net_bench_run(struct json_object **out, struct iov *iov, const struct bench_side *sides,
		  unsigned int count, const struct net_bench_options *options);

/**
 * net_bench_html - write a page about the results
 * @page: page
 * @results: of net_bench_run()
 */
void net_bench_html(const struct page *page, struct json_object *results);

#endif
