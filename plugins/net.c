// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attributes of network VFs by rtnetlink.
 *
 * Read: one RTM_GETLINK on the PF's interface with the VFs and without their
 * statistics, so that 256 VFs stay below the 64 KiB that a nested attribute
 * can hold.  The receive buffer is sized by peeking.  Kernels that cannot fit
 * the answer (EMSGSIZE, seen with InfiniBand PFs) are asked for a dump, whose
 * buffers they size differently.
 *
 * Set: one RTM_SETLINK with one attribute of one VF, so that a refusal has a
 * name.  Rates go in pairs, as do VLAN and priority.
 *
 * A PF has an interface of the kernel's PF driver; representors of VFs that
 * sit beside it in switchdev mode are told apart by their port name.
 */
#include "plugins/net.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/paths.h"

#define CLASS_NETWORK 0x02

static bool match_net(struct iov *iov, struct iov_bdf pf)
{
	int64_t class_code;

	return !iov_pci_number(iov, pf, "class", &class_code) && class_code >> 16 == CLASS_NETWORK;
}

/* "p0" names a port of the device itself, "pf0vf3" a representor. */
static bool is_own_port(struct iov *iov, struct iov_bdf pf, const char *name)
{
	char port[32];

	if (iov_sys_read(iov, iov_pci_path(pf, iov_path("net/%s/phys_port_name", name).name).name,
			 port, sizeof(port)))
		return true;
	return !strstr(port, "pf") && !strstr(port, "vf");
}

static int find_interface(struct iov *iov, struct iov_bdf pf, int *ifindex)
{
	int64_t number = 0;
	char **names;
	size_t count;
	int error = iov_sys_list(iov, iov_pci_path(pf, "net").name, &names, &count);

	for (size_t i = 0; !error && !number && i < count; i++) {
		if (is_own_port(iov, pf, names[i]))
			iov_sys_read_number(iov, iov_path(IOV_PATH_CLASS_NET "/%s/ifindex",
							  names[i]).name, &number);
	}
	if (!error)
		iov_names_free(names, count);
	if (!number)
		return iov_fail(iov, -ENODEV, "%s has no network interface here, and VF attributes "
				"are set through it; bind its native driver, and look whether the "
				"interface is in another network namespace", IOV_BDF(pf));
	*ifindex = (int)number;
	return 0;
}

/* One request and what came back. */
struct request {
	struct nl_sock *socket;
	int ifindex;
	struct json_object *vfs;	/* NULL when setting */
	unsigned int seen;
	bool done;
	int error;
	char *answer;
	size_t answer_size;
};

static void add_string(struct json_object *vf, const char *name, const char *text)
{
	json_object_object_add(vf, name, text ? json_object_new_string(text) : NULL);
}

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
};
#define LINK_STATES (sizeof(link_states) / sizeof(*link_states))

static void parse_rates(struct nlattr *const *attributes, struct json_object *vf)
{
	if (attributes[IFLA_VF_RATE]) {
		const struct ifla_vf_rate *rate = nla_data(attributes[IFLA_VF_RATE]);

		add_number(vf, "max_rate", rate->max_tx_rate);
		add_number(vf, "min_rate", rate->min_tx_rate);
	}
}

static void parse_vlan(struct nlattr *const *attributes, struct json_object *vf)
{
	if (attributes[IFLA_VF_VLAN]) {
		const struct ifla_vf_vlan *vlan = nla_data(attributes[IFLA_VF_VLAN]);

		add_number(vf, "vlan", vlan->vlan);
		add_number(vf, "qos", vlan->qos);
	}
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
	if (attributes[IFLA_VF_LINK_STATE]) {
		const struct ifla_vf_link_state *link = nla_data(attributes[IFLA_VF_LINK_STATE]);

		add_string(vf, "link_state",
			   link->link_state < LINK_STATES ? link_states[link->link_state] : NULL);
	}
}

