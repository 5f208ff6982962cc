// SPDX-License-Identifier: GPL-2.0-or-later
/* iov cdi: devices of VFIO for containers. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/sysroot/sysroot.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "host/cdi/cdi.h"

struct cdi_args {
	const char *mode;
	const char *owner;
};

enum { KEY_MODE = 'm', KEY_OWNER = 'o' };

static const struct argp_option options[] = {
	{ "mode", KEY_MODE, "MODE", 0,
	  "Permissions of the nodes inside containers, as 0660 (as they are outside)" },
	{ "owner", KEY_OWNER, "USER:GROUP", 0,
	  "Owner of the nodes inside containers (as they are outside)" },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct cdi_args *args = cli_data(state);

	switch (key) {
	case KEY_MODE:
		args->mode = arg;
		return 0;
	case KEY_OWNER:
		args->owner = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* What VFIO has and nobody can be given yet. */
static int note_left_out(struct cli *cli, const struct iov_cdi_access *access, struct iov_plan *plan)
{
	_cleanup_json_ struct json_object *left_out = NULL, *devices = NULL;
	int error = iov_cdi_collect(cli->iov, access, &left_out, &devices);

	for (size_t i = 0; i < json_object_array_length(left_out); i++)
		iov_plan_note(plan, "left out: %s",
			      json_object_get_string(json_object_array_get_idx(left_out, i)));
	if (!error && !json_object_array_length(devices))
		iov_plan_note(plan, "VFIO has no device now; the file is written as soon as there is one");
	return error;
}

static int fill_plan(struct cli *cli, const struct cdi_args *args, struct iov_plan **plan)
{
	struct iov_cdi_access said, access = { 0 };
	int error = iov_plan_new(plan, cli->iov, "describe devices for containers");

	if (!error)
		error = iov_cdi_access(cli->iov, args->mode, args->owner, &said);
	if (error)
		return error;
	/* What is not said stays as it is. */
	iov_cdi_kept(cli->iov, &access);
	if (args->mode)
		memcpy(access.mode, said.mode, sizeof(access.mode));
	if (args->owner)
		memcpy(access.owner, said.owner, sizeof(access.owner));
	error = iov_cdi_plan(*plan, &access);
	return error ? error : note_left_out(cli, &access, *plan);
}

/* The file itself is written as after each change, see cli_run(). */
static int run_write(struct cli *cli, void *data)
{
	struct iov_plan *plan = NULL;
	int error = fill_plan(cli, data, &plan);

	return error ? cli_drop_plan(cli, plan, error) : cli_run_plan(cli, plan);
}

static int run_remove(struct cli *cli, void *data)
{
	struct iov_plan *plan = NULL;
	int error = iov_plan_new(&plan, cli->iov, "describe no devices for containers any more");

	(void)data;
	if (!error)
		error = iov_cdi_plan(plan, NULL);
	return error ? cli_drop_plan(cli, plan, error) : cli_run_plan(cli, plan);
}

static void add_nodes(struct json_object *entry, struct json_object *device)
{
	struct json_object *edits = json_object_object_get(device, "containerEdits");
	struct json_object *nodes = json_object_object_get(edits, "deviceNodes");
	struct json_object *paths = json_object_new_array();

	for (size_t i = 0; json_object_is_type(nodes, json_type_array) &&
		i < json_object_array_length(nodes); i++)
		json_array_add_new(paths, json_text(json_object_array_get_idx(nodes, i), "path"));
	json_object_object_add(entry, "nodes", paths);
}

/* Somebody else may have bound it anew. */
static bool is_current(struct json_object *devices, struct json_object *device)
{
	for (size_t i = 0; i < json_object_array_length(devices); i++) {
		if (json_object_equal(json_object_array_get_idx(devices, i), device))
			return true;
	}
	return false;
}

static void add_entry(struct json_object *list, struct json_object *device, struct json_object *now)
{
	struct json_object *entry = json_object_new_object();
	const char *name = json_text(device, "name");

	json_add_text(entry, "name", name);
	json_add_text(entry, "cdi", iov_path(IOV_CDI_KIND "=%s", name).name);
	add_nodes(entry, device);
	json_object_object_add(entry, "current", json_object_new_boolean(is_current(now, device)));
	json_object_array_add(list, entry);
}

/* Empty without a file. */
static int read_devices(struct cli *cli, struct json_object **devices)
{
	_cleanup_json_ struct json_object *document = NULL;
	_cleanup_free_ char *text = NULL;
	int error = iov_sys_read_all(cli->iov, IOV_CDI_FILE, &text, NULL);

	*devices = NULL;
	if (error == -ENOENT || error == -ENOTDIR)
		return 0;
	if (error)
		return iov_told(cli->iov, error, "/" IOV_CDI_FILE ": %s", strerror(-error));
	document = json_parse_strictly(text);
	*devices = json_object_get(json_object_object_get(document, "devices"));
	if (json_object_is_type(*devices, json_type_array))
		return 0;
	return iov_fail(cli->iov, -EPROTO, "/" IOV_CDI_FILE ": is no CDI file; 'iov cdi write' writes it again");
}

static int collect(struct cli *cli, struct json_object *list)
{
	_cleanup_json_ struct json_object *written = NULL, *now = NULL;
	struct iov_cdi_access access = { 0 };
	int kept = iov_cdi_kept(cli->iov, &access), error = kept < 0 ? kept : read_devices(cli, &written);

	if (!error && written)
		error = iov_cdi_collect(cli->iov, &access, NULL, &now);
	for (size_t i = 0; !error && written && i < json_object_array_length(written); i++)
		add_entry(list, json_object_array_get_idx(written, i), now);
	return error;
}

static int run_list(struct cli *cli, void *data)
{
	static const struct iov_column columns[] = {
		{ "cdi", "DEVICE", false },
		{ "nodes", "NODES", false, .wrap = true },
		{ "current", "CURRENT", false },
	};
	_cleanup_json_ struct json_object *list = json_object_new_array();
	int error = collect(cli, list);

	(void)data;
	if (error)
		return error;
	if (!cli->json)
		return iov_output_list(stdout, list, columns, sizeof(columns) / sizeof(*columns),
				       iov_cdi_kept(cli->iov, NULL) ?
				       "no device is bound to VFIO; 'iov bind DEVICE --driver vfio-pci'" :
				       "no devices are described for containers; 'iov cdi write' does that");
	iov_output_json(stdout, list);
	return 0;
}

const struct cli_command cli_cdi_write = {
	.name = "cdi write",
	.summary = "Describe the devices of VFIO for containers, from now on",
	.example = "iov cdi write --mode 0660 --owner :kvm\n"
		   "  podman run --device " IOV_CDI_KIND "=0000:01:10.0 --ulimit memlock=-1 ...\n\n"
		   "Every change of iov keeps the description current.",
	.changes = true,
	.options = options,
	.parse = parse,
	.data_size = sizeof(struct cdi_args),
	.run = run_write,
};

const struct cli_command cli_cdi_list = {
	.name = "cdi list",
	.summary = "List the devices that containers can be given by name",
	.example = "iov cdi list",
	.run = run_list,
};

const struct cli_command cli_cdi_remove = {
	.name = "cdi remove",
	.summary = "Describe no devices for containers any more",
	.example = "iov cdi remove",
	.changes = true,
	.run = run_remove,
};
