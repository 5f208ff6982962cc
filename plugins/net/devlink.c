// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The mode of a NIC's embedded switch, by generic netlink.  A device that devlink does not
 * know, or that has no modes, has a switch of the legacy kind.
 */
#include "plugins/net/devlink.h"

#include <errno.h>
#include <linux/devlink.h>
#include <netlink/attr.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/sysroot/call.h"
#include "plugins/net/eswitch.h"
#include "plugins/net/net.h"
#include "plugins/net/netlink.h"

static const char *const modes[] = {
	[DEVLINK_ESWITCH_MODE_LEGACY] = "legacy",
	[DEVLINK_ESWITCH_MODE_SWITCHDEV] = "switchdev",
};
#define MODES (sizeof(modes) / sizeof(*modes))

static int mode_number(const char *mode, uint16_t *number)
{
	for (*number = 0; *number < MODES; ++*number) {
		if (!strcmp(modes[*number], mode))
			return 0;
	}
	return -EINVAL;
}

struct nl_msg *devlink_eswitch_message(int family, const struct devlink_device *device,
				       const char *mode)
{
	uint8_t command = mode ? DEVLINK_CMD_ESWITCH_SET : DEVLINK_CMD_ESWITCH_GET;
	int flags = NLM_F_REQUEST | (mode ? NLM_F_ACK : 0);
	struct nl_msg *message = nlmsg_alloc();
	uint16_t number = 0;

	if (!message)
		return NULL;
	if (!genlmsg_put(message, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, flags, command,
			 DEVLINK_GENL_VERSION) ||
	    nla_put_string(message, DEVLINK_ATTR_BUS_NAME, device->bus) ||
	    nla_put_string(message, DEVLINK_ATTR_DEV_NAME, device->name) ||
	    (mode && (mode_number(mode, &number) ||
		      nla_put_u16(message, DEVLINK_ATTR_ESWITCH_MODE, number)))) {
		nlmsg_free(message);
		return NULL;
	}
	return message;
}

const char *devlink_eswitch_mode(struct nlmsghdr *header)
{
	struct nlattr *attribute;

	if (!genlmsg_valid_hdr(header, 0))
		return NULL;
	attribute = nlmsg_find_attr(header, GENL_HDRLEN, DEVLINK_ATTR_ESWITCH_MODE);
	if (!attribute || nla_len(attribute) < (int)sizeof(uint16_t) ||
	    nla_get_u16(attribute) >= MODES)
		return NULL;
	return modes[nla_get_u16(attribute)];
}

static void on_eswitch(struct nlmsghdr *header, void *arg)
{
	const char **mode = arg;

	*mode = devlink_eswitch_mode(header);
}

/* Send one request; @mode receives the mode when it asks for it. */
static int request(const struct devlink_device *device, const char *set, const char **mode,
		   char *answer, size_t size)
{
	struct netlink netlink = {
		.on_message = on_eswitch, .arg = mode, .answer = answer, .answer_size = size,
	};
	int error = netlink_open(&netlink, NETLINK_GENERIC), family;
	struct nl_msg *message;

	if (error)
		goto close;
	family = genl_ctrl_resolve(netlink.socket, DEVLINK_GENL_NAME);
	error = family < 0 ? -EOPNOTSUPP : 0;
	if (error)
		goto close;
	message = devlink_eswitch_message(family, device, set);
	if (!set)
		nl_socket_disable_auto_ack(netlink.socket);
	error = message ? netlink_transact(&netlink, message) : -ENOMEM;
close:
	netlink_close(&netlink);
	return error == -ENODEV ? -EOPNOTSUPP : error;
}

/* Of the text that names a device answers the mode. */
static int tell_mode(struct iov *iov, const char *question, size_t length, FILE *answer)
{
	struct devlink_device device;
	const char *mode = NULL;
	int error = devlink_device_parse(iov, question, &device);

	(void)length;
	iov_sys_asking(iov, "the switch mode of %s, by devlink", question);
	if (!error)
		error = request(&device, NULL, &mode, NULL, 0);
	if (!error && mode)
		fputs(mode, answer);
	return error;
}

/* @mode: one of the words above, NULL for another. */
static int ask_mode(struct iov *iov, const struct devlink_device *device, const char **mode)
{
	struct iov_path question = devlink_text(device);
	_cleanup_free_ char *answer = NULL;
	uint16_t number;
	int error = iov_sys_call(iov, tell_mode, question.name, strlen(question.name), &answer);

	*mode = !error && !mode_number(answer, &number) ? modes[number] : NULL;
	return error;
}

int devlink_eswitch_read(struct iov *iov, const struct devlink_device *device, const char **mode)
{
	int error = netlink_require_host(iov);

	*mode = NULL;
	if (error)
		return error;
	error = ask_mode(iov, device, mode);
	if (error == -ETIMEDOUT)
		return error;
	if (!error && !*mode)
		error = -EOPNOTSUPP;
	if (error == -EOPNOTSUPP)
		return iov_told(iov, error, "%s has no switch modes (devlink); its switch is of the "
				"legacy kind", devlink_text(device).name);
	return error ? iov_told(iov, error, "cannot read the switch mode of %s by devlink: %s%s", devlink_text(device).name,
				strerror(-error), error == -EPERM ? "; run it with sudo" : "") : 0;
}

int iov_eswitch_read(struct iov *iov, struct iov_bdf bdf, const char **mode)
{
	const struct devlink_device device = devlink_of(iov, bdf);

	return devlink_eswitch_read(iov, &device, mode);
}

static int set_mode(struct iov *iov, const struct devlink_device *device, const char *mode)
{
	char answer[256] = "";
	int error;

	iov_sys_asking(iov, "mode %s, by devlink", mode);
	error = request(device, mode, NULL, answer, sizeof(answer));

	if (!error)
		return 0;
	return iov_told(iov, error, "%s%s%s", strerror(-error), *answer ? ": " : "", answer);
}

static int run_eswitch(struct iov *iov, const struct iov_op *op)
{
	const char *wanted = op->eswitch.mode, *now;
	struct devlink_device device;
	int error = devlink_device_parse(iov, op->eswitch.device, &device);

	if (!error)
		error = devlink_eswitch_read(iov, &device, &now);
	if (error == -EOPNOTSUPP && !strcmp(wanted, modes[DEVLINK_ESWITCH_MODE_LEGACY]))
		return 0;
	if (error || !strcmp(now, wanted))
		return error;
	error = set_mode(iov, &device, wanted);
	if (!error)
		error = devlink_eswitch_read(iov, &device, &now);
	if (error || !strcmp(now, wanted))
		return error;
	return iov_fail(iov, -EIO, "the driver took it, but it reads back as %s", now);
}

const struct iov_op_runner eswitch_runner = { IOV_OP_ESWITCH, run_eswitch };