static void parse_vf(struct nlattr *info, struct json_object *vfs)
{
	/* The sizes of what is read; anything shorter is refused by libnl. */
	static struct nla_policy policy[IFLA_VF_MAX + 1] = {
		[IFLA_VF_MAC] = { .minlen = sizeof(struct ifla_vf_mac) },
		[IFLA_VF_VLAN] = { .minlen = sizeof(struct ifla_vf_vlan) },
		[IFLA_VF_RATE] = { .minlen = sizeof(struct ifla_vf_rate) },
		[IFLA_VF_SPOOFCHK] = { .minlen = sizeof(struct ifla_vf_spoofchk) },
		[IFLA_VF_TRUST] = { .minlen = sizeof(struct ifla_vf_trust) },
		[IFLA_VF_LINK_STATE] = { .minlen = sizeof(struct ifla_vf_link_state) },
	};
	struct nlattr *attributes[IFLA_VF_MAX + 1];
	const struct ifla_vf_mac *mac;
	struct json_object *vf;
	char text[18];

	if (nla_parse_nested(attributes, IFLA_VF_MAX, info, policy) < 0 ||
	    !attributes[IFLA_VF_MAC])
		return;
	mac = nla_data(attributes[IFLA_VF_MAC]);
	vf = json_object_array_get_idx(vfs, mac->vf);
	if (!vf)
		return;
	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac->mac[0], mac->mac[1],
		 mac->mac[2], mac->mac[3], mac->mac[4], mac->mac[5]);
	add_string(vf, "mac", text);
	parse_vlan(attributes, vf);
	parse_switches(attributes, vf);
	parse_rates(attributes, vf);
}

unsigned int net_parse_vfs(struct nlmsghdr *message, struct json_object *vfs)
{
	struct nlattr *list, *info;
	unsigned int count = 0;
	int rest;

	list = nlmsg_find_attr(message, sizeof(struct ifinfomsg), IFLA_VFINFO_LIST);
	if (!list)
		return 0;
	nla_for_each_nested(info, list, rest) {
		parse_vf(info, vfs);
		count++;
	}
	return count;
}

static int on_link(struct nl_msg *message, void *arg)
{
	struct request *request = arg;
	struct nlmsghdr *header = nlmsg_hdr(message);
	const struct ifinfomsg *link = nlmsg_data(header);

	if (header->nlmsg_type == RTM_NEWLINK && link->ifi_index == request->ifindex)
		request->seen += net_parse_vfs(header, request->vfs);
	if (!(header->nlmsg_flags & NLM_F_MULTI))
		request->done = true;
	return NL_OK;
}

static int on_done(struct nl_msg *message, void *arg)
{
	struct request *request = arg;

	(void)message;
	request->done = true;
	return NL_STOP;
}

/* What the kernel says in words stands behind the error (NETLINK_EXT_ACK). */
static int on_error(struct sockaddr_nl *from, struct nlmsgerr *error, void *arg)
{
	struct nlmsghdr *header = (struct nlmsghdr *)((char *)error - NLMSG_HDRLEN);
	struct request *request = arg;
	size_t skip = sizeof(*error);
	struct nlattr *text;

	(void)from;
	request->error = error->error;
	if (!(header->nlmsg_flags & NLM_F_CAPPED))
		skip += error->msg.nlmsg_len - NLMSG_HDRLEN;
	if (header->nlmsg_flags & NLM_F_ACK_TLVS && request->answer) {
		text = nlmsg_find_attr(header, (int)skip, NLMSGERR_ATTR_MSG);
		if (text)
			snprintf(request->answer, request->answer_size, "%.*s", nla_len(text),
				 (char *)nla_data(text));
	}
	request->done = true;
	return NL_STOP;
}

static int open_socket(struct request *request)
{
	const int on = 1;
	int fd;

	request->socket = nl_socket_alloc();
	if (!request->socket)
		return -ENOMEM;
	if (nl_connect(request->socket, NETLINK_ROUTE) < 0)
		return errno ? -errno : -EIO;
	nl_socket_enable_msg_peek(request->socket);
	nl_socket_modify_cb(request->socket, NL_CB_VALID, NL_CB_CUSTOM, on_link, request);
	nl_socket_modify_cb(request->socket, NL_CB_FINISH, NL_CB_CUSTOM, on_done, request);
	nl_socket_modify_cb(request->socket, NL_CB_ACK, NL_CB_CUSTOM, on_done, request);
	nl_socket_modify_err_cb(request->socket, NL_CB_CUSTOM, on_error, request);
	fd = nl_socket_get_fd(request->socket);
	/* Kernels before 4.12 do not have these; errors stay without words there. */
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	return 0;
}

