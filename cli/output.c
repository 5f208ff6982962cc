// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/output.h"

#include <errno.h>
#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "cli/colour.h"
#include "cli/fold.h"

/* What a cell of several lines has before other columns have room, its least, and what is between columns. */
#define WRAP_WIDTH 24
#define WRAP_LEAST 16
#define SEPARATOR "  "
/* Longest text of a cell, with its NUL. */
#define CELL_SIZE 1024

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

/* @widths: of columns whose cells are folded, 0 for others; NULL where none is */
static int fill_line(struct libscols_line *line, struct json_object *row,
		     const struct iov_column *columns, const size_t *widths, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char text[CELL_SIZE] = "", folded[2 * CELL_SIZE];

		cell_text(json_object_object_get(row, columns[i].key), text, sizeof(text));
		if (widths && widths[i])
			cli_fold(text, widths[i], folded, sizeof(folded));
		if (scols_line_set_data(line, i, widths && widths[i] ? folded : text))
			return -ENOMEM;
	}
	return 0;
}

static int add_column(struct libscols_table *table, const struct iov_column *shown, bool folded)
{
	struct libscols_column *column = scols_table_new_column(
		table, shown->title, 0, (shown->right ? SCOLS_FL_RIGHT : 0) | (folded ? SCOLS_FL_WRAP : 0));

	if (!column || scols_cell_set_color(scols_column_get_header(column), "bold"))
		return -ENOMEM;
	if (folded) {
		scols_column_set_safechars(column, "\n");
		scols_column_set_wrapfunc(column, scols_wrapnl_chunksize, scols_wrapnl_nextchunk, NULL);
	}
	return 0;
}

static int fill_table(struct libscols_table *table, struct json_object *rows,
		      const struct iov_column *columns, const size_t *widths, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (add_column(table, &columns[i], widths && widths[i]))
			return -ENOMEM;
	}
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct libscols_line *line = scols_table_new_line(table, NULL);

		if (!line ||
		    fill_line(line, json_object_array_get_idx(rows, i), columns, widths, count))
			return -ENOMEM;
	}
	return 0;
}

/* What a column takes in one line. */
static size_t column_width(struct json_object *rows, const struct iov_column *column)
{
	size_t width = cli_text_width(column->title);

	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		char text[CELL_SIZE] = "";

		cell_text(json_object_object_get(json_object_array_get_idx(rows, i), column->key),
			  text, sizeof(text));
		if (cli_text_width(text) > width)
			width = cli_text_width(text);
	}
	return width;
}

/* Characters of a line of the terminal; 0 for none. */
static size_t terminal_width(FILE *file)
{
	struct winsize size;
	int fd = fileno(file);

	return fd >= 0 && !ioctl(fd, TIOCGWINSZ, &size) ? size.ws_col : 0;
}

/* Of all columns with what is between them, those of several lines with at most @most. */
static size_t total_width(const struct iov_column *columns, const size_t *widths, size_t count, size_t most)
{
	size_t total = (count - 1) * strlen(SEPARATOR);

	for (size_t i = 0; i < count; i++)
		total += columns[i].wrap && widths[i] > most ? most : widths[i];
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
static size_t choose_columns(size_t room, struct iov_column *columns, size_t *widths, size_t count)
{
	char gone[256] = "";
	size_t spare;

	while (room && total_width(columns, widths, count, WRAP_WIDTH) > room &&
	       (spare = find_spare(columns, count)) < count) {
		append(gone, sizeof(gone), *gone ? ", " : "");
		append(gone, sizeof(gone), columns[spare].title);
		memmove(&columns[spare], &columns[spare + 1],
			(count - spare - 1) * sizeof(*columns));
		memmove(&widths[spare], &widths[spare + 1], (count - spare - 1) * sizeof(*widths));
		count--;
	}
	if (*gone)
		fprintf(stderr, "iov: this terminal has no room for %s\n", gone);
	return count;
}

/*
 * Of columns of several lines the width that they get, which is the least and what the others leave of
 * @room; 0 for those that have room in one line.  A line that has no room goes on in the next one; nothing
 * of it is cut.
 */
static void share_room(struct libscols_table *table, size_t room, const struct iov_column *columns,
		       size_t *widths, size_t count)
{
	const size_t least = total_width(columns, widths, count, WRAP_LEAST);
	size_t left = room > least ? room - least : 0;

	for (size_t i = 0; i < count; i++) {
		size_t wanted = columns[i].wrap && widths[i] > WRAP_LEAST ? widths[i] - WRAP_LEAST : 0;
		size_t more = wanted < left ? wanted : left;

		left -= more;
		widths[i] = wanted > more ? WRAP_LEAST + more : 0;
	}
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
	_cleanup_free_ struct iov_column *shown = calloc(count + 1, sizeof(*shown));
	_cleanup_free_ size_t *widths = calloc(count + 1, sizeof(*widths));
	struct libscols_table *table = shown && widths ? scols_new_table() : NULL;
	size_t room = terminal_width(file);
	int error;

	if (!table)
		return -ENOMEM;
	memcpy(shown, columns, count * sizeof(*shown));
	for (size_t i = 0; room && i < count; i++)
		widths[i] = column_width(rows, &columns[i]);
	count = choose_columns(room, shown, widths, count);
	scols_table_set_stream(table, file);
	scols_table_enable_colors(table, cli_is_coloured(file));
	scols_table_set_column_separator(table, SEPARATOR);
	if (room)
		share_room(table, room, shown, widths, count);
	error = fill_table(table, rows, shown, room ? widths : NULL, count);
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

int iov_output_filled(FILE *file, struct json_object *rows, const struct iov_column *columns,
		      size_t count, const char *none)
{
	_cleanup_free_ struct iov_column *shown = calloc(count + 1, sizeof(*shown));
	size_t used = 0;

	if (!shown)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (iov_output_has(rows, &columns[i]))
			shown[used++] = columns[i];
	}
	return iov_output_list(file, rows, shown, used, none);
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
	error = fill_table(table, rows, pair, NULL, 2);
	if (!error && scols_print_table(table))
		error = -ENOMEM;
	scols_unref_table(table);
	return error;
}

/* What stands for a byte that is no UTF-8 */
#define REPLACEMENT "\xef\xbf\xbd"

/* json-c writes bytes as they are, and outside of texts there are none that could be wrong. */
char *iov_output_json_text(struct json_object *object, int flags)
{
	const char *from = json_object_to_json_string_ext(object, flags);
	char *text = from ? malloc(strlen(from) * strlen(REPLACEMENT) + 1) : NULL, *to = text;
	uint32_t code;

	while (text && *from) {
		size_t length = utf8_at(from, &code);

		to = length ? mempcpy(to, from, length) : stpcpy(to, REPLACEMENT);
		from += length ? length : 1;
	}
	if (text)
		*to = '\0';
	return text;
}

void iov_output_json(FILE *file, struct json_object *object)
{
	_cleanup_free_ char *text = NULL;

	/* json-c makes two lines of it. */
	if (json_object_is_type(object, json_type_array) && !json_object_array_length(object)) {
		fputs("[]\n", file);
		return;
	}
	text = iov_output_json_text(object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
						    JSON_C_TO_STRING_NOSLASHESCAPE);
	fprintf(file, "%s\n", text ? text : "null");
}
