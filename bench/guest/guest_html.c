// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>

#include "base/json.h"
#include "bench/guest/guest_bench.h"

/* A chart of one figure of one load: rows with "side" and "value". */
static void chart(const struct page *page, struct json_object *sides,
		  struct json_object *(*load_of)(struct json_object *side, const void *arg),
		  const void *arg, const char *key, const char *inner, const char *title)
{
	struct json_object *rows = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(sides); i++) {
		struct json_object *side = json_object_array_get_idx(sides, i);
		struct json_object *value = json_object_object_get(load_of(side, arg), key), *row;

		if (inner)
			value = json_object_object_get(value, inner);
		if (!value)
			continue;
		row = json_object_new_object();
		json_object_object_add(row, "side",
				       json_object_get(json_object_object_get(side, "side")));
		json_object_object_add(row, "value", json_object_get(value));
		json_object_array_add(rows, row);
	}
	page_bars(page, rows, "value", title);
	json_object_put(rows);
}

static struct json_object *by_name(struct json_object *side, const void *arg)
{
	return json_object_object_get(side, arg);
}

static struct json_object *by_depth(struct json_object *side, const void *arg)
{
	struct json_object *depths = json_object_object_get(side, "depths");

	for (size_t i = 0; i < json_object_array_length(depths); i++) {
		struct json_object *load = json_object_array_get_idx(depths, i);

		if (json_object_get_int(json_object_object_get(load, "depth")) ==
		    *(const int *)arg)
			return load;
	}
	return NULL;
}

static void networks(const struct page *page, struct json_object *sides)
{
	chart(page, sides, by_name, "out", "rate", "median", "Network: Mbit/s from the guest");
	chart(page, sides, by_name, "in", "rate", "median", "Network: Mbit/s to the guest");
	chart(page, sides, by_name, "packets", "rate", "median",
	      "Network: packets of 64 bytes a second that arrive");
	chart(page, sides, by_name, "round_trips", "latency_us", "p50",
	      "Network: round trip, median, microseconds");
	chart(page, sides, by_name, "packets", "exits_per_unit", NULL,
	      "Network: ways out of the guest (VM exits) a packet");
	chart(page, sides, by_name, "round_trips", "exits_per_unit", NULL,
	      "Network: VM exits a packet, in round trips");
	chart(page, sides, by_name, "packets", "interrupts_per_unit", NULL,
	      "Network: interrupts of devices a packet");
	chart(page, sides, by_name, "packets", "cpu_us_per_unit", NULL,
	      "Network: processor time of the host a packet, microseconds");
}

static void disks(const struct page *page, struct json_object *sides)
{
	struct json_object *depths =
		json_object_object_get(json_object_array_get_idx(sides, 0), "depths");
	char title[96];

	for (size_t i = 0; depths && i < json_object_array_length(depths); i++) {
		const int depth = json_object_get_int(json_object_object_get(
			json_object_array_get_idx(depths, i), "depth"));

		snprintf(title, sizeof(title), "Disk: reads a second at depth %d", depth);
		chart(page, sides, by_depth, &depth, "rate", "median", title);
		snprintf(title, sizeof(title), "Disk: VM exits a request at depth %d", depth);
		chart(page, sides, by_depth, &depth, "exits_per_unit", NULL, title);
	}
}

static void latencies(const struct page *page, struct json_object *results)
{
	struct json_object *nets = json_object_object_get(results, "networks");
	struct json_object *all = json_object_object_get(results, "disks");
	unsigned int rows = 0;
	char what[32];

	for (size_t i = 0; i < json_object_array_length(nets); i++) {
		struct json_object *side = json_object_array_get_idx(nets, i), *times;

		if (json_object_object_get_ex(by_name(side, "round_trips"), "latency_us", &times))
			page_latency(page, &rows, side, "round trip", times);
	}
	for (size_t i = 0; i < json_object_array_length(all); i++) {
		struct json_object *side = json_object_array_get_idx(all, i);
		struct json_object *depths = json_object_object_get(side, "depths");

		for (size_t j = 0; j < json_object_array_length(depths); j++) {
			struct json_object *load = json_object_array_get_idx(depths, j);

			snprintf(what, sizeof(what), "read, depth %d",
				 json_object_get_int(json_object_object_get(load, "depth")));
			page_latency(page, &rows, side, what,
				     json_object_object_get(load, "latency_us"));
		}
	}
	page_latency_end(page, rows);
}

static void gaps(const struct page *page, struct json_object *list)
{
	if (!json_object_array_length(list))
		return;
	fputs("<h2>Not measured</h2>\n<ul>\n", page->file);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *gap = json_object_array_get_idx(list, i);

		fputs("<li>", page->file);
		page_text(page, json_text(gap, "side"));
		fputs(", ", page->file);
		page_text(page, json_text(gap, "what"));
		fputs(": ", page->file);
		page_text(page, json_text(gap, "why"));
		fputs("</li>\n", page->file);
	}
	fputs("</ul>\n", page->file);
}

static void advice(const struct page *page, struct json_object *sentences)
{
	for (size_t i = 0; i < json_object_array_length(sentences); i++) {
		fputs("<p><b>", page->file);
		page_text(page, json_object_get_string(json_object_array_get_idx(sentences, i)));
		fputs("</b></p>\n", page->file);
	}
}

void guest_bench_html(const struct page *page, struct json_object *results)
{
	page_begin(page, "iov bench guest", results);
	advice(page, json_object_object_get(results, "advice"));
	networks(page, json_object_object_get(results, "networks"));
	disks(page, json_object_object_get(results, "disks"));
	latencies(page, results);
	gaps(page, json_object_object_get(results, "gaps"));
	page_end(page, results);
}
