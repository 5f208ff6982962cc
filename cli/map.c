// SPDX-License-Identifier: GPL-2.0-or-later
/* iov map: the host as a picture. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "cli/commands.h"
#include "cli/map.h"
#include "cli/new_file.h"
#include "cli/output.h"

enum { KEY_SVG = 's', KEY_HTML = 'h', KEY_OUTPUT = 'o' };

struct map_args {
	bool all;
	int format;	/* KEY_SVG, KEY_HTML, 0 for text */
	const char *path;
};

static const struct argp_option options[] = {
	{ "all", 'a', 0, 0, "Each VF by itself, also where many are alike" },
	{ "svg", KEY_SVG, 0, 0, "A drawing, as SVG" },
	{ "html", KEY_HTML, 0, 0, "A page that filters, folds and shows details, in one file" },
	{ "output", KEY_OUTPUT, "FILE", 0, "A new file to write to, in place of standard output (-)" },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct map_args *args = cli_data(state);

	switch (key) {
	case 'a':
		args->all = true;
		return 0;
	case KEY_SVG:
	case KEY_HTML:
		if (args->format && args->format != key)
			cli_misuse(state, "--svg and --html: expected one of them");
		args->format = key;
		return 0;
	case KEY_OUTPUT:
		args->path = strcmp(arg, "-") ? arg : NULL;
		return 0;
	case ARGP_KEY_END:
		if (args->format && ((struct cli *)state->input)->json)
			cli_misuse(state, "--json, --svg and --html: expected one of them");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* What COLUMNS says, or the terminal; 0 for neither. */
static size_t width_of(FILE *file)
{
	const char *columns = getenv("COLUMNS");
	unsigned long told = columns ? strtoul(columns, NULL, 10) : 0;
	struct winsize size;

	if (told && told < 10000)
		return told;
	return !ioctl(fileno(file), TIOCGWINSZ, &size) ? size.ws_col : 0;
}

static int print(FILE *file, const struct cli *cli, const struct map_args *args,
		 struct json_object *map)
{
	if (cli->json)
		iov_output_json(file, map);
	else if (args->format == KEY_SVG)
		map_print_svg(file, map, args->all);
	else if (args->format == KEY_HTML)
		map_print_html(file, map);
	else
		return map_print_text(file, map, width_of(file), args->all);
	return 0;
}

static int print_file(const struct cli *cli, const struct map_args *args, struct json_object *map)
{
	struct new_file file;
	int error = new_file_open(&file, cli->iov, args->path, 0644);

	if (!error)
		error = print(file.stream, cli, args, map);
	return new_file_close(&file, cli->iov, error);
}

static int run(struct cli *cli, void *data)
{
	const struct map_args *args = data;
	_cleanup_json_ struct json_object *map = NULL;
	int error = map_build(cli, &map);

	if (error)
		return error;
	return args->path ? print_file(cli, args, map) : print(stdout, cli, args, map);
}

const struct cli_command cli_map = {
	.name = "map",
	.summary = "Show the host as a picture",
	.example = "iov map\n"
		   "  iov map --html --output host.html\n"
		   "  iov --root host.tar.gz map --svg > host.svg",
	.options = options,
	.parse = parse,
	.data_size = sizeof(struct map_args),
	.run = run,
};
