// SPDX-License-Identifier: GPL-2.0-or-later
/* iov vf set: attributes of VFs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/pci/interface.h"
#include "base/pci/pci.h"
#include "base/sysroot/paths.h"
#include "cli/argument.h"
#include "cli/commands.h"
#include "sriov/class.h"

#define KEY_ATTRIBUTE 0x2000
#define KEY_ONLINE 0x2100
#define KEY_OFFLINE 0x2101
#define KEY_OTHER 0x2102
#define OTHERS_MAX 32

enum attribute {
	MAC, VLAN, QOS, SPOOFCHK, TRUST, MAX_RATE, MIN_RATE, LINK_STATE, VLAN_PROTOCOL,
	RSS_QUERY, NODE_GUID, PORT_GUID, QUEUES, INTERRUPTS, STATE, NAMESPACES, VGPU_TYPE,
	EXEC_QUANTUM, PREEMPT_TIMEOUT, SCHED_PRIORITY, HW_ADDR, ROCE, MIGRATABLE, IPSEC_CRYPTO,
	IPSEC_PACKET, MAX_IO_EQS, TX_PARENT, TX_SHARE, TX_MAX, TX_PRIORITY, TX_WEIGHT,
	ATTRIBUTES,
};

static const struct argp_option set_options[] = {
	{ "mac", KEY_ATTRIBUTE + MAC, "ADDRESS", 0, "MAC address that the VF starts with", 0 },
	{ "node-guid", KEY_ATTRIBUTE + NODE_GUID, "GUID", 0, "InfiniBand: GUID of its node", 0 },
	{ "port-guid", KEY_ATTRIBUTE + PORT_GUID, "GUID", 0, "InfiniBand: GUID of its port", 0 },
	{ "vlan", KEY_ATTRIBUTE + VLAN, "ID", 0, "VLAN that all its frames travel in, 0 for none", 0 },
	{ "qos", KEY_ATTRIBUTE + QOS, "PRIORITY", 0, "Priority in that VLAN, 0 to 7", 0 },
	{ "vlan-protocol", KEY_ATTRIBUTE + VLAN_PROTOCOL, "802.1Q|802.1ad", 0, "Tag of that VLAN", 0 },
	{ "spoofchk", KEY_ATTRIBUTE + SPOOFCHK, "on|off", 0, "Drop frames with another source MAC", 0 },
	{ "trust", KEY_ATTRIBUTE + TRUST, "on|off", 0,
	  "Let its driver change its MAC and ask for promiscuous mode", 0 },
	{ "rss-query", KEY_ATTRIBUTE + RSS_QUERY, "on|off", 0,
	  "Let its driver read the hash key and table of the PF", 0 },
	{ "max-rate", KEY_ATTRIBUTE + MAX_RATE, "MBIT/S", 0, "Limit of what it sends, 0 for none", 0 },
	{ "min-rate", KEY_ATTRIBUTE + MIN_RATE, "MBIT/S", 0, "Rate that it is granted, 0 for none", 0 },
	{ "hw-addr", KEY_ATTRIBUTE + HW_ADDR, "ADDRESS", 0, "Switchdev: MAC address of the function", 0 },
	{ "roce", KEY_ATTRIBUTE + ROCE, "on|off", 0, "Switchdev: whether its driver finds RDMA", 0 },
	{ "migratable", KEY_ATTRIBUTE + MIGRATABLE, "on|off", 0, "Switchdev: whether it can move with a guest", 0 },
	{ "ipsec-crypto", KEY_ATTRIBUTE + IPSEC_CRYPTO, "on|off", 0, "Switchdev: whether it encrypts for IPsec", 0 },
	{ "ipsec-packet", KEY_ATTRIBUTE + IPSEC_PACKET, "on|off", 0, "Switchdev: whether it does all of IPsec", 0 },
	{ "max-io-eqs", KEY_ATTRIBUTE + MAX_IO_EQS, "N", 0, "Switchdev: event queues that it has at most", 0 },
	{ "tx-parent", KEY_ATTRIBUTE + TX_PARENT, "GROUP", 0, "Switchdev: group of rates that it is in, or none", 0 },
	{ "tx-share", KEY_ATTRIBUTE + TX_SHARE, "MBIT/S", 0, "Switchdev: rate that it is granted, 0 for none", 0 },
	{ "tx-max", KEY_ATTRIBUTE + TX_MAX, "MBIT/S", 0, "Switchdev: limit of what it sends, 0 for none", 0 },
	{ "tx-priority", KEY_ATTRIBUTE + TX_PRIORITY, "N", 0, "Switchdev: who has more of it sends first", 0 },
	{ "tx-weight", KEY_ATTRIBUTE + TX_WEIGHT, "N", 0, "Switchdev: its part among those of one priority", 0 },
	{ "queues", KEY_ATTRIBUTE + QUEUES, "N", 0, "NVMe: queue pairs that it has, with that for admin commands", 0 },
	{ "interrupts", KEY_ATTRIBUTE + INTERRUPTS, "N", 0, "NVMe: interrupts that it has", 0 },
	{ "online", KEY_ONLINE, 0, 0, "NVMe: let it work; one that is online already goes offline and "
	  "back when its queues or interrupts change", 0 },
	{ "offline", KEY_OFFLINE, 0, 0, "NVMe: let it work no more", 0 },
	{ "namespace", KEY_ATTRIBUTE + NAMESPACES, "LIST", 0,
	  "NVMe: the namespaces that it has, as 1,3, or none; others are detached", 0 },
	{ "vgpu-type", KEY_ATTRIBUTE + VGPU_TYPE, "N", 0,
	  "NVIDIA: type of the vGPU that it is, by its number; 0 takes it away", 0 },
	{ "exec-quantum", KEY_ATTRIBUTE + EXEC_QUANTUM, "MS", 0, "Intel GPU: how long it has the GPU at a time", 0 },
	{ "preempt-timeout", KEY_ATTRIBUTE + PREEMPT_TIMEOUT, "US", 0, "Intel GPU: how soon it has to let it go", 0 },
	{ "sched-priority", KEY_ATTRIBUTE + SCHED_PRIORITY, "low|normal|high", 0, "Intel GPU: who comes first", 0 },
	{ "attribute", KEY_OTHER, "NAME=VALUE", 0, "Any attribute of its device class; may be repeated", 0 },
	{ "link-state", KEY_ATTRIBUTE + LINK_STATE, "auto|enable|disable", 0,
	  "Link that it sees: the port's, always up, always down", 0 },
	{ 0 },
};

static const char *const attribute_names[ATTRIBUTES] = {
	[MAC] = "mac", [VLAN] = "vlan", [QOS] = "qos", [SPOOFCHK] = "spoofchk",
	[TRUST] = "trust", [MAX_RATE] = "max_rate", [MIN_RATE] = "min_rate",
	[LINK_STATE] = "link_state", [VLAN_PROTOCOL] = "vlan_protocol",
	[RSS_QUERY] = "rss_query", [NODE_GUID] = "node_guid", [PORT_GUID] = "port_guid",
	[QUEUES] = "queues", [INTERRUPTS] = "interrupts", [STATE] = "state",
	[NAMESPACES] = "namespaces", [VGPU_TYPE] = "vgpu_type", [EXEC_QUANTUM] = "exec_quantum",
	[PREEMPT_TIMEOUT] = "preempt_timeout", [SCHED_PRIORITY] = "sched_priority",
	[HW_ADDR] = "hw_addr", [ROCE] = "roce", [MIGRATABLE] = "migratable",
	[IPSEC_CRYPTO] = "ipsec_crypto", [IPSEC_PACKET] = "ipsec_packet",
	[MAX_IO_EQS] = "max_io_eqs", [TX_PARENT] = "tx_parent", [TX_SHARE] = "tx_share",
	[TX_MAX] = "tx_max", [TX_PRIORITY] = "tx_priority", [TX_WEIGHT] = "tx_weight",
};

struct set_args {
	struct cli_vf_args vf;
	const char *values[ATTRIBUTES];
	const char *others[OTHERS_MAX];
	size_t other_count;
};

static bool has_value(const struct set_args *args)
{
	if (args->other_count)
		return true;
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
	if (key == KEY_ONLINE || key == KEY_OFFLINE) {
		if (args->values[STATE])
			cli_misuse(state, "--online and --offline: expected one of them, once");
		args->values[STATE] = key == KEY_ONLINE ? "online" : "offline";
		return 0;
	}
	if (key == KEY_OTHER) {
		if (args->other_count == OTHERS_MAX)
			cli_misuse(state, "--attribute: more than %d", OTHERS_MAX);
		args->others[args->other_count++] = arg;
		return 0;
	}
	if (key == ARGP_KEY_END && args->vf.device && !has_value(args))
		cli_misuse(state, "nothing to set; name an attribute, like --mac ADDRESS");
	return cli_vf_argument(key, arg, state, &args->vf);
}

/* "vram-quota=8G" */
static int parse_other(struct iov *iov, const char *setting, struct json_object *values)
{
	size_t length = strcspn(setting, "=");
	char name[64];

	if (!length || !setting[length] || length >= sizeof(name))
		return iov_fail(iov, -EINVAL, "--attribute '%s': expected NAME=VALUE, like vram-quota=8G", setting);
	snprintf(name, sizeof(name), "%.*s", (int)length, setting);
	for (char *c = name; (c = strchr(c, '-'));)
		*c = '_';
	return iov_vf_attribute_parse(iov, name, setting + length + 1, values);
}

