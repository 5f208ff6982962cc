// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/printable.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"

/* How many bytes a character has that may be shown; 0 for a control character, or none at all. */
static size_t shown_at(const char *text)
{
	uint32_t code;
	const size_t length = utf8_at(text, &code);

	return utf8_is_control(code) ? 0 : length;
}

static void replace(char *text, const char *kept)
{
	size_t length;

	for (; *text; text += length) {
		length = strchr(kept, *text) ? 1 : shown_at(text);
		if (!length) {
			*text = '?';
			length = 1;
		}
	}
}

char *cli_printable(const char *text)
{
	char *copy = strdup(text);

	if (copy)
		replace(copy, "");
	return copy;
}

void cli_print(FILE *file, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0) {
		text = NULL;
		return;
	}
	replace(text, "\n");
	fputs(text, file);
}
