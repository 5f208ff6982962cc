// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The mode of a NIC's embedded switch, by generic netlink.  A device that devlink does not
 * know, or that has no modes, has a switch of the legacy kind.
 */
#include "plugins/net/devlink.h"

#include <errno.h>
#include <linux/devlink.h>
#include <netlink/attr.h>
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

static int put_mode(struct nl_msg *message, const void *mode)
{
	uint16_t number;
	int error = mode_number(mode, &number);

	return error ? error : nla_put_u16(message, DEVLINK_ATTR_ESWITCH_MODE, number);
}

struct devlink_request devlink_eswitch_request(const struct devlink_device *device, const char *mode)
{
	return (struct devlink_request){
		.device = device, .command = mode ? DEVLINK_CMD_ESWITCH_SET : DEVLINK_CMD_ESWITCH_GET,
		.flags = mode ? NLM_F_ACK : 0, .fill = mode ? put_mode : NULL, .fill_arg = mode,
	};
}

const char *devlink_eswitch_mode(struct nlmsghdr *header)
{
	struct nlattr *attribute = devlink_find(header, DEVLINK_ATTR_ESWITCH_MODE, sizeof(uint16_t));

	return attribute && nla_get_u16(attribute) < MODES ? modes[nla_get_u16(attribute)] : NULL;
}

static void on_eswitch(struct nlmsghdr *header, void *arg)
{
	const char **mode = arg;

	*mode = devlink_eswitch_mode(header);
}

/* A device that devlink does not know has no modes. */
static int ask(const struct devlink_request *request)
{
	int error = devlink_ask(request);

	return error == -ENODEV ? -EOPNOTSUPP : error;
}

/* Of the text that names a device answers the mode. */
static int tell_mode(struct iov *iov, const char *question, size_t length, FILE *answer)
{
	struct devlink_device device;
	struct devlink_request request;
	const char *mode = NULL;
	int error = devlink_device_parse(iov, question, &device);

	(void)length;
	if (error)
		return error;
	iov_sys_asking(iov, "the switch mode of %s, by devlink", question);
	request = devlink_eswitch_request(&device, NULL);
	request.on_message = on_eswitch;
	request.arg = &mode;
	error = ask(&request);
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
	struct devlink_request request = devlink_eswitch_request(device, mode);
	char answer[256] = "";
	int error;

	request.answer = answer;
	request.size = sizeof(answer);
	iov_sys_asking(iov, "mode %s, by devlink", mode);
	error = ask(&request);
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
