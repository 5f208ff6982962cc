// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * iov match: what the host file says of one function.
 *
 * The udev rules ask this of every function that appears, before its driver does, and
 * have no use for errors: with --udev there is an answer or silence.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/pci/identity.h"
#include "cli/argument.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "host/file/host.h"

struct match_args {
	const char *device;
	const char *file;
	bool udev;
};

static const struct argp_option options[] = {
	{ "file", 'f', "FILE", 0, "Host file (/" IOV_HOST_FILE ")", 0 },
	{ "udev", 'u', 0, 0, "Print properties for udev, and nothing and status 0 at any error", 0 },
	{ 0 },
};

static const struct iov_column columns[] = {
	{ "device", "Device" },
	{ "entry", "In the file" },
	{ "name", "Name" },
	{ "driver", "Driver" },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct match_args *args = cli_data(state);

	switch (key) {
	case 'f':
		args->file = arg;
		return 0;
	case 'u':
		args->udev = true;
		return 0;
	default:
		return cli_argument(key, arg, state, &args->device, CLI_EXPECTED_DEVICE);
	}
}

static const struct iov_host_device *find(struct iov *iov, const struct iov_host *host,
					  struct iov_bdf bdf)
{
	for (unsigned int i = 0; i < host->device_count; i++) {
		if (iov_device_matches(iov, bdf, host->devices[i].device))
			return &host->devices[i];
	}
	return NULL;
}

/* One driver and no other: what driver_override is for. */
static bool names_driver(const struct iov_host_device *device)
{
	return device->driver && strcmp(device->driver, "native") && strcmp(device->driver, "none");
}

static void print_properties(const struct iov_host_device *device)
{
	printf("IOVKIT_DEVICE=%s\n", device->name ? device->name : device->device);
	if (names_driver(device))
		printf("IOVKIT_DRIVER=%s\n", device->driver);
}

static void add(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, text ? json_object_new_string(text) : NULL);
}

static void print_match(const struct cli *cli, struct iov_bdf bdf,
			const struct iov_host_device *device)
{
	_cleanup_json_ struct json_object *object = json_object_new_object();

	add(object, "device", IOV_BDF(bdf));
	add(object, "entry", device->device);
	add(object, "name", device->name);
	add(object, "driver", device->driver);
	if (cli->json)
		iov_output_json(stdout, object);
	else
		iov_output_fields(stdout, object, columns, sizeof(columns) / sizeof(*columns));
}

static int match(struct cli *cli, const struct match_args *args)
{
	const struct iov_host_device *device;
	struct iov_host_file *file;
	struct iov_bdf bdf;
	int error = cli_function(cli, args->device, &bdf);

	if (!error)
		error = iov_host_load(&file, cli->iov, args->file);
	if (error)
		return error;
	device = find(cli->iov, iov_host_of(file), bdf);
	if (!device)
		error = iov_fail(cli->iov, -ENODEV, "%s: the host file names no such device; "
				 "'iov snapshot' writes one that does", args->device);
	else if (args->udev)
		print_properties(device);
	else
		print_match(cli, bdf, device);
	iov_host_free(file);
	return error;
}

static int run(struct cli *cli, void *data)
{
	const struct match_args *args = data;
	int error = match(cli, args);

	return args->udev ? 0 : error;
}

const struct cli_command cli_match = {
	.name = "match",
	.args = "DEVICE",
	.summary = "Show what the host file says of a function",
	.example = "iov match 0000:01:00.0",
	.options = options,
	.parse = parse,
	.data_size = sizeof(struct match_args),
	.run = run,
};
