// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which of the two ways to steer a NIC has, the plans, and the operation.
 *
 * A rule is known by what it matches, not by its place in the NIC's table, which is another one after
 * each change. So an operation finds out whether it has been done, and an undo finds what to take back.
 */
#include "plugins/net/steer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mac.h"
#include "base/pci/interface.h"
#include "base/sysroot/call.h"
#include "base/sysroot/paths.h"
#include "plugins/net/net.h"
#include "plugins/net/netlink.h"
#include "plugins/net/steer_rules.h"

#define VLAN_MAX 4094

static const char *const targets[] = { [IOV_STEER_VF] = "vf", [IOV_STEER_QUEUE] = "queue" };

bool steer_same_match(const struct iov_steer_rule *a, const struct iov_steer_rule *b)
{
	return a->has_mac == b->has_mac && a->vlan == b->vlan &&
	       (!a->has_mac || !memcmp(a->mac, b->mac, sizeof(a->mac)));
}

bool steer_same_target(const struct iov_steer_rule *a, const struct iov_steer_rule *b)
{
	return a->to == b->to && a->number == b->number;
}

void steer_add_found(struct steer_rules *rules, const struct iov_steer_rule *rule, bool flower,
		     bool hardware)
{
	if (rules->count == STEER_RULES_MAX)
		rules->others++;
	else
		rules->found[rules->count++] = (struct steer_found){ *rule, flower, hardware };
}

static bool parse_target(const char *text, struct iov_steer_rule *rule)
{
	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
		size_t length = strlen(targets[i]), digits;

		if (strncmp(text, targets[i], length))
			continue;
		text += length + (text[length] == ' ');
		digits = strspn(text, "0123456789");
		rule->to = (enum iov_steer_to)i;
		rule->number = (unsigned int)strtoul(text, NULL, 10);
		return digits && digits <= 4 && !text[digits];
	}
	return false;
}

int iov_steer_parse(struct iov *iov, const char *mac, const char *vlan, const char *to,
		    struct iov_steer_rule *rule)
{
	size_t digits = vlan ? strspn(vlan, "0123456789") : 0;

	*rule = (struct iov_steer_rule){ 0 };
	if (!mac && !vlan)
		return iov_fail(iov, -EINVAL, "a rule without mac and vlan would take every frame; expected one "
				"of them or both");
	if (mac && !iov_mac_parse(mac, rule->mac))
		return iov_fail(iov, -EINVAL, "mac '%s': expected six hexadecimal bytes like "
				"02:00:00:00:00:01", mac);
	rule->has_mac = mac != NULL;
	rule->vlan = vlan ? (unsigned int)strtoul(vlan, NULL, 10) : 0;
	if (vlan && (!digits || digits > 4 || vlan[digits] || !rule->vlan || rule->vlan > VLAN_MAX))
		return iov_fail(iov, -EINVAL, "vlan '%s': expected a VLAN ID from 1 to %d", vlan, VLAN_MAX);
	if (to && !parse_target(to, rule))
		return iov_fail(iov, -EINVAL, "to '%s': expected vf and its index, like vf3, or queue and its "
				"number, like queue2", to);
	return 0;
}

/* "02:00:00:00:00:01 in VLAN 7" */
static struct iov_path match_text(const struct iov_steer_rule *rule)
{
	char mac[IOV_MAC_TEXT] = "";

	iov_mac_format(rule->mac, mac);
	if (!rule->vlan)
		return iov_path("%s", mac);
	return iov_path("%s%sVLAN %u", rule->has_mac ? mac : "", rule->has_mac ? " in " : "", rule->vlan);
}

static struct iov_path target_text(const struct iov_steer_rule *rule)
{
	return iov_path("%s %u", targets[rule->to], rule->number);
}

/* A NIC, as the calls need it. */
struct nic {
	struct iov_bdf bdf;
	int port;
	char interface[IOV_INTERFACE_SIZE];
	char driver[64];
};

