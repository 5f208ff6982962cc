// SPDX-License-Identifier: GPL-2.0-or-later
/* An interface is on others by the lower_* links that bonds, bridges, VLANs and macvlans have. */
#include "base/guard/walk_interface.h"

#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>

#include "base/sysroot/paths.h"

const struct guard guard_bond = { "bond", "its interface is a member of a bond" };
const struct guard guard_team = { "team", "its interface is a member of a team" };
const struct guard guard_bridge = { "bridge", "its interface is a port of a bridge" };
const struct guard guard_ovs = { "ovs", "its interface is a port of Open vSwitch" };
const struct guard guard_vlan = { "vlan", "a VLAN is on its interface" };
const struct guard guard_macvlan = {
	"macvlan", "a macvlan, macvtap or ipvlan is on its interface",
};
const struct guard guard_upper = {
	"upper", "another kind of interface is on its own: vxlan, macsec, vrf",
};

static void visit_lower(struct guard_scan *scan, struct guard_chain *chain, const char *directory,
			const char *name)
{
	(void)directory;
	if (!strncmp(name, "lower_", 6))
		guard_walk_interface(scan, chain, name + 6);
}

/* "00000012 52:54:00:12:34:56 eth0" */
static void walk_session(struct guard_scan *scan, const char *line, const void *argument)
{
	struct guard_chain chain = *(const struct guard_chain *)argument;
	char interface[GUARD_INTERFACE_SIZE];

	if (sscanf(line, "%*x %*s %15s", interface) == 1)
		guard_walk_interface(scan, &chain, interface);
}

/* Which session of PPPoE an interface of PPP has the kernel does not tell, so all count. */
static void walk_ppp(struct guard_scan *scan, struct guard_chain *chain, const char *directory)
{
	int64_t type;

	if (!iov_sys_read_number(scan->iov, iov_path("%s/type", directory).name, &type) &&
	    type == ARPHRD_PPP)
		guard_for_each_line(scan, IOV_PATH_PPPOE, chain, walk_session);
}

/* Follow an interface down to hardware. */
void guard_walk_interface(struct guard_scan *scan, struct guard_chain *chain,
			  const char *interface)
{
	struct iov_path directory = iov_path(IOV_PATH_CLASS_NET "/%s", interface);
	char target[IOV_PATH_MAX];

	if (!guard_may_go_deeper(scan, chain, interface) || !guard_read_link(scan, directory.name, target))
		return;
	chain->names[chain->count++] = interface;
	if (!strstr(target, "/virtual/") || guard_is_asked(scan, target))
		guard_found(scan, chain, target);
	guard_for_each_name(scan, chain, directory.name, visit_lower);
	walk_ppp(scan, chain, directory.name);
	chain->count--;
}

void guard_hold_interface(struct guard_scan *scan, const struct guard *guard, const char *holder,
			  const char *interface)
{
	struct guard_chain chain = { .guard = guard, .holder = holder };

	guard_walk_interface(scan, &chain, interface);
}

bool guard_interface_of_index(struct guard_scan *scan, unsigned int index,
			      char name[GUARD_INTERFACE_SIZE])
{
	bool found = false;
	int64_t number;
	char **names;
	size_t count;
	int error = iov_sys_list(scan->iov, IOV_PATH_CLASS_NET, &names, &count);

	guard_failed(scan, error, "/" IOV_PATH_CLASS_NET);
	for (size_t i = 0; !error && !found && i < count; i++) {
		found = !iov_sys_read_number(scan->iov, iov_path(IOV_PATH_CLASS_NET "/%s/ifindex",
								 names[i]).name, &number) &&
			number == index;
		if (found)
			snprintf(name, GUARD_INTERFACE_SIZE, "%s", names[i]);
	}
	if (!error)
		iov_names_free(names, count);
	return found;
}

bool guard_has_upper(struct guard_scan *scan, const char *interface)
{
	struct iov_path directory = iov_path(IOV_PATH_CLASS_NET "/%s", interface);
	bool found = false;
	char **names;
	size_t count;
	int error = iov_sys_list(scan->iov, directory.name, &names, &count);

	guard_failed(scan, error, iov_path("/%s", directory.name).name);
	if (error)
		return false;
	for (size_t i = 0; i < count; i++)
		found |= !strncmp(names[i], "upper_", 6);
	iov_names_free(names, count);
	return found;
}

/* What rtnetlink and sysfs call the kinds of interfaces. */
static const struct {
	const char *kind;
	const struct guard *guard;
	const char *title;
} kinds[] = {
	{ "bond", &guard_bond, "bond" },
	{ "team", &guard_team, "team" },
	{ "bridge", &guard_bridge, "bridge" },
	{ "openvswitch", &guard_ovs, "Open vSwitch" },
	{ "vlan", &guard_vlan, "VLAN" },
	{ "macvlan", &guard_macvlan, "macvlan" },
	{ "macvtap", &guard_macvlan, "macvtap" },
	{ "ipvlan", &guard_macvlan, "ipvlan" },
	{ "ipvtap", &guard_macvlan, "ipvtap" },
};

static size_t find_kind(const char *kind)
{
	size_t i = 0;

	while (i < sizeof(kinds) / sizeof(*kinds) && strcmp(kinds[i].kind, kind))
		i++;
	return i;
}

const struct guard *guard_of_kind(const char *kind)
{
	size_t i = find_kind(kind);

	return i < sizeof(kinds) / sizeof(*kinds) ? kinds[i].guard : &guard_upper;
}

const char *guard_title_of_kind(const char *kind)
{
	size_t i = find_kind(kind);

	if (i < sizeof(kinds) / sizeof(*kinds))
		return kinds[i].title;
	return *kind ? kind : "interface";
}
