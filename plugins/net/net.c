// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attributes of network VFs by rtnetlink.
 *
 * Read: one RTM_GETLINK on the PF's interface with the VFs and their statistics.
 * The receive buffer is sized by peeking.  From 221 VFs on the list is longer than
 * the 64 KiB that the length of an attribute can tell: kernels then tell a wrong
 * one, so the VFs are counted by IFLA_NUM_VF, or refuse (EMSGSIZE), and are asked
 * without statistics, and at last for a dump, whose buffers they size differently
 * (seen with InfiniBand PFs).
 *
 * Set: one RTM_SETLINK with one attribute of one VF, so that a refusal has a
 * name.  Rates go in pairs, as do VLAN and priority.
 */
#include "plugins/net/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mac.h"
#include "base/pci/interface.h"
#include "base/sysroot/call.h"
#include "base/sysroot/paths.h"
#include "plugins/net/devlink_port.h"
#include "plugins/net/eswitch.h"
#include "plugins/net/net_devlink.h"
#include "plugins/net/netlink.h"
#include "plugins/net/nic_internal.h"
#include "plugins/net/representor.h"

#define CLASS_NETWORK 0x02

/* Of InfiniBand; as text with its NUL. */
#define GUID_BYTES 8
#define GUID_TEXT (3 * GUID_BYTES)

static bool match_net(struct iov *iov, struct iov_bdf pf)
{
	int64_t class_code;

	return !iov_pci_number(iov, pf, "class", &class_code) && class_code >> 16 == CLASS_NETWORK;
}

static int find_interface(struct iov *iov, const struct iov_pf *pf, int *ifindex)
{
	char name[IOV_INTERFACE_SIZE];
	int64_t number = 0;
	int error = iov_interface_of(iov, pf->bdf, pf->port, name);

	if (!error)
		error = iov_sys_read_number(iov, iov_path(IOV_PATH_CLASS_NET "/%s/ifindex",
							  name).name, &number);
	if (error)
		return iov_fail(iov, -ENODEV, "%s has no network interface here, and VF attributes "
				"are set through it; bind its native driver, and look whether the "
				"interface is in another network namespace", IOV_BDF(pf->bdf));
	*ifindex = (int)number;
	return 0;
}

/* One request and what came back. */
struct request {
	struct netlink netlink;
	int ifindex;
	struct json_object *vfs;	/* NULL when setting */
	unsigned int seen;
};

static void add_number(struct json_object *vf, const char *name, uint32_t number)
{
	json_object_object_add(vf, name, json_object_new_int64(number));
}

/* Drivers that do not report a switch leave it at all ones. */
static void add_switch(struct json_object *vf, const char *name, uint32_t setting)
{
	json_object_object_add(vf, name,
			       setting > 1 ? NULL : json_object_new_boolean(setting == 1));
}

static const char *const link_states[] = {
	[IFLA_VF_LINK_STATE_AUTO] = "auto",
	[IFLA_VF_LINK_STATE_ENABLE] = "enable",
	[IFLA_VF_LINK_STATE_DISABLE] = "disable",
	NULL,
};
#define LINK_STATES (sizeof(link_states) / sizeof(*link_states) - 1)

static void parse_rates(struct nlattr *const *attributes, struct json_object *vf)
{
	if (attributes[IFLA_VF_RATE]) {
		const struct ifla_vf_rate *rate = nla_data(attributes[IFLA_VF_RATE]);

		add_number(vf, "max_rate", rate->max_tx_rate);
		add_number(vf, "min_rate", rate->min_tx_rate);
	}
}

/* Of the tags the kernel has one, the outer. */
static void parse_vlan_protocol(struct nlattr *list, struct json_object *vf)
{
	const struct ifla_vf_vlan_info *vlan;
	struct nlattr *info = list ? nla_find(nla_data(list), nla_len(list), IFLA_VF_VLAN_INFO) : NULL;

	if (!info || nla_len(info) < (int)sizeof(*vlan))
		return;
	vlan = nla_data(info);
	json_add_text(vf, "vlan_protocol", ntohs(vlan->vlan_proto) == ETH_P_8021AD ? "802.1ad" : "802.1Q");
}

