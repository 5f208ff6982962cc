// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a NIC has by devlink, at a NIC that is played: its ports, functions, rates, groups, parameters
 * and subfunctions, and all that it was asked to change, in order. No emulated NIC has subfunctions or
 * functions that can be set; this was not tried on hardware.
 */
#include "tests/unit/test.h"

#include <errno.h>
#include <linux/devlink.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/plan/plan.h"
#include "base/sysroot/sysroot.h"
#include "plugins/net/devlink_abi.h"
#include "plugins/net/devlink_port.h"
#include "plugins/net/net.h"
#include "plugins/net/netlink.h"
#include "plugins/net/nic_internal.h"
#include "tests/unit/said.h"
#include "tests/unit/tree.h"

#define PF "0000:01:00.0"
#define VF "0000:01:00.1"
#define PF_PATH "sys/devices/pci0000:00/" PF
#define SF_NAME "mlx5_core.sf.4"
#define FAMILY 21
#define PORTS 4
#define GROUPS 3

/* A port of the played NIC: 0 its own, 1 that of VF 0, others of subfunctions. */
struct port {
	bool there;
	bool is_sf;
	unsigned int number;
	uint8_t mac[6];
	uint32_t caps;
	uint32_t eqs;
	bool active;
	bool attached;
	uint64_t share, max;
	uint32_t weight;
	char parent[32];
};

static struct {
	char *tree;
	struct iov *iov;
	struct port ports[PORTS];
	char groups[GROUPS][32];
	uint32_t param;
	bool switch_param;
	char log[2048];		/* "sf-new 8; set 2 hw_addr; " of each change */
	int asked;		/* dumps */
	const char *refuse;	/* part of the log of a change that is refused */
	const char *forget;	/* the same, taken and forgotten */
	bool clings;		/* the driver never lets go of a subfunction */
	const char *mode;	/* of its switch, NULL for a driver without modes */
	bool noise;		/* answers have what nobody asked for, cut short */
} nic;

bool __wrap_iov_sys_is_host(const struct iov *iov);
int __wrap_netlink_require_host(struct iov *iov);
int __wrap_netlink_open(struct netlink *netlink, int protocol);
void __wrap_netlink_close(struct netlink *netlink);
int __wrap_genl_ctrl_resolve(struct nl_sock *socket, const char *name);
int __wrap_netlink_transact(struct netlink *netlink, struct nl_msg *message);

bool __wrap_iov_sys_is_host(const struct iov *iov)
{
	(void)iov;
	return true;
}

int __wrap_netlink_require_host(struct iov *iov)
{
	(void)iov;
	return 0;
}

int __wrap_netlink_open(struct netlink *netlink, int protocol)
{
	(void)protocol;
	netlink->socket = nl_socket_alloc();
	return 0;
}

void __wrap_netlink_close(struct netlink *netlink)
{
	nl_socket_free(netlink->socket);
}

int __wrap_genl_ctrl_resolve(struct nl_sock *socket, const char *name)
{
	(void)socket;
	assert_string_equal(name, DEVLINK_GENL_NAME);
	return FAMILY;
}

static struct nl_msg *answer_about(const char *bus, const char *name)
{
	struct nl_msg *message = nlmsg_alloc();

	genlmsg_put(message, 0, 0, FAMILY, 0, NLM_F_MULTI, DEVLINK_CMD_NEW, 1);
	nla_put_string(message, DEVLINK_ATTR_BUS_NAME, bus);
	nla_put_string(message, DEVLINK_ATTR_DEV_NAME, name);
	return message;
}

static void send_on(struct netlink *netlink, struct nl_msg *message)
{
	if (netlink->on_message)
		netlink->on_message(nlmsg_hdr(message), netlink->arg);
	nlmsg_free(message);
}

/* Of another device, and attributes that are too short or have no end. */
static void send_noise(struct netlink *netlink)
{
	struct nl_msg *message = answer_about("pci", "0000:09:00.0");

	nla_put_u32(message, DEVLINK_ATTR_PORT_INDEX, 2);
	nla_put_u16(message, DEVLINK_ATTR_PORT_FLAVOUR, DEVLINK_PORT_FLAVOUR_PCI_SF);
	nla_put_u32(message, DEVLINK_ATTR_PORT_PCI_SF_NUMBER, 99);
	send_on(netlink, message);
	message = answer_about("pci", PF);
	nla_put_u8(message, DEVLINK_ATTR_PORT_INDEX, 2);
	nla_put(message, DEVLINK_ATTR_PORT_NETDEV_NAME, 3, "abc");
	nla_put(message, DEVLINK_ATTR_PARAM, 2, "xx");
	nla_put(message, DEVLINK_ATTR_RATE_NODE_NAME, 2, "zz");
	send_on(netlink, message);
	message = answer_about("pci", PF);
	nla_put_u32(message, DEVLINK_ATTR_PORT_INDEX, 77);
	nla_put_u16(message, DEVLINK_ATTR_PORT_FLAVOUR, 4711);
	nla_put(message, DEVLINK_ATTR_PORT_FUNCTION, 3, "xxx");
	nla_put_u8(message, DEVLINK_ATTR_RATE_TX_MAX, 1);
	send_on(netlink, message);
}

static void put_function(struct nl_msg *message, const struct port *port)
{
	const uint32_t caps[2] = { port->caps, 0x3 };
	struct nlattr *nest = nla_nest_start(message, DEVLINK_ATTR_PORT_FUNCTION);

	nla_put(message, DEVLINK_PORT_FUNCTION_ATTR_HW_ADDR, 6, port->mac);
	nla_put(message, FN_ATTR_CAPS, sizeof(caps), caps);
	nla_put_u32(message, FN_ATTR_MAX_IO_EQS, port->eqs);
	if (port->is_sf) {
		nla_put_u8(message, DEVLINK_PORT_FN_ATTR_STATE, port->active);
		nla_put_u8(message, DEVLINK_PORT_FN_ATTR_OPSTATE, port->attached);
	}
	nla_nest_end(message, nest);
}

