// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From argv to a command and back to an exit status.
 *
 * Options in front of the command's words are those that every command has;
 * after the words they are understood as well, beside the command's own.
 */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/guard/guard.h"
#include "base/rpc/rpc.h"
#include "base/streams.h"
#include "base/sysroot/paths.h"
#include "cli/output.h"
#include "plugins/plugins.h"
#include "sriov/vf.h"

const char *argp_program_version = "iov (iovkit) " IOVKIT_VERSION;
const char *argp_program_bug_address = NULL;

#define OPTIONS_MAX 32
#define COMMAND_WORDS_MAX 2

enum {
	KEY_JSON = 0x1000,
	KEY_CONTROL,
	KEY_ROOT,
	KEY_DRY_RUN,
	KEY_FORCE,
	KEY_TIMEOUT,
	KEY_WAIT,
	KEY_JOBS,
};

static const struct argp_option common_options[] = {
	{ 0, 0, 0, 0, "Common options:", 50 },
	{ "json", KEY_JSON, 0, 0, "Print JSON", 50 },
	{ "control", KEY_CONTROL, "PATH", 0, "Control socket of iovd (" IOV_CONTROL_SOCKET ")", 50 },
	{ "root", KEY_ROOT, "DIR", 0, "Look at a recorded host below DIR instead of this one", 50 },
	{ "timeout", KEY_TIMEOUT, "SECONDS", 0,
	  "Give up what the kernel does not answer (60)", 50 },
	{ "verbose", 'v', 0, 0, "Log what is done to stderr; twice for more", 50 },
	{ 0 },
};

static const struct argp_option change_options[] = {
	{ 0, 0, 0, 0, "Changing the host:", 40 },
	{ "dry-run", KEY_DRY_RUN, 0, 0, "Print each operation, change nothing", 40 },
	{ "force", KEY_FORCE, "GUARD", 0,
	  "Take devices that this guard says are in use, too; may be repeated", 40 },
	{ "wait", KEY_WAIT, "SECONDS", 0, "Wait for another change of the host to end (30)", 40 },
	{ "jobs", KEY_JOBS, "N", 0, "Work on up to N independent devices at the same time (CPUs, at most 8)", 40 },
	{ 0 },
};

/* What one invocation collects while it is parsed; cli is the argp input. */
struct invocation {
	struct cli cli;
	const struct cli_command *command;
	void *data;
	const char *root;
	const char *control;
	int verbose;
	unsigned int timeout;
	int words_at;
};

void *cli_data(const struct argp_state *state)
{
	return ((struct invocation *)state->input)->data;
}

bool cli_lifts(const struct cli *cli, const char *guard)
{
	for (size_t i = 0; cli->lifted[i]; i++) {
		if (!strcmp(cli->lifted[i], guard))
			return true;
	}
	return false;
}

static void lift_guard(struct invocation *invocation, const char *name, struct argp_state *state)
{
	char names[512] = "";
	const char *guard;
	size_t count = 0;

	for (size_t i = 0; (guard = iov_guard_name(i)) && strcmp(guard, name); i++)
		snprintf(names + strlen(names), sizeof(names) - strlen(names), " %s", guard);
	if (!strcmp(name, CLI_LIFT_DRIVER))
		guard = CLI_LIFT_DRIVER;
	if (!guard)
		argp_error(state, "--force=%s: no such guard; expected one of:%s", name, names);
	while (invocation->cli.lifted[count])
		count++;
	if (count == CLI_LIFTED_MAX)
		argp_error(state, "--force: more than %d times", CLI_LIFTED_MAX);
	invocation->cli.lifted[count] = guard;
}

/* The argument of an option that takes a number. */
static unsigned int parse_number(const char *arg, const char *option, unsigned int max,
				 const char *unit, struct argp_state *state)
{
	char *end;
	unsigned long number = strtoul(arg, &end, 10);

	if (*end || !number || number > max)
		argp_error(state, "--%s %s: expected %s from 1 to %u", option, arg, unit, max);
	return (unsigned int)number;
}

