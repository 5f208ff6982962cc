// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/usage.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/report.h"
#include "cli/words.h"

bool cli_wants_json(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (!strcmp(argv[i], "--json"))
			return true;
	}
	return false;
}

/* @command is "iov vf create", which has the help. */
static void __attribute__((noreturn)) end(const struct cli *cli, const char *command,
					  const char *message)
{
	char text[IOV_MESSAGE_SIZE + 128];

	snprintf(text, sizeof(text), "%s%s '%s --help' explains it", message,
		 message[strlen(message) - 1] == '?' ? "" : ";", command);
	exit(cli_report(cli, CLI_USAGE, text));
}

void cli_misuse(const struct argp_state *state, const char *format, ...)
{
	char message[IOV_MESSAGE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	end(state->input, state->name, message);
}

/* Options that begin with these letters, their names in @names. */
static size_t find_options(const struct argp_option *options, const char *name, size_t length,
			   const struct argp_option **found, char *names, size_t size)
{
	size_t count = 0, at = 0;

	for (; !cli_is_last(options); options++) {
		if (!options->name || strncmp(options->name, name, length) != 0)
			continue;
		*found = options;
		if (strlen(options->name) == length)
			return 1;
		count++;
		if (at < size)
			at += (size_t)snprintf(names + at, size - at, "%s--%s", at ? ", " : "",
					       options->name);
	}
	return count;
}

static void unknown_option(const struct argp_option *options, const char *word, char *message,
			   size_t size)
{
	const char *near = strncmp(word, "--", 2) ? NULL : cli_near_option(options, word);
	int length = (int)strcspn(word, "=");

	if (near)
		snprintf(message, size, "%.*s: no such option; did you mean --%s?", length, word,
			 near);
	else
		snprintf(message, size, "%.*s: no such option", length, word);
}

void cli_misuse_option(const struct argp_state *state)
{
	const char *last = state->argv[state->next - 1], *next = state->argv[state->next];
	const char *word = *last != '-' && next ? next : last; /* the first of several letters */
	const struct argp_option *found = NULL;
	char message[IOV_MESSAGE_SIZE], names[256] = "";
	size_t length = strcspn(word, "="), count = 0;

	if (!strncmp(word, "--", 2))
		count = find_options(state->root_argp->options, word + 2, length - 2, &found, names,
				     sizeof(names));
	else if ((found = cli_find_letter(state->root_argp->options, word[length - 1])))
		count = 1;
	if (count > 1)
		snprintf(message, sizeof(message), "%s: expected one of %s", word, names);
	else if (count && found->arg)
		snprintf(message, sizeof(message), "--%s: expected its %s", found->name, found->arg);
	else if (count)
		snprintf(message, sizeof(message), "--%s: expected no argument", found->name);
	else
		unknown_option(state->root_argp->options, word, message, sizeof(message));
	end(state->input, state->name, message);
}

void cli_no_command(struct argp_state *state, const struct cli *cli)
{
	if (cli->json)
		exit(cli_report(cli, CLI_USAGE, "expected a command; 'iov help' lists them"));
	state->flags &= ~(unsigned int)ARGP_NO_ERRS;
	argp_state_help(state, stderr, ARGP_HELP_STD_HELP & ~(unsigned int)ARGP_HELP_EXIT_OK);
	exit(CLI_USAGE);
}

void cli_help(struct argp_state *state, unsigned int flags)
{
	state->flags &= ~(unsigned int)ARGP_NO_ERRS; /* argp's help is an error message, too */
	argp_state_help(state, stdout, flags | ARGP_HELP_EXIT_OK);
}
