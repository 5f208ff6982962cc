// SPDX-License-Identifier: GPL-2.0-or-later
/* iov log: what was changed, by whom, and what became of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/pci/identity.h"
#include "base/plan/history.h"
#include "base/utc.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/usage.h"

#define KEY_SINCE 0x2000

struct log_args {
	const char *device;
	char since[UTC_TEXT_SIZE];		/* as entries have their time */
};

static const struct argp_option options[] = {
	{ "since", KEY_SINCE, "TIME", 0, "From then on: 2026-01-31, 2026-01-31T12:00 (local time), or "
	  "30m, 12h, 7d ago", 0 },
	{ 0 },
};

/* "12h": seconds ago; 0 for another text */
static time_t parse_ago(const char *text)
{
	static const struct {
		char unit;
		time_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	char *end;
	long number = strtol(text, &end, 10);

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (end != text && end[0] == units[i].unit && !end[1] && number > 0 && number < 1000000)
			return number * units[i].seconds;
	}
	return 0;
}

static void parse_since(struct log_args *args, const char *text, struct argp_state *state)
{
	static const char *const formats[] = { "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S",
					       "%Y-%m-%dT%H:%M", "%Y-%m-%d" };
	time_t ago = parse_ago(text), since = ago ? time(NULL) - ago : -1;

	for (size_t i = 0; since < 0 && i < sizeof(formats) / sizeof(*formats); i++) {
		struct tm tm = { .tm_isdst = -1 };
		const char *end = strptime(text, formats[i], &tm);

		if (end && !*end)
			since = i ? mktime(&tm) : timegm(&tm);
	}
	if (since < 0)
		cli_misuse(state, "--since %s: expected a day such as 2026-01-31, a time such as "
			   "2026-01-31T12:00, or how long ago, such as 12h", text);
	utc_text(since, args->since);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct log_args *args = cli_data(state);

	switch (key) {
	case KEY_SINCE:
		parse_since(args, arg, state);
		return 0;
	case ARGP_KEY_ARG:
		if (args->device)
			return ARGP_ERR_UNKNOWN;
		args->device = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* By its address when it is there; by what it was called otherwise. */
static struct json_object *choose(struct cli *cli, const struct log_args *args,
				  struct json_object *entries)
{
	struct json_object *chosen = json_object_new_array();
	struct iov_bdf_text address = { "" };
	struct iov_bdf bdf;

	if (args->device && !iov_device_parse(cli->iov, args->device, &bdf))
		address = iov_bdf_format(bdf);
	for (size_t i = 0; i < json_object_array_length(entries); i++) {
		struct json_object *entry = json_object_array_get_idx(entries, i);
		struct json_object *devices = json_object_object_get(entry, "devices");

		if (strcmp(json_text(entry, "time"), args->since) >= 0 &&
		    (!args->device || json_array_has(devices, args->device) ||
		     json_array_has(devices, address.text)))
			json_object_array_add(chosen, json_object_get(entry));
	}
	return chosen;
}

/* What the table shows of who changed it. */
static void add_user(struct json_object *entry)
{
	struct json_object *by = json_object_object_get(entry, "by");
	const char *sudo_user = json_text_or_null(by, "sudo_user");

	json_add_text(entry, "who", sudo_user ? sudo_user : json_text_or_null(by, "user"));
}

static int print_table(struct json_object *entries)
{
	static const struct iov_column columns[] = {
		{ "time", "TIME" }, { "who", "USER" }, { "result", "RESULT" }, { "title", "CHANGE" },
		{ "why", "WHY" },
	};

	for (size_t i = 0; i < json_object_array_length(entries); i++)
		add_user(json_object_array_get_idx(entries, i));
	return iov_output_list(stdout, entries, columns, sizeof(columns) / sizeof(*columns),
			       "no such change so far");
}

static int run(struct cli *cli, void *data)
{
	_cleanup_json_ struct json_object *entries = NULL, *chosen = NULL;
	int error = iov_history_read(cli->iov, &entries);

	if (error)
		return error;
	chosen = choose(cli, data, entries);
	if (!cli->json)
		return print_table(chosen);
	iov_output_json(stdout, chosen);
	return 0;
}

const struct cli_command cli_log = {
	.name = "log",
	.args = "[DEVICE]",
	.summary = "What was changed, by whom, and what became of it",
	.example = "iov log --since 7d\n"
		   "  iov log 0000:01:00.0 --json",
	.options = options,
	.parse = parse,
	.data_size = sizeof(struct log_args),
	.run = run,
};
