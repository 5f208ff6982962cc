// SPDX-License-Identifier: GPL-2.0-or-later
/* iov vf list, iov vf show: the VFs of PFs and their attributes. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/pci/identity.h"
#include "base/pci/interface.h"
#include "cli/argument.h"
#include "cli/commands.h"
#include "cli/nic.h"
#include "cli/output.h"
#include "cli/printable.h"
#include "sriov/vf.h"

/* Of all classes of devices; what no VF has a value of is left out. */
static const struct iov_column columns[] = {
	{ "index", "VF", true },
	{ "device", "BDF" },
	{ "driver", "DRIVER" },
	{ "iommu_group", "GROUP", true },
	{ "mac", "MAC" },
	{ "node_guid", "NODE GUID" },
	{ "port_guid", "PORT GUID" },
	{ "vlan", "VLAN", true },
	{ "qos", "QOS", true },
	{ "vlan_protocol", "PROTOCOL" },
	{ "spoofchk", "SPOOFCHK" },
	{ "trust", "TRUST" },
	{ "rss_query", "RSS QUERY" },
	{ "min_rate", "MIN MBIT/S", true },
	{ "max_rate", "MAX MBIT/S", true },
	{ "link_state", "LINK" },
	NIC_PORT_COLUMNS,
	{ "netdev", "NETDEV" },
	{ "representor", "REPRESENTOR" },
	{ "controller", "CONTROLLER", true },
	{ "state", "STATE" },
	{ "queues", "QUEUES", true },
	{ "interrupts", "INTERRUPTS", true },
	{ "namespaces", "NAMESPACES" },
	{ "used_by", "IN USE BY" },
};

static const struct iov_column fields[] = {
	{ "device", "Device" },
	{ "relation", "VF" },
	{ "driver", "Driver" },
	{ "iommu_group", "IOMMU group" },
	{ "netdev", "Interface" },
	{ "representor", "Representor" },
	{ "mac", "MAC address" },
	{ "node_guid", "Node GUID" },
	{ "port_guid", "Port GUID" },
	{ "vlan", "VLAN" },
	{ "qos", "VLAN priority" },
	{ "vlan_protocol", "VLAN protocol" },
	{ "spoofchk", "Spoof check" },
	{ "trust", "Trust" },
	{ "rss_query", "RSS query" },
	{ "min_rate", "Least rate, Mbit/s" },
	{ "max_rate", "Highest rate, Mbit/s" },
	{ "link_state", "Link state" },
	{ "hw_addr", "Function address" },
	{ "roce", "RoCE" },
	{ "migratable", "Migratable" },
	{ "ipsec_crypto", "IPsec crypto" },
	{ "ipsec_packet", "IPsec packet" },
	{ "max_io_eqs", "I/O event queues" },
	{ "tx_parent", "Rate group" },
	{ "tx_share", "Granted rate, Mbit/s" },
	{ "tx_max", "Limit, Mbit/s" },
	{ "tx_priority", "Send priority" },
	{ "tx_weight", "Send weight" },
	{ "statistics_text", "Statistics" },
	{ "controller", "NVMe controller" },
	{ "state", "NVMe state" },
	{ "queues", "NVMe queues" },
	{ "interrupts", "NVMe interrupts" },
	{ "namespaces", "NVMe namespaces" },
	{ "used_by", "In use by" },
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Most attributes that are shown of a class that these tables do not know. */
#define OTHERS_MAX 16

/* Headings of attributes of other classes. */
struct headings {
	char text[OTHERS_MAX][32];
};

static bool is_known(const struct iov_column *known, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(known[i].key, key))
			return true;
	}
	return false;
}

/* "stream_count" as "STREAM COUNT", or "Stream count" */
static void make_heading(const char *key, bool capitals, char heading[32])
{
	snprintf(heading, 32, "%s", key);
	for (char *c = heading; *c; c++) {
		if (*c == '_')
			*c = ' ';
		else if (capitals || c == heading)
			*c = (char)toupper((unsigned char)*c);
	}
}

