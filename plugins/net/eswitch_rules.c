// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * When drivers change the mode of their switch. What the kernel answers otherwise names no way out,
 * and comes after other steps were made; so it is judged when a plan is built. From the drivers'
 * source; only netdevsim's was tried.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/pci/interface.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "plugins/net/nic.h"

#define SWITCHDEV "switchdev"

/**
 * struct driver_rule - a driver
 * @name: its name
 * @vfs: what it wants of VFs
 * @since: from this version of the kernel on @then, {0} for no such version
 * @then: what it wants from @since on
 * @up: the PF's interface is up
 * @fixed: the firmware has the mode, and nobody changes it
 * @reason: in words
 */
static const struct driver_rule {
	const char *name;
	enum iov_eswitch_vfs vfs;
	unsigned int since[2];
	enum iov_eswitch_vfs then;
	bool up;
	bool fixed;
	const char *reason;
} rules[] = {
	{ "ice", IOV_ESWITCH_NONE, .reason = "ice changes the mode while there are no VFs" },
	{ "bnxt_en", IOV_ESWITCH_FIRST, .since = { 6, 4 }, .then = IOV_ESWITCH_ANY, .up = true,
	  .reason = "bnxt_en before Linux 6.4 becomes a switch while there are VFs" },
	{ "mlx5_core", IOV_ESWITCH_UNBOUND, .reason = "mlx5_core changes the mode while no VF has a driver" },
	{ "nfp", IOV_ESWITCH_NONE, .fixed = true, .reason = "nfp has the mode of its firmware application" },
	{ "netdevsim", IOV_ESWITCH_ANY, .reason = "netdevsim changes the mode with and without VFs" },
	{ NULL, IOV_ESWITCH_NONE, .reason = "when this driver changes the mode is not known here; without VFs "
	  "all of them do" },
};

static const struct driver_rule *rule_of(struct iov *iov, struct iov_bdf bdf)
{
	const struct driver_rule *rule = rules;
	char driver[64] = "";

	iov_pci_driver(iov, bdf, driver, sizeof(driver));
	while (rule->name && strcmp(rule->name, driver))
		rule++;
	return rule;
}

/* Whether the kernel that runs is that old, or newer. */
static bool is_since(struct iov *iov, const unsigned int since[2])
{
	unsigned int major = 0, minor = 0;
	char release[128] = "";

	iov_sys_read(iov, IOV_PATH_RELEASE, release, sizeof(release));
	return since[0] && sscanf(release, "%u.%u", &major, &minor) == 2 &&
	       (major > since[0] || (major == since[0] && minor >= since[1]));
}

static enum iov_eswitch_vfs wanted(struct iov *iov, const struct driver_rule *rule)
{
	return is_since(iov, rule->since) ? rule->then : rule->vfs;
}

enum iov_eswitch_vfs iov_eswitch_wants(struct iov *iov, struct iov_bdf bdf, const char **reason)
{
	const struct driver_rule *rule = rule_of(iov, bdf);

	if (reason)
		*reason = is_since(iov, rule->since) ? "the driver changes the mode with and without VFs" :
						       rule->reason;
	return wanted(iov, rule);
}

static bool has_driver(struct iov *iov, struct iov_bdf pf, unsigned int index, struct iov_bdf *vf)
{
	char driver[64] = "";

	return !iov_pci_link(iov, pf, iov_path("virtfn%u", index).name, vf) &&
	       !iov_pci_driver(iov, *vf, driver, sizeof(driver)) && *driver;
}

static int judge_bound(struct iov *iov, struct iov_bdf bdf, const char *reason, unsigned int count)
{
	struct iov_bdf vf;

	for (unsigned int i = 0; i < count; i++) {
		if (has_driver(iov, bdf, i, &vf))
			return iov_fail(iov, -EBUSY, "%s: %s, and VF %u (%s) has one; take it away first: "
					"iov bind %s/vf0-%u --driver none", IOV_BDF(bdf), reason, i, IOV_BDF(vf),
					IOV_BDF(bdf), count - 1);
	}
	return 0;
}

static int judge_vfs(struct iov *iov, struct iov_bdf bdf, const struct driver_rule *rule,
		     const char *mode, unsigned int count)
{
	switch (wanted(iov, rule)) {
	case IOV_ESWITCH_ANY:
		return 0;
	case IOV_ESWITCH_NONE:
		return !count ? 0 : iov_fail(iov, -EBUSY, "%s: %s, and it has %u; remove them first: iov vf "
					     "remove %s", IOV_BDF(bdf), rule->reason, count, IOV_BDF(bdf));
	case IOV_ESWITCH_UNBOUND:
		return judge_bound(iov, bdf, rule->reason, count);
	case IOV_ESWITCH_FIRST:
		return count || strcmp(mode, SWITCHDEV) ? 0 :
		       iov_fail(iov, -EPERM, "%s: %s, and there is none; make them first: iov vf create %s --count N",
				IOV_BDF(bdf), rule->reason, IOV_BDF(bdf));
	}
	return 0;
}

/* IFF_UP is the lowest bit. */
static int judge_up(struct iov *iov, struct iov_bdf bdf)
{
	char name[IOV_INTERFACE_SIZE], flags[32] = "";
	unsigned int bits = 0;

	if (iov_interface_of(iov, bdf, -1, name))
		return 0;
	iov_sys_read(iov, iov_path(IOV_PATH_CLASS_NET "/%s/flags", name).name, flags, sizeof(flags));
	if (sscanf(flags, "%x", &bits) != 1 || bits & 1)
		return 0;
	return iov_fail(iov, -ENETDOWN, "%s: its driver wants the PF's interface up, and %s is down; "
			"'ip link set %s up' first", IOV_BDF(bdf), name, name);
}

/* How many VFs there are when the mode changes; of those that come, some. */
static unsigned int count_then(struct iov *iov, struct iov_bdf bdf, unsigned int flags)
{
	if (flags & IOV_NIC_VFS_COME)
		return 1;
	return flags & IOV_NIC_VFS_GONE ? 0 : iov_pci_vf_count(iov, bdf);
}

int iov_eswitch_judge(struct iov *iov, struct iov_bdf bdf, const char *mode, unsigned int flags)
{
	const struct driver_rule *rule = rule_of(iov, bdf);
	int error;

	if (rule->fixed)
		return iov_fail(iov, -EPERM, "%s: %s, and nobody changes it; load other firmware", IOV_BDF(bdf),
				rule->reason);
	error = judge_vfs(iov, bdf, rule, mode, count_then(iov, bdf, flags));
	return error || !rule->up ? error : judge_up(iov, bdf);
}
