// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guards on interfaces: what is stacked on them. From an interface the way down
 * goes by the lower_* links that bonds, bridges, VLANs and macvlans have.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/guard/guard_links.h"
#include "base/guard/guard_scan.h"
#include "base/sysroot/paths.h"

static struct iov_path net_path(const char *interface, const char *attribute)
{
	return iov_path(IOV_PATH_CLASS_NET "/%s/%s", interface, attribute);
}

/* Follow an interface down to hardware. */
void guard_walk_interface(struct guard_scan *scan, struct guard_chain *chain,
			  const char *interface)
{
	struct iov_path directory = iov_path(IOV_PATH_CLASS_NET "/%s", interface);
	char target[IOV_PATH_MAX];
	char **names;
	size_t count;

	if (chain->count == GUARD_DEPTH ||
	    iov_sys_link(scan->iov, directory.name, target, sizeof(target)))
		return;
	chain->names[chain->count++] = interface;
	if (!strstr(target, "/virtual/"))
		guard_found(scan, chain, target);
	if (!iov_sys_list(scan->iov, directory.name, &names, &count)) {
		for (size_t i = 0; i < count; i++) {
			if (!strncmp(names[i], "lower_", 6))
				guard_walk_interface(scan, chain, names[i] + 6);
		}
		iov_names_free(names, count);
	}
	chain->count--;
}

void guard_hold_interface(struct guard_scan *scan, enum guard guard, const char *holder,
			  const char *interface)
{
	struct guard_chain chain = { .guard = guard, .holder = holder };

	guard_walk_interface(scan, &chain, interface);
}

/* What rtnetlink and sysfs call the kinds of interfaces. */
static const struct {
	const char *kind;
	enum guard guard;
	const char *title;
} kinds[] = {
	{ "bond", GUARD_BOND, "bond" },
	{ "team", GUARD_TEAM, "team" },
	{ "bridge", GUARD_BRIDGE, "bridge" },
	{ "openvswitch", GUARD_OVS, "Open vSwitch" },
	{ "vlan", GUARD_VLAN, "VLAN" },
	{ "macvlan", GUARD_MACVLAN, "macvlan" },
	{ "macvtap", GUARD_MACVLAN, "macvtap" },
	{ "ipvlan", GUARD_MACVLAN, "ipvlan" },
	{ "ipvtap", GUARD_MACVLAN, "ipvtap" },
};

static size_t find_kind(const char *kind)
{
	size_t i = 0;

	while (i < sizeof(kinds) / sizeof(*kinds) && strcmp(kinds[i].kind, kind))
		i++;
	return i;
}

enum guard guard_of_kind(const char *kind)
{
	size_t i = find_kind(kind);

	return i < sizeof(kinds) / sizeof(*kinds) ? kinds[i].guard : GUARD_UPPER;
}

const char *guard_title_of_kind(const char *kind)
{
	size_t i = find_kind(kind);

	if (i < sizeof(kinds) / sizeof(*kinds))
		return kinds[i].title;
	return *kind ? kind : "interface";
}

/* Sysfs knows some kinds, rtnetlink all, and a recorded tree has no rtnetlink. */
static void kind_of(struct guard_scan *scan, const struct guard_links *links,
		    const char *interface, char *kind, size_t size)
{
	char uevent[256];

	kind[0] = '\0';
	for (size_t i = 0; i < links->count; i++) {
		if (!strcmp(links->list[i].name, interface)) {
			snprintf(kind, size, "%s", links->list[i].kind);
			return;
		}
	}
	if (!iov_sys_read(scan->iov, net_path(interface, "uevent").name, uevent, sizeof(uevent)) &&
	    sscanf(uevent, "DEVTYPE=%23s", kind) == 1)
		return;
	if (iov_sys_exists(scan->iov, net_path(interface, "macvtap").name))
		snprintf(kind, size, "macvtap");
	else if (!strcmp(interface, "ovs-system"))
		snprintf(kind, size, "openvswitch");
}

/* An interface on others, unless one of the same kind is on it in turn. */
static void scan_interface(struct guard_scan *scan, const struct guard_links *links,
			   const char *interface)
{
	bool is_upper = false, is_top = true;
	char kind[24], upper[24], holder[64];
	char **names;
	size_t count;

	if (iov_sys_list(scan->iov, net_path(interface, "").name, &names, &count))
		return;
	kind_of(scan, links, interface, kind, sizeof(kind));
	for (size_t i = 0; i < count; i++) {
		is_upper |= !strncmp(names[i], "lower_", 6);
		if (strncmp(names[i], "upper_", 6))
			continue;
		kind_of(scan, links, names[i] + 6, upper, sizeof(upper));
		is_top &= guard_of_kind(upper) != guard_of_kind(kind);
	}
	iov_names_free(names, count);
	if (!is_upper || !is_top)
		return;
	snprintf(holder, sizeof(holder), "%s %s", guard_title_of_kind(kind), interface);
	guard_hold_interface(scan, guard_of_kind(kind), holder, interface);
}

static void scan_uppers(struct guard_scan *scan)
{
	struct guard_links links;
	char **names;
	size_t count;

	if (iov_sys_list(scan->iov, IOV_PATH_CLASS_NET, &names, &count))
		return;
	guard_own_links(scan->iov, &links);
	for (size_t i = 0; i < count; i++)
		scan_interface(scan, &links, names[i]);
	free(links.list);
	iov_names_free(names, count);
}

int guard_scan_net(struct guard_scan *scan)
{
	struct guard_addresses addresses = { 0 };
	struct guard_routes routes = { 0 };
	int error = guard_read_routes(scan->iov, &routes);

	if (!error)
		error = guard_read_addresses(scan->iov, &routes, &addresses);
	if (!error) {
		guard_scan_routes(scan, &routes, &addresses);
		guard_scan_addresses(scan, &addresses);
		scan_uppers(scan);
	}
	free(addresses.list);
	free(routes.list);
	return error;
}
