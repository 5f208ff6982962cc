// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/output.h"

#include <errno.h>
#include <libsmartcols/libsmartcols.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "cli/colour.h"

/* The least that a cell of several lines has, and what is between columns. */
#define WRAP_WIDTH 16
#define SEPARATOR "  "
/* Longest text of a cell, with its NUL. */
#define CELL_SIZE 1024
/* Most columns of a table. */
#define COLUMNS_MAX 32

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
		char text[CELL_SIZE] = "";

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
			    (columns[i].wrap ? SCOLS_FL_WRAP : 0);

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

/* Characters rather than bytes. */
static size_t text_width(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

/* The least that a column takes. */
static size_t column_width(struct json_object *rows, const struct iov_column *column)
{
	size_t width = text_width(column->title);

	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		char text[CELL_SIZE] = "";

		cell_text(json_object_object_get(json_object_array_get_idx(rows, i), column->key),
			  text, sizeof(text));
		if (text_width(text) > width)
			width = text_width(text);
	}
	return column->wrap && width > WRAP_WIDTH ? WRAP_WIDTH : width;
}

/* Characters of a line of the terminal; 0 for none. */
static size_t terminal_width(FILE *file)
{
	struct winsize size;
	int fd = fileno(file);

	return fd >= 0 && !ioctl(fd, TIOCGWINSZ, &size) ? size.ws_col : 0;
}

static size_t total_width(struct json_object *rows, const struct iov_column *columns, size_t count)
{
	size_t total = (count - 1) * strlen(SEPARATOR);

	for (size_t i = 0; i < count; i++)
		total += column_width(rows, &columns[i]);
	return total;
}

/* The last one that may go; @count where none may. */
static size_t find_spare(const struct iov_column *columns, size_t count)
{
	for (size_t i = count; i--;) {
		if (columns[i].spare)
			return i;
	}
	return count;
}

/* Leave out what a terminal has no room for, and say so; how many columns stay. */
static size_t choose_columns(struct json_object *rows, size_t room, struct iov_column *columns,
			     size_t count)
{
	char gone[256] = "";
	size_t spare;

	while (room && total_width(rows, columns, count) > room &&
	       (spare = find_spare(columns, count)) < count) {
		append(gone, sizeof(gone), *gone ? ", " : "");
		append(gone, sizeof(gone), columns[spare].title);
		memmove(&columns[spare], &columns[spare + 1],
			(count - spare - 1) * sizeof(*columns));
		count--;
	}
	if (*gone)
		fprintf(stderr, "iov: this terminal has no room for %s\n", gone);
	return count;
}

/* A line that has no room goes on in the next one; nothing of it is cut. */
static void set_width(struct libscols_table *table, size_t room, size_t least)
{
	scols_table_set_termforce(table, SCOLS_TERMFORCE_ALWAYS);
	scols_table_set_termwidth(table, room > least ? room : least);
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
	struct iov_column shown[COLUMNS_MAX];
	size_t room = terminal_width(file);
	int error;

	if (!table)
		return -ENOMEM;
	count = count < COLUMNS_MAX ? count : COLUMNS_MAX;
	memcpy(shown, columns, count * sizeof(*shown));
	count = choose_columns(rows, room, shown, count);
	scols_table_set_stream(table, file);
	scols_table_enable_colors(table, cli_is_coloured(file));
	scols_table_set_column_separator(table, SEPARATOR);
	if (room)
		set_width(table, room, total_width(rows, shown, count));
	error = fill_table(table, rows, shown, count);
	if (!error && scols_print_table(table))
		error = -ENOMEM;
	scols_unref_table(table);
	return error;
}

int iov_output_list(FILE *file, struct json_object *rows, const struct iov_column *columns,
		    size_t count, const char *none)
{
	if (json_object_array_length(rows))
		return iov_output_table(file, rows, columns, count);
	fprintf(stderr, "iov: %s\n", none);
	return 0;
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
	scols_table_set_column_separator(table, SEPARATOR);
	error = fill_table(table, rows, pair, 2);
	if (!error && scols_print_table(table))
		error = -ENOMEM;
	scols_unref_table(table);
	return error;
}

void iov_output_json(FILE *file, struct json_object *object)
{
	/* json-c makes two lines of it. */
	if (json_object_is_type(object, json_type_array) && !json_object_array_length(object)) {
		fputs("[]\n", file);
		return;
	}
	fprintf(file, "%s\n",
		json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
							       JSON_C_TO_STRING_SPACED |
							       JSON_C_TO_STRING_NOSLASHESCAPE));
}
