// SPDX-License-Identifier: GPL-2.0-or-later
/* iov eswitch: the mode of a NIC's embedded switch. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "cli/argument.h"
#include "cli/commands.h"
#include "cli/nic.h"
#include "plugins/net/eswitch.h"
#include "plugins/net/nic.h"

static error_t parse_set(int key, char *arg, struct argp_state *state)
{
	return nic_parse(key, arg, state, "which mode? Expected legacy or switchdev");
}

static int run_set(struct cli *cli, void *data)
{
	const struct nic_args *args = data;
	struct iov_plan *plan = NULL;
	struct iov_bdf pf;
	int error = 0;

	if (strcmp(args->name, "legacy") && strcmp(args->name, "switchdev"))
		error = iov_fail(cli->iov, -EINVAL, "%s: expected legacy or switchdev", args->name);
	if (!error)
		error = cli_function(cli, args->device, &pf);
	if (!error)
		error = iov_plan_new(&plan, cli->iov, "set the switch mode of %s to %s", IOV_BDF(pf),
				     args->name);
	if (!error)
		error = iov_eswitch_plan(plan, pf, args->name, 0);
	return error ? cli_drop_plan(cli, plan, error) : cli_run_plan(cli, plan);
}

const struct cli_command cli_eswitch_set = {
	.name = "eswitch set",
	.args = "PF legacy|switchdev",
	.summary = "Set the mode of a NIC's embedded switch",
	.example = "iov eswitch set eth0 switchdev\n\n"
		   "Drivers differ in when they change it: some want no VFs, some want VFs without drivers,\n"
		   "some want VFs first. It is refused with what to do; a host file does that by itself.\n"
		   "Interfaces that are made anew get their names, addresses and routes back.",
	.changes = true,
	.parse = parse_set,
	.data_size = sizeof(struct nic_args),
	.run = run_set,
};

static const char *const wants[] = {
	[IOV_ESWITCH_ANY] = "any", [IOV_ESWITCH_NONE] = "none", [IOV_ESWITCH_UNBOUND] = "unbound",
	[IOV_ESWITCH_FIRST] = "first",
};

static const struct iov_column fields[] = {
	{ "device", "Device" },
	{ "mode", "Mode" },
	{ "vfs", "VFs" },
	{ "wants", "VFs that a change wants" },
	{ "reason", "Reason" },
	{ "refused", "To the other mode" },
	{ "representors_text", "Representors" },
};

static int describe(struct cli *cli, struct iov_bdf pf, struct json_object *json)
{
	struct json_object *representors;
	const char *mode, *reason;
	enum iov_eswitch_vfs vfs;
	int error = iov_eswitch_read(cli->iov, pf, &mode);

	if (!error)
		error = iov_representors(cli->iov, pf, &representors);
	if (error)
		return error;
	vfs = iov_eswitch_wants(cli->iov, pf, &reason);
	json_add_text(json, "device", IOV_BDF(pf));
	json_add_text(json, "mode", mode);
	json_object_object_add(json, "vfs", json_object_new_int64(iov_pci_vf_count(cli->iov, pf)));
	json_add_text(json, "wants", wants[vfs]);
	json_add_text(json, "reason", reason);
	error = iov_eswitch_judge(cli->iov, pf, strcmp(mode, "legacy") ? "legacy" : "switchdev", 0);
	json_add_text(json, "refused", error ? iov_error_message(cli->iov) : NULL);
	json_object_object_add(json, "representors", representors);
	return 0;
}

/* "eth1 of vf0, eth2 of vf1" */
static void add_representor_words(struct json_object *json)
{
	struct json_object *rows = json_object_object_get(json, "representors");
	struct json_object *words = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		json_object_array_add(words, json_object_new_string(
			iov_path("%s of %s", json_text(row, "interface"), json_text(row, "of")).name));
	}
	json_object_object_add(json, "representors_text", words);
}

static error_t parse_show(int key, char *arg, struct argp_state *state)
{
	return nic_parse(key, arg, state, NULL);
}

static int run_show(struct cli *cli, void *data)
{
	_cleanup_json_ struct json_object *json = json_object_new_object();
	const struct nic_args *args = data;
	struct iov_bdf pf;
	int error = cli_function(cli, args->device, &pf);

	if (!error)
		error = describe(cli, pf, json);
	if (error)
		return error;
	if (cli->json) {
		iov_output_json(stdout, json);
		return 0;
	}
	add_representor_words(json);
	iov_output_fields(stdout, json, fields, sizeof(fields) / sizeof(*fields));
	return 0;
}

const struct cli_command cli_eswitch_show = {
	.name = "eswitch show",
	.args = "PF",
	.summary = "Show the switch mode of a NIC, and when it can change",
	.example = "iov eswitch show eth0",
	.parse = parse_show,
	.data_size = sizeof(struct nic_args),
	.run = run_show,
};