/* Most significant byte first, as people write it. */
static void parse_guid(struct nlattr *attribute, const char *name, struct json_object *vf)
{
	struct ifla_vf_guid guid; /* attributes are aligned to four bytes only */
	char text[GUID_TEXT] = "";

	if (!attribute)
		return;
	memcpy(&guid, nla_data(attribute), sizeof(guid));
	for (unsigned int i = 0; i < GUID_BYTES; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%02x", i ? ":" : "",
			 (unsigned int)(guid.guid >> (56 - 8 * i)) & 0xff);
	json_add_text(vf, name, text);
}

static void parse_vlan(struct nlattr *const *attributes, struct json_object *vf)
{
	if (attributes[IFLA_VF_VLAN]) {
		const struct ifla_vf_vlan *vlan = nla_data(attributes[IFLA_VF_VLAN]);

		add_number(vf, "vlan", vlan->vlan);
		add_number(vf, "qos", vlan->qos);
	}
	parse_vlan_protocol(attributes[IFLA_VF_VLAN_LIST], vf);
}

static void parse_switches(struct nlattr *const *attributes, struct json_object *vf)
{
	if (attributes[IFLA_VF_SPOOFCHK]) {
		const struct ifla_vf_spoofchk *spoofchk = nla_data(attributes[IFLA_VF_SPOOFCHK]);

		add_switch(vf, "spoofchk", spoofchk->setting);
	}
	if (attributes[IFLA_VF_TRUST]) {
		const struct ifla_vf_trust *trust = nla_data(attributes[IFLA_VF_TRUST]);

		add_switch(vf, "trust", trust->setting);
	}
	if (attributes[IFLA_VF_RSS_QUERY_EN]) {
		const struct ifla_vf_rss_query_en *query = nla_data(attributes[IFLA_VF_RSS_QUERY_EN]);

		add_switch(vf, "rss_query", query->setting);
	}
	if (attributes[IFLA_VF_LINK_STATE]) {
		const struct ifla_vf_link_state *link = nla_data(attributes[IFLA_VF_LINK_STATE]);

		json_add_text(vf, "link_state",
			      link->link_state < LINK_STATES ? link_states[link->link_state] : NULL);
	}
}

static void parse_statistics(struct nlattr *nest, struct json_object *vf)
{
	static const char *const names[IFLA_VF_STATS_MAX + 1] = {
		[IFLA_VF_STATS_RX_PACKETS] = "rx_packets", [IFLA_VF_STATS_TX_PACKETS] = "tx_packets",
		[IFLA_VF_STATS_RX_BYTES] = "rx_bytes", [IFLA_VF_STATS_TX_BYTES] = "tx_bytes",
		[IFLA_VF_STATS_BROADCAST] = "broadcast", [IFLA_VF_STATS_MULTICAST] = "multicast",
		[IFLA_VF_STATS_RX_DROPPED] = "rx_dropped", [IFLA_VF_STATS_TX_DROPPED] = "tx_dropped",
	};
	struct json_object *statistics;
	struct nlattr *one;
	int rest;

	if (!nest)
		return;
	statistics = json_object_new_object();
	/* The number of the first counter is 0. */
	nla_for_each_nested(one, nest, rest) {
		int type = nla_type(one);

		if (type <= IFLA_VF_STATS_MAX && names[type] && nla_len(one) >= (int)sizeof(uint64_t))
			json_object_object_add(statistics, names[type],
					       json_object_new_uint64(nla_get_u64(one)));
	}
	json_object_object_add(vf, "statistics", statistics);
}

