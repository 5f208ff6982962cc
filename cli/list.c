// SPDX-License-Identifier: GPL-2.0-or-later
/* iov list: the PCI functions of this host, those worth giving away first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/pci/function.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "vfio/bind/verdict.h"

/* In the order of --wide. */
static const struct {
	const char *name;	/* as --columns takes it */
	bool shown;		/* without --columns and --wide */
	struct iov_column column;
} known[] = {
	{ "bdf", true, { "device", "BDF" } },
	{ "class", false, { "class", "CLASS" } },
	{ "name", true, { "name", "NAME", .cut = true } },
	{ "ids", false, { "ids", "IDS" } },
	{ "driver", true, { "driver", "DRIVER" } },
	{ "group", true, { "iommu_group", "GROUP", .right = true } },
	{ "numa", true, { "numa_node", "NUMA", .right = true } },
	{ "vfs", true, { "relation", "PF/VF" } },
	{ "msix", false, { "msix", "MSI-X", .right = true } },
	{ "reset", false, { "reset_methods", "RESET" } },
	{ "identity", true, { "identity", "IDENTITY" } },
	{ "assignable", false, { "assignable_text", "ASSIGNABLE" } },
};
#define KNOWN (sizeof(known) / sizeof(*known))

struct list_args {
	bool all;
	bool wide;
	size_t count;
	struct iov_column columns[KNOWN];
};

static const struct argp_option options[] = {
	{ "all", 'a', 0, 0, "Bridges of the host, too" },
	{ "columns", 'o', "LIST", 0,
	  "Columns of the table, by commas: bdf, class, name, ids, driver, group, numa, vfs, msix, "
	  "reset, identity, assignable" },
	{ "wide", 'w', 0, 0, "All columns, none of them cut to the width of the line" },
	{ 0 },
};

static void add_column(struct list_args *args, const char *name, struct argp_state *state)
{
	size_t i = 0;

	while (i < KNOWN && strcmp(known[i].name, name))
		i++;
	if (i == KNOWN)
		cli_misuse(state, "--columns: '%s': no such column; --help lists them", name);
	else if (args->count == KNOWN)
		cli_misuse(state, "--columns: '%s': one more than there are", name);
	else
		args->columns[args->count++] = known[i].column;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct list_args *args = cli_data(state);
	char *name;

	switch (key) {
	case 'a':
		args->all = true;
		return 0;
	case 'o':
		while ((name = strsep(&arg, ",")))
			add_column(args, name, state);
		return 0;
	case 'w':
		args->wide = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* For people: "2 of 7 VFs" for a PF, "VF 0" for a VF, whose identity has its PF. */
static void add_relation(struct json_object *function)
{
	const char *index = json_text_or_null(function, "vf_index");
	const char *total = json_text_or_null(function, "vfs_total");
	char text[64];

	if (index)
		snprintf(text, sizeof(text), "VF %s", index);
	else if (total)
		snprintf(text, sizeof(text), "%s of %s VFs", json_text_or_null(function, "vfs"), total);
	json_object_object_add(function, "relation", index || total ? json_object_new_string(text) :
								      NULL);
}

/* Whether it can be assigned by what it is; who uses it is for 'iov show' to say. */
static void add_verdict(struct iov *iov, struct json_object *function)
{
	struct iov_reason reason;
	struct iov_bdf bdf;
	bool blocked = iov_bdf_scan(json_text_or_null(function, "device"), &bdf) &&
		       iov_verdict_blocks(iov, bdf, &reason);

	json_object_object_add(function, "assignable", json_object_new_boolean(!blocked));
	json_object_object_add(function, "blocked_by",
			       blocked ? json_object_new_string(reason.sentence) : NULL);
}

/* "yes", or why not */
static void add_answer(struct json_object *function)
{
	const char *why = json_text_or_null(function, "blocked_by");
	char text[IOV_SENTENCE_SIZE + 4];

	snprintf(text, sizeof(text), "%s%s", why ? "no: " : "yes", why ? why : "");
	json_object_object_add(function, "assignable_text", json_object_new_string(text));
}

static void add_words(struct json_object *function)
{
	char ids[16];

	snprintf(ids, sizeof(ids), "%s:%s", json_text_or_null(function, "vendor_id"),
		 json_text_or_null(function, "device_id"));
	json_object_object_add(function, "ids", json_object_new_string(ids));
	if (json_object_object_get_ex(function, "assignable", NULL))
		add_answer(function);
	add_relation(function);
}

static void choose_columns(struct list_args *args)
{
	for (size_t i = 0, named = args->count; !named && i < KNOWN; i++) {
		if (args->wide || known[i].shown)
			args->columns[args->count++] = known[i].column;
	}
	for (size_t i = 0; args->wide && i < args->count; i++)
		args->columns[i].cut = false;
}

/* It takes as much reading as all the rest. */
static bool shows_verdict(const struct list_args *args)
{
	for (size_t i = 0; i < args->count; i++) {
		if (!strcmp(args->columns[i].key, "assignable_text"))
			return true;
	}
	return false;
}

static int print_table(struct list_args *args, struct json_object *rows)
{
	size_t count = json_object_array_length(rows);

	if (!count)
		puts("no PCI function that could be assigned; 'iov list --all' shows bridges, too");
	for (size_t i = 0; i < count; i++)
		add_words(json_object_array_get_idx(rows, i));
	return count ? iov_output_table(stdout, rows, args->columns, args->count) : 0;
}

static int run(struct cli *cli, void *data)
{
	struct list_args *args = data;
	_cleanup_json_ struct json_object *rows = NULL;
	struct iov_ids *ids;
	int error = iov_ids_open(&ids);

	if (error)
		return error;
	error = iov_function_list(cli->iov, ids, args->all, &rows);
	iov_ids_close(ids);
	if (error)
		return error;
	choose_columns(args);
	for (size_t i = 0; shows_verdict(args) && i < json_object_array_length(rows); i++)
		add_verdict(cli->iov, json_object_array_get_idx(rows, i));
	if (!cli->json)
		return print_table(args, rows);
	iov_output_json(stdout, rows);
	return 0;
}

const struct cli_command cli_list = {
	.name = "list",
	.summary = "List the PCI functions that can be assigned",
	.example = "iov list --all\n"
		   "  iov list --columns bdf,driver,identity",
	.options = options,
	.parse = parse,
	.data_size = sizeof(struct list_args),
	.run = run,
};
