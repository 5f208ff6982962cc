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
#include "base/plan/history.h"
#include "base/rpc/rpc.h"
#include "base/streams.h"
#include "base/sysroot/paths.h"
#include "cli/begin.h"
#include "cli/colour.h"
#include "cli/complete.h"
#include "cli/help.h"
#include "cli/inherited.h"
#include "cli/printable.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/root.h"
#include "cli/usage.h"
#include "cli/words.h"
#include "host/cdi/cdi.h"
#include "plugins/plugins.h"
#include "sriov/vf.h"

/* What one invocation collects while it is parsed; cli is the argp input. */
struct invocation {
	struct cli cli;
	const struct cli_command *command;
	void *data;
	const char *root;
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

int cli_check_claim(struct cli *cli, const char *device)
{
	return cli_lifts(cli, "fleet") ? 0 : iov_claims_check(cli->iov, device);
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
		cli_misuse(state, "--force=%s: no such guard; expected one of:%s " CLI_LIFT_DRIVER,
			   name, names);
	while (invocation->cli.lifted[count])
		count++;
	if (count == CLI_LIFTED_MAX)
		cli_misuse(state, "--force: more than %d times", CLI_LIFTED_MAX);
	invocation->cli.lifted[count] = guard;
}

/* The argument of an option that takes a number. */
static unsigned int parse_number(const char *arg, const char *option, unsigned int max,
				 const char *unit, struct argp_state *state)
{
	char *end;
	unsigned long number = strtoul(arg, &end, 10);

	if (*end || !number || number > max)
		cli_misuse(state, "--%s %s: expected %s from 1 to %u", option, arg, unit, max);
	return (unsigned int)number;
}

static error_t parse_common(int key, char *arg, struct argp_state *state)
{
	struct invocation *invocation = state->input;

	switch (key) {
	case CLI_KEY_JSON:
		invocation->cli.json = true;
		return 0;
	case CLI_KEY_COLOR:
		if (!cli_colour_choose(arg))
			cli_misuse(state, "--color %s: expected auto, always or never", arg);
		return 0;
	case CLI_KEY_CONTROL:
		invocation->cli.control = arg;
		return 0;
	case CLI_KEY_PLUGINS:
		invocation->cli.plugins = arg;
		return 0;
	case CLI_KEY_ROOT:
		invocation->root = arg;
		return 0;
	case 'v':
		invocation->verbose++;
		return 0;
	case ARGP_KEY_ERROR:
		cli_misuse_option(state);
	case '?':
		cli_help(state, ARGP_HELP_STD_HELP);
		return 0;
	case CLI_KEY_USAGE:
		cli_help(state, ARGP_HELP_USAGE);
		return 0;
	case 'V':
		puts("iov (iovkit) " IOVKIT_VERSION);
		exit(CLI_OK);
	case CLI_KEY_DRY_RUN:
		invocation->cli.dry_run = true;
		return 0;
	case CLI_KEY_SAVE:
		invocation->cli.save = true;
		return 0;
	case CLI_KEY_FORCE:
		lift_guard(invocation, arg, state);
		return 0;
	case CLI_KEY_HOLDER:
		invocation->cli.claims.holder = arg;
		return 0;
	case CLI_KEY_TIMEOUT:
		invocation->timeout = parse_number(arg, "timeout", 86400, "seconds", state);
		return 0;
	case CLI_KEY_WAIT:
		invocation->cli.wait = parse_number(arg, "wait", 86400, "seconds", state);
		return 0;
	case CLI_KEY_JOBS:
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
		cli_no_command(state, &invocation->cli);
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
		cli_misuse(state, "%s: one argument too many", arg);
	return error;
}

/* What --help says of a command beside its options; the caller frees it, NULL without memory. */
static char *help_of(const struct cli_command *command)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		return NULL;
	fprintf(file, "%s.%s%s", command->summary, command->example ? "\vExample:\n  " : "",
		command->example ? command->example : "");
	if (command->explain)
		command->explain(file);
	fclose(file);
	return text;
}

static void parse_own(struct invocation *invocation, int argc, char **argv)
{
	const struct cli_command *command = invocation->command;
	_cleanup_free_ char *doc = help_of(command);
	struct argp_option options[CLI_OPTIONS_MAX];
	struct argp argp = { options, parse_command, command->args, doc };
	char name[64];

	cli_command_options(command, options);
	snprintf(name, sizeof(name), "iov %s", command->name);
	argv[0] = name;
	argp_parse(&argp, argc, argv, CLI_ARGP_FLAGS, NULL, invocation);
}

static void log_stderr(void *arg, int level, const char *message)
{
	const struct invocation *invocation = arg;
	_cleanup_free_ char *line = NULL;

	if (level > LOG_NOTICE + invocation->verbose)
		return;
	line = cli_printable(message);
	cli_progress_clear();
	fprintf(stderr, "iov: %s\n", line ? line : "out of memory");
}

/* Plans are built under the lock, so that what another change left is what they begin with. */
static int begin_change(struct invocation *invocation)
{
	struct iov *iov = invocation->cli.iov;

	if (!iov_sys_is_host(iov))
		return iov_fail(iov, -EOPNOTSUPP, "--root %s: another root is only looked at; change a "
				"host from within, or see with --dry-run what would change",
				invocation->root);
	return invocation->command->locks ? 0 : cli_begin(&invocation->cli, invocation->command->run, invocation->data);
}

/* What containers are given by name follows what VFIO has, whatever became of the change. */
static int end_change(const struct cli *cli, int status)
{
	if (!iov_cdi_refresh(cli->iov))
		return status;
	cli_print(stderr, "iov: %s\n", iov_error_message(cli->iov));
	return status ? status : CLI_FAILED;
}

static enum cli_exit cannot_open(const struct invocation *invocation, int error)
{
	char message[IOV_MESSAGE_SIZE];

