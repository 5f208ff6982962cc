// SPDX-License-Identifier: GPL-2.0-or-later
/* Which device devlink has for a function, and one request to it. */
#include <errno.h>
#include <linux/devlink.h>
#include <netlink/attr.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <stdio.h>
#include <string.h>

#include "base/pci/interface.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "plugins/net/devlink.h"
#include "plugins/net/netlink.h"

#define PCI "pci"

struct devlink_device devlink_pci(struct iov_bdf bdf)
{
	struct devlink_device device = { .bus = PCI };

	snprintf(device.name, sizeof(device.name), "%s", IOV_BDF(bdf));
	return device;
}

struct devlink_device devlink_of(struct iov *iov, struct iov_bdf bdf)
{
	struct devlink_device device;
	char interface[IOV_INTERFACE_SIZE];

	if (!iov_interface_of(iov, bdf, -1, interface) &&
	    !iov_sys_link_name(iov, iov_path(IOV_PATH_CLASS_NET "/%s/device/subsystem", interface).name,
			       device.bus, sizeof(device.bus)) &&
	    !iov_sys_link_name(iov, iov_path(IOV_PATH_CLASS_NET "/%s/device", interface).name,
			       device.name, sizeof(device.name)) && strcmp(device.bus, "virtio"))
		return device;
	return devlink_pci(bdf);
}

int devlink_device_parse(struct iov *iov, const char *text, struct devlink_device *device)
{
	const char *slash = strchr(text, '/');
	size_t bus = slash ? (size_t)(slash - text) : 0, name = slash ? strlen(slash + 1) : 0;
	struct iov_bdf bdf;
	int error;

	if (slash) {
		if (!bus || bus >= sizeof(device->bus) || !name || name >= sizeof(device->name))
			return iov_fail(iov, -EINVAL, "%s: expected BUS/NAME, as 'devlink dev' "
					"shows devices", text);
		snprintf(device->bus, sizeof(device->bus), "%.*s", (int)bus, text);
		snprintf(device->name, sizeof(device->name), "%s", slash + 1);
		return 0;
	}
	error = iov_bdf_parse(iov, text, &bdf);
	if (!error)
		*device = devlink_of(iov, bdf);
	return error;
}

struct iov_path devlink_text(const struct devlink_device *device)
{
	if (!strcmp(device->bus, PCI))
		return iov_path("%s", device->name);
	return iov_path("%s/%s", device->bus, device->name);
}

struct iov_path devlink_path(const struct devlink_device *device)
{
	return iov_path(IOV_PATH_BUS "/%s/devices/%s", device->bus, device->name);
}

struct nl_msg *devlink_message(int family, const struct devlink_request *request)
{
	struct nl_msg *message = nlmsg_alloc();

	if (!message)
		return NULL;
	if (genlmsg_put(message, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, NLM_F_REQUEST | request->flags,
			request->command, DEVLINK_GENL_VERSION) &&
	    (!request->device ||
	     (!nla_put_string(message, DEVLINK_ATTR_BUS_NAME, request->device->bus) &&
	      !nla_put_string(message, DEVLINK_ATTR_DEV_NAME, request->device->name))) &&
	    (!request->fill || !request->fill(message, request->fill_arg)))
		return message;
	nlmsg_free(message);
	return NULL;
}

int devlink_ask(const struct devlink_request *request)
{
	struct netlink netlink = {
		.on_message = request->on_message, .arg = request->arg,
		.answer = request->answer, .answer_size = request->size,
	};
	int error = netlink_open(&netlink, NETLINK_GENERIC), family;
	struct nl_msg *message;

	if (!error) {
		family = genl_ctrl_resolve(netlink.socket, DEVLINK_GENL_NAME);
		error = family < 0 ? -EOPNOTSUPP : 0;
	}
	if (!error) {
		message = devlink_message(family, request);
		if (!(request->flags & NLM_F_ACK))
			nl_socket_disable_auto_ack(netlink.socket);
		error = message ? netlink_transact(&netlink, message) : -ENOMEM;
	}
	netlink_close(&netlink);
	return error;
}

struct nlattr *devlink_find(struct nlmsghdr *header, int type, size_t size)
{
	struct nlattr *attribute = genlmsg_valid_hdr(header, 0) ?
				   nlmsg_find_attr(header, GENL_HDRLEN, type) : NULL;

	return attribute && nla_len(attribute) >= (int)size ? attribute : NULL;
}

struct nlattr *devlink_inner(struct nlattr *nest, int type, size_t size)
{
	struct nlattr *attribute = nla_find(nla_data(nest), nla_len(nest), type);

	return attribute && nla_len(attribute) >= (int)size ? attribute : NULL;
}

const char *devlink_text_of(struct nlattr *attribute)
{
	if (!attribute || nla_len(attribute) < 1 ||
	    !memchr(nla_data(attribute), '\0', (size_t)nla_len(attribute)))
		return NULL;
	return nla_data(attribute);
}

bool devlink_is_of(struct nlmsghdr *header, const struct devlink_device *device)
{
	const char *bus = devlink_text_of(devlink_find(header, DEVLINK_ATTR_BUS_NAME, 1));
	const char *name = devlink_text_of(devlink_find(header, DEVLINK_ATTR_DEV_NAME, 1));

	return bus && name && !strcmp(bus, device->bus) && !strcmp(name, device->name);
}