static void parse_vf(struct nlattr *info, struct json_object *vfs)
{
	/* The sizes of what is read; anything shorter is refused by libnl. */
	static struct nla_policy policy[IFLA_VF_MAX + 1] = {
		[IFLA_VF_MAC] = { .minlen = sizeof(struct ifla_vf_mac) },
		[IFLA_VF_IB_NODE_GUID] = { .minlen = sizeof(struct ifla_vf_guid) },
		[IFLA_VF_IB_PORT_GUID] = { .minlen = sizeof(struct ifla_vf_guid) },
		[IFLA_VF_VLAN] = { .minlen = sizeof(struct ifla_vf_vlan) },
		[IFLA_VF_RATE] = { .minlen = sizeof(struct ifla_vf_rate) },
		[IFLA_VF_SPOOFCHK] = { .minlen = sizeof(struct ifla_vf_spoofchk) },
		[IFLA_VF_RSS_QUERY_EN] = { .minlen = sizeof(struct ifla_vf_rss_query_en) },
		[IFLA_VF_TRUST] = { .minlen = sizeof(struct ifla_vf_trust) },
		[IFLA_VF_LINK_STATE] = { .minlen = sizeof(struct ifla_vf_link_state) },
	};
	struct nlattr *attributes[IFLA_VF_MAX + 1];
	const struct ifla_vf_mac *mac;
	struct json_object *vf;
	char text[IOV_MAC_TEXT];

	if (nla_parse_nested(attributes, IFLA_VF_MAX, info, policy) < 0 ||
	    !attributes[IFLA_VF_MAC])
		return;
	mac = nla_data(attributes[IFLA_VF_MAC]);
	vf = json_object_array_get_idx(vfs, mac->vf);
	if (!vf)
		return;
	iov_mac_format(mac->mac, text);
	json_add_text(vf, "mac", text);
	parse_guid(attributes[IFLA_VF_IB_NODE_GUID], "node_guid", vf);
	parse_guid(attributes[IFLA_VF_IB_PORT_GUID], "port_guid", vf);
	parse_vlan(attributes, vf);
	parse_switches(attributes, vf);
	parse_rates(attributes, vf);
	parse_statistics(attributes[IFLA_VF_STATS], vf);
}

unsigned int net_parse_vfs(struct nlmsghdr *message, struct json_object *vfs)
{
	struct nlattr *list = nlmsg_find_attr(message, sizeof(struct ifinfomsg), IFLA_VFINFO_LIST);
	struct nlattr *total = nlmsg_find_attr(message, sizeof(struct ifinfomsg), IFLA_NUM_VF);
	unsigned int most, count = 0;
	struct nlattr *info;
	int rest;

	if (!list)
		return 0;
	most = total && nla_len(total) >= (int)sizeof(uint32_t) ? nla_get_u32(total) : UINT_MAX;
	/* The length of a list of many VFs is told modulo 64 KiB; what follows is not of its type. */
	rest = total ? (int)((char *)nlmsg_data(message) + nlmsg_datalen(message) -
			     (char *)nla_data(list)) : nla_len(list);
	for (info = nla_data(list); count < most && nla_ok(info, rest) && nla_type(info) == IFLA_VF_INFO;
	     info = nla_next(info, &rest)) {
		parse_vf(info, vfs);
		count++;
	}
	return count;
}

static void on_link(struct nlmsghdr *header, void *arg)
{
	const struct ifinfomsg *link = nlmsg_data(header);
	struct request *request = arg;

	if (header->nlmsg_type == RTM_NEWLINK && link->ifi_index == request->ifindex)
		request->seen += net_parse_vfs(header, request->vfs);
}

static struct nl_msg *new_message(const struct request *request, int type, int flags)
{
	struct ifinfomsg link = { .ifi_index = flags & NLM_F_DUMP ? 0 : request->ifindex };
	struct nl_msg *message = nlmsg_alloc_simple(type, flags);

	if (message && nlmsg_append(message, &link, sizeof(link), NLMSG_ALIGNTO) < 0) {
		nlmsg_free(message);
		return NULL;
	}
	return message;
}

static int get_links(struct request *request, int flags, uint32_t mask)
{
	struct nl_msg *message = new_message(request, RTM_GETLINK, flags);

	if (!message)
		return -ENOMEM;
	nla_put_u32(message, IFLA_EXT_MASK, mask);
	nl_socket_disable_auto_ack(request->netlink.socket);
	request->seen = 0;
	return netlink_transact(&request->netlink, message);
}

/* With statistics if there is room for them. */
static int get_vfs(struct request *request, size_t count)
{
	const uint32_t least = RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS;
	int error = get_links(request, 0, RTEXT_FILTER_VF);

	if (error == -EMSGSIZE || (!error && request->seen < count))
		error = get_links(request, 0, least);
	return error == -EMSGSIZE ? get_links(request, NLM_F_DUMP, least) : error;
}

