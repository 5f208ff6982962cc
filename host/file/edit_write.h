/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values as YAML; for edit.c. */
#ifndef IOV_HOST_FILE_EDIT_WRITE_H
#define IOV_HOST_FILE_EDIT_WRITE_H

#include <json-c/json.h>
#include <stdio.h>

/* In one line, with brackets. */
void edit_write_flow(FILE *file, struct json_object *value);

/* In lines, of which all but the first are indented. */
void edit_write_lines(FILE *file, struct json_object *value, size_t indent);

/* A key of a mapping that is indented so, and its value. */
void edit_write_member(FILE *file, const char *key, struct json_object *value, size_t indent);

#endif