static void send_port(struct netlink *netlink, unsigned int index)
{
	const struct port *port = &nic.ports[index];
	struct nl_msg *message = answer_about("pci", PF);

	nla_put_u32(message, DEVLINK_ATTR_PORT_INDEX, index);
	nla_put_u16(message, DEVLINK_ATTR_PORT_FLAVOUR, !index ? DEVLINK_PORT_FLAVOUR_PHYSICAL : port->is_sf ?
		    DEVLINK_PORT_FLAVOUR_PCI_SF : DEVLINK_PORT_FLAVOUR_PCI_VF);
	if (index) {
		nla_put_u16(message, DEVLINK_ATTR_PORT_PCI_PF_NUMBER, 3);
		nla_put_u8(message, DEVLINK_ATTR_PORT_EXTERNAL, 0);
		put_function(message, port);
	}
	if (port->is_sf)
		nla_put_u32(message, DEVLINK_ATTR_PORT_PCI_SF_NUMBER, port->number);
	else if (index)
		nla_put_u16(message, DEVLINK_ATTR_PORT_PCI_VF_NUMBER, (uint16_t)port->number);
	nla_put_string(message, DEVLINK_ATTR_PORT_NETDEV_NAME, iov_path("port%u", index).name);
	send_on(netlink, message);
}

static void send_rate(struct netlink *netlink, unsigned int index)
{
	const struct port *port = &nic.ports[index];
	struct nl_msg *message = answer_about("pci", PF);

	nla_put_u16(message, DEVLINK_ATTR_RATE_TYPE, DEVLINK_RATE_TYPE_LEAF);
	nla_put_u32(message, DEVLINK_ATTR_PORT_INDEX, index);
	nla_put_u64(message, DEVLINK_ATTR_RATE_TX_SHARE, port->share);
	nla_put_u64(message, DEVLINK_ATTR_RATE_TX_MAX, port->max);
	nla_put_u32(message, RATE_ATTR_TX_WEIGHT, port->weight);
	if (*port->parent)
		nla_put_string(message, DEVLINK_ATTR_RATE_PARENT_NODE_NAME, port->parent);
	send_on(netlink, message);
}

static void send_group(struct netlink *netlink, const char *name)
{
	struct nl_msg *message = answer_about("pci", PF);

	nla_put_u16(message, DEVLINK_ATTR_RATE_TYPE, DEVLINK_RATE_TYPE_NODE);
	nla_put_string(message, DEVLINK_ATTR_RATE_NODE_NAME, name);
	nla_put_u64(message, DEVLINK_ATTR_RATE_TX_MAX, 0);
	send_on(netlink, message);
}

static void send_param(struct netlink *netlink, const char *name, int type, int cmode, bool on)
{
	struct nl_msg *message = answer_about("pci", PF);
	struct nlattr *param = nla_nest_start(message, DEVLINK_ATTR_PARAM), *list, *value;

	nla_put_string(message, DEVLINK_ATTR_PARAM_NAME, name);
	nla_put_flag(message, DEVLINK_ATTR_PARAM_GENERIC);
	nla_put_u8(message, DEVLINK_ATTR_PARAM_TYPE, (uint8_t)type);
	list = nla_nest_start(message, DEVLINK_ATTR_PARAM_VALUES_LIST);
	value = nla_nest_start(message, DEVLINK_ATTR_PARAM_VALUE);
	nla_put_u8(message, DEVLINK_ATTR_PARAM_VALUE_CMODE, (uint8_t)cmode);
	if (type == 3)
		nla_put_u32(message, DEVLINK_ATTR_PARAM_VALUE_DATA, nic.param);
	else if (on)
		nla_put_flag(message, DEVLINK_ATTR_PARAM_VALUE_DATA);
	nla_nest_end(message, value);
	nla_nest_end(message, list);
	nla_nest_end(message, param);
	send_on(netlink, message);
}

static int dump(struct netlink *netlink, uint8_t command)
{
	nic.asked++;
	if (nic.noise)
		send_noise(netlink);
	for (unsigned int i = 0; i < PORTS; i++) {
		if (command == DEVLINK_CMD_PORT_GET && nic.ports[i].there)
			send_port(netlink, i);
		if (command == DEVLINK_CMD_RATE_GET && i && nic.ports[i].there)
			send_rate(netlink, i);
	}
	for (unsigned int i = 0; command == DEVLINK_CMD_RATE_GET && i < GROUPS; i++) {
		if (*nic.groups[i])
			send_group(netlink, nic.groups[i]);
	}
	if (command == DEVLINK_CMD_PARAM_GET) {
		send_param(netlink, "max_macs", 3, DEVLINK_PARAM_CMODE_DRIVERINIT, false);
		send_param(netlink, "enable_roce", 6, DEVLINK_PARAM_CMODE_RUNTIME, nic.switch_param);
	}
	return 0;
}

/* Note a change; what the NIC says to it. */
static int note(struct netlink *netlink, const char *text)
{
	size_t length = strlen(nic.log);

	snprintf(nic.log + length, sizeof(nic.log) - length, "%s; ", text);
	if (!nic.refuse || !strstr(text, nic.refuse))
		return 0;
	snprintf(netlink->answer, netlink->answer_size, "Not in this firmware");
	return -EOPNOTSUPP;
}

static struct nlattr *get(struct nl_msg *message, int type)
{
	return nlmsg_find_attr(nlmsg_hdr(message), GENL_HDRLEN, type);
}

static bool forgets(const char *text)
{
	return nic.forget && strstr(text, nic.forget);
}

