// SPDX-License-Identifier: GPL-2.0-or-later
/* iov bench compare: two files of results side by side. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "bench/compare.h"
#include "bench/result.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/printable.h"
#include "cli/usage.h"

enum { KEY_COMPARE_HTML = 0x2000, KEY_EXIT_CODE };

struct compare_args {
	const char *paths[2];
	unsigned int count;
	const char *html;
	bool exit_code;
};

static const struct argp_option options[] = {
	{ "html", KEY_COMPARE_HTML, "FILE", 0, "Write a page with charts, too", 0 },
	{ "exit-code", KEY_EXIT_CODE, 0, 0, "Exit with 10 when a figure of the second is worse", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct compare_args *args = cli_data(state);

	switch (key) {
	case KEY_COMPARE_HTML:
		args->html = arg;
		return 0;
	case KEY_EXIT_CODE:
		args->exit_code = true;
		return 0;
	case ARGP_KEY_ARG:
		if (args->count == 2)
			return ARGP_ERR_UNKNOWN;
		args->paths[args->count++] = arg;
		return 0;
	case ARGP_KEY_END:
		if (args->count < 2)
			cli_misuse(state, "FILE is missing: expected two, which 'iov bench net' or "
				   "'iov bench blk' wrote with --output or --json");
		if (!strcmp(args->paths[0], "-") && !strcmp(args->paths[1], "-"))
			cli_misuse(state, "-: standard input has one file, not two");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void print_line(const char *format, const char *first, const char *second, const char *third)
{
	char line[1024];
	_cleanup_free_ char *shown = NULL;

	snprintf(line, sizeof(line), format, first, second, third);
	shown = cli_printable(line);
	puts(shown ? shown : "");
}

/* What makes a verdict on the back ends alone a wrong one. */
static void print_caveats(struct json_object *comparison)
{
	static const char *const files[] = { "first", "second" };
	struct json_object *differences = json_object_object_get(comparison, "differences");
	struct json_object *unmatched = json_object_object_get(comparison, "unmatched");

	for (size_t i = 0; i < 2; i++) {
		struct json_object *file = json_object_object_get(comparison, files[i]);

		if (!json_object_get_boolean(json_object_object_get(file, "complete")))
			print_line("%s was interrupted%s%s: it has fewer turns than it was to have",
				   json_text(file, "file"), "", "");
	}
	for (size_t i = 0; i < json_object_array_length(differences); i++) {
		struct json_object *difference = json_object_array_get_idx(differences, i);
		char name[256];

		snprintf(name, sizeof(name), "%s %s", json_text(difference, "where"),
			 json_text(difference, "member"));
		print_line("differs besides: %s: %s, %s", name,
			   json_text_or_null(difference, "first") ? json_text(difference, "first") : "-",
			   json_text_or_null(difference, "second") ? json_text(difference, "second") : "-");
	}
	for (size_t i = 0; i < json_object_array_length(unmatched); i++)
		print_line("only one of the files has %s%s%s",
			   json_object_get_string(json_object_array_get_idx(unmatched, i)), "", "");
}

static void round_figures(struct json_object *figures)
{
	static const struct {
		const char *member, *shown;
	} members[] = { { "first", "t_first" }, { "second", "t_second" }, { "ratio", "t_ratio" },
			{ "low", "t_low" }, { "high", "t_high" } };
	char text[32];

	for (size_t i = 0; i < json_object_array_length(figures); i++)
		for (size_t j = 0; j < sizeof(members) / sizeof(*members); j++) {
			struct json_object *figure = json_object_array_get_idx(figures, i);
			struct json_object *value = json_object_object_get(figure, members[j].member);

			snprintf(text, sizeof(text), "%.*f", j < 2 ? 2 : 3,
				 json_object_get_double(value));
			json_add_text(figure, members[j].shown, value ? text : NULL);
		}
}

static void print_comparison(struct json_object *comparison)
{
	static const struct iov_column columns[] = {
		{ "side", "BACK END" }, { "figure", "FIGURE" },
		{ "t_first", "FIRST", .right = true }, { "t_second", "SECOND", .right = true },
		{ "t_ratio", "RATIO", .right = true }, { "t_low", "FROM", .right = true },
		{ "t_high", "TO", .right = true }, { "verdict", "VERDICT" },
	};
	struct json_object *figures = json_object_object_get(comparison, "figures");

	round_figures(figures);
	iov_output_table(stdout, figures, columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < json_object_array_length(figures); i++) {
		struct json_object *figure = json_object_array_get_idx(figures, i);

		print_line("%s, %s: %s", json_text(figure, "side"), json_text(figure, "figure"),
			   json_text(figure, "words"));
	}
	print_caveats(comparison);
}

static bool has_worse(struct json_object *comparison)
{
	struct json_object *figures = json_object_object_get(comparison, "figures");

	for (size_t i = 0; i < json_object_array_length(figures); i++)
		if (!strcmp(json_text(json_object_array_get_idx(figures, i), "verdict"), "worse"))
			return true;
	return false;
}

static int write_page(struct cli *cli, const char *path, struct json_object *comparison)
{
	struct page page;
	int error = page_open(&page, cli->iov, path);

	if (error)
		return error;
	bench_compare_html(&page, comparison);
	return page_close(&page, cli->iov);
}

static int run(struct cli *cli, void *data)
{
	struct compare_args *args = data;
	_cleanup_json_ struct json_object *first = NULL, *second = NULL, *comparison = NULL;
	int error = bench_result_read(&first, cli->iov, args->paths[0]);

	if (!error)
		error = bench_result_read(&second, cli->iov, args->paths[1]);
	if (!error)
		error = bench_compare(&comparison, cli->iov, args->paths,
				      (struct json_object *[]){ first, second });
	if (!error && args->html)
		error = write_page(cli, args->html, comparison);
	if (error)
		return error;
	if (cli->json)
		iov_output_json(stdout, comparison);
	else
		print_comparison(comparison);
	if (args->exit_code && has_worse(comparison))
		cli->status = CLI_CHANGES;
	return 0;
}

const struct cli_command cli_bench_compare = {
	.name = "bench compare",
	.args = "FILE FILE",
	.summary = "Compare two files of results, and say what it means",
	.example = "iov bench net /run/a,/run/b --cpu 1 --output before.json\n"
		   "  iov bench compare before.json after.json --html compared.html",
	.options = options,
	.parse = parse,
	.data_size = sizeof(struct compare_args),
	.run = run,
};