	snprintf(message, sizeof(message), "--root %s: %s; expected a directory that has the /sys and "
		 "/proc of a host, or a file of 'iov record', or leave out --root to look at this one",
		 invocation->root ? invocation->root : "/", strerror(-error));
	return cli_report(&invocation->cli, invocation->root ? CLI_USAGE : CLI_FAILED, message);
}

static void read_environment(struct iov_claims_settings *claims)
{
	const struct {
		const char *name;
		const char **setting;
	} variables[] = {
		{ "IOV_HOLDER", &claims->holder },
		{ "IOV_ETCD_ENDPOINTS", &claims->endpoints },
		{ "IOV_ETCD_CA", &claims->ca },
		{ "IOV_ETCD_CERTIFICATE", &claims->certificate },
		{ "IOV_ETCD_KEY", &claims->key },
		{ "IOV_ETCD_USER", &claims->user },
		{ "IOV_ETCD_PASSWORD", &claims->password },
	};

	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++) {
		if (!*variables[i].setting)
			*variables[i].setting = getenv(variables[i].name);
	}
}

/* What all contexts of a command have. */
static int dress(const struct invocation *invocation, struct iov *iov)
{
	const struct cli *cli = &invocation->cli;
	int error;

	iov_sys_set_timeout(iov, invocation->timeout * 1000);
	error = iov_rpc_set_socket(iov, cli->control);
	if (!error)
		error = iov_guard_set_session(iov, getenv("SSH_CONNECTION"));
	iov_history_set_sudo_user(iov, getenv("SUDO_USER"));
	if (!error)
		error = iov_sriov_register(iov);
	if (!error)
		error = iov_plugins_register(iov);
	if (!error)
		error = iov_plugins_load(iov, cli->plugins);
	return error ? error : iov_claims_register(iov, &cli->claims);
}

int cli_open_context(void *arg, struct iov **iov)
{
	struct invocation *invocation = arg;
	struct iov_options options = { NULL, log_stderr, invocation };
	int error = iov_open(iov, &options);

	return error ? error : dress(invocation, *iov);
}

static int run_at(struct invocation *invocation, const char *root)
{
	struct iov_options options = { root, log_stderr, invocation };
	struct cli *cli = &invocation->cli;
	int error = iov_open(&cli->iov, &options);
	bool begun = false;
	int status;

	if (error)
		return (int)cannot_open(invocation, error);
	read_environment(&cli->claims);
	error = dress(invocation, cli->iov);
	if (!error && invocation->command->changes && !cli->dry_run) {
		error = begin_change(invocation);
		begun = !error;
	}
	if (!error)
		error = invocation->command->run(cli, invocation->data);
	status = error ? (int)cli_report_error(cli, error) : (int)cli->status;
	if (begun)
		status = end_change(cli, status);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "iov: cannot write the output: %s\n", strerror(errno));
		status = status ? status : CLI_FAILED;
	}
	json_object_put(cli->findings);
	json_object_put(cli->answer);
	iov_close(cli->iov);
	return status;
}

/* A file that is a record is unpacked for as long as the command runs. */
static int run_command(struct invocation *invocation)
{
	char message[IOV_MESSAGE_SIZE];
	struct root root;
	int status;

	if (root_open(&root, invocation->root, message, sizeof(message)))
		return (int)cli_report(&invocation->cli, CLI_USAGE, message);
	if (*message)
		log_stderr(invocation, LOG_WARNING, message);
	status = run_at(invocation, root.path);
	root_close(&root);
	return status;
}

static char help_option[] = "--help";

/* "help vf set" is "vf set --help". */
static void turn_into_option(int argc, char **argv)
{
	memmove(argv, argv + 1, (size_t)(argc - 1) * sizeof(*argv));
	argv[argc - 1] = help_option;
}

int cli_run(const struct cli_command *const *commands, int argc, char **argv)
{
	struct invocation invocation = { 0 };
	_cleanup_free_ char *doc = cli_help_doc(commands);
	struct argp front = { cli_common_options, parse_front, "COMMAND [ARGUMENT...]", doc };
	char program[] = "iov";
	int used, status;

	if (!streams_open())
		return CLI_FAILED;
	cli_drop_inherited();
	if (argc > 1 && !strcmp(argv[1], "complete"))
		return cli_complete(commands, argc - 2, argv + 2);
	cli_help_fit();
	invocation.cli.json = cli_wants_json(argc, argv);
	argp_parse(&front, argc, argv, CLI_ARGP_FLAGS | ARGP_IN_ORDER, NULL, &invocation);
	if (!invocation.words_at)
		return CLI_USAGE;
	argc -= invocation.words_at;
	argv += invocation.words_at;
	while (!strcmp(argv[0], "help"))
		turn_into_option(argc, argv);
	invocation.command = cli_find_command(commands, argc, argv, &used);
	if (argv[0][0] == '-' && !strcmp(argv[argc - 1], help_option))
		argp_parse(&front, 2, (char *[]){ program, help_option, NULL },
			   CLI_ARGP_FLAGS, NULL, &invocation);
	if (!invocation.command)
		return cli_help_words(&invocation.cli, commands, argc, argv);
	invocation.data = calloc(1, invocation.command->data_size + 1);
	if (!invocation.data)
		return CLI_FAILED;
	parse_own(&invocation, argc - used + 1, argv + used - 1);
	status = run_command(&invocation);
	free(invocation.data);
	return status;
}
