// SPDX-License-Identifier: GPL-2.0-or-later
/* Values as YAML, to stand among the lines of somebody's file. */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "host/file/edit.h"
#include "host/file/edit_write.h"

/* Whether a word means itself wherever it stands, also between brackets. */
static bool is_plain(const char *word)
{
	static const char *const others[] = { "null", "Null", "NULL" };
	size_t length = strlen(word);

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		if (!strcmp(word, others[i]))
			return false;
	}
	for (size_t i = 0; i < length; i++) {
		if (!isalnum((unsigned char)word[i]) && !strchr("_./=@+-:", word[i]))
			return false;
	}
	return length && (isalnum((unsigned char)*word) || *word == '/') && word[length - 1] != ':';
}

static void write_word(FILE *file, const char *word)
{
	if (is_plain(word)) {
		fputs(word, file);
		return;
	}
	fputc('"', file);
	for (; *word; word++)
		fprintf(file, "%s%c", strchr("\"\\", *word) ? "\\" : "", *word);
	fputc('"', file);
}

static void write_scalar(FILE *file, struct json_object *value)
{
	if (json_object_is_type(value, json_type_boolean))
		fputs(json_object_get_boolean(value) ? "on" : "off", file);
	else
		write_word(file, json_object_get_string(value));
}

void edit_write_flow(FILE *file, struct json_object *value)
{
	const char *comma = "";

	if (json_object_is_type(value, json_type_array)) {
		fputc('[', file);
		for (size_t i = 0; i < json_object_array_length(value); i++, comma = ", ") {
			fputs(comma, file);
			edit_write_flow(file, json_object_array_get_idx(value, i));
		}
		fputc(']', file);
		return;
	}
	if (!json_object_is_type(value, json_type_object)) {
		write_scalar(file, value);
		return;
	}
	fputc('{', file);
	json_object_object_foreach(value, key, member) {
		fprintf(file, "%s%s: ", comma, key);
		edit_write_flow(file, member);
		comma = ", ";
	}
	fputc('}', file);
}

/* Lists of words are short; what has keys gets lines. */
static bool needs_lines(struct json_object *value)
{
	return json_object_is_type(value, json_type_object) ||
	       (json_object_is_type(value, json_type_array) &&
		json_object_is_type(json_object_array_get_idx(value, 0), json_type_object));
}

static void new_line(FILE *file, size_t indent)
{
	fprintf(file, "\n%*s", (int)indent, "");
}

void edit_write_member(FILE *file, const char *key, struct json_object *value, size_t indent)
{
	fprintf(file, "%s:", key);
	if (needs_lines(value)) {
		new_line(file, indent + 2);
		edit_write_lines(file, value, indent + 2);
		return;
	}
	fputc(' ', file);
	edit_write_flow(file, value);
}

void edit_write_lines(FILE *file, struct json_object *value, size_t indent)
{
	bool first = true;

	if (!needs_lines(value)) {
		edit_write_flow(file, value);
		return;
	}
	if (json_object_is_type(value, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(value); i++) {
			if (i)
				new_line(file, indent);
			fputs("- ", file);
			edit_write_lines(file, json_object_array_get_idx(value, i), indent + 2);
		}
		return;
	}
	json_object_object_foreach(value, key, member) {
		if (!first)
			new_line(file, indent);
		first = false;
		edit_write_member(file, key, member, indent);
	}
}

char *host_edit_words(struct json_object *value)
{
	char *words = NULL;
	size_t size;
	FILE *file = open_memstream(&words, &size);

	if (!file)
		return NULL;
	edit_write_flow(file, value);
	return fclose(file) ? NULL : words;
}
