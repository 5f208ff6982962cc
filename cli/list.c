// SPDX-License-Identifier: GPL-2.0-or-later
/* iov list: the PCI functions of this host, those worth giving away first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/near.h"
#include "base/pci/function.h"
#include "base/sysroot/paths.h"
#include "cli/commands.h"
#include "cli/list.h"
#include "cli/output.h"
#include "vfio/bind/verdict.h"

/* What has to be found out for a column beyond a brief iov_function_list(). */
enum need { NOTHING, DETAIL, VERDICT, HOLDERS };

/* In the order of --wide. */
static const struct known {
	const char *name;	/* as --columns and --sort take it */
	bool shown;		/* without --columns and --wide */
	enum need need;
	const char *sort;	/* member to sort by; NULL for the order of the list */
	struct iov_column column;
} known[] = {
	{ "bdf", true, NOTHING, NULL, { "device", "BDF" } },
	{ "class", false, NOTHING, "class", { "class", "CLASS" } },
	{ "name", true, NOTHING, "name", { "name", "NAME", .wrap = true } },
	{ "ids", false, NOTHING, "vendor_id", { "ids", "IDS" } },
	{ "driver", true, NOTHING, "driver", { "driver", "DRIVER" } },
	{ "interface", true, NOTHING, "net", { "net", "INTERFACE" } },
	{ "representor", true, NOTHING, "representor", { "representor", "REPRESENTOR" } },
	{ "group", true, NOTHING, "iommu_group", { "iommu_group", "GROUP", .right = true } },
	{ "numa", true, NOTHING, "numa_node", { "numa_node", "NUMA", .right = true } },
	{ "vfs", true, NOTHING, "vfs_total", { "relation", "PF/VF" } },
	{ "msix", false, DETAIL, "msix", { "msix", "MSI-X", .right = true } },
	{ "reset", false, DETAIL, "reset_methods", { "reset_methods", "RESET" } },
	{ "identity", true, NOTHING, "identity", { "identity", "IDENTITY" } },
	{ "in-use", false, HOLDERS, "guards", { "guards", "IN USE" } },
	{ "assignable", false, VERDICT, "blocked_by", { "assignable_text", "ASSIGNABLE" } },
};
#define KNOWN (sizeof(known) / sizeof(*known))

struct list_args {
	bool all;
	bool wide;
	bool named;	/* by --columns */
	const struct known *sort;
	struct list_filter filter;
	const char *class_words;
	size_t count;
	const struct known *columns[KNOWN];
};

enum { KEY_CLASS = 'c', KEY_DRIVER = 'd', KEY_FREE = 'f', KEY_SORT = 's' };

static const struct argp_option options[] = {
	{ "all", 'a', 0, 0, "Bridges of the host, too" },
	{ "class", KEY_CLASS, "CLASS", 0,
	  "Only this class: network, nvme, gpu, ethernet, ..., or its number" },
	{ "driver", KEY_DRIVER, "DRIVER|none", 0, "Only those that this driver has, or none" },
	{ "free", KEY_FREE, 0, 0,
	  "Only what can be assigned and is in nobody's use, nor what moves with it" },
	{ "sort", KEY_SORT, "COLUMN", 0, "Sort by a column instead of by address" },
	{ "columns", 'o', "LIST", 0,
	  "Columns of the table, by commas: bdf, class, name, ids, driver, interface, representor, group, numa, "
	  "vfs, msix, reset, identity, in-use, assignable" },
	{ "wide", 'w', 0, 0, "All columns, whatever the terminal has room for" },
	{ 0 },
};

const char *list_column_name(size_t index)
{
	return index < KNOWN ? known[index].name : NULL;
}

static const struct known *find_column(const char *option, const char *name,
				       struct argp_state *state)
{
	struct iov_near near = { .text = name };
	char names[256] = "";

	for (size_t i = 0; i < KNOWN; i++) {
		if (!strcmp(known[i].name, name))
			return &known[i];
		iov_near_look(&near, known[i].name);
	}
	for (size_t i = 0; i < KNOWN; i++)
		snprintf(names + strlen(names), sizeof(names) - strlen(names), " %s", known[i].name);
	cli_misuse(state, "--%s: '%s': no such column; %s%s%sexpected one of:%s", option, name,
		   near.word ? "did you mean " : "", near.word ? near.word : "", near.word ? "? " : "", names);
	return NULL;
}

static void add_column(struct list_args *args, const char *name, struct argp_state *state)
{
	const struct known *column = find_column("columns", name, state);

	if (args->count == KNOWN)
		cli_misuse(state, "--columns: '%s': one more than there are", name);
	else
		args->columns[args->count++] = column;
}

