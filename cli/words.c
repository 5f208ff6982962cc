// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/words.h"

#include <stdio.h>
#include <string.h>

#include "base/near.h"
#include "base/sysroot/paths.h"
#include "host/file/host.h"

#define COMMAND_WORDS_MAX 2
#define NAME_MAX_LENGTH 64

const struct argp_option cli_common_options[] = {
	{ 0, 0, 0, 0, "Common options:", 50 },
	{ "json", CLI_KEY_JSON, 0, 0, "Print JSON", 50 },
	{ "color", CLI_KEY_COLOR, "auto|always|never", 0,
	  "Colour where it says something (auto: on a terminal)", 50 },
	{ "control", CLI_KEY_CONTROL, "PATH", 0, "Control socket of iovd (" IOV_CONTROL_SOCKET ")", 50 },
	{ "root", CLI_KEY_ROOT, "PATH", 0, "Look at a recorded host instead of this one: a directory, or a file of 'iov record'", 50 },
	{ "plugins", CLI_KEY_PLUGINS, "DIR", 0, "Load plugins from DIR instead of where they are installed", 50 },
	{ "timeout", CLI_KEY_TIMEOUT, "SECONDS", 0,
	  "Give up what the kernel does not answer (60)", 50 },
	{ "verbose", 'v', 0, 0, "Log what is done to stderr; twice for more", 50 },
	{ "help", '?', 0, 0, "Give this help list", -1 },
	{ "usage", CLI_KEY_USAGE, 0, 0, "Give a short usage message", -1 },
	{ "version", 'V', 0, 0, "Print program version", -1 },
	{ 0 },
};

static const struct argp_option change_options[] = {
	{ 0, 0, 0, 0, "Changing the host:", 40 },
	{ "dry-run", CLI_KEY_DRY_RUN, 0, 0, "Print each operation, change nothing", 40 },
	{ "force", CLI_KEY_FORCE, "GUARD", 0,
	  "Take devices that this guard says are in use, too; may be repeated", 40 },
	{ "holder", CLI_KEY_HOLDER, "NAME", 0, "Act for this holder of claimed devices", 40 },
	{ "wait", CLI_KEY_WAIT, "SECONDS", 0, "Wait for another change of the host to end (30)", 40 },
	{ "jobs", CLI_KEY_JOBS, "N", 0,
	  "Work on up to N independent devices at the same time (CPUs, at most 8)", 40 },
	{ 0 },
};

static const struct argp_option save_options[] = {
	{ "save", CLI_KEY_SAVE, 0, 0, "Put it into /" IOV_HOST_FILE " as well", 0 },
	{ 0 },
};

bool cli_is_last(const struct argp_option *option)
{
	return !option->name && !option->key && !option->doc;
}

static size_t append_options(struct argp_option *to, size_t count, const struct argp_option *from)
{
	while (from && !cli_is_last(from) && count < CLI_OPTIONS_MAX - 1)
		to[count++] = *from++;
	return count;
}

void cli_command_options(const struct cli_command *command, struct argp_option *options)
{
	/* In front, as what follows a headline would be below it. */
	size_t count = append_options(options, 0, command->saves ? save_options : NULL);

	count = append_options(options, count, command->options);
	if (command->changes)
		count = append_options(options, count, change_options);
	count = append_options(options, count, cli_common_options);
	options[count] = (struct argp_option){ 0 };
}

const struct cli_command *cli_find_command(const struct cli_command *const *commands, int argc,
					   char **argv, int *used)
{
	for (*used = argc < COMMAND_WORDS_MAX ? argc : COMMAND_WORDS_MAX; *used > 0; --*used) {
		char name[NAME_MAX_LENGTH];

		snprintf(name, sizeof(name), *used == 2 ? "%s %s" : "%s", argv[0],
			 *used == 2 ? argv[1] : "");
		for (size_t i = 0; commands[i]; i++) {
			if (!strcmp(commands[i]->name, name))
				return commands[i];
		}
	}
	return NULL;
}

bool cli_is_of_group(const struct cli_command *command, const char *group)
{
	size_t length = strlen(group);

	return !strncmp(command->name, group, length) && command->name[length] == ' ';
}

bool cli_is_group(const struct cli_command *const *commands, const char *word)
{
	for (; *commands; commands++) {
		if (cli_is_of_group(*commands, word))
			return true;
	}
	return false;
}

static const struct argp_option *find_long(const struct argp_option *options, const char *name)
{
	const struct argp_option *found = NULL;
	size_t length = strcspn(name, "=");

	for (; !cli_is_last(options); options++) {
		if (!options->name || strncmp(options->name, name, length))
			continue;
		if (!options->name[length])
			return options;
		found = options;
	}
	return found;
}

const struct argp_option *cli_find_letter(const struct argp_option *options, int letter)
{
	while (!cli_is_last(options) && options->key != letter)
		options++;
	return cli_is_last(options) ? NULL : options;
}

const struct argp_option *cli_find_option(const struct argp_option *options, const char *arg)
{
	const struct argp_option *found;

	if (arg[0] != '-' || !arg[1] || !strcmp(arg, "--"))
		return NULL;
	if (arg[1] == '-')
		return find_long(options, arg + 2);
	/* Of several letters the first that takes an argument, or else the last, decides. */
	for (found = NULL, arg++; *arg && !(found && found->arg); arg++)
		found = cli_find_letter(options, *arg);
	return found;
}

bool cli_takes_next(const struct argp_option *option, const char *arg)
{
	const char *letter;

	if (!option || !option->arg || option->flags & OPTION_ARG_OPTIONAL)
		return false;
	if (arg[1] == '-')
		return !strchr(arg, '=');
	letter = strchr(arg + 1, option->key);
	return letter && !letter[1];
}

const char *cli_near_option(const struct argp_option *options, const char *arg)
{
	char name[NAME_MAX_LENGTH];
	struct iov_near near = { .text = name };

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(arg + 2, "="), arg + 2);
	for (size_t i = 0; !cli_is_last(&options[i]); i++) {
		if (options[i].name)
			iov_near_look(&near, options[i].name);
	}
	return near.word;
}
