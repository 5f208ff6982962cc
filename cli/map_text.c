// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A map in the terminal: the tree, then what does not fit beside it.  libsmartcols draws the tree
 * and writes what does not print, as names of guests and interfaces are anybody's.
 */
#include <errno.h>
#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "cli/colour.h"
#include "cli/fold.h"
#include "cli/map.h"

#define TEXT_SIZE 1024
#define MEMBER(object, key) json_object_object_get(object, key)

enum column { DEVICE, WHAT, DRIVER, GROUP, NODE, NOTES, COLUMNS };

static const struct {
	const char *title;
	int flags;
} shape[COLUMNS] = {
	[DEVICE] = { "DEVICE", SCOLS_FL_TREE }, [WHAT] = { "WHAT", SCOLS_FL_TRUNC },
	[DRIVER] = { "DRIVER", 0 },	       [GROUP] = { "GROUP", SCOLS_FL_RIGHT },
	[NODE] = { "NODE", SCOLS_FL_RIGHT },   [NOTES] = { "USE AND NOTES", SCOLS_FL_WRAP },
};

/* The least that is worth having of a column that is cut, or takes several lines. */
#define WHAT_LEAST 24
#define NOTES_LEAST 28
#define SEPARATOR "  "

struct drawing {
	struct libscols_table *table;
	struct libscols_column *columns[COLUMNS];
	struct libscols_line *lines[64];	/* the last one of each depth */
	struct json_object *functions;
	size_t notes_width;			/* 0: in one line */
	bool all;
};

/* A column whose cells are folded already */
static void take_lines(struct libscols_column *column)
{
	scols_column_set_safechars(column, "\n");
	scols_column_set_wrapfunc(column, scols_wrapnl_chunksize, scols_wrapnl_nextchunk, NULL);
}

/* "2 of 7 VFs; Intel Corporation 82576": what it is to the tree, and its name. */
static void what_text(struct json_object *function, struct map_run run, char *text, size_t size)
{
	char role[64];

	map_role(function, role, sizeof(role));
	if (run.count > 1)
		snprintf(role, sizeof(role), "%zu alike", run.count);
	snprintf(text, size, "%s%s%s", role, *role ? "; " : "", json_text(function, "name"));
}

/* "12", "12-19" of a run, with a mark where it has other members. */
static void group_text(const struct drawing *drawing, struct map_run run, char *text, size_t size)
{
	struct json_object *first = json_object_array_get_idx(drawing->functions, run.first);
	struct json_object *last = json_object_array_get_idx(drawing->functions,
							     run.first + run.count - 1);
	const char *one = json_text_or_null(first, "iommu_group");
	const char *other = json_text_or_null(last, "iommu_group");

	if (!one || !other || !strcmp(one, other))
		snprintf(text, size, "%s", one ? one : "-");
	else
		snprintf(text, size, "%s-%s", one, other);
}

static const char *colour_of(struct json_object *function)
{
	if (json_object_get_boolean(MEMBER(function, "link_slow")) ||
	    json_object_array_length(MEMBER(function, "joins")))
		return "yellow";
	return json_object_array_length(MEMBER(function, "users")) ? "green" : NULL;
}

static int set_cell(const struct drawing *drawing, struct libscols_line *line, enum column column,
		    const char *text)
{
	return drawing->columns[column] ?
		       scols_line_set_column_data(line, drawing->columns[column], text) : 0;
}

static int fill_line(const struct drawing *drawing, struct libscols_line *line, struct map_run run)
{
	struct json_object *function = json_object_array_get_idx(drawing->functions, run.first);
	const char *colour = colour_of(function), *driver = json_text_or_null(function, "driver");
	const char *node = json_text_or_null(function, "numa_node");
	char text[TEXT_SIZE], folded[2 * TEXT_SIZE];
	int error;

	map_run_title(drawing->functions, run, text, sizeof(text));
	error = set_cell(drawing, line, DEVICE, text);
	what_text(function, run, text, sizeof(text));
	error |= set_cell(drawing, line, WHAT, text);
	error |= set_cell(drawing, line, DRIVER, driver ? driver : "-");
	group_text(drawing, run, text, sizeof(text));
	error |= set_cell(drawing, line, GROUP, text);
	error |= set_cell(drawing, line, NODE, node ? node : "-");
	map_notes(function, text, sizeof(text));
	cli_fold(text, drawing->notes_width, folded, sizeof(folded));
	error |= set_cell(drawing, line, NOTES, folded);
	if (colour)
		error |= scols_line_set_color(line, colour);
	return error;
}

