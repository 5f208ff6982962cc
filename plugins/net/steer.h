/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steering: rules of a NIC that lead received frames to a VF or to a queue of its PF.
 *
 * In switchdev mode a rule for a VF is a flower filter at the uplink that redirects to the VF's
 * representor; otherwise it is an ntuple rule of ethtool, which some drivers take for VFs and some
 * for queues alone. Which of them is not known before the kernel answers.
 */
#ifndef IOV_PLUGINS_NET_STEER_H
#define IOV_PLUGINS_NET_STEER_H

#include <json-c/json.h>

#include "base/iov.h"
#include "base/pci/pci.h"
#include "base/plan/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * iov_steer_parse - read a rule as a person writes it
 * @iov: context
 * @mac: destination of the frames, NULL for any
 * @vlan: their VLAN, 1 to 4094, NULL for any
 * @to: "vf3" or "queue2"; NULL for a rule that is only looked for
 * @rule: receives it
 *
 * Return: 0, or -EINVAL with a message, also for a rule that matches every frame.
 */
int iov_steer_parse(struct iov *iov, const char *mac, const char *vlan, const char *to,
		    struct iov_steer_rule *rule);

/**
 * iov_steer_list - the rules that a NIC has
 * @iov: context
 * @bdf: PF
 * @port: of a function with several, as of iov_interface_named_port(); -1 for the first
 * @out: receives an object that the caller puts: "device", "interface", "queues" (how many there are to
 *	lead to), "rules", an array of objects "mac", "vlan", "to" ("vf" or "queue"), "number", "by"
 *	("ntuple" or "flower") and "hardware" (false for a filter that the driver did not take), and
 *	"others", rules that match something else
 *
 * Return: 0; -EOPNOTSUPP for a NIC that has no such rules; or -errno; with a message.
 */
int iov_steer_list(struct iov *iov, struct iov_bdf bdf, int port, struct json_object **out);

/**
 * enum iov_steer_flags - what earlier steps of a plan do
 * @IOV_STEER_VFS_ANEW: they make VFs
 * @IOV_STEER_UNSEEN: they give the NIC a driver or another switch mode, so that it has no rules then
 */
enum iov_steer_flags {
	IOV_STEER_VFS_ANEW = 1 << 0,
	IOV_STEER_UNSEEN = 1 << 1,
};

/**
 * iov_steer_plan - plan a rule
 * @plan: plan to append to
 * @bdf: PF
 * @port: as of iov_steer_list()
 * @rule: rule; one that matches the same is replaced, and is put back by undo
 * @flags: of enum iov_steer_flags
 *
 * Appends nothing when there is such a rule. Frames that the host itself receives are taken from it
 * by a rule that leads them to a VF, so guards judge that.
 *
 * Return: 0, or -errno with a message: -EOPNOTSUPP for a NIC that cannot, -ENODEV without that VF, -EINVAL
 * without that queue.
 */
int iov_steer_plan(struct iov_plan *plan, struct iov_bdf bdf, int port,
		   const struct iov_steer_rule *rule, unsigned int flags);

/**
 * iov_steer_remove_plan - plan that a rule goes
 * @plan: plan to append to
 * @bdf: PF
 * @port: as of iov_steer_list()
 * @rule: what it matches
 *
 * Return: 0; -ENOENT when there is no such rule; or -errno; with a message.
 */
int iov_steer_remove_plan(struct iov_plan *plan, struct iov_bdf bdf, int port,
			  const struct iov_steer_rule *rule);

#ifdef __cplusplus
}
#endif

#endif