static int set_function(struct netlink *netlink, unsigned int index, struct nlattr *nest)
{
	struct nlattr *attribute = nla_data(nest);
	struct port *port = &nic.ports[index];
	struct iov_path text = iov_path("?%s", "");
	uint32_t caps[2];
	int error;

	assert_true(nest->nla_type & NLA_F_NESTED);
	switch (nla_type(attribute)) {
	case DEVLINK_PORT_FUNCTION_ATTR_HW_ADDR:
		text = iov_path("set %u hw_addr", index);
		break;
	case DEVLINK_PORT_FN_ATTR_STATE:
		text = iov_path("set %u state %u", index, nla_get_u8(attribute));
		break;
	case FN_ATTR_CAPS:
		memcpy(caps, nla_data(attribute), sizeof(caps));
		text = iov_path("set %u caps %x/%x", index, caps[0], caps[1]);
		break;
	case FN_ATTR_MAX_IO_EQS:
		text = iov_path("set %u eqs %u", index, nla_get_u32(attribute));
		break;
	}
	error = note(netlink, text.name);
	if (error || forgets(text.name))
		return error;
	if (nla_type(attribute) == DEVLINK_PORT_FUNCTION_ATTR_HW_ADDR)
		memcpy(port->mac, nla_data(attribute), 6);
	else if (nla_type(attribute) == FN_ATTR_CAPS)
		port->caps = (port->caps & ~caps[1]) | caps[0];
	else if (nla_type(attribute) == FN_ATTR_MAX_IO_EQS)
		port->eqs = nla_get_u32(attribute);
	else
		port->active = nla_get_u8(attribute);
	port->attached = port->active || (port->attached && nic.clings);
	return 0;
}

static int set_rate(struct netlink *netlink, struct nl_msg *message)
{
	struct nlattr *node = get(message, DEVLINK_ATTR_RATE_NODE_NAME), *attribute;
	unsigned int index = node ? 0 : nla_get_u32(get(message, DEVLINK_ATTR_PORT_INDEX));
	struct iov_path who = node ? iov_path("%s", nla_get_string(node)) : iov_path("%u", index);
	struct port *port = &nic.ports[index];
	int error = -EINVAL;

	if ((attribute = get(message, DEVLINK_ATTR_RATE_TX_MAX))) {
		error = note(netlink, iov_path("rate %s max %llu", who.name,
					       (unsigned long long)nla_get_u64(attribute)).name);
		port->max = error || node ? port->max : nla_get_u64(attribute);
	} else if ((attribute = get(message, DEVLINK_ATTR_RATE_TX_SHARE))) {
		error = note(netlink, iov_path("rate %s share %llu", who.name,
					       (unsigned long long)nla_get_u64(attribute)).name);
		port->share = error ? port->share : nla_get_u64(attribute);
	} else if ((attribute = get(message, RATE_ATTR_TX_WEIGHT))) {
		error = note(netlink, iov_path("rate %s weight %u", who.name, nla_get_u32(attribute)).name);
		port->weight = error ? port->weight : nla_get_u32(attribute);
	} else if ((attribute = get(message, DEVLINK_ATTR_RATE_PARENT_NODE_NAME))) {
		error = note(netlink, iov_path("rate %s parent '%s'", who.name, nla_get_string(attribute)).name);
		if (!error)
			snprintf(port->parent, sizeof(port->parent), "%s", nla_get_string(attribute));
	}
	return error;
}

static int new_sf(struct netlink *netlink, struct nl_msg *message)
{
	unsigned int number = nla_get_u32(get(message, DEVLINK_ATTR_PORT_PCI_SF_NUMBER)), index = 2;
	int error = note(netlink, iov_path("sf-new %u of pf %u", number, nla_get_u16(
				get(message, DEVLINK_ATTR_PORT_PCI_PF_NUMBER))).name);

	assert_int_equal(nla_get_u16(get(message, DEVLINK_ATTR_PORT_FLAVOUR)), DEVLINK_PORT_FLAVOUR_PCI_SF);
	while (index < PORTS && nic.ports[index].there)
		index++;
	if (error || index == PORTS)
		return error ? error : -ENOSPC;
	nic.ports[index] = (struct port){ .there = true, .is_sf = true, .number = number };
	return 0;
}

static int change_group(struct netlink *netlink, struct nl_msg *message, bool add)
{
	const char *name = nla_get_string(get(message, DEVLINK_ATTR_RATE_NODE_NAME));
	int error = note(netlink, iov_path("group-%s %s", add ? "new" : "del", name).name);

	for (unsigned int i = 0; !error && i < GROUPS; i++) {
		if (strcmp(nic.groups[i], add ? "" : name))
			continue;
		snprintf(nic.groups[i], sizeof(nic.groups[i]), "%s", add ? name : "");
		return 0;
	}
	return error;
}

static int set_param(struct netlink *netlink, struct nl_msg *message)
{
	struct nlattr *data = get(message, DEVLINK_ATTR_PARAM_VALUE_DATA);
	bool is_switch = nla_get_u8(get(message, DEVLINK_ATTR_PARAM_TYPE)) == 6;
	int error = note(netlink, iov_path("param %s mode %u %u",
		nla_get_string(get(message, DEVLINK_ATTR_PARAM_NAME)),
		nla_get_u8(get(message, DEVLINK_ATTR_PARAM_VALUE_CMODE)),
		is_switch ? data != NULL : nla_get_u32(data)).name);

	if (error)
		return error;
	if (is_switch)
		nic.switch_param = data != NULL;
	else
		nic.param = nla_get_u32(data);
	return 0;
}