static bool add_representor(void *arg, const char *interface, unsigned int vf)
{
	struct json_object *vfs = arg;

	if (vf < json_object_array_length(vfs))
		json_add_text(json_object_array_get_idx(vfs, vf), "representor", interface);
	return true;
}

/* The interfaces that stand for VFs, where the NIC is in switchdev mode. */
static void add_representors(struct iov *iov, const struct iov_pf *pf, struct json_object *vfs)
{
	char uplink[IOV_INTERFACE_SIZE];

	iov_sys_asking(iov, "the representors of %s", IOV_BDF(pf->bdf));
	if (!iov_interface_of(iov, pf->bdf, pf->port, uplink))
		representors_each(iov, uplink, add_representor, vfs);
}

static int get_net(struct iov *iov, const struct iov_pf *pf, struct json_object *vfs)
{
	struct request request = { .netlink = { .on_message = on_link, .arg = &request },
				   .vfs = vfs };
	size_t count = json_object_array_length(vfs);
	int error = netlink_require_host(iov);

	if (!error)
		error = find_interface(iov, pf, &request.ifindex);
	if (error)
		return error;
	error = netlink_open(&request.netlink, NETLINK_ROUTE);
	iov_sys_asking(iov, "the VFs of %s, by rtnetlink", IOV_BDF(pf->bdf));
	if (!error)
		error = get_vfs(&request, count);
	netlink_close(&request.netlink);
	if (error)
		return iov_told(iov, error, "cannot read the VFs of %s by netlink: %s", IOV_BDF(pf->bdf),
				strerror(-error));
	if (request.seen < count)
		return iov_fail(iov, -EMSGSIZE,
				"the kernel told about %u of %zu VFs of %s: more do "
				"not fit its message",
				request.seen, count, IOV_BDF(pf->bdf));
	add_representors(iov, pf, vfs);
	return net_add_devlink(iov, pf, vfs);
}

/* The index of a VF among those of its PF; false for what is none. */
static bool index_of_vf(struct iov *iov, struct iov_bdf bdf, struct iov_bdf *pf, unsigned int *index)
{
	unsigned int count;
	struct iov_bdf vf;

	if (iov_pci_link(iov, bdf, "physfn", pf))
		return false;
	count = iov_pci_vf_count(iov, *pf);
	for (*index = 0; *index < count; ++*index) {
		if (!iov_pci_link(iov, *pf, iov_path("virtfn%u", *index).name, &vf) &&
		    !iov_bdf_compare(vf, bdf))
			return true;
	}
	return false;
}

/* A VF that is looked for among representors. */
struct stood_for {
	unsigned int index;
	struct json_object *object;
};

static bool add_own_representor(void *arg, const char *interface, unsigned int vf)
{
	const struct stood_for *wanted = arg;

	if (vf != wanted->index)
		return true;
	json_add_text(wanted->object, "representor", interface);
	return false;
}

static bool add_name(void *arg, const char *interface, unsigned int vf)
{
	(void)vf;
	json_object_array_add(arg, json_object_new_string(interface));
	return true;
}

/* The interfaces that stand for others in its switch. */
static int add_all_representors(struct iov *iov, struct iov_bdf bdf, struct json_object *object)
{
	struct json_object *names = json_object_new_array();
	char uplink[IOV_INTERFACE_SIZE];
	int error = 0;

	json_object_object_add(object, "representors", names);
	if (!iov_interface_of(iov, bdf, -1, uplink)) {
		error = representors_each(iov, uplink, add_name, names);
		if (!error)
			error = sf_representors_each(iov, uplink, add_name, names);
	}
	return error;
}

/* Of a VF its representor; of others the mode of the switch, where there are modes. */
static int describe_net(struct iov *iov, struct iov_bdf bdf, struct json_object *object)
{
	struct stood_for wanted = { 0, object };
	char uplink[IOV_INTERFACE_SIZE];
	const char *mode;
	struct iov_bdf pf;

	if (index_of_vf(iov, bdf, &pf, &wanted.index)) {
		if (!iov_interface_of(iov, pf, -1, uplink))
			return representors_each(iov, uplink, add_own_representor, &wanted);
	} else if (!iov_eswitch_read(iov, bdf, &mode)) {
		json_add_text(object, "eswitch", mode);
		return add_all_representors(iov, bdf, object);
	}
	return 0;
}

