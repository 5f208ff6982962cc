// SPDX-License-Identifier: GPL-2.0-or-later
/* iov recover: undo or finish a change that was interrupted. */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/printable.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "host/file/host.h"

struct recover_args {
	bool finish;
};

static const struct argp_option options[] = {
	{ "finish", 'F', 0, 0, "Carry out the rest instead of undoing what was done" },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct recover_args *args = cli_data(state);

	(void)arg;
	if (key != 'F')
		return ARGP_ERR_UNKNOWN;
	args->finish = true;
	return 0;
}

static void print_result(struct cli *cli, struct json_object *pending, const char *result)
{
	if (cli->json) {
		json_object_object_add(pending, "result", json_object_new_string(result));
		iov_output_json(stdout, pending);
		return;
	}
	cli_print(stdout, "%s (%s step%s begun, pid %s, %s): %s\n",
	       json_text_or_null(pending, "title"),
	       json_text_or_null(pending, "begun"),
	       json_object_get_int(json_object_object_get(pending, "begun")) == 1 ? "" : "s",
	       json_text_or_null(pending, "pid"),
	       json_text_or_null(pending, "time"), result);
}

static int look_again(struct cli *cli, struct json_object **pending)
{
	int error = iov_plan_lock(cli->iov, cli->wait * 1000);

	if (error)
		return error;
	json_object_put(*pending);
	return iov_plan_pending(cli->iov, pending);
}

static void print_nothing(struct cli *cli)
{
	_cleanup_json_ struct json_object *object = json_object_new_object();

	if (cli->json)
		print_result(cli, object, "nothing to recover");
	else
		puts("nothing to recover");
}

/* A change that was killed behind its last step is done, and stays. */
static const char *end_of(struct json_object *pending, const char *otherwise)
{
	return json_object_get_boolean(json_object_object_get(pending, "complete")) ?
		       "was done already, and stays" : otherwise;
}

/* With the host goes the file that was to be confirmed. */
static int recover(struct cli *cli, bool finish, const struct iov_plan_options *plan_options)
{
	int error = iov_plan_recover(cli->iov, finish, plan_options);

	if (error)
		return error;
	return finish ? iov_host_release(cli->iov, true) : iov_host_drop(cli->iov);
}

static int run(struct cli *cli, void *data)
{
	const struct recover_args *args = data;
	struct iov_plan_options plan_options = cli_plan_options(cli);
	_cleanup_json_ struct json_object *pending = NULL;
	int error = iov_plan_pending(cli->iov, &pending);

	/* Who holds the lock may be at it still, so it is asked again under the lock. */
	if (!error && (pending || iov_host_waits(cli->iov)) && !cli->dry_run)
		error = look_again(cli, &pending);
	if (error)
		return error;
	if (!pending) {
		print_nothing(cli);
		/* The journal of an earlier boot goes. */
		return cli->dry_run ? 0 : recover(cli, false, &plan_options);
	}
	if (cli->dry_run) {
		print_result(cli, pending, end_of(pending, args->finish ? "would be finished" : "would be undone"));
		return 0;
	}
	plan_options.signal = cli_note_signals();
	cli_progress_begin(&plan_options);
	error = recover(cli, args->finish, &plan_options);
	cli_progress_end();
	if (!error)
		print_result(cli, pending, end_of(pending, args->finish ? "finished" : "undone"));
	return error;
}

const struct cli_command cli_recover = {
	.name = "recover",
	.summary = "Undo or finish a change that was interrupted",
	.example = "iov recover",
	.changes = true,
	.locks = true,
	.options = options,
	.parse = parse,
	.data_size = sizeof(struct recover_args),
	.run = run,
};
