// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/nic.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "cli/argument.h"

/* By the key of the option. */
static const char *const names[NIC_VALUES] = {
	"tx_parent", "tx_share", "tx_max", "tx_priority", "tx_weight", "hw_addr", "roce", "migratable",
	"ipsec_crypto", "ipsec_packet", "max_io_eqs", "state",
};

error_t nic_parse(int key, char *arg, struct argp_state *state, const char *name_expected)
{
	struct nic_args *args = cli_data(state);

	if (key >= NIC_KEY && key < NIC_KEY + NIC_VALUES) {
		args->values[key - NIC_KEY] = arg;
		return 0;
	}
	if (key == ARGP_KEY_ARG && args->device && name_expected && !args->name) {
		args->name = arg;
		return 0;
	}
	if (key == ARGP_KEY_END && args->device && name_expected && !args->name)
		cli_misuse(state, "%s", name_expected);
	return cli_argument(key, arg, state, &args->device, CLI_EXPECTED_PF);
}

/* "auxiliary/mlx5_core.sf.4" */
static bool is_on_bus(struct cli *cli, const char *text)
{
	const char *slash = strchr(text, '/');

	return slash && slash > text && slash[1] && !strchr(slash + 1, '/') && text[0] != '.' &&
	       slash[1] != '.' &&
	       iov_sys_exists(cli->iov, iov_path(IOV_PATH_BUS "/%.*s/devices/%s", (int)(slash - text), text,
						 slash + 1).name);
}

int nic_device_named(struct cli *cli, const char *text, struct iov_path *name)
{
	struct iov_bdf bdf;
	int error;

	if (is_on_bus(cli, text)) {
		*name = iov_path("%s", text);
		return 0;
	}
	error = cli_function(cli, text, &bdf);
	if (error == -EINVAL && strchr(text, '/') && !strchr(text, '='))
		return iov_fail(cli->iov, -ENODEV, "%s: no such device; expected a PF, like 0000:01:00.0 or eth0, or "
				"BUS/NAME, as 'devlink dev' lists them", text);
	if (!error)
		*name = iov_path("%s", IOV_BDF(bdf));
	return error;
}

int nic_values(struct cli *cli, const struct nic_args *args,
	       int (*parse)(struct iov *, const char *, const char *, struct json_object *),
	       struct json_object *values)
{
	int error = 0;

	for (size_t i = 0; !error && i < NIC_VALUES; i++) {
		if (args->values[i])
			error = parse(cli->iov, names[i], args->values[i], values);
	}
	return error;
}

bool nic_has_values(const struct nic_args *args)
{
	bool has = false;

	for (size_t i = 0; i < NIC_VALUES; i++)
		has |= args->values[i] != NULL;
	return has;
}

int nic_list(struct cli *cli, const char *device,
	     int (*list)(struct iov *, const char *, struct json_object **),
	     const struct iov_column *columns, size_t count, const char *none)
{
	_cleanup_json_ struct json_object *rows = NULL;
	struct iov_path name;
	int error = nic_device_named(cli, device, &name);

	if (!error)
		error = list(cli->iov, name.name, &rows);
	if (error)
		return error;
	if (!cli->json)
		return iov_output_filled(stdout, rows, columns, count, none);
	iov_output_json(stdout, rows);
	return 0;
}
