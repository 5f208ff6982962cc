// SPDX-License-Identifier: GPL-2.0-or-later
/* iov plan, iov apply, iov snapshot: the host as a file. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/pci/identity.h"
#include "cli/argument.h"
#include "cli/commands.h"
#include "cli/new_file.h"
#include "cli/output.h"
#include "host/file/host.h"

struct host_args {
	const char *path;
	const char *device;
	struct iov_host_options options;
	struct iov_bdf bdf;
	bool exit_code;
	unsigned int confirm;
	const struct iov_host_file *file;
	bool held;
};

enum {
	KEY_ONLY = 0x2000,
	KEY_DEVICE,
	KEY_SKIP_ABSENT,
	KEY_EXIT_CODE,
	KEY_CONFIRM,
	KEY_OUTPUT,
};

#define PART_OPTIONS \
	{ "only", KEY_ONLY, "devices|iovd", 0, "One part of the file: iovd's bridges, ports and disks, or " \
	  "all else", 0 }, \
	{ "device", KEY_DEVICE, "NAME", 0, "One device of the file, with its VFs", 0 }, \
	{ "skip-absent", KEY_SKIP_ABSENT, 0, 0, "Leave out devices that are not there, also those " \
	  "that the file does not let be absent", 0 }

static const struct argp_option plan_options[] = {
	PART_OPTIONS,
	{ "exit-code", KEY_EXIT_CODE, 0, 0, "Exit with 10 when there is something to do", 0 },
	{ 0 },
};

static const struct argp_option apply_options[] = {
	PART_OPTIONS,
	{ "confirm", KEY_CONFIRM, "SECONDS", 0,
	  "Take it back after that time unless 'iov confirm' follows", 0 },
	{ 0 },
};

static error_t parse_host(int key, char *arg, struct argp_state *state)
{
	struct host_args *args = cli_data(state);

	switch (key) {
	case KEY_ONLY:
		args->options.skip_iovd = !strcmp(arg, "devices");
		args->options.only_iovd = !strcmp(arg, "iovd");
		if (!args->options.skip_iovd && !args->options.only_iovd)
			cli_misuse(state, "--only %s: expected devices or iovd", arg);
		return 0;
	case KEY_DEVICE:
		args->device = arg;
		return 0;
	case KEY_SKIP_ABSENT:
		args->options.skip_absent = true;
		return 0;
	case KEY_EXIT_CODE:
		args->exit_code = true;
		return 0;
	case KEY_CONFIRM:
		args->confirm = (unsigned int)cli_whole_number(arg, "confirm", 1, 86400, state);
		return 0;
	case ARGP_KEY_ARG:
		if (args->path)
			return ARGP_ERR_UNKNOWN;
		args->path = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* What the file calls so, or any other name of a device. */
static int find_device(struct cli *cli, const struct iov_host_file *file, struct host_args *args)
{
	const struct iov_host *host = iov_host_of(file);
	const char *name = args->device;
	int error;

	if (!name)
		return 0;
	for (unsigned int i = 0; i < host->device_count; i++) {
		if (host->devices[i].name && !strcmp(host->devices[i].name, args->device))
			name = host->devices[i].device;
	}
	args->options.only_device = &args->bdf;
	error = iov_device_parse(cli->iov, name, &args->bdf);
	if (!error || name != args->device)
		return error;
	return iov_fail_as(cli->iov, iov_failure(cli->iov, error), error, "--device %s: the file has "
			   "no device of that name, nor is it another name of one: %s", name,
			   iov_error_message(cli->iov));
}

/* Both are the caller's to free or drop, also after an error. */
static int build(struct cli *cli, struct host_args *args, struct iov_host_file **file,
		 struct iov_plan **plan)
{
	int error = iov_host_load(file, cli->iov, args->path);

	if (!error)
		error = find_device(cli, *file, args);
	if (!error)
		error = iov_plan_new(plan, cli->iov, "make this host as %s says",
				     !args->path	      ? "/" IOV_HOST_FILE
				     : strcmp(args->path, "-") ? args->path
							      : "standard input");
	return error ? error : iov_host_plan(*plan, *file, &args->options);
}

static int run_plan(struct cli *cli, void *data)
{
	struct host_args *args = data;
	struct iov_host_file *file = NULL;
	struct iov_plan *plan = NULL;
	int error = build(cli, args, &file, &plan);

	if (error) {
		error = cli_drop_plan(cli, plan, error);
	} else {
		error = cli_show_plan(cli, plan, false);
		if (!error && args->exit_code && !iov_plan_is_empty(plan))
			cli->status = CLI_CHANGES;
		iov_plan_free(plan);
	}
	iov_host_free(file);
	return error;
}

const struct cli_command cli_plan = {
	.name = "plan",
	.args = "[FILE]",
	.summary = "Show what makes this host as a file says, change nothing",
	.example = "iov plan\n"
		   "  iov plan ./host.yaml --json\n\n"
		   "FILE is /" IOV_HOST_FILE " when none is named, '-' is standard input. host.yaml(5)\n"
		   "explains its keys, 'iov snapshot' writes one. Exits with 3 when a guard would\n"
		   "refuse to make the change.",
	.options = plan_options,
	.parse = parse_host,
	.data_size = sizeof(struct host_args),
	.run = run_plan,
};

