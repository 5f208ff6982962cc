// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/json.h"
#include "bench/blk_bench.h"

static void latencies(const struct page *page, struct json_object *sides)
{
	unsigned int rows = 0;

	for (size_t i = 0; i < json_object_array_length(sides); i++) {
		struct json_object *side = json_object_array_get_idx(sides, i);
		struct json_object *kinds = json_object_object_get(side, "kinds");

		for (size_t j = 0; j < json_object_array_length(kinds); j++) {
			struct json_object *kind = json_object_array_get_idx(kinds, j);

			page_latency(page, &rows, side, json_text(kind, "kind"),
				     json_object_object_get(kind, "latency_us"));
		}
	}
	page_latency_end(page, rows);
}

void blk_bench_html(const struct page *page, struct json_object *results)
{
	struct json_object *sides = json_object_object_get(results, "sides");

	page_begin(page, "iov bench blk", results);
	page_bars(page, sides, "iops", "Requests a second");
	page_bars(page, sides, "mib", "MiB a second");
	page_bars(page, sides, "errors", "Requests that failed");
	page_turns(page, sides, "requests a second");
	latencies(page, sides);
	page_end(page, results);
}
