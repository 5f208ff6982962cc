// SPDX-License-Identifier: GPL-2.0-or-later
/* How every changing command shows and carries out its plan. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/output.h"
#include "cli/cli.h"

static void print_operations(struct iov *iov, struct json_object *plan)
{
	struct json_object *steps = json_object_object_get(plan, "steps");

	for (size_t i = 0; i < json_object_array_length(steps); i++) {
		struct json_object *step = json_object_array_get_idx(steps, i);
		struct json_object *ops = json_object_object_get(step, "do");

		printf("%zu. %s\n", i + 1, cli_text(step, "title"));
		for (size_t n = 0; n < json_object_array_length(ops); n++) {
			char text[1024];

			iov_op_describe(iov, json_object_array_get_idx(ops, n), text, sizeof(text));
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
	if (cli->dry_run)
		print_operations(cli->iov, plan);
	printf("%s: %s\n", cli_text(plan, "title"), result);
}

/* Show everything, then whether a guard would refuse it. */
static int show_plan(struct cli *cli, struct iov_plan *plan, struct json_object *json)
{
	struct json_object *findings = NULL;
	int error = iov_plan_guard(plan, cli->lifted, &findings);

	if (findings)
		json_object_object_add(json, "findings", findings);
	print_result(cli, json, error ? "would be refused" : "not done, this is a dry run");
	return error;
}

static void show_progress(void *arg, size_t step, size_t steps, const char *title)
{
	(void)arg;
	fprintf(stderr, "[%zu/%zu] %s\n", step, steps, title);
}

int cli_run_plan(struct cli *cli, struct iov_plan *plan)
{
	struct iov_plan_options options = {
		.lifted = cli->lifted,
		.progress = isatty(STDERR_FILENO) ? show_progress : NULL,
	};
	_cleanup_json_ struct json_object *json = iov_plan_json(plan);
	int error = 0;

	if (iov_plan_is_empty(plan)) {
		print_result(cli, json, "nothing to do");
	} else if (cli->dry_run) {
		error = show_plan(cli, plan, json);
	} else {
		error = iov_plan_run(plan, &options);
		if (!error)
			print_result(cli, json, "done");
	}
	iov_plan_free(plan);
	return error;
}
