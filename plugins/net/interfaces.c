// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Interfaces that a driver makes anew, and what they had.
 *
 * Addresses and routes are kept as the kernel tells them, without what it counts itself, and are
 * handed back to it with another index: nothing of them is lost that we do not know. What the kernel
 * makes by itself (link-local addresses, connected routes, what router advertisements say) comes
 * again by itself.
 */
#include "plugins/net/interfaces.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/pci/interface.h"
#include "base/sysroot/call.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "plugins/net/net.h"
#include "plugins/net/netlink.h"

#define PAYLOAD_MAX 4096
#define TRIES 100
#define PAUSE_MS 100

static struct iov_path net_path(const char *interface, const char *attribute)
{
	return iov_path(IOV_PATH_CLASS_NET "/%s/%s", interface, attribute);
}

/* Representors stand for others and are made by nobody but the driver. */
static bool is_own(struct iov *iov, const char *interface)
{
	char port[32] = "";

	iov_sys_read(iov, net_path(interface, "phys_port_name").name, port, sizeof(port));
	return !strstr(port, "pf") && !strstr(port, "vf") && !strstr(port, "sf");
}

/* The device's own interfaces: a new array of names. */
static struct json_object *own_interfaces(struct iov *iov, const struct devlink_device *device)
{
	struct json_object *own = json_object_new_array();
	char **names;
	size_t count;

	if (iov_sys_list(iov, iov_path("%s/net", devlink_path(device).name).name, &names, &count))
		return own;
	for (size_t i = 0; i < count; i++) {
		if (is_own(iov, names[i]))
			json_object_array_add(own, json_object_new_string(names[i]));
	}
	iov_names_free(names, count);
	return own;
}

static int64_t number_of(struct iov *iov, const char *interface, const char *attribute)
{
	int64_t number = 0;

	iov_sys_read_number(iov, net_path(interface, attribute).name, &number);
	return number;
}

static bool is_up(struct iov *iov, const char *interface)
{
	char text[32] = "";

	iov_sys_read(iov, net_path(interface, "flags").name, text, sizeof(text));
	return strtoul(text, NULL, 16) & IFF_UP;
}

/* Looking. */

static struct json_object *hex(const unsigned char *bytes, size_t size)
{
	char text[2 * PAYLOAD_MAX + 1];

