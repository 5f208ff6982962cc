/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A value of a host file changed in its text; for the files of host/ alone. */
#ifndef IOV_HOST_FILE_EDIT_H
#define IOV_HOST_FILE_EDIT_H

#include <json-c/json.h>

/*
 * Put a value at a place, "devices[1].vfs.count"; an index one past the last entry of a list
 * appends one.  Everything else stays as somebody wrote it: order, comments, quotes, lists and
 * mappings in brackets or in lines.  What was missing on the way to the place is made.
 *
 * @text: valid YAML, allocated; receives a new allocation
 * @value: a text, number, boolean (on or off), array or object; NULL takes the place away,
 *	and with it the list or mapping that would be empty then
 *
 * 0; -ENOMEM; -EINVAL for a text that is not YAML or not what the place needs.
 */
int host_edit(char **text, const char *place, struct json_object *value);

/* What is at a place, all values as texts; the caller puts it; NULL for nothing. */
struct json_object *host_edit_read(const char *text, const char *place);

/* A value as it is written in one line, allocated; NULL without memory. */
char *host_edit_words(struct json_object *value);

#endif