/* Those that have an option. */
static int parse_named(struct iov *iov, const struct set_args *args, struct json_object *values)
{
	int error = 0;

	for (size_t i = 0; !error && i < ATTRIBUTES; i++) {
		if (args->values[i])
			error = iov_vf_attribute_parse(iov, attribute_names[i], args->values[i],
						       values);
	}
	return error;
}

static int parse_values(struct iov *iov, const struct set_args *args, struct json_object *values)
{
	int error = parse_named(iov, args, values);

	for (size_t i = 0; !error && i < args->other_count; i++)
		error = parse_other(iov, args->others[i], values);
	return error;
}

/* Note for each VF of @pf that was named what it shall have, at its index. */
static int place_values(struct cli *cli, const struct cli_functions *functions,
			struct json_object *values, struct iov_bdf *pf, struct json_object *each)
{
	int error = 0;

	for (size_t i = 0; !error && i < functions->count; i++) {
		unsigned int index;

		error = cli_vf(cli, functions->list[i], pf, &index);
		if (!error)
			json_object_array_put_idx(each, index, json_object_get(values));
	}
	return error;
}

/* As the host file says it, where what was said by --attribute is a list of these words. */
static int save(struct cli *cli, const struct set_args *args, const struct cli_functions *functions,
		struct iov_plan *plan)
{
	struct json_object *devices = json_object_new_object(), *values = json_object_new_object();
	int error = parse_named(cli->iov, args, values);