	for (size_t i = 0; i < size; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return json_object_new_string_len(text, (int)(2 * size));
}

/* The payload of a message but for one attribute; 0 for one that is too long. */
static size_t copy_payload(struct nlmsghdr *header, size_t family_size, int without,
			   unsigned char payload[PAYLOAD_MAX])
{
	size_t size = NLMSG_ALIGN(family_size);
	struct nlattr *attribute;
	int rest;

	if (nlmsg_datalen(header) > PAYLOAD_MAX)
		return 0;
	memset(payload, 0, PAYLOAD_MAX);
	memcpy(payload, nlmsg_data(header), family_size);
	nlmsg_for_each_attr(attribute, header, (int)family_size, rest) {
		if (nla_type(attribute) == without)
			continue;
		memcpy(payload + size, attribute, attribute->nla_len);
		size += NLA_ALIGN(attribute->nla_len);
	}
	return size;
}

/* One interface that is looked at. */
struct capture {
	struct iov *iov;
	const char *interface;
	int index;
	struct json_object *json;
	const char *lost;	/* what could not be given back */
};

static void on_address(struct nlmsghdr *header, void *arg)
{
	const struct ifaddrmsg *address = nlmsg_data(header);
	unsigned char payload[PAYLOAD_MAX];
	struct capture *capture = arg;
	size_t size;

	if (header->nlmsg_type != RTM_NEWADDR || nlmsg_datalen(header) < (int)sizeof(*address) ||
	    (int)address->ifa_index != capture->index || !(address->ifa_flags & IFA_F_PERMANENT) ||
	    (address->ifa_family == AF_INET6 && address->ifa_scope == RT_SCOPE_LINK))
		return;
	size = copy_payload(header, sizeof(*address), IFA_CACHEINFO, payload);
	if (size)
		json_object_array_add(json_object_object_get(capture->json, "addresses"),
				      hex(payload, size));
	else
		capture->lost = "an address";
}

static bool leads_through(struct nlattr *hops, int index)
{
	struct rtnexthop *hop = nla_data(hops);
	int rest = nla_len(hops);

	while (rest >= (int)sizeof(*hop) && RTNH_OK(hop, rest)) {
		if (hop->rtnh_ifindex == index)
			return true;
		rest -= RTNH_ALIGN(hop->rtnh_len);
		hop = RTNH_NEXT(hop);
	}
	return false;
}

/* What somebody configured: the rest the kernel, or who else speaks a protocol, makes again. */
static bool is_configured(const struct rtmsg *route)
{
	return route->rtm_protocol != RTPROT_KERNEL && route->rtm_protocol != RTPROT_REDIRECT &&
	       route->rtm_protocol != RTPROT_RA && route->rtm_table != RT_TABLE_LOCAL &&
	       !(route->rtm_flags & RTM_F_CLONED);
}

/* Those through a gateway come after those to it. */
static void add_route(struct capture *capture, struct nlmsghdr *header, bool gateway)
{
	struct json_object *routes = json_object_object_get(capture->json,
							     gateway ? "gateways" : "routes");
	unsigned char payload[PAYLOAD_MAX];
	size_t size = copy_payload(header, sizeof(struct rtmsg), RTA_CACHEINFO, payload);
	struct rtmsg *route = (struct rtmsg *)(void *)payload;

	if (!size) {
		capture->lost = "a route";
		return;
	}
	route->rtm_flags &= RTNH_F_ONLINK;
	json_object_array_add(routes, hex(payload, size));
}

static void on_route(struct nlmsghdr *header, void *arg)
{
	const struct rtmsg *route = nlmsg_data(header);
	struct nlattr *attributes[RTA_MAX + 1];
	struct capture *capture = arg;

	if (header->nlmsg_type != RTM_NEWROUTE || nlmsg_datalen(header) < (int)sizeof(*route) ||
	    nlmsg_parse(header, sizeof(*route), attributes, RTA_MAX, NULL) < 0 || !is_configured(route))
		return;
	if (attributes[RTA_MULTIPATH] && leads_through(attributes[RTA_MULTIPATH], capture->index))
		capture->lost = "a route with several next hops";
	if (!attributes[RTA_OIF] || nla_len(attributes[RTA_OIF]) < (int)sizeof(uint32_t) ||
	    (int)nla_get_u32(attributes[RTA_OIF]) != capture->index || attributes[RTA_EXPIRES])
		return;
	if (attributes[RTA_NH_ID])
		capture->lost = "a route by a next hop that has a number";
	else
		add_route(capture, header, attributes[RTA_GATEWAY] || attributes[RTA_VIA]);
}

static void on_link(struct nlmsghdr *header, void *arg)
{
	const struct ifinfomsg *link = nlmsg_data(header);
	struct nlattr *names, *name;
	struct capture *capture = arg;
	int rest;

	if (header->nlmsg_type != RTM_NEWLINK || link->ifi_index != capture->index)
		return;
	names = nlmsg_find_attr(header, sizeof(*link), IFLA_PROP_LIST);
	if (!names)
		return;
	nla_for_each_nested(name, names, rest) {
		if (nla_type(name) == IFLA_ALT_IFNAME && devlink_text_of(name))
			json_object_array_add(json_object_object_get(capture->json, "altnames"),
					      json_object_new_string(nla_data(name)));
	}
}

/* A question to rtnetlink; @flags NLM_F_DUMP for all. */
static int ask(int type, int flags, const void *family, size_t size,
	       void (*on_message)(struct nlmsghdr *, void *), void *arg)
{
	return netlink_route(netlink_route_new(type, flags, family, size), on_message, arg, NULL, 0);
}

static bool has_upper(struct iov *iov, const char *interface)
{
	bool found = false;
	char **names;
	size_t count;

	if (iov_sys_list(iov, iov_path(IOV_PATH_CLASS_NET "/%s", interface).name, &names, &count))
		return false;
	for (size_t i = 0; i < count; i++)
		found |= !strncmp(names[i], "upper_", 6);
	iov_names_free(names, count);
	return found;
}

static void move_gateways(struct json_object *json)
{
	struct json_object *routes = json_object_object_get(json, "routes");
	struct json_object *gateways = json_object_object_get(json, "gateways");

	for (size_t i = 0; i < json_object_array_length(gateways); i++)
		json_object_array_add(routes, json_object_get(json_object_array_get_idx(gateways, i)));
	json_object_object_del(json, "gateways");
}

static int capture_one(struct capture *capture)
{
	static const char *const lists[] = { "altnames", "addresses", "routes", "gateways" };
	const struct ifinfomsg link = { .ifi_index = capture->index };
	const struct ifaddrmsg address = { 0 };
	const struct rtmsg route = { 0 };
	struct iov *iov = capture->iov;
	int error;

	json_add_text(capture->json, "name", capture->interface);
	json_object_object_add(capture->json, "port", json_object_new_int64(
				       iov_interface_port(iov, capture->interface)));
	json_object_object_add(capture->json, "up", json_object_new_boolean(is_up(iov, capture->interface)));
	json_object_object_add(capture->json, "mtu", json_object_new_int64(
				       number_of(iov, capture->interface, "mtu")));
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		json_object_object_add(capture->json, lists[i], json_object_new_array());
	iov_sys_asking(iov, "addresses and routes of %s, by rtnetlink", capture->interface);
	error = ask(RTM_GETLINK, 0, &link, sizeof(link), on_link, capture);
	if (!error)
		error = ask(RTM_GETADDR, NLM_F_DUMP, &address, sizeof(address), on_address, capture);
	if (!error)
		error = ask(RTM_GETROUTE, NLM_F_DUMP, &route, sizeof(route), on_route, capture);
	if (has_upper(iov, capture->interface))
		capture->lost = "an interface that is on top of it, or that it belongs to,";
	move_gateways(capture->json);
	return error;
}

/* Of a struct devlink_device answers an array. */
static int tell_interfaces(struct iov *iov, const char *question, size_t length, FILE *answer)
{
	_cleanup_json_ struct json_object *list = json_object_new_array(), *own = NULL;
	struct devlink_device device;
	int error = 0;

	memcpy(&device, question, length);
	own = own_interfaces(iov, &device);
	for (size_t i = 0; !error && i < json_object_array_length(own); i++) {
		const char *name = json_object_get_string(json_object_array_get_idx(own, i));
		struct capture capture = { .iov = iov, .interface = name,
					   .index = (int)number_of(iov, name, "ifindex"),
					   .json = json_object_new_object() };

		json_object_array_add(list, capture.json);
		error = capture_one(&capture);
		if (error)
			error = iov_told(iov, error, "cannot read what %s has: %s", name, strerror(-error));
		else if (capture.lost)
			error = iov_fail(iov, -EBUSY, "the driver of %s may make %s anew, and %s would be "
					 "lost; take that away first, and add it again afterwards",
					 devlink_text(&device).name, name, capture.lost);
	}
	fputs(json_object_to_json_string_ext(list, JSON_C_TO_STRING_PLAIN), answer);
	return error;
}

int interfaces_capture(struct iov *iov, const struct devlink_device *device, struct json_object **list)
{
	_cleanup_free_ char *answer = NULL;
	int error;

	*list = NULL;
	if (!iov_sys_is_host(iov)) {
		*list = json_object_new_array();
		return 0;
	}
	error = iov_sys_call(iov, tell_interfaces, device, sizeof(*device), &answer);
	if (error)
		return error;
	*list = json_tokener_parse(answer);
	return *list ? 0 : iov_fail(iov, -ENOMEM, "out of memory");
}

/* Giving back. */

static bool unhex(const char *text, unsigned char payload[PAYLOAD_MAX], size_t *size)
{
	*size = strlen(text) / 2;
	if (strlen(text) % 2 || *size > PAYLOAD_MAX || strspn(text, "0123456789abcdef") != strlen(text))
		return false;
	for (size_t i = 0; i < *size; i++) {
		const char byte[3] = { text[2 * i], text[2 * i + 1] };

		payload[i] = (unsigned char)strtoul(byte, NULL, 16);
	}
	return true;
}

static int change(int type, int flags, const void *payload, size_t size)
{
	return ask(type, NLM_F_ACK | flags, payload, size, NULL, NULL);
}

static int give_address(const char *text, int index)
{
	unsigned char payload[PAYLOAD_MAX];
	struct ifaddrmsg address;
	size_t size;
	int error;

	if (!unhex(text, payload, &size) || size < sizeof(address))
		return -EINVAL;
	memcpy(&address, payload, sizeof(address));
	address.ifa_index = (unsigned int)index;
	memcpy(payload, &address, sizeof(address));
	error = change(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, payload, size);
	return error == -EEXIST ? 0 : error;
}

/* The attribute that has the index. */
static bool set_output(unsigned char *payload, size_t size, int index)
{
	struct nlattr *at = (struct nlattr *)(void *)(payload + NLMSG_ALIGN(sizeof(struct rtmsg)));
	int rest = (int)(size - NLMSG_ALIGN(sizeof(struct rtmsg)));

	for (; nla_ok(at, rest); at = nla_next(at, &rest)) {
		if (nla_type(at) != RTA_OIF || nla_len(at) < (int)sizeof(index))
			continue;
		memcpy(nla_data(at), &index, sizeof(index));
		return true;
	}
	return false;
}

/* A source address of IPv6 counts when the kernel has found that nobody else has it. */
static int give_route(const char *text, int index)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };
	unsigned char payload[PAYLOAD_MAX];
	int error, tries = TRIES / 2;
	size_t size;

	if (!unhex(text, payload, &size) || size < sizeof(struct rtmsg) ||
	    !set_output(payload, size, index))
		return -EINVAL;
	do {
		error = change(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, payload, size);
	} while ((error == -EINVAL || error == -ENETUNREACH || error == -EHOSTUNREACH) && --tries &&
		 !nanosleep(&pause, NULL));
	return error == -EEXIST ? 0 : error;
}

