// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/help.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/near.h"
#include "cli/report.h"
#include "cli/words.h"

/* Longest first word of a command with its NUL. */
#define GROUP_SIZE 32
#define MESSAGE_SIZE 1024
/* Columns of a terminal: less is not looked at, and as many as argp takes by itself. */
#define HELP_LEAST 30
#define HELP_MOST 80
/* From here on what options mean is beside them. */
#define HELP_TWO_COLUMNS 60

void cli_help_fit(void)
{
	struct winsize size;
	char format[128];

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || size.ws_col < HELP_LEAST || size.ws_col >= HELP_MOST)
		return;
	snprintf(format, sizeof(format), "%srmargin=%d", size.ws_col < HELP_TWO_COLUMNS ?
		 "short-opt-col=1,long-opt-col=3,opt-doc-col=12,header-col=1,usage-indent=6," : "", size.ws_col - 1);
	setenv("ARGP_HELP_FMT", format, false);
}

static void list_commands(const struct cli_command *const *commands, FILE *file)
{
	for (; *commands; commands++)
		fprintf(file, "  %-16s %s\n", (*commands)->name, (*commands)->summary);
}

char *cli_help_doc(const struct cli_command *const *commands)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		return NULL;
	fputs("Give a host's I/O hardware to virtual machines.\v", file);
	fputs("Commands ('iov help COMMAND' explains one):\n", file);
	list_commands(commands, file);
	fputs("\nExit status: 0 done, 1 failed, 2 usage, 3 refused by a guard,\n"
	      "4 no such device, port or disk, 5 iovd does not answer.", file);
	fclose(file);
	return text;
}

static void list_group(const struct cli_command *const *commands, const char *group, FILE *file)
{
	fprintf(file, "Usage: iov %s COMMAND [OPTION...] [ARGUMENT...]\n\n"
		      "Commands ('iov help %s COMMAND' explains one):\n", group, group);
	for (size_t i = 0; commands[i]; i++) {
		if (cli_is_of_group(commands[i], group))
			fprintf(file, "  %-16s %s\n", commands[i]->name, commands[i]->summary);
	}
	fputs("\nExamples:\n", file);
	for (size_t i = 0; commands[i]; i++) {
		const char *example = commands[i]->example;

		if (cli_is_of_group(commands[i], group) && example)
			fprintf(file, "  %.*s\n", (int)strcspn(example, "\n"), example);
	}
}

/* The first word of a command. */
static const char *first_word(const struct cli_command *command, char word[GROUP_SIZE])
{
	snprintf(word, GROUP_SIZE, "%.*s", (int)strcspn(command->name, " "), command->name);
	return word;
}

static int unknown_first(const struct cli *cli, const struct cli_command *const *commands,
			 const char *text)
{
	struct iov_near near = { .text = text };
	char words[2][GROUP_SIZE], meant[2 * GROUP_SIZE] = "", message[MESSAGE_SIZE];
	size_t kept = 0;

	iov_near_look(&near, "help");
	for (size_t i = 0; commands[i]; i++) {
		const char *word = first_word(commands[i], words[kept]), *before = near.word;

		iov_near_look(&near, word);
		kept ^= near.word != before;
	}
	if (near.word)
		snprintf(meant, sizeof(meant), "did you mean 'iov %s'? ", near.word);
	snprintf(message, sizeof(message), "%s: no such command; %s'iov help' lists them", text,
		 meant);
	return (int)cli_report(cli, CLI_USAGE, message);
}

static int unknown_second(const struct cli *cli, const struct cli_command *const *commands,
			  const char *group, const char *text)
{
	struct iov_near near = { .text = text };
	char meant[3 * GROUP_SIZE] = "", names[MESSAGE_SIZE / 2] = "", message[MESSAGE_SIZE];
	size_t at = 0;

	for (size_t i = 0; commands[i]; i++) {
		if (!cli_is_of_group(commands[i], group))
			continue;
		iov_near_look(&near, commands[i]->name + strlen(group) + 1);
		if (at < sizeof(names))
			at += (size_t)snprintf(names + at, sizeof(names) - at, " '%s'",
					       commands[i]->name);
	}
	if (near.word)
		snprintf(meant, sizeof(meant), "did you mean 'iov %s %s'? ", group, near.word);
	if (*text)
		snprintf(message, sizeof(message), "%s %s: no such command; %sexpected one of:%s",
			 group, text, meant, names);
	else
		snprintf(message, sizeof(message), "%s: expected one of:%s", group, names);
	return (int)cli_report(cli, CLI_USAGE, message);
}

static bool asks_for_help(const char *arg)
{
	return !strcmp(arg, "--help") || !strcmp(arg, "--usage") || !strcmp(arg, "-?") ||
	       !strcmp(arg, "help");
}

int cli_help_words(const struct cli *cli, const struct cli_command *const *commands, int argc,
		   char **argv)
{
	if (!cli_is_group(commands, argv[0]))
		return unknown_first(cli, commands, argv[0]);
	if (argc > 1 && argv[1][0] != '-' && !asks_for_help(argv[1]))
		return unknown_second(cli, commands, argv[0], argv[1]);
	if (asks_for_help(argv[argc - 1])) {
		list_group(commands, argv[0], stdout);
		return CLI_OK;
	}
	if (cli->json)
		return unknown_second(cli, commands, argv[0], "");
	list_group(commands, argv[0], stderr);
	return CLI_USAGE;
}
