// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/colour.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* In the order of their words; what --color said. */
static enum { AUTO, ALWAYS, NEVER } chosen;

bool cli_colour_choose(const char *when)
{
	static const char *const words[] = { "auto", "always", "never" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcmp(words[i], when))
			continue;
		chosen = i;
		return true;
	}
	return false;
}

bool cli_is_coloured(FILE *file)
{
	const char *none = getenv("NO_COLOR"), *terminal = getenv("TERM");

	if (chosen != AUTO)
		return chosen == ALWAYS;
	return isatty(fileno(file)) && !(none && *none) && !(terminal && !strcmp(terminal, "dumb"));
}

const char *cli_colour(FILE *file, enum cli_colour colour)
{
	static const char *const sequences[] = {
		[CLI_PLAIN] = "\033[0m",
		[CLI_BOLD] = "\033[1m",
		[CLI_RED] = "\033[31m",
		[CLI_GREEN] = "\033[32m",
	};

	return cli_is_coloured(file) ? sequences[colour] : "";
}