/* Change flags of a link, and its name where there is one. */
static int set_link(int index, unsigned int flags, unsigned int mask, const char *name)
{
	const struct ifinfomsg link = { .ifi_index = index, .ifi_flags = flags, .ifi_change = mask };
	struct nl_msg *message = netlink_route_new(RTM_NEWLINK, NLM_F_ACK, &link, sizeof(link));

	if (message && name && nla_put_string(message, IFLA_IFNAME, name)) {
		nlmsg_free(message);
		return -ENOMEM;
	}
	return netlink_route(message, NULL, NULL, NULL, 0);
}

static int rename_to(struct iov *iov, const char *now, const char *wanted, int index)
{
	int error;

	if (!strcmp(now, wanted))
		return 0;
	/* Kernels before 6.2 rename what is down. */
	error = is_up(iov, now) ? set_link(index, 0, IFF_UP, NULL) : 0;
	return error ? error : set_link(index, 0, 0, wanted);
}

static int give_mtu(struct iov *iov, const char *name, int64_t mtu)
{
	char text[16];

	if (!mtu || number_of(iov, name, "mtu") == mtu)
		return 0;
	snprintf(text, sizeof(text), "%lld", (long long)mtu);
	return iov_sys_write(iov, net_path(name, "mtu").name, text);
}

