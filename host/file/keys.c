// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/file/keys.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define KEY_MAX 32

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* Insertions, deletions and replacements that make one word of the other (Levenshtein). */
static unsigned int distance(const char *from, const char *to)
{
	unsigned int row[KEY_MAX + 1], columns = (unsigned int)strlen(to);

	if (strlen(from) > KEY_MAX || columns > KEY_MAX)
		return KEY_MAX;
	for (unsigned int i = 0; i <= columns; i++)
		row[i] = i;
	for (unsigned int line = 1; from[line - 1]; line++) {
		unsigned int diagonal = row[0];

		row[0] = line;
		for (unsigned int i = 1; i <= columns; i++) {
			unsigned int above = row[i];

			row[i] = least(diagonal + (from[line - 1] != to[i - 1]),
				       least(above, row[i - 1]) + 1);
			diagonal = above;
		}
	}
	return row[columns];
}

/* The key that is the fewest changes away, at most so many; NULL when there is none. */
static const char *nearest(const cyaml_schema_value_t *mapping, const char *key, size_t most)
{
	size_t best = most + 1;
	const char *name = NULL;

	for (const cyaml_schema_field_t *field = mapping->mapping.fields; field->key; field++) {
		size_t changes = distance(key, field->key);

		if (changes < best && changes < strlen(field->key)) {
			best = changes;
			name = field->key;
		}
	}
	return name;
}

/* Whether a key is known further inside, and where: "vfs.each[]". */
static bool is_inside(const cyaml_schema_value_t *mapping, const char *key, char *place,
		      size_t size)
{
	for (const cyaml_schema_field_t *field = mapping->mapping.fields; field->key; field++) {
		bool list = field->value.type == CYAML_SEQUENCE;
		const cyaml_schema_value_t *inner =
			list ? field->value.sequence.entry : &field->value;
		int used;

		if (inner->type != CYAML_MAPPING)
			continue;
		used = snprintf(place, size, "%s%s", field->key, list ? "[]" : "");
		for (const cyaml_schema_field_t *own = inner->mapping.fields; own->key; own++) {
			if (!strcmp(own->key, key))
				return true;
		}
		place[used] = '.';
		if (is_inside(inner, key, place + used + 1, size - (size_t)used - 1))
			return true;
	}
	return false;
}

void host_key_list(const cyaml_schema_value_t *mapping, char *text, size_t size)
{
	*text = '\0';
	for (const cyaml_schema_field_t *field = mapping->mapping.fields; field->key; field++) {
		size_t used = strlen(text);

		snprintf(text + used, size - used, "%s%s", used ? ", " : "", field->key);
	}
}

void host_key_hint(const cyaml_schema_value_t *mapping, const char *key, char *text, size_t size)
{
	const char *name = nearest(mapping, key, 1);
	char place[128], keys[384];

	if (!name && is_inside(mapping, key, place, sizeof(place))) {
		snprintf(text, size, "it belongs into %s", place);
		return;
	}
	if (!name)
		name = nearest(mapping, key, strlen(key) / 3 + 1);
	if (name) {
		snprintf(text, size, "did you mean '%s'?", name);
	} else {
		host_key_list(mapping, keys, sizeof(keys));
		snprintf(text, size, "expected one of: %s", keys);
	}
}
