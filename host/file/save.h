/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host file that is being changed; for the files of host/ alone. */
#ifndef IOV_HOST_FILE_SAVE_H
#define IOV_HOST_FILE_SAVE_H

#include <json-c/json.h>
#include <stddef.h>

#include "base/iov.h"

/**
 * struct save - a file that is being changed
 * @before: its text, NULL for none
 * @text: its text then
 * @changes: array of "place", "from", "to" for people
 * @error: of the first change that could not be made, with a message
 */
struct save {
	struct iov *iov;
	char *before;
	char *text;
	struct json_object *changes;
	int error;
};

/* Have a value at a place, NULL for none. */
void host_save_put(struct save *save, const char *where, struct json_object *value);

/* How many entries a list has. */
size_t host_save_length(const struct save *save, const char *list);

/* save_iovd.c: "bridges", "ports", "disks" and "qos" of iov_host_save_plan() */
void host_save_iovd(struct save *save, struct json_object *iovd);

#endif