static int change(struct netlink *netlink, struct nl_msg *message, uint8_t command)
{
	struct nlattr *port = get(message, DEVLINK_ATTR_PORT_INDEX);
	unsigned int index = port ? nla_get_u32(port) : 0;
	int error;

	assert_true(index < PORTS);
	assert_true(nlmsg_hdr(message)->nlmsg_flags & NLM_F_ACK);
	switch (command) {
	case DEVLINK_CMD_PORT_SET:
		return set_function(netlink, index, get(message, DEVLINK_ATTR_PORT_FUNCTION));
	case DEVLINK_CMD_PORT_NEW:
		return new_sf(netlink, message);
	case DEVLINK_CMD_PORT_DEL:
		error = note(netlink, iov_path("sf-del at %u", index).name);
		nic.ports[index].there &= error != 0;
		return error;
	case DEVLINK_CMD_RATE_SET:
		return set_rate(netlink, message);
	case DEVLINK_CMD_RATE_NEW:
	case DEVLINK_CMD_RATE_DEL:
		return change_group(netlink, message, command == DEVLINK_CMD_RATE_NEW);
	case DEVLINK_CMD_PARAM_SET:
		return set_param(netlink, message);
	case DEVLINK_CMD_RELOAD:
		return note(netlink, "reload");
	default:
		return -EOPNOTSUPP;
	}
}

static int send_mode(struct netlink *netlink)
{
	struct nl_msg *message;

	if (!nic.mode)
		return -EOPNOTSUPP;
	message = answer_about("pci", PF);
	nla_put_u16(message, DEVLINK_ATTR_ESWITCH_MODE, !strcmp(nic.mode, "switchdev"));
	send_on(netlink, message);
	return 0;
}

/* What rtnetlink is asked to set of one VF. */
static int set_vf_by_link(struct netlink *netlink, struct nlmsghdr *header)
{
	struct nlattr *list = nlmsg_find_attr(header, sizeof(struct ifinfomsg), IFLA_VFINFO_LIST);
	struct nlattr *attribute = nla_data((struct nlattr *)nla_data(list));
	const struct ifla_vf_mac *mac = nla_data(attribute);
	struct ifla_vf_guid guid; /* attributes are aligned to four bytes only */

	assert_int_equal(((struct ifinfomsg *)nlmsg_data(header))->ifi_index, 7);
	if (nla_type(attribute) == IFLA_VF_MAC)
		return note(netlink, iov_path("vf %u mac %02x..%02x", mac->vf, mac->mac[0], mac->mac[5]).name);
	assert_int_equal(nla_len(attribute), sizeof(guid));
	memcpy(&guid, nla_data(attribute), sizeof(guid));
	return note(netlink, iov_path("vf %u %s %#llx", guid.vf,
				      nla_type(attribute) == IFLA_VF_IB_NODE_GUID ? "node" :
				      nla_type(attribute) == IFLA_VF_IB_PORT_GUID ? "port" : "?",
				      (unsigned long long)guid.guid).name);
}

int __wrap_netlink_transact(struct netlink *netlink, struct nl_msg *message)
{
	struct nlmsghdr *header = nlmsg_hdr(message);
	uint8_t command = genlmsg_hdr(header)->cmd;
	int error;

	if (header->nlmsg_type == RTM_SETLINK) {
		error = set_vf_by_link(netlink, header);
		nlmsg_free(message);
		return error;
	}
	assert_string_equal(nla_get_string(get(message, DEVLINK_ATTR_BUS_NAME)), "pci");
	assert_string_equal(nla_get_string(get(message, DEVLINK_ATTR_DEV_NAME)), PF);
	if (command == DEVLINK_CMD_ESWITCH_GET)
		error = send_mode(netlink);
	else
		error = header->nlmsg_flags & NLM_F_DUMP ? dump(netlink, command) : change(netlink, message, command);
	nlmsg_free(message);
	return error;
}

static int on_write(void *arg, struct iov *iov, const char *path, const char *text)
{
	(void)arg;
	(void)iov;
	(void)path;
	(void)text;
	return 0;
}

static int setup(void **state)
{
	(void)state;
	memset(&nic, 0, sizeof(nic));
	nic.tree = tree_new();
	nic.iov = tree_open(nic.tree);
	iov_sys_on_write(nic.iov, on_write, NULL);
	nic.ports[0].there = nic.ports[1].there = true;
	nic.ports[1].caps = 1;
	nic.param = 32;
	tree_file(nic.tree, "proc/sys/kernel/random/boot_id", "this-boot\n");
	tree_file(nic.tree, PF_PATH "/class", "0x020000\n");
	tree_file(nic.tree, PF_PATH "/sriov_totalvfs", "4\n");
	tree_link(nic.tree, "sys/bus/pci/devices/" PF, "../../../devices/pci0000:00/" PF);
	tree_file(nic.tree, "sys/devices/pci0000:00/" VF "/class", "0x020000\n");
	tree_link(nic.tree, "sys/bus/pci/devices/" VF, "../../../devices/pci0000:00/" VF);
	tree_link(nic.tree, PF_PATH "/virtfn0", "../" VF);
	assert_int_equal(iov_op_register(nic.iov, &devlink_runner), 0);
	return iov_op_register(nic.iov, &interfaces_runner);
}

static int teardown(void **state)
{
	(void)state;
	iov_close(nic.iov);
	tree_remove(nic.tree);
	return 0;
}

#define assert_message(part) assert_said(nic.iov, part)

static int run(struct iov_plan *plan, int error)
{
	nic.log[0] = '\0';
	if (!error)
		error = iov_plan_run(plan, &(struct iov_plan_options){ .verify_timeout = 20 });
	iov_plan_free(plan);
	return error;
}

static struct iov_plan *new_plan(void)
{
	struct iov_plan *plan;

	assert_int_equal(iov_plan_new(&plan, nic.iov, "test"), 0);
	return plan;
}

