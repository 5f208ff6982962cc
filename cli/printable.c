// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/printable.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* Bytes that follow the first one of a character, as RFC 3629 has them; -1 for no first one. */
static int bytes_behind(unsigned char first)
{
	if (first < 0x80)
		return 0;
	if (first < 0xc2 || first > 0xf4)
		return -1;
	return 1 + (first >= 0xe0) + (first >= 0xf0);
}

/* How many bytes a character has that may be shown; 0 for a control character, or none at all. */
static size_t shown_at(const char *text)
{
	const unsigned char *bytes = (const unsigned char *)text;
	const int behind = bytes_behind(bytes[0]);

	if (behind < 0 || bytes[0] < ' ' || bytes[0] == 0x7f)
		return 0;
	for (int i = 1; i <= behind; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
	}
	/* U+0080 to U+009F: CSI, OSC and others, in one sign */
	return bytes[0] == 0xc2 && bytes[1] < 0xa0 ? 0 : (size_t)behind + 1;
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
