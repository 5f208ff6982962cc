// SPDX-License-Identifier: GPL-2.0-or-later
/* iov claim, iov release, iov fleet list: who has which device. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/plan/history.h"
#include "cli/argument.h"
#include "cli/begin.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/printable.h"
#include "cli/signals.h"

#define NAMES_MAX 256

struct claim_args {
	unsigned int ttl;
	bool renew;
	size_t count;
	const char *devices[NAMES_MAX];
};

enum {
	KEY_TTL = 0x2000,
	KEY_RENEW,
	KEY_ENDPOINTS,
	KEY_CA,
	KEY_CERTIFICATE,
	KEY_KEY,
	KEY_USER,
};

#define ETCD_OPTIONS \
	{ "endpoints", KEY_ENDPOINTS, "URL,...", 0, "Members of etcd, as https://10.0.0.1:2379 (claims.conf)" }, \
	{ "ca", KEY_CA, "FILE", 0, "What etcd's certificate is signed with (claims.conf)" }, \
	{ "certificate", KEY_CERTIFICATE, "FILE", 0, "What etcd is shown (claims.conf)" }, \
	{ "key", KEY_KEY, "FILE", 0, "Key of that certificate (claims.conf)" }, \
	{ "user", KEY_USER, "NAME", 0, "User of etcd (claims.conf)" }

static const struct argp_option claim_options[] = {
	{ "ttl", KEY_TTL, "SECONDS", 0, "How long the claim lasts without a renewal (60)" },
	{ "renew", KEY_RENEW, 0, 0, "Renew the claims of this host, and fence what cannot be renewed; "
	  "iovkit-claims.service starts this" },
	ETCD_OPTIONS,
	{ 0 },
};

static const struct argp_option etcd_options[] = { ETCD_OPTIONS, { 0 } };

static error_t parse_etcd(int key, char *arg, struct argp_state *state)
{
	struct cli *cli = state->input;

	switch (key) {
	case KEY_ENDPOINTS:
		cli->claims.endpoints = arg;
		return 0;
	case KEY_CA:
		cli->claims.ca = arg;
		return 0;
	case KEY_CERTIFICATE:
		cli->claims.certificate = arg;
		return 0;
	case KEY_KEY:
		cli->claims.key = arg;
		return 0;
	case KEY_USER:
		cli->claims.user = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_devices(int key, char *arg, struct argp_state *state)
{
	struct claim_args *args = cli_data(state);

	switch (key) {
	case ARGP_KEY_ARG:
		if (args->count == NAMES_MAX)
			cli_misuse(state, "more than %d names at once; VFs may be named together, like "
				   "eth0/vf0-63", NAMES_MAX);
		args->devices[args->count++] = arg;
		return 0;
	case ARGP_KEY_END:
		if (!args->count && !args->renew)
			cli_misuse(state, CLI_EXPECTED_DEVICE);
		if (args->count && args->renew)
			cli_misuse(state, "--renew: is for all claims of this host, and takes no device");
		return 0;
	default:
		return parse_etcd(key, arg, state);
	}
}

static error_t parse_claim(int key, char *arg, struct argp_state *state)
{
	struct claim_args *args = cli_data(state);

	switch (key) {
	case KEY_TTL:
		args->ttl = (unsigned int)cli_whole_number(arg, "ttl", 1, 86400, state);
		return 0;
	case KEY_RENEW:
		args->renew = true;
		return 0;
	default:
		return parse_devices(key, arg, state);
	}
}

static int find_functions(struct cli *cli, const struct claim_args *args, struct cli_functions *functions)
{
	int error = 0;

	for (size_t i = 0; !error && i < args->count; i++)
		error = cli_add_functions(cli, args->devices[i], functions);
	return error;
}

static int fill_claim(struct cli *cli, const struct claim_args *args, const struct cli_functions *functions,
		      struct iov_plan **plan)
{
	char names[64];
	int error;

	cli_name_functions(functions, names, sizeof(names));
	error = iov_plan_new(plan, cli->iov, "claim %s", names);
	for (size_t i = 0; !error && i < functions->count; i++)
		error = iov_claim_plan(*plan, functions->list[i], args->ttl);
	return error;
}

static void tell_claim(struct json_object *claim)
{
	cli_print(stdout, "%s is claimed for %s, revision %lld, for %lld s unless it is renewed\n", json_text(claim, "device"),
		  json_text(claim, "holder"),
		  (long long)json_object_get_int64(json_object_object_get(claim, "revision")),
		  (long long)json_object_get_int64(json_object_object_get(claim, "ttl")));
}

/* @notes: of the plan, as what a fence cannot do; taken over */
static void tell_notes(struct cli *cli, struct json_object *json, struct json_object *notes)
{
	for (size_t i = 0; !cli->json && i < json_object_array_length(notes); i++)
		cli_print(stderr, "iov: warning: %s\n", json_object_get_string(json_object_array_get_idx(notes, i)));
	json_object_object_add(json, "notes", notes);
}

