// SPDX-License-Identifier: GPL-2.0-or-later
/* The guards on interfaces that are stacked on others: bonds, bridges, VLANs and their like. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/guard/links.h"
#include "base/guard/scans.h"
#include "base/guard/walk_interface.h"
#include "base/sysroot/paths.h"

static struct iov_path net_path(const char *interface, const char *attribute)
{
	return iov_path(IOV_PATH_CLASS_NET "/%s/%s", interface, attribute);
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
	int error = iov_sys_list(scan->iov, net_path(interface, "").name, &names, &count);

	/* "bonding_masters" is a file beside the interfaces. */
	if (error == -ENOTDIR)
		return;
	guard_failed(scan, error, iov_path("/%s", net_path(interface, "").name).name);
	if (error)
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

static void scan(struct guard_scan *scan)
{
	char **names;
	size_t count;
	int error = iov_sys_list(scan->iov, IOV_PATH_CLASS_NET, &names, &count);

	guard_failed(scan, error, "/" IOV_PATH_CLASS_NET);
	if (error)
		return;
	for (size_t i = 0; i < count; i++)
		scan_interface(scan, guard_own_links(scan), names[i]);
	iov_names_free(names, count);
}

const struct guard_kind scan_upper = {
	.guards = (const struct guard *const[]){
		&guard_bond, &guard_team, &guard_bridge, &guard_ovs, &guard_vlan, &guard_macvlan,
		&guard_upper, NULL,
	},
	.network = true,
	.scan = scan,
};
