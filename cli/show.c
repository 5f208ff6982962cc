// SPDX-License-Identifier: GPL-2.0-or-later
/* iov show: everything about one PCI function, and whether it can be assigned. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/pci/function.h"
#include "base/pci/identity.h"
#include "cli/argument.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/printable.h"
#include "iommu/group.h"
#include "sriov/class.h"
#include "vfio/bind/assign.h"

struct show_args {
	const char *device;
};

static const struct iov_column columns[] = {
	{ "device", "Device" },
	{ "identities", "Identities" },
	{ "name", "Name" },
	{ "subsystem", "Subsystem" },
	{ "class", "Class" },
	{ "ids", "IDs" },
	{ "driver", "Driver" },
	{ "driver_override", "Driver override" },
	{ "module", "Module" },
	{ "modalias", "Modalias" },
	{ "group_text", "IOMMU group" },
	{ "numa_node", "NUMA node" },
	{ "relation", "PF/VF" },
	{ "sriov_text", "SR-IOV" },
	{ "link", "Link" },
	{ "link_max", "Link, at most" },
	{ "msi", "MSI vectors" },
	{ "msix", "MSI-X vectors" },
	{ "capabilities", "Capabilities" },
	{ "reset_methods", "Reset methods" },
	{ "power_state", "Power state" },
	{ "d3cold_allowed", "D3cold allowed" },
	{ "net", "Interfaces" },
	{ "nvme", "NVMe controllers" },
	{ "block", "Block devices" },
	{ "vfio", "VFIO devices" },
	{ "device_class_text", "Device class" },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct show_args *args = cli_data(state);

	return cli_argument(key, arg, state, &args->device, CLI_EXPECTED_DEVICE);
}

static const char *member(struct json_object *object, const char *key)
{
	const char *text = json_text_or_null(object, key);

	return text ? text : "-";
}

/* Numbers and relations in words. */
static void add_words(struct json_object *function)
{
	struct json_object *sriov = json_object_object_get(function, "sriov");
	char text[256];

	snprintf(text, sizeof(text), "%s:%s, class %s, revision %s", member(function, "vendor_id"),
		 member(function, "device_id"), member(function, "class_code"),
		 member(function, "revision"));
	json_add_text(function, "ids", text);
	if (!json_object_object_get(function, "capabilities"))
		json_add_text(function, "capabilities", "unknown, as it sleeps or does not answer");
	if (json_object_object_get(function, "pf")) {
		snprintf(text, sizeof(text), "VF %s of %s", member(function, "vf_index"),
			 member(function, "pf"));
		json_add_text(function, "relation", text);
	}
	if (sriov) {
		snprintf(text, sizeof(text), "%s of %s VFs, device ID %s, offset %s, stride %s, "
			 "drivers autoprobe %s", member(sriov, "current"), member(sriov, "total"),
			 member(sriov, "vf_device"), member(sriov, "offset"),
			 member(sriov, "stride"), member(sriov, "autoprobe"));
		json_add_text(function, "sriov_text", text);
	}
}

/* "4 with 0000:00:1f.0, 0000:00:1f.3" */
static void add_group_words(struct json_object *function)
{
	struct json_object *group = json_object_object_get(function, "group");
	struct json_object *members = json_object_object_get(group, "members");
	size_t count = group ? json_object_array_length(members) : 0, length;
	char text[512];

	if (!group) {
		json_add_text(function, "group_text", "none");
		return;
	}
	length = (size_t)snprintf(text, sizeof(text), "%s%s", member(group, "iommu_group"),
				  count > 1 ? " with" : "");
	for (size_t i = 0; i < count && length < sizeof(text); i++) {
		const char *other = member(json_object_array_get_idx(members, i), "device");

		if (strcmp(other, member(function, "device")))
			length += (size_t)snprintf(text + length, sizeof(text) - length, " %s",
						   other);
	}
	json_add_text(function, "group_text", text);
}

/*
 * What has a name by that, "1430 (NVIDIA H200X-70C)" where it has a number as well; anything
 * else by its members.
 */