static int find_nic(struct iov *iov, struct iov_bdf bdf, int port, struct nic *nic)
{
	int error = netlink_require_host(iov);

	*nic = (struct nic){ .bdf = bdf, .port = port };
	if (!error && iov_interface_of(iov, bdf, port, nic->interface))
		error = iov_fail(iov, -ENODEV, "%s has no network interface here, and rules are set through it; "
				 "bind its native driver, and look whether the interface is in another network "
				 "namespace", IOV_BDF(bdf));
	if (error)
		return error;
	iov_pci_driver(iov, bdf, nic->driver, sizeof(nic->driver));
	return 0;
}

static int say_cannot(struct iov *iov, const struct nic *nic)
{
	return iov_told(iov, -EOPNOTSUPP, "%s cannot steer: driver %s has no rules that lead frames to VFs or "
			"queues, and its VFs have no representors, as in switchdev mode", IOV_BDF(nic->bdf), nic->driver);
}

static int read_rules(struct iov *iov, const struct nic *nic, struct steer_rules *rules)
{
	bool flower = flower_applies(iov, nic->interface);
	int error;

	memset(rules, 0, offsetof(struct steer_rules, found));
	rules->flower = flower;
	iov_sys_asking(iov, "the rules of %s, by ethtool", nic->interface);
	rules->ntuple = (enum steer_ntuple)ntuple_feature(nic->interface);
	error = ntuple_list(nic->interface, rules);
	if (error == -EOPNOTSUPP && !flower)
		return say_cannot(iov, nic);
	if (error && error != -EOPNOTSUPP)
		return iov_told(iov, error, "cannot read the rules of %s by ethtool: %s", nic->interface,
				strerror(-error));
	if (error)
		rules->ntuple = STEER_NTUPLE_NEVER;
	if (!flower)
		return 0;
	iov_sys_asking(iov, "the filters of %s, by rtnetlink", nic->interface);
	error = flower_list(iov, nic->interface, rules);
	return error ? iov_told(iov, error, "cannot read the filters of %s by rtnetlink: %s", nic->interface,
				strerror(-error)) : 0;
}

/* Of a struct nic answers a struct steer_rules. */
static int tell_rules(struct iov *iov, const char *question, size_t length, FILE *answer)
{
	_cleanup_free_ struct steer_rules *rules = calloc(1, sizeof(*rules));
	struct nic nic;
	int error;

	if (!rules)
		return iov_fail(iov, -ENOMEM, "out of memory");
	memcpy(&nic, question, length);
	error = read_rules(iov, &nic, rules);
	fwrite(rules, sizeof(*rules), 1, answer);
	return error;
}

/* The caller frees @rules. */
static int ask_rules(struct iov *iov, const struct nic *nic, struct steer_rules **rules)
{
	char *answer = NULL;
	int error = iov_sys_call(iov, tell_rules, nic, sizeof(*nic), &answer);

	*rules = (struct steer_rules *)(void *)answer;
	return error;
}

static const struct steer_found *find_rule(const struct steer_rules *rules,
					   const struct iov_steer_rule *rule)
{
	for (size_t i = 0; i < rules->count; i++) {
		if (steer_same_match(&rules->found[i].rule, rule))
			return &rules->found[i];
	}
	return NULL;
}

static struct json_object *rule_json(const struct steer_found *found)
{
	const struct iov_steer_rule *rule = &found->rule;
	struct json_object *json = json_object_new_object();
	char mac[IOV_MAC_TEXT];

	iov_mac_format(rule->mac, mac);
	json_add_text(json, "mac", rule->has_mac ? mac : NULL);
	json_object_object_add(json, "vlan", rule->vlan ? json_object_new_int64(rule->vlan) : NULL);
	json_add_text(json, "to", targets[rule->to]);
	json_object_object_add(json, "number", json_object_new_int64(rule->number));
	json_add_text(json, "by", found->flower ? "flower" : "ntuple");
	json_object_object_add(json, "hardware", json_object_new_boolean(found->hardware));
	return json;
}