/* Send and take in answers until the request is settled; frees @message. */
static int transact(struct request *request, struct nl_msg *message)
{
	int result = nl_send_auto(request->socket, message);

	nlmsg_free(message);
	request->done = false;
	request->error = 0;
	while (result >= 0 && !request->done)
		result = nl_recvmsgs_default(request->socket);
	if (request->error)
		return request->error;
	return result >= 0 || request->done ? 0 : -EIO;
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

static int get_links(struct request *request, int flags)
{
	struct nl_msg *message = new_message(request, RTM_GETLINK, flags);

	if (!message)
		return -ENOMEM;
	nla_put_u32(message, IFLA_EXT_MASK, RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS);
	nl_socket_disable_auto_ack(request->socket);
	return transact(request, message);
}

static int require_host(struct iov *iov)
{
	if (iov_sys_is_host(iov))
		return 0;
	return iov_fail(iov, -EOPNOTSUPP, "a recorded tree answers no netlink requests");
}

static int get_net(struct iov *iov, struct iov_bdf pf, struct json_object *vfs)
{
	struct request request = { .vfs = vfs };
	size_t count = json_object_array_length(vfs);
	int error = require_host(iov);

	if (!error)
		error = find_interface(iov, pf, &request.ifindex);
	if (error)
		return error;
	error = open_socket(&request);
	if (!error)
		error = get_links(&request, 0);
	if (error == -EMSGSIZE)
		error = get_links(&request, NLM_F_DUMP);
	nl_socket_free(request.socket);
	if (error)
		return iov_fail(iov, error, "cannot read the VFs of %s by netlink: %s", IOV_BDF(pf),
				strerror(-error));
	if (request.seen < count)
		return iov_fail(iov, -EMSGSIZE,
				"the kernel told about %u of %zu VFs of %s: more do "
				"not fit its message",
				request.seen, count, IOV_BDF(pf));
	return 0;
}

static uint32_t target_number(struct json_object *target, const char *name)
{
	return (uint32_t)json_object_get_int64(json_object_object_get(target, name));
}

static int put_mac(struct nl_msg *message, uint32_t vf, struct json_object *target)
{
	const char *text = json_object_get_string(json_object_object_get(target, "mac"));
	struct ifla_vf_mac mac = { .vf = vf };

	if (!text || sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", &mac.mac[0], &mac.mac[1],
			    &mac.mac[2], &mac.mac[3], &mac.mac[4], &mac.mac[5]) != 6)
		return -EINVAL;
	return nla_put(message, IFLA_VF_MAC, sizeof(mac), &mac);
}

static int put_vlan(struct nl_msg *message, uint32_t vf, struct json_object *target)
{
	struct ifla_vf_vlan vlan = {
		.vf = vf,
		.vlan = target_number(target, "vlan"),
		.qos = target_number(target, "qos"),
	};

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
	const char *text = json_object_get_string(json_object_object_get(target, "link_state"));
	struct ifla_vf_link_state link = { .vf = vf };

	while (link.link_state < LINK_STATES && strcmp(link_states[link.link_state], text))
		link.link_state++;
	return nla_put(message, IFLA_VF_LINK_STATE, sizeof(link), &link);
}

static const char *const attribute_names[] = {
	"mac", "vlan", "qos", "spoofchk", "trust", "max_rate", "min_rate", "link_state", NULL,
};

static int (*const attribute_puts[])(struct nl_msg *, uint32_t, struct json_object *) = {
	put_mac, put_vlan, put_vlan, put_spoofchk, put_trust, put_rate, put_rate, put_link_state,
};

static int put_attribute(struct nl_msg *message, unsigned int index, const char *attribute,
			 struct json_object *target)
{
	struct nlattr *list = nla_nest_start(message, IFLA_VFINFO_LIST);
	struct nlattr *info = nla_nest_start(message, IFLA_VF_INFO);
	int error = -EINVAL;

	for (size_t i = 0; attribute_names[i]; i++) {
		if (!strcmp(attribute_names[i], attribute))
			error = attribute_puts[i](message, index, target);
	}
	nla_nest_end(message, info);
	nla_nest_end(message, list);
	return error;
}

static int set_net(struct iov *iov, struct iov_bdf pf, unsigned int index, const char *attribute,
		   struct json_object *target, char *answer, size_t size)
{
	struct request request = { .answer = answer, .answer_size = size };
	struct nl_msg *message;
	int error = require_host(iov);

	if (!error)
		error = find_interface(iov, pf, &request.ifindex);
	if (error)
		return error;
	message = new_message(&request, RTM_SETLINK, 0);
	if (!message)
		return -ENOMEM;
	error = put_attribute(message, index, attribute, target);
	if (!error)
		error = open_socket(&request);
	if (error)
		nlmsg_free(message);
	else
		error = transact(&request, message);
	nl_socket_free(request.socket);
	return error;
}

const struct iov_sriov_class net_class = {
	.name = "net",
	.attributes = attribute_names,
	.match = match_net,
	.get = get_net,
	.set = set_net,
};
