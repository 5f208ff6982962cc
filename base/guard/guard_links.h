/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interfaces as rtnetlink has them, for what sysfs does not say; for the files of base/ alone. */
#ifndef IOV_BASE_GUARD_GUARD_LINKS_H
#define IOV_BASE_GUARD_GUARD_LINKS_H

#include <stddef.h>

#include "base/guard/guard_scan.h"

/**
 * struct guard_link - an interface
 * @index: its number in its network namespace
 * @name: its name there
 * @kind: "macvlan", "vlan", "" for hardware
 * @lower: number of the interface that it is on, 0 for none
 * @lower_nsid: namespace of that interface by its ID in this namespace, -1: the same
 */
struct guard_link {
	unsigned int index;
	char name[GUARD_INTERFACE_SIZE];
	char kind[24];
	unsigned int lower;
	int lower_nsid;
};

struct guard_links {
	struct guard_link *list;
	size_t count;
};

struct nl_sock;

/* All interfaces in the namespace of a socket; -errno. */
int guard_read_links(struct nl_sock *socket, struct guard_links *links);

/* Those of this namespace; none on a recorded tree, which has no netlink. */
void guard_own_links(struct iov *iov, struct guard_links *links);

#endif