static size_t say_object(struct json_object *object, char *text, size_t size)
{
	const char *name = json_text_or_null(object, "name"), *type = json_text_or_null(object, "type");
	size_t length = 0;

	if (name)
		return (size_t)snprintf(text, size, type ? "%s (%s)" : "%s", type ? type : name, name);
	json_object_object_foreach(object, key, value) {
		if (length < size)
			length += (size_t)snprintf(text + length, size - length, "%s%s ", length ? ", " : "", key);
		if (length < size)
			length += (size_t)snprintf(text + length, size - length, "%s",
				json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN));
	}
	return length;
}

static size_t say_value(struct json_object *value, char *text, size_t size)
{
	size_t length = 0;

	if (!json_object_is_type(value, json_type_array))
		return (size_t)snprintf(text, size, "%s", value ? json_object_get_string(value) : "-");
	for (size_t i = 0; i < json_object_array_length(value) && length < size; i++) {
		struct json_object *item = json_object_array_get_idx(value, i);

		length += (size_t)snprintf(text + length, size - length, "%s", i ? " + " : "");
		if (length >= size)
			return length;
		length += json_object_is_type(item, json_type_object) ?
			  say_object(item, text + length, size - length) :
			  (size_t)snprintf(text + length, size - length, "%s", json_object_get_string(item));
	}
	return length;
}

/* "edu: liveness ok, factorial 120"; an empty list is nothing to say */
static void add_device_class_words(struct json_object *function)
{
	struct json_object *device_class = json_object_object_get(function, "device_class");
	char text[1024];
	size_t length;

	if (!device_class)
		return;
	length = (size_t)snprintf(text, sizeof(text), "%s", member(device_class, "name"));
	json_object_object_foreach(device_class, key, value) {
		if (!strcmp(key, "name") || length >= sizeof(text) ||
		    (json_object_is_type(value, json_type_array) && !json_object_array_length(value)))
			continue;
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s %s ",
					   strchr(text, ' ') ? "," : ":", key);
		if (length < sizeof(text))
			length += say_value(value, text + length, sizeof(text) - length);
	}
	json_add_text(function, "device_class_text", text);
}

static void print_bars(struct json_object *bars)
{
	static const struct iov_column bar_columns[] = {
		{ "bar", "BAR", true }, { "start", "START", true }, { "size", "BYTES", true },
		{ "type", "TYPE", false },
	};

	if (!json_object_array_length(bars))
		return;
	putchar('\n');
	iov_output_table(stdout, bars, bar_columns, sizeof(bar_columns) / sizeof(*bar_columns));
}

/* Those that it has, and the names of the others. */
static void print_features(struct json_object *features)
{
	static const struct iov_column feature_columns[] = {
		{ "feature", "FEATURE" }, { "enabled", "ON" }, { "value", "WHAT" },
		{ "guest", "FOR A GUEST", .wrap = true },
	};
	_cleanup_json_ struct json_object *there = json_object_new_array();
	char others[256] = "";

	for (size_t i = 0; features && i < json_object_array_length(features); i++) {
		struct json_object *feature = json_object_array_get_idx(features, i);
		size_t length = strlen(others);

		if (json_object_get_boolean(json_object_object_get(feature, "supported")))
			json_object_array_add(there, json_object_get(feature));
		else
			snprintf(others + length, sizeof(others) - length, "%s%s", length ? ", " : "",
				 member(feature, "feature"));
	}
	if (json_object_array_length(there)) {
		putchar('\n');
		iov_output_table(stdout, there, feature_columns,
				 sizeof(feature_columns) / sizeof(*feature_columns));
	}
	if (others[0])
		cli_print(stdout, "\nWithout %s\n", others);
}

static void print_holders(struct json_object *held_by)
{
	static const struct iov_column held_columns[] = {
		{ "guard", "GUARD" }, { "holder", "HELD BY" }, { "path", "THROUGH" },
	};

	if (!json_object_array_length(held_by))
		return;
	putchar('\n');
	iov_output_table(stdout, held_by, held_columns,
			 sizeof(held_columns) / sizeof(*held_columns));
}

