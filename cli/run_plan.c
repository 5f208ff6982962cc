// SPDX-License-Identifier: GPL-2.0-or-later
/* How every changing command shows and carries out its plan. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/signals.h"
#include "host/file/host.h"

/* Escape sequences of the diff; all empty where it is no terminal that reads. */
struct colours {
	const char *device;
	const char *from;
	const char *to;
	const char *off;
};

static struct colours choose_colours(void)
{
	const char *none = getenv("NO_COLOR");

	if (!isatty(STDOUT_FILENO) || (none && *none))
		return (struct colours){ "", "", "", "" };
	return (struct colours){ "\033[1m", "\033[31m", "\033[32m", "\033[0m" };
}

static void print_value(char sign, const char *colour, const char *off, struct json_object *change,
			const char *key)
{
	const char *value = json_text_or_null(change, key);

	if (value)
		printf("%s%c   %s: %s%s\n", colour, sign, json_text_or_null(change, "what"), value, off);
}

/* What one step changes and another changes back is none. */
static bool is_change(struct json_object *change)
{
	return !json_object_equal(json_object_object_get(change, "from"),
				  json_object_object_get(change, "to"));
}

/* The changes of one device, from all steps on it. */
static void print_device(struct json_object *changes, const char *device,
			 const struct colours *colours)
{
	bool named = false;

	for (size_t i = 0; i < json_object_array_length(changes); i++) {
		struct json_object *change = json_object_array_get_idx(changes, i);

		if (!is_change(change))
			continue;
		if (!named)
			printf("%s  %s%s\n", colours->device, device, colours->off);
		named = true;
		print_value('-', colours->from, colours->off, change, "from");
		print_value('+', colours->to, colours->off, change, "to");
	}
}

/* What was noted of @what before, or NULL. */
static struct json_object *find_change(struct json_object *changes, const char *what)
{
	for (size_t i = 0; i < json_object_array_length(changes); i++) {
		struct json_object *change = json_object_array_get_idx(changes, i);

		if (!strcmp(json_text_or_null(change, "what"), what))
			return change;
	}
	return NULL;
}

/* Steps that change the same thing one after the other make one change. */
static void add_change(struct json_object *changes, struct json_object *change)
{
	struct json_object *earlier = find_change(changes, json_text_or_null(change, "what"));
	struct json_object *copy = NULL;

	if (earlier)
		json_object_object_add(earlier, "to",
				       json_object_get(json_object_object_get(change, "to")));
	else if (!json_object_deep_copy(change, &copy, NULL))
		json_object_array_add(changes, copy);
}

/* An object of arrays: each device's changes, in the order of the plan. */
static struct json_object *changes_by_device(struct json_object *plan)
{
	struct json_object *steps = json_object_object_get(plan, "steps");
	struct json_object *devices = json_object_new_object(), *changes;

	for (size_t i = 0; i < json_object_array_length(steps); i++) {
		struct json_object *step = json_object_array_get_idx(steps, i);
		struct json_object *list = json_object_object_get(step, "changes");
		const char *device = json_text_or_null(step, "device");

		if (!json_object_array_length(list))
			continue;
		device = device ? device : "host";
		if (!json_object_object_get_ex(devices, device, &changes)) {
			changes = json_object_new_array();
			json_object_object_add(devices, device, changes);
		}
		for (size_t n = 0; n < json_object_array_length(list); n++)
			add_change(changes, json_object_array_get_idx(list, n));
	}
	return devices;
}

static void print_notes(struct json_object *plan)
{
	struct json_object *notes = json_object_object_get(plan, "notes");

	for (size_t i = 0; notes && i < json_object_array_length(notes); i++)
		printf("note: %s\n", json_object_get_string(json_object_array_get_idx(notes, i)));
}

void cli_print_changes(struct json_object *plan)
{
	_cleanup_json_ struct json_object *devices = changes_by_device(plan);
	struct colours colours = choose_colours();

	json_object_object_foreach(devices, device, changes)
		print_device(changes, device, &colours);
	print_notes(plan);
}