static int add_line(struct drawing *drawing, struct map_run run)
{
	struct json_object *function = json_object_array_get_idx(drawing->functions, run.first);
	size_t depth = (size_t)json_object_get_int(MEMBER(function, "depth"));
	struct libscols_line *line;

	line = scols_table_new_line(drawing->table, depth ? drawing->lines[depth - 1] : NULL);
	if (!line)
		return -ENOMEM;
	drawing->lines[depth] = line;
	return fill_line(drawing, line, run) ? -ENOMEM : 0;
}

/* What the columns take that are never cut. */
struct room {
	size_t device;
	size_t driver;
	size_t rest;	/* group and node with all separators */
};

static void measure(const struct drawing *drawing, struct room *room)
{
	*room = (struct room){ strlen("DEVICE"), strlen("DRIVER"), strlen("GROUP") + strlen("NODE") +
				       (COLUMNS - 1) * strlen(SEPARATOR) };
	for (size_t i = 0; i < json_object_array_length(drawing->functions); i++) {
		struct json_object *function = json_object_array_get_idx(drawing->functions, i);
		size_t device = strlen(json_text(function, "device")) +
				2 * (size_t)json_object_get_int(MEMBER(function, "depth"));
		size_t driver = strlen(json_text(function, "driver"));

		room->device = device > room->device ? device : room->device;
		room->driver = driver > room->driver ? driver : room->driver;
	}
}

/* On many hosts no function has a node. */
static bool have_nodes(struct json_object *functions)
{
	for (size_t i = 0; i < json_object_array_length(functions); i++) {
		if (MEMBER(json_object_array_get_idx(functions, i), "numa_node"))
			return true;
	}
	return false;
}

/* What a line has room for: all, or without notes, or the tree with drivers, groups and perhaps nodes. */
static void choose_columns(struct drawing *drawing, size_t width, bool has[COLUMNS], bool *cuts)
{
	struct room room;
	size_t fixed;

	measure(drawing, &room);
	fixed = room.device + room.driver + room.rest;
	has[DEVICE] = has[DRIVER] = has[GROUP] = true;
	has[NODE] = have_nodes(drawing->functions) &&
		    (!width || width >= fixed - 2 * strlen(SEPARATOR)); /* those of WHAT and NOTES */
	has[WHAT] = !width || width >= fixed + WHAT_LEAST;
	has[NOTES] = !width || width >= fixed + WHAT_LEAST + NOTES_LEAST;
	if (width && has[NOTES])
		drawing->notes_width = NOTES_LEAST + (width - fixed - WHAT_LEAST - NOTES_LEAST) / 2;
	*cuts = width && width < room.device + room.driver + strlen("GROUP") + 2 * strlen(SEPARATOR);
}

static int add_columns(struct drawing *drawing, size_t width)
{
	bool has[COLUMNS] = { false }, cuts;

	choose_columns(drawing, width, has, &cuts);
	for (enum column i = 0; i < COLUMNS; i++) {
		struct libscols_column *column;

		if (!has[i])
			continue;
		column = scols_table_new_column(drawing->table, shape[i].title, 0, shape[i].flags |
						(cuts && i != GROUP ? SCOLS_FL_TRUNC : 0));
		if (!column || scols_cell_set_color(scols_column_get_header(column), "bold"))
			return -ENOMEM;
		drawing->columns[i] = column;
	}
	if (has[NOTES])
		take_lines(drawing->columns[NOTES]);
	return 0;
}

static struct libscols_table *new_table(FILE *file, size_t width)
{
	struct libscols_table *table = scols_new_table();

