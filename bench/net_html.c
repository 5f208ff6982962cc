// SPDX-License-Identifier: GPL-2.0-or-later
/* A page with tables and charts drawn as SVG; nothing is loaded from anywhere. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "bench/net_bench.h"

#define WIDTH 640
#define ROW 28
#define LABEL 140
#define HEIGHT 240

static const char *const colours[NET_BENCH_SIDES] = {
	"#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f",
};

static double number(struct json_object *object, const char *key)
{
	return json_object_get_double(json_object_object_get(object, key));
}

/* Text of users, such as names of sides and paths. */
static void escaped(FILE *file, const char *text)
{
	for (; *text; text++)
		switch (*text) {
		case '<':
			fputs("&lt;", file);
			break;
		case '>':
			fputs("&gt;", file);
			break;
		case '&':
			fputs("&amp;", file);
			break;
		case '"':
			fputs("&quot;", file);
			break;
		default:
			fputc(*text, file);
		}
}

static const char *name_of(struct json_object *side)
{
	return json_text_or_null(side, "side");
}

static double largest(struct json_object *sides, const char *key)
{
	double most = 0;

	for (size_t i = 0; i < json_object_array_length(sides); i++) {
		double value = number(json_object_array_get_idx(sides, i), key);

		if (value > most)
			most = value;
	}
	return most > 0 ? most : 1;
}

/* A bar for each side. */
static void bars(FILE *file, struct json_object *sides, const char *key, const char *title)
{
	size_t count = json_object_array_length(sides);
	double most = largest(sides, key);

	fprintf(file, "<h2>%s</h2>\n<svg width=\"%d\" height=\"%zu\" role=\"img\">\n", title,
		WIDTH + 80, count * ROW);
	for (size_t i = 0; i < count; i++) {
		struct json_object *side = json_object_array_get_idx(sides, i);
		double value = number(side, key);
		double length = value / most * (WIDTH - LABEL);

		fprintf(file, "<text x=\"0\" y=\"%zu\">", i * ROW + 18);
		escaped(file, name_of(side));
		fprintf(file,
			"</text><rect x=\"%d\" y=\"%zu\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>"
			"<text x=\"%.1f\" y=\"%zu\">%.3f</text>\n",
			LABEL, i * ROW + 4, length, ROW - 8, colours[i % NET_BENCH_SIDES],
			LABEL + length + 6, i * ROW + 18, value);
	}
	fputs("</svg>\n", file);
}

/* The rate of each turn, as a line for each side. */
static void turns(FILE *file, struct json_object *sides)
{
	double most = 0;

	for (size_t i = 0; i < json_object_array_length(sides); i++) {
		struct json_object *rates =
			json_object_object_get(json_object_array_get_idx(sides, i), "turns");

		for (size_t j = 0; j < json_object_array_length(rates); j++) {
			double rate = json_object_get_double(json_object_array_get_idx(rates, j));

			if (rate > most)
				most = rate;
		}
	}
	if (most <= 0)
		return;
	fprintf(file,
		"<h2>Each turn, up to %.2f million frames a second</h2>\n"
		"<svg width=\"%d\" height=\"%d\" role=\"img\">\n",
		most, WIDTH, HEIGHT + 10);
	for (size_t i = 0; i < json_object_array_length(sides); i++) {
		struct json_object *rates =
			json_object_object_get(json_object_array_get_idx(sides, i), "turns");
		size_t count = json_object_array_length(rates);

		fprintf(file, "<polyline fill=\"none\" stroke-width=\"2\" stroke=\"%s\" points=\"",
			colours[i % NET_BENCH_SIDES]);
		for (size_t j = 0; j < count; j++)
			fprintf(file, "%.1f,%.1f ",
				count > 1 ? (double)j * WIDTH / (double)(count - 1) : 0,
				HEIGHT + 5 -
					json_object_get_double(
						json_object_array_get_idx(rates, j)) /
						most * HEIGHT);
		fputs("\"/>\n", file);
	}
	fputs("</svg>\n", file);
}

static void latencies(FILE *file, struct json_object *sides)
{
	bool titled = false;

	for (size_t i = 0; i < json_object_array_length(sides); i++) {
		struct json_object *side = json_object_array_get_idx(sides, i), *times;

		if (!json_object_object_get_ex(side, "latency_us", &times))
			continue;
		if (!titled) {
			fputs("<h2>Latency, microseconds</h2>\n<table><tr><th></th>", file);
			json_object_object_foreach(times, percentile, unused)
			{
				(void)unused;
				fprintf(file, "<th>%s</th>", percentile);
			}
			fputs("</tr>\n", file);
			titled = true;
		}
		fputs("<tr><td>", file);
		escaped(file, name_of(side));
		fputs("</td>", file);
		json_object_object_foreach(times, key, value)
		{
			(void)key;
			fprintf(file, "<td>%.1f</td>", json_object_get_double(value));
		}
		fputs("</tr>\n", file);
	}
	if (titled)
		fputs("</table>\n", file);
}

static void trials(FILE *file, struct json_object *sides)
{
	for (size_t i = 0; i < json_object_array_length(sides); i++) {
		struct json_object *side = json_object_array_get_idx(sides, i), *list;

		if (!json_object_object_get_ex(side, "trials", &list))
			continue;
		fputs("<h2>Search for the rate without loss: ", file);
		escaped(file, name_of(side));
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

static void page(FILE *file, struct json_object *results)
{
	struct json_object *sides = json_object_object_get(results, "sides");
	struct json_object *load = json_object_object_get(results, "load");

	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>iov bench "
	      "net</title>\n"
	      "<style>body{font:15px sans-serif;margin:2em;max-width:60em}td,th{padding:2px 12px;"
	      "text-align:right}table{border-collapse:collapse}tr+tr{border-top:1px solid #ccc}"
	      "text{font:14px sans-serif}</style></head><body>\n<h1>iov bench net</h1>\n<table>\n",
	      file);
	json_object_object_foreach(load, key, value)
	{
		fprintf(file, "<tr><th>%s</th><td>", key);
		escaped(file, json_object_get_string(value));
		fputs("</td></tr>\n", file);
	}
	fputs("</table>\n", file);
	bars(file, sides, "mpps", "Million frames a second");
	bars(file, sides, "gbps", "Gigabits a second");
	bars(file, sides, "loss_percent", "Lost, percent");
	turns(file, sides);
	latencies(file, sides);
	trials(file, sides);
	fputs("<h2>All figures</h2>\n<pre>", file);
	escaped(file, json_object_to_json_string_ext(results, JSON_C_TO_STRING_PRETTY));
	fputs("</pre>\n</body></html>\n", file);
}

int net_bench_html(const char *path, struct iov *iov, struct json_object *results)
{
	FILE *file = fopen(path, "we");
	bool bad;

	if (!file)
		return iov_told(iov, -errno, "%s: %s; expected a file that can be written", path,
				strerror(errno));
	page(file, results);
	bad = ferror(file);
	if (fclose(file) || bad)
		return iov_fail(iov, -EIO, "%s: the page could not be written; is the disk full?",
				path);
	return 0;
}
