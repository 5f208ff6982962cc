// SPDX-License-Identifier: GPL-2.0-or-later
/* Devices are made and deleted by netlink, as an operation of a plan asks for. */
#include <errno.h>
#include <linux/vdpa.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <string.h>

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
	error = change(name, mgmtdev, op->vdpa.values, answer, sizeof(answer));
	return error ? iov_told(iov, error, "%s%s%s", strerror(-error), *answer ? ": " : "", answer) : 0;
}

const struct iov_op_runner vdpa_runner = { IOV_OP_VDPA, run_vdpa };
