// SPDX-License-Identifier: GPL-2.0-or-later
/* iov plugin list: device classes, those of iovkit and of others. */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/printable.h"
#include "plugins/plugins.h"

static const struct iov_column columns[] = {
	{ "name", "PLUGIN" },	   { "version", "VERSION" }, { "state", "STATE" },
	{ "class_names", "CLASSES" }, { "file", "FILE" },
};

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