/* A column for each member that @known lacks; their number. */
static size_t add_others(struct json_object *vf, const struct iov_column *known, size_t known_count,
			 bool capitals, struct headings *headings, struct iov_column *shown)
{
	size_t count = 0;

	json_object_object_foreach(vf, key, value) {
		bool number = json_object_is_type(value, json_type_int);

		/* A list of what can be had is for who looks at one. */
		if (!value || json_object_is_type(value, json_type_object) || count == OTHERS_MAX ||
		    (capitals && json_object_is_type(value, json_type_array)) ||
		    is_known(known, known_count, key) ||
		    !strcmp(key, "pf") || !strcmp(key, "index"))
			continue;
		make_heading(key, capitals, headings->text[count]);
		shown[count] = (struct iov_column){ key, headings->text[count], number };
		count++;
	}
	return count;
}

/* iov vf list */

struct list_args {
	const char *pf;
};

static error_t parse_list(int key, char *arg, struct argp_state *state)
{
	struct list_args *args = cli_data(state);

	if (key == ARGP_KEY_END)
		return 0;
	return cli_argument(key, arg, state, &args->pf, CLI_EXPECTED_PF);
}

static int print_pf(struct json_object *pf)
{
	struct json_object *vfs = json_object_object_get(pf, "vfs");
	struct iov_column shown[COUNT(columns) + OTHERS_MAX];
	struct headings headings;
	size_t count = 0;

	cli_print(stdout, "%s: %s of %s VFs\n", json_text(pf, "pf"), json_text(pf, "count"),
	       json_text(pf, "total"));
	for (size_t i = 0; i < COUNT(columns); i++) {
		if (iov_output_has(vfs, &columns[i]))
			shown[count++] = columns[i];
	}
	if (json_object_array_length(vfs))
		count += add_others(json_object_array_get_idx(vfs, 0), columns, COUNT(columns), true,
				    &headings, shown + count);
	return count ? iov_output_table(stdout, vfs, shown, count) : 0;
}

static int list_pf(struct cli *cli, const char *name)
{
	_cleanup_json_ struct json_object *pf = NULL;
	struct iov_bdf bdf;
	int error = iov_device_parse(cli->iov, name, &bdf);

	if (!error)
		error = iov_vf_list(cli->iov, bdf, iov_interface_named_port(cli->iov, name), &pf);
	if (error)
		return error;
	if (!cli->json)
		return print_pf(pf);
	iov_output_json(stdout, pf);
	return 0;
}

static int list_all(struct cli *cli)
{
	_cleanup_json_ struct json_object *pfs = NULL;
	int error = iov_vf_list_all(cli->iov, &pfs);

	if (!error && cli->json)
		iov_output_json(stdout, pfs);
	if (error || cli->json)
		return error;
	if (!json_object_array_length(pfs))
		fprintf(stderr, "iov: no PCI function of this host has SR-IOV\n");
	for (size_t i = 0; !error && i < json_object_array_length(pfs); i++) {
		if (i)
			putchar('\n');
		error = print_pf(json_object_array_get_idx(pfs, i));
	}
	return error;
}

static int run_list(struct cli *cli, void *data)
{
	const struct list_args *args = data;

	return args->pf ? list_pf(cli, args->pf) : list_all(cli);
}

const struct cli_command cli_vf_list = {
	.name = "vf list",
	.args = "[PF]",
	.summary = "Show the virtual functions of a PF, or of all PFs",
	.example = "iov vf list\n"
		   "  iov vf list 0000:01:00.0",
	.parse = parse_list,
	.data_size = sizeof(struct list_args),
	.run = run_list,
};

/* iov vf show */

static error_t parse_show(int key, char *arg, struct argp_state *state)
{
	return cli_vf_argument(key, arg, state, cli_data(state));
}

