// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/front_end.h"

#include <limits.h>

#include "base/rpc/socket_access.h"
#include "cli/argument.h"

bool front_end_parse(int key, const char *arg, struct front_end_args *args)
{
	switch (key) {
	case KEY_SOCKET:
		args->socket = arg;
		return true;
	case KEY_SERVER:
		return args->server = true;
	case KEY_MODE:
		args->mode = arg;
		return true;
	case KEY_OWNER:
		args->owner = arg;
		return true;
	case KEY_ANY_MEMORY:
		return args->any_memory = true;
	default:
		return false;
	}
}

static int add_socket(struct iov *iov, const char *socket, struct json_object *params)
{
	char path[PATH_MAX];
	int error = socket ? cli_absolute_path(iov, "socket", socket, path) : 0;

	if (!error && socket)
		cli_param_text(params, "socket", path);
	return error;
}

static int add_access(struct iov *iov, const struct front_end_args *args,
		      struct json_object *params)
{
	char mode[IOV_SOCKET_MODE_SIZE], owner[IOV_SOCKET_OWNER_SIZE];
	int error = args->mode ? iov_socket_mode(iov, args->mode, mode) : 0;

	if (!error && args->owner)
		error = iov_socket_owner(iov, args->owner, owner);
	if (error)
		return error;
	cli_param_text(params, "socket_mode", args->mode ? mode : NULL);
	cli_param_text(params, "socket_owner", args->owner ? owner : NULL);
	return 0;
}

int front_end_params(struct iov *iov, const struct front_end_args *args,
		     struct json_object *params)
{
	int error = add_socket(iov, args->socket, params);

	cli_param_switch(params, "server", args->server);
	cli_param_switch(params, "any_memory", args->any_memory);
	return error ? error : add_access(iov, args, params);
}