/* What the link has, if it is up. */
static unsigned int speed_net(struct iov *iov, const struct iov_pf *pf)
{
	char name[IOV_INTERFACE_SIZE];
	int64_t speed;

	iov_sys_asking(iov, "the speed of %s", IOV_BDF(pf->bdf));
	if (iov_interface_of(iov, pf->bdf, pf->port, name) ||
	    iov_sys_read_number(iov, iov_path(IOV_PATH_CLASS_NET "/%s/speed", name).name, &speed) ||
	    speed <= 0 || speed > INT32_MAX)
		return 0;
	return (unsigned int)speed;
}

static uint32_t target_number(struct json_object *target, const char *name)
{
	return (uint32_t)json_object_get_int64(json_object_object_get(target, name));
}

static int put_mac(struct nl_msg *message, uint32_t vf, struct json_object *target)
{
	const char *text = json_text_or_null(target, "mac");
	struct ifla_vf_mac mac = { .vf = vf };

	if (!text || !iov_mac_parse(text, mac.mac))
		return -EINVAL;
	return nla_put(message, IFLA_VF_MAC, sizeof(mac), &mac);
}

static int put_guid(struct nl_msg *message, uint32_t vf, int type, const char *text)
{
	struct ifla_vf_guid guid = { .vf = vf };

	for (unsigned int i = 0; text && i < GUID_BYTES; i++)
		guid.guid = guid.guid << 8 | strtoul(text + 3 * i, NULL, 16);
	return text ? nla_put(message, type, sizeof(guid), &guid) : -EINVAL;
}

static int put_node_guid(struct nl_msg *message, uint32_t vf, struct json_object *target)
{
	return put_guid(message, vf, IFLA_VF_IB_NODE_GUID, json_text_or_null(target, "node_guid"));
}

static int put_port_guid(struct nl_msg *message, uint32_t vf, struct json_object *target)
{
	return put_guid(message, vf, IFLA_VF_IB_PORT_GUID, json_text_or_null(target, "port_guid"));
}

/* Kernels before 4.9 know VLANs of 802.1Q alone, and so do most drivers. */
static int put_vlan_8021ad(struct nl_msg *message, uint32_t vf, struct json_object *target)
{
	struct nlattr *list = nla_nest_start(message, IFLA_VF_VLAN_LIST);
	struct ifla_vf_vlan_info vlan = {
		.vf = vf,
		.vlan = target_number(target, "vlan"),
		.qos = target_number(target, "qos"),
		.vlan_proto = htons(ETH_P_8021AD),
	};
	int error = list ? nla_put(message, IFLA_VF_VLAN_INFO, sizeof(vlan), &vlan) : -NLE_NOMEM;

	if (list)
		nla_nest_end(message, list);
	return error;
}

static int put_vlan(struct nl_msg *message, uint32_t vf, struct json_object *target)
{
	const char *protocol = json_text_or_null(target, "vlan_protocol");
	struct ifla_vf_vlan vlan = {
		.vf = vf,
		.vlan = target_number(target, "vlan"),
		.qos = target_number(target, "qos"),
	};

	if (protocol && !strcmp(protocol, "802.1ad"))
		return put_vlan_8021ad(message, vf, target);
	return nla_put(message, IFLA_VF_VLAN, sizeof(vlan), &vlan);
}

static int put_spoofchk(struct nl_msg *message, uint32_t vf, struct json_object *target)
{
	struct ifla_vf_spoofchk spoofchk = { vf, target_number(target, "spoofchk") };

	return nla_put(message, IFLA_VF_SPOOFCHK, sizeof(spoofchk), &spoofchk);
}

static int put_trust(struct nl_msg *message, uint32_t vf, struct json_object *target)
{
	struct ifla_vf_trust trust = { vf, target_number(target, "trust") };

	return nla_put(message, IFLA_VF_TRUST, sizeof(trust), &trust);
}