static int add_vf(struct cli *cli, struct iov_bdf bdf, int port, struct json_object **pf,
		  struct json_object *shown)
{
	struct iov_bdf pf_bdf;
	struct json_object *vf;
	unsigned int index;
	int error = cli_vf(cli, bdf, &pf_bdf, &index);

	if (!error && (!*pf || strcmp(json_text(*pf, "pf"), IOV_BDF(pf_bdf)))) {
		json_object_put(*pf);
		*pf = NULL;
		error = iov_vf_list(cli->iov, pf_bdf, port, pf);
	}
	if (error)
		return error;
	vf = json_copy(json_object_array_get_idx(json_object_object_get(*pf, "vfs"), index));
	json_add_text(vf, "pf", IOV_BDF(pf_bdf));
	json_object_array_add(shown, vf);
	return 0;
}

/* "rx_packets 5, tx_packets 0, ..." */
static void add_statistics(struct json_object *vf)
{
	struct json_object *statistics = json_object_object_get(vf, "statistics");
	struct json_object *words = statistics ? json_object_new_array() : NULL;

	if (!statistics)
		return;
	json_object_object_foreach(statistics, name, value)
		json_object_array_add(words, json_object_new_string(
			iov_path("%s %s", name, json_object_get_string(value)).name));
	json_object_object_add(vf, "statistics_text", words);
}

static void print_vf(struct json_object *vf)
{
	struct iov_column shown[COUNT(fields) + OTHERS_MAX];
	struct headings headings;
	size_t count = 0;

	json_add_text(vf, "relation", iov_path("VF %s of %s", json_text(vf, "index"),
					       json_text(vf, "pf")).name);
	add_statistics(vf);
	for (size_t i = 0; i < COUNT(fields); i++) {
		if (json_object_object_get(vf, fields[i].key))
			shown[count++] = fields[i];
	}
	count += add_others(vf, fields, COUNT(fields), false, &headings, shown + count);
	iov_output_fields(stdout, vf, shown, count);
}

static void print_vfs(struct cli *cli, struct json_object *vfs, bool is_range)
{
	if (cli->json) {
		iov_output_json(stdout, is_range ? vfs : json_object_array_get_idx(vfs, 0));
		return;
	}
	for (size_t i = 0; i < json_object_array_length(vfs); i++) {
		if (i)
			putchar('\n');
		print_vf(json_object_array_get_idx(vfs, i));
	}
}

/* Those that were named; VF 3 of a PF by the name that it has as well. */
static int find_shown(struct cli *cli, const struct cli_vf_args *args,
		      struct cli_functions *functions)
{
	struct iov_path vf = args->has_index ? iov_path("%s/vf%u", args->device, args->index) :
					       iov_path("%s", args->device);
	struct iov_bdf pf;
	int error = args->has_index ? cli_function(cli, args->device, &pf) : 0;

	return error ? error : cli_add_functions(cli, vf.name, functions);
}

static int run_show(struct cli *cli, void *data)
{
	_cleanup_json_ struct json_object *vfs = json_object_new_array(), *pf = NULL;
	const struct cli_vf_args *args = data;
	int port = iov_interface_named_port(cli->iov, args->device);
	struct cli_functions functions = { 0 };
	int error = find_shown(cli, args, &functions);

	for (size_t i = 0; !error && i < functions.count; i++)
		error = add_vf(cli, functions.list[i], port, &pf, vfs);
	free(functions.list);
	if (!error)
		print_vfs(cli, vfs, !args->has_index && iov_device_is_range(args->device));
	return error;
}

const struct cli_command cli_vf_show = {
	.name = "vf show",
	.args = "PF|VF [INDEX]",
	.summary = "Show the attributes of a virtual function",
	.example = "iov vf show eth0/vf0\n"
		   "  iov vf show eth0 0\n"
		   "  iov vf show 0000:01:00.0/vf0-3 --json",
	.parse = parse_show,
	.data_size = sizeof(struct cli_vf_args),
	.run = run_show,
};