int iov_steer_list(struct iov *iov, struct iov_bdf bdf, int port, struct json_object **out)
{
	_cleanup_free_ struct steer_rules *rules = NULL;
	struct json_object *list;
	struct nic nic;
	int error = find_nic(iov, bdf, port, &nic);

	if (!error)
		error = ask_rules(iov, &nic, &rules);
	if (error)
		return error;
	*out = json_object_new_object();
	list = json_object_new_array();
	for (size_t i = 0; i < rules->count; i++)
		json_object_array_add(list, rule_json(&rules->found[i]));
	json_add_text(*out, "device", IOV_BDF(bdf));
	json_add_text(*out, "interface", nic.interface);
	json_object_object_add(*out, "queues",
			       rules->queues ? json_object_new_int64(rules->queues) : NULL);
	json_object_object_add(*out, "others", json_object_new_int64(rules->others));
	json_object_object_add(*out, "rules", list);
	return 0;
}

/* What the target has to be; whether a driver takes a VF at all the kernel answers in the end. */
static int check_target(struct iov *iov, const struct nic *nic, const struct steer_rules *rules,
			const struct iov_steer_rule *rule, unsigned int flags)
{
	unsigned int vfs = iov_pci_vf_count(iov, nic->bdf);

	if (rule->to == IOV_STEER_QUEUE && rules->ntuple == STEER_NTUPLE_NEVER)
		return iov_told(iov, -EOPNOTSUPP, "%s cannot steer to queues: driver %s has no such rules; its VFs "
				"are reached by their representors", nic->interface, nic->driver);
	if (rule->to == IOV_STEER_QUEUE && rules->queues && rule->number >= rules->queues)
		return iov_fail(iov, -EINVAL, "queue %u: %s has %u; expected 0 to %u", rule->number,
				nic->interface, rules->queues, rules->queues - 1);
	if (rule->to == IOV_STEER_VF && !(flags & IOV_STEER_VFS_ANEW) && rule->number >= vfs)
		return iov_fail(iov, -ENODEV, "vf %u: %s has %u VFs; 'iov vf create' makes some",
				rule->number, IOV_BDF(nic->bdf), vfs);
	return 0;
}

/* Whether an interface is that of the VF that the frames go to. */
static bool is_of_target(struct iov *iov, const struct nic *nic, const struct iov_steer_rule *rule,
			 const char *interface)
{
	struct iov_bdf of, vf;

	return !iov_interface_function(iov, interface, &of) &&
	       !iov_pci_link(iov, nic->bdf, iov_path("virtfn%u", rule->number).name, &vf) &&
	       !iov_bdf_compare(of, vf);
}

/* Whether the host itself receives such frames: by an address of one of its interfaces, or by any in a VLAN. */
static bool is_for_host(struct iov *iov, const struct nic *nic, const struct iov_steer_rule *rule)
{
	char own[IOV_MAC_TEXT], **names;
	bool found = false;
	size_t count;

	if (rule->to != IOV_STEER_VF)
		return false;
	if (!rule->has_mac)
		return true;
	iov_mac_format(rule->mac, own);
	if (iov_sys_list(iov, IOV_PATH_CLASS_NET, &names, &count))
		return true;
	for (size_t i = 0; !found && i < count; i++) {
		char address[64] = "";

		iov_sys_read(iov, iov_path(IOV_PATH_CLASS_NET "/%s/address", names[i]).name, address,
			     sizeof(address));
		found = !strcasecmp(address, own) && !is_of_target(iov, nic, rule, names[i]);
	}
	iov_names_free(names, count);
	return found || rule->mac[0] & 1;
}

static struct iov_path what_changes(const struct nic *nic, const struct iov_steer_rule *rule)
{
	struct iov_path port = nic->port > 0 ? iov_path("port %d ", nic->port) : iov_path("%s", "");

	return iov_path("%ssteer %s", port.name, match_text(rule).name);
}

static void spare_or_take(struct iov_plan *plan, struct iov_step *step, const struct nic *nic,
			  const struct iov_steer_rule *rule)
{
	if (is_for_host(iov_plan_context(plan), nic, rule))
		iov_plan_take(plan, nic->bdf, iov_path("frames to %s, which this host receives, would go to VF %u",
						       match_text(rule).name, rule->number).name);
	else
		iov_step_spares(step, "frames that the host does not receive go elsewhere");
}