/* "hw_addr=02:...", ended by NULL */
static int give_sf(unsigned int number, unsigned int flags, const char *const *settings)
{
	_cleanup_json_ struct json_object *values = json_object_new_object();
	struct iov_plan *plan = new_plan();

	for (; *settings; settings++) {
		struct iov_path name = iov_path("%.*s", (int)strcspn(*settings, "="), *settings);

		assert_int_equal(iov_sf_value_parse(nic.iov, name.name, strchr(*settings, '=') + 1, values), 0);
	}
	return run(plan, iov_sf_plan(plan, PF, number, values, flags));
}

#define SF(number, ...) give_sf(number, 0, (const char *const[]){ __VA_ARGS__ __VA_OPT__(,) NULL })
#define SET_SF(number, ...) give_sf(number, IOV_NIC_EXISTS, (const char *const[]){ __VA_ARGS__, NULL })

static int remove_sf(unsigned int number)
{
	struct iov_plan *plan = new_plan();

	return run(plan, iov_sf_remove_plan(plan, PF, number));
}

static void a_subfunction_has_its_address_before_it_is_active(void **state)
{
	(void)state;
	assert_int_equal(SF(8, "state=active", "tx_max=100", "roce=on", "hw_addr=02:00:00:00:00:08",
			    "max_io_eqs=4"), 0);
	assert_string_equal(nic.log, "sf-new 8 of pf 3; set 2 hw_addr; set 2 caps 1/1; set 2 eqs 4; "
				     "rate 2 max 12500000; set 2 state 1; ");
	assert_int_equal(SF(8, "state=active", "hw_addr=02:00:00:00:00:08"), 0);
	assert_string_equal(nic.log, "");
	assert_int_equal(SET_SF(9, "state=active"), -ENOENT);
	assert_message("no subfunction 9");
}

static void one_that_is_refused_a_value_is_gone_again(void **state)
{
	(void)state;
	nic.refuse = "state 1";
	assert_int_equal(SF(8, "hw_addr=02:00:00:00:00:08", "state=active"), -EOPNOTSUPP);
	assert_string_equal(nic.log, "sf-new 8 of pf 3; set 2 hw_addr; set 2 state 1; sf-del at 2; ");
	assert_false(nic.ports[2].there);
	nic.refuse = "sf-new";
	assert_int_equal(SF(8), -EOPNOTSUPP);
	assert_message("makes no such subfunction");
	nic.refuse = NULL;
	nic.forget = "eqs";
	assert_int_equal(SF(8, "max_io_eqs=4"), -EIO);
	assert_message("took max_io_eqs 4, but it reads back as 0");
	assert_false(nic.ports[2].there);
	nic.ports[2].there = nic.ports[3].there = true;
	assert_int_equal(SF(9), -ENOSPC);
	assert_message("no room for another subfunction");
}

static void what_an_active_one_is_like_stays(void **state)
{
	(void)state;
	assert_int_equal(SF(8, "state=active"), 0);
	assert_int_equal(SET_SF(8, "hw_addr=02:00:00:00:00:09"), -EBUSY);
	assert_message("set its state to inactive first");
	assert_int_equal(SET_SF(8, "tx_weight=7"), 0);
	assert_string_equal(nic.log, "rate 2 weight 7; ");
	nic.refuse = "share";
	assert_int_equal(SET_SF(8, "tx_max=5", "tx_share=3"), -EOPNOTSUPP);
	assert_string_equal(nic.log, "rate 2 share 375000; ");
	nic.refuse = "weight 9";
	assert_int_equal(SET_SF(8, "tx_max=5", "tx_weight=9"), -EOPNOTSUPP);
	assert_string_equal(nic.log, "rate 2 max 625000; rate 2 weight 9; rate 2 max 0; ");
}

static void add_auxiliary(void)
{
	static const char *const directory = PF_PATH "/" SF_NAME;

	tree_file(nic.tree, iov_path("%s/sfnum", directory).name, "8\n");
	tree_file(nic.tree, "sys/bus/auxiliary/drivers_probe", "");
	tree_link(nic.tree, iov_path("%s/subsystem", directory).name, "../../../../bus/auxiliary");
	tree_link(nic.tree, "sys/bus/auxiliary/devices/" SF_NAME, "../../../devices/pci0000:00/" PF "/" SF_NAME);
	tree_file(nic.tree, iov_path("%s/mlx5_core.eth.2/uevent", directory).name, "");
	tree_link(nic.tree, iov_path("%s/mlx5_core.eth.2/subsystem", directory).name,
		  "../../../../../bus/auxiliary");
	tree_file(nic.tree, iov_path("%s/net/sf8/ifindex", directory).name, "9\n");
	tree_link(nic.tree, "sys/class/net/sf8", "../../devices/pci0000:00/" PF "/" SF_NAME "/net/sf8");
	tree_file(nic.tree, iov_path("%s/infiniband/rocep1/node_type", directory).name, "1\n");
	tree_link(nic.tree, "sys/class/infiniband/rocep1",
		  "../../devices/pci0000:00/" PF "/" SF_NAME "/infiniband/rocep1");
}

static void add_vdpa(void)
{
	tree_file(nic.tree, PF_PATH "/" SF_NAME "/vdpa0/driver_override", "(null)\n");
	tree_link(nic.tree, "sys/bus/vdpa/devices/vdpa0",
		  "../../../devices/pci0000:00/" PF "/" SF_NAME "/vdpa0");
}

