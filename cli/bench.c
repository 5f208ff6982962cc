// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/bench.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "base/utc.h"
#include "bench/environment.h"
#include "bench/result.h"
#include "cli/argument.h"
#include "cli/bench_output.h"

#define SECONDS 5.0
#define SLICE 1.0
#define PAIRS 15

static volatile bool stop;

/* What results say of where they come from. */
struct bench_origin {
	struct iov *iov;
	const struct bench_report *report;
	const char *output;
	char time[UTC_TEXT_SIZE];
	struct json_object *command;
	struct json_object *environment;
};

static void handle_signal(int number)
{
	(void)number;
	stop = true;
}

void bench_init(struct bench_args *args)
{
	*args = (struct bench_args){
		.seconds = SECONDS,
		.pairs = PAIRS,
		.options = {.slice = SLICE, .cpu = -1, .sink_cpu = -1, .stop = &stop},
	};
}

unsigned int bench_count(const char *arg, const char *option, unsigned int min, unsigned int max,
			 struct argp_state *state)
{
	char *end;
	unsigned long value = strtoul(arg, &end, 10);

	if (*end || end == arg || value < min || value > max)
		cli_misuse(state, "--%s %s: expected a whole number from %u to %u", option, arg,
			   min, max);
	return (unsigned int)value;
}

/* [NAME=]SOCKET[,SOCKET...]; the argument itself stays as it is, for the command that is told. */
static void parse_side(struct bench_args *args, const char *arg, struct argp_state *state)
{
	struct bench_side *side = &args->sides[args->side_count];
	char *copy, *equals, *slash, *rest = NULL;

	if (args->side_count == BENCH_SIDES)
		cli_misuse(state, "%s: one back end too many, expected %d at most", arg,
			   BENCH_SIDES);
	copy = strdup(arg);
	if (!copy)
		cli_misuse(state, "%s: no memory", arg);
	args->names[args->side_count] = copy;
	side->name = arg;
	equals = strchr(copy, '=');
	slash = strchr(copy, '/');
	if (equals && (!slash || equals < slash)) {
		*equals = '\0';
		side->name = copy;
		copy = equals + 1;
	}
	for (char *path = strtok_r(copy, ",", &rest); path; path = strtok_r(NULL, ",", &rest)) {
		if (side->count == BENCH_SOCKETS)
			cli_misuse(state, "%s: more than %d sockets", side->name, BENCH_SOCKETS);
		side->paths[side->count++] = path;
	}
	if (!side->count)
		cli_misuse(state, "%s: no socket, expected NAME=SOCKET", side->name);
	args->side_count++;
}

/* The side of an option's NAME, which is @length long. */
static struct bench_side *find_side(struct bench_args *args, const char *name, size_t length,
				    const char *option, struct argp_state *state)
{
	for (unsigned int i = 0; i < args->side_count; i++)
		if (strlen(args->sides[i].name) == length &&
		    !strncmp(args->sides[i].name, name, length))
			return &args->sides[i];
	cli_misuse(state, "--%s %s: no back end has this name", option, name);
	return NULL;
}

static void parse_pause(struct bench_args *args, const char *arg, struct argp_state *state)
{
	const char *equals = strchr(arg, '=');

	if (!equals)
		cli_misuse(state, "--pause %s: expected NAME=PID", arg);
	find_side(args, arg, (size_t)(equals - arg), "pause", state)->pid =
		(pid_t)bench_count(equals + 1, "pause NAME=", 2, 1u << 22, state);
}

/* Options that name a back end may come before it does. */
static void keep_name(const char **names, unsigned int *count, const char *arg, const char *option,
		      struct argp_state *state)
{
	if (*count == BENCH_SIDES)
		cli_misuse(state, "--%s %s: once too many", option, arg);
	names[(*count)++] = arg;
}

