// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What devlink tells of ports: one dump of all ports and, where there are any of VFs or
 * subfunctions, one of all rates, however many VFs there are (Documentation/networking/devlink/
 * devlink-port.rst and devlink-rate in devlink-port.rst of the kernel).
 */
#include "plugins/net/devlink_port.h"

#include <errno.h>
#include <linux/devlink.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mac.h"
#include "plugins/net/devlink_abi.h"

static const struct devlink_value values[] = {
	{ "hw_addr", DEVLINK_HW_ADDR, DEVLINK_PORT_FUNCTION_ATTR_HW_ADDR },
	{ "roce", DEVLINK_CAP, FN_CAP_ROCE },
	{ "migratable", DEVLINK_CAP, FN_CAP_MIGRATABLE },
	{ "ipsec_crypto", DEVLINK_CAP, FN_CAP_IPSEC_CRYPTO },
	{ "ipsec_packet", DEVLINK_CAP, FN_CAP_IPSEC_PACKET },
	{ "max_io_eqs", DEVLINK_FN_U32, FN_ATTR_MAX_IO_EQS },
	{ "tx_parent", DEVLINK_PARENT, DEVLINK_ATTR_RATE_PARENT_NODE_NAME },
	{ "tx_share", DEVLINK_RATE, DEVLINK_ATTR_RATE_TX_SHARE },
	{ "tx_max", DEVLINK_RATE, DEVLINK_ATTR_RATE_TX_MAX },
	{ "tx_priority", DEVLINK_RATE_U32, RATE_ATTR_TX_PRIORITY },
	{ "tx_weight", DEVLINK_RATE_U32, RATE_ATTR_TX_WEIGHT },
	/* Last: its driver sees the function then. */
	{ "state", DEVLINK_STATE, DEVLINK_PORT_FN_ATTR_STATE },
};
#define VALUES (sizeof(values) / sizeof(*values))

const struct devlink_value *devlink_value_at(size_t index)
{
	return index < VALUES ? &values[index] : NULL;
}

const struct devlink_value *devlink_value(const char *name)
{
	for (size_t i = 0; i < VALUES; i++) {
		if (!strcmp(values[i].name, name))
			return &values[i];
	}
	return NULL;
}

bool devlink_is_rate(const struct devlink_value *value)
{
	return value->kind == DEVLINK_RATE || value->kind == DEVLINK_RATE_U32 ||
	       value->kind == DEVLINK_PARENT;
}

static void add_number(struct json_object *json, const char *key, int64_t number)
{
	json_object_object_add(json, key, json_object_new_int64(number));
}

static void add_u32(struct nlmsghdr *header, int type, struct json_object *json, const char *key)
{
	struct nlattr *attribute = devlink_find(header, type, sizeof(uint32_t));

	if (attribute)
		add_number(json, key, nla_get_u32(attribute));
}

static void add_u16(struct nlmsghdr *header, int type, struct json_object *json, const char *key)
{
	struct nlattr *attribute = devlink_find(header, type, sizeof(uint16_t));

	if (attribute)
		add_number(json, key, nla_get_u16(attribute));
}

static void add_text(struct nlmsghdr *header, int type, struct json_object *json, const char *key)
{
	const char *text = devlink_text_of(devlink_find(header, type, 1));

	if (text)
		json_add_text(json, key, text);
}

static void add_hw_addr(struct nlattr *function, struct json_object *json)
{
	struct nlattr *address = devlink_inner(function, DEVLINK_PORT_FUNCTION_ATTR_HW_ADDR, 6);
	char text[IOV_MAC_TEXT];

	/* InfiniBand has longer ones. */
	if (!address || nla_len(address) != 6)
		return;
	iov_mac_format(nla_data(address), text);
	json_add_text(json, "hw_addr", text);
}