static void what_drivers_made_of_one_is_listed(void **state)
{
	_cleanup_json_ struct json_object *list = NULL, *none = NULL;
	struct json_object *row;

	(void)state;
	assert_int_equal(SF(8, "state=active"), 0);
	assert_int_equal(SF(10), 0);
	add_auxiliary();
	add_vdpa();
	assert_int_equal(iov_sf_list(nic.iov, PF, &list), 0);
	row = json_object_array_get_idx(list, 0);
	assert_string_equal(json_text(row, "auxiliary"), "[ \"" SF_NAME "\", \"mlx5_core.eth.2\" ]");
	assert_string_equal(json_text(row, "netdevs"), "[ \"sf8\" ]");
	assert_string_equal(json_text(row, "rdma"), "[ \"rocep1\" ]");
	assert_string_equal(json_text(row, "vdpa"), "[ \"vdpa0\" ]");
	assert_string_equal(json_text(row, "mgmtdev"), "auxiliary/" SF_NAME);
	assert_string_equal(json_text(row, "representor"), "port2");
	row = json_object_array_get_idx(list, 1);
	assert_string_equal(json_text(row, "auxiliary"), "[ ]");
	assert_null(json_text_or_null(row, "mgmtdev"));
	assert_string_equal(json_text(row, "state"), "inactive");
}

static void one_in_use_is_not_removed(void **state)
{
	(void)state;
	assert_int_equal(SF(8, "state=active"), 0);
	add_auxiliary();
	add_vdpa();
	assert_int_equal(remove_sf(8), -EBUSY);
	assert_message("iov vdpa delete vdpa0");
	assert_int_equal(SET_SF(8, "state=inactive"), -EBUSY);
	assert_string_equal(nic.log, "");
	tree_unlink(nic.tree, "sys/bus/vdpa/devices/vdpa0");
	/* A bond that its interface is in */
	tree_file(nic.tree, "sys/devices/virtual/net/bond0/uevent", "DEVTYPE=bond\n");
	tree_link(nic.tree, "sys/class/net/bond0", "../../devices/virtual/net/bond0");
	tree_link(nic.tree, "sys/devices/virtual/net/bond0/lower_sf8",
		  "../../../pci0000:00/" PF "/" SF_NAME "/net/sf8");
	assert_int_equal(remove_sf(8), -ECANCELED);
	assert_message("bond0");
	assert_string_equal(nic.log, "");
	tree_unlink(nic.tree, "sys/class/net/bond0");
	assert_int_equal(remove_sf(8), 0);
	assert_string_equal(nic.log, "set 2 state 0; sf-del at 2; ");
	assert_int_equal(remove_sf(8), -ENOENT);
}

static void a_failed_removal_makes_it_active_again(void **state)
{
	(void)state;
	assert_int_equal(SF(8, "hw_addr=02:00:00:00:00:08", "state=active"), 0);
	nic.refuse = "sf-del";
	assert_int_equal(remove_sf(8), -EOPNOTSUPP);
	assert_string_equal(nic.log, "set 2 state 0; sf-del at 2; set 2 state 1; ");
}

static int set_vf(const char *name, const char *text, char answer[256])
{
	struct iov_pf pf = { .port = -1, .count = 1, .device_class = &net_class };
	_cleanup_json_ struct json_object *target = json_object_new_object();

	assert_int_equal(iov_bdf_parse(nic.iov, PF, &pf.bdf), 0);
	assert_int_equal(iov_class_add(nic.iov, &net_class) == 0 || true, true);
	assert_int_equal(iov_vf_attribute_parse(nic.iov, name, text, target), 0);
	nic.log[0] = answer[0] = '\0';
	return net_class.set(nic.iov, &pf, 0, name, target, answer, 256);
}

static void a_vf_is_set_at_its_port(void **state)
{
	char answer[256];

	(void)state;
	assert_int_equal(set_vf("roce", "off", answer), 0);
	assert_string_equal(nic.log, "set 1 caps 0/1; ");
	assert_int_equal(set_vf("ipsec_packet", "on", answer), 0);
	assert_string_equal(nic.log, "set 1 caps 8/8; ");
	assert_int_equal(set_vf("hw_addr", "02:00:00:00:00:01", answer), 0);
	assert_int_equal(set_vf("tx_parent", "none", answer), 0);
	assert_string_equal(nic.log, "rate 1 parent ''; ");
	assert_int_equal(set_vf("tx_weight", "5", answer), 0);
	nic.refuse = "eqs";
	assert_int_equal(set_vf("max_io_eqs", "5", answer), -EOPNOTSUPP);
	assert_string_equal(answer, "Not in this firmware");
	/* Its driver has read what it is like */
	tree_file(nic.tree, "sys/bus/pci/drivers/mlx5_core/unbind", "");
	tree_link(nic.tree, "sys/devices/pci0000:00/" VF "/driver", "../../../bus/pci/drivers/mlx5_core");
	assert_int_equal(set_vf("migratable", "on", answer), -EBUSY);
	assert_non_null(strstr(answer, "iov bind " VF " --driver none"));
	assert_string_equal(nic.log, "");
	assert_int_equal(set_vf("tx_max", "5", answer), 0);
	nic.ports[1].there = false;
	assert_int_equal(set_vf("tx_max", "6", answer), -EOPNOTSUPP);
	assert_non_null(strstr(answer, "switchdev"));
}

static void guids_are_set_as_the_kernel_counts_them(void **state)
{
	char answer[256];

	(void)state;
	assert_int_equal(set_vf("node_guid", "02:00:00:00:00:00:00:0a", answer), -ENODEV);
	assert_message("no network interface");
	tree_file(nic.tree, PF_PATH "/net/ib0/ifindex", "7\n");
	tree_link(nic.tree, "sys/class/net/ib0", "../../devices/pci0000:00/" PF "/net/ib0");
	tree_link(nic.tree, PF_PATH "/net/ib0/device", "../../../" PF);
	assert_int_equal(set_vf("node_guid", "02:AB:00:00:00:00:00:0a", answer), 0);
	assert_string_equal(nic.log, "vf 0 node 0x2ab00000000000a; ");
	assert_int_equal(set_vf("port_guid", "ff:00:00:00:00:00:00:01", answer), 0);
	assert_string_equal(nic.log, "vf 0 port 0xff00000000000001; ");
	assert_int_equal(set_vf("mac", "02:00:00:00:00:07", answer), 0);
	assert_string_equal(nic.log, "vf 0 mac 02..07; ");
	nic.refuse = "port";
	assert_int_equal(set_vf("port_guid", "02:00:00:00:00:00:00:0b", answer), -EOPNOTSUPP);
	assert_string_equal(answer, "Not in this firmware");
}

