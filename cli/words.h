/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of a command line: commands, and the options that each takes. */
#ifndef IOV_CLI_WORDS_H
#define IOV_CLI_WORDS_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>

#include "cli/cli.h"

#define CLI_OPTIONS_MAX 96

/* Keys of the options that all commands have, and of those of all changing ones. */
enum cli_common_key {
	CLI_KEY_JSON = 0x1000,
	CLI_KEY_CONTROL,
	CLI_KEY_ROOT,
	CLI_KEY_PLUGINS,
	CLI_KEY_COLOR,
	CLI_KEY_DRY_RUN,
	CLI_KEY_SAVE,
	CLI_KEY_FORCE,
	CLI_KEY_HOLDER,
	CLI_KEY_TIMEOUT,
	CLI_KEY_WAIT,
	CLI_KEY_JOBS,
	CLI_KEY_USAGE,
};

/* The options that stand in front of a command; every command has them, too. */
extern const struct argp_option cli_common_options[];

/* Whether it is the empty one behind the others. */
bool cli_is_last(const struct argp_option *option);

/* All options of a command into an array of CLI_OPTIONS_MAX, up to an empty one. */
void cli_command_options(const struct cli_command *command, struct argp_option *options);

/* The command whose words begin @argv, NULL for none; @used receives how many words it has. */
const struct cli_command *cli_find_command(const struct cli_command *const *commands, int argc,
					   char **argv, int *used);

/* Whether a command is of a group: "vf create" of "vf". */
bool cli_is_of_group(const struct cli_command *command, const char *group);

/* Whether any is. */
bool cli_is_group(const struct cli_command *const *commands, const char *word);

/* The option of a letter; NULL for none. */
const struct argp_option *cli_find_letter(const struct argp_option *options, int letter);

/*
 * The option that an argument is, by its long name, one that begins like it, or its letter; NULL
 * for what is no option.
 */
const struct argp_option *cli_find_option(const struct argp_option *options, const char *arg);

/* Whether the argument of an option is the next word of the line. */
bool cli_takes_next(const struct argp_option *option, const char *arg);

/* The name of the option that may have been meant, NULL for none. */
const char *cli_near_option(const struct argp_option *options, const char *arg);

#endif
