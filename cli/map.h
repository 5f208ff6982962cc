/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host as a picture: one model, and several that draw it.
 *
 * The model is what 'iov map --json' prints, docs/schema/map.json.  Its functions are in the order
 * of the tree, each with its depth: what is below a function follows it, and the VFs of a PF count
 * as below it.
 */
#ifndef IOV_CLI_MAP_H
#define IOV_CLI_MAP_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>

#include "cli/cli.h"

/* The model of a host, which the caller puts; 0, or -errno with a message. */
int map_build(struct cli *cli, struct json_object **map);

/*
 * As a tree of at most @width characters a line, 0 for any; @all: each VF on a line of its own.
 * 0 or -ENOMEM.
 */
int map_print_text(FILE *file, struct json_object *map, size_t width, bool all);

/* As one file that a browser shows by itself: a drawing, or a page. */
void map_print_svg(FILE *file, struct json_object *map, bool all);
void map_print_html(FILE *file, struct json_object *map);

/**
 * struct map_run - functions that are drawn as one
 * @first: index of the first of them
 * @count: how many, 1 for a function by itself
 */
struct map_run {
	size_t first;
	size_t count;
};

/* Fewer VFs than these are drawn each by itself. */
#define MAP_RUN_LEAST 5

/*
 * The function at @index, or it and the VFs behind it that differ in nothing but their number and
 * their group: same PF, driver, users and warnings.
 */
struct map_run map_run_at(struct json_object *functions, size_t index, bool all);

/* "0000:01:00.0", "VFs 2-63" of a run. */
void map_run_title(struct json_object *functions, struct map_run run, char *text, size_t size);

/*
 * What is to be said of a function besides its name and driver: interfaces, disks, users, why it is
 * together with others, a slow link; "; " between.
 */
void map_notes(struct json_object *function, char *text, size_t size);

/* What a function is to the tree: "root port", "PF", "VF 3", "" for a plain one. */
void map_role(struct json_object *function, char *text, size_t size);

/* How a user is called: "guest web (pid 71)", "disk d0 of iovd", "default route via 10.0.2.2". */
void map_user_title(struct json_object *user, char *text, size_t size);

/*
 * Guests by their processes: the name that a virtual machine monitor was given, by the option for
 * it; false for none.
 */
bool map_guest_name(struct iov *iov, const char *pid, char *name, size_t size);

#endif