static void add_step(struct iov_plan *plan, const struct nic *nic, const struct iov_steer_rule *now,
		     const struct iov_steer_rule *rule)
{
	struct iov_step *step = iov_plan_step(plan, IOV_BDF(nic->bdf), "lead %s of %s to %s",
					      match_text(rule).name, IOV_BDF(nic->bdf),
					      target_text(rule).name);

	spare_or_take(plan, step, nic, rule);
	if (now)
		iov_step_do(step, iov_op_steer(nic->bdf, nic->port, false, now));
	iov_step_do(step, iov_op_steer(nic->bdf, nic->port, true, rule));
	iov_step_undo(step, iov_op_steer(nic->bdf, nic->port, false, rule));
	if (now)
		iov_step_undo(step, iov_op_steer(nic->bdf, nic->port, true, now));
	iov_step_change(step, what_changes(nic, rule).name, now ? target_text(now).name : NULL,
			target_text(rule).name);
}

/* Whether it takes the rule the driver answers in the end; that it will not can mostly be told before. */
static void note_refusal(struct iov_plan *plan, const struct nic *nic, const struct steer_rules *rules,
			 const struct iov_steer_rule *rule)
{
	if (rule->to == IOV_STEER_VF && rules->flower)
		return;
	if (rules->ntuple == STEER_NTUPLE_NONE)
		iov_plan_note(plan, "%s will most likely refuse: its driver %s has no ntuple filters among its "
			      "features ('ethtool -k %s')", nic->interface, nic->driver, nic->interface);
	else if (rules->ntuple == STEER_NTUPLE_OFF)
		iov_plan_note(plan, "%s may refuse: its ntuple filters are off; 'ethtool -K %s ntuple on' turns "
			      "them on", nic->interface, nic->interface);
}

/* Nothing is known of a NIC that a step before this one changes. */
static int plan_unseen(struct iov_plan *plan, struct iov_bdf bdf, int port,
		       const struct iov_steer_rule *rule)
{
	struct nic nic = { .bdf = bdf, .port = port };

	add_step(plan, &nic, NULL, rule);
	return 0;
}

int iov_steer_plan(struct iov_plan *plan, struct iov_bdf bdf, int port,
		   const struct iov_steer_rule *rule, unsigned int flags)
{
	_cleanup_free_ struct steer_rules *rules = NULL;
	struct iov *iov = iov_plan_context(plan);
	const struct steer_found *found = NULL;
	struct nic nic;
	int error;

	if (flags & IOV_STEER_UNSEEN)
		return plan_unseen(plan, bdf, port, rule);
	error = find_nic(iov, bdf, port, &nic);
	if (!error)
		error = ask_rules(iov, &nic, &rules);
	if (!error)
		error = check_target(iov, &nic, rules, rule, flags);
	if (error)
		return iov_plan_built(plan, error);
	found = find_rule(rules, rule);
	/* Representors go with their VFs, and what leads to them. */
	if (found && found->flower && flags & IOV_STEER_VFS_ANEW)
		found = NULL;
	if (!found || !steer_same_target(&found->rule, rule)) {
		add_step(plan, &nic, found ? &found->rule : NULL, rule);
		note_refusal(plan, &nic, rules, rule);
	}
	return iov_plan_built(plan, 0);
}

int iov_steer_remove_plan(struct iov_plan *plan, struct iov_bdf bdf, int port,
			  const struct iov_steer_rule *rule)
{
	_cleanup_free_ struct steer_rules *rules = NULL;
	struct iov *iov = iov_plan_context(plan);
	const struct steer_found *found = NULL;
	struct iov_step *step;
	struct nic nic;
	int error = find_nic(iov, bdf, port, &nic);

	if (!error)
		error = ask_rules(iov, &nic, &rules);
	if (error)
		return iov_plan_built(plan, error);
	found = find_rule(rules, rule);
	if (!found)
		return iov_plan_built(plan, iov_fail(iov, -ENOENT, "%s has no rule for %s; 'iov steer list %s' "
						     "shows those that it has", IOV_BDF(bdf),
						     match_text(rule).name, IOV_BDF(bdf)));
	step = iov_plan_step(plan, IOV_BDF(bdf), "lead %s of %s nowhere else", match_text(rule).name,
			     IOV_BDF(bdf));
	iov_step_spares(step, "frames go where they went before the rule");
	iov_step_do(step, iov_op_steer(bdf, port, false, &found->rule));
	iov_step_undo(step, iov_op_steer(bdf, port, true, &found->rule));
	iov_step_change(step, what_changes(&nic, rule).name, target_text(&found->rule).name, NULL);
	return iov_plan_built(plan, 0);
}

