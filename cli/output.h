/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One data model, two views: a verb builds json-c objects, and prints them as
 * JSON or as a table.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct iov_column - a column of a table
 * @key: member of each row object that it shows; arrays are joined by commas,
 *	null and absent members are "-", booleans "yes" and "no"
 * @title: heading
 * @right: align to the right, for numbers
 * @wrap: may take several lines in a terminal that has no room for it in one
 * @spare: may be left out in a terminal that has no room for it, which is said on stderr
 */
struct iov_column {
	const char *key;
	const char *title;
	bool right;
	bool wrap;
	bool spare;
};

/**
 * iov_output_has - whether a column shows anything
 * @rows: array of objects
 * @column: the column
 *
 * Return: false when its member is null or absent in all rows.
 */
bool iov_output_has(struct json_object *rows, const struct iov_column *column);

/**
 * iov_output_table - print rows as a table
 * @file: where to
 * @rows: array of objects
 * @columns: what to show, in order
 * @count: length of @columns
 *
 * Return: 0 or -ENOMEM.
 */
int iov_output_table(FILE *file, struct json_object *rows, const struct iov_column *columns,
		     size_t count);

/**
 * iov_output_list - print rows as a table, or say that there are none
 * @file: where to; nothing is printed there for no rows
 * @rows: array of objects
 * @columns: what to show, in order
 * @count: length of @columns
 * @none: said on stderr for no rows: "no ports; 'iov port add' makes one"
 *
 * Return: 0 or -ENOMEM.
 */
int iov_output_list(FILE *file, struct json_object *rows, const struct iov_column *columns,
		    size_t count, const char *none);

/**
 * iov_output_filled - print rows as iov_output_list(), without columns that show nothing
 * @file: where to; nothing is printed there for no rows
 * @rows: array of objects
 * @columns: what to show where a row has it, in order
 * @count: length of @columns
 * @none: said on stderr for no rows
 *
 * Return: 0 or -ENOMEM.
 */
int iov_output_filled(FILE *file, struct json_object *rows, const struct iov_column *columns,
		      size_t count, const char *none);

/**
 * iov_output_fields - print one object as lines "title  value"
 * @file: where to
 * @object: the object
 * @columns: what to show, in order; absent members are left out
 * @count: length of @columns
 *
 * Return: 0 or -ENOMEM.
 */
int iov_output_fields(FILE *file, struct json_object *object, const struct iov_column *columns,
		      size_t count);

/**
 * iov_output_json_text - an object as JSON, whatever its texts have
 * @object: the object
 * @flags: of json-c
 *
 * Names of processes and interfaces, arguments and what a recorded host has are bytes, and JSON is UTF-8: where
 * they are none the sign U+FFFD stands for each.
 *
 * Return: text, which the caller frees; NULL without memory.
 */
char *iov_output_json_text(struct json_object *object, int flags);

/**
 * iov_output_json - print an object as indented JSON and a newline
 * @file: where to
 * @object: the object
 */
void iov_output_json(FILE *file, struct json_object *object);

#ifdef __cplusplus
}
#endif

#endif
