// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/argument.h"

#include <stdlib.h>
#include <string.h>

#include "base/pci/identity.h"

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

int cli_function(struct cli *cli, const char *text, struct iov_bdf *bdf)
{
	int error = iov_device_parse(cli->iov, text, bdf);

	return error ? error : iov_pci_require(cli->iov, *bdf);
}

double cli_number(const char *arg, const char *option, double min, double max,
		  const struct argp_state *state)
{
	static const char suffixes[] = "KMG";
	char *end;
	double value = strtod(arg, &end);
	const char *suffix = *end ? strchr(suffixes, *end) : NULL;

	if (suffix && end != arg) {
		for (const char *at = suffixes; at <= suffix; at++)
			value *= 1e3;
		end++;
	}
	if (*end || end == arg || !(value >= min) || value > max)
		cli_misuse(state, "--%s %s: expected a number from %g to %g", option, arg, min, max);
	return value;
}

struct json_object *cli_name_params(const char *name)
{
	struct json_object *params = json_object_new_object();

	if (name)
		json_object_object_add(params, "name", json_object_new_string(name));
	return params;
}
