/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of "iov top" share. */
#ifndef IOV_CLI_TOP_H
#define IOV_CLI_TOP_H

#include <json-c/json.h>

/* What a counter grew by a second; one that is less than before, or was not there, began anew. */
double top_rate(struct json_object *now, struct json_object *before, const char *key, double seconds);

/* The object of an array that has the same value for a key; NULL when none has. */
struct json_object *top_same(struct json_object *array, const char *key, struct json_object *as);

/* Add a number to a row. */
void top_add(struct json_object *row, const char *as, double value);

/* Add a number of a row as people read it: "1.25 M". */
void top_shorten(struct json_object *row, const char *key, const char *as);

/*
 * top_disks.c: what disks do; an array for the caller to put.  @list: of "disk.list"; @now,
 * @before: of "disk.stats", @seconds apart.
 */
struct json_object *top_disks(struct json_object *list, struct json_object *now,
			      struct json_object *before, double seconds);

/* Print that as a table; nothing without disks. */
int top_print_disks(struct json_object *rows);

#endif
