// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/argument.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/pci/identity.h"
#include "base/size.h"
#include "base/switch.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"

error_t cli_argument(int key, char *arg, struct argp_state *state, const char **value,
		     const char *expected)
{
	switch (key) {
	case ARGP_KEY_ARG:
		if (*value)
			return ARGP_ERR_UNKNOWN;
		*value = arg;
		return 0;
	case ARGP_KEY_END:
		if (!*value)
			cli_misuse(state, "%s", expected);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

error_t cli_parse_maybe_name(int key, char *arg, struct argp_state *state)
{
	struct cli_name_args *args = cli_data(state);

	if (key != ARGP_KEY_ARG || args->name)
		return ARGP_ERR_UNKNOWN;
	args->name = arg;
	return 0;
}

/* A VF has a name before it exists. */
static int require(struct cli *cli, const char *text, struct iov_bdf bdf)
{
	if (!strstr(text, "/vf") || iov_sys_exists(cli->iov, iov_pci_path(bdf, "").name))
		return iov_pci_require(cli->iov, bdf);
	return iov_fail(cli->iov, -ENODEV, "%s: this VF, which would be %s, does not exist; 'iov vf "
			"list' shows those that do, 'iov vf create' makes more", text, IOV_BDF(bdf));
}

int cli_function(struct cli *cli, const char *text, struct iov_bdf *bdf)
{
	int error = iov_device_parse(cli->iov, text, bdf);

	return error ? error : require(cli, text, *bdf);
}

static int append(struct cli_functions *functions, struct iov_bdf bdf)
{
	struct iov_bdf *grown;

	for (size_t i = 0; i < functions->count; i++) {
		if (!iov_bdf_compare(functions->list[i], bdf))
			return 0;
	}
	grown = array_grow(functions->list, functions->count, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	functions->list = grown;
	grown[functions->count++] = bdf;
	return 0;
}

int cli_add_functions(struct cli *cli, const char *text, struct cli_functions *functions)
{
	_cleanup_free_ struct iov_bdf *named = NULL;
	size_t count;
	int error = iov_devices_parse(cli->iov, text, &named, &count);

	for (size_t i = 0; !error && i < count; i++) {
		error = require(cli, text, named[i]);
		if (!error)
			error = append(functions, named[i]);
	}
	return error;
}

error_t cli_vf_argument(int key, char *arg, struct argp_state *state, struct cli_vf_args *args)
{
	if (key == ARGP_KEY_ARG && args->device && !args->has_index) {
		args->index = cli_index(arg, "INDEX", state);
		args->has_index = true;
		return 0;
	}
	return cli_argument(key, arg, state, &args->device,
			    "expected a VF, like eth0/vf0, several, like eth0/vf0-3, or a PF and "
			    "an index, like eth0 0");
}

int cli_vf(struct cli *cli, struct iov_bdf bdf, struct iov_bdf *pf, unsigned int *index)
{
	if (!iov_pci_link(cli->iov, bdf, "physfn", pf) &&
	    !iov_pci_vf_index(cli->iov, *pf, bdf, index))
		return 0;
	return iov_fail(cli->iov, -EINVAL, "%s is no VF; name one like %s/vf0",
			IOV_BDF(bdf), IOV_BDF(bdf));
}

void cli_name_functions(const struct cli_functions *functions, char *text, size_t size)
{
	if (functions->count == 1)
		snprintf(text, size, "%s", IOV_BDF(functions->list[0]));
	else
		snprintf(text, size, "%zu functions", functions->count);
}

bool cli_switch(const char *arg, const char *option, const struct argp_state *state)
{
	bool on = true;

	if (arg && !switch_parse(arg, &on))
		cli_misuse(state, "--%s=%s: expected " IOV_SWITCH_EXPECTED, option, arg);
	return on;
}

error_t cli_add_setting(struct cli_settings *settings, const char *arg, const char *like,
			const struct argp_state *state)
{
	const char **grown;

	if (!strchr(arg, '=') || arg[0] == '=')
		cli_misuse(state, "%s: expected NAME=VALUE, like %s", arg, like);
	grown = array_grow(settings->list, settings->count, sizeof(*grown));
	if (!grown)
		return ENOMEM;
	settings->list = grown;
	grown[settings->count++] = arg;
	return 0;
}

static void refuse_number(const char *arg, const char *option, const char *what, double min, double max,
			  const struct argp_state *state)
{
	cli_misuse(state, "--%s %s: expected a %s from %.16g to %.16g%s", option, arg, what, min, max,
		   max >= 1e9 ? ", also with K, M or G" : "");
}

/* Of what strtod() reads besides, "0x10", "1e3", "inf" and " 5", nothing is taken. */
static bool read_number(const char *arg, double *value)
{
	static const char suffixes[] = "KMG";
	size_t length = strspn(arg, "0123456789.");
	char *end;
	const char *suffix;

	*value = strtod(arg, &end);
	if (end == arg || end != arg + length)
		return false;
	suffix = *end ? strchr(suffixes, *end) : NULL;
	for (const char *at = suffixes; suffix && at <= suffix; at++)
		*value *= 1e3;
	return !end[suffix ? 1 : 0];
}

double cli_number(const char *arg, const char *option, double min, double max,
		  const struct argp_state *state)
{
	double value;

	if (!read_number(arg, &value) || value < min || value > max)
		refuse_number(arg, option, "number", min, max, state);
	return value;
}

uint64_t cli_whole_number(const char *arg, const char *option, uint64_t min, uint64_t max,
			  const struct argp_state *state)
{
	double value;

	if (!read_number(arg, &value) || value < (double)min || value > (double)max ||
	    value != (double)(uint64_t)value)
		refuse_number(arg, option, "whole number", (double)min, (double)max, state);
	return (uint64_t)value;
}

uint64_t cli_size(const char *arg, const char *what, const struct argp_state *state)
{
	uint64_t bytes;

	if (!size_parse(arg, &bytes) || !bytes || bytes > INT64_MAX)
		cli_misuse(state, "%s %s: expected a size such as 4096, 512M or 10G", what, arg);
	return bytes;
}

int cli_print_rows(struct cli *cli, const char *text, struct json_object *rows,
		   const struct iov_column *columns, size_t count)
{
	bool is_range = iov_device_is_range(text);

	if (!cli->json)
		return iov_output_table(stdout, rows, columns + !is_range, count - !is_range);
	iov_output_json(stdout, rows);
	return 0;
}

unsigned int cli_index(const char *arg, const char *what, const struct argp_state *state)
{
	size_t digits = strspn(arg, "0123456789");
	unsigned long number = strtoul(arg, NULL, 10);

	if (!digits || digits > 5 || arg[digits] || number > UINT16_MAX)
		cli_misuse(state, "%s '%s': expected a number from 0 to %u", what, arg, UINT16_MAX);
	return (unsigned int)number;
}

struct json_object *cli_name_params(const char *name)
{
	struct json_object *params = json_object_new_object();

	if (name)
		json_object_object_add(params, "name", json_object_new_string(name));
	return params;
}

void cli_param_text(struct json_object *params, const char *key, const char *text)
{
	if (text)
		json_object_object_add(params, key, json_object_new_string(text));
}

void cli_param_texts(struct json_object *params, const char *key, const char *const *texts, size_t count)
{
	struct json_object *list = count ? json_object_new_array() : NULL;

	for (size_t i = 0; i < count; i++)
		json_object_array_add(list, json_object_new_string(texts[i]));
	if (list)
		json_object_object_add(params, key, list);
}

void cli_param_number(struct json_object *params, const char *key, uint64_t number)
{
	if (number)
		json_object_object_add(params, key, json_object_new_uint64(number));
}

void cli_param_switch(struct json_object *params, const char *key, bool on)
{
	if (on)
		json_object_object_add(params, key, json_object_new_boolean(true));
}

bool cli_is_block(struct iov *iov, const char *name)
{
	return iov_sys_exists(iov, iov_path(IOV_PATH_CLASS_BLOCK "/%s/dev", name).name);
}

int cli_absolute_path(struct iov *iov, const char *option, const char *path,
		      char absolute[PATH_MAX])
{
	char directory[PATH_MAX];
	int length;

	if (*path == '/' || !*path)
		length = snprintf(absolute, PATH_MAX, "%s", path);
	else if (getcwd(directory, sizeof(directory)))
		length = snprintf(absolute, PATH_MAX, "%s/%s", directory, path);
	else
		length = PATH_MAX;
	return length < PATH_MAX ? 0 : iov_fail(iov, -EINVAL, "--%s %s: give its full path", option,
						path);
}
