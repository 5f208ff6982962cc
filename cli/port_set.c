// SPDX-License-Identifier: GPL-2.0-or-later
/* iov port set: what can be changed of a port while it is used. */
#include <string.h>

#include "cli/argument.h"
#include "cli/commands.h"
#include "cli/port.h"
#include "cli/port_rules.h"

struct port_set_args {
	const char *name;
	const char *link;
	struct json_object *rules;
	bool announce;
	unsigned int mtu;
};

enum {
	KEY_LINK = 0x2000,
	KEY_ANNOUNCE,
	KEY_MTU,
};

static const struct argp_option options[] = {
	{ "link", KEY_LINK, "up|down", 0,
	  "The link of the guest's device; nothing passes when down" },
	{ "announce", KEY_ANNOUNCE, 0, 0,
	  "Ask the guest to announce its addresses to the network" },
	{ "mtu", KEY_MTU, "N", 0, "The MTU of an uplink" },
	PORT_RULES_OPTIONS,
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct port_set_args *args = cli_data(state);

	if (port_rules_parse(key, arg, &args->rules, state))
		return 0;
	switch (key) {
	case KEY_LINK:
		if (strcmp(arg, "up") && strcmp(arg, "down"))
			cli_misuse(state, "--link %s: expected up or down", arg);
		args->link = arg;
		return 0;
	case KEY_ANNOUNCE:
		args->announce = true;
		return 0;
	case KEY_MTU:
		args->mtu = port_parse_mtu(arg, state);
		return 0;
	case ARGP_KEY_END:
		if (args->name && !args->link && !args->announce && !args->mtu && !args->rules)
			cli_misuse(state, "nothing to set: expected --link, --announce, --mtu, or a rule "
					  "such as --vlan");
		break;
	}
	return cli_argument(key, arg, state, &args->name, CLI_EXPECTED_PORT);
}

static int run(struct cli *cli, void *data)
{
	const struct port_set_args *args = data;
	struct json_object *params = cli_name_params(args->name);

	cli_param_text(params, "link", args->link);
	if (args->rules)
		json_object_object_add(params, "rules", args->rules);
	cli_param_number(params, "mtu", args->mtu);
	cli_param_switch(params, "announce", args->announce);
	return cli_do_iovd(cli, "port.set", params, "set");
}

const struct cli_command cli_port_set = {
	.name = "port set",
	.args = "NAME",
	.summary = "Change a port while it is used",
	.example = "iov port set vm1 --link down\n"
		   "  iov port set vm1 --vlan access:10 --allow-mac 52:54:00:12:34:56 --rx-rate 1G",
	.changes = true,
	.saves = true,
	.locks = true,
	.options = options,
	.parse = parse,
	.data_size = sizeof(struct port_set_args),
	.run = run,
};
