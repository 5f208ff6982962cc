// SPDX-License-Identifier: GPL-2.0-or-later
/* Devices are made and deleted by netlink, as an operation of a plan asks for. */
#include <errno.h>
#include <linux/vdpa.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/sysroot/call.h"
#include "plugins/net/netlink.h"
#include "plugins/vdpa/vdpa_internal.h"

static int change(const char *name, const char *mgmtdev, struct json_object *values, char *answer,
		  size_t size)
{
	struct netlink netlink = { .answer = answer, .answer_size = size };
	int error = netlink_open(&netlink, NETLINK_GENERIC), family;
	struct nl_msg *message;

	if (!error) {
		family = genl_ctrl_resolve(netlink.socket, VDPA_GENL_NAME);
		error = family < 0 ? -EOPNOTSUPP : 0;
	}
	if (!error) {
		message = mgmtdev ? vdpa_new_message(family, name, mgmtdev, values) :
				    vdpa_message(family, VDPA_CMD_DEV_DEL, NLM_F_ACK, name);
		error = message ? netlink_transact(&netlink, message) : -ENOMEM;
	}
	netlink_close(&netlink);
	return error;
}

/* Whether a device that was made without being told these has them all the same. */
static bool has_values(struct iov *iov, const char *name, struct json_object *values)
{
	_cleanup_json_ struct json_object *device = NULL;

	if (vdpa_find(iov, name, &device))
		return false;
	json_object_object_foreach(values, key, value) {
		if (!json_object_object_get(device, key))
			return false;
		(void)value;
	}
	return !vdpa_difference(values, device);
}

/*
 * A driver whose devices have their address, MTU and queues from elsewhere refuses to be told them,
 * also those that they will have, as what is made anew, or by a file that was written from it, is told.
 */
static int make(struct iov *iov, const char *name, const char *mgmtdev, struct json_object *values,
		char *answer, size_t size)
{
	int error = change(name, mgmtdev, values, answer, size);

	if (error != -EOPNOTSUPP || !values || !json_object_object_length(values))
		return error;
	if (change(name, mgmtdev, NULL, (char[1]){ "" }, 1))
		return error;
	if (has_values(iov, name, values))
		return 0;
	change(name, NULL, NULL, (char[1]){ "" }, 1);
	return error;
}

/* To make what is there, or delete what is not, is done already. */
static int run_vdpa(struct iov *iov, const struct iov_op *op)
{
	const char *name = op->vdpa.name, *mgmtdev = op->vdpa.mgmtdev;
	char answer[256] = "";
	int error = netlink_require_host(iov);

	if (error)
		return error;
	if (iov_sys_exists(iov, vdpa_path(name, "").name) == (mgmtdev != NULL))
		return 0;
	iov_sys_asking(iov, "the kernel to %s %s, by netlink", mgmtdev ? "make" : "delete", name);
	error = make(iov, name, mgmtdev, op->vdpa.values, answer, sizeof(answer));
	return error ? iov_told(iov, error, "%s%s%s", strerror(-error), *answer ? ": " : "", answer) : 0;
}

const struct iov_op_runner vdpa_runner = { IOV_OP_VDPA, run_vdpa };
