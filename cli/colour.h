/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Colours, where they say something and somebody sees them. */
#ifndef IOV_CLI_COLOUR_H
#define IOV_CLI_COLOUR_H

#include <stdbool.h>
#include <stdio.h>

enum cli_colour { CLI_PLAIN, CLI_BOLD, CLI_RED, CLI_GREEN };

/* "auto", "always" or "never", as --color has it; false for anything else. */
bool cli_colour_choose(const char *when);

/*
 * Whether a stream is to have colours: as --color says, or else where it is a terminal that has
 * some, and NO_COLOR is not set.
 */
bool cli_is_coloured(FILE *file);

/* The escape sequence that begins a colour, CLI_PLAIN that ends it; "" without colours. */
const char *cli_colour(FILE *file, enum cli_colour colour);

#endif