static void add_columns(struct list_args *args, const char *list, struct argp_state *state)
{
	_cleanup_free_ char *copy = strdup(list);
	char *rest = copy, *name;

	while ((name = strsep(&rest, ",")))
		add_column(args, name, state);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct list_args *args = cli_data(state);

	switch (key) {
	case 'a':
		args->all = true;
		return 0;
	case 'o':
		add_columns(args, arg, state);
		return 0;
	case 'w':
		args->wide = true;
		return 0;
	case KEY_CLASS:
		args->class_words = arg;
		return 0;
	case KEY_DRIVER:
		args->filter.driver = arg;
		return 0;
	case KEY_FREE:
		args->filter.free = true;
		return 0;
	case KEY_SORT:
		args->sort = find_column("sort", arg, state);
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
	args->named = args->count;
	for (size_t i = 0; !args->named && i < KNOWN; i++) {
		if (args->wide || known[i].shown)
			args->columns[args->count++] = &known[i];
	}
}

/* These take as much reading as all the rest, and more. */
static bool needs(const struct list_args *args, enum need need)
{
	bool needed = args->filter.free || (args->sort && args->sort->need == need);

	for (size_t i = 0; i < args->count; i++)
		needed |= args->columns[i]->need == need;
	return needed;
}

/* " (did you mean igb?)" of a driver that this host does not have, or "". */
static struct iov_path meant_driver(struct iov *iov, const char *driver)
{
	struct iov_path meant = { "" };
	struct iov_near near = { .text = driver };
	char **names;
	size_t count;

	if (iov_sys_exists(iov, iov_path(IOV_PATH_PCI_DRIVERS "/%s", driver).name) ||
	    iov_sys_list(iov, IOV_PATH_PCI_DRIVERS, &names, &count))
		return meant;
	iov_near_look(&near, "none");
	for (size_t i = 0; i < count; i++)
		iov_near_look(&near, names[i]);
	if (near.word)
		meant = iov_path(" (did you mean %s?)", near.word);
	iov_names_free(names, count);
	return meant;
}

/* Why there are no rows. */
static struct iov_path no_match(struct iov *iov, const struct list_args *args)
{
	const struct list_filter *filter = &args->filter;
	const char *driver = filter->driver;

	if (!driver && !filter->free && !args->class_words)
		return iov_path("no such PCI function; 'iov list --all' shows all, bridges, too");
	return iov_path("no PCI function is as asked for by%s%s%s%s%s; 'iov list' shows those of all drivers "
			"and classes", args->class_words ? " --class" : "",
			filter->free ? " --free" : "", driver ? " --driver " : "",
			driver ? driver : "", driver ? meant_driver(iov, driver).name : "");
}

/* What nothing has, as NUMA nodes on a host of one, is left out unless somebody asked for it. */
static int print_table(struct iov *iov, const struct list_args *args, struct json_object *rows)
{
	struct iov_column columns[KNOWN];
	size_t count = 0;

	for (size_t i = 0; i < json_object_array_length(rows); i++)
		add_words(json_object_array_get_idx(rows, i));
	for (size_t i = 0; i < args->count; i++) {
		columns[count] = args->columns[i]->column;
		columns[count].wrap &= !args->wide;
		columns[count].spare = !args->named && !args->wide && args->columns[i] != known &&
				       !columns[count].wrap;
		if (args->named || args->wide || iov_output_has(rows, &columns[count]))
			count++;
	}
	return iov_output_list(stdout, rows, columns, count, no_match(iov, args).name);
}

static void keep(const struct list_filter *filter, struct json_object **rows)
{
	struct json_object *kept = list_filter(filter, *rows);

	json_object_put(*rows);
	*rows = kept;
}

/* Holders are found of all, as what moves together is used together; then little is left. */
static int choose_rows(struct iov *iov, const struct list_args *args, struct json_object **rows)
{
	struct list_filter told = args->filter;
	int error = needs(args, HOLDERS) ? list_add_holders(iov, *rows) : 0;

	if (error)
		return error;
	told.free = false;
	keep(&told, rows);
	list_add_interfaces(iov, *rows);
	if (needs(args, VERDICT))
		list_add_verdicts(iov, *rows);
	keep(&args->filter, rows);
	if (args->sort && args->sort->sort)
		list_sort(*rows, args->sort->sort);
	return 0;
}

static int run(struct cli *cli, void *data)
{
	struct list_args *args = data;
	_cleanup_json_ struct json_object *rows = NULL;
	struct iov_ids *ids;
	int error = iov_ids_open(&ids);

	if (error)
		return error;
	choose_columns(args);
	if (args->class_words)
		error = list_filter_class(cli->iov, ids, &args->filter, args->class_words);
	if (!error)
		error = iov_function_list(cli->iov, ids, (args->all ? IOV_FUNCTION_BRIDGES : 0) |
				  (cli->json || needs(args, DETAIL) || needs(args, VERDICT) ? 0 :
				   IOV_FUNCTION_BRIEF), &rows);
	iov_ids_close(ids);
	if (!error)
		error = choose_rows(cli->iov, args, &rows);
	if (error)
		return error;
	if (!cli->json)
		return print_table(cli->iov, args, rows);
	iov_output_json(stdout, rows);
	return 0;
}

const struct cli_command cli_list = {
	.name = "list",
	.summary = "List the PCI functions that can be assigned",
	.example = "iov list --all\n"
		   "  iov list --free --class network\n"
		   "  iov list --driver vfio-pci --columns bdf,group,in-use,identity",
	.options = options,
	.parse = parse,
	.data_size = sizeof(struct list_args),
	.run = run,
};