/* Which of them the driver knows is told by the second word (struct nla_bitfield32). */
static void add_caps(struct nlattr *function, struct json_object *json)
{
	struct nlattr *attribute = devlink_inner(function, FN_ATTR_CAPS, 2 * sizeof(uint32_t));
	uint32_t caps[2];

	if (!attribute)
		return;
	memcpy(caps, nla_data(attribute), sizeof(caps));
	for (size_t i = 0; i < VALUES; i++) {
		if (values[i].kind == DEVLINK_CAP && caps[1] >> values[i].number & 1)
			json_object_object_add(json, values[i].name, json_object_new_boolean(
						       caps[0] >> values[i].number & 1));
	}
}

static void add_function(struct nlmsghdr *header, struct json_object *json)
{
	struct nlattr *function = devlink_find(header, DEVLINK_ATTR_PORT_FUNCTION, 0), *attribute;

	if (!function)
		return;
	add_hw_addr(function, json);
	add_caps(function, json);
	attribute = devlink_inner(function, FN_ATTR_MAX_IO_EQS, sizeof(uint32_t));
	if (attribute)
		add_number(json, "max_io_eqs", nla_get_u32(attribute));
	attribute = devlink_inner(function, DEVLINK_PORT_FN_ATTR_STATE, 1);
	if (attribute)
		json_add_text(json, "state", nla_get_u8(attribute) == DEVLINK_PORT_FN_STATE_ACTIVE ?
			      "active" : "inactive");
	attribute = devlink_inner(function, DEVLINK_PORT_FN_ATTR_OPSTATE, 1);
	if (attribute)
		json_add_text(json, "opstate", nla_get_u8(attribute) == DEVLINK_PORT_FN_OPSTATE_ATTACHED ?
			      "attached" : "detached");
}

static const char *flavour_of(struct nlmsghdr *header)
{
	static const char *const flavours[] = {
		[DEVLINK_PORT_FLAVOUR_PHYSICAL] = "physical", [DEVLINK_PORT_FLAVOUR_CPU] = "cpu",
		[DEVLINK_PORT_FLAVOUR_DSA] = "dsa", [DEVLINK_PORT_FLAVOUR_PCI_PF] = "pcipf",
		[DEVLINK_PORT_FLAVOUR_PCI_VF] = "pcivf", [DEVLINK_PORT_FLAVOUR_VIRTUAL] = "virtual",
		[DEVLINK_PORT_FLAVOUR_UNUSED] = "unused", [DEVLINK_PORT_FLAVOUR_PCI_SF] = "pcisf",
	};
	struct nlattr *attribute = devlink_find(header, DEVLINK_ATTR_PORT_FLAVOUR, sizeof(uint16_t));
	size_t number = attribute ? nla_get_u16(attribute) : 0;

	return !attribute || number >= sizeof(flavours) / sizeof(*flavours) ? "other" : flavours[number];
}

/* What is gathered of one device. */
struct gathering {
	const struct devlink_device *device;
	struct json_object *ports;
	struct json_object *groups;
	bool functions;		/* there are ports of VFs or subfunctions */
};

static void on_port(struct nlmsghdr *header, void *arg)
{
	struct nlattr *external = devlink_find(header, DEVLINK_ATTR_PORT_EXTERNAL, 1);
	struct gathering *gathering = arg;
	struct json_object *json;

	if (!devlink_is_of(header, gathering->device) ||
	    !devlink_find(header, DEVLINK_ATTR_PORT_INDEX, sizeof(uint32_t)))
		return;
	json = json_object_new_object();
	add_u32(header, DEVLINK_ATTR_PORT_INDEX, json, "port");
	json_add_text(json, "flavour", flavour_of(header));
	add_u16(header, DEVLINK_ATTR_PORT_PCI_PF_NUMBER, json, "pf");
	add_u16(header, DEVLINK_ATTR_PORT_PCI_VF_NUMBER, json, "vf");
	add_u32(header, DEVLINK_ATTR_PORT_PCI_SF_NUMBER, json, "sf");
	add_u32(header, DEVLINK_ATTR_PORT_CONTROLLER_NUMBER, json, "controller");
	json_object_object_add(json, "external", json_object_new_boolean(
				       external && nla_get_u8(external)));
	add_text(header, DEVLINK_ATTR_PORT_NETDEV_NAME, json, "netdev");
	add_text(header, DEVLINK_ATTR_PORT_IBDEV_NAME, json, "rdma");
	add_function(header, json);
	gathering->functions |= !strncmp(json_text(json, "flavour"), "pci", 3);
	json_object_array_add(gathering->ports, json);
}

