/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What "iov bench net" and "iov bench blk" share: back ends, turns, results. */
#ifndef IOV_CLI_BENCH_H
#define IOV_CLI_BENCH_H

#include <argp.h>
#include <json-c/json.h>

#include "bench/page.h"
#include "bench/turns.h"
#include "cli/cli.h"
#include "cli/output.h"

enum {
	KEY_SECONDS = 0x2000,
	KEY_SLICE,
	KEY_PAIRS,
	KEY_NO_HEADROOM,
	KEY_HTML,
	KEY_OUTPUT,
	KEY_CPU,
	KEY_SINK_CPU,
	KEY_LISTEN,
	KEY_PAUSE,
	KEY_NO_HUGE,
	KEY_BENCH, /* first key of a command's own */
};

#define BENCH_OPTIONS                                                                              \
	{ 0, 0, 0, 0, "What is measured:", 2 },                                                    \
	{ "seconds", KEY_SECONDS, "S", 0, "How long one back end is measured (5)", 2 },            \
	{ "pairs", KEY_PAIRS, "N", 0, "Turns of each of several back ends (15)", 2 },              \
	{ "slice", KEY_SLICE, "S", 0, "Length of a turn (1)", 2 },                                 \
	{ "no-headroom", KEY_NO_HEADROOM, 0, 0,                                                    \
	  "Do not measure first what the generator can do", 2 },                                   \
	{ "output", KEY_OUTPUT, "FILE", 0,                                                         \
	  "Write the results as JSON, after each turn what there is", 2 },                         \
	{ "html", KEY_HTML, "FILE", 0, "Write a page with charts, too", 2 },                       \
	{ 0, 0, 0, 0, "How it runs:", 3 },                                                         \
	{ "cpu", KEY_CPU, "N", 0, "CPU of the generator", 3 },                                     \
	{ "sink-cpu", KEY_SINK_CPU, "N", 0, "CPU of the back end that does nothing", 3 },          \
	{ "listen", KEY_LISTEN, "NAME", 0,                                                         \
	  "Make the sockets of this back end, which connects to them", 3 },                        \
	{ "pause", KEY_PAUSE, "NAME=PID", 0,                                                       \
	  "Stop this process while other sides have their turn", 3 },                              \
	{ "no-huge", KEY_NO_HUGE, 0, 0, "Do without huge pages", 3 }

/**
 * struct bench_args - what these options and the arguments say
 * @sides: the back ends
 * @side_count: length of @sides
 * @options: how they take turns; whole after bench_finish()
 * @seconds: --seconds
 * @pairs: --pairs
 * @no_huge: --no-huge
 * @html: --html, NULL for none
 * @output: --output, NULL for none
 */
struct bench_args {
	struct bench_side sides[BENCH_SIDES];
	unsigned int side_count;
	struct turns_options options;
	double seconds;
	unsigned int pairs;
	bool no_huge;
	const char *html;
	const char *output;

	/* private */
	char *names[BENCH_SIDES]; /* copies of the arguments, which names and sockets are in */
	const char *pauses[BENCH_SIDES];
	unsigned int pause_count;
	const char *listens[BENCH_SIDES];
	unsigned int listen_count;
};

/* For an argp parser: defaults. */
void bench_init(struct bench_args *args);

/*
 * For an argp parser: take one of these options, or a back end.  False when @key is none of them.
 */
bool bench_parse(struct bench_args *args, int key, char *arg, struct argp_state *state);

/* For an argp parser: all arguments are there; @example is what is missing without any. */
void bench_finish(struct bench_args *args, const char *example, struct argp_state *state);

/* For an argp parser: a whole number. */
unsigned int bench_count(const char *arg, const char *option, unsigned int min, unsigned int max,
			 struct argp_state *state);

/**
 * struct bench_column - a column of a table of results
 * @member: member of a side with the figure, or with an object that has it
 * @key: member of that object; NULL when @member is the figure
 * @title: heading
 * @decimals: behind the point
 */
struct bench_column {
	const char *member;
	const char *key;
	const char *title;
	int decimals;
};

#define BENCH_NAMES 2
#define BENCH_COLUMNS 20

/**
 * struct bench_table - a table of results
 * @names: its first columns, what rows are called; the second one may be empty
 * @columns: the others
 * @count: length of @columns, BENCH_COLUMNS at most
 */
struct bench_table {
	struct iov_column names[BENCH_NAMES];
	const struct bench_column *columns;
	size_t count;
};

/* Print rows, to which members are added. */
void bench_print(const struct bench_table *table, struct json_object *rows);

/**
 * struct bench_report - what becomes of results
 * @kind: the command: "net"
 * @figure: member of a side that its turns are turns of: "mpps"
 * @rate: its unit: "million frames a second"
 * @table: of sides
 * @generator: member of the results with what the generator does
 * @unit: of that: "million frames"
 * @print_more: prints what is behind the table; NULL for nothing
 * @write_page: writes the page of --html
 * @judge: finds what is wrong in the results; 0 or -errno with a message
 */
struct bench_report {
	const char *kind;
	const char *figure;
	const char *rate;
	struct bench_table table;
	const char *generator;
	const char *unit;
	void (*print_more)(struct json_object *results);
	void (*write_page)(const struct page *page, struct json_object *results);
	int (*judge)(struct cli *cli, struct json_object *results);
};

/*
 * See that the page of --html can be written, call @measure with @data, which leaves the results,
 * and tell them.  A signal ends it early.
 */
int bench_run(struct cli *cli, struct bench_args *args, const struct bench_report *report,
	      int (*measure)(struct json_object **results, struct cli *cli, void *data),
	      void *data);

#endif
