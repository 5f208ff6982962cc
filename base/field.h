/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of a name and a value, as /proc has them: "model name\t: value". */
#ifndef IOV_BASE_FIELD_H
#define IOV_BASE_FIELD_H

#include <stddef.h>
#include <string.h>

/* What is behind the name in the first line that has it, colon and spaces included; NULL without one. */
static inline const char *field_find(const char *text, const char *name)
{
	const size_t length = strlen(name);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, name, length) && strchr("\t :", line[length]))
			return line + length;
	}
	return NULL;
}

#endif