	cli_param_texts(values, "attributes", args->others, args->other_count);
	for (size_t i = 0; i < functions->count; i++)
		cli_saved(devices, functions->list[i], json_object_get(values));
	json_object_put(values);
	if (!error)
		return cli_save(cli, plan, devices);
	json_object_put(devices);
	return error;
}

/* An address is of one VF alone. */
static int check_addresses(struct cli *cli, const char *name, const struct cli_functions *functions,
			   struct iov_bdf pf, struct json_object *values)
{
	const struct iov_class *device_class = iov_class_of(cli->iov, pf);

	json_object_object_foreach(values, key, value) {
		const struct iov_attribute *attribute = iov_class_attribute(device_class, key);

		(void)value;
		if (functions->count > 1 && attribute && attribute->flags & IOV_ATTRIBUTE_UNIQUE)
			return iov_fail(cli->iov, -EINVAL, "%s: %zu VFs, and an address is of one; "
					"set it for each by itself", name, functions->count);
	}
	return 0;
}

/* "VF 2 of 0000:01:00.0", "3 VFs of 0000:01:00.0" */
static int new_plan(struct cli *cli, struct iov_bdf pf, struct json_object *each, size_t count,
		    struct iov_plan **plan)
{
	if (count == 1)
		return iov_plan_new(plan, cli->iov, "set VF %zu of %s",
				    json_object_array_length(each) - 1, IOV_BDF(pf));
	return iov_plan_new(plan, cli->iov, "set %zu VFs of %s", count, IOV_BDF(pf));
}

static int set_named(struct cli *cli, const struct set_args *args, struct json_object *values,
		     struct iov_plan **plan)
{
	_cleanup_json_ struct json_object *each = json_object_new_array();
	struct cli_functions functions = { 0 };
	struct iov_bdf pf;
	int error = cli_add_functions(cli, args->vf.device, &functions);

	if (!error)
		error = place_values(cli, &functions, values, &pf, each);
	if (!error)
		error = check_addresses(cli, args->vf.device, &functions, pf, values);
	if (!error)
		error = new_plan(cli, pf, each, functions.count, plan);
	if (!error)
		error = iov_vf_set_each_plan(*plan, pf, iov_interface_named_port(cli->iov, args->vf.device),
					     each, 0);
	if (!error)
		error = save(cli, args, &functions, *plan);
	free(functions.list);
	return error;
}

static int set_indexed(struct cli *cli, const struct set_args *args, struct json_object *values,
		       struct iov_plan **plan)
{
	struct iov_bdf pf, vf;
	int error = cli_function(cli, args->vf.device, &pf);

	if (!error)
		error = iov_plan_new(plan, cli->iov, "set VF %u of %s", args->vf.index, IOV_BDF(pf));
	if (!error)
		error = iov_vf_set_plan(*plan, pf, iov_interface_named_port(cli->iov, args->vf.device),
					args->vf.index, values);
	if (!error)
		error = iov_pci_link(cli->iov, pf, iov_path("virtfn%u", args->vf.index).name, &vf);
	return error ? error : save(cli, args, &(struct cli_functions){ &vf, 1 }, *plan);
}

static int run_set(struct cli *cli, void *data)
{
	_cleanup_json_ struct json_object *values = json_object_new_object();
	const struct set_args *args = data;
	struct iov_plan *plan = NULL;
	int error = parse_values(cli->iov, args, values);

	if (!error)
		error = args->vf.has_index ? set_indexed(cli, args, values, &plan) :
					  set_named(cli, args, values, &plan);
	return error ? cli_drop_plan(cli, plan, error) : cli_run_plan(cli, plan);
}

const struct cli_command cli_vf_set = {
	.name = "vf set",
	.args = "PF|VF [INDEX]",
	.summary = "Set attributes of virtual functions",
	.example = "iov vf set 0000:01:00.0 0 --mac 02:00:00:00:00:01 --spoofchk on --trust off\n"
		   "  iov vf set slot=1/vf0-3 --vlan 100\n\n"
		   "Several attributes are set together: when the driver refuses one, the others\n"
		   "are put back.",
	.changes = true,
	.saves = true,
	.options = set_options,
	.parse = parse_set,
	.data_size = sizeof(struct set_args),
	.run = run_set,
};
