// SPDX-License-Identifier: GPL-2.0-or-later
/* How every changing command shows and carries out its plan. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/plan/history.h"
#include "base/rpc/rpc.h"
#include "base/sysroot/paths.h"
#include "cli/begin.h"
#include "cli/cli.h"
#include "cli/colour.h"
#include "cli/output.h"
#include "cli/printable.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "host/file/host.h"

static void print_value(char sign, enum cli_colour colour, struct json_object *change,
			const char *key)
{
	const char *value = json_text_or_null(change, key);

	if (!value)
		return;
	fputs(cli_colour(stdout, colour), stdout);
	cli_print(stdout, "%c   %s: %s", sign, json_text_or_null(change, "what"), value);
	puts(cli_colour(stdout, CLI_PLAIN));
}

/* What one step changes and another changes back is none. */
static bool is_change(struct json_object *change)
{
	return !json_object_equal(json_object_object_get(change, "from"),
				  json_object_object_get(change, "to"));
}

static void print_heading(const char *device)
{
	fputs(cli_colour(stdout, CLI_BOLD), stdout);
	cli_print(stdout, "  %s", device);
	puts(cli_colour(stdout, CLI_PLAIN));
}

/* The changes of one device, from all steps on it. */
static void print_device(struct json_object *changes, const char *device)
{
	bool named = false;

	for (size_t i = 0; i < json_object_array_length(changes); i++) {
		struct json_object *change = json_object_array_get_idx(changes, i);

		if (!is_change(change))
			continue;
		if (!named)
			print_heading(device);
		named = true;
		print_value('-', CLI_RED, change, "from");
		print_value('+', CLI_GREEN, change, "to");
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

static void print_notes(FILE *to, struct json_object *plan)
{
	struct json_object *notes = json_object_object_get(plan, "notes");

	for (size_t i = 0; notes && i < json_object_array_length(notes); i++)
		cli_print(to, "note: %s\n", json_object_get_string(json_object_array_get_idx(notes, i)));
}

void cli_print_changes(struct json_object *plan)
{
	_cleanup_json_ struct json_object *devices = changes_by_device(plan);

	json_object_object_foreach(devices, device, changes)
		print_device(changes, device);
	print_notes(stdout, plan);
}

static void print_operations(const struct iov_plan *plan)
{
	size_t count;
	const struct iov_step *const *steps = iov_plan_steps(plan, &count);

	for (size_t i = 0; i < count; i++) {
		const struct iov_op_list *ops = &steps[i]->run;

		cli_print(stdout, "%zu. %s\n", i + 1, steps[i]->title);
		for (size_t n = 0; n < ops->count; n++) {
			char text[1024];

			iov_op_describe(ops->list[n], text, sizeof(text));
			cli_print(stdout, "   %s\n", text);
		}
	}
}

static void print_result(struct cli *cli, struct json_object *plan, enum cli_colour colour,
			 const char *result)
{
	if (cli->json) {
		json_object_object_add(plan, "result", json_object_new_string(result));
		iov_output_json(stdout, plan);
		return;
	}
	cli_print(stdout, "%s: ", json_text_or_null(plan, "title"));
	printf("%s%s%s\n", colour == CLI_PLAIN ? "" : cli_colour(stdout, colour), result,
	       colour == CLI_PLAIN ? "" : cli_colour(stdout, CLI_PLAIN));
}

/* The error is still to come, and JSON is one object. */
static void print_refusal(struct cli *cli, struct json_object *plan)
{
	static const char result[] = "would be refused";

	if (!cli->json) {
		print_result(cli, plan, CLI_RED, result);
		return;
	}
	json_object_object_add(plan, "result", json_object_new_string(result));
	cli->answer = json_object_get(plan);
}

/* Who looks takes no lock, so a change that is under way has a journal as well. */
static bool is_under_way(struct iov *iov)
{
	_cleanup_json_ struct json_object *pending = NULL;

	return !iov_plan_pending(iov, &pending) && pending &&
	       iov_sys_exists(iov, iov_path(IOV_PATH_PROC "/%s", json_text(pending, "pid")).name);
}

/* A plan may begin at a host that another change left half done; who may not look is not told. */
static void note_pending(struct iov_plan *plan)
{
	struct iov *iov = iov_plan_context(plan);

	if (!is_under_way(iov) && iov_plan_settled(iov) == -EBUSY)
		iov_plan_note(plan, "%s", iov_error_message(iov));
}

int cli_show_plan(struct cli *cli, struct iov_plan *plan, bool operations)
{
	_cleanup_json_ struct json_object *json = NULL;
	int error;

	note_pending(plan);
	json = iov_plan_json(plan);
	if (iov_plan_is_empty(plan)) {
		if (!cli->json)
			print_notes(stdout, json);
		print_result(cli, json, CLI_PLAIN, CLI_NOTHING_TO_DO);
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
		print_result(cli, json, CLI_PLAIN, operations ? "not done, this is a dry run"
						   : "not done, 'iov apply' does it");
	return error;
}

struct iov_plan_options cli_plan_options(struct cli *cli)
{
	return (struct iov_plan_options){
		.lifted = cli->lifted,
		.findings = &cli->findings,
		.lock_timeout = cli->wait * 1000,
		.jobs = cli->jobs,
		.confirm = cli->confirm,
		.armed = cli->armed,
		.armed_arg = cli,
	};
}

int cli_carry_out(struct cli *cli, struct iov_plan *plan)
{
	struct iov_plan_options options = cli_plan_options(cli);
	int error;

	options.signal = cli_note_signals();
	cli_progress_begin(&options);
	error = iov_plan_run(plan, &options);
	cli_progress_end();
	return error;
}

static int carry_out_and_tell(struct cli *cli, struct iov_plan *plan)
{
	_cleanup_json_ struct json_object *json = iov_plan_json(plan);
	int error = cli_carry_out(cli, plan);

	if (cli->confirm)
		json_object_object_add(json, "confirm", json_object_new_int64(cli->confirm));
	if (!error && cli->confirm && !cli->json)
		cli_print(stdout, "%s: done, and taken back in %u s unless 'iov confirm' follows\n",
			  json_text_or_null(json, "title"), cli->confirm);
	else if (!error)
		print_result(cli, json, CLI_GREEN, "done");
	else
		/* What was foreseen may tell why. */
		print_notes(stderr, json);
	return error;
}

int cli_run_plan(struct cli *cli, struct iov_plan *plan)
{
	int error = cli->dry_run || iov_plan_is_empty(plan) ? cli_show_plan(cli, plan, true) :
							      carry_out_and_tell(cli, plan);

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

/* "port.add" of vm1 is "add port vm1". */
static int plan_iovd(struct cli *cli, const char *method, struct json_object *params,
		     struct iov_plan **plan)
{
	int noun = (int)strcspn(method, ".");
	int error = iov_plan_new(plan, cli->iov, "%s %.*s %s", method + noun + 1, noun, method,
				 json_text(params, "name"));

	if (!error)
		error = iov_host_iovd_plan(*plan, method, params, cli->save, cli->dry_run);
	return error ? cli_drop_plan(cli, *plan, error) : 0;
}

int cli_find_in_iovd(struct cli *cli, const char *method, const char *name,
		     struct json_object **found)
{
	_cleanup_json_ struct json_object *list = NULL;
	int error = iov_rpc_call(cli->iov, method, NULL, &list);

	for (size_t i = 0; !error && i < json_object_array_length(list); i++) {
		struct json_object *candidate = json_object_array_get_idx(list, i);

		if (!strcmp(json_text(candidate, "name"), name))
			*found = json_object_get(candidate);
	}
	return error;
}

void cli_print_missing(struct json_object *list)
{
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *entry = json_object_array_get_idx(list, i);

		if (!strcmp(json_text(entry, "state"), IOV_NOT_RESTORED))
			cli_print(stdout, "%s is not restored: %s; %s\n", json_text(entry, "name"),
				  json_text(entry, "error"), json_object_object_get(entry, "uri") ?
				  "its server is tried again and again" :
				  "when the cause is gone remove it and add it again");
	}
}

/* What to add is there already, as it shall be or otherwise; iovd's own word is on another name. */
static int find_added(struct cli *cli, const char *method, struct json_object *params,
		      struct json_object **result)
{
	char why[IOV_MESSAGE_SIZE];
	int error;

	snprintf(why, sizeof(why), "%s", iov_error_message(cli->iov));
	error = iov_host_iovd_there(cli->iov, method, params, result);
	return error || *result ? error : iov_fail(cli->iov, -EEXIST, "%s", why);
}

/* What somebody else has claimed is not given to iovd, nor what stands on it. */
static int check_given(struct cli *cli, struct json_object *params)
{
	_cleanup_json_ struct json_object *devices = iov_host_iovd_devices(cli->iov, params);
	int error = 0;

	for (size_t i = 0; !error && i < json_object_array_length(devices); i++)
		error = cli_check_claim(cli, json_object_get_string(json_object_array_get_idx(devices, i)));
	return error;
}

/* One request: iovd judges it, and says whether that was a change. */
static int ask_iovd(struct cli *cli, const char *method, struct json_object *params,
		    struct json_object **result)
{
	const bool adds = strstr(method, ".add") != NULL;
	struct json_object *changes = NULL;
	bool is_so = false;
	int error = adds ? check_given(cli, params) : 0;

	if (!error)
		error = iov_rpc_call(cli->iov, method, json_object_get(params), result);
	if (error == -EEXIST && adds) {
		error = find_added(cli, method, params, result);
		is_so = true;
	}
	if (error)
		return error;
	if (!*result)
		*result = json_object_new_object();
	if (json_object_object_get_ex(*result, "changes", &changes))
		is_so = !json_object_get_boolean(changes);
	json_object_object_del(*result, "changes");
	json_add_text(*result, "name", json_text(params, "name"));
	json_add_text(*result, "result", is_so ? CLI_NOTHING_TO_DO : "done");
	return 0;
}

struct asked {
	const char *method;
	struct json_object *params;
};

/* A plan, which the host file is in, or which is only looked at. */
static int run_iovd(struct cli *cli, void *arg)
{
	const struct asked *asked = arg;
	struct iov_plan *plan = NULL;
	int error = cli->dry_run ? 0 : cli_begin(cli, run_iovd, arg);

	if (!error)
		error = plan_iovd(cli, asked->method, asked->params, &plan);
	return error ? error : cli_run_plan(cli, plan);
}

int cli_change_iovd(struct cli *cli, const char *method, struct json_object *params,
		    struct json_object **result)
{
	int error;

	*result = NULL;
	if (cli->save || cli->dry_run)
		error = run_iovd(cli, &(struct asked){ method, params });
	else
		error = ask_iovd(cli, method, params, result);
	json_object_put(params);
	return error;
}

int cli_do_iovd(struct cli *cli, const char *method, struct json_object *params, const char *done)
{
	_cleanup_json_ struct json_object *result = NULL;
	int error = cli_change_iovd(cli, method, params, &result);

	if (!error && result)
		cli_tell_change(cli, method, result, done);
	return error;
}

void cli_tell_change(const struct cli *cli, const char *method, struct json_object *result,
		     const char *done)
{
	if (cli->json)
		iov_output_json(stdout, result);
	else
		printf("%.*s %s %s\n", (int)strcspn(method, "."), method, json_text(result, "name"),
		       cli_is_done(result) ? done : "is so already: " CLI_NOTHING_TO_DO);
}

bool cli_is_done(struct json_object *result)
{
	return strcmp(json_text(result, "result"), CLI_NOTHING_TO_DO);
}

int cli_drop_plan(struct cli *cli, struct iov_plan *plan, int error)
{
	enum iov_failure failure = iov_failure(cli->iov, error);
	char message[IOV_MESSAGE_SIZE];

	snprintf(message, sizeof(message), "%s", iov_error_message(cli->iov));
	if (plan && iov_plan_guard(plan, cli->lifted, &cli->findings) == -ECANCELED)
		error = -ECANCELED;
	else
		iov_fail_as(cli->iov, failure, error, "%s", message);
	if (plan && !cli->dry_run)
		iov_history_refused(plan, error);
	iov_plan_free(plan);
	return error;
}