/* What they are told by: each with its revision. */
static int tell_claims(struct cli *cli, const struct cli_functions *functions, struct json_object *notes,
		       const char *result)
{
	_cleanup_json_ struct json_object *json = json_object_new_object();
	struct json_object *claims = json_object_new_array();
	bool kept = iov_claims_are_kept(cli->iov);
	int error = 0;

	json_object_object_add(json, "claims", claims);
	tell_notes(cli, json, json_object_get(notes));
	for (size_t i = 0; !error && i < functions->count; i++) {
		struct json_object *claim = NULL;

		error = iov_claims_find(cli->iov, functions->list[i], &claim);
		if (claim)
			json_object_array_add(claims, claim);
		if (claim && !cli->json)
			tell_claim(claim);
	}
	if (error)
		return error;
	json_object_object_add(json, "renewed", json_object_new_boolean(kept));
	json_add_text(json, "result", result);
	if (cli->json)
		iov_output_json(stdout, json);
	else if (!kept)
		puts("nobody renews claims on this host: 'systemctl start iovkit-claims' does, or 'iov claim --renew'");
	return 0;
}

static int claim(struct cli *cli, const struct claim_args *args, const struct cli_functions *functions)
{
	_cleanup_json_ struct json_object *json = NULL;
	struct iov_plan *plan = NULL;
	int error = fill_claim(cli, args, functions, &plan);
	bool is_so;

	if (error)
		return cli_drop_plan(cli, plan, error);
	if (cli->dry_run)
		return cli_run_plan(cli, plan);
	json = iov_plan_json(plan);
	is_so = iov_plan_is_empty(plan);
	if (!is_so)
		error = cli_carry_out(cli, plan);
	iov_plan_free(plan);
	return error ? error : tell_claims(cli, functions, json_object_object_get(json, "notes"),
					   is_so ? CLI_NOTHING_TO_DO : "done");
}

static int run_claim(struct cli *cli, void *data)
{
	const struct claim_args *args = data;
	const struct iov_claims_keeper keeper = { cli_open_context, cli, cli_note_signals() };
	struct cli_functions functions = { 0 };
	int error = 0;

	if (args->renew)
		return iov_claims_keep(cli->iov, &keeper);
	if (!cli->dry_run)
		error = cli_begin(cli, run_claim, data);
	if (!error)
		error = find_functions(cli, args, &functions);
	if (!error)
		error = claim(cli, args, &functions);
	free(functions.list);
	return error;
}

/* What nobody has claimed stays as it is, and is not counted. */
static void name_released(struct iov_plan *plan, const struct cli_functions *functions)
{
	char names[64];
	size_t count;

	iov_plan_steps(plan, &count);
	if (count && count < functions->count)
		iov_plan_rename(plan, "let go of %zu of %zu functions", count, functions->count);
	else if (!count && functions->count > 1)
		iov_plan_rename(plan, "let go of %zu functions, of which nobody has claimed one", functions->count);
	else {
		cli_name_functions(functions, names, sizeof(names));
		iov_plan_rename(plan, "let go of %s", names);
	}
}

static int fill_release(struct cli *cli, const struct claim_args *args, struct iov_plan **plan)
{
	struct cli_functions functions = { 0 };
	int error = find_functions(cli, args, &functions);

	if (!error)
		error = iov_plan_new(plan, cli->iov, "let go of devices");
	for (size_t i = 0; !error && i < functions.count; i++)
		error = iov_release_claim_plan(*plan, functions.list[i], cli_lifts(cli, "fleet"));
	if (!error)
		name_released(*plan, &functions);
	free(functions.list);
	return error;
}

static int run_release(struct cli *cli, void *data)
{
	struct iov_plan *plan = NULL;
	int error = fill_release(cli, data, &plan);

	return error ? cli_drop_plan(cli, plan, error) : cli_run_plan(cli, plan);
}

static int run_list(struct cli *cli, void *data)
{
	static const struct iov_column columns[] = {
		{ "host", "HOST" },
		{ "device", "BDF" },
		{ "identity", "IDENTITY" },
		{ "holder", "HOLDER" },
		{ "ttl", "TTL", .right = true, .spare = true },
		{ "revision", "REVISION", .right = true, .spare = true },
		{ "since", "SINCE", .spare = true },
	};
	_cleanup_json_ struct json_object *claims = NULL;
	int error = iov_claims_list(cli->iov, true, &claims);

	(void)data;
	if (error)
		return error;
	if (!cli->json)
		return iov_output_list(stdout, claims, columns, sizeof(columns) / sizeof(*columns),
				       "nobody has claimed a device; 'iov claim DEVICE --holder NAME' does");
	iov_output_json(stdout, claims);
	return 0;
}

const struct cli_command cli_claim = {
	.name = "claim",
	.args = "DEVICE... --holder NAME",
	.summary = "Claim devices of this host for a holder",
	.example = "iov claim eth0/vf3 --holder vm1 --ttl 60\n"
		   "  iov bind eth0/vf3 --driver vfio-pci --holder vm1\n\n"
		   "Where claims are kept is said in /" IOV_CLAIMS_CONFIG ": in etcd, or in a file of this host.",
	.changes = true,
	.locks = true,
	.options = claim_options,
	.parse = parse_claim,
	.data_size = sizeof(struct claim_args),
	.run = run_claim,
};

const struct cli_command cli_release = {
	.name = "release",
	.args = "DEVICE... --holder NAME",
	.summary = "Let go of claimed devices",
	.example = "iov release eth0/vf3 --holder vm1",
	.changes = true,
	.options = etcd_options,
	.parse = parse_devices,
	.data_size = sizeof(struct claim_args),
	.run = run_release,
};

const struct cli_command cli_fleet_list = {
	.name = "fleet list",
	.summary = "List who has claimed which device, of all hosts",
	.example = "iov fleet list",
	.options = etcd_options,
	.parse = parse_etcd,
	.run = run_list,
};