/* What works, but not as well as it could. */
static void print_warnings(struct json_object *reasons)
{
	for (size_t i = 0; i < json_object_array_length(reasons); i++) {
		struct json_object *reason = json_object_array_get_idx(reasons, i);

		if (!strcmp(member(reason, "severity"), "warns"))
			cli_print(stdout, "  but %s: %s\n", member(reason, "kind"),
				  member(reason, "sentence"));
	}
}

static void print_text(struct json_object *function)
{
	struct json_object *assignment = json_object_object_get(function, "assignment");

	add_words(function);
	add_group_words(function);
	add_device_class_words(function);
	iov_output_fields(stdout, function, columns, sizeof(columns) / sizeof(*columns));
	print_bars(json_object_object_get(function, "bars"));
	print_features(json_object_object_get(function, "features"));
	print_holders(json_object_object_get(assignment, "held_by"));
	cli_print(stdout, "\nCan it be assigned?  %s\n", member(assignment, "advice"));
	print_warnings(json_object_object_get(assignment, "reasons"));
}

/* Without an IOMMU there is no group, which is no reason to show nothing. */
static int add_group(struct cli *cli, struct iov_bdf bdf, struct json_object *function)
{
	struct json_object *json;
	struct iov_group *group;
	int error;

	if (iov_group_of(&group, cli->iov, bdf))
		return 0;
	error = iov_group_json(cli->iov, group, &json);
	if (!error)
		json_object_object_add(function, "group", json);
	iov_group_close(group);
	return error;
}

/* What cannot be asked now, as of a recorded host, is left out. */
static void add_device_class(struct cli *cli, struct iov_bdf bdf, struct json_object *function)
{
	const struct iov_class *device_class = iov_class_of(cli->iov, bdf);
	struct json_object *object = NULL;

	if (!device_class)
		return;
	if (iov_class_describe(cli->iov, bdf, &object)) {
		iov_log(cli->iov, LOG_INFO, "what its device class says is left out: %s",
			iov_error_message(cli->iov));
		object = json_object_new_object();
		json_add_text(object, "name", device_class->name);
	}
	json_object_object_add(function, "device_class", object);
}

static int describe(struct cli *cli, struct iov_bdf bdf, struct json_object **function)
{
	struct json_object *assignment;
	struct iov_ids *ids;
	int error = iov_ids_open(&ids);

	if (error)
		return error;
	*function = iov_function_detail(cli->iov, ids, bdf);
	iov_ids_close(ids);
	add_device_class(cli, bdf, *function);
	error = add_group(cli, bdf, *function);
	if (!error)
		error = iov_assign_check(cli->iov, bdf, &assignment);
	if (!error)
		json_object_object_add(*function, "assignment", assignment);
	return error;
}

static int describe_all(struct cli *cli, const struct cli_functions *functions,
			struct json_object *all)
{
	int error = 0;

	for (size_t i = 0; !error && i < functions->count; i++) {
		struct json_object *function = NULL;

		error = describe(cli, functions->list[i], &function);
		if (error)
			json_object_put(function);
		else
			json_object_array_add(all, function);
	}
	return error;
}

/* One object for one function, an array of them for a range. */
static void print(struct cli *cli, struct json_object *all, bool is_range)
{
	if (cli->json) {
		iov_output_json(stdout, is_range ? all : json_object_array_get_idx(all, 0));
		return;
	}
	for (size_t i = 0; i < json_object_array_length(all); i++) {
		if (i)
			putchar('\n');
		print_text(json_object_array_get_idx(all, i));
	}
}

static int run(struct cli *cli, void *data)
{
	_cleanup_json_ struct json_object *all = json_object_new_array();
	const struct show_args *args = data;
	struct cli_functions functions = { 0 };
	int error = cli_add_functions(cli, args->device, &functions);

	if (!error)
		error = describe_all(cli, &functions, all);
	free(functions.list);
	if (!error)
		print(cli, all, iov_device_is_range(args->device));
	return error;
}

const struct cli_command cli_show = {
	.name = "show",
	.args = "DEVICE",
	.summary = "Show everything known about one PCI function",
	.example = "iov show 0000:01:00.0\n"
		   "  iov show eth0/vf0-3 --json",
	.parse = parse,
	.data_size = sizeof(struct show_args),
	.run = run,
};
