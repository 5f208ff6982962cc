/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands about disks share. */
#ifndef IOV_CLI_DISK_H
#define IOV_CLI_DISK_H

#include <argp.h>
#include <json-c/json.h>
#include <stdint.h>

#include "cli/cli.h"

#define CLI_EXPECTED_DISK "NAME of the disk is missing"

#define DISK_ON_ERROR_OPTION(key)                                                                  \
	{ "on-error", key, "report|wait", 0,                                                       \
	  "What the medium fails is reported to the guest (default), or waits until it is whole" }

/* Parser of a command whose argument is the name of a disk, with a struct cli_name_args. */
error_t disk_parse_name(int key, char *arg, struct argp_state *state);

/* The value of --on-error. */
const char *disk_parse_on_error(const char *arg, const struct argp_state *state);

/* Members "size" and "data" of a disk, for people: "10G", and its path, URI or "memory". */
void disk_add_words(struct json_object *disk);

/* Kinds of requests as rows, each with its "disk", "kind" and times in words. */
struct json_object *disk_request_rows(struct json_object *counters);

/**
 * disk_warn_of_memory - say that a disk in memory is larger than what the host has
 * @cli: command
 * @bytes: its size
 */
void disk_warn_of_memory(struct cli *cli, uint64_t bytes);

/**
 * disk_warn_of_image - say that a file is an image of a format that has to be read
 * @path: file; silent of one that cannot be read
 */
void disk_warn_of_image(const char *path);

#endif