static void print_operations(const struct iov_plan *plan)
{
	size_t count;
	const struct iov_step *const *steps = iov_plan_steps(plan, &count);

	for (size_t i = 0; i < count; i++) {
		const struct iov_op_list *ops = &steps[i]->run;

		printf("%zu. %s\n", i + 1, steps[i]->title);
		for (size_t n = 0; n < ops->count; n++) {
			char text[1024];

			iov_op_describe(ops->list[n], text, sizeof(text));
			printf("   %s\n", text);
		}
	}
}

static void print_result(struct cli *cli, struct json_object *plan, const char *result)
{
	if (cli->json) {
		json_object_object_add(plan, "result", json_object_new_string(result));
		iov_output_json(stdout, plan);
		return;
	}
	printf("%s: %s\n", json_text_or_null(plan, "title"), result);
}

/* The error is still to come, and JSON is one object. */
static void print_refusal(struct cli *cli, struct json_object *plan)
{
	static const char result[] = "would be refused";

	if (!cli->json) {
		print_result(cli, plan, result);
		return;
	}
	json_object_object_add(plan, "result", json_object_new_string(result));
	cli->answer = json_object_get(plan);
}

int cli_show_plan(struct cli *cli, struct iov_plan *plan, bool operations)
{
	_cleanup_json_ struct json_object *json = iov_plan_json(plan);
	int error;

	if (iov_plan_is_empty(plan)) {
		print_result(cli, json, "nothing to do");
		return 0;
	}
	error = iov_plan_guard(plan, cli->lifted, &cli->findings);
	json_object_object_add(json, "findings", json_object_get(cli->findings));
	if (!cli->json)
		cli_print_changes(json);
	if (!cli->json && operations)
		print_operations(plan);
	if (error)
		print_refusal(cli, json);
	else
		print_result(cli, json, operations ? "not done, this is a dry run"
						   : "not done, 'iov apply' does it");
	return error;
}

static void show_progress(void *arg, size_t step, size_t steps, const char *title)
{
	(void)arg;
	fprintf(stderr, "[%zu/%zu] %s\n", step, steps, title);
}

struct iov_plan_options cli_plan_options(const struct cli *cli)
{
	return (struct iov_plan_options){
		.lifted = cli->lifted,
		.lock_timeout = cli->wait * 1000,
		.jobs = cli->jobs,
		.confirm = cli->confirm,
		.armed = cli->armed,
		.armed_arg = (void *)cli,
		.progress = isatty(STDERR_FILENO) ? show_progress : NULL,
	};
}

static int carry_out(struct cli *cli, struct iov_plan *plan)
{
	struct iov_plan_options options = cli_plan_options(cli);
	_cleanup_json_ struct json_object *json = iov_plan_json(plan);
	int error;

	options.signal = cli_note_signals();
	error = iov_plan_run(plan, &options);

	if (cli->confirm)
		json_object_object_add(json, "confirm", json_object_new_int64(cli->confirm));
	if (!error && cli->confirm && !cli->json)
		printf("%s: done, and taken back in %u s unless 'iov confirm' follows\n",
		       json_text_or_null(json, "title"), cli->confirm);
	else if (!error)
		print_result(cli, json, "done");
	else if (error == -ECANCELED)
		iov_plan_guard(plan, cli->lifted, &cli->findings);
	return error;
}

int cli_run_plan(struct cli *cli, struct iov_plan *plan)
{
	int error = cli->dry_run || iov_plan_is_empty(plan) ? cli_show_plan(cli, plan, true) :
							      carry_out(cli, plan);

	iov_plan_free(plan);
	return error;
}

struct json_object *cli_saved(struct json_object *devices, struct iov_bdf bdf,
			      struct json_object *values)
{
	json_object_object_add(devices, IOV_BDF(bdf), values);
	return devices;
}

int cli_save(struct cli *cli, struct iov_plan *plan, struct json_object *devices)
{
	_cleanup_json_ struct json_object *wanted = json_object_new_object();

	json_object_object_add(wanted, "devices", devices);
	return cli->save ? iov_host_save_plan(plan, wanted) : 0;
}

int cli_drop_plan(struct cli *cli, struct iov_plan *plan, int error)
{
	char message[1024];

	snprintf(message, sizeof(message), "%s", iov_error_message(cli->iov));
	if (plan && iov_plan_guard(plan, cli->lifted, &cli->findings) == -ECANCELED)
		error = -ECANCELED;
	else
		iov_fail(cli->iov, error, "%s", message);
	iov_plan_free(plan);
	return error;
}
