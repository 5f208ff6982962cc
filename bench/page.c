// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/page.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "bench/turns.h"

#define WIDTH 640
#define ROW 28
#define LABEL 140
#define HEIGHT 240

static const char *const colours[BENCH_SIDES] = {
	"#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f",
};

int page_open(struct page *page, struct iov *iov, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	*page = (struct page){.path = path, .is_new = fd >= 0};
	if (fd < 0)
		fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return iov_told(iov, -errno, "%s: %s; expected a file that can be written", path,
				strerror(errno));
	page->file = fdopen(fd, "w");
	if (page->file)
		return 0;
	close(fd);
	return iov_fail(iov, -ENOMEM, "no memory for a page");
}

static double number(struct json_object *object, const char *key)
{
	return json_object_get_double(json_object_object_get(object, key));
}

void page_text(const struct page *page, const char *text)
{
	FILE *file = page->file;

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

static void name(const struct page *page, struct json_object *side)
{
	page_text(page, json_text(side, "side"));
}

/* In the dark, on paper, and on a small screen, too. */
static const char style[] =
	":root{color-scheme:light dark}body{font:15px sans-serif;margin:2em auto;padding:0 1em;"
	"max-width:60em}td,th{padding:2px 12px;text-align:right}.words td,.words th{text-align:left}"
	"table{border-collapse:collapse}tr+tr{border-top:1px solid #8886}svg{max-width:100%;"
	"overflow:visible}text{font:14px sans-serif;fill:currentColor}.interval{stroke:#1f77b4;"
	"stroke-width:4;stroke-linecap:round}.axis{stroke:currentColor;stroke-dasharray:4}circle{fill:"
	"#d62728}.partial{border:2px solid #d62728;padding:.5em 1em}pre,code{overflow-x:auto;"
	"white-space:pre-wrap;overflow-wrap:anywhere}@media print{pre.all{display:none}}";

static void put_table(const struct page *page, const char *title, struct json_object *object)
{
	if (!json_object_is_type(object, json_type_object))
		return;
	fprintf(page->file, "<h2>%s</h2>\n<table class=\"words\">\n", title);
	json_object_object_foreach(object, key, value)
	{
		fputs("<tr><th>", page->file);
		page_text(page, key);
		fputs("</th><td>", page->file);
		page_text(page, json_object_get_string(value) ? json_object_get_string(value) : "");
		fputs("</td></tr>\n", page->file);
	}
	fputs("</table>\n", page->file);
}

/* A word as a shell takes it. */
static void put_word(const struct page *page, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_=+,./:@%";
	char letter[2] = "";

	if (*word && word[strspn(word, plain)] == '\0') {
		page_text(page, word);
		return;
	}
	fputc('\'', page->file);
	for (; *word; word++) {
		letter[0] = *word;
		page_text(page, *word == '\'' ? "'\\''" : letter);
	}
	fputc('\'', page->file);
}

static void put_command(const struct page *page, struct json_object *words)
{
	if (!json_object_is_type(words, json_type_array))
		return;
	fputs("<h2>The command that repeats it</h2>\n<pre>", page->file);
	for (size_t i = 0; i < json_object_array_length(words); i++) {
		if (i)
			fputc(' ', page->file);
		put_word(page, json_object_get_string(json_object_array_get_idx(words, i)));
	}
	fputs("</pre>\n", page->file);
}

static void put_partial(const struct page *page, struct json_object *results)
{
	struct json_object *complete;

	if (json_object_object_get_ex(results, "complete", &complete) &&
	    !json_object_get_boolean(complete))
		fputs("<p class=\"partial\">Interrupted: these are the figures of the turns until "
		      "then.</p>\n", page->file);
}

void page_begin(const struct page *page, const char *title, struct json_object *results)
{
	FILE *file = page->file;

	/* Pipes and devices have nothing to be taken away. */
	if (ftruncate(fileno(file), 0))
		clearerr(file);
	fprintf(file,
		"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>%s</title>"
		"\n<style>%s</style></head><body>\n<h1>%s</h1>\n",
		title, style, title);
	put_partial(page, results);
	put_table(page, "What was measured", json_object_object_get(results, "load"));
	put_table(page, "First", json_object_object_get(results, "first"));
	put_table(page, "Second", json_object_object_get(results, "second"));
}

static double largest(struct json_object *sides, const char *key)
{
	double most = 0;

	for (size_t i = 0; i < json_object_array_length(sides); i++) {
		double value = number(json_object_array_get_idx(sides, i), key);

		if (value > most)
			most = value;
	}
	return most;
}

void page_bars(const struct page *page, struct json_object *sides, const char *key,
	       const char *title)
{
	size_t count = json_object_array_length(sides);
	double most = largest(sides, key);
	FILE *file = page->file;

	if (most <= 0)
		return;

	fprintf(file, "<h2>%s</h2>\n<svg width=\"%d\" height=\"%zu\" role=\"img\">\n", title,
		WIDTH + 80, count * ROW);
	for (size_t i = 0; i < count; i++) {
		struct json_object *side = json_object_array_get_idx(sides, i);
		double value = number(side, key);
		double length = value / most * (WIDTH - LABEL);

		fprintf(file, "<text x=\"0\" y=\"%zu\">", i * ROW + 18);
		name(page, side);
		fprintf(file,
			"</text><rect x=\"%d\" y=\"%zu\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>"
			"<text x=\"%.1f\" y=\"%zu\">%.3f</text>\n",
			LABEL, i * ROW + 4, length, ROW - 8, colours[i % BENCH_SIDES],
			LABEL + length + 6, i * ROW + 18, value);
	}
	fputs("</svg>\n", file);
}

void page_turns(const struct page *page, struct json_object *sides, const char *unit)
{
	FILE *file = page->file;
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
		"<h2>Each turn, up to %.2f %s</h2>\n"
		"<svg width=\"%d\" height=\"%d\" role=\"img\">\n",
		most, unit, WIDTH, HEIGHT + 10);
	for (size_t i = 0; i < json_object_array_length(sides); i++) {
		struct json_object *rates =
			json_object_object_get(json_object_array_get_idx(sides, i), "turns");
		size_t count = json_object_array_length(rates);

		fprintf(file, "<polyline fill=\"none\" stroke-width=\"2\" stroke=\"%s\" points=\"",
			colours[i % BENCH_SIDES]);
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

void page_latency(const struct page *page, unsigned int *rows, struct json_object *side,
		  const char *what, struct json_object *times)
{
	FILE *file = page->file;

	if (!(*rows)++) {
		fputs("<h2>Latency, microseconds</h2>\n<table><tr><th></th>", file);
		json_object_object_foreach(times, percentile, unused)
		{
			(void)unused;
			fprintf(file, "<th>%s</th>", percentile);
		}
		fputs("</tr>\n", file);
	}
	fputs("<tr><td>", file);
	name(page, side);
	fprintf(file, "%s%s</td>", *what ? " " : "", what);
	json_object_object_foreach(times, key, value)
	{
		(void)key;
		fprintf(file, "<td>%.1f</td>", json_object_get_double(value));
	}
	fputs("</tr>\n", file);
}

void page_latency_end(const struct page *page, unsigned int rows)
{
	if (rows)
		fputs("</table>\n", page->file);
}

void page_end(const struct page *page, struct json_object *results)
{
	put_command(page, json_object_object_get(results, "command"));
	put_table(page, "Where", json_object_object_get(results, "environment"));
	fputs("<h2>All figures</h2>\n<pre class=\"all\">", page->file);
	page_text(page, json_object_to_json_string_ext(results, JSON_C_TO_STRING_PRETTY));
	fputs("</pre>\n</body></html>\n", page->file);
}

int page_close(struct page *page, struct iov *iov)
{
	bool is_empty, bad;

	if (!page->file)
		return 0;
	is_empty = !ftello(page->file);
	bad = ferror(page->file);
	bad |= fclose(page->file) != 0;
	page->file = NULL;
	if (page->is_new && is_empty)
		unlink(page->path);
	return bad ? iov_fail(iov, -EIO, "%s: the page could not be written; is the disk full?",
			      page->path)
		   : 0;
}