/* Mbit/s; what is less than one is not nothing. */
static void add_rate(struct nlmsghdr *header, const struct devlink_value *value,
		     struct json_object *json)
{
	struct nlattr *attribute = devlink_find(header, value->number, sizeof(uint64_t));
	uint64_t bytes = attribute ? nla_get_u64(attribute) : 0;

	if (attribute)
		add_number(json, value->name, (int64_t)(bytes / RATE_MBIT + !!(bytes % RATE_MBIT)));
}

static void add_rates(struct nlmsghdr *header, struct json_object *json)
{
	const char *parent = devlink_text_of(devlink_find(header, DEVLINK_ATTR_RATE_PARENT_NODE_NAME, 1));

	for (size_t i = 0; i < VALUES; i++) {
		if (values[i].kind == DEVLINK_RATE)
			add_rate(header, &values[i], json);
		if (values[i].kind == DEVLINK_RATE_U32)
			add_u32(header, values[i].number, json, values[i].name);
	}
	json_add_text(json, "tx_parent", parent ? parent : DEVLINK_NO_PARENT);
}

static void on_rate(struct nlmsghdr *header, void *arg)
{
	const char *name = devlink_text_of(devlink_find(header, DEVLINK_ATTR_RATE_NODE_NAME, 1));
	struct nlattr *port = devlink_find(header, DEVLINK_ATTR_PORT_INDEX, sizeof(uint32_t));
	struct gathering *gathering = arg;
	struct json_object *json;

	if (!devlink_is_of(header, gathering->device))
		return;
	if (name) {
		json = json_object_new_object();
		json_add_text(json, "name", name);
		add_rates(header, json);
		json_object_array_add(gathering->groups, json);
	}
	for (size_t i = 0; !name && port && i < json_object_array_length(gathering->ports); i++) {
		json = json_object_array_get_idx(gathering->ports, i);
		if (json_object_get_int64(json_object_object_get(json, "port")) == nla_get_u32(port))
			add_rates(header, json);
	}
}

static int dump(uint8_t command, struct gathering *gathering,
		void (*on_message)(struct nlmsghdr *header, void *arg))
{
	const struct devlink_request request = {
		.device = gathering->device, .command = command, .flags = NLM_F_DUMP,
		.on_message = on_message, .arg = gathering,
	};
	int error = devlink_ask(&request);

	/* Kernels that lack it, and devices that devlink does not know. */
	return error == -EOPNOTSUPP || error == -ENODEV || error == -EINVAL ? 0 : error;
}

int devlink_ports(const struct devlink_device *device, struct json_object **ports,
		  struct json_object **groups)
{
	struct gathering gathering = {
		.device = device,
		.ports = json_object_new_array(), .groups = json_object_new_array(),
	};
	int error = dump(DEVLINK_CMD_PORT_GET, &gathering, on_port);

	if (!error && groups && gathering.functions)
		error = dump(DEVLINK_CMD_RATE_GET, &gathering, on_rate);
	*ports = gathering.ports;
	if (groups)
		*groups = gathering.groups;
	else
		json_object_put(gathering.groups);
	return error;
}

struct json_object *devlink_port_of(struct json_object *ports, const char *flavour, const char *key,
				    unsigned int number)
{
	for (size_t i = 0; i < json_object_array_length(ports); i++) {
		struct json_object *port = json_object_array_get_idx(ports, i), *value;

		/* A VF of another host, as cards have that are one themselves. */
		if (!strcmp(json_text(port, "flavour"), flavour) &&
		    !json_object_get_boolean(json_object_object_get(port, "external")) &&
		    json_object_object_get_ex(port, key, &value) &&
		    json_object_get_int64(value) == number)
			return port;
	}
	return NULL;
}
