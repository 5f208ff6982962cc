// SPDX-License-Identifier: GPL-2.0-or-later
/* iov vf create, list, set, remove */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/pci/identity.h"
#include "base/pci/interface.h"
#include "cli/argument.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "host/file/vfs.h"
#include "sriov/vf.h"

/* Read a number that fits unsigned int; the message is argp's. */
static unsigned int parse_number(struct argp_state *state, const char *what, const char *text)
{
	char *end;
	unsigned long number;

	errno = 0;
	number = strtoul(text, &end, 10);
	if (!*text || *end || errno || number > 65535 ||
	    strspn(text, "0123456789") != strlen(text))
		argp_error(state, "%s '%s': expected a number from 0 to 65535", what, text);
	return (unsigned int)number;
}

/* iov vf create */

struct create_args {
	const char *pf;
	char *driver;
	unsigned int count;
	bool has_count;
};

static const struct argp_option create_options[] = {
	{ "count", 'n', "N", 0, "How many VFs shall exist", 0 },
	{ "driver", 'd', "DRIVER", 0,
	  "vfio-pci (the default): for virtual machines and user space; native: the kernel's own, "
	  "to use the VFs on this host; none: leave the VFs without a driver", 0 },
	{ 0 },
};

static error_t parse_create(int key, char *arg, struct argp_state *state)
{
	struct create_args *args = cli_data(state);

	switch (key) {
	case 'n':
		args->count = parse_number(state, "--count", arg);
		args->has_count = true;
		return 0;
	case 'd':
		if (strcmp(arg, "vfio-pci") && strcmp(arg, "native") && strcmp(arg, "none"))
			argp_error(state, "--driver %s: expected vfio-pci, native or none", arg);
		args->driver = arg;
		return 0;
	case ARGP_KEY_END:
		if (args->pf && !args->has_count)
			argp_error(state, "--count is missing; say how many VFs shall exist");
		break;
	}
	return cli_argument(key, arg, state, &args->pf, CLI_EXPECTED_PF);
}

static int run_create(struct cli *cli, void *data)
{
	const struct create_args *args = data;
	char vfio[] = "vfio-pci";
	const struct iov_host_vfs vfs = {
		.count = args->count, .all.driver = args->driver ? args->driver : vfio,
	};
	struct iov_plan *plan = NULL;
	struct iov_bdf bdf;
	int error = iov_device_parse(cli->iov, args->pf, &bdf);

	if (!error)
		error = iov_plan_new(&plan, cli->iov, "create %u VF%s on %s", args->count,
				     args->count == 1 ? "" : "s", IOV_BDF(bdf));
	if (!error)
		error = args->count ? iov_host_vfs_plan(plan, bdf, -1, &vfs, 0) :
				      iov_vf_create_plan(plan, bdf, 0, 0);
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
	.options = create_options,
	.parse = parse_create,
	.data_size = sizeof(struct create_args),
	.run = run_create,
};

/* iov vf list, iov vf remove */

struct pf_args {
	const char *pf;
};

static error_t parse_pf(int key, char *arg, struct argp_state *state)
{
	struct pf_args *args = cli_data(state);

	return cli_argument(key, arg, state, &args->pf, CLI_EXPECTED_PF);
}

static const struct iov_column net_columns[] = {
	{ "index", "VF", true },
	{ "device", "BDF" },
	{ "driver", "DRIVER" },
	{ "iommu_group", "GROUP", true },
	{ "mac", "MAC" },
	{ "vlan", "VLAN", true },
	{ "spoofchk", "SPOOFCHK" },
	{ "trust", "TRUST" },
	{ "max_rate", "MAX", true },
	{ "min_rate", "MIN", true },
	{ "link_state", "LINK" },
	{ "netdev", "NETDEV" },
	{ "used_by", "IN USE BY" },
};

