/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two files of results side by side: how many times more, how sure that is, and what it means. */
#ifndef IOV_BENCH_COMPARE_H
#define IOV_BENCH_COMPARE_H

#include <json-c/json.h>

#include "base/iov.h"
#include "bench/page.h"

/**
 * bench_compare - compare
 * @out: receives the comparison, for the caller to put: "kind"; "first", "second" with "file",
 *	"complete", "time"; "differences" between what was loaded and where; "figures", each with
 *	"side", "figure", "unit", "better" ("more" or "less"), medians, "ratio", its interval or
 *	nulls, "verdict" ("better", "worse", "same", "unclear", "unknown") and the same in "words";
 *	"unmatched", sides that only one has
 * @iov: context for messages
 * @paths: names of the two files
 * @results: what is in them, of bench_result_read()
 *
 * Return: 0; -EINVAL with a message for results of two kinds, or without a side in common.
 */
int bench_compare(struct json_object **out, struct iov *iov, const char *const paths[2],
		  struct json_object *const results[2]);

/**
 * bench_compare_html - write a page about a comparison
 * @page: page
 * @comparison: of bench_compare()
 */
void bench_compare_html(const struct page *page, struct json_object *comparison);

#endif