static int put_rss_query(struct nl_msg *message, uint32_t vf, struct json_object *target)
{
	struct ifla_vf_rss_query_en query = { vf, target_number(target, "rss_query") };

	return nla_put(message, IFLA_VF_RSS_QUERY_EN, sizeof(query), &query);
}

static int put_rate(struct nl_msg *message, uint32_t vf, struct json_object *target)
{
	struct ifla_vf_rate rate = {
		.vf = vf,
		.min_tx_rate = target_number(target, "min_rate"),
		.max_tx_rate = target_number(target, "max_rate"),
	};

	return nla_put(message, IFLA_VF_RATE, sizeof(rate), &rate);
}

static int put_link_state(struct nl_msg *message, uint32_t vf, struct json_object *target)
{
	const char *text = json_text_or_null(target, "link_state");
	struct ifla_vf_link_state link = { .vf = vf };

	while (link.link_state < LINK_STATES && strcmp(link_states[link.link_state], text))
		link.link_state++;
	return nla_put(message, IFLA_VF_LINK_STATE, sizeof(link), &link);
}

static const char *const vlan_protocols[] = { "802.1Q", "802.1ad", NULL };

#define RATE_OF(flags) IOV_ATTRIBUTE_NUMBER, IOV_ATTRIBUTE_RATE | (flags), .max = UINT_MAX, .unit = "Mbit/s"
#define RATE RATE_OF(0)

static const struct iov_attribute attributes[] = {
	{ "mac", IOV_ATTRIBUTE_MAC, IOV_ATTRIBUTE_UNIQUE },
	{ "node_guid", IOV_ATTRIBUTE_GUID, IOV_ATTRIBUTE_UNIQUE },
	{ "port_guid", IOV_ATTRIBUTE_GUID, IOV_ATTRIBUTE_UNIQUE },
	{ "vlan", IOV_ATTRIBUTE_NUMBER, .max = 4094,
	  .expected = "a VLAN ID from 1 to 4094, or 0 for no VLAN" },
	{ "qos", IOV_ATTRIBUTE_NUMBER, .max = 7, .expected = "a VLAN priority from 0 to 7" },
	{ "vlan_protocol", IOV_ATTRIBUTE_CHOICE, .choices = vlan_protocols },
	{ "spoofchk", IOV_ATTRIBUTE_SWITCH },
	{ "trust", IOV_ATTRIBUTE_SWITCH },
	{ "rss_query", IOV_ATTRIBUTE_SWITCH },
	{ "max_rate", RATE, .expected = "Mbit/s, or 0 for no limit" },
	{ "min_rate", RATE, .expected = "Mbit/s, or 0 for no guarantee" },
	{ "link_state", IOV_ATTRIBUTE_CHOICE, .choices = link_states },
	{ "hw_addr", IOV_ATTRIBUTE_MAC, IOV_ATTRIBUTE_UNIQUE | IOV_ATTRIBUTE_TOLD },
	{ "roce", IOV_ATTRIBUTE_SWITCH, IOV_ATTRIBUTE_TOLD },
	{ "migratable", IOV_ATTRIBUTE_SWITCH, IOV_ATTRIBUTE_TOLD },
	{ "ipsec_crypto", IOV_ATTRIBUTE_SWITCH, IOV_ATTRIBUTE_TOLD },
	{ "ipsec_packet", IOV_ATTRIBUTE_SWITCH, IOV_ATTRIBUTE_TOLD },
	{ "max_io_eqs", IOV_ATTRIBUTE_NUMBER, IOV_ATTRIBUTE_TOLD, .max = UINT_MAX, .unit = "event queues" },
	{ "tx_parent", IOV_ATTRIBUTE_NAME, IOV_ATTRIBUTE_TOLD, .expected = "a group of 'iov rate list', or none" },
	{ "tx_share", RATE_OF(IOV_ATTRIBUTE_TOLD), .expected = "Mbit/s, or 0 for no guarantee" },
	{ "tx_max", RATE_OF(IOV_ATTRIBUTE_TOLD), .expected = "Mbit/s, or 0 for no limit" },
	{ "tx_priority", IOV_ATTRIBUTE_NUMBER, IOV_ATTRIBUTE_TOLD, .max = UINT_MAX },
	{ "tx_weight", IOV_ATTRIBUTE_NUMBER, IOV_ATTRIBUTE_TOLD, .max = UINT_MAX },
	{ 0 },
};

