// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/fold.h"

#include <stdbool.h>
#include <string.h>

static bool begins_character(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

size_t cli_text_width(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += begins_character(*text);
	return width;
}

/* Where the first line of a text ends that is longer than @width; behind a comma or at a space. */
static size_t first_line(const char *text, size_t width)
{
	const size_t indent = strspn(text, " ");
	size_t best = 0, at = 0;

	for (size_t characters = 0; text[at]; at++) {
		characters += begins_character(text[at]);
		if (at > indent && (text[at] == ' ' || text[at - 1] == ','))
			best = at;
		if (characters > width)
			break;
	}
	return best ? best : at;
}

void cli_fold(const char *text, size_t width, char *folded, size_t size)
{
	size_t used = 0;

	while (*text && used + 1 < size) {
		size_t length = width && cli_text_width(text) > width ? first_line(text, width) : strlen(text);

		for (; length && used + 1 < size; length--, text++)
			folded[used++] = (char)(*text == '\n' ? ' ' : *text);
		text += *text == ' ';
		if (*text && used + 1 < size)
			folded[used++] = '\n';
	}
	folded[used] = '\0';
}