static error_t parse_common(int key, char *arg, struct argp_state *state)
{
	struct invocation *invocation = state->input;

	switch (key) {
	case KEY_JSON:
		invocation->cli.json = true;
		return 0;
	case KEY_CONTROL:
		invocation->control = arg;
		return 0;
	case KEY_ROOT:
		invocation->root = arg;
		return 0;
	case 'v':
		invocation->verbose++;
		return 0;
	case KEY_DRY_RUN:
		invocation->cli.dry_run = true;
		return 0;
	case KEY_FORCE:
		lift_guard(invocation, arg, state);
		return 0;
	case KEY_TIMEOUT:
		invocation->timeout = parse_number(arg, "timeout", 86400, "seconds", state);
		return 0;
	case KEY_WAIT:
		invocation->cli.wait = parse_number(arg, "wait", 86400, "seconds", state);
		return 0;
	case KEY_JOBS:
		invocation->cli.jobs = parse_number(arg, "jobs", 64, "a number", state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Options in front of the command: stop at its first word. */
static error_t parse_front(int key, char *arg, struct argp_state *state)
{
	struct invocation *invocation = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		invocation->words_at = state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		return 0;
	default:
		return parse_common(key, arg, state);
	}
}

static error_t parse_command(int key, char *arg, struct argp_state *state)
{
	const struct cli_command *command = ((struct invocation *)state->input)->command;
	error_t error = ARGP_ERR_UNKNOWN;

	if (command->parse)
		error = command->parse(key, arg, state);
	if (error == ARGP_ERR_UNKNOWN)
		error = parse_common(key, arg, state);
	if (error == ARGP_ERR_UNKNOWN && key == ARGP_KEY_ARG)
		argp_error(state, "%s: one argument too many", arg);
	return error;
}

static size_t append_options(struct argp_option *to, size_t count,
			     const struct argp_option *from)
{
	static const struct argp_option end;

	while (from && memcmp(from, &end, sizeof(end)) && count < OPTIONS_MAX - 1)
		to[count++] = *from++;
	return count;
}

static void list_commands(const struct cli_command *const *commands, FILE *file)
{
	for (; *commands; commands++)
		fprintf(file, "  %-16s %s\n", (*commands)->name, (*commands)->summary);
}

static char *commands_doc(const struct cli_command *const *commands)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		return NULL;
	fputs("Give a host's I/O hardware to virtual machines.\v", file);
	fputs("Commands ('iov COMMAND --help' explains one):\n", file);
	list_commands(commands, file);
	fputs("\nExit status: 0 done, 1 failed, 2 usage, 3 refused by a guard,\n"
	      "4 no such device or port, 5 iovd does not answer.", file);
	fclose(file);
	return text;
}

/* The command whose words begin argv; @used receives their number. */
static const struct cli_command *find_command(const struct cli_command *const *commands, int argc,
					      char **argv, int *used)
{
	for (*used = COMMAND_WORDS_MAX; *used; --*used) {
		char name[64];

		if (*used > argc)
			continue;
		snprintf(name, sizeof(name), *used == 2 ? "%s %s" : "%s", argv[0],
			 *used == 2 ? argv[1] : "");
		for (size_t i = 0; commands[i]; i++) {
			if (!strcmp(commands[i]->name, name))
				return commands[i];
		}
	}
	return NULL;
}

static int unknown_command(const struct cli_command *const *commands, int argc, char **argv)
{
	size_t length = strlen(argv[0]);
	bool noun = false;

	for (size_t i = 0; commands[i]; i++)
		noun |= !strncmp(commands[i]->name, argv[0], length) &&
			commands[i]->name[length] == ' ';
	if (!noun) {
		fprintf(stderr, "iov: %s: no such command; 'iov --help' lists them\n", argv[0]);
		return CLI_USAGE;
	}
	fprintf(stderr, "iov: %s %s: no such command; expected one of:", argv[0],
		argc > 1 ? argv[1] : "");
	for (size_t i = 0; commands[i]; i++) {
		if (!strncmp(commands[i]->name, argv[0], length) &&
		    commands[i]->name[length] == ' ')
			fprintf(stderr, " '%s'", commands[i]->name);
	}
	fputc('\n', stderr);
	return CLI_USAGE;
}

static void parse_own(struct invocation *invocation, int argc, char **argv)
{
	const struct cli_command *command = invocation->command;
	struct argp_option options[OPTIONS_MAX] = { 0 };
	char name[64], doc[2048];
	struct argp argp = { options, parse_command, command->args, doc };
	size_t count = append_options(options, 0, command->options);

	if (command->changes)
		count = append_options(options, count, change_options);
	append_options(options, count, common_options);
	snprintf(name, sizeof(name), "iov %s", command->name);
	snprintf(doc, sizeof(doc), "%s.%s%s", command->summary,
		 command->example ? "\vExample:\n  " : "", command->example ? command->example : "");
	argv[0] = name;
	argp_parse(&argp, argc, argv, 0, NULL, invocation);
}

static void log_stderr(void *arg, int level, const char *message)
{
	const struct invocation *invocation = arg;

	if (level <= LOG_NOTICE + invocation->verbose)
		fprintf(stderr, "iov: %s\n", message);
}

static int exit_status(int error)
{
	switch (-error) {
	case 0:
		return CLI_OK;
	case EINVAL:
		return CLI_USAGE;
	case ECANCELED:
		return CLI_REFUSED;
	case ENODEV:
	case ENOENT:
		return CLI_NOT_FOUND;
	case ECONNREFUSED:
		return CLI_NO_DAEMON;
	default:
		return CLI_FAILED;
	}
}

static int report_error(const struct cli *cli, int error)
{
	const char *message = iov_error_message(cli->iov);
	int status = exit_status(error);

	if (!*message)
		message = strerror(-error);
	if (cli->json) {
		_cleanup_json_ struct json_object *object =
			cli->answer ? json_object_get(cli->answer) : json_object_new_object();

		json_object_object_add(object, "error", json_object_new_string(message));
		json_object_object_add(object, "exit", json_object_new_int(status));
		if (status == CLI_REFUSED && cli->findings)
			json_object_object_add(object, "findings",
					       json_object_get(cli->findings));
		iov_output_json(stdout, object);
	}
	fprintf(stderr, "iov: %s\n", message);
	return status;
}

/* Plans are built under the lock, so that what another change left is what they begin with. */
static int begin_change(const struct invocation *invocation)
{
	struct iov *iov = invocation->cli.iov;

	if (!iov_sys_is_host(iov))
		return iov_fail(iov, -EOPNOTSUPP, "--root %s: another root is only looked at; change a "
				"host from within, or see with --dry-run what would change",
				invocation->root);
	return iov_plan_lock(iov, invocation->cli.wait * 1000);
}

static int run_command(struct invocation *invocation)
{
	struct iov_options options = { invocation->root, log_stderr, invocation };
	struct cli *cli = &invocation->cli;
	int error = iov_open(&cli->iov, &options);
	int status;

	if (error) {
		fprintf(stderr, "iov: --root %s: %s; expected a directory\n",
			invocation->root ? invocation->root : "/", strerror(-error));
		return CLI_FAILED;
	}
	iov_sys_set_timeout(cli->iov, invocation->timeout * 1000);
	error = iov_rpc_set_socket(cli->iov, invocation->control);
	if (!error)
		error = iov_guard_set_session(cli->iov, getenv("SSH_CONNECTION"));
	if (!error)
		error = iov_sriov_register(cli->iov);
	if (!error)
		error = iov_plugins_register(cli->iov);
	if (!error && invocation->command->changes && !cli->dry_run)
		error = begin_change(invocation);
	if (!error)
		error = invocation->command->run(cli, invocation->data);
	status = error ? report_error(cli, error) : (int)cli->status;
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "iov: cannot write the output: %s\n", strerror(errno));
		status = status ? status : CLI_FAILED;
	}
	json_object_put(cli->findings);
	json_object_put(cli->answer);
	iov_close(cli->iov);
	return status;
}

int cli_run(const struct cli_command *const *commands, int argc, char **argv)
{
	struct invocation invocation = { 0 };
	_cleanup_free_ char *doc = commands_doc(commands);
	struct argp front = { common_options, parse_front, "COMMAND [ARGUMENT...]", doc };
	int used, status;

	if (!streams_open())
		return CLI_FAILED;
	argp_err_exit_status = CLI_USAGE;
	argp_parse(&front, argc, argv, ARGP_IN_ORDER, NULL, &invocation);
	if (!invocation.words_at)
		return CLI_USAGE;
	argc -= invocation.words_at;
	argv += invocation.words_at;
	invocation.command = find_command(commands, argc, argv, &used);
	if (!invocation.command)
		return unknown_command(commands, argc, argv);
	invocation.data = calloc(1, invocation.command->data_size + 1);
	if (!invocation.data)
		return CLI_FAILED;
	parse_own(&invocation, argc - used + 1, argv + used - 1);
	status = run_command(&invocation);
	free(invocation.data);
	return status;
}
