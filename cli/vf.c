// SPDX-License-Identifier: GPL-2.0-or-later
/* iov vf create, iov vf remove */
#include <string.h>

#include "base/pci/identity.h"
#include "cli/argument.h"
#include "cli/commands.h"
#include "host/file/vfs.h"
#include "sriov/vf.h"

/* iov vf create */

#define ATTRIBUTES_MAX 32

struct create_args {
	const char *pf;
	char *driver;
	unsigned int count;
	bool has_count;
	char *attributes[ATTRIBUTES_MAX];
	unsigned int attribute_count;
};

static const struct argp_option create_options[] = {
	{ "count", 'n', "N", 0, "How many VFs shall exist", 0 },
	{ "driver", 'd', "DRIVER", 0,
	  "vfio-pci (the default): for virtual machines and user space; native: the kernel's own, "
	  "to use the VFs on this host; none: leave the VFs without a driver", 0 },
	{ "attribute", 'a', "NAME=VALUE", 0,
	  "Of every VF, also what is shared out before they exist, as vram_quota=8G; may be repeated", 0 },
	{ 0 },
};

static error_t parse_create(int key, char *arg, struct argp_state *state)
{
	struct create_args *args = cli_data(state);

	switch (key) {
	case 'n':
		args->count = cli_index(arg, "--count", state);
		args->has_count = true;
		return 0;
	case 'd':
		if (strcmp(arg, "vfio-pci") && strcmp(arg, "native") && strcmp(arg, "none"))
			cli_misuse(state, "--driver %s: expected vfio-pci, native or none", arg);
		args->driver = arg;
		return 0;
	case 'a':
		if (args->attribute_count == ATTRIBUTES_MAX)
			cli_misuse(state, "--attribute: more than %d", ATTRIBUTES_MAX);
		args->attributes[args->attribute_count++] = arg;
		return 0;
	case ARGP_KEY_END:
		if (args->pf && !args->has_count)
			cli_misuse(state, "--count is missing; say how many VFs shall exist");
		break;
	}
	return cli_argument(key, arg, state, &args->pf, CLI_EXPECTED_PF);
}

/* As the host file says it. */
static struct json_object *saved_vfs(struct iov_bdf pf, unsigned int count, const char *driver,
				     char *const *attributes, unsigned int attribute_count)
{
	struct json_object *values = json_object_new_object(), *vfs = json_object_new_object();

	json_object_object_add(values, "vfs", vfs);
	json_object_object_add(vfs, "count", json_object_new_int64(count));
	cli_param_text(vfs, "driver", count ? driver : NULL);
	cli_param_texts(vfs, "attributes", (const char *const *)attributes, attribute_count);
	return cli_saved(json_object_new_object(), pf, values);
}

static int run_create(struct cli *cli, void *data)
{
	struct create_args *args = data;
	char vfio[] = "vfio-pci";
	struct iov_host_vfs vfs = {
		.count = args->count, .all.driver = args->driver, .all.attributes = args->attributes,
		.all.attribute_count = args->attribute_count,
	};
	struct iov_plan *plan = NULL;
	struct iov_bdf bdf;
	struct iov_pf pf;
	int error = iov_device_parse(cli->iov, args->pf, &bdf);

	if (!error && !args->driver && !iov_pf_read(cli->iov, bdf, &pf) && !iov_vf_keeps_driver(&pf))
		vfs.all.driver = vfio;
	if (!error)
		error = iov_plan_new(&plan, cli->iov, "create %u VF%s on %s", args->count,
				     args->count == 1 ? "" : "s", IOV_BDF(bdf));
	if (!error)
		error = args->count ? iov_host_vfs_plan(plan, bdf, -1, &vfs, 0) :
				      iov_vf_create_plan(plan, bdf, 0, 0);
	if (!error)
		error = cli_save(cli, plan, saved_vfs(bdf, args->count, vfs.all.driver, args->attributes,
						  args->attribute_count));
	if (!error)
		return cli_run_plan(cli, plan);
	return cli_drop_plan(cli, plan, error);
}

const struct cli_command cli_vf_create = {
	.name = "vf create",
	.args = "PF --count N",
	.summary = "Create virtual functions and bind them to a driver",
	.example = "iov vf create 0000:01:00.0 --count 4\n"
		   "  iov vf create eth0 --count 4 --driver native\n\n"
		   "N VFs exist afterwards: nothing happens when they do already. Another number\n"
		   "than 0 is removed first, which is refused while one of these VFs is in use.\n"
		   "VFs of an NVMe controller are given queues and interrupts and set online.",
	.changes = true,
	.saves = true,
	.options = create_options,
	.parse = parse_create,
	.data_size = sizeof(struct create_args),
	.run = run_create,
};

/* iov vf remove */

struct remove_args {
	const char *pf;
};

static error_t parse_remove(int key, char *arg, struct argp_state *state)
{
	struct remove_args *args = cli_data(state);

	return cli_argument(key, arg, state, &args->pf, CLI_EXPECTED_PF);
}

static int run_remove(struct cli *cli, void *data)
{
	const struct remove_args *args = data;
	struct iov_plan *plan = NULL;
	struct iov_bdf bdf;
	int error = iov_device_parse(cli->iov, args->pf, &bdf);

	if (!error)
		error = iov_plan_new(&plan, cli->iov, "remove the VFs of %s", IOV_BDF(bdf));
	if (!error)
		error = iov_vf_remove_plan(plan, bdf);
	if (!error)
		error = cli_save(cli, plan, saved_vfs(bdf, 0, NULL, NULL, 0));
	if (!error)
		return cli_run_plan(cli, plan);
	return cli_drop_plan(cli, plan, error);
}

const struct cli_command cli_vf_remove = {
	.name = "vf remove",
	.args = "PF",
	.summary = "Remove all virtual functions of a PF",
	.example = "iov vf remove 0000:01:00.0\n\nRefused while one of the VFs is in use.",
	.changes = true,
	.saves = true,
	.parse = parse_remove,
	.data_size = sizeof(struct remove_args),
	.run = run_remove,
};
