/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What iovd carries now: what the parts of "iov top" share, and the live page has of it. */
#ifndef IOV_CLI_TOP_H
#define IOV_CLI_TOP_H

#include <json-c/json.h>

#include "base/iov.h"

/* What iovd said at one moment. */
struct top_sample {
	struct json_object *ports;
	struct json_object *daemon;
	struct json_object *disks;	/* as they are */
	struct json_object *requests;	/* what they did */
	double seconds;
};

/* Ask iovd; 0 or what iov_rpc_call() failed with.  Released also then. */
int top_take(struct iov *iov, struct top_sample *sample);
void top_release(struct top_sample *sample);

/* What happened between two of them, as "iov top --json" prints it; the caller puts it. */
struct json_object *top_difference(const struct top_sample *now, const struct top_sample *before);

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