static const struct iov_column nvme_columns[] = {
	{ "index", "VF", true },
	{ "device", "BDF" },
	{ "driver", "DRIVER" },
	{ "iommu_group", "GROUP", true },
	{ "controller", "CONTROLLER", true },
	{ "state", "STATE" },
	{ "queues", "QUEUES", true },
	{ "interrupts", "INTERRUPTS", true },
	{ "used_by", "IN USE BY" },
};

static const struct iov_column plain_columns[] = {
	{ "index", "VF", true },
	{ "device", "BDF" },
	{ "driver", "DRIVER" },
	{ "iommu_group", "GROUP", true },
	{ "used_by", "IN USE BY" },
};

#define COLUMNS(columns) columns, sizeof(columns) / sizeof(*(columns))

static int print_list(struct json_object *list)
{
	const char *class = json_text_or_null(list, "class");
	struct json_object *vfs = json_object_object_get(list, "vfs");

	printf("%s: %s of %s VFs\n", json_text_or_null(list, "pf"),
	       json_text_or_null(list, "count"),
	       json_text_or_null(list, "total"));
	if (!json_object_array_length(vfs))
		return 0;
	if (class && !strcmp(class, "net"))
		return iov_output_table(stdout, vfs, COLUMNS(net_columns));
	if (class && !strcmp(class, "nvme"))
		return iov_output_table(stdout, vfs, COLUMNS(nvme_columns));
	return iov_output_table(stdout, vfs, COLUMNS(plain_columns));
}

static int run_list(struct cli *cli, void *data)
{
	const struct pf_args *args = data;
	_cleanup_json_ struct json_object *list = NULL;
	struct iov_bdf bdf;
	int error = iov_device_parse(cli->iov, args->pf, &bdf);

	if (!error)
		error = iov_vf_list(cli->iov, bdf, iov_interface_named_port(cli->iov, args->pf),
				    &list);
	if (error)
		return error;
	if (!cli->json)
		return print_list(list);
	iov_output_json(stdout, list);
	return 0;
}

const struct cli_command cli_vf_list = {
	.name = "vf list",
	.args = "PF",
	.summary = "Show the virtual functions of a PF with their attributes",
	.example = "iov vf list 0000:01:00.0",
	.parse = parse_pf,
	.data_size = sizeof(struct pf_args),
	.run = run_list,
};

static int run_remove(struct cli *cli, void *data)
{
	const struct pf_args *args = data;
	struct iov_plan *plan = NULL;
	struct iov_bdf bdf;
	int error = iov_device_parse(cli->iov, args->pf, &bdf);

	if (!error)
		error = iov_plan_new(&plan, cli->iov, "remove the VFs of %s", IOV_BDF(bdf));
	if (!error)
		error = iov_vf_remove_plan(plan, bdf);
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
	.parse = parse_pf,
	.data_size = sizeof(struct pf_args),
	.run = run_remove,
};

/* iov vf set */

#define KEY_ATTRIBUTE 0x2000

static const struct argp_option set_options[] = {
	{ "mac", KEY_ATTRIBUTE + 0, "ADDRESS", 0, "MAC address that the VF starts with", 0 },
	{ "vlan", KEY_ATTRIBUTE + 1, "ID", 0, "VLAN that all its frames travel in, 0 for none", 0 },
	{ "qos", KEY_ATTRIBUTE + 2, "PRIORITY", 0, "Priority in that VLAN, 0 to 7", 0 },
	{ "vlan-protocol", KEY_ATTRIBUTE + 8, "802.1Q|802.1ad", 0, "Tag of that VLAN", 0 },
	{ "spoofchk", KEY_ATTRIBUTE + 3, "on|off", 0, "Drop frames with another source MAC", 0 },
	{ "trust", KEY_ATTRIBUTE + 4, "on|off", 0,
	  "Let its driver change its MAC and ask for promiscuous mode", 0 },
	{ "max-rate", KEY_ATTRIBUTE + 5, "MBIT/S", 0, "Limit of what it sends, 0 for none", 0 },
	{ "min-rate", KEY_ATTRIBUTE + 6, "MBIT/S", 0, "Rate that it is granted, 0 for none", 0 },
	{ "link-state", KEY_ATTRIBUTE + 7, "auto|enable|disable", 0,
	  "Link that it sees: the port's, always up, always down", 0 },
	{ 0 },
};

