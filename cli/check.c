// SPDX-License-Identifier: GPL-2.0-or-later
/* iov check: is the host, or one function, ready, and if not, what to do. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/size.h"
#include "cli/argument.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "host/check/check.h"

#define GUESTS_MAX 256
#define MAPPINGS_MAX 64
/* All of them fit into a number of bytes. */
#define GUEST_MAX (1ull << 55)

struct check_args {
	const char *device;
	struct iov_check_guest guests[GUESTS_MAX];
	size_t guest_count;
};

static const struct argp_option options[] = {
	{ "guest-memory", 'm', "SIZE[,viommu=N]", 0,
	  "Memory of a guest that is planned, as 512M or 16G; with N devices behind a virtual "
	  "IOMMU; may be repeated" },
	{ 0 },
};

static bool parse_guest(const char *text, struct iov_check_guest *guest)
{
	unsigned long mappings = 1;
	uint64_t bytes;
	const char *rest = size_scan(text, &bytes);
	char *end;

	if (!rest || !bytes || bytes > GUEST_MAX || !strchr(IOV_SIZE_UNITS, rest[-1]))
		return false;
	if (!strncmp(rest, ",viommu=", 8)) {
		text = rest + 8;
		mappings = strtoul(text, &end, 10);
		rest = end == text || *text == '-' ? text : end;
	}
	if (*rest || !mappings || mappings > MAPPINGS_MAX)
		return false;
	*guest = (struct iov_check_guest){ bytes, (unsigned int)mappings };
	return true;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct check_args *args = cli_data(state);

	switch (key) {
	case 'm':
		if (args->guest_count == GUESTS_MAX)
			cli_misuse(state, "--guest-memory: more than %d guests", GUESTS_MAX);
		if (!parse_guest(arg, &args->guests[args->guest_count]))
			cli_misuse(state, "--guest-memory %s: expected a size as 512M or 16G, or "
				   "16G,viommu=N with N from 1 to %d", arg, MAPPINGS_MAX);
		args->guest_count++;
		return 0;
	case ARGP_KEY_ARG:
		if (args->device)
			return ARGP_ERR_UNKNOWN;
		args->device = arg;
		return 0;
	case ARGP_KEY_END:
		if (args->device && args->guest_count)
			cli_misuse(state, "--guest-memory is about the host, not about %s",
				   args->device);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void add_row(struct json_object *rows, const char *status, const char *check,
		    const char *device, const char *text)
{
	struct json_object *row = json_object_new_object();

	json_object_object_add(row, "status", json_object_new_string(status));
	json_object_object_add(row, "check", json_object_new_string(check));
	json_object_object_add(row, "device", json_object_new_string(device ? device : ""));
	json_object_object_add(row, "text", json_object_new_string(text));
	json_object_array_add(rows, row);
}

/* What was read and where. */
static void add_evidence(struct json_object *rows, struct json_object *evidence)
{
	for (size_t i = 0; i < json_object_array_length(evidence); i++) {
		struct json_object *entry = json_object_array_get_idx(evidence, i);
		char text[768];

		snprintf(text, sizeof(text), "   %s: %s", json_text_or_null(entry, "path"),
			 json_text_or_null(entry, "value"));
		add_row(rows, "", "", "", text);
	}
}

static void add_check(struct json_object *rows, struct json_object *check)
{
	const char *remedy = json_text_or_null(check, "remedy");
	char text[1024];

	add_row(rows, json_text_or_null(check, "status"), json_text_or_null(check, "check"),
		json_text_or_null(check, "device"), json_text_or_null(check, "found"));
	if (strcmp(json_text_or_null(check, "status"), "skip") != 0)
		add_evidence(rows, json_object_object_get(check, "evidence"));
	if (!remedy)
		return;
	snprintf(text, sizeof(text), "-> %s", remedy);
	add_row(rows, "", "", "", text);
}

/* @one: of one function, so that no column says of which. */
static int print_table(struct json_object *checks, bool one)
{
	static const struct iov_column host_columns[] = {
		{ "status", "STATUS" }, { "check", "CHECK" }, { "device", "OF" },
		{ "text", "FOUND", .wrap = true },
	};
	static const struct iov_column device_columns[] = {
		{ "status", "STATUS" }, { "check", "CHECK" }, { "text", "FOUND", .wrap = true },
	};
	_cleanup_json_ struct json_object *rows = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(checks); i++)
		add_check(rows, json_object_array_get_idx(checks, i));
	return one ? iov_output_table(stdout, rows, device_columns, 3) :
		     iov_output_table(stdout, rows, host_columns, 4);
}

/* @device: of which they are, where they do not say; NULL when all are of one */
static void move_rows(struct json_object *to, struct json_object *from, const char *device)
{
	for (size_t i = 0; i < json_object_array_length(from); i++) {
		struct json_object *row = json_object_get(json_object_array_get_idx(from, i));

		if (device && !json_text_or_null(row, "device"))
			json_add_text(row, "device", device);
		json_object_array_add(to, row);
	}
	json_object_put(from);
}

static int look_at(struct cli *cli, const struct cli_functions *functions, struct json_object *checks)
{
	int error = 0;

	for (size_t i = 0; !error && i < functions->count; i++) {
		struct json_object *more = NULL;

		error = iov_check_device(cli->iov, functions->list[i], &more);
		if (!error)
			move_rows(checks, more, functions->count > 1 ? IOV_BDF(functions->list[i]) : NULL);
	}
	return error;
}

/* @one: whether all of it is about one function */
static int look(struct cli *cli, const struct check_args *args, struct json_object **checks, bool *one)
{
	struct iov_check_options wanted = { args->guests, args->guest_count };
	struct cli_functions functions = { 0 };
	int error;

	*one = false;
	if (!args->device)
		return iov_check_host(cli->iov, &wanted, checks);
	*checks = json_object_new_array();
	error = cli_add_functions(cli, args->device, &functions);
	if (!error)
		error = look_at(cli, &functions, *checks);
	*one = functions.count == 1;
	free(functions.list);
	return error;
}

static int run(struct cli *cli, void *data)
{
	const struct check_args *args = data;
	_cleanup_json_ struct json_object *checks = NULL;
	bool one;
	int error = look(cli, args, &checks, &one);

	if (error)
		return error;
	cli->status = iov_check_failures(checks) ? CLI_FAILED : CLI_OK;
	if (!cli->json)
		return print_table(checks, one);
	iov_output_json(stdout, checks);
	return 0;
}

const struct cli_command cli_check = {
	.name = "check",
	.args = "[DEVICE]",
	.summary = "Tell whether the host or a function is ready for guests",
	.example = "iov check\n  iov check 0000:01:00.0\n  iov check eth0/all",
	.options = options,
	.parse = parse,
	.data_size = sizeof(struct check_args),
	.run = run,
};
