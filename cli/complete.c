// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the cursor is: which command, which of its arguments, or an option's.  Nothing is kept
 * between two calls: what is asked of the host is little enough to be asked each time.
 */
#include "cli/complete.h"

#include <stdio.h>
#include <string.h>

#include "base/iov.h"
#include "base/rpc/rpc.h"
#include "cli/root.h"
#include "cli/words.h"

/* Longest word of a command with its NUL. */
#define WORD_SIZE 32
#define COMMAND_WORDS_MAX 2

/* Longest part of a word that is there, in front of the one that is written. */
#define LEAD_SIZE 4096

/**
 * struct line - what stands before the cursor
 * @commands: all commands
 * @words: of the command so far
 * @count: how many
 * @help: "help" stands in front of them
 * @command: the command that they are, NULL for none yet
 * @options: options that it takes
 * @pending: option whose argument comes next; NULL for none
 * @given: arguments so far
 * @first: the first of them; NULL for none
 * @root: argument of --root, NULL for none
 * @control: argument of --control, NULL for none
 */
struct line {
	const struct cli_command *const *commands;
	char *words[COMMAND_WORDS_MAX];
	int count;
	bool help;
	const struct cli_command *command;
	struct argp_option options[CLI_OPTIONS_MAX];
	const struct argp_option *pending;
	size_t given;
	const char *first;
	const char *root;
	const char *control;
};

void complete_offer(const struct complete *complete, const char *word, const char *meaning)
{
	if (!strncmp(word, complete->word, strlen(complete->word)))
		printf("%s%s\t%s\n", complete->lead, word, meaning);
}

/* "vf" or "create": a word of a command, behind those that are there. */
static bool next_word(const struct line *line, const struct cli_command *command,
		      char word[WORD_SIZE])
{
	const char *name = command->name;

	if (line->count && !cli_is_of_group(command, line->words[0]))
		return false;
	if (line->count)
		name += strlen(line->words[0]) + 1;
	snprintf(word, WORD_SIZE, "%.*s", (int)strcspn(name, " "), name);
	return true;
}

static void note_value(struct line *line, const struct argp_option *option, const char *value)
{
	if (option->key == CLI_KEY_ROOT)
		line->root = value;
	else if (option->key == CLI_KEY_CONTROL)
		line->control = value;
}

static void note_option(struct line *line, const char *word)
{
	const struct argp_option *option = cli_find_option(line->options, word);
	const char *value = strchr(word, '=');

	if (cli_takes_next(option, word))
		line->pending = option;
	else if (option && value)
		note_value(line, option, value + 1);
}

static void note_word(struct line *line, char *word)
{
	int used;

	if (line->command || line->count == COMMAND_WORDS_MAX) {
		if (!line->given++)
			line->first = word;
		return;
	}
	if (!line->count && !line->help && !strcmp(word, "help")) {
		line->help = true;
		return;
	}
	line->words[line->count++] = word;
	line->command = cli_find_command(line->commands, line->count, line->words, &used);
	if (line->command)
		cli_command_options(line->command, line->options);
}

static void read_line(struct line *line, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		if (line->pending) {
			note_value(line, line->pending, argv[i]);
			line->pending = NULL;
		} else if (argv[i][0] == '-') {
			note_option(line, argv[i]);
		} else {
			note_word(line, argv[i]);
		}
	}
}

/* A heading among them has no name. */
static void offer_options(const struct complete *complete, const struct argp_option *options)
{
	char name[WORD_SIZE];

	for (; !cli_is_last(options); options++) {
		snprintf(name, sizeof(name), "--%s", options->name ? options->name : "");
		if (options->name)
			complete_offer(complete, name, options->doc);
	}
}

static void offer_words(const struct complete *complete, const struct line *line)
{
	char word[WORD_SIZE], last[WORD_SIZE] = "";

	for (size_t i = 0; line->commands[i]; i++) {
		bool group = !line->count && strchr(line->commands[i]->name, ' ');

		if (!next_word(line, line->commands[i], word) || !strcmp(word, last))
			continue;
		complete_offer(complete, word, group ? "..." : line->commands[i]->summary);
		strcpy(last, word);
	}
	if (!line->count && !line->help)
		complete_offer(complete, "help", "Explain commands");
}