/* What the kernel answers to a rule, in words. */
static int say_refused(struct iov *iov, const struct nic *nic, const struct iov_steer_rule *rule,
		       bool flower, int error, const char *answer)
{
	if (error == -ENODEV && flower)
		return iov_told(iov, error, "VF %u has no representor at %s", rule->number, nic->interface);
	if (error == -ENOSPC)
		return iov_told(iov, error, "%s has no room for another rule; remove one that is not needed",
				nic->interface);
	if (error == -EAGAIN && !flower)
		return iov_told(iov, error, "driver %s takes rules while %s is up; 'ip link set %s up' first",
				nic->driver, nic->interface, nic->interface);
	if (flower || error == -EPERM)
		return iov_told(iov, error, "%s%s%s", strerror(-error), *answer ? ": " : "", answer);
	if (error == -EOPNOTSUPP)
		return iov_told(iov, error, "this NIC cannot: driver %s has no such rules, or has them off; where it "
				"can, 'ethtool -K %s ntuple on' turns them on", nic->driver, nic->interface);
	if (rule->to == IOV_STEER_VF)
		return iov_told(iov, error, "driver %s takes no such rule (%s): this NIC cannot steer to VFs but "
				"in switchdev mode, if it has that", nic->driver, strerror(-error));
	return iov_told(iov, error, "driver %s takes no such rule (%s): some match an address or a VLAN alone, "
			"and some want 'ethtool -K %s ntuple on'", nic->driver, strerror(-error),
			nic->interface);
}

static int change(struct iov *iov, const struct nic *nic, bool flower, const struct iov_op *op)
{
	const struct iov_steer_rule *rule = &op->steer.rule;
	char answer[256] = "";
	int error;

	iov_sys_asking(iov, "a rule of %s, by %s", nic->interface, flower ? "rtnetlink" : "ethtool");
	if (flower && op->steer.add)
		error = flower_add(iov, nic->interface, rule, answer, sizeof(answer));
	else if (flower)
		error = flower_remove(iov, nic->interface, rule, answer, sizeof(answer));
	else
		error = op->steer.add ? ntuple_add(nic->interface, rule) :
					ntuple_remove(nic->interface, rule);
	return error ? say_refused(iov, nic, rule, flower, error, answer) : 0;
}

/* A rule that is there as it shall be, or gone, is left alone; the result is read back. */
static int run_steer(struct iov *iov, const struct iov_op *op)
{
	_cleanup_free_ struct steer_rules *rules = calloc(1, sizeof(*rules));
	const struct iov_steer_rule *rule = &op->steer.rule;
	const struct steer_found *found;
	struct nic nic;
	bool flower;
	int error;

	if (!rules)
		return iov_fail(iov, -ENOMEM, "out of memory");
	error = find_nic(iov, op->steer.device, op->steer.port, &nic);
	if (!error)
		error = read_rules(iov, &nic, rules);
	if (error)
		return error;
	found = find_rule(rules, rule);
	if (op->steer.add ? found && steer_same_target(&found->rule, rule) :
			    !found || !steer_same_target(&found->rule, rule))
		return 0;
	flower = rule->to == IOV_STEER_VF && flower_applies(iov, nic.interface);
	error = change(iov, &nic, op->steer.add ? flower : found->flower, op);
	if (!error)
		error = read_rules(iov, &nic, rules);
	if (error)
		return error;
	found = find_rule(rules, rule);
	if (op->steer.add == (found && steer_same_target(&found->rule, rule)))
		return 0;
	return iov_fail(iov, -EIO, "the driver took it, but the rule is %sthere", op->steer.add ? "not " : "still ");
}

const struct iov_op_runner steer_runner = { IOV_OP_STEER, run_steer };
