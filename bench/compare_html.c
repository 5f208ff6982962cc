// SPDX-License-Identifier: GPL-2.0-or-later
#include <math.h>

#include "base/json.h"
#include "bench/compare.h"

#define WIDTH 640
#define LABEL 220
#define ROW 34

static double number(struct json_object *object, const char *key, double absent)
{
	struct json_object *value = json_object_object_get(object, key);

	return value ? json_object_get_double(value) : absent;
}

/* By how much of itself anything differs, in the logarithm of the ratio. */
static double widest(struct json_object *figures)
{
	static const char *const keys[] = { "ratio", "low", "high" };
	double most = log(1.01);

	for (size_t i = 0; i < json_object_array_length(figures); i++)
		for (size_t j = 0; j < sizeof(keys) / sizeof(*keys); j++) {
			double ratio = number(json_object_array_get_idx(figures, i), keys[j], 1);

			if (ratio > 0 && fabs(log(ratio)) > most)
				most = fabs(log(ratio));
		}
	return most;
}

static double place(double ratio, double most)
{
	const double middle = LABEL + (WIDTH - LABEL) / 2.0;
	double x = ratio > 0 ? middle + log(ratio) / most * (WIDTH - LABEL) / 2.2 : LABEL;

	return x < LABEL ? LABEL : x > WIDTH ? WIDTH : x;
}

static void put_label(const struct page *page, struct json_object *figure, double y)
{
	fprintf(page->file, "<text x=\"0\" y=\"%.0f\">", y + 5);
	page_text(page, json_text(figure, "side"));
	fputs(": ", page->file);
	page_text(page, json_text(figure, "figure"));
	fputs("</text>\n", page->file);
}

static void put_figure(const struct page *page, struct json_object *figure, double y, double most)
{
	const double ratio = number(figure, "ratio", INFINITY);

	put_label(page, figure, y);
	if (json_object_object_get(figure, "low"))
		fprintf(page->file, "<line class=\"interval\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" "
			"y2=\"%.1f\"/>\n", place(number(figure, "low", 0), most),
			place(number(figure, "high", INFINITY), most), y, y);
	fprintf(page->file, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\"><title>%.4f</title></circle>\n",
		place(ratio, most), y, ratio);
}

static void put_chart(const struct page *page, struct json_object *figures)
{
	const size_t count = json_object_array_length(figures);
	const double most = widest(figures);

	fprintf(page->file, "<h2>Second to first, with what 95 %% is sure of</h2>\n"
		"<svg width=\"%d\" height=\"%zu\" role=\"img\">\n"
		"<title>Each figure's ratio and interval; the line in the middle is no difference</title>\n"
		"<line class=\"axis\" x1=\"%.1f\" x2=\"%.1f\" y1=\"0\" y2=\"%zu\"/>\n",
		WIDTH + 10, (count + 1) * ROW, place(1, most), place(1, most), count * ROW);
	for (size_t i = 0; i < count; i++)
		put_figure(page, json_object_array_get_idx(figures, i),
			   (double)i * ROW + ROW / 2.0, most);
	fprintf(page->file, "<text x=\"%.1f\" y=\"%zu\" text-anchor=\"middle\">equal</text>\n</svg>\n",
		place(1, most), count * ROW + 18);
}

static void put_rows(const struct page *page, struct json_object *rows, const char *const *keys,
		     size_t count)
{
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		fputs("<tr>", page->file);
		for (size_t j = 0; j < count; j++) {
			fputs("<td>", page->file);
			page_text(page, json_text(json_object_array_get_idx(rows, i), keys[j]));
			fputs("</td>", page->file);
		}
		fputs("</tr>\n", page->file);
	}
	fputs("</table>\n", page->file);
}

void bench_compare_html(const struct page *page, struct json_object *comparison)
{
	static const char *const verdicts[] = { "side", "figure", "words" };
	static const char *const differences[] = { "where", "member", "first", "second" };
	struct json_object *list = json_object_object_get(comparison, "differences");

	page_begin(page, "iov bench compare", comparison);
	fputs("<h2>What it means</h2>\n<table class=\"words\">", page->file);
	put_rows(page, json_object_object_get(comparison, "figures"), verdicts, 3);
	put_chart(page, json_object_object_get(comparison, "figures"));
	if (json_object_array_length(list)) {
		fputs("<h2>What else differs</h2>\n<table class=\"words\">"
		      "<tr><th></th><th></th><th>first</th><th>second</th></tr>\n", page->file);
		put_rows(page, list, differences, 4);
	}
	page_end(page, comparison);
}
