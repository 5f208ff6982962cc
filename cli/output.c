// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/output.h"

#include <errno.h>
#include <libsmartcols/libsmartcols.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/colour.h"

/* Of a line that is cut and goes to no terminal. */
#define WIDTH 120

static void append(char *text, size_t size, const char *more)
{
	size_t length = strlen(text);

	snprintf(text + length, size - length, "%s", more);
}

/* What a cell shows; @text must hold an empty string. */
static void cell_text(struct json_object *value, char *text, size_t size)
{
	switch (json_object_get_type(value)) {
	case json_type_null:
		append(text, size, "-");
		break;
	case json_type_boolean:
		append(text, size, json_object_get_boolean(value) ? "yes" : "no");
		break;
	case json_type_array:
		if (!json_object_array_length(value))
			append(text, size, "-");
		for (size_t i = 0; i < json_object_array_length(value); i++) {
			if (i)
				append(text, size, ",");
			cell_text(json_object_array_get_idx(value, i), text, size);
		}
		break;
	default:
		append(text, size, json_object_get_string(value));
	}
}

static int fill_line(struct libscols_line *line, struct json_object *row,
		     const struct iov_column *columns, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char text[1024] = "";

		cell_text(json_object_object_get(row, columns[i].key), text, sizeof(text));
		if (scols_line_set_data(line, i, text))
			return -ENOMEM;
	}
	return 0;
}

static int fill_table(struct libscols_table *table, struct json_object *rows,
		      const struct iov_column *columns, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int flags = (columns[i].right ? SCOLS_FL_RIGHT : 0) |
			    (columns[i].cut ? SCOLS_FL_TRUNC : 0);

		struct libscols_column *column = scols_table_new_column(table, columns[i].title, 0,
									flags);

		if (!column || scols_cell_set_color(scols_column_get_header(column), "bold"))
			return -ENOMEM;
	}
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct libscols_line *line = scols_table_new_line(table, NULL);

		if (!line ||
		    fill_line(line, json_object_array_get_idx(rows, i), columns, count))
			return -ENOMEM;
	}
	return 0;
}

static void limit_width(struct libscols_table *table, FILE *file, const struct iov_column *columns,
			size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!columns[i].cut || isatty(fileno(file)))
			continue;
		scols_table_set_termforce(table, SCOLS_TERMFORCE_ALWAYS);
		scols_table_set_termwidth(table, WIDTH);
	}
}

bool iov_output_has(struct json_object *rows, const struct iov_column *column)
{
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		if (json_object_object_get(json_object_array_get_idx(rows, i), column->key))
			return true;
	}
	return false;
}

int iov_output_table(FILE *file, struct json_object *rows, const struct iov_column *columns,
		     size_t count)
{
	struct libscols_table *table = scols_new_table();
	int error;

	if (!table)
		return -ENOMEM;
	scols_table_set_stream(table, file);
	scols_table_enable_colors(table, cli_is_coloured(file));
	scols_table_set_column_separator(table, "  ");
	limit_width(table, file, columns, count);
	error = fill_table(table, rows, columns, count);
	if (!error && scols_print_table(table))
		error = -ENOMEM;
	scols_unref_table(table);
	return error;
}

int iov_output_fields(FILE *file, struct json_object *object, const struct iov_column *columns,
		      size_t count)
{
	static const struct iov_column pair[] = { { "title", "" }, { "value", "" } };
	struct libscols_table *table = scols_new_table();
	_cleanup_json_ struct json_object *rows = json_object_new_array();
	int error;

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		struct json_object *value, *row;

		if (!json_object_object_get_ex(object, columns[i].key, &value))
			continue;
		row = json_object_new_object();
		json_object_object_add(row, "title", json_object_new_string(columns[i].title));
		json_object_object_add(row, "value", json_object_get(value));
		json_object_array_add(rows, row);
	}
	scols_table_set_stream(table, file);
	scols_table_enable_noheadings(table, 1);
	scols_table_set_column_separator(table, "  ");
	error = fill_table(table, rows, pair, 2);
	if (!error && scols_print_table(table))
		error = -ENOMEM;
	scols_unref_table(table);
	return error;
}

void iov_output_json(FILE *file, struct json_object *object)
{
	fprintf(file, "%s\n",
		json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
							       JSON_C_TO_STRING_SPACED |
							       JSON_C_TO_STRING_NOSLASHESCAPE));
}
