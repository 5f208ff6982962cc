/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How fast disks are, measured side by side. */
#ifndef IOV_BENCH_BLK_BENCH_H
#define IOV_BENCH_BLK_BENCH_H

#include <json-c/json.h>

#include "bench/blk_load.h"
#include "bench/page.h"
#include "bench/turns.h"

/**
 * struct blk_bench_options - what is measured
 * @turns: how sides take turns
 * @load: what is asked for
 * @requests: a turn ends after so many; 0 for any number
 */
struct blk_bench_options {
	struct turns_options turns;
	struct blk_load_options load;
	uint64_t requests;
};

/**
 * blk_bench_run - measure
 * @out: receives the results, for the caller to put; of what was measured until a failure,
 *	too; NULL when there was nothing
 * @iov: context for messages
 * @sides: of one socket each; the first one is compared with the others
 * @count: length of @sides, 1 to BENCH_SIDES
 * @options: what and how
 *
 * Return: 0; -EINTR when it was stopped; or as blk_load_open() and blk_load_run().
 */
int blk_bench_run(struct json_object **out, struct iov *iov, const struct bench_side *sides,
		  unsigned int count, const struct blk_bench_options *options);

/**
 * blk_bench_html - write a page about the results
 * @page: page
 * @results: of blk_bench_run()
 */
void blk_bench_html(const struct page *page, struct json_object *results);

#endif