bool bench_parse(struct bench_args *args, int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case KEY_SECONDS:
		args->seconds = cli_number(arg, "seconds", 0.01, 86400, state);
		return true;
	case KEY_SLICE:
		args->options.slice = cli_number(arg, "slice", 0.01, 3600, state);
		return true;
	case KEY_PAIRS:
		args->pairs = bench_count(arg, "pairs", 1, 10000, state);
		return true;
	case KEY_NO_HEADROOM:
		args->options.no_headroom = true;
		return true;
	case KEY_HTML:
		args->html = arg;
		return true;
	case KEY_OUTPUT:
		args->output = arg;
		return true;
	case KEY_CPU:
		args->options.cpu = (int)bench_count(arg, "cpu", 0, 1023, state);
		return true;
	case KEY_SINK_CPU:
		args->options.sink_cpu = (int)bench_count(arg, "sink-cpu", 0, 1023, state);
		return true;
	case KEY_LISTEN:
		keep_name(args->listens, &args->listen_count, arg, "listen", state);
		return true;
	case KEY_PAUSE:
		keep_name(args->pauses, &args->pause_count, arg, "pause", state);
		return true;
	case KEY_NO_HUGE:
		args->no_huge = true;
		return true;
	case ARGP_KEY_ARG:
		parse_side(args, arg, state);
		return true;
	default:
		return false;
	}
}

void bench_finish(struct bench_args *args, const char *example, struct argp_state *state)
{
	if (!args->side_count)
		cli_misuse(state, "SOCKET is missing: expected %s", example);
	for (unsigned int i = 0; i < args->pause_count; i++)
		parse_pause(args, args->pauses[i], state);
	for (unsigned int i = 0; i < args->listen_count; i++)
		find_side(args, args->listens[i], strlen(args->listens[i]), "listen", state)
			->connects = true;
	args->options.turns = args->pairs;
	if (args->side_count == 1)
		args->options.turns = (unsigned int)(args->seconds / args->options.slice + 0.999);
}

static void show_progress(void *arg, const char *text)
{
	(void)arg;
	fprintf(stderr, "%s\n", text);
}

/* Put a figure into a row as text; tables show members of rows. */
static void lift(struct json_object *row, const struct bench_column *column, const char *as)
{
	struct json_object *value = NULL;
	char text[32];

	if (!json_object_object_get_ex(row, column->member, &value) ||
	    (column->key && !json_object_object_get_ex(value, column->key, &value)))
		return;
	snprintf(text, sizeof(text), "%.*f", column->decimals, json_object_get_double(value));
	json_object_object_add(row, as, json_object_new_string(text));
}

void bench_print(const struct bench_table *table, struct json_object *rows)
{
	struct iov_column columns[BENCH_NAMES + BENCH_COLUMNS];
	char keys[BENCH_COLUMNS][24];
	size_t at = 0;

	while (at < BENCH_NAMES && table->names[at].key) {
		columns[at] = table->names[at];
		at++;
	}
	for (size_t i = 0; i < table->count; i++) {
		snprintf(keys[i], sizeof(keys[i]), "t_%zu", i);
		columns[at] = (struct iov_column){
			.key = keys[i],
			.title = table->columns[i].title,
			.right = true,
		};
		for (size_t j = 0; j < json_object_array_length(rows); j++)
			lift(json_object_array_get_idx(rows, j), &table->columns[i], keys[i]);
		at += iov_output_has(rows, &columns[at]);
	}
	iov_output_table(stdout, rows, columns, at);
}

static void print_results(const struct bench_report *report, struct json_object *results)
{
	double generator =
		json_object_get_double(json_object_object_get(results, report->generator));

	bench_print(&report->table, json_object_object_get(results, "sides"));
	if (report->print_more)
		report->print_more(results);
	if (generator > 0)
		printf("The generator itself makes %.*f %s a second.\n", generator < 1000 ? 2 : 0,
		       generator, report->unit);
}

/* What makes figures worth less than they look. */
static void warn(struct json_object *results)
{
	struct json_object *sides = json_object_object_get(results, "sides");

	if (!json_object_get_boolean(json_object_object_get(results, "huge_pages")))
		fputs("iov: without huge pages figures are lower; 'sysctl vm.nr_hugepages=256' "
		      "reserves some\n",
		      stderr);
	for (size_t i = 0; i < json_object_array_length(sides); i++) {
		struct json_object *side = json_object_array_get_idx(sides, i), *headroom;
		double times;

		if (!json_object_object_get_ex(side, "headroom", &headroom))
			continue;
		times = json_object_get_double(headroom);
		if (times < 0.8)
			fprintf(stderr,
				"iov: %s: the generator made less by itself than with this back end, as other "
				"programs had its CPUs; measure again when they are idle\n",
				json_text_or_null(side, "side"));
		else if (times < 1.2)
			fprintf(stderr,
				"iov: %s: the generator makes hardly more than this; it was "
				"measured, too\n",
				json_text_or_null(side, "side"));
	}
}

