// SPDX-License-Identifier: GPL-2.0-or-later
/* iov plugin list: device classes, those of iovkit and of others. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/sysroot/sysroot.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/printable.h"
#include "plugins/plugins.h"

static const struct iov_column columns[] = {
	{ "name", "PLUGIN" },	   { "version", "VERSION" }, { "state", "STATE" },
	{ "class_names", "CLASSES" }, { "file", "FILE" },
};

static const struct iov_column attribute_columns[] = {
	{ "class", "CLASS" },
	{ "name", "ATTRIBUTE" },
	{ "of", "OF" },
	{ "expected", "EXPECTED", .wrap = true },
};

/* As 'iov set' takes it. */
static void add_attribute(struct json_object *rows, struct json_object *device_class,
			  struct json_object *attribute)
{
	struct json_object *row = json_object_new_object();
	struct iov_path name = iov_path("%s", json_text(attribute, "name"));

	for (char *c = name.name; (c = strchr(c, '_'));)
		*c = '-';
	json_add_text(row, "class", json_text(device_class, "name"));
	json_add_text(row, "name", name.name);
	json_add_text(row, "of", json_text(attribute, "of"));
	json_add_text(row, "expected", json_text(attribute, "expected"));
	json_object_array_add(rows, row);
}

static int print_attributes(struct json_object *plugins)
{
	_cleanup_json_ struct json_object *rows = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(plugins); i++) {
		struct json_object *classes = json_object_object_get(json_object_array_get_idx(plugins, i),
								     "classes");

		for (size_t n = 0; n < json_object_array_length(classes); n++) {
			struct json_object *device_class = json_object_array_get_idx(classes, n);
			struct json_object *attributes = json_object_object_get(device_class, "attributes");

			for (size_t k = 0; k < json_object_array_length(attributes); k++)
				add_attribute(rows, device_class, json_object_array_get_idx(attributes, k));
		}
	}
	if (!json_object_array_length(rows))
		return 0;
	putchar('\n');
	return iov_output_table(stdout, rows, attribute_columns,
				sizeof(attribute_columns) / sizeof(*attribute_columns));
}

static void add_class_names(struct json_object *plugin)
{
	struct json_object *classes = json_object_object_get(plugin, "classes");
	struct json_object *names = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(classes); i++)
		json_array_add_new(names, json_text(json_object_array_get_idx(classes, i), "name"));
	json_object_object_add(plugin, "class_names", names);
}

static int print(struct json_object *plugins)
{
	int error;

	for (size_t i = 0; i < json_object_array_length(plugins); i++)
		add_class_names(json_object_array_get_idx(plugins, i));
	error = iov_output_table(stdout, plugins, columns, sizeof(columns) / sizeof(*columns));
	if (!error)
		error = print_attributes(plugins);
	for (size_t i = 0; i < json_object_array_length(plugins); i++) {
		struct json_object *plugin = json_object_array_get_idx(plugins, i);

		if (json_text_or_null(plugin, "reason"))
			cli_print(stdout, "\n%s is refused: %s\n", json_text(plugin, "file"),
			       json_text(plugin, "reason"));
	}
	return error;
}

static int run(struct cli *cli, void *data)
{
	_cleanup_json_ struct json_object *plugins = NULL;
	int error = iov_plugins_list(cli->iov, cli->plugins, &plugins);

	(void)data;
	if (error)
		return error;
	if (!cli->json)
		return print(plugins);
	iov_output_json(stdout, plugins);
	return 0;
}

const struct cli_command cli_plugin_list = {
	.name = "plugin list",
	.args = "",
	.summary = "Show device classes and the plugins that bring them",
	.example = "iov plugin list\n"
		   "  iov plugin list --json --plugins ./build\n\n"
		   "A plugin that is refused is listed with the reason.",
	.run = run,
};