/* Whether it is the file that the next boot goes by. */
static bool is_boot_file(const struct host_args *args)
{
	return !args->path || !strcmp(args->path, "/" IOV_HOST_FILE);
}

/* The change can be taken back from now on, so a boot meanwhile must not bring it. */
static int arm(void *arg)
{
	struct cli *cli = arg;
	struct host_args *args = cli->armed_arg;
	int error;

	args->held = is_boot_file(args);
	error = args->held ? iov_host_hold(args->file) : 0;
	return error ? error : cli_start_watch(cli);
}

/* A file that could not be applied is there to be corrected; a whole one that was is noted. */
static int settle_file(struct cli *cli, const struct host_args *args, bool awaits, int error)
{
	enum iov_failure failure;
	char why[IOV_MESSAGE_SIZE];

	if (!is_boot_file(args) || cli->dry_run)
		return error;
	if (error && args->held && error != -ENOTRECOVERABLE) {
		failure = iov_failure(cli->iov, error);
		snprintf(why, sizeof(why), "%s", iov_error_message(cli->iov));
		iov_host_release(cli->iov, false);
		return iov_fail_as(cli->iov, failure, error, "%s", why);
	}
	if (error || awaits || args->device || args->options.only_iovd)
		return error;
	return iov_host_keep(args->file);
}

static int run_apply(struct cli *cli, void *data)
{
	struct host_args *args = data;
	struct iov_host_file *file = NULL;
	struct iov_plan *plan = NULL;
	int error = build(cli, args, &file, &plan);
	bool must_confirm = args->confirm && plan && !iov_plan_is_empty(plan);
	bool awaits = must_confirm && !cli->dry_run;

	args->file = file;
	if (!error && is_boot_file(args) && iov_plan_is_empty(plan) && iov_host_undone(cli->iov))
		iov_plan_note(plan, "/" IOV_HOST_UNDONE " is the file of a change that nobody confirmed: put it "
			      "in the place of /" IOV_HOST_FILE " to make that change again, or remove it");
	if (must_confirm && cli->dry_run)
		iov_plan_note(plan, "it would be taken back after %u s unless 'iov confirm' follows",
			      args->confirm);
	if (awaits) {
		cli->confirm = args->confirm;
		cli->armed = arm;
		cli->armed_arg = args;
	}
	error = error ? cli_drop_plan(cli, plan, error) : cli_run_plan(cli, plan);
	if (file)
		error = settle_file(cli, args, awaits, error);
	iov_host_free(file);
	return error;
}

const struct cli_command cli_apply = {
	.name = "apply",
	.args = "[FILE]",
	.summary = "Make this host as a file says, whole or not at all",
	.example = "iov apply --dry-run\n"
		   "  iov apply ./host.yaml\n"
		   "  iov apply --device uplink\n\n"
		   "FILE is /" IOV_HOST_FILE " when none is named, '-' is standard input. What the file\n"
		   "does not mention is left as it is. A second apply finds nothing to do.",
	.changes = true,
	.options = apply_options,
	.parse = parse_host,
	.data_size = sizeof(struct host_args),
	.run = run_apply,
};

/* iov snapshot */

struct snapshot_args {
	const char *path;
};

static const struct argp_option snapshot_options[] = {
	{ "output", KEY_OUTPUT, "FILE", 0, "A new file to write to, in place of standard output (-)", 0 },
	{ 0 },
};

static error_t parse_snapshot(int key, char *arg, struct argp_state *state)
{
	struct snapshot_args *args = cli_data(state);

	if (key != KEY_OUTPUT)
		return ARGP_ERR_UNKNOWN;
	args->path = strcmp(arg, "-") ? arg : NULL;
	return 0;
}

static int write_file(struct iov *iov, const char *path, const char *yaml)
{
	struct new_file file;
	int error;

	new_file_make_folder(path);
	error = new_file_open(&file, iov, path, 0644);
	if (!error)
		fputs(yaml, file.stream);
	return new_file_close(&file, iov, error);
}

static void print_snapshot(const struct cli *cli, const char *path, const char *yaml)
{
	_cleanup_json_ struct json_object *object = NULL;

	if (cli->json) {
		object = json_object_new_object();
		json_object_object_add(object, "file", path ? json_object_new_string(path) : NULL);
		json_object_object_add(object, "yaml", json_object_new_string(yaml));
		iov_output_json(stdout, object);
	} else if (path) {
		printf("%s: written\n", path);
	} else {
		fputs(yaml, stdout);
	}
}

static int run_snapshot(struct cli *cli, void *data)
{
	const struct snapshot_args *args = data;
	_cleanup_free_ char *yaml = NULL;
	int error = iov_host_snapshot(cli->iov, &yaml);

	if (!error && args->path)
		error = write_file(cli->iov, args->path, yaml);
	if (!error)
		print_snapshot(cli, args->path, yaml);
	return error;
}

const struct cli_command cli_snapshot = {
	.name = "snapshot",
	.summary = "Write this host as it is as a file for iov apply",
	.example = "iov snapshot\n"
		   "  iov snapshot --output /" IOV_HOST_FILE "\n\n"
		   "Devices are named by what they are rather than by address. What is as on a host\n"
		   "that nobody touched is left out.",
	.options = snapshot_options,
	.parse = parse_snapshot,
	.data_size = sizeof(struct snapshot_args),
	.run = run_snapshot,
};
