// SPDX-License-Identifier: GPL-2.0-or-later
/* Changes of ports, rates and subfunctions: a request for each value, so that a refusal has a name. */
#include <errno.h>
#include <linux/devlink.h>
#include <netlink/attr.h>
#include <stdlib.h>
#include <string.h>

#include "base/mac.h"
#include "plugins/net/devlink_abi.h"
#include "plugins/net/devlink_port.h"

/* What a change is about. */
struct change {
	unsigned int port;
	unsigned int pf;
	unsigned int number;
	const char *group;
	const struct devlink_value *value;
	struct json_object *wanted;
};

static int put_bitfield(struct nl_msg *message, int bit, bool on)
{
	const uint32_t field[2] = { on ? UINT32_C(1) << bit : 0, UINT32_C(1) << bit };

	return nla_put(message, FN_ATTR_CAPS, sizeof(field), field);
}

static int put_function_value(struct nl_msg *message, const struct change *change)
{
	uint8_t mac[6];

	switch (change->value->kind) {
	case DEVLINK_HW_ADDR:
		return iov_mac_parse(json_object_get_string(change->wanted), mac) ?
		       nla_put(message, change->value->number, sizeof(mac), mac) : -EINVAL;
	case DEVLINK_STATE:
		return nla_put_u8(message, change->value->number,
				  strcmp(json_object_get_string(change->wanted), "active") ?
				  DEVLINK_PORT_FN_STATE_INACTIVE : DEVLINK_PORT_FN_STATE_ACTIVE);
	case DEVLINK_CAP:
		return put_bitfield(message, change->value->number,
				    json_object_get_boolean(change->wanted));
	case DEVLINK_FN_U32:
		return nla_put_u32(message, change->value->number,
				   (uint32_t)json_object_get_int64(change->wanted));
	default:
		return -EINVAL;
	}
}

static int fill_function(struct nl_msg *message, const void *arg)
{
	const struct change *change = arg;
	struct nlattr *function;
	int error = nla_put_u32(message, DEVLINK_ATTR_PORT_INDEX, change->port);

	if (error)
		return error;
	function = nla_nest_start(message, DEVLINK_ATTR_PORT_FUNCTION | NLA_F_NESTED);
	error = function ? put_function_value(message, change) : -ENOMEM;
	if (function)
		nla_nest_end(message, function);
	return error;
}

static int put_rate_value(struct nl_msg *message, const struct change *change)
{
	uint64_t number = (uint64_t)json_object_get_int64(change->wanted);
	const char *parent = json_object_get_string(change->wanted);

	switch (change->value->kind) {
	case DEVLINK_RATE:
		return nla_put_u64(message, change->value->number, number * RATE_MBIT);
	case DEVLINK_RATE_U32:
		return nla_put_u32(message, change->value->number, (uint32_t)number);
	case DEVLINK_PARENT:
		return nla_put_string(message, change->value->number,
				      strcmp(parent, DEVLINK_NO_PARENT) ? parent : "");
	default:
		return -EINVAL;
	}
}

/* A rate is that of a port, or of a group. */
static int fill_rate(struct nl_msg *message, const void *arg)
{
	const struct change *change = arg;
	int error = change->group ?
		    nla_put_string(message, DEVLINK_ATTR_RATE_NODE_NAME, change->group) :
		    nla_put_u32(message, DEVLINK_ATTR_PORT_INDEX, change->port);

	return error || !change->value ? error : put_rate_value(message, change);
}

static int fill_sf(struct nl_msg *message, const void *arg)
{
	const struct change *change = arg;
	int error = nla_put_u16(message, DEVLINK_ATTR_PORT_FLAVOUR, DEVLINK_PORT_FLAVOUR_PCI_SF);

	if (!error)
		error = nla_put_u16(message, DEVLINK_ATTR_PORT_PCI_PF_NUMBER, (uint16_t)change->pf);
	return error ? error : nla_put_u32(message, DEVLINK_ATTR_PORT_PCI_SF_NUMBER, change->number);
}

static int fill_port(struct nl_msg *message, const void *arg)
{
	const struct change *change = arg;

	return nla_put_u32(message, DEVLINK_ATTR_PORT_INDEX, change->port);
}

static int ask(const struct devlink_device *device, uint8_t command,
	       int (*fill)(struct nl_msg *message, const void *arg), const struct change *change,
	       char *answer, size_t size)
{
	const struct devlink_request request = {
		.device = device, .command = command, .flags = NLM_F_ACK,
		.fill = fill, .fill_arg = change, .answer = answer, .size = size,
	};

	return devlink_ask(&request);
}

int devlink_set(const struct devlink_device *device, unsigned int port, const char *group,
		const char *name, struct json_object *value, char *answer, size_t size)
{
	const struct change change = {
		.port = port, .group = group, .value = devlink_value(name), .wanted = value,
	};

	if (!change.value || (group && !devlink_is_rate(change.value)))
		return -EINVAL;
	if (devlink_is_rate(change.value))
		return ask(device, DEVLINK_CMD_RATE_SET, fill_rate, &change, answer, size);
	return ask(device, DEVLINK_CMD_PORT_SET, fill_function, &change, answer, size);
}

int devlink_group_new(const struct devlink_device *device, const char *group, char *answer, size_t size)
{
	return ask(device, DEVLINK_CMD_RATE_NEW, fill_rate, &(struct change){ .group = group }, answer,
		   size);
}

int devlink_group_del(const struct devlink_device *device, const char *group, char *answer, size_t size)
{
	return ask(device, DEVLINK_CMD_RATE_DEL, fill_rate, &(struct change){ .group = group }, answer,
		   size);
}

int devlink_sf_new(const struct devlink_device *device, unsigned int pf, unsigned int number,
		   char *answer, size_t size)
{
	return ask(device, DEVLINK_CMD_PORT_NEW, fill_sf, &(struct change){ .pf = pf, .number = number },
		   answer, size);
}

int devlink_sf_del(const struct devlink_device *device, unsigned int port, char *answer, size_t size)
{
	return ask(device, DEVLINK_CMD_PORT_DEL, fill_port, &(struct change){ .port = port }, answer,
		   size);
}