/* Those of rtnetlink, which come first. */
static int (*const attribute_puts[])(struct nl_msg *, uint32_t, struct json_object *) = {
	put_mac, put_node_guid, put_port_guid, put_vlan, put_vlan, put_vlan, put_spoofchk, put_trust,
	put_rss_query, put_rate, put_rate, put_link_state,
};

static int put_attribute(struct nl_msg *message, unsigned int index, const char *attribute,
			 struct json_object *target)
{
	struct nlattr *list = nla_nest_start(message, IFLA_VFINFO_LIST);
	struct nlattr *info = nla_nest_start(message, IFLA_VF_INFO);
	int error = -EINVAL;

	for (size_t i = 0; i < sizeof(attribute_puts) / sizeof(*attribute_puts); i++) {
		if (!strcmp(attributes[i].name, attribute))
			error = attribute_puts[i](message, index, target);
	}
	nla_nest_end(message, info);
	nla_nest_end(message, list);
	return error;
}

static int set_net(struct iov *iov, const struct iov_pf *pf, unsigned int index,
		   const char *attribute, struct json_object *target, char *answer, size_t size)
{
	struct request request = { .netlink = { .answer = answer, .answer_size = size } };
	struct nl_msg *message;
	int error = netlink_require_host(iov);

	if (!error && devlink_value(attribute)) {
		error = net_set_devlink(iov, pf, index, attribute, json_object_object_get(target, attribute),
					answer, size);
		/* The kernel says so of a group that is not there. */
		if (error == -ENODEV && !*answer && !strcmp(attribute, "tx_parent"))
			snprintf(answer, size, "there is no such group of rates; 'iov rate add' makes one");
		return error;
	}
	if (!error)
		error = find_interface(iov, pf, &request.ifindex);
	if (error)
		return error;
	message = new_message(&request, RTM_SETLINK, 0);
	if (!message)
		return -ENOMEM;
	error = put_attribute(message, index, attribute, target);
	iov_sys_asking(iov, "%s of VF %u, by rtnetlink", attribute, index);
	if (!error)
		error = netlink_open(&request.netlink, NETLINK_ROUTE);
	if (error)
		nlmsg_free(message);
	else
		error = netlink_transact(&request.netlink, message);
	netlink_close(&request.netlink);
	return error;
}

/* Without a VLAN the kernel knows neither priority nor protocol. */
static void forget_vlan(struct json_object *now, struct json_object *wanted)
{
	struct json_object *vlan = json_object_object_get(wanted, "vlan");

	if (!vlan || json_object_get_int64(vlan) ||
	    json_object_equal(vlan, json_object_object_get(now, "vlan")))
		return;
	if (json_object_object_get(now, "qos") && !json_object_object_get(wanted, "qos"))
		json_object_object_add(wanted, "qos", json_object_new_int64(0));
	if (json_object_object_get(now, "vlan_protocol") &&
	    !json_object_object_get(wanted, "vlan_protocol"))
		json_object_object_add(wanted, "vlan_protocol",
				       json_object_new_string(vlan_protocols[0]));
}

int net_judge(struct iov *iov, struct json_object *now, struct json_object *wanted)
{
	static const struct nic_rates rates[] = {
		{ "min_rate", "max_rate", "min-rate", "max-rate" }, { "tx_share", "tx_max", "tx-share", "tx-max" },
	};
	int error = nic_judge_rates(iov, now, wanted, &rates[0]);

	if (!error)
		error = nic_judge_rates(iov, now, wanted, &rates[1]);
	if (!error)
		forget_vlan(now, wanted);
	return error;
}

const struct iov_class net_class = {
	.name = "net",
	.title = "network functions",
	.attributes = attributes,
	.match = match_net,
	.describe = describe_net,
	.get = get_net,
	.set = set_net,
	.speed = speed_net,
	.judge = net_judge,
	.lacks = net_lacks_devlink,
};
