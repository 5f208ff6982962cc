/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arguments that many commands take. */
#ifndef IOV_CLI_ARGUMENT_H
#define IOV_CLI_ARGUMENT_H

#include <json-c/json.h>
#include <limits.h>
#include <stdint.h>

#include "base/pci/pci.h"
#include "cli/cli.h"
#include "cli/output.h"

/**
 * struct cli_vf_args - a VF as commands take it: "eth0/vf0", several, as "eth0/vf0-3", or a PF and an
 * index, as "eth0 0"
 * @device: the first argument
 * @index: the second one
 * @has_index: there is a second one
 */
struct cli_vf_args {
	const char *device;
	unsigned int index;
	bool has_index;
};

/* For an argp parser: a VF, which must be there. */
error_t cli_vf_argument(int key, char *arg, struct argp_state *state, struct cli_vf_args *args);

/* What is missing when a command lacks its DEVICE. */
#define CLI_EXPECTED_DEVICE \
	"expected a device, like 0000:01:00.0, eth0 or slot=1; 'iov list' shows them"
#define CLI_EXPECTED_PF "expected a PF, like 0000:01:00.0, eth0 or slot=1; 'iov list' shows them"

/*
 * For an argp parser: the one argument of a command into @value.  @expected is the
 * complaint when it is missing.
 */
error_t cli_argument(int key, char *arg, struct argp_state *state, const char **value,
		     const char *expected);

/* What a command has that takes a name and nothing else. */
struct cli_name_args {
	const char *name;
};

/* Parser of a command whose argument is a name, or nothing. */
error_t cli_parse_maybe_name(int key, char *arg, struct argp_state *state);

/**
 * struct cli_settings - NAME=VALUE, as often as it was said
 * @list: arguments; free() it
 * @count: how many
 */
struct cli_settings {
	const char **list;
	size_t count;
};

/* For an argp parser: one more of them; @like: what one looks like, "max-rate=100" */
error_t cli_add_setting(struct cli_settings *settings, const char *arg, const char *like,
			const struct argp_state *state);

/* For an argp parser: a size, as 4096, 512M or 10G; @what: "--memory" */
uint64_t cli_size(const char *arg, const char *what, const struct argp_state *state);

/*
 * For an argp parser: the number of an option, which may end with K, M or G for a thousand,
 * a million or a billion.
 */
double cli_number(const char *arg, const char *option, double min, double max,
		  const struct argp_state *state);

/* The same, of what is counted: without a part of one. */
uint64_t cli_whole_number(const char *arg, const char *option, uint64_t min, uint64_t max,
			  const struct argp_state *state);

/* For an argp parser: a switch; without @arg it is on. */
bool cli_switch(const char *arg, const char *option, const struct argp_state *state);

/* For an argp parser: the number of VFs, or of one of them; @what: "--count" */
unsigned int cli_index(const char *arg, const char *what, const struct argp_state *state);

/* {"name": NAME}; without a name an empty object. */
struct json_object *cli_name_params(const char *name);

/* Add a parameter that was said: a text, NULL for none; texts and a number, 0 for none; a switch. */
void cli_param_text(struct json_object *params, const char *key, const char *text);
void cli_param_texts(struct json_object *params, const char *key, const char *const *texts, size_t count);
void cli_param_number(struct json_object *params, const char *key, uint64_t number);
void cli_param_switch(struct json_object *params, const char *key, bool on);

/* The full path of an option, as iovd has a working directory of its own; a message on failure. */
int cli_absolute_path(struct iov *iov, const char *option, const char *path,
		      char absolute[PATH_MAX]);

/* Whether a block device has a node by its name; a path of one with several has none. */
bool cli_is_block(struct iov *iov, const char *name);

/* A function that exists, by any of its names; a message on failure. */
int cli_function(struct cli *cli, const char *text, struct iov_bdf *bdf);

/**
 * struct cli_functions - functions that somebody named, each once
 * @list: their addresses; free() it
 * @count: how many
 */
struct cli_functions {
	struct iov_bdf *list;
	size_t count;
};

/*
 * Append the functions that a name or a range of VFs tells.  They exist; a message on failure.
 */
int cli_add_functions(struct cli *cli, const char *text, struct cli_functions *functions);

/* PF and index of a VF; a message for what is none. */
int cli_vf(struct cli *cli, struct iov_bdf bdf, struct iov_bdf *pf, unsigned int *index);

/*
 * Print rows, an array of objects with a member "device": as JSON, or as a table whose first
 * column, their function, is left out unless @text names a range.
 */
int cli_print_rows(struct cli *cli, const char *text, struct json_object *rows,
		   const struct iov_column *columns, size_t count);

/* "0000:01:10.0", or "3 functions" */
void cli_name_functions(const struct cli_functions *functions, char *text, size_t size);

#endif
