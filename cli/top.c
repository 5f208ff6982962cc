// SPDX-License-Identifier: GPL-2.0-or-later
/* iov top: what iovd carries and drops now, and what its disks do. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/port.h"
#include "cli/top.h"

#define CLEAR "\033[H\033[J"

struct top_args {
	double interval;
	bool once;
};

enum {
	KEY_INTERVAL = 0x2000,
	KEY_ONCE,
};

static const struct argp_option options[] = {
	{ "interval", KEY_INTERVAL, "SECONDS", 0, "Time between two looks, from 0.1 (1)" },
	{ "once", KEY_ONCE, 0, 0, "Print the rates of one interval, and end" },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct top_args *args = cli_data(state);
	char *end;

	switch (key) {
	case ARGP_KEY_INIT:
		args->interval = 1;
		return 0;
	case KEY_INTERVAL:
		args->interval = strtod(arg, &end);
		if (*end || !(args->interval >= 0.1) || args->interval > 3600)
			cli_misuse(state, "--interval %s: expected seconds from 0.1 to 3600", arg);
		return 0;
	case KEY_ONCE:
		args->once = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

void top_shorten(struct json_object *row, const char *key, const char *as)
{
	static const char units[] = " KMG";
	double value = json_object_get_double(json_object_object_get(row, key));
	unsigned int unit = 0;
	char text[32];

	for (; value >= 1000 && unit < 3; unit++)
		value /= 1000;
	snprintf(text, sizeof(text), unit ? "%.2f %c" : "%.0f", value, units[unit]);
	json_object_object_add(row, as, json_object_new_string(text));
}

/* The rings that carry something, "0: 1.25 M". */
static void ring_words(struct json_object *row)
{
	struct json_object *rings = json_object_object_get(row, "rings");
	struct json_object *words = json_object_new_array();
	char text[64];

	for (size_t i = 0; i < json_object_array_length(rings); i++) {
		struct json_object *ring = json_object_array_get_idx(rings, i);

		top_shorten(ring, "pps", "short");
		snprintf(text, sizeof(text), "%s: %s", json_text_or_null(ring, "ring"),
			 json_text_or_null(ring, "short"));
		json_object_array_add(words, json_object_new_string(text));
	}
	json_object_object_add(row, "per_ring", words);
}

static void round_drops(struct json_object *row)
{
	struct json_object *drops = json_object_object_get(row, "drops");
	struct json_object *rounded = json_object_new_object();

	json_object_object_foreach(drops, reason, value) {
		json_object_object_add(rounded, reason,
				       json_object_new_int64((int64_t)json_object_get_double(value)));
	}
	json_object_object_add(row, "drops", rounded);
	port_reasons_words(row, "drops", "dropped");
}

static int print(struct json_object *result)
{
	static const struct iov_column columns[] = {
		{ "port", "PORT" },
		{ "rx", "RX PPS", true },
		{ "rx_bits", "RX BIT/S", true },
		{ "tx", "TX PPS", true },
		{ "tx_bits", "TX BIT/S", true },
		{ "dropped", "DROPPED PER SECOND" },
		{ "per_ring", "PPS OF RINGS", false, true },
	};
	struct json_object *rows = json_object_object_get(result, "ports");
	struct json_object *workers = json_object_object_get(result, "workers");
	int error;

	for (size_t i = 0; i < json_object_array_length(workers); i++) {
		struct json_object *worker = json_object_array_get_idx(workers, i);

		printf("worker on CPU %s: %.0f %% busy, %s, %.0f sleeps a second, longest pass "
		       "%.0f us\n",
		       json_text_or_null(worker, "cpu"),
		       json_object_get_double(json_object_object_get(worker, "load_percent")),
		       json_text_or_null(worker, "poll"),
		       json_object_get_double(json_object_object_get(worker, "sleeps")),
		       json_object_get_double(json_object_object_get(worker, "longest_pass_us")));
	}
	putchar('\n');
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		top_shorten(row, "rx_pps", "rx");
		top_shorten(row, "rx_bps", "rx_bits");
		top_shorten(row, "tx_pps", "tx");
		top_shorten(row, "tx_bps", "tx_bits");
		ring_words(row);
		round_drops(row);
	}
	error = iov_output_table(stdout, rows, columns, sizeof(columns) / sizeof(*columns));
	return error ? error : top_print_disks(json_object_object_get(result, "disks"));
}

static volatile bool stop;

static void handle_signal(int number)
{
	(void)number;
	stop = true;
}

/* Keys come one by one; false when there is no terminal to read them from. */
static bool read_keys(struct termios *before)
{
	struct termios raw;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, before))
		return false;
	raw = *before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	return !tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

/* Wait for the next look.  Returns false when the user has seen enough. */
static bool wait_for(double seconds, bool keys)
{
	struct pollfd key = { .fd = keys ? STDIN_FILENO : -1, .events = POLLIN };
	char byte;

	if (poll(&key, 1, (int)(seconds * 1000)) == 1 && read(STDIN_FILENO, &byte, 1) == 1 &&
	    byte == 'q')
		return false;
	return !stop;
}

static int show(struct cli *cli, const struct top_sample *now, const struct top_sample *before, bool screen)
{
	_cleanup_json_ struct json_object *result = top_difference(now, before);
	int error = 0;

	if (cli->json) {
		iov_output_json(stdout, result);
	} else {
		if (screen)
			fputs(CLEAR, stdout);
		error = print(result);
	}
	fflush(stdout);
	return error;
}

static int look(struct cli *cli, const struct top_args *args, bool keys)
{
	const bool screen = isatty(STDOUT_FILENO) && !args->once && !cli->json;
	struct top_sample before = { 0 }, now = { 0 };
	int error = top_take(cli->iov, &before);

	while (!error && wait_for(args->interval, keys)) {
		error = top_take(cli->iov, &now);
		if (!error)
			error = show(cli, &now, &before, screen);
		top_release(&before);
		before = now;
		now = (struct top_sample){ 0 };
		if (args->once)
			break;
	}
	top_release(&before);
	top_release(&now);
	return error;
}

static int run(struct cli *cli, void *data)
{
	const struct sigaction action = { .sa_handler = handle_signal };
	const struct top_args *args = data;
	struct termios before;
	bool keys = !args->once && read_keys(&before);
	int error;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	error = look(cli, args, keys);
	if (keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
	return error;
}

const struct cli_command cli_top = {
	.name = "top",
	.summary = "What iovd carries and drops now, and what its disks do",
	.example = "iov top\n  iov top --once --json",
	.options = options,
	.parse = parse,
	.data_size = sizeof(struct top_args),
	.run = run,
};
