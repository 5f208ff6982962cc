// SPDX-License-Identifier: GPL-2.0-or-later
/* iov steer: rules of a NIC that lead frames to VFs and queues. */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/pci/interface.h"
#include "cli/argument.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/printable.h"
#include "plugins/net/steer.h"

#define KEY_MAC 0x2000
#define KEY_VLAN 0x2001
#define KEY_TO 0x2002

#define OPTION_MATCH                                                                          \
	{ "mac", KEY_MAC, "ADDRESS", 0, "Frames to this address", 0 },                         \
	{ "vlan", KEY_VLAN, "ID", 0, "Frames in this VLAN, 1 to 4094", 0 }

struct steer_args {
	const char *pf;
	const char *mac;
	const char *vlan;
	const char *to;
};

static error_t parse_match(int key, char *arg, struct argp_state *state)
{
	struct steer_args *args = cli_data(state);

	switch (key) {
	case KEY_MAC:
		args->mac = arg;
		return 0;
	case KEY_VLAN:
		args->vlan = arg;
		return 0;
	case ARGP_KEY_END:
		if (args->pf && !args->mac && !args->vlan)
			cli_misuse(state, "which frames? Expected --mac ADDRESS, --vlan ID or both");
		break;
	}
	return cli_argument(key, arg, state, &args->pf, CLI_EXPECTED_PF);
}

/* iov steer add */

static const struct argp_option add_options[] = {
	OPTION_MATCH,
	{ "to", KEY_TO, "TARGET", 0, "Where they go: a VF, as vf3, or a queue of the PF, as queue2", 0 },
	{ 0 },
};

static error_t parse_add(int key, char *arg, struct argp_state *state)
{
	struct steer_args *args = cli_data(state);

	if (key == KEY_TO) {
		args->to = arg;
		return 0;
	}
	if (key == ARGP_KEY_END && args->pf && !args->to)
		cli_misuse(state, "where to? Expected --to vfN or --to queueN");
	return parse_match(key, arg, state);
}

/* The rule that is told, and whose it is. */
static int read_args(struct cli *cli, const struct steer_args *args, struct iov_bdf *pf, int *port,
		     struct iov_steer_rule *rule)
{
	int error = cli_function(cli, args->pf, pf);

	*port = error ? -1 : iov_interface_named_port(cli->iov, args->pf);
	return error ? error : iov_steer_parse(cli->iov, args->mac, args->vlan, args->to, rule);
}

static int run_add(struct cli *cli, void *data)
{
	const struct steer_args *args = data;
	struct iov_plan *plan = NULL;
	struct iov_steer_rule rule;
	struct iov_bdf pf;
	int port, error = read_args(cli, args, &pf, &port, &rule);

	if (!error)
		error = iov_plan_new(&plan, cli->iov, "steer frames of %s to %s", IOV_BDF(pf), args->to);
	if (!error)
		error = iov_steer_plan(plan, pf, port, &rule, 0);
	return error ? cli_drop_plan(cli, plan, error) : cli_run_plan(cli, plan);
}

const struct cli_command cli_steer_add = {
	.name = "steer add",
	.args = "PF --to TARGET",
	.summary = "Have a NIC lead frames to a VF or a queue",
	.example = "iov steer add eth0 --mac 02:00:00:00:00:05 --to vf3\n"
		   "  iov steer add eth0 --mac 02:00:00:00:00:05 --vlan 100 --to queue2\n\n"
		   "A rule that matches the same frames is replaced. Refused when this host itself "
		   "receives them, and needs them.",
	.changes = true,
	.options = add_options,
	.parse = parse_add,
	.data_size = sizeof(struct steer_args),
	.run = run_add,
};

/* iov steer remove */

static const struct argp_option remove_options[] = { OPTION_MATCH, { 0 } };

static int run_remove(struct cli *cli, void *data)
{
	const struct steer_args *args = data;
	struct iov_plan *plan = NULL;
	struct iov_steer_rule rule;
	struct iov_bdf pf;
	int port, error = read_args(cli, args, &pf, &port, &rule);

	if (!error)
		error = iov_plan_new(&plan, cli->iov, "remove a rule of %s", IOV_BDF(pf));
	if (!error)
		error = iov_steer_remove_plan(plan, pf, port, &rule);
	return error ? cli_drop_plan(cli, plan, error) : cli_run_plan(cli, plan);
}

const struct cli_command cli_steer_remove = {
	.name = "steer remove",
	.args = "PF",
	.summary = "Have a NIC lead frames nowhere else any more",
	.example = "iov steer remove eth0 --mac 02:00:00:00:00:05",
	.changes = true,
	.options = remove_options,
	.parse = parse_match,
	.data_size = sizeof(struct steer_args),
	.run = run_remove,
};

/* iov steer list */

static const struct iov_column columns[] = {
	{ "mac", "MAC" },	  { "vlan", "VLAN", true }, { "to", "TO" },
	{ "number", "NUMBER", true }, { "by", "BY" },	    { "hardware", "HARDWARE" },
};

static error_t parse_list(int key, char *arg, struct argp_state *state)
{
	struct steer_args *args = cli_data(state);

	return cli_argument(key, arg, state, &args->pf, CLI_EXPECTED_PF);
}

static int print(struct json_object *nic)
{
	struct json_object *rules = json_object_object_get(nic, "rules");

	if (json_object_get_int64(json_object_object_get(nic, "others")))
		cli_print(stderr, "iov: %s has %s rules beside that match something else; 'ethtool -n %s' and 'tc "
			"filter show dev %s ingress' show them\n", json_text(nic, "device"),
			json_text(nic, "others"), json_text(nic, "interface"), json_text(nic, "interface"));
	return iov_output_list(stdout, rules, columns, sizeof(columns) / sizeof(*columns),
			       "no rules");
}

static int run_list(struct cli *cli, void *data)
{
	_cleanup_json_ struct json_object *nic = NULL;
	const struct steer_args *args = data;
	struct iov_bdf pf;
	int error = cli_function(cli, args->pf, &pf);

	if (!error)
		error = iov_steer_list(cli->iov, pf, iov_interface_named_port(cli->iov, args->pf), &nic);
	if (error)
		return error;
	if (!cli->json)
		return print(nic);
	iov_output_json(stdout, nic);
	return 0;
}

const struct cli_command cli_steer_list = {
	.name = "steer list",
	.args = "PF",
	.summary = "Show where a NIC leads frames to",
	.example = "iov steer list eth0",
	.parse = parse_list,
	.data_size = sizeof(struct steer_args),
	.run = run_list,
};
