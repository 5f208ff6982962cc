// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Filters of tc at the ingress of an uplink that redirect to the representor of a VF. The kernel
 * offers each to the driver and says afterwards whether that took it; one that it did not is done in
 * software. Two priorities tell ours from others; their place (clsact) is made with the first,
 * and goes with the last when nothing else is there.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <string.h>

#include "base/mac.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "plugins/net/netlink.h"
#include "plugins/net/representor.h"
#include "plugins/net/steer_rules.h"

#define INGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)
#define EGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)
/* A number of ours, and the next: frames of any protocol, behind those of a VLAN. */
#define PRIORITY_VLAN 0x696f
#define PRIORITY_ANY 0x6970

static const uint8_t every_bit[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

static int index_of(struct iov *iov, const char *interface)
{
	int64_t index = 0;

	iov_sys_read_number(iov, iov_path(IOV_PATH_CLASS_NET "/%s/ifindex", interface).name, &index);
	return (int)index;
}

/* The representor that is looked for: that of a VF, or one with an index; 0: any. */
struct wanted {
	struct iov *iov;
	long vf;	/* -1: not known */
	int index;
	bool found;
};

static bool look_at(void *arg, const char *interface, unsigned int vf)
{
	struct wanted *wanted = arg;
	int index = index_of(wanted->iov, interface);

	if (wanted->vf >= 0 ? vf != (unsigned long)wanted->vf : wanted->index && index != wanted->index)
		return true;
	wanted->vf = vf;
	wanted->index = index;
	wanted->found = true;
	return false;
}

/* Either the interface of VF *@vf, or the VF of interface *@index. */
static int find_representor(struct iov *iov, const char *uplink, long *vf, int *index)
{
	struct wanted wanted = { iov, *vf, *index, false };
	int error = representors_each(iov, uplink, look_at, &wanted);

	*vf = wanted.vf;
	*index = wanted.index;
	return error || wanted.found ? error : -ENODEV;
}

bool flower_applies(struct iov *iov, const char *interface)
{
	long vf = -1;
	int index = 0;

	return !find_representor(iov, interface, &vf, &index);
}

static struct nl_msg *new_message(int type, int flags, const struct tcmsg *tc, const char *kind)
{
	struct nl_msg *message = netlink_route_new(type, flags, tc, sizeof(*tc));

	if (!message || !kind || !nla_put_string(message, TCA_KIND, kind))
		return message;
	nlmsg_free(message);
	return NULL;
}

static struct tcmsg place(int ifindex, uint32_t parent)
{
	return (struct tcmsg){ .tcm_family = AF_UNSPEC, .tcm_ifindex = ifindex, .tcm_parent = parent };
}

/* What is at the ingress or egress of an interface; one without a place for filters has none. */
static int dump(int ifindex, uint32_t parent, void (*on_message)(struct nlmsghdr *, void *), void *arg)
{
	struct tcmsg tc = place(ifindex, parent);
	int error = netlink_route(new_message(RTM_GETTFILTER, NLM_F_DUMP, &tc, NULL), on_message, arg, NULL, 0);

	return error == -EINVAL || error == -ENOENT ? 0 : error;
}

/* A filter of ours, as the kernel tells it. */
struct filter {
	struct iov_steer_rule rule;
	int ifindex;	/* where it leads */
	uint32_t info;	/* priority and protocol */
	uint32_t handle;
	bool hardware;
};

struct filters {
	struct filter list[STEER_RULES_MAX];
	size_t count;
	unsigned int others;
};

static bool is_ours(uint32_t info)
{
	uint32_t priority = TC_H_MAJ(info) >> 16;

	return priority == PRIORITY_VLAN || priority == PRIORITY_ANY;
}

static int redirect_of(struct nlattr *actions)
{
	struct nlattr *action = actions ? nla_data(actions) : NULL;
	struct nlattr *options, *parms;

	if (!action || !nla_ok(action, nla_len(actions)))
		return 0;
	options = nla_find(nla_data(action), nla_len(action), TCA_ACT_OPTIONS);
	parms = options ? nla_find(nla_data(options), nla_len(options), TCA_MIRRED_PARMS) : NULL;
	if (!parms || nla_len(parms) < (int)sizeof(struct tc_mirred) ||
	    ((struct tc_mirred *)nla_data(parms))->eaction != TCA_EGRESS_REDIR)
		return 0;
	return (int)((struct tc_mirred *)nla_data(parms))->ifindex;
}

static bool read_options(struct nlattr *options, struct filter *filter)
{
	struct nlattr *mac = nla_find(nla_data(options), nla_len(options), TCA_FLOWER_KEY_ETH_DST);
	struct nlattr *vlan = nla_find(nla_data(options), nla_len(options), TCA_FLOWER_KEY_VLAN_ID);
	struct nlattr *flags = nla_find(nla_data(options), nla_len(options), TCA_FLOWER_FLAGS);

	filter->rule.has_mac = mac && nla_len(mac) == sizeof(filter->rule.mac);
	if (filter->rule.has_mac)
		memcpy(filter->rule.mac, nla_data(mac), sizeof(filter->rule.mac));
	filter->rule.vlan = vlan && nla_len(vlan) >= 2 ? nla_get_u16(vlan) : 0;
	filter->hardware = flags && nla_len(flags) >= 4 && nla_get_u32(flags) & TCA_CLS_FLAGS_IN_HW;
	filter->ifindex = redirect_of(nla_find(nla_data(options), nla_len(options), TCA_FLOWER_ACT));
	return filter->ifindex && (filter->rule.has_mac || filter->rule.vlan);
}

static void on_filter(struct nlmsghdr *header, void *arg)
{
	const struct tcmsg *tc = nlmsg_data(header);
	struct filters *filters = arg;
	struct nlattr *kind, *options;
	struct filter filter = { 0 };

	if (header->nlmsg_type != RTM_NEWTFILTER || nlmsg_datalen(header) < (int)sizeof(*tc))
		return;
	/* The head of a chain of filters is told as one without handle. */
	if (!tc->tcm_handle)
		return;
	kind = nlmsg_find_attr(header, sizeof(*tc), TCA_KIND);
	options = nlmsg_find_attr(header, sizeof(*tc), TCA_OPTIONS);
	filter.info = tc->tcm_info;
	filter.handle = tc->tcm_handle;
	if (!kind || nla_strcmp(kind, "flower") || !options || !is_ours(tc->tcm_info) ||
	    !read_options(options, &filter) || filters->count == STEER_RULES_MAX)
		filters->others++;
	else
		filters->list[filters->count++] = filter;
}

static int read_filters(struct iov *iov, const char *interface, struct filters *filters)
{
	filters->count = filters->others = 0;
	return dump(index_of(iov, interface), INGRESS, on_filter, filters);
}

int flower_list(struct iov *iov, const char *interface, struct steer_rules *rules)
{
	static _Thread_local struct filters filters;
	int error = read_filters(iov, interface, &filters);

	if (error)
		return error;
	rules->others += filters.others;
	for (size_t i = 0; i < filters.count; i++) {
		struct filter *filter = &filters.list[i];
		long vf = -1;

		if (find_representor(iov, interface, &vf, &filter->ifindex)) {
			rules->others++;
			continue;
		}
		filter->rule.to = IOV_STEER_VF;
		filter->rule.number = (unsigned int)vf;
		steer_add_found(rules, &filter->rule, true, filter->hardware);
	}
	return 0;
}

static int change_clsact(int ifindex, int type, int flags)
{
	struct tcmsg tc = place(ifindex, TC_H_CLSACT);
	int error;

	tc.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	error = netlink_route(new_message(type, flags, &tc, "clsact"), NULL, NULL, NULL, 0);
	return error == -EEXIST ? 0 : error;
}

static int put_redirect(struct nl_msg *message, int ifindex)
{
	struct tc_mirred parms = {
		.action = TC_ACT_STOLEN, .eaction = TCA_EGRESS_REDIR, .ifindex = (uint32_t)ifindex,
	};
	struct nlattr *actions = nla_nest_start(message, TCA_FLOWER_ACT);
	struct nlattr *first = actions ? nla_nest_start(message, 1) : NULL, *options;

	if (!first || nla_put_string(message, TCA_ACT_KIND, "mirred") < 0)
		return -ENOMEM;
	options = nla_nest_start(message, TCA_ACT_OPTIONS);
	if (!options || nla_put(message, TCA_MIRRED_PARMS, sizeof(parms), &parms) < 0)
		return -ENOMEM;
	nla_nest_end(message, options);
	nla_nest_end(message, first);
	nla_nest_end(message, actions);
	return 0;
}

static int put_rule(struct nl_msg *message, const struct iov_steer_rule *rule, int ifindex)
{
	struct nlattr *options = nla_nest_start(message, TCA_OPTIONS);

	if (!options ||
	    (rule->vlan && nla_put_u16(message, TCA_FLOWER_KEY_ETH_TYPE, htons(ETH_P_8021Q)) < 0))
		return -ENOMEM;
	if (rule->has_mac &&
	    (nla_put(message, TCA_FLOWER_KEY_ETH_DST, sizeof(rule->mac), rule->mac) < 0 ||
	     nla_put(message, TCA_FLOWER_KEY_ETH_DST_MASK, sizeof(every_bit), every_bit) < 0))
		return -ENOMEM;
	if (rule->vlan && nla_put_u16(message, TCA_FLOWER_KEY_VLAN_ID, (uint16_t)rule->vlan) < 0)
		return -ENOMEM;
	if (put_redirect(message, ifindex))
		return -ENOMEM;
	nla_nest_end(message, options);
	return 0;
}

int flower_add(struct iov *iov, const char *interface, const struct iov_steer_rule *rule, char *answer,
	       size_t size)
{
	uint16_t protocol = htons(rule->vlan ? ETH_P_8021Q : ETH_P_ALL);
	struct tcmsg tc = place(index_of(iov, interface), INGRESS);
	long vf = (long)rule->number;
	struct nl_msg *message;
	int error, ifindex = 0;

	error = find_representor(iov, interface, &vf, &ifindex);
	if (!error)
		error = change_clsact(tc.tcm_ifindex, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL);
	if (error)
		return error;
	tc.tcm_info = TC_H_MAKE((rule->vlan ? PRIORITY_VLAN : PRIORITY_ANY) << 16, protocol);
	message = new_message(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, &tc, "flower");
	if (message && put_rule(message, rule, ifindex)) {
		nlmsg_free(message);
		message = NULL;
	}
	return netlink_route(message, NULL, NULL, answer, size);
}

/* The last one takes the place along, when nobody else has something there. */
static int remove_empty(struct iov *iov, const char *interface)
{
	static _Thread_local struct filters filters;
	int ifindex = index_of(iov, interface);
	int error = read_filters(iov, interface, &filters);
	size_t left = filters.count + filters.others;

	if (error || left)
		return error;
	error = dump(ifindex, EGRESS, on_filter, &filters);
	if (error || filters.count + filters.others)
		return error;
	error = change_clsact(ifindex, RTM_DELQDISC, 0);
	return error == -EINVAL || error == -ENOENT ? 0 : error;
}

int flower_remove(struct iov *iov, const char *interface, const struct iov_steer_rule *rule,
		  char *answer, size_t size)
{
	static _Thread_local struct filters filters;
	int error = read_filters(iov, interface, &filters);

	for (size_t i = 0; !error && i < filters.count; i++) {
		struct tcmsg tc = place(index_of(iov, interface), INGRESS);

		if (!steer_same_match(&filters.list[i].rule, rule))
			continue;
		tc.tcm_info = filters.list[i].info;
		tc.tcm_handle = filters.list[i].handle;
		error = netlink_route(new_message(RTM_DELTFILTER, 0, &tc, "flower"), NULL, NULL, answer, size);
	}
	return error ? error : remove_empty(iov, interface);
}
