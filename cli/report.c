// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/report.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "cli/colour.h"
#include "cli/iovd_users.h"
#include "cli/output.h"
#include "cli/printable.h"

static const enum cli_exit statuses[] = {
	[IOV_FAILURE_OTHER] = CLI_FAILED,
	[IOV_FAILURE_INPUT] = CLI_USAGE,
	[IOV_FAILURE_GUARD] = CLI_REFUSED,
	[IOV_FAILURE_ABSENT] = CLI_NOT_FOUND,
	[IOV_FAILURE_DAEMON] = CLI_NO_DAEMON,
};

static void print_object(const struct cli *cli, enum cli_exit status, const char *message)
{
	_cleanup_json_ struct json_object *object =
		cli->answer ? json_object_get(cli->answer) : json_object_new_object();

	json_add_text(object, "error", message);
	json_object_object_add(object, "exit", json_object_new_int(status));
	if (cli->findings && (status == CLI_REFUSED || json_object_array_length(cli->findings)))
		json_object_object_add(object, "findings", json_object_get(cli->findings));
	iov_output_json(stdout, object);
}

enum cli_exit cli_report(const struct cli *cli, enum cli_exit status, const char *message)
{
	_cleanup_free_ char *line = cli_printable(message);

	if (cli->json)
		print_object(cli, status, message);
	fprintf(stderr, "iov: %s%s%s\n", cli_colour(stderr, CLI_RED), line ? line : "out of memory",
		cli_colour(stderr, CLI_PLAIN));
	return status;
}

enum cli_exit cli_report_error(const struct cli *cli, int error)
{
	const char *message;

	if (iov_failure(cli->iov, error) == IOV_FAILURE_GUARD)
		cli_name_iovd_users(cli);
	message = iov_error_message(cli->iov);
	return cli_report(cli, statuses[iov_failure(cli->iov, error)],
			  *message ? message : strerror(-error));
}