/* By the key of the option. */
static const char *const attribute_names[] = {
	"mac", "vlan", "qos", "spoofchk", "trust", "max_rate", "min_rate", "link_state",
	"vlan_protocol",
};
#define ATTRIBUTES (sizeof(attribute_names) / sizeof(*attribute_names))

struct set_args {
	const char *device;
	unsigned int index;
	bool has_index;
	const char *values[ATTRIBUTES];
};

static bool has_value(const struct set_args *args)
{
	for (size_t i = 0; i < ATTRIBUTES; i++) {
		if (args->values[i])
			return true;
	}
	return false;
}

static error_t parse_set(int key, char *arg, struct argp_state *state)
{
	struct set_args *args = cli_data(state);

	if (key >= KEY_ATTRIBUTE && key < KEY_ATTRIBUTE + (int)ATTRIBUTES) {
		args->values[key - KEY_ATTRIBUTE] = arg;
		return 0;
	}
	switch (key) {
	case ARGP_KEY_ARG:
		if (!args->device || args->has_index)
			break;
		args->index = parse_number(state, "INDEX", arg);
		args->has_index = true;
		return 0;
	case ARGP_KEY_END:
		if (args->device && !has_value(args))
			argp_error(state, "nothing to set; name an attribute, like --mac ADDRESS");
		break;
	}
	return cli_argument(key, arg, state, &args->device,
			    "expected a VF, like eth0/vf0, or a PF and an index, like eth0 0");
}

static int parse_values(struct iov *iov, const struct set_args *args, struct json_object *values)
{
	int error = 0;

	for (size_t i = 0; !error && i < ATTRIBUTES; i++) {
		if (args->values[i])
			error = iov_vf_attribute_parse(iov, attribute_names[i], args->values[i],
						       values);
	}
	return error;
}

static int find_vf(struct cli *cli, const struct set_args *args, struct iov_bdf *pf,
		   unsigned int *index)
{
	struct iov_bdf bdf;
	int error = cli_function(cli, args->device, &bdf);

	*index = args->index;
	*pf = bdf;
	if (error || args->has_index)
		return error;
	if (iov_pci_link(cli->iov, bdf, "physfn", pf) ||
	    iov_pci_vf_index(cli->iov, *pf, bdf, index))
		return iov_fail(cli->iov, -EINVAL, "%s: %s is no VF; name one like %s/vf0, or give "
				"its index", args->device, IOV_BDF(bdf), args->device);
	return 0;
}

static int run_set(struct cli *cli, void *data)
{
	_cleanup_json_ struct json_object *values = json_object_new_object();
	const struct set_args *args = data;
	struct iov_plan *plan = NULL;
	unsigned int index;
	struct iov_bdf pf;
	int error = parse_values(cli->iov, args, values);

	if (!error)
		error = find_vf(cli, args, &pf, &index);
	if (!error)
		error = iov_plan_new(&plan, cli->iov, "set VF %u of %s", index, IOV_BDF(pf));
	if (!error)
		error = iov_vf_set_plan(plan, pf, iov_interface_named_port(cli->iov, args->device),
					index, values);
	if (!error)
		return cli_run_plan(cli, plan);
	return cli_drop_plan(cli, plan, error);
}

const struct cli_command cli_vf_set = {
	.name = "vf set",
	.args = "PF|VF [INDEX]",
	.summary = "Set attributes of a virtual function",
	.example = "iov vf set 0000:01:00.0 0 --mac 02:00:00:00:00:01 --spoofchk on --trust off\n"
		   "  iov vf set slot=1/vf0 --vlan 100\n\n"
		   "Several attributes are set together: when the driver refuses one, the others\n"
		   "are put back.",
	.changes = true,
	.options = set_options,
	.parse = parse_set,
	.data_size = sizeof(struct set_args),
	.run = run_set,
};