	if (!table)
		return NULL;
	scols_table_set_stream(table, file);
	scols_table_enable_colors(table, cli_is_coloured(file));
	scols_table_set_column_separator(table, SEPARATOR);
	scols_table_set_termforce(table, width ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
	if (width)
		scols_table_set_termwidth(table, width);
	return table;
}

static int print_tree(FILE *file, struct drawing *drawing, size_t width)
{
	const size_t count = json_object_array_length(drawing->functions);
	int error;

	drawing->table = new_table(file, width);
	if (!drawing->table)
		return -ENOMEM;
	error = add_columns(drawing, width);
	for (size_t i = 0; !error && i < count;) {
		struct map_run run = map_run_at(drawing->functions, i, drawing->all);

		error = add_line(drawing, run);
		i += run.count;
	}
	if (!error && scols_print_table(drawing->table))
		error = -ENOMEM;
	scols_unref_table(drawing->table);
	return error;
}

/* Two columns below the tree, the second of as many lines as it needs. */
struct list {
	FILE *file;
	const char *title;
	size_t width;
	struct libscols_table *table;
};

/* What comes before the second column, at most */
#define KEY_WIDTH 14

static int list_begin(struct list *list, FILE *file, size_t width, const char *title)
{
	struct libscols_column *column;

	*list = (struct list){ file, title, width, new_table(file, width) };
	if (!list->table || !scols_table_new_column(list->table, "", 0, 0))
		return -ENOMEM;
	column = scols_table_new_column(list->table, "", 0, SCOLS_FL_WRAP);
	if (!column)
		return -ENOMEM;
	take_lines(column);
	scols_table_enable_noheadings(list->table, 1);
	return 0;
}

static int list_add(struct list *list, const char *key, const char *text)
{
	struct libscols_line *line = scols_table_new_line(list->table, NULL);
	char folded[4 * TEXT_SIZE];

	cli_fold(text, list->width > 2 * KEY_WIDTH ? list->width - KEY_WIDTH : list->width, folded,
		 sizeof(folded));
	return !line || scols_line_set_data(line, 0, key) || scols_line_set_data(line, 1, folded) ?
		       -ENOMEM : 0;
}

static int list_end(struct list *list, int error)
{
	if (!error && list->table && scols_table_get_nlines(list->table)) {
		fprintf(list->file, "\n%s%s%s\n", cli_colour(list->file, CLI_BOLD), list->title,
			cli_colour(list->file, CLI_PLAIN));
		if (scols_print_table(list->table))
			error = -ENOMEM;
	}
	scols_unref_table(list->table);
	return error;
}

static void append(char *text, size_t size, const char *before, const char *more)
{
	const size_t length = strlen(text);

	if (*more)
		snprintf(text + length, size - length, "%s%s%s", length ? "; " : "", before, more);
}

/* Of those that have no column what they would tell of a function. */
static void rest_text(const struct drawing *drawing, struct map_run run, char *text, size_t size)
{
	struct json_object *function = json_object_array_get_idx(drawing->functions, run.first);
	char notes[TEXT_SIZE];

	*text = '\0';
	if (!drawing->columns[WHAT])
		what_text(function, run, text, size);
	if (!drawing->columns[NODE])
		append(text, size, "node ", json_text(function, "numa_node"));
	map_notes(function, notes, sizeof(notes));
	append(text, size, "", notes);
}

/* What stands beside the tree where there is room. */
static int print_notes(FILE *file, const struct drawing *drawing, size_t width)
{
	const size_t count = json_object_array_length(drawing->functions);
	struct list list;
	int error = list_begin(&list, file, width,
			       drawing->columns[WHAT] ? "Use and notes" : "What they are, use and notes");

	for (size_t i = 0; !error && i < count;) {
		struct map_run run = map_run_at(drawing->functions, i, drawing->all);
		char title[64], text[3 * TEXT_SIZE];

		map_run_title(drawing->functions, run, title, sizeof(title));
		rest_text(drawing, run, text, sizeof(text));
		if (*text)
			error = list_add(&list, title, text);
		i += run.count;
	}
	return list_end(&list, error);
}

/* Why those are together that are. */
static int print_groups(FILE *file, struct json_object *groups, size_t width)
{
	struct list list;
	int error = list_begin(&list, file, width, "Groups of several, and why");

	for (size_t i = 0; !error && i < json_object_array_length(groups); i++) {
		struct json_object *group = json_object_array_get_idx(groups, i);
		struct json_object *reasons = MEMBER(group, "reasons");

		for (size_t n = 0; !error && n < json_object_array_length(reasons); n++)
			error = list_add(&list, n ? "" : json_text(group, "iommu_group"),
					 json_text(json_object_array_get_idx(reasons, n), "text"));
	}
	return list_end(&list, error);
}

static int print_incomplete(FILE *file, struct json_object *sentences, size_t width)
{
	struct list list;
	int error = list_begin(&list, file, width, "What this map does not show");

	for (size_t i = 0; !error && i < json_object_array_length(sentences); i++)
		error = list_add(&list, "-", json_object_get_string(
					 json_object_array_get_idx(sentences, i)));
	return list_end(&list, error);
}

int map_print_text(FILE *file, struct json_object *map, size_t width, bool all)
{
	struct drawing drawing = { .functions = MEMBER(map, "functions"), .all = all };
	int error = print_tree(file, &drawing, width);

	if (!error && !drawing.columns[NOTES])
		error = print_notes(file, &drawing, width);
	if (!error)
		error = print_groups(file, MEMBER(map, "groups"), width);
	return error ? error : print_incomplete(file, MEMBER(map, "incomplete"), width);
}