static void what_is_no_nic_has_no_subfunctions(void **state)
{
	struct json_object *rows;

	(void)state;
	tree_file(nic.tree, "sys/devices/pci0000:00/0000:02:00.0/class", "0x010802\n");
	tree_link(nic.tree, "sys/bus/pci/devices/0000:02:00.0", "../../../devices/pci0000:00/0000:02:00.0");
	assert_int_equal(iov_sf_list(nic.iov, "0000:02:00.0", &rows), -EOPNOTSUPP);
	assert_said(nic.iov, "0000:02:00.0: no NIC");
	assert_int_equal(iov_rate_list(nic.iov, "0000:02:00.0", &rows), -EOPNOTSUPP);
	assert_int_equal(nic.asked, 0);
}

/* Where only VFs that are still to be made may have it, nothing is said. */
static void what_vfs_cannot_have_is_said_beforehand(void **state)
{
	struct iov_pf pf = { .driver = "igb" };

	(void)state;
	assert_int_equal(iov_bdf_parse(nic.iov, PF, &pf.bdf), 0);
	for (int exists = 0; exists < 2; exists++) {
		nic.mode = NULL;
		assert_int_equal(net_class.lacks(nic.iov, &pf, 1, "tx_parent", exists), -EOPNOTSUPP);
		assert_said(nic.iov, "no ports of devlink, by which it would be set; what a VF of such a NIC may send is "
			    "set by max-rate");
		nic.mode = "legacy";
		assert_int_equal(net_class.lacks(nic.iov, &pf, 1, "roce", exists), exists ? -EOPNOTSUPP : 0);
		assert_true(!exists || strstr(iov_error_message(nic.iov), "VF 1 tells none in mode legacy"));
		nic.mode = "switchdev";
		assert_int_equal(net_class.lacks(nic.iov, &pf, 1, "tx_weight", exists), exists ? -EOPNOTSUPP : 0);
		assert_true(!exists || strstr(iov_error_message(nic.iov), "VF 1 tells none; 'iov vf show"));
	}
}

static void many_vfs_are_two_questions(void **state)
{
	const struct devlink_device device = { "pci", PF };
	_cleanup_json_ struct json_object *ports = NULL, *groups = NULL;

	(void)state;
	nic.noise = true;
	assert_int_equal(devlink_ports(&device, &ports, &groups), 0);
	assert_int_equal(nic.asked, 2);
	assert_int_equal(json_object_array_length(groups), 0);
	assert_null(devlink_port_of(ports, "pcisf", "sf", 99));
	assert_non_null(devlink_port_of(ports, "pcivf", "vf", 0));
	assert_string_equal(json_text(devlink_port_of(ports, "pcivf", "vf", 0), "roce"), "true");
	assert_null(json_text_or_null(devlink_port_of(ports, "pcivf", "vf", 0), "ipsec_crypto"));
}

static void a_group_comes_and_goes(void **state)
{
	_cleanup_json_ struct json_object *values = json_object_new_object();
	struct iov_plan *plan = new_plan();

	(void)state;
	assert_int_equal(iov_rate_value_parse(nic.iov, "tx_parent", "none", values), 0);
	assert_int_equal(iov_rate_value_parse(nic.iov, "hw_addr", "x", values), -EINVAL);
	assert_int_equal(run(plan, iov_rate_plan(plan, PF, "gold", values, 0)), 0);
	assert_string_equal(nic.log, "group-new gold; ");
	plan = new_plan();
	assert_int_equal(run(plan, iov_rate_plan(plan, PF, "12", values, 0)), -EINVAL);
	strcpy(nic.ports[1].parent, "gold");
	plan = new_plan();
	assert_int_equal(run(plan, iov_rate_remove_plan(plan, PF, "gold")), -EBUSY);
	assert_message("vf0 is in it");
	nic.ports[1].parent[0] = '\0';
	plan = new_plan();
	assert_int_equal(run(plan, iov_rate_remove_plan(plan, PF, "gold")), 0);
	assert_string_equal(nic.log, "group-del gold; ");
}

static int fail_after(struct iov *iov, const struct iov_op *op)
{
	(void)op;
	strcpy(nic.ports[1].parent, "gold");
	return iov_fail(iov, -ECHILD, "as it was asked to");
}

/* A VF that was put into the group meanwhile, and had no rate before */
static void a_group_that_is_taken_back_lets_go_of_who_is_in_it(void **state)
{
	static const struct iov_op_runner failing = { IOV_OP_MTU, fail_after };
	_cleanup_json_ struct json_object *values = json_object_new_object();
	struct iov_plan *plan = new_plan();
	struct iov_step *step;
	struct iov_bdf pf;

	(void)state;
	assert_int_equal(iov_op_register(nic.iov, &failing), 0);
	assert_int_equal(iov_bdf_parse(nic.iov, PF, &pf), 0);
	assert_int_equal(iov_rate_plan(plan, PF, "gold", values, 0), 0);
	step = iov_plan_step(plan, PF, "fail");
	iov_step_spares(step, "a test");
	iov_step_do(step, iov_op_mtu(pf, -1, 1500));
	assert_int_equal(run(plan, 0), -ECHILD);
	assert_string_equal(nic.log, "group-new gold; rate 1 parent ''; group-del gold; ");
}

