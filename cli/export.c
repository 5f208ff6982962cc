// SPDX-License-Identifier: GPL-2.0-or-later
/* iov export: what the host file gives to guests, for those who hand it out. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/near.h"
#include "cli/commands.h"
#include "cli/export/export.h"
#include "cli/output.h"
#include "cli/printable.h"

struct export_args {
	const struct export_format *format;
	const char *path;
};

static void list_names(char *text, size_t size)
{
	const struct export_format *format;
	size_t length = 0;

	for (size_t i = 0; (format = export_format_at(i)) && length < size; i++)
		length += (size_t)snprintf(text + length, size - length, "%s%s", i ? ", " : "", format->name);
}

static const struct export_format *find_format(const char *name, const struct argp_state *state)
{
	struct iov_near near = { .text = name };
	const struct export_format *format;
	char names[256];

	for (size_t i = 0; (format = export_format_at(i)); i++) {
		if (!strcmp(format->name, name))
			return format;
		iov_near_look(&near, format->name);
	}
	list_names(names, sizeof(names));
	if (near.word)
		cli_misuse(state, "%s: no such format; did you mean %s? There are: %s", name, near.word, names);
	cli_misuse(state, "%s: no such format; expected one of: %s", name, names);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct export_args *args = cli_data(state);
	char names[256];

	switch (key) {
	case ARGP_KEY_ARG:
		if (args->path)
			return ARGP_ERR_UNKNOWN;
		if (args->format)
			args->path = arg;
		else
			args->format = find_format(arg, state);
		return 0;
	case ARGP_KEY_NO_ARGS:
		list_names(names, sizeof(names));
		cli_misuse(state, "expected a format: %s", names);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void print(const struct cli *cli, const struct export_args *args, const struct export_set *set,
		  const char *text)
{
	_cleanup_json_ struct json_object *object = json_object_new_object();

	if (cli->json) {
		json_add_text(object, "format", args->format->name);
		json_add_text(object, "text", text);
		json_object_object_add(object, "left_out", json_object_get(set->left_out));
		iov_output_json(stdout, object);
		return;
	}
	fputs(text, stdout);
	for (size_t i = 0; i < json_object_array_length(set->left_out); i++)
		cli_print(stderr, "iov: left out: %s\n",
			json_object_get_string(json_object_array_get_idx(set->left_out, i)));
}

static int answer(const struct cli *cli, const struct export_args *args, struct export_set *set)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	FILE *file = open_memstream(&text, &length);

	if (!file)
		return -ENOMEM;
	args->format->write(set, file);
	if (fclose(file))
		return -ENOMEM;
	print(cli, args, set, text);
	return 0;
}

static int export_file(struct cli *cli, const struct export_args *args, const struct iov_host_file *file)
{
	struct export_set set = { .iov = cli->iov };
	int error = export_collect(&set, file);

	if (!error && !set.count)
		error = iov_fail(cli->iov, -EINVAL, "%s: gives nothing to guests; expected a device with vfs, "
				 "or with a driver of VFIO, see host.yaml(5)",
				 args->path ? args->path : "/" IOV_HOST_FILE);
	if (!error)
		error = answer(cli, args, &set);
	export_free(&set);
	return error;
}

static int run(struct cli *cli, void *data)
{
	const struct export_args *args = data;
	struct iov_host_file *file = NULL;
	int error = iov_host_load(&file, cli->iov, args->path);

	if (!error)
		error = export_file(cli, args, file);
	iov_host_free(file);
	return error;
}

const struct cli_command cli_export = {
	.name = "export",
	.args = "FORMAT [FILE]",
	.summary = "List what guests get, for OpenStack and Kubernetes",
	.example = "iov export sriov-device-plugin > config.json\n"
		   "  iov export nova > /etc/nova/nova.conf.d/pci.conf\n"
		   "  iov export nfd > /etc/kubernetes/node-feature-discovery/features.d/iovkit\n\n"
		   "FORMAT is nova, sriov-device-plugin, nfd or dra; FILE is that of 'iov apply'.",
	.parse = parse,
	.data_size = sizeof(struct export_args),
	.run = run,
};