static int tell(struct cli *cli, const struct bench_report *report, struct json_object *results,
		int error)
{
	/* What is wrong with a back end matters more than why it was no longer looked at. */
	const int wrong = report->judge(cli, results);

	error = wrong ? wrong : error;
	warn(results);
	if (cli->json && error)
		cli->answer = json_object_get(results);
	else if (cli->json)
		iov_output_json(stdout, results);
	else
		print_results(report, results);
	return error;
}

/* What repeats it: the words that this process was started with. */
static struct json_object *command_words(struct iov *iov)
{
	struct json_object *words = json_object_new_array();
	_cleanup_free_ char *text = NULL;
	size_t length = 0;

	if (iov_sys_read_all(iov, IOV_PATH_PROC_SELF "/cmdline", &text, &length))
		length = 0;
	for (size_t at = 0; at < length; at += strlen(text + at) + 1)
		json_object_array_add(words, json_object_new_string(text + at));
	return words;
}

static void begin_origin(struct bench_origin *origin, struct cli *cli, const struct bench_args *args,
			 const struct bench_report *report)
{
	*origin = (struct bench_origin){
		.iov = cli->iov,
		.report = report,
		.output = args->output,
		.command = command_words(cli->iov),
		.environment = bench_environment(cli->iov, args->options.cpu),
	};
	json_add_text(origin->environment, "iovkit", IOVKIT_VERSION);
	utc_text(time(NULL), origin->time);
}

static void end_origin(struct bench_origin *origin)
{
	json_object_put(origin->command);
	json_object_put(origin->environment);
}

static void add_origin(const struct bench_origin *origin, struct json_object *results, bool complete)
{
	json_add_text(results, "format", BENCH_FORMAT);
	json_object_object_add(results, "version", json_object_new_int(BENCH_VERSION));
	json_add_text(results, "kind", origin->report->kind);
	json_add_text(results, "figure", origin->report->figure);
	json_add_text(results, "unit", origin->report->rate);
	json_object_object_add(results, "complete", json_object_new_boolean(complete));
	json_add_text(results, "time", origin->time);
	json_object_object_add(results, "command", json_object_get(origin->command));
	json_object_object_add(results, "environment", json_object_get(origin->environment));
}

/* What there is so far, which is all there is when we are killed.  The end tells of a full disk. */
static void keep(void *arg, struct json_object *results)
{
	const struct bench_origin *origin = arg;

	add_origin(origin, results, false);
	bench_output_write(origin->output, results);
	json_object_put(results);
}

static int keep_all(const struct bench_origin *origin, struct json_object *results)
{
	int error = origin->output ? bench_output_write(origin->output, results) : 0;

	return error ? iov_told(origin->iov, error, "%s: the results could not be written: %s; is the "
				"disk full?", origin->output, strerror(-error)) : 0;
}

static int run(struct cli *cli, const struct bench_origin *origin, struct page *page,
	       int (*measure)(struct json_object **results, struct cli *cli, void *data), void *data)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	const struct sigaction action = {.sa_handler = handle_signal};
	_cleanup_json_ struct json_object *results = NULL;
	int error, failed = 0;

	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaction(signals[i], &action, NULL);
	error = measure(&results, cli, data);
	if (results) {
		add_origin(origin, results, !error);
		failed = keep_all(origin, results);
	}
	if (error == -EINTR && results)
		error = iov_fail(cli->iov, -EINTR, "stopped; what was measured until then is told");
	else if (error == -EINTR)
		error = iov_fail(cli->iov, -EINTR, "stopped before anything was measured");
	if (results && page->file)
		origin->report->write_page(page, results);
	if (results)
		error = tell(cli, origin->report, results, error ? error : failed);
	return error;
}

int bench_run(struct cli *cli, struct bench_args *args, const struct bench_report *report,
	      int (*measure)(struct json_object **results, struct cli *cli, void *data), void *data)
{
	struct page page = {0};
	struct bench_origin origin;
	int error = args->html ? page_open(&page, cli->iov, args->html) : 0, failed;

	if (!error && args->output)
		error = bench_output_check(cli->iov, args->output);
	if (!error) {
		begin_origin(&origin, cli, args, report);
		if (isatty(STDERR_FILENO))
			args->options.progress = show_progress;
		if (args->output) {
			args->options.keep = keep;
			args->options.keep_arg = &origin;
		}
		error = run(cli, &origin, &page, measure, data);
		end_origin(&origin);
	}
	failed = page_close(&page, cli->iov);
	for (unsigned int i = 0; i < args->side_count; i++)
		free(args->names[i]);
	return error ? error : failed;
}
