// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/json.h"
#include "bench/net_bench.h"

static double number(struct json_object *object, const char *key)
{
	return json_object_get_double(json_object_object_get(object, key));
}

static void latencies(const struct page *page, struct json_object *sides)
{
	unsigned int rows = 0;

	for (size_t i = 0; i < json_object_array_length(sides); i++) {
		struct json_object *side = json_object_array_get_idx(sides, i), *times;

		if (json_object_object_get_ex(side, "latency_us", &times))
			page_latency(page, &rows, side, "", times);
	}
	page_latency_end(page, rows);
}

static void trials(const struct page *page, struct json_object *sides)
{
	FILE *file = page->file;

	for (size_t i = 0; i < json_object_array_length(sides); i++) {
		struct json_object *side = json_object_array_get_idx(sides, i), *list;

		if (!json_object_object_get_ex(side, "trials", &list))
			continue;
		fputs("<h2>Search for the rate without loss: ", file);
		page_text(page, json_text(side, "side"));
		fputs("</h2>\n<table><tr><th>million frames a second</th><th>lost, "
		      "%</th><th>carried</th></tr>\n",
		      file);
		for (size_t j = 0; j < json_object_array_length(list); j++) {
			struct json_object *trial = json_object_array_get_idx(list, j);

			fprintf(file, "<tr><td>%.3f</td><td>%.4f</td><td>%s</td></tr>\n",
				number(trial, "mpps"), number(trial, "loss_percent"),
				json_object_get_boolean(json_object_object_get(trial, "carried"))
					? "yes"
					: "no");
		}
		fputs("</table>\n", file);
	}
}

void net_bench_html(const struct page *page, struct json_object *results)
{
	struct json_object *sides = json_object_object_get(results, "sides");

	page_begin(page, "iov bench net", results);
	page_bars(page, sides, "mpps", "Million frames a second");
	page_bars(page, sides, "gbps", "Gigabits a second");
	page_bars(page, sides, "loss_percent", "Lost, percent");
	page_turns(page, sides, "million frames a second");
	latencies(page, sides);
	trials(page, sides);
	page_end(page, results);
}