static int give_param(const char *name, const char *text, unsigned int flags)
{
	const struct iov_param params[] = { { "enable_roce", "on", NULL }, { name, text, NULL } };
	struct iov_plan *plan = new_plan();

	return run(plan, iov_param_plan(plan, PF, params, 2, flags));
}

static void parameters_are_set_together(void **state)
{
	(void)state;
	nic.refuse = "max_macs";
	assert_int_equal(give_param("max_macs", "16", 0), -EOPNOTSUPP);
	assert_string_equal(nic.log, "param enable_roce mode 0 1; param max_macs mode 1 16; "
				     "param enable_roce mode 0 0; ");
	nic.refuse = NULL;
	assert_int_equal(give_param("max_macs", "4294967296", 0), -EINVAL);
	assert_message("0 to 4294967295");
	assert_int_equal(give_param("max_mac", "1", 0), -ENOENT);
	assert_message("did you mean 'max_macs'");
	/* The guards are asked for who has it, and the VF is in the way */
	assert_int_equal(give_param("max_macs", "16", IOV_NIC_RELOAD), -EBUSY);
	assert_message("iov vf remove " PF);
	assert_int_equal(give_param("max_macs", "16", IOV_NIC_RELOAD | IOV_NIC_VFS_GONE), 0);
	assert_string_equal(nic.log, "param enable_roce mode 0 1; param max_macs mode 1 16; reload; ");
	nic.refuse = "reload";
	assert_int_equal(give_param("max_macs", "8", IOV_NIC_RELOAD | IOV_NIC_VFS_GONE), -EOPNOTSUPP);
	assert_message("cannot start anew");
	assert_int_equal(nic.param, 16);
}

static void use_driver(const char *name)
{
	tree_unlink(nic.tree, PF_PATH "/driver");
	tree_file(nic.tree, iov_path("sys/bus/pci/drivers/%s/unbind", name).name, "");
	tree_link(nic.tree, PF_PATH "/driver", iov_path("../../../bus/pci/drivers/%s", name).name);
}

static void drivers_change_the_mode_as_they_like(void **state)
{
	struct iov_bdf pf;

	(void)state;
	assert_int_equal(iov_bdf_parse(nic.iov, PF, &pf), 0);
	tree_file(nic.tree, "proc/sys/kernel/osrelease", "6.1.0-18-amd64\n");
	use_driver("ice");
	assert_int_equal(iov_eswitch_judge(nic.iov, pf, "switchdev", 0), -EBUSY);
	assert_message("no VFs, and it has 1; remove them first: iov vf remove " PF);
	assert_int_equal(iov_eswitch_judge(nic.iov, pf, "switchdev", IOV_NIC_VFS_GONE), 0);
	use_driver("mlx5_core");
	assert_int_equal(iov_eswitch_judge(nic.iov, pf, "switchdev", 0), 0);
	tree_link(nic.tree, "sys/devices/pci0000:00/" VF "/driver", "../../../bus/pci/drivers/mlx5_core");
	assert_int_equal(iov_eswitch_judge(nic.iov, pf, "switchdev", 0), -EBUSY);
	assert_message("iov bind " PF "/vf0-0 --driver none");
	use_driver("nfp");
	assert_int_equal(iov_eswitch_judge(nic.iov, pf, "switchdev", IOV_NIC_VFS_GONE), -EPERM);
	use_driver("netdevsim");
	assert_int_equal(iov_eswitch_judge(nic.iov, pf, "switchdev", 0), 0);
	use_driver("unheard_of");
	assert_int_equal(iov_eswitch_judge(nic.iov, pf, "legacy", 0), -EBUSY);
	use_driver("bnxt_en");
	assert_int_equal(iov_eswitch_wants(nic.iov, pf, NULL), IOV_ESWITCH_FIRST);
	assert_int_equal(iov_eswitch_judge(nic.iov, pf, "switchdev", 0), 0);
	assert_int_equal(iov_eswitch_judge(nic.iov, pf, "switchdev", IOV_NIC_VFS_GONE), -EPERM);
	assert_message("iov vf create " PF " --count N");
	tree_file(nic.tree, PF_PATH "/net/eth0/flags", "0x1002\n");
	tree_link(nic.tree, "sys/class/net/eth0", "../../devices/pci0000:00/" PF "/net/eth0");
	assert_int_equal(iov_eswitch_judge(nic.iov, pf, "switchdev", 0), -ENETDOWN);
	assert_message("'ip link set eth0 up' first");
	tree_file(nic.tree, PF_PATH "/net/eth0/flags", "0x1003\n");
	assert_int_equal(iov_eswitch_judge(nic.iov, pf, "switchdev", 0), 0);
	tree_file(nic.tree, "proc/sys/kernel/osrelease", "6.12.3\n");
	assert_int_equal(iov_eswitch_wants(nic.iov, pf, NULL), IOV_ESWITCH_ANY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_subfunction_has_its_address_before_it_is_active),
		TEST(one_that_is_refused_a_value_is_gone_again),
		TEST(what_an_active_one_is_like_stays),
		TEST(what_drivers_made_of_one_is_listed),
		TEST(one_in_use_is_not_removed),
		TEST(a_failed_removal_makes_it_active_again),
		TEST(a_vf_is_set_at_its_port),
		TEST(guids_are_set_as_the_kernel_counts_them),
		TEST(what_is_no_nic_has_no_subfunctions),
		TEST(what_vfs_cannot_have_is_said_beforehand),
		TEST(many_vfs_are_two_questions),
		TEST(a_group_comes_and_goes),
		TEST(a_group_that_is_taken_back_lets_go_of_who_is_in_it),
		TEST(parameters_are_set_together),
		TEST(drivers_change_the_mode_as_they_like),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