/* All of a list; the first error. */
static int give_all(struct json_object *list, int index, int (*give)(const char *text, int index))
{
	int error = 0;

	for (size_t i = 0; !error && i < json_object_array_length(list); i++)
		error = give(json_object_get_string(json_object_array_get_idx(list, i)), index);
	return error;
}

static int give_altname(const char *text, int index)
{
	const struct ifinfomsg link = { .ifi_index = index };
	struct nl_msg *message = netlink_route_new(RTM_NEWLINKPROP, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL |
						   NLM_F_APPEND, &link, sizeof(link));
	struct nlattr *nest = message ? nla_nest_start(message, IFLA_PROP_LIST | NLA_F_NESTED) : NULL;
	int error;

	if (!nest || nla_put_string(message, IFLA_ALT_IFNAME, text)) {
		nlmsg_free(message);
		return -ENOMEM;
	}
	nla_nest_end(message, nest);
	error = netlink_route(message, NULL, NULL, NULL, 0);
	return error == -EEXIST ? 0 : error;
}

static int fail_part(struct iov *iov, int error, const char *what, const char *name)
{
	return error ? iov_told(iov, error, "%s of %s: %s", what, name, strerror(-error)) : 0;
}

static int give_back(struct iov *iov, const char *now, struct json_object *json)
{
	const char *name = json_text(json, "name");
	bool up = json_object_get_boolean(json_object_object_get(json, "up"));
	int index = (int)number_of(iov, now, "ifindex");
	int error;

	iov_sys_asking(iov, "%s to be as it was, by rtnetlink", name);
	error = fail_part(iov, rename_to(iov, now, name, index), "the name", name);
	if (!error)
		error = fail_part(iov, give_all(json_object_object_get(json, "altnames"), index,
						give_altname), "an alternative name", name);
	if (!error)
		error = fail_part(iov, give_mtu(iov, name, json_object_get_int64(
				json_object_object_get(json, "mtu"))), "the MTU", name);
	if (!error && up && !is_up(iov, name))
		error = fail_part(iov, set_link(index, IFF_UP, IFF_UP, NULL),
				  "the link", name);
	if (!error)
		error = fail_part(iov, give_all(json_object_object_get(json, "addresses"), index,
						give_address), "an address", name);
	if (!error)
		error = fail_part(iov, give_all(json_object_object_get(json, "routes"), index, give_route),
				  "a route", name);
	return error;
}