/* "--driver=vf": the option's name leads, its argument is the word. */
static void offer_value(struct complete *complete, const struct line *line, const char *word)
{
	const struct argp_option *option = cli_find_option(line->options, word);
	const char *value = strchr(word, '=') + 1;
	char lead[2 * WORD_SIZE];

	if (!option || !option->arg)
		return;
	snprintf(lead, sizeof(lead), "%.*s", (int)(value - word), word);
	complete->lead = lead;
	complete->word = value;
	complete_argument(complete, option->arg, option->name);
}

/*
 * What the usage says of the argument that comes next; NULL for none.  What ends with "..." is the
 * last, and "..." alone is more of what is before it.
 */
static const char *find_argument(const struct line *line)
{
	const char *at = line->command->args ? line->command->args : "", *last = at;

	for (size_t i = 0; *at && strncmp(at, "--", 2); i++) {
		const size_t length = strcspn(at, " ");
		const bool repeats = length >= 3 && !strncmp(at + length - 3, "...", 3);

		if (!repeats || length > 3)
			last = at;
		if (i == line->given || repeats)
			return last;
		at += length + (at[length] == ' ');
	}
	return NULL;
}

/* Whether an argument, as the usage says it, has a part. */
static bool has_part(const char *argument, const char *part)
{
	const char *found = strstr(argument, part);

	return found && found < argument + strcspn(argument, " ");
}

/* Go over to the value of an argument that may have a name before it, and be one of several. */
static void skip_lead(struct complete *complete, const char *argument, char *lead, size_t size)
{
	const char *word = complete->word, *equals = strchr(word, '='), *slash = strchr(word, '/');
	const char *comma = strrchr(word, ',');

	if (has_part(argument, "=]") && equals && (!slash || equals < slash))
		complete->word = equals + 1;
	if (has_part(argument, "[,") && comma && comma >= complete->word)
		complete->word = comma + 1;
	snprintf(lead, size, "%.*s", (int)(complete->word - word), word);
	complete->lead = lead;
}

static void offer_argument(struct complete *complete, const struct line *line)
{
	const char *argument = find_argument(line), *at = argument;
	char name[WORD_SIZE], lead[LEAD_SIZE];

	if (!argument)
		return;
	if (has_part(argument, "=]"))
		at = strstr(argument, "=]") + 2;
	else if (*at == '[')
		at++;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, " []."), at);
	skip_lead(complete, argument, lead, sizeof(lead));
	complete_argument(complete, name, line->command->name);
}

static void offer(struct complete *complete, const struct line *line)
{
	const char *word = complete->word;

	if (line->pending) {
		complete_argument(complete, line->pending->arg, line->pending->name);
	} else if (!strncmp(word, "--", 2) && strchr(word, '=')) {
		offer_value(complete, line, word);
	} else if (word[0] == '-') {
		offer_options(complete, line->options);
	} else if (!line->command) {
		offer_words(complete, line);
	} else {
		offer_argument(complete, line);
	}
}

int cli_complete(const struct cli_command *const *commands, int argc, char **argv)
{
	struct line line = { .commands = commands };
	struct complete complete = { .word = argc ? argv[argc - 1] : "", .lead = "" };
	struct argp_option *option = line.options;
	char message[IOV_MESSAGE_SIZE];
	struct root root;

	for (const struct argp_option *from = cli_common_options; !cli_is_last(from); from++)
		*option++ = *from;
	read_line(&line, argc - 1, argv);
	if (root_open(&root, line.root, message, sizeof(message)) ||
	    iov_open(&complete.iov, &(struct iov_options){ .root = root.path }))
		complete.iov = NULL;
	if (complete.iov)
		iov_rpc_set_socket(complete.iov, line.control);
	complete.first = line.first;
	offer(&complete, &line);
	iov_close(complete.iov);
	root_close(&root);
	return CLI_OK;
}
