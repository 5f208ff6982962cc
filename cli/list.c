// SPDX-License-Identifier: GPL-2.0-or-later
/* iov list: the PCI functions of this host, those worth giving away first. */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/function.h"
#include "base/output.h"
#include "cli/commands.h"

struct list_args {
	bool all;
};

static const struct argp_option options[] = {
	{ "all", 'a', 0, 0, "Bridges of the host, too" },
	{ 0 },
};

static const struct iov_column columns[] = {
	{ "device", "BDF", false },	     { "class", "CLASS", false },
	{ "name", "NAME", false },	     { "driver", "DRIVER", false },
	{ "iommu_group", "GROUP", true },    { "numa_node", "NUMA", true },
	{ "relation", "PF/VF", false },	     { "msix", "MSI-X", true },
	{ "reset_methods", "RESET", false },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct list_args *args = cli_data(state);

	(void)arg;
	if (key != 'a')
		return ARGP_ERR_UNKNOWN;
	args->all = true;
	return 0;
}

/* For people: "2 of 7 VFs" for a PF, "VF 0 of 0000:01:00.0" for a VF. */
static void add_relation(struct json_object *function)
{
	const char *pf = cli_text(function, "pf"), *total = cli_text(function, "vfs_total");
	char text[64];

	if (pf)
		snprintf(text, sizeof(text), "VF %s of %s", cli_text(function, "vf_index"), pf);
	else if (total)
		snprintf(text, sizeof(text), "%s of %s VFs", cli_text(function, "vfs"), total);
	json_object_object_add(function, "relation", pf || total ? json_object_new_string(text) :
								   NULL);
}

static bool is_shown(struct json_object *function, const struct list_args *args)
{
	return args->all ||
	       iov_class_is_assignable((unsigned int)strtoul(cli_text(function, "class_code"), NULL,
							     16));
}

static int collect(struct cli *cli, const struct list_args *args, struct iov_ids *ids,
		   struct json_object *rows)
{
	_cleanup_free_ struct iov_bdf *list = NULL;
	size_t count;
	int error = iov_pci_list(cli->iov, &list, &count);

	for (size_t i = 0; !error && i < count; i++) {
		struct json_object *function = iov_function_summary(cli->iov, ids, list[i]);

		if (!is_shown(function, args)) {
			json_object_put(function);
			continue;
		}
		if (!cli->json)
			add_relation(function);
		json_object_array_add(rows, function);
	}
	return error;
}

static int run(struct cli *cli, void *data)
{
	_cleanup_json_ struct json_object *rows = json_object_new_array();
	struct iov_ids *ids;
	int error = iov_ids_open(&ids);

	if (error)
		return error;
	error = collect(cli, data, ids, rows);
	iov_ids_close(ids);
	if (error)
		return error;
	if (cli->json)
		iov_output_json(stdout, rows);
	else if (!json_object_array_length(rows))
		puts("no PCI function that could be assigned; 'iov list --all' shows bridges, too");
	else
		error = iov_output_table(stdout, rows, columns, sizeof(columns) / sizeof(*columns));
	return error;
}

const struct cli_command cli_list = {
	.name = "list",
	.summary = "List the PCI functions that can be assigned",
	.example = "iov list --all",
	.options = options,
	.parse = parse,
	.data_size = sizeof(struct list_args),
	.run = run,
};