/* The interface with a number; the only one where there is but one of both. */
static const char *find_interface(struct iov *iov, struct json_object *own, struct json_object *list,
				  struct json_object *json)
{
	int64_t port = json_object_get_int64(json_object_object_get(json, "port"));

	for (size_t i = 0; i < json_object_array_length(own); i++) {
		const char *name = json_object_get_string(json_object_array_get_idx(own, i));

		if (iov_interface_port(iov, name) == port || (json_object_array_length(own) == 1 &&
							     json_object_array_length(list) == 1))
			return name;
	}
	return NULL;
}

/* Drivers make their interfaces when they like. */
static int wait_and_give(struct iov *iov, const struct devlink_device *device,
			 struct json_object *list, struct json_object *json)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };

	for (int tries = TRIES; tries--; nanosleep(&pause, NULL)) {
		_cleanup_json_ struct json_object *own = own_interfaces(iov, device);
		const char *now = find_interface(iov, own, list, json);

		if (now)
			return give_back(iov, now, json);
	}
	return iov_fail(iov, -ENODEV, "the driver of %s made no interface that could be %s again",
			devlink_text(device).name, json_text(json, "name"));
}

static int run_interfaces(struct iov *iov, const struct iov_op *op)
{
	struct json_object *list = op->interfaces.list;
	struct devlink_device device;
	int error = devlink_device_parse(iov, op->interfaces.device, &device);

	for (size_t i = 0; !error && i < json_object_array_length(list); i++)
		error = wait_and_give(iov, &device, list, json_object_array_get_idx(list, i));
	return error;
}

const struct iov_op_runner interfaces_runner = { IOV_OP_INTERFACES, run_interfaces };
