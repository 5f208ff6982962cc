/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device class "net": VF attributes by rtnetlink, and the operations of its devices. */
#ifndef IOV_PLUGINS_NET_NET_H
#define IOV_PLUGINS_NET_NET_H

#include <json-c/json.h>
#include <linux/netlink.h>

#include "sriov/class.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The class; iov_plugins_register() adds it. */
extern const struct iov_class net_class;

/* Who performs IOV_OP_MTU, IOV_OP_ESWITCH and the others of NICs; it adds them, too. */
extern const struct iov_op_runner mtu_runner;
extern const struct iov_op_runner eswitch_runner;
extern const struct iov_op_runner steer_runner;
extern const struct iov_op_runner devlink_runner;
extern const struct iov_op_runner interfaces_runner;

/* The class's operation of this name, for its test. */
int net_judge(struct iov *iov, struct json_object *now, struct json_object *wanted);

/**
 * net_parse_vfs - read the VFs in a link message
 * @message: an RTM_NEWLINK message with IFLA_VFINFO_LIST
 * @vfs: array of objects that receive "mac", "node_guid", "port_guid", "vlan", "qos",
 *	"vlan_protocol", "spoofchk", "trust", "rss_query", "max_rate", "min_rate" and
 *	"link_state"; VFs past its end are ignored
 *
 * Return: how many VFs the message told about.
 */
unsigned int net_parse_vfs(struct nlmsghdr *message, struct json_object *vfs);

#ifdef __cplusplus
}
#endif

#endif
